"""The further sources of a run: joined with its applications, and what was found of their records said and kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from features.sources.join import join_sources
from features.sources.locations import parse_locations
from features.sources.report import SourceReport

from data_schemas.contract import Schema
from experiments.session.run import Run
from features.tables.csv_records import data_digest
from features.tables.reader import ReadOptions

_PASSWORD = re.compile(r"(://[^:/@]*):[^@/]*@")


def shown(given: Sequence[str]) -> list[str]:
    """Sources as ``--source`` names them, without passwords."""
    return [_PASSWORD.sub(r"\1@", one) for one in given]


def with_sources(
    run: Run, files: Sequence[Path], schema: Schema, given: Sequence[str], options: ReadOptions
) -> ReadOptions:
    """Reading options by which the files are read together with the schema's sources.

    What is joined lies in a temporary folder until the run ends. What was found of each source is shown and logged.

    Args:
        given: each source as ``--source`` names it.

    Raises:
        ContractError: for sources that the schema does not name, or that do not fit it.
        RunError: for sources that cannot be read.
    """
    locations = parse_locations(given, schema)
    if not schema.sources:
        return options
    with run.progress("join", unit="records") as advance, run.timed("join"):
        joined = run.hold(join_sources(files, schema, locations, options, on_records=advance))
    for report in joined.reports:
        run.note(_counts(report), {"source": asdict(report)})
        for finding in report.findings:
            run.note(finding)
    return replace(options, joined=joined)


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
