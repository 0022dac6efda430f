"""``creditfusion probe``: how well protected attributes can be told from what the model sees."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from experiments.options import (
    CacheGbOption,
    CacheOption,
    DateOption,
    DelimiterOption,
    EncoderOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    LanguageOption,
    ModelOption,
    NoCacheOption,
    SheetOption,
    SourceOption,
    ThreadsOption,
    report_day,
    vector_cache,
)
from experiments.session.run import SOME_REJECTED
from experiments.session.standard_streams import one_from_stdin

EXAMPLES = """
Examples:

creditfusion probe --model bundle --data past.csv --out checks

creditfusion probe --model bundle --data past.csv --column sex --column age_band --most-rows 5000 --out checks
"""


def probe(
    model: ModelOption,
    data: Annotated[
        Path,
        typer.Option(
            callback=one_from_stdin,
            help="Applications with their protected columns: CSV, packed or not, workbook or Parquet; - for stdin.",
        ),
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for protected.html and protected.json.")],
    column: Annotated[
        list[str] | None, typer.Option("--column", help="Protected column; repeat for more. Left out: all in the file.")
    ] = None,
    most_rows: Annotated[
        int, typer.Option(min=1, help="Of more rows than this, so many are drawn at random.")
    ] = 10_000,
    language: LanguageOption = "en",
    made_on: DateOption = None,
    force: ForceOption = False,
    encoder: EncoderOption = None,
    source: SourceOption = None,
    delimiter: DelimiterOption = None,
    encoding: EncodingOption = None,
    sheet: SheetOption = None,
    cache: CacheOption = None,
    cache_gb: CacheGbOption = 2.0,
    no_cache: NoCacheOption = False,
    threads: ThreadsOption = 0,
    json_output: JsonOption = False,
) -> None:
    """Probe for proxies: how well protected attributes can be told from what the model sees.

    For every column that the schema calls protected, such as sex or age: can it be told from the narratives, from the
    structured columns, from both, from the score alone? A regression tries, on applicants that it never saw, and the
    report says in words how much better than chance it was. The model itself never sees these columns.

    Writes protected.html and protected.json; equal input, model and --date give equal bytes. Rows that break the data
    contract go to protected.rejects.csv. Exit code 3: some rows were rejected.
    """
    from experiments.probe.job import Question
    from experiments.probe.whole_run import ProbeRequest, probe_as_requested
    from experiments.reporting.catalogues import language_of
    from experiments.reporting.files import Edition
    from features.tables.reader import ReadOptions

    request = ProbeRequest(
        model=model,
        encoder=encoder,
        question=Question(data, tuple(dict.fromkeys(column or ())), most_rows),
        options=ReadOptions(delimiter=delimiter, encoding=encoding, sheet=sheet),
        sources=tuple(source or ()),
        out=out,
        force=force,
        edition=Edition(report_day(made_on), language_of(language)),
        vectors=partial(vector_cache, cache, cache_gb, no_cache),
        threads=threads,
    )
    if probe_as_requested(request, json_output):
        raise typer.Exit(SOME_REJECTED)
