"""A watch: files into the state, signals and alerts out of it, and what people and programs read of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from data_schemas.errors import RunError, UserError
from experiments.reporting.html import document_html
from experiments.reporting.language import ENGLISH, Language, speaking
from experiments.session.run import Run
from experiments.session.standard_streams import as_named
from experiments.watch.delivery import Deliverer
from experiments.watch.opinion import with_opinion
from experiments.watch.outputs import write_outputs
from experiments.watch.page import watch_page
from experiments.watch.reading import Intake, file_name, storable, take_in
from experiments.watch.settling import Settler
from experiments.watch.state import FORMAT, State, WatchedFile
from features.atomic_files import put_text
from features.tables.csv_records import file_sha256
from fusion.watch.alerts import Alert
from fusion.watch.opinion import NAME as OPINION
from fusion.watch.rules import Rules

PAGE = "watch"


@dataclass
class Watch:
    """A watch under way.

    Attributes:
        intake: how files are read.
        rules: of alarms.
        state: what is remembered between runs.
        out: the folder that is written to.
        run: the run that does it.
        deliverer: of alerts.
        language: of the page.
        taken: files that this run took in or refused.
        known: files that an earlier run had taken in.
    """

    intake: Intake
    rules: Rules
    state: State
    out: Path
    run: Run
    deliverer: Deliverer
    language: Language = ENGLISH
    taken: list[WatchedFile] = field(default_factory=list)
    known: int = 0
    _is_written: bool = False

    def __post_init__(self) -> None:
        self._settler = Settler(self.intake.parts, self.intake.gatherers, self.rules, self.intake.opened.quote)

    def check_identity(self, references: Sequence[Path]) -> None:
        """Raise ContractError where the state is that of another watch."""
        opened = self.intake.opened
        scorer = opened.scorer
        policy = scorer.lenders_policy if scorer is not None else None
        digests = [file_sha256(path) for path in references]
        copies = self.rules.copies
        self.state.check_identity(
            {
                "format": FORMAT,
                "model": opened.model_id,
                "schema": opened.schema.digest[:12],
                "text encoder, precision or processor": opened.encoder.text_encoder.digest[:12],
                "policy": policy.digest[:12] if policy is not None else "its own",
                "second models": opened.seconds.identity,
                "period": self.intake.kind,
                "reference": ", ".join(digest[:12] for digest in digests) or "training rows",
                "copies": f"{', '.join(copies.columns) or 'no column'}, {copies.days} days",
            }
        )

    def take_references(self, files: Sequence[Path]) -> None:
        """Read files of usual rows, those that are not known yet; raises as ``take_in`` does."""
        for path in files:
            self._open_opinion(path)
            take_in(self.intake, path, "reference", self.state, self.run)

    def take(self, path: Path) -> None:
        """Read a file; raises as ``take_in`` does."""
        self._open_opinion(path)
        file = take_in(self.intake, path, "data", self.state, self.run)
        if file is None:
            self.known += 1
            self.run.note(f"{path.name}: watched before, left out", {"known": path.name})
        else:
            self.taken.append(file)

    def _open_opinion(self, path: Path | None) -> None:
        """Watch opinion from now on, with what the state has learned, or else with topics of this file."""
        if self.intake.has_part(OPINION):
            return
        self.intake = with_opinion(self.intake, self.state, self.run, path)
        self._settler.parts = self.intake.parts

    def take_all(self, files: Sequence[Path], today: date) -> None:
        """Read files and find what follows from them, also where one of them cannot be read; raises as ``take``."""
        try:
            for path in files:
                self.take(path)
        except UserError:
            self.settle(today)
            raise
        self.settle(today)

    def take_or_refuse(self, path: Path) -> None:
        """Read a file, or note why it cannot be read; raises RunError where that may be the fault of a source."""
        try:
            self.take(path)
        except UserError as error:
            if isinstance(error, RunError) and self.intake.sources:
                raise
            why = storable(as_named(error.message))
            name = file_name(path)
            self.run.note(f"{name} is refused: {why}. {as_named(error.remedy)}", {"refused": name})
            try:
                file = WatchedFile(name, file_sha256(path), refused=why)
            except UserError:
                return  # it has gone
            with self.state.transaction():
                self.state.add_file("data", file)
            self.taken.append(file)
            self._is_written = False

    def settle(self, today: date) -> bool:
        """Find what follows from the files, write and deliver it; returns whether there was anything new."""
        self._open_opinion(None)
        with speaking(self.language):  # what looks across files makes its chapter at once
            is_new = self._settler.settle(self.state, today, self.run)
        if not is_new and self._is_written:
            return False
        with self.run.timed("write"):
            write_outputs(self.state, self.out, self.intake.opened.quote)
        with self.run.timed("page"), speaking(self.language):
            parts, chapters = self.intake.parts, tuple(self._settler.chapters.values())
            page = watch_page(self.intake.opened, parts, chapters, self.rules, self.state, today)
            put_text(self.out / f"{PAGE}.json", page.model_dump_json() + "\n")
            put_text(self.out / f"{PAGE}.html", document_html(page))
        self._is_written = True
        self.deliverer.deliver(self.state, self.run)
        return True


def summary(watch: Watch, alerts: Sequence[Alert]) -> dict[str, object]:
    """The counts of a run, for reading and for ``--json``; alerts: those that it ends with."""
    read = [file for file in watch.taken if not file.refused]
    rejected = sum((Counter(file.rejected) for file in read), Counter[str]())
    return {
        "files": len(read),
        "files_known": watch.known,
        "files_refused": len(watch.taken) - len(read),
        "rows": sum(file.rows for file in read),
        "watched": sum(file.watched for file in read),
        "left_out": sum(file.left_out for file in read),
        "rejected": rejected.total(),
        "rejected_by_rule": dict(rejected),
        "periods": len(watch.state.periods()),
        "warnings": sum(alert.grade == "warn" for alert in alerts),
        "alarms": sum(alert.grade == "alarm" for alert in alerts),
    }
