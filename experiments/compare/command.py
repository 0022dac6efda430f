"""``creditfusion compare``: champion against challenger on the same applications."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from data_schemas.errors import ContractError
from experiments.options import (
    CacheGbOption,
    CacheOption,
    DateOption,
    DecidedDataOption,
    DelimiterOption,
    EncodingOption,
    ForceOption,
    JsonOption,
    LanguageOption,
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

creditfusion compare --champion live --challenger new --data later.csv --out checks

creditfusion compare --champion live --challenger new --data all.csv --since 2011-01-01 --approval-rate 0.7 --out checks

creditfusion compare --decisions decisions.jsonl --data outcomes.csv --schema my.schema.json --out checks
"""


def compare(
    data: DecidedDataOption,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder for comparison.html and comparison.json.")],
    champion: Annotated[Path | None, typer.Option(help="Bundle of the model in use.")] = None,
    challenger: Annotated[Path | None, typer.Option(help="Bundle of the model that may replace it.")] = None,
    decisions: Annotated[
        str | None,
        typer.Option(help="Decision log of `serve`, file or postgresql://..., in place of bundles."),
    ] = None,
    schema: Annotated[str | None, typer.Option(help="With --decisions: the schema that names id and outcome.")] = None,
    experiment: Annotated[str | None, typer.Option(help="With --decisions: which, where the log has several.")] = None,
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
    second: SecondOption = None,
    segment: SegmentOption = None,
    language: LanguageOption = "en",
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

    Each decides as `score` does with the same --policy and --second.

    --decisions takes what a service decided instead: champion and challenger each on the applications that were drawn
    for it, or a shadow on the champion's. --data then needs id and outcome alone, as --schema names them.
    """
    from experiments.reporting.catalogues import language_of
    from features.tables.reader import ReadOptions

    spoken = language_of(language)
    options = ReadOptions(need_target=True, delimiter=delimiter, encoding=encoding, sheet=sheet)
    if decisions is not None:
        if champion or challenger or schema is None:
            remedy = "Leave --champion and --challenger out, and name --schema."
            raise ContractError("--decisions takes no bundles, and needs --schema", remedy)
        from experiments.compare.live_run import LiveRequest, compare_live

        live = LiveRequest(decisions, tuple(data), schema, experiment, options, report_day(made_on), out, force, spoken)
        n_rejected = compare_live(live, json_output)
    else:
        if champion is None or challenger is None:
            raise ContractError("two models are needed", "Name --champion and --challenger, or a log with --decisions.")
        from experiments.compare.job import ComparisonRequest
        from experiments.compare.rows import ComparedFiles
        from experiments.compare.whole_run import CompareRequest, NamedModel, compare_as_requested
        from fusion.validation.power import POWERS

        files = ComparedFiles(tuple(data), since.date() if since else None, options, tuple(source or ()), threads)
        segments, powers = tuple(dict.fromkeys(segment or ())), tuple(dict.fromkeys(power or POWERS))
        models = CompareRequest(
            champion=NamedModel(champion, champion_encoder),
            challenger=NamedModel(challenger, challenger_encoder),
            comparison=ComparisonRequest(files, approval_rate, powers, segments, report_day(made_on)),
            policy=policy,
            second=tuple(second or ()),
            out=out,
            force=force,
            strict=strict,
            vectors=partial(vector_cache, cache, cache_gb, no_cache),
            language=spoken,
        )
        n_rejected = compare_as_requested(models, json_output)
    if n_rejected:
        raise typer.Exit(SOME_REJECTED)
