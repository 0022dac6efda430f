"""``creditfusion schema infer``: a first data contract from an unknown file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from experiments.options import DelimiterOption, EncodingOption, ForceOption, JsonOption, SheetOption
from experiments.session.run import Run
from experiments.session.run_log import to_json
from experiments.session.standard_streams import one_from_stdin

EXAMPLES = """
Examples:

creditfusion schema infer loans.csv --out my.schema.json

creditfusion schema infer loans.csv --out my.schema.json --target loan_status --delimiter ';'

creditfusion schema infer loans.csv --out my.schema.json --target class --bad 2 --good 1

creditfusion schema infer loans.csv --out my.schema.json --target days_past_due --bad '>=90'

creditfusion schema infer loans.csv --out my.schema.json --interactive

creditfusion schema infer loans.csv --out my.schema.json --source bureau=bureau.csv --source notes=call_notes.csv
"""


def infer(
    file: Annotated[
        Path,
        typer.Argument(
            callback=one_from_stdin, help="File to look at: CSV, packed or not, workbook or Parquet; - for stdin."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Schema file to write.")],
    target: Annotated[str | None, typer.Option(help="The outcome column. Left out: guessed.")] = None,
    bad: Annotated[
        list[str] | None,
        typer.Option(
            "--bad", help="A level of the outcome that is bad; repeat for more. Of numbers a comparison: '>=90'."
        ),
    ] = None,
    good: Annotated[list[str] | None, typer.Option("--good", help="A level that is good; repeat for more.")] = None,
    undecided: Annotated[
        list[str] | None, typer.Option("--undecided", help="A level of applications without an outcome yet; repeat.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="NAME=FILE",
            help="File of records that belong to the applications, no database; repeat for more.",
        ),
    ] = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Ask what is in doubt; Enter takes the draft's own guess.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the schema. Left out: the file's name.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows to draw at random and look at.")] = 50_000,
    force: ForceOption = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    json_output: JsonOption = False,
) -> None:
    """Draft a schema from an unknown file, every guess marked as one to confirm.

    Columns that look like outcome leaks (by name, by date, or because they separate the outcomes alone) are left out.
    Which levels of the outcome are bad is taken from its name and their words; where these do not tell, the draft has
    no bad_values and the command asks for --bad. A column of many numbers is an outcome only by a comparison, as with
    --bad '>=90', which the schema keeps as bad_if.

    Of each --source the key, the date and what may be made of its records are drafted, and tried out: what knows the
    outcome is marked SUSPECT.
    """
    from experiments.schema.infer.job import InferRequest, write_draft
    from experiments.schema.infer.summary import print_draft, summary
    from features.inference.outcomes import StatedOutcomes
    from features.tables.reader import ReadOptions

    request = InferRequest(
        file=file,
        out=out,
        name=name,
        target=target,
        outcomes=StatedOutcomes(tuple(bad or ()), tuple(good or ()), tuple(undecided or ())),
        sources=tuple(source or ()),
        interactive=interactive,
        rows=rows,
        force=force,
        dialect=ReadOptions(delimiter=delimiter, encoding=encoding, sheet=sheet).dialect,
    )
    paths = request.check()
    with Run.start("schema infer", None, request.logged, json_output) as run:
        drafted = write_draft(request, paths, run)
        print_draft(drafted, out, run.console)
    if json_output:
        typer.echo(json.dumps(to_json(summary(drafted, out)), ensure_ascii=False))
