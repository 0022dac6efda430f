"""The further sources of a run: joined with its applications, and what was found of their records said and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from data_schemas.contract import Schema
from data_schemas.errors import UnlikeTrainingError
from experiments.session.interrupts import terminated_as_interrupted
from experiments.session.progress import Advance
from experiments.session.run import Run
from experiments.session.run_log import LOG
from features.sources.join import join_sources
from features.sources.joined import JoinedSources
from features.sources.locations import masked, parse_locations
from features.sources.report import SourceReport
from features.tables.csv_records import data_digest
from features.tables.reader import ReadOptions

REJECTS = ".source_rejects.csv"


def shown(given: Sequence[str] | None) -> list[str]:
    """Sources as ``--source`` names them, without passwords."""
    return [masked(one) for one in given or ()]


def with_sources(
    run: Run,
    files: Sequence[Path],
    schema: Schema,
    given: Sequence[str],
    options: ReadOptions,
    *,
    threads: int = 0,
    strict: bool = False,
    label: str = "",
) -> ReadOptions:
    """Reading options by which the files are read together with the schema's sources.

    What is joined lies in a temporary folder until the run ends, also by SIGTERM. What was found of each source is
    shown, and its counts are logged; records that break their contract go to ``OUT.source_rejects.csv``.

    Args:
        given: each source as ``--source`` names it.
        threads: of the join; 0: as many as there are cores.
        strict: whether a source that is not given, whose keys are written otherwise than those of the applications, or
            that has no record for any of them ends the run.
        label: tells apart the schemas of a run that has several, in notes and in the name of the rejects.

    Raises:
        ContractError: for sources that the schema does not name, or that do not fit it.
        RunError: for sources that cannot be read.
        UnlikeTrainingError: with ``strict``.
    """
    locations = parse_locations(given, schema)
    remove_rejects(run, label)
    if not schema.sources:
        return options
    run.hold(terminated_as_interrupted())
    with run.progress("join", unit="records") as advance, run.timed("join"):
        joined = run.hold(
            join_sources(files, schema, locations, options, threads=threads, on_progress=_advancing(advance))
        )
    whose = f"{label}: " if label else ""
    for report in joined.reports:
        run.note(f"{whose}{_in_words(report)}", {"source": counts(report)})
        for finding in report.findings:
            run.show(f"{whose}{finding}")
    _write_rejects(run, joined, label)
    doubtful = [report.source for report in joined.reports if report.is_doubtful]
    if strict and doubtful:
        what = f"the records of {', '.join(doubtful)} do not reach these applications"
        raise UnlikeTrainingError(what, "Look at the findings above, or leave --strict out.")
    return replace(options, joined=joined)


def counts(report: SourceReport) -> dict[str, object]:
    """What a log may hold of a report: counts and places, and nothing that stands in a cell."""
    near = report.near_keys
    kept = {name: value for name, value in asdict(report).items() if name not in ("orphan_keys", "version_id")}
    return kept | {
        "first_rejects": [{"row": row, "column": name, "rule": rule} for row, name, rule, _ in report.first_rejects],
        "orphan_rows": [row for _, row in report.orphan_keys],
        "near_keys": {"n_records": near.n_records, "how": near.how} if near else None,
    }


def all_counts(options: ReadOptions) -> list[dict[str, object]]:
    """The counts of every source that is joined by these options."""
    return [counts(one) for one in options.joined.reports] if isinstance(options.joined, JoinedSources) else []


def remove_rejects(run: Run, label: str = "") -> None:
    """Remove the rejected records of an earlier run."""
    if path := _rejects_path(run, label):
        path.unlink(missing_ok=True)


def _write_rejects(run: Run, joined: JoinedSources, label: str) -> None:
    n = sum(report.n_rejected for report in joined.reports)
    path = _rejects_path(run, label)
    if n and path:
        joined.write_rejects(path)
        run.note(f"{n:,} rejected records of sources: {path}", {"source_rejects": path, "n_rejected": n})


def _rejects_path(run: Run, label: str) -> Path | None:
    if run.log.path is None:
        return None
    part = f".{label}" if label else ""
    return run.log.path.with_name(run.log.path.name.removesuffix(LOG) + part + REJECTS)


def _advancing(advance: Advance) -> Callable[[str, int], None]:
    """From the rows of each table so far to more rows in all."""
    so_far: dict[str, int] = {}

    def on_progress(table: str, n_rows: int) -> None:
        advance(n_rows - so_far.get(table, 0))
        so_far[table] = n_rows

    return on_progress


def input_digest(files: Sequence[Path], options: ReadOptions) -> str:
    """Names the files' bytes and, where sources are joined with them, what is made of their records.

    Raises RunError for a file that cannot be read.
    """
    digest = data_digest(files)
    if options.joined is None:
        return digest
    return hashlib.sha256(f"{digest} {options.joined.digest}".encode()).hexdigest()


def _in_words(report: SourceReport) -> str:
    if not report.location:
        return f"source {report.source}: not given"
    matched = report.n_applications - report.n_without_record
    return (
        f"source {report.source}: {report.n_read:,} records of {report.location}; {matched:,} of "
        f"{report.n_applications:,} applications have one that was known at the decision"
    )
