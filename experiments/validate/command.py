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
    report_day,
    vector_cache,
)
from experiments.session.run import SOME_REJECTED

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
    from experiments.session.scorer_request import ScorerRequest
    from experiments.validate.job import ValidationRequest
    from experiments.validate.whole_run import EvaluateRequest, evaluate_as_requested
    from features.tables.reader import ReadOptions

    first, segments, day = since.date() if since else None, tuple(dict.fromkeys(segment or ())), report_day(made_on)
    vectors = partial(vector_cache, cache, cache_gb, no_cache)
    request = EvaluateRequest(
        scorer=ScorerRequest(model, encoder, policy, tuple(second or ()), vectors, threads),
        validation=ValidationRequest(tuple(data), first, segments, keep_training_rows, reread, day),
        options=ReadOptions(need_target=True, delimiter=delimiter, encoding=encoding, sheet=sheet),
        sources=tuple(source or ()),
        out=out,
        force=force,
        strict=strict,
        language=language_of(language),
    )
    if evaluate_as_requested(request, json_output):
        raise typer.Exit(SOME_REJECTED)
