"""Reading a file of a watch: checked, scored, cut into batches of one period, and given to every part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from data_schemas.errors import ContractError, RunError
from experiments.session.fingerprint import InputFingerprint, fingerprint
from experiments.session.layouts import note_layouts
from experiments.session.progress import advance_to
from experiments.session.run import Run
from experiments.session.second_models import SecondReading
from experiments.session.sources import with_sources
from experiments.watch.gathering import Gatherer
from experiments.watch.opened import Opened
from experiments.watch.parts import PartWithChapter
from experiments.watch.state import Role, State, WatchedFile
from features.arrays import Flags
from features.encoders.vectors import Progress
from features.tables.applications import Applications, Chunk
from features.tables.csv_records import file_sha256
from features.tables.reader import ReadOptions, read_chunks
from fusion.monitor import Monitor
from fusion.watch.part import Batch
from fusion.watch.periods import PeriodKind, period_names, rows_by_period
from fusion.watch.signals import Flag

_Profiles = dict[str, dict[str, Any]]
"""Of a file, by period ("" for those of the reference) and part."""


@dataclass(frozen=True)
class Intake:
    """How files are read.

    Attributes:
        opened: what reads and scores them.
        parts: what is kept of them.
        gatherers: what looks across them.
        kind: of periods.
        options: of tables.
        sources: each as ``--source`` names it.
        since: first day of decision that is watched; None for all.
        until: last one.
        threads: of the join of sources.
    """

    opened: Opened
    parts: Sequence[PartWithChapter[Any]]
    gatherers: Sequence[Gatherer]
    kind: PeriodKind
    options: ReadOptions = field(default_factory=ReadOptions)
    sources: Sequence[str] = ()
    since: date | None = None
    until: date | None = None
    threads: int = 0

    def has_part(self, name: str) -> bool:
        """Whether a part of this name is kept."""
        return any(one.part.name == name for one in self.parts)


def take_in(intake: Intake, path: Path, role: Role, state: State, run: Run) -> WatchedFile | None:
    """Read a file into the state, in one transaction; None where the state knows its bytes already.

    Raises what reading and scoring raise, and RunError where the file is changed meanwhile; nothing of it is kept then.
    """
    with run.timed("fingerprint"):
        before = fingerprint(path)
    if state.knows(role, before.sha256):
        return None
    gatherers = intake.gatherers if role == "data" else ()
    try:
        with state.transaction():
            file = _read(intake, path, role, before, state, run)
            for gatherer in gatherers:
                with run.timed(gatherer.name):
                    gatherer.keep(before.sha256)
            state.add_file(role, file)
    except BaseException:
        for gatherer in gatherers:
            gatherer.drop()
        raise
    return file


def file_name(path: Path) -> str:
    """The name of a file without its folders, as it is kept and shown."""
    return storable(path.name)


def storable(text: str) -> str:
    """A text that UTF-8 can carry; bytes of a file's name that could not be decoded become ?."""
    return text.encode(errors="replace").decode()


def _read(intake: Intake, path: Path, role: Role, before: InputFingerprint, state: State, run: Run) -> WatchedFile:
    schema, profiles = intake.opened.schema, _Profiles()
    rows, watched, rejected = 0, 0, Counter[str]()
    narratives, name = [one.name for one in schema.narratives], file_name(path)
    with run.scope():
        options = with_sources(run, [path], schema, intake.sources, intake.options, threads=intake.threads)
        note_layouts(run, [path], schema, options)
        with run.progress(path.name, before.about_rows) as advance, run.progress("encode", unit="texts") as on_text:
            seconds = intake.opened.seconds.open(path, options)
            for chunk in run.timed_each("read", read_chunks(path, schema, options)):
                rows += chunk.n_rows
                rejected.update(chunk.rejects.frame["rule"])
                if role == "data":
                    state.add_rejects(name, chunk.rejects, narratives)
                for batch in _batches(intake, chunk, seconds, name, run, advance_to(on_text)):
                    watched += len(batch)
                    _observe(intake, batch, role, profiles, state, run)
                advance(chunk.n_rows)
    _check_unchanged(path, before)
    with run.timed("keep"):
        _keep(intake, role, profiles, state)
    left_out = rows - watched - rejected.total()
    return WatchedFile(name, before.sha256, rows, watched, left_out, dict(rejected))


