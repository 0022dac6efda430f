"""A check of whole files against a data contract, shown file by file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Role
from data_schemas.reader import load_schema
from data_schemas.unfinished import Unfinished, unfinished
from experiments.schema.check.file_report import FileReport, report_tables, unfinished_table
from experiments.session.layouts import note_layouts
from experiments.session.run import Run
from experiments.session.sources import all_counts, shown, with_sources
from features.tables.header import HeaderReport
from features.tables.reader import ReadOptions, header_report, read_chunks


@dataclass(frozen=True)
class CheckRequest:
    """What a check is asked for.

    Attributes:
        schema: A file or a shipped one.
        files: The files to check.
        outcome: Whether the outcome is checked too; None: where a file has its column.
        examples: Rows to show for each broken rule.
        sources: Further sources, as they were named.
        options: How the files are read.
    """

    schema: str
    files: Sequence[Path]
    outcome: bool | None
    examples: int
    sources: tuple[str, ...]
    options: ReadOptions


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        reports: of each file.
        sources: counts of the records of each source; None for a contract without any.
        open_points: what is unfinished in the schema.
    """

    reports: Sequence[FileReport]
    sources: list[dict[str, object]] | None
    open_points: Unfinished

    @property
    def n_rejected(self) -> int:
        """Rejected rows of all files."""
        return sum(report.n_rejected for report in self.reports)

    def to_dict(self) -> dict[str, object]:
        """For ``--json``."""
        content: dict[str, object] = {"verb": "schema check", "status": "done"}
        content["files"] = [report.to_dict() for report in self.reports]
        content |= {"sources": self.sources} if self.sources is not None else {}
        return content | {"rejected": self.n_rejected, "unfinished": asdict(self.open_points)}


def check_files(request: CheckRequest, json_output: bool) -> Checked:
    """Check every file and show what was found.

    Raises ContractError for a schema without the outcome that is to be checked, and files that do not fit it; RunError
    for files that cannot be read.
    """
    contract = load_schema(request.schema)
    if request.outcome and contract.field_of(Role.TARGET) is None:
        raise ContractError(f"the schema {request.schema!r} has no target", "Give one field the role 'target'.")
    arguments = {"schema": request.schema, "files": list(request.files), "sources": shown(request.sources)}
    with Run.start("schema check", None, arguments, json_output) as run:
        note_layouts(run, request.files, contract, request.options)
        options = with_sources(run, request.files, contract, request.sources, request.options)
        reports = []
        for path in request.files:
            reports.append(_checked(path, contract, request, options, run))
            for table in report_tables(reports[-1]):
                run.console.print(table)
        if open_points := unfinished(contract):
            run.console.print(unfinished_table(open_points))
    return Checked(reports, all_counts(options) if contract.sources else None, open_points)


def _checked(path: Path, contract: Schema, request: CheckRequest, options: ReadOptions, run: Run) -> FileReport:
    with run.progress(path.name) as advance:
        report = FileReport(path, header_report(path, contract, request.options))
        with_outcome = _has_target(contract, report.header) if request.outcome is None else request.outcome
        for chunk in read_chunks(path, contract, replace(options, need_target=with_outcome)):
            report.add(chunk, contract, request.examples)
            advance(chunk.n_rows)
    return report


def _has_target(schema: Schema, header: HeaderReport) -> bool:
    target = schema.field_of(Role.TARGET)
    return target is not None and target.name not in header.absent
