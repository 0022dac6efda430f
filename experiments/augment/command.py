"""``creditfusion augment``: what the kinds of augmentation make of a lender's own narratives."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.options import (
    DateOption,
    DelimiterOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    LanguageOption,
    SchemaOption,
    SheetOption,
    SourceOption,
    ThreadsOption,
    report_day,
)
from experiments.session.run import SOME_REJECTED
from experiments.session.standard_streams import from_stdin

EXAMPLES = """
Examples:

creditfusion augment --schema demo --data past.csv --out variants.html

creditfusion augment --schema my.schema.json --data past.csv --kind masked_words --set augment.masked_words=pretrained
--out variants.html
"""


def augment(
    schema: SchemaOption,
    data: Annotated[
        list[Path],
        typer.Option(
            "--data",
            callback=from_stdin,
            help="Applications: CSV, packed or not, workbook or Parquet; - for stdin; repeat.",
        ),
    ],
    out: Annotated[Path, typer.Option(dir_okay=False, help="Page to write. It holds texts of applicants.")],
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="synonyms, masked_words, dropout or back_translation; repeat for more. "
            "Left out: augment.kinds of the settings, else synonyms and dropout.",
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Of more rows than this, so many are drawn at random.")] = 500,
    config: Annotated[Path | None, typer.Option(help="Settings as TOML.")] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="A setting, such as augment.rate=0.2.")] = None,
    language: LanguageOption = "en",
    made_on: DateOption = None,
    force: ForceOption = False,
    source: SourceOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    threads: ThreadsOption = 0,
    json_output: JsonOption = False,
) -> None:
    """Show what augmentation makes of your narratives, side by side.

    Each kind makes one variant of the narratives of some rows. The page shows examples with what was replaced marked,
    and counts: words replaced, narratives left as they are. It holds texts of applicants, so keep it as you keep these;
    the summary and the run's log hold none. Variants are learned from where augment.kinds names them and the encoder is
    tuned, in training rows alone. Exit code 3: some rows broke the contract;
    they were not read, and are in OUT.rejects.csv.
    """
    from experiments.augment.whole_run import AugmentRequest, augment_as_requested
    from experiments.reporting.catalogues import language_of
    from experiments.reporting.files import Edition
    from features.tables.reader import ReadOptions

    request = AugmentRequest(
        schema=schema,
        data=tuple(data),
        kinds=tuple(kind or ()),
        most_rows=rows,
        config=config,
        overrides=tuple(overrides or ()),
        out=out,
        force=force,
        edition=Edition(report_day(made_on), language_of(language)),
        options=ReadOptions(delimiter=delimiter, encoding=encoding, sheet=sheet),
        sources=tuple(source or ()),
        threads=threads,
    )
    if augment_as_requested(request, json_output):
        raise typer.Exit(SOME_REJECTED)
