"""Explaining as `creditfusion explain` asks for it, from the bundle's folder to the reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from experiments.explain.job import Explained, check_order, explain_file
from experiments.explain.letters.lender import Lender
from experiments.explain.report_content import Heading
from experiments.explain.request import ReportRequest, Rules
from experiments.explain.selection import Choice
from experiments.reporting.language import Language
from experiments.session.run import Run
from experiments.session.scorer_request import ScorerRequest
from experiments.session.sources import shown, with_sources
from experiments.session.standard_streams import DASH, as_named
from features.tables.reader import ReadOptions


@dataclass(frozen=True)
class ExplainRequest:
    """What a run of explain is asked for.

    Attributes:
        scorer: The model that decides.
        data: Applications.
        choice: Which of them.
        reports: What is written of them, and where.
        options: How the data are read.
        sources: Further sources, as they were named.
        made_on: Day on the reports.
        lender: Who writes letters.
        approval_reasons: Whether letters of approval name what counted against the applicant.
        language: Of letters and pages.
        rules: Of letters.
    """

    scorer: ScorerRequest
    data: Path
    choice: Choice
    reports: ReportRequest
    options: ReadOptions
    sources: tuple[str, ...]
    made_on: date
    lender: Lender
    approval_reasons: bool
    language: Language
    rules: Rules

    @property
    def logged(self) -> dict[str, object]:
        """The arguments that the run log keeps."""
        return {
            "model": self.scorer.model,
            "data": self.data,
            "out": self.reports.out,
            "ids": len(self.choice.ids),
            "declined": self.choice.declined,
            "top": self.choice.top or None,
            "referred": self.choice.referred,
            "policy": self.scorer.policy,
            "second": list(self.scorer.second) or None,
            "sources": shown(self.sources),
            "rules": self.rules.value,
            "language": self.language.code,
            "limit": self.choice.limit,
            "fast": not self.reports.exact,
            "date": self.made_on,
        }

    @property
    def command(self) -> tuple[str, ...]:
        """Makes the validator's report of an id again."""
        scorer, options = self.scorer, self.options
        origin = self.data if as_named(str(self.data)) == str(self.data) else DASH
        named = {
            "encoder": scorer.encoder,
            "policy": scorer.policy,
            "delimiter": options.delimiter,
            "encoding": options.encoding,
            "sheet": options.sheet,
        }
        return (
            *("creditfusion", "explain", f"--model={scorer.model}", f"--data={origin}"),
            *("--for=validator", "--format=json"),
            *(f"--{option}={value}" for option, value in named.items() if value),
            *(f"--source={one}" for one in shown(self.sources)),
            *(f"--second={one}" for one in scorer.second),
            f"--date={self.made_on}",
            *(() if self.reports.exact else ("--fast",)),
            "--out=recomputed",
        )


def explain_as_requested(request: ExplainRequest, json_output: bool) -> int:
    """Write the reports and print the summary; the number of rejected rows.

    Raises ContractError as ``explain_file`` does.
    """
    check_order(request.reports)
    heading = Heading(
        request.data,
        request.made_on,
        request.command,
        request.lender,
        request.approval_reasons,
        request.language,
        request.rules,
    )
    out = request.reports.out
    with Run.start("explain", out, request.logged, json_output) as run:
        with run.timed("load"):
            scorer, seconds = request.scorer.load(run.note)
        options = with_sources(
            run, [request.data], scorer.schema, request.sources, request.options, threads=request.scorer.threads
        )
        done = explain_file(scorer, request.choice, request.reports, heading, options, run, seconds)
        run.finish({"out": out, **_counts(done), "cache_hit_rate": scorer.encoder.hit_rate})
    return done.chosen.n_rejected


def _counts(done: Explained) -> dict[str, object]:
    """What a run did, for its summary."""
    index, chosen = done.index, done.chosen
    return {
        "explained": len(index.entries),
        "approved": index.n_approved,
        "declined": index.n_declined,
        "referred": index.n_referred,
        "to_review": index.n_review,
        "left_out": chosen.n_left_out,
        "rows_read": chosen.n_rows,
        "rejected": chosen.n_rejected,
        "rejected_rows": {f"row {row.row}": row.words for row in chosen.rejected},
        "sentence_points": done.methods,
    }
