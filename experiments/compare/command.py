"""``creditfusion compare``: champion against challenger on the same applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    check_free,
    report_day,
    vector_cache,
)
from experiments.session.run import SOME_REJECTED, Run
from features.encoders.threads import use_threads

if TYPE_CHECKING:
    from experiments.reporting.language import Language

EXAMPLES = """
Examples:

creditfusion compare --champion live --challenger new --data later.csv --out checks

creditfusion compare --champion live --challenger new --data all.csv --since 2011-01-01 --approval-rate 0.7 --out checks

creditfusion compare --decisions decisions.jsonl --data outcomes.csv --schema my.schema.json --out checks
"""


@dataclass(frozen=True)
class LiveRequest:
    """A comparison of what a service decided.

    Attributes:
        log: File or PostgreSQL URL.
        data: Files of outcomes.
        schema: Names id and outcome.
        experiment: Which one; None where the log has one alone.
        written: How the files are written: delimiter, encoding, sheet.
        made_on: Day on the report.
        out: Folder of the report.
        force: Whether to replace an earlier one.
        language: Of the report.
    """

    log: str
    data: tuple[Path, ...]
    schema: str
    experiment: str | None
    written: Mapping[str, str | None]
    made_on: date
    out: Path
    force: bool
    language: Language


def compare_live(order: LiveRequest, json_output: bool) -> None:
    """Compare what a service decided with how it went."""
    from data_schemas.reader import load_schema
    from experiments.compare.decisions import one_experiment, paired, read_outcomes
    from experiments.compare.decisions_report import live_document, live_summary
    from experiments.reporting.files import names_of, write_pages
    from experiments.reporting.language import speaking
    from experiments.serve.decision_log import read_log
    from features.sources.locations import masked
    from features.tables.reader import ReadOptions

    check_free(order.out, names_of("comparison"), order.force)
    contract, written = load_schema(order.schema), order.written
    options = ReadOptions(
        need_target=True, delimiter=written["delimiter"], encoding=written["encoding"], sheet=written["sheet"]
    )
    arguments: dict[str, object] = {"decisions": masked(order.log), "data": order.data, "schema": order.schema}
    arguments |= {"language": order.language.code}
    with Run.start("compare", order.out, arguments, json_output) as run:
        with run.timed("read"):
            log = read_log(order.log)
            outcomes = read_outcomes(order.data, contract, options)
        found = paired(one_experiment(log.decisions, order.experiment), outcomes)
        with run.timed("write"), speaking(order.language):
            document = live_document(found, contract.title, order.made_on)
            write_pages(order.out, {"comparison": document}, outcomes.rejects)
        counts = {"outcomes": len(outcomes.bad), "undecided": outcomes.n_undecided}
        counts |= {"rejected": len(outcomes.rejects), "broken_log_lines": log.n_broken}
        run.finish({"out": order.out, **live_summary(found), **counts})
    if len(outcomes.rejects):
        raise typer.Exit(SOME_REJECTED)


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
    from experiments.reporting.language import speaking

    spoken = language_of(language)
    if decisions is not None:
        if champion or challenger or schema is None:
            remedy = "Leave --champion and --challenger out, and name --schema."
            raise ContractError("--decisions takes no bundles, and needs --schema", remedy)
        written = {"delimiter": delimiter, "encoding": encoding, "sheet": sheet}
        live = LiveRequest(decisions, tuple(data), schema, experiment, written, report_day(made_on), out, force, spoken)
        compare_live(live, json_output)
        return
    if champion is None or challenger is None:
        raise ContractError("two models are needed", "Name --champion and --challenger, or a log with --decisions.")
    from experiments.compare.job import COMPARISON, ComparisonRequest, compare_models, lines, summary
    from experiments.compare.rows import ComparedFiles
    from experiments.reporting.files import names_of, write_pages
    from experiments.session.second_models import SecondModels
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
    arguments |= {
        "approval_rate": approval_rate,
        "powers": powers,
        "policy": policy,
        "second": second,
        "segments": segments,
    }
    with Run.start("compare", out, arguments | {"date": order.made_on, "language": spoken.code}, json_output) as run:
        with run.timed("load"):
            use_threads(threads)
            vectors = vector_cache(cache, cache_gb, no_cache, run.note)
            seconds = SecondModels.load(second or (), vectors, threads)
            named = seconds.scorers
            one, other = (
                load_scorer(path, encoder=encoder, cache=vectors, policy=policy, seconds=named, threads=threads)
                for path, encoder in ((champion, champion_encoder), (challenger, challenger_encoder))
            )
        with speaking(spoken):
            found = compare_models(one, other, order, run, seconds)
        if strict:
            sides = (found.pair.champion, found.pair.challenger)
            warnings = {warning.column: warning for side in sides for warning in side.warnings}
            refuse(tuple(warnings.values()), "Look at the columns, or leave --strict out.")
        with run.timed("write"), speaking(spoken):
            write_pages(out, {COMPARISON: found.document}, found.rows.rejects)
        run.finish({"out": out, **summary(found)}, {"out": out, **lines(found)})
    if found.rows.n_rejected:
        raise typer.Exit(SOME_REJECTED)
