"""``creditfusion compare``: champion against challenger on the same applications."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.options import (
    CacheGbOption,
    CacheOption,
    DateOption,
    DecidedDataOption,
    DelimiterOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    NoCacheOption,
    PolicyOption,
    SegmentOption,
    SheetOption,
    SinceOption,
    SourceOption,
    StrictOption,
    ThreadsOption,
    check_free,
    report_day,
    use_threads,
    vector_cache,
)
from experiments.session.run import SOME_REJECTED, Run

EXAMPLES = """
Examples:

creditfusion compare --champion live --challenger new --data later.csv --out checks

creditfusion compare --champion live --challenger new --data all.csv --since 2011-01-01 --approval-rate 0.7 --out checks
"""


def compare(
    champion: Annotated[Path, typer.Option(help="Bundle of the model in use.")],
    challenger: Annotated[Path, typer.Option(help="Bundle of the model that may replace it.")],
    data: DecidedDataOption,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for comparison.html and comparison.json.")],
    since: SinceOption = None,
    approval_rate: Annotated[
        float | None,
        typer.Option(help="Share that each model approves. Left out: what the champion's policy approves."),
    ] = None,
    power: Annotated[
        list[float] | None,
        typer.Option("--power", help="Power of the shadow test; repeat for more.  [default: .8, .9]"),
    ] = None,
    policy: PolicyOption = None,
    segment: SegmentOption = None,
    made_on: DateOption = None,
    force: ForceOption = False,
    strict: StrictOption = False,
    champion_encoder: Annotated[
        str | None, typer.Option(help="The champion's text encoder, where it lies elsewhere than in training.")
    ] = None,
    challenger_encoder: Annotated[
        str | None, typer.Option(help="The challenger's text encoder, where it lies elsewhere than in training.")
    ] = None,
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
    """Compare two models on the same applications: is the challenger better beyond chance, and would it pay?

    Ranking, calibration, swap sets at equal approval rate, net benefit, segments, months, and how many decisions a
    shadow test would take. The models may have different schemas; each reads the file by its own, and rows that break
    either contract are left out and go to rejects.csv. Equal input, models and --date give equal bytes. Exit code 3:
    some rows were rejected. With --strict a column that is unlike the training rows of either model ends the run with
    exit code 4 before anything is written.
    """
    from experiments.compare.job import COMPARISON, ComparisonRequest, compare_models, lines, summary
    from experiments.compare.rows import ComparedFiles
    from experiments.reporting.files import names_of, write_pages
    from experiments.session.sources import shown
    from experiments.session.unlike_training import refuse
    from features.tables.reader import ReadOptions
    from fusion.scorer import load_scorer
    from fusion.validation.power import POWERS

    check_free(out, names_of(COMPARISON), force)
    options = ReadOptions(need_target=True, delimiter=delimiter, encoding=encoding, sheet=sheet)
    files = ComparedFiles(tuple(data), since.date() if since else None, options, tuple(source or ()), threads)
    segments, powers = tuple(dict.fromkeys(segment or ())), tuple(dict.fromkeys(power or POWERS))
    order = ComparisonRequest(files, approval_rate, powers, segments, report_day(made_on))
    arguments = {
        "champion": champion,
        "challenger": challenger,
        "data": data,
        "out": out,
        "since": since,
        "sources": shown(source),
    }
    arguments |= {"approval_rate": approval_rate, "powers": powers, "policy": policy, "segments": segments}
    with Run.start("compare", out, arguments | {"date": order.made_on}, json_output) as run:
        with run.timed("load"):
            use_threads(threads)
            vectors = vector_cache(cache, cache_gb, no_cache, run.note)
            one, other = (
                load_scorer(path, encoder=encoder, cache=vectors, policy=policy, threads=threads)
                for path, encoder in ((champion, champion_encoder), (challenger, challenger_encoder))
            )
        found = compare_models(one, other, order, run)
        if strict:
            sides = (found.pair.champion, found.pair.challenger)
            warnings = {warning.column: warning for side in sides for warning in side.warnings}
            refuse(tuple(warnings.values()), "Look at the columns, or leave --strict out.")
        with run.timed("write"):
            write_pages(out, {COMPARISON: found.document}, found.rows.rejects)
        run.finish({"out": out, **summary(found)}, {"out": out, **lines(found)})
    if found.rows.n_rejected:
        raise typer.Exit(SOME_REJECTED)
