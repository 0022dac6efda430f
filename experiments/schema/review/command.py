"""``creditfusion schema review``: a page that shows each column of a schema beside the file that it is for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_schemas.contract import Dialect
from data_schemas.errors import ContractError
from experiments.options import (
    DateOption,
    DelimiterOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    LanguageOption,
    SheetOption,
    report_day,
)
from experiments.session.run import Run
from experiments.session.standard_streams import one_from_stdin

if TYPE_CHECKING:
    from experiments.schema.review.content import SchemaReview

EXAMPLES = """
Examples:

creditfusion schema review my.schema.json past.csv --out review.html
"""


def review(
    schema: Annotated[str, typer.Argument(help="Schema file, or the name of a shipped one: demo, lending_club.")],
    file: Annotated[
        Path,
        typer.Argument(
            callback=one_from_stdin, help="File to look at: CSV, packed or not, workbook or Parquet; - for stdin."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Page to write: HTML, self-contained.")],
    rows: Annotated[int, typer.Option(min=1, help="Rows to draw at random and look at.")] = 50_000,
    language: LanguageOption = "en",
    made_on: DateOption = None,
    force: ForceOption = False,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    json_output: JsonOption = False,
) -> None:
    """Write a page that shows what each column of a schema holds, and what is to be decided about it.

    Doubts come first. A card for each column has its role, its form, samples, missing share, distribution, bad rates,
    and how well it alone ranks the outcomes. Narratives are never quoted, nor are ids.
    """
    from data_schemas.reader import load_schema
    from experiments.reporting.catalogues import language_of
    from experiments.reporting.language import speaking
    from experiments.schema.review.job import Beside, review_html, review_of
    from features.atomic_files import put_text
    from features.inference.sample import sample_rows
    from fusion.bundle_folder import check_outside

    check_outside(out)
    if out.exists() and not force:
        raise ContractError(f"{out} exists", "Name another file, or replace it with --force.")
    contract, spoken_language = load_schema(schema, as_draft=True), language_of(language)
    with Run.start("schema review", None, {"schema": schema, "file": file, "rows": rows}, json_output) as run:
        with run.progress(file.name) as advance:
            sample = sample_rows(file, rows, Dialect(encoding, delimiter, sheet or contract.dialect.sheet), advance)
        if not sample.table.num_rows:
            raise ContractError(f"{file} has no sound rows to look at", "Name a file with rows.")
        with speaking(spoken_language):
            found = review_of(Beside(contract, Path(schema), file, sample, report_day(made_on)))
            out.parent.mkdir(parents=True, exist_ok=True)
            put_text(out, review_html(found))
        counts = _counts(found)
        run.console.print(
            f"Wrote {out}: {counts['look_now']} columns to look at now, {counts['decide']} to decide, "
            f"{counts['confirm']} to confirm, {counts['in_order']} in order.",
            soft_wrap=True,
            markup=False,
        )
    if json_output:
        content = {"verb": "schema review", "status": "done", "out": str(out), "columns": counts}
        typer.echo(json.dumps(content, ensure_ascii=False))


def _counts(found: SchemaReview) -> dict[str, int]:
    """Columns by what they ask for."""
    names = {"look_now": "alarm", "decide": "concern", "confirm": "note", "in_order": "good"}
    return {name: sum(column.grade == grade for column in found.columns) for name, grade in names.items()}