def _batches(
    intake: Intake, chunk: Chunk, seconds: SecondReading, file: str, run: Run, on_texts: Progress
) -> Iterator[Batch]:
    """The rows of a chunk that are watched, those of one period in a batch."""
    applications = chunk.applications
    dates = applications.decision_date()
    kept, beside = _watched_days(intake, applications), dict(chunk.passthrough)
    if not kept.all():
        applications = applications.take(kept)
        beside = {name: cells[kept] for name, cells in beside.items()}
        dates = dates[kept] if dates is not None else None
    if not len(applications):
        return
    with run.timed("second models"):
        others = seconds.beside(applications.row_number, Monitor(on_texts=on_texts))
    whole = replace(intake.opened.read(file, file, applications, run.timed, on_texts, others), beside=beside)
    if dates is None:
        yield whole
        return
    for period, index in rows_by_period(period_names(dates, intake.kind)):
        yield whole.take(period, index)


def _watched_days(intake: Intake, applications: Applications) -> Flags:
    """bool (n,): rows decided within the days that are asked for; all where none are.

    Raises ContractError where days are asked for and the file has none.
    """
    if intake.since is None and intake.until is None:
        return np.ones(len(applications), np.bool_)
    dates = applications.decision_date()
    if dates is None:
        what = f"--since and --until need decision dates, which schema {applications.schema.name!r} or the file lacks"
        raise ContractError(what, "Give one field the role decision_date, or leave both out.")
    days = dates.astype("datetime64[D]")
    kept: Flags = ~np.isnat(days)
    if intake.since is not None:
        kept &= days >= np.datetime64(intake.since, "D")
    if intake.until is not None:
        kept &= days <= np.datetime64(intake.until, "D")
    return kept


def _observe(intake: Intake, batch: Batch, role: Role, profiles: _Profiles, state: State, run: Run) -> None:
    """Add a batch to the profiles of its period, and keep its flags."""
    own = profiles.setdefault(batch.period if role == "data" else "", {})
    for part in (one.part for one in intake.parts):
        with run.timed(part.name):
            observation = part.observe(batch)
            own[part.name] = part.add(own[part.name], observation.profile) if part.name in own else observation.profile
            if role == "data":
                state.add_flags(part.name, quoted(observation.flags, intake.opened.quote))
    if role == "data":
        for gatherer in intake.gatherers:
            with run.timed(gatherer.name):
                gatherer.observe(batch)


def quoted(flags: Sequence[Flag], quote: bool) -> Sequence[Flag]:
    """Flags with their quotes, or without."""
    return flags if quote else [replace(flag, quote="") for flag in flags]


def _keep(intake: Intake, role: Role, profiles: _Profiles, state: State) -> None:
    """Add the profiles of a file to those of the state."""
    parts = {one.part.name: one.part for one in intake.parts}
    for period, own in profiles.items():
        for name, profile in own.items():
            part, kept = parts[name], state.profile(role, period, name)
            whole = profile if kept is None else part.add(part.from_json(kept), profile)
            state.put_profile(role, period, name, part.to_json(whole))
        if role == "data":
            state.add_period(period)


def _check_unchanged(path: Path, before: InputFingerprint) -> None:
    """Raise RunError when the file holds other bytes than before; another time of change alone is none."""
    remedy = "Watch it again once nothing writes to it any more."
    try:
        status = path.stat()
    except OSError as error:
        raise RunError(f"{path} vanished while it was read", remedy) from error
    touched = (status.st_size, status.st_mtime_ns) != (before.size, before.mtime_ns)
    if touched and file_sha256(path) != before.sha256:
        raise RunError(f"{path} was changed while it was read", remedy)
