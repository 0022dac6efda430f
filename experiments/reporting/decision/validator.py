"""The report for the validator: every contribution and all that is needed to make them again."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from experiments.reporting.parts import (
    Count,
    DecidingPolicy,
    Fact,
    Fraction,
    ReferReason,
    ReportModel,
    Result,
    SentenceMethod,
    SourcePoints,
    StandardError,
    Statement,
    Subject,
    Text,
    meet,
)

BackgroundKind = Literal["all", "near_cut_off"]

MIN_PAIRS = 8  # of orders; a standard error from fewer is rough


class Contribution(ReportModel):
    """What one player of the explanation contributes, in log-odds of bad and in points.

    Attributes:
        error: Standard error, log-odds.
        stacker: Its part through the trees, in log-odds, already weighted by the blend.
        head: Its part through the joint head, likewise.
        source: Name of the source with which it counts (``ValidatorReport.sources``); "" where there are none.
        statements: As of the underwriter's columns.
    """

    kind: Literal["column", "narrative"]
    name: Text
    fact: Fact
    log_odds: float
    points: float
    error: StandardError
    stacker: float
    head: float
    source: Text = ""
    statements: tuple[Statement, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        meet(self.name, self.stacker + self.head, self.log_odds)
        if self.statements:
            meet(self.name, sum(one.points for one in self.statements), self.points)
        return self


class SentenceContribution(ReportModel):
    """What one sentence contributes; those of a narrative sum to it.

    Attributes:
        narrative: Its name.
        place: From 1.
        similarity: Nearness to the nearest concept, from -1 to 1, None where not compared.
        error: Standard error, log-odds.
        n_orders: How many orders of its narrative's sentences were sampled, in pairs of opposite ones; 0 where every
            combination was valued.
        exact: Whether its narrative was read again without some of its sentences.
    """

    narrative: Text
    place: int = Field(ge=1)
    text: Text
    concept: Text | None
    similarity: float | None
    sensitive: tuple[Text, ...]
    log_odds: float
    points: float
    error: StandardError
    n_orders: Count
    exact: bool = False

    @property
    def rough(self) -> bool:
        """Whether the standard error rests on too few pairs of orders to be more than rough."""
        return 0 < self.n_orders < 2 * MIN_PAIRS


class Background(ReportModel):
    """The training rows that absent columns are drawn from."""

    kind: BackgroundKind
    n_rows: int = Field(ge=1)
    words: Text


class Ablation(ReportModel):
    """The same machinery with less to read; ``name`` says what, in English whatever the language of the page."""

    name: Text
    margin: float
    pd: Fraction


class Digests(ReportModel):
    """sha256 digests of what the model was made of; ``model`` is that of the manifest, which names all files."""

    model: Text
    schema_: Text = Field(alias="schema")
    config: Text
    data: Text
    encoder: Text

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)


class ValidatorReport(ReportModel):
    """Every contribution, what they sum to, and all that is needed to make them again.

    Attributes:
        base: Log-odds of the background without a narrative.
        starting_score: The same in points.
        total: Base plus contributions.
        reconciliation: Total minus margin.
        points_per_log_odds: Negative.
        sentence_method: See UnderwriterReport.
        command: Recomputes this report.
        sources: See UnderwriterReport.
        policy: What decided.
        refer_reasons: See UnderwriterReport.
    """

    report: Literal["validator"] = "validator"
    version: Literal[1] = 1
    subject: Subject
    result: Result
    margin: float
    base: float
    starting_score: float
    total: float
    reconciliation: float
    points_per_log_odds: float
    background: Background
    contributions: tuple[Contribution, ...]
    sentences: tuple[SentenceContribution, ...]
    sentence_method: SentenceMethod
    seed: Count
    ablations: tuple[Ablation, ...]
    digests: Digests
    versions: dict[Text, Text]
    command: Text
    sources: tuple[SourcePoints, ...] = ()
    policy: DecidingPolicy
    refer_reasons: tuple[ReferReason, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        meet("total", self.base + sum(part.log_odds for part in self.contributions), self.total)
        meet("reconciliation", self.total - self.margin, self.reconciliation)
        if self.sources:
            every = sum(part.points for part in self.contributions)
            meet("sources", sum(source.points for source in self.sources), every)
        return self
