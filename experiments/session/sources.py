"""The further sources of a run: joined with its applications, and what was found of their records said and kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from data_schemas.contract import Schema
from data_schemas.errors import UnlikeTrainingError
from experiments.session.progress import Advance
from experiments.session.run import Run
from experiments.session.run_log import LOG
from features.sources.join import join_sources
from features.sources.locations import parse_locations
from features.sources.report import SourceReport
from features.tables.csv_records import data_digest
from features.tables.reader import ReadOptions

REJECTS = ".source_rejects.csv"

_PASSWORD = re.compile(r"(://[^:/@]*):[^@/]*@")


def shown(given: Sequence[str]) -> list[str]:
    """Sources as ``--source`` names them, without passwords."""
    return [_PASSWORD.sub(r"\1@", one) for one in given]


def with_sources(
    run: Run,
    files: Sequence[Path],
    schema: Schema,
    given: Sequence[str],
    options: ReadOptions,
    *,
    strict: bool = False,
) -> ReadOptions:
    """Reading options by which the files are read together with the schema's sources.

    What is joined lies in a temporary folder until the run ends. What was found of each source is shown and logged;
    records that break their contract go to ``OUT.source_rejects.csv``.

    Args:
        given: each source as ``--source`` names it.
        strict: whether a source that is not given, whose keys are written otherwise than those of the applications, or
            that has no record for any of them ends the run.

    Raises:
        ContractError: for sources that the schema does not name, or that do not fit it.
        RunError: for sources that cannot be read.
        UnlikeTrainingError: with ``strict``.
    """
    locations = parse_locations(given, schema)
    if not schema.sources:
        return options
    with run.progress("join", unit="records") as advance, run.timed("join"):
        joined = run.hold(join_sources(files, schema, locations, options, on_progress=_advancing(advance)))
    for report in joined.reports:
        run.note(_counts(report), {"source": asdict(report)})
        for finding in report.findings:
            run.note(finding)
    if run.log.path is not None and any(report.n_rejected for report in joined.reports):
        joined.write_rejects(run.log.path.with_name(run.log.path.name.removesuffix(LOG) + REJECTS))
    doubtful = [report.source for report in joined.reports if report.is_doubtful]
    if strict and doubtful:
        what = f"the records of {', '.join(doubtful)} do not reach these applications"
        raise UnlikeTrainingError(what, "Look at the findings above, or leave --strict out.")
    return replace(options, joined=joined)


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


def _counts(report: SourceReport) -> str:
    if not report.location:
        return f"source {report.source}: not given"
    matched = report.n_applications - report.n_without_record
    return (
        f"source {report.source}: {report.n_read:,} records of {report.location}; {matched:,} of "
        f"{report.n_applications:,} applications have one that was known at the decision"
    )
