"""``creditfusion probe``: how well protected attributes can be told from what the model sees."""

from __future__ import annotations

from collections.abc import Mapping
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
    check_free,
    report_day,
    vector_cache,
)
from experiments.session.run import SOME_REJECTED, Run
from experiments.session.standard_streams import one_from_stdin
from features.encoders.threads import use_threads

REPORT, REJECTS = "protected", "protected.rejects.csv"
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
    from experiments.probe.job import Question, probe_file
    from experiments.probe.report import report
    from experiments.reporting.catalogues import language_of
    from experiments.reporting.files import names_of, write_pages
    from experiments.reporting.language import speaking
    from experiments.session.sources import shown, with_sources
    from features.tables.reader import ReadOptions
    from fusion.scorer import load_scorer

    check_free(out, names_of(REPORT, rejects=REJECTS), force)
    columns, day = tuple(dict.fromkeys(column or ())), report_day(made_on)
    spoken_language = language_of(language)
    options = ReadOptions(delimiter=delimiter, encoding=encoding, sheet=sheet)
    arguments = {
        "model": model,
        "data": data,
        "out": out,
        "columns": columns,
        "most_rows": most_rows,
        "language": spoken_language.code,
        "date": day,
        "sources": shown(source),
    }
    with Run.start("probe", out, arguments, json_output) as run:
        with run.timed("load"):
            use_threads(threads)
            vectors = vector_cache(cache, cache_gb, no_cache, run.note)
            scorer = load_scorer(model, encoder=encoder, cache=vectors, seconds=None, threads=threads)
        options = with_sources(run, [data], scorer.schema, source or (), options, threads=threads)
        probed, rejects = probe_file(scorer, Question(data, columns, most_rows), options, run)
        with run.timed("write"), speaking(spoken_language):
            write_pages(out, {REPORT: report(probed, day)}, rejects.frame, REJECTS)
        rows = {"rows": probed.n_rows, "rejected": probed.n_rejected, "read": probed.n_read}
        figures = probed.figures()
        too_few = {one.field.name: str(one.groups.too_few) for one in probed.attributes if one.groups.too_few}
        run.finish(
            {"out": out, **rows, "auc": figures, "not_judged": too_few},
            {"out": out, **rows, "not judged": too_few, "AUC, .5 is chance": _shown(figures)},
        )
    if probed.n_rejected:
        raise typer.Exit(SOME_REJECTED)


def _shown(figures: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> dict[str, dict[str, str]]:
    """AUCs with their intervals as people read them, by column and source."""
    return {
        name: {source: f"{auc:.3f} ({low:.3f} to {high:.3f})" for source, (auc, low, high) in found.items()}
        for name, found in figures.items()
        if found
    }
