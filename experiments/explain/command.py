"""``creditfusion explain``: reports of single decisions, for underwriter, applicant and validator."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from experiments.explain.request import Audience, Form, ReportRequest, Rules
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
    PolicyOption,
    SecondOption,
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

creditfusion explain --model bundle --data new.csv --id A-104 --id A-107 --out reports

creditfusion explain --model bundle --data new.csv --declined --for underwriter --for applicant --out letters

creditfusion explain --model bundle --data new.csv --referred --for applicant --policy policy.toml --out letters

creditfusion explain --model bundle --data new.csv --declined --for applicant --rules us --lender us.toml --out letters

creditfusion explain --model bundle --data new.csv --declined --for applicant --language zh --answer --out letters

creditfusion explain --model bundle --data new.csv --top 20 --for validator --format json --fast --out checks
"""

Item = TypeVar("Item", bound=StrEnum)


def explain(
    model: ModelOption,
    data: Annotated[
        Path,
        typer.Option(
            callback=one_from_stdin, help="Applications: CSV, packed or not, workbook or Parquet; - for stdin."
        ),
    ],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the reports; index.html lists them.")],
    ids: Annotated[list[str] | None, typer.Option("--id", help="Application to explain; repeat for more.")] = None,
    declined: Annotated[bool, typer.Option("--declined", help="Explain the declined, in the file's order.")] = False,
    referred: Annotated[
        bool, typer.Option("--referred", help="Explain those that a person must look at, in the file's order.")
    ] = False,
    top: Annotated[int | None, typer.Option(min=1, help="Explain so many of the highest PD.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most applications that --declined or --referred explains.")] = 100,
    audience: Annotated[
        list[Audience] | None, typer.Option("--for", help="Whom to report to; repeat for more. Left out: underwriter.")
    ] = None,
    form: Annotated[
        list[Form] | None, typer.Option("--format", help="Form of the reports; repeat for more. Left out: html, json.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Split narratives from one reading, as `score` does; exact is the default.")
    ] = False,
    lender: Annotated[
        str, typer.Option(help="Lender's data for letters: a TOML file, or the name alone.", show_default=False)
    ] = "",
    contact: Annotated[
        str, typer.Option(help="Whom the applicant may ask, in place of the lender file's.", show_default=False)
    ] = "",
    rules: Annotated[
        Rules, typer.Option(help="What letters must hold by law: United States, European Union, China, or none.")
    ] = Rules.PLAIN,
    language: LanguageOption = "en",
    answer: Annotated[
        bool, typer.Option("--answer", help="With --for applicant: answers to what applicants ask, beside the letter.")
    ] = False,
    approval_reasons: Annotated[
        bool,
        typer.Option("--approval-reasons", help="Letters of approval, too, name what counted against the applicant."),
    ] = False,
    policy: PolicyOption = None,
    second: SecondOption = None,
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
    """Explain decisions: why each application has its score, in words and points that add up to it.

    Say in one way which: --id, --declined or --referred (at most --limit of them) or --top N, the N of the highest PD.
    Every application gets one file for each reader and form: the underwriter's says what gave and took points, what
    similar applicants did and what would change the decision; the applicant's is a letter with the principal reasons,
    or, where a person must look, one that says so; the validator's has every contribution and the command that makes it
    again.

    Decisions are those that `score` makes with the same --policy and --second.

    Rows that break the data contract are listed in the index. Exit code 3: some rows were rejected (with --id: some of
    those named). Equal input, model and --date give equal bytes.
    """
    from experiments.explain.letters.lender import lender_of
    from experiments.explain.selection import Choice
    from experiments.explain.whole_run import ExplainRequest, explain_as_requested
    from experiments.reporting.catalogues import language_of
    from experiments.session.scorer_request import ScorerRequest
    from features.tables.reader import ReadOptions

    vectors = partial(vector_cache, cache, cache_gb, no_cache)
    audiences, forms = _once(audience, [Audience.UNDERWRITER]), _once(form, [Form.HTML, Form.JSON])
    request = ExplainRequest(
        scorer=ScorerRequest(model, encoder, policy, tuple(second or ()), vectors, threads),
        data=data,
        choice=Choice(tuple(dict.fromkeys(ids or ())), declined, referred, top or 0, limit),
        reports=ReportRequest(out, audiences, forms, force, exact=not fast, answers=answer),
        options=ReadOptions(chunk_rows=2_000, delimiter=delimiter, encoding=encoding, sheet=sheet),
        sources=tuple(source or ()),
        made_on=report_day(made_on),
        lender=lender_of(lender, contact),
        approval_reasons=approval_reasons,
        language=language_of(language),
        rules=rules,
    )
    if explain_as_requested(request, json_output):
        raise typer.Exit(SOME_REJECTED)


def _once(given: Sequence[Item] | None, otherwise: Sequence[Item]) -> tuple[Item, ...]:
    """What was given, each once; else the default."""
    return tuple(dict.fromkeys(given or otherwise))
