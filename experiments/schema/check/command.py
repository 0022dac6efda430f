"""``creditfusion schema check``: whole files against a data contract."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Role
from data_schemas.unfinished import unfinished
from experiments.options import DelimiterOption, EncodingOption, JsonOption, SchemaOption, SheetOption, SourceOption
from experiments.schema.check.file_report import FileReport, report_tables, unfinished_table
from experiments.session.run import SOME_REJECTED, WARNED, Run
from experiments.session.run_log import to_json
from experiments.session.standard_streams import from_stdin

if TYPE_CHECKING:
    from features.tables.header import HeaderReport

EXAMPLES = """
Examples:

creditfusion schema check --schema lending_club applications.csv.gz

creditfusion schema check --schema my.schema.json 2023.csv 2024.parquet --json > report.json
"""


def check(
    files: Annotated[
        list[Path],
        typer.Argument(
            callback=from_stdin, help="Files to check: CSV, packed or not, workbooks or Parquet; - for stdin."
        ),
    ],
    schema: SchemaOption,
    outcome: Annotated[
        bool | None,
        typer.Option("--outcome/--no-outcome", help="Check the outcome too. Left out: where the file has its column."),
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Rows to show for each broken rule.")] = 3,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 4 where the schema is unfinished.")] = False,
    source: SourceOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    json_output: JsonOption = False,
) -> None:
    """Check whole files against a schema: rows, rejects by rule and column, first examples, missing shares.

    A row counts under its first broken rule. Then comes what is unfinished in the schema: guesses left, inputs whose
    reason is not worded, numbers without a unit. Exit code 3: some rows were rejected.
    """
    from data_schemas.reader import load_schema
    from experiments.session.layouts import note_layouts
    from experiments.session.sources import all_counts, shown, with_sources
    from features.tables.reader import ReadOptions, header_report, read_chunks

    contract = load_schema(schema)
    if outcome and contract.field_of(Role.TARGET) is None:
        raise ContractError(f"the schema {schema!r} has no target", "Give one field the role 'target'.")
    options, reports = ReadOptions(delimiter=delimiter, encoding=encoding, sheet=sheet), []
    arguments = {"schema": schema, "files": files, "sources": shown(source)}
    with Run.start("schema check", None, arguments, json_output) as run:
        note_layouts(run, files, contract, options)
        joined = with_sources(run, files, contract, source or (), options)
        for path in files:
            with run.progress(path.name) as advance:
                report = FileReport(path, header_report(path, contract, options))
                with_outcome = _has_target(contract, report.header) if outcome is None else outcome
                for chunk in read_chunks(path, contract, replace(joined, need_target=with_outcome)):
                    report.add(chunk, contract, examples)
                    advance(chunk.n_rows)
            for table in report_tables(report):
                run.console.print(table)
            reports.append(report)
        if open_points := unfinished(contract):
            run.console.print(unfinished_table(open_points))
    n_rejected = sum(report.n_rejected for report in reports)
    if json_output:
        content: dict[str, object] = {"verb": "schema check", "status": "done"}
        content["files"] = [report.to_dict() for report in reports]
        content |= {"sources": all_counts(joined)} if contract.sources else {}
        content |= {"rejected": n_rejected, "unfinished": asdict(open_points)}
        typer.echo(json.dumps(to_json(content), ensure_ascii=False))
    if n_rejected:
        raise typer.Exit(SOME_REJECTED)
    if strict and open_points:
        raise typer.Exit(WARNED)


def _has_target(schema: Schema, header: HeaderReport) -> bool:
    target = schema.field_of(Role.TARGET)
    return target is not None and target.name not in header.absent
