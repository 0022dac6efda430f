"""``creditfusion probe``: how well protected attributes can be told from what the model sees."""

from __future__ import annotations

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
    JsonOption,
    NoCacheOption,
    ThreadsOption,
    check_free,
    report_day,
    use_threads,
    vector_cache,
)
from experiments.session.run import SOME_REJECTED, Run

EXAMPLES = """
Examples:

creditfusion probe --model bundle --data past.csv --out checks

creditfusion probe --model bundle --data past.csv --column sex --column age_band --most-rows 5000 --out checks
"""


def probe(
    model: Annotated[Path, typer.Option(help="Model bundle, the folder that `train` wrote.")],
    data: Annotated[Path, typer.Option(help="Applications with their protected columns: CSV, gzipped CSV or Parquet.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for protected.html and protected.json.")],
    column: Annotated[
        list[str] | None, typer.Option("--column", help="Protected column; repeat for more. Left out: all in the file.")
    ] = None,
    most_rows: Annotated[
        int, typer.Option(min=1, help="Of more rows than this, so many are drawn at random.")
    ] = 10_000,
    made_on: DateOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the report of an earlier run.")] = False,
    encoder: EncoderOption = None,
    delimiter: DelimiterOption = ",",
    encoding: EncodingOption = None,
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
    from experiments.probe.files import NAMES, write_report
    from experiments.probe.job import Question, figures, probe_file
    from features.tables.reader import ReadOptions
    from fusion.scorer import load_scorer

    check_free(out, NAMES, force)
    columns = tuple(dict.fromkeys(column or ()))
    question = Question(data, columns, most_rows, report_day(made_on))
    options = ReadOptions(delimiter=delimiter, encoding=encoding)
    arguments = {"model": model, "data": data, "out": out, "columns": columns, "most_rows": most_rows}
    with Run.start("probe", out, arguments | {"date": question.made_on}, json_output) as run:
        with run.timed("load"):
            use_threads(threads)
            vectors = vector_cache(cache, cache_gb, no_cache)
            scorer = load_scorer(model, encoder=encoder, cache=vectors, threads=threads)
        report, rejects = probe_file(scorer, question, options, run)
        with run.timed("write"):
            write_report(out, report, rejects)
        counts: dict[str, object] = {"out": out, "rows": report.n_rows, "rejected": report.n_rejected}
        counts["read"] = report.n_read
        not_judged = {one.name: one.not_judged for one in report.attributes if one.not_judged}
        shown = {
            name: {source: f"{auc:.3f} ({low:.3f} to {high:.3f})" for source, (auc, low, high) in found.items()}
            for name, found in figures(report).items()
            if found
        }
        run.finish(
            counts | {"auc": figures(report), "not_judged": not_judged},
            counts | {"not judged": not_judged, "AUC, .5 is chance": shown},
        )
    if report.n_rejected:
        raise typer.Exit(SOME_REJECTED)
