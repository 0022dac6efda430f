"""A run of watch: open what reads, take in files, follow a folder, sum up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from experiments.reporting.language import ENGLISH, Language
from experiments.session.run import Run
from experiments.session.scorer_request import ScorerRequest
from experiments.session.sources import shown
from experiments.watch.delivery import Deliverer
from experiments.watch.follow import follow
from experiments.watch.job import Watch, summary
from experiments.watch.opened import Opened
from experiments.watch.parts import open_gatherers, open_parts
from experiments.watch.reading import Intake
from experiments.watch.state import FOLDER, WatchedFile, open_state
from features.encoders.cache.file import Tell
from features.encoders.threads import use_threads
from features.tables.reader import ReadOptions
from fusion.text_encoder import VectorCache
from fusion.watch.alerts import Alert
from fusion.watch.periods import PeriodKind
from fusion.watch.rules import load_rules


@dataclass(frozen=True)
class WatchRequest:
    """What a run of watch is asked for.

    Attributes:
        model: The bundle; None: texts alone are watched.
        schema: Of texts that are watched without a model, a file or a shipped one; None: the model's.
        data: Files to take in.
        references: Files of usual rows; none: what the bundle knows of its training rows.
        follow: Folder in which files arrive; None: the run ends after ``data``.
        out: Folder of the watch.
        period: What rows are gathered by.
        since: First day of decision that is watched; None: all.
        until: Last one; None: all.
        rules: File of the rules of alarms; None: the shipped ones.
        policy: File of the policy that decides; None: the bundle's.
        second: Second models, as they were named.
        quote: Whether flags may quote narratives.
        force: Whether the state of another watch is replaced.
        encoder: Where the text encoder lies; None: where training found it.
        sources: Further sources, as they were named.
        options: How the data are read.
        vectors: Opens the cache of narratives' vectors.
        threads: Processor threads; 0: as many as there are.
        language: Of the page.
    """

    model: Path | None
    schema: str | None
    data: tuple[Path, ...]
    references: tuple[Path, ...]
    follow: Path | None
    out: Path
    period: PeriodKind
    since: date | None
    until: date | None
    rules: Path | None
    policy: Path | None
    second: tuple[str, ...]
    quote: bool
    force: bool
    encoder: str | None
    sources: tuple[str, ...]
    options: ReadOptions
    vectors: Callable[[Tell], VectorCache | None]
    threads: int
    language: Language = ENGLISH

    def __post_init__(self) -> None:
        """Raise ContractError for what does not go together."""
        if (self.model is None) == (self.schema is None):
            raise ContractError("a watch is one of --model or of --schema", "Give one of them.")
        if not self.data and self.follow is None:
            raise ContractError("no file is named", "Name at least one with --data, or a folder with --follow.")
        if self.since is not None and self.until is not None and self.until < self.since:
            raise ContractError("--until is before --since, so no day is left", "Name a later day with --until.")

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {
            "model": self.model,
            "schema": self.schema,
            "data": list(self.data) or None,
            "out": self.out,
            "rules": self.rules,
            "reference": list(self.references) or None,
            "period": self.period,
            "since": self.since,
            "until": self.until,
            "policy": self.policy,
            "second": list(self.second) or None,
            "sources": shown(self.sources),
            "quote": self.quote,
            "language": self.language.code,
        }


@dataclass(frozen=True)
class Ended:
    """What a run of watch ends with.

    Attributes:
        alerts: Those that no earlier run has ended with.
        taken: Files that the run took in or refused.
    """

    alerts: Sequence[Alert]
    taken: Sequence[WatchedFile]


def watch_as_requested(request: WatchRequest, today: Callable[[], date], json_output: bool) -> Ended:
    """Watch what is asked for and print the summary; ``today`` is the day on the page.

    Raises ContractError for rules, models or a state that do not fit, and as ``Watch`` does.
    """
    rules = load_rules(request.rules)
    deliverer = Deliverer(rules)
    with Run.start("watch", request.out / "watch", request.logged, json_output) as run:
        with run.timed("load"):
            use_threads(request.threads)
            opened = _opened(request, run)
            intake = Intake(
                opened,
                open_parts(opened),
                open_gatherers(rules, request.out / FOLDER),
                request.period,
                replace(request.options, passthrough=rules.copies.columns),
                request.sources,
                request.since,
                request.until,
                threads=request.threads,
            )
        state = run.hold(open_state(request.out, request.force))
        watch = Watch(intake, rules, state, request.out, run, deliverer, request.language)
        watch.check_identity(request.references)
        watch.take_references(request.references)
        watch.take_all(request.data, today())
        if request.follow is not None:
            follow(watch, request.follow, today)
        alerts = state.unreported()
        run.finish({"out": request.out, **summary(watch, alerts)})
        state.report(alerts)
    return Ended(alerts, watch.taken)


def _opened(request: WatchRequest, run: Run) -> Opened:
    """The model with its second models, or what reads texts without one."""
    if request.model is None:
        vectors = request.vectors(run.note)
        return Opened.of_texts(load_schema(str(request.schema)), request.encoder, vectors, request.quote)
    model = ScorerRequest(
        request.model, request.encoder, request.policy, request.second, request.vectors, request.threads
    )
    return Opened.of_model(*model.load(run.note), request.quote)
