"""``creditfusion evaluate``: the validation report and the model card."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from experiments.options import (
    CacheGbOption,
    CacheOption,
    DateOption,
    DecidedDataOption,
    DelimiterOption,
    EncoderOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    LanguageOption,
    ModelOption,
    NoCacheOption,
    PolicyOption,
    SecondOption,
    SegmentOption,
    SheetOption,
    SinceOption,
    SourceOption,
    StrictOption,
    ThreadsOption,
    check_free,
    report_day,
    vector_cache,
)
from experiments.session.run import SOME_REJECTED, Run

EXAMPLES = """
Examples:

creditfusion evaluate --model bundle --data later.csv --out checks

creditfusion evaluate --model bundle --data applications.csv.gz --since 2011-01-01 --out checks

creditfusion evaluate --model bundle --data later.csv --policy policy.toml --segment purpose --segment term --out checks
"""


def evaluate(
    model: ModelOption,
    data: DecidedDataOption,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for the report and the card.")],
    since: SinceOption = None,
    policy: PolicyOption = None,
    second: SecondOption = None,
    segment: SegmentOption = None,
    keep_training_rows: Annotated[
        bool, typer.Option("--keep-training-rows", help="Judge rows too that the model learned from; they flatter it.")
    ] = False,
    reread: Annotated[
        bool, typer.Option("--reread/--no-reread", help="Read narratives again with words exchanged and sentences cut.")
    ] = True,
    language: LanguageOption = "en",
    made_on: DateOption = None,
    force: ForceOption = False,
    strict: StrictOption = False,
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
    """Validate a model: discrimination, calibration, stability, the text's worth, policy and fairness.

    Judges the model on decided applications that it did not learn from (rows that it did are left out), over all rows,
    by segment and by month, and says in words what a manager must know. Writes validation.html and card.html, each with
    its JSON; rows that break the data contract go to rejects.csv. Equal input, model and --date give equal bytes. Exit
    code 3: some rows were rejected.

    Decisions are those that `score` makes with the same --policy and --second.

    A column of which nearly all rows are unlike the training rows (missing, unknown, of one value, outside the range,
    in another unit) gets a warning, also in the report. With --strict a warning ends the run with exit code 4 before
    anything is written.
    """
    from experiments.reporting.catalogues import language_of
    from experiments.reporting.files import names_of, write_pages
    from experiments.reporting.language import speaking
    from experiments.session.scorer_request import ScorerRequest
    from experiments.session.sources import shown, with_sources
    from experiments.session.unlike_training import refuse
    from experiments.validate.job import CARD, VALIDATION, ValidationRequest, validate
    from experiments.validate.summary import summarise
    from features.tables.reader import ReadOptions

    check_free(out, names_of(VALIDATION, CARD), force)
    segments = tuple(dict.fromkeys(segment or ()))
    day, spoken_language = report_day(made_on), language_of(language)
    order = ValidationRequest(tuple(data), since.date() if since else None, segments, keep_training_rows, reread, day)
    options = ReadOptions(need_target=True, delimiter=delimiter, encoding=encoding, sheet=sheet)
    vectors = partial(vector_cache, cache, cache_gb, no_cache)
    named = ScorerRequest(model, encoder, policy, tuple(second or ()), vectors, threads)
    arguments = {
        "model": model,
        "data": data,
        "out": out,
        "since": since,
        "policy": policy,
        "second": second,
        "language": spoken_language.code,
        "segments": segments,
        "sources": shown(source),
    }
    with Run.start("evaluate", out, arguments | {"date": day}, json_output) as run:
        with run.timed("load"):
            scorer, seconds = named.load(run.note)
        options = with_sources(run, order.files, scorer.schema, source or (), options, threads=threads, strict=strict)
        with speaking(spoken_language):
            found = validate(scorer, order, options, run, seconds)
        if strict:
            refuse(found.scored.warnings, "Look at the columns, or leave --strict out.")
        with run.timed("write"), speaking(spoken_language):
            write_pages(out, {VALIDATION: found.report, CARD: found.card}, found.rejects.frame)
        summed = summarise(found)
        run.finish({"out": out, **summed.summary}, {"out": out, **summed.lines})
    if len(found.rejects):
        raise typer.Exit(SOME_REJECTED)
