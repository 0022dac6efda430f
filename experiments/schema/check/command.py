"""``creditfusion schema check``: whole files against a data contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from experiments.options import DelimiterOption, EncodingOption, JsonOption, SchemaOption, SheetOption, SourceOption
from experiments.session.run import SOME_REJECTED, WARNED
from experiments.session.run_log import to_json
from experiments.session.standard_streams import from_stdin

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
    from experiments.schema.check.job import CheckRequest, check_files
    from features.tables.reader import ReadOptions

    options = ReadOptions(delimiter=delimiter, encoding=encoding, sheet=sheet)
    request = CheckRequest(schema, files, outcome, examples, tuple(source or ()), options)
    found = check_files(request, json_output)
    if json_output:
        typer.echo(json.dumps(to_json(found.to_dict()), ensure_ascii=False))
    if found.n_rejected:
        raise typer.Exit(SOME_REJECTED)
    if strict and found.open_points:
        raise typer.Exit(WARNED)
