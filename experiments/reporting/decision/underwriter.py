"""The report for the underwriter: why an applicant scored so, at a glance."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

from experiments.reporting.parts import (
    Count,
    DecidingPolicy,
    Disagreement,
    Fact,
    Fraction,
    Move,
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

SCORE_ROUNDING = 0.5  # points; start and contributions meet the score within it


class CutOff(ReportModel):
    """The line up to which an application like this one is approved: the greatest PD approved and its score.

    Attributes:
        distance: Points from the cut-off to the score; negative below it.
        declined_below: The score below which it is declined; None where nobody is referred for their PD.
    """

    pd: Fraction
    score: float
    distance: float
    declined_below: float | None = None


class PopulationBand(ReportModel):
    """A band of the training population's scores, such as a decile, with what became of its members.

    Attributes:
        low: Its lowest score; None where the band is open below.
        high: The score that it ends before; None where it is open above.
    """

    number: int = Field(ge=1)
    low: float | None
    high: float | None
    n: Count
    n_bad: Count
    bad_rate: Fraction


class PopulationPlace(ReportModel):
    """Scores of the training population.

    Attributes:
        edges: Scores, one more than ``counts``; those beyond the outer edges stand in the outer bins.
        share_below: Of the population that scores lower than the applicant.
        bands: From the lowest scores, number 1.
        band: The applicant's.
        words: Who they are and how they were scored.
    """

    n: Count
    edges: tuple[float, ...] = Field(min_length=2)
    counts: tuple[Count, ...] = Field(min_length=1)
    share_below: Fraction
    bands: tuple[PopulationBand, ...] = Field(min_length=1)
    band: int = Field(ge=1)
    words: Text

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.edges) != len(self.counts) + 1 or sorted(set(self.edges)) != list(self.edges):
            raise ValueError(f"edges must rise, one more than the {len(self.counts)} counts")
        if [band.number for band in self.bands] != list(range(1, len(self.bands) + 1)) or self.band > len(self.bands):
            raise ValueError("bands must be numbered from 1, and the applicant's must be among them")
        return self


class ColumnPoints(ReportModel):
    """What one column gives or takes; derived features are columns like any other.

    Attributes:
        source: Name of the source with which it counts (``UnderwriterReport.sources``); "" where there are none.
        statements: The sentences that state its value, where narratives do; their points sum to the column's.
    """

    name: Text
    fact: Fact
    points: float
    source: Text = ""
    statements: tuple[Statement, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.statements:
            meet(self.name, sum(one.points for one in self.statements), self.points)
        return self


class Sentence(ReportModel):
    """A sentence with what it gives or takes.

    Attributes:
        concept: Name of what it is about; None when it matches no concept.
        sensitive: Kinds of private life it is about.
        entries: Days of the records that it comes from, where its narrative is made of records.
    """

    text: Text
    points: float
    error: StandardError
    concept: Text | None
    sensitive: tuple[Text, ...] = ()
    entries: tuple[date, ...] = ()


class Narrative(ReportModel):
    """One narrative; its sentences, in their order, sum to its points. No sentences: nothing was written, or
    nothing that the encoder can read.

    Attributes:
        n_masked: Sensitive sentences that were withheld from the model.
        exact: Whether it was read again without its sentences.
        unread: Whether something was written, in a language that the encoder cannot read.
        source: As of a column.
    """

    name: Text
    title: Text
    points: float
    sentences: tuple[Sentence, ...]
    n_masked: Count = 0
    exact: bool = False
    unread: bool = False
    source: Text = ""


class ReportedReason(ReportModel):
    """A principal adverse reason. ``disclosable`` False: it must not be given to the applicant as it stands."""

    code: Text
    wording: Text
    points: float
    disclosable: bool
    facts: tuple[Fact, ...] = ()


class Flag(ReportModel):
    """A data-quality flag, as scoring writes it, and in words."""

    flag: Text
    words: Text


class Similar(ReportModel):
    """What became of the most similar past applicants.

    Attributes:
        low: Lower end of the bad rate's 95 % interval.
        high: Its upper end.
        score_low: The lowest of their scores.
        score_high: The highest.
        words: What makes them similar.
    """

    n: int = Field(ge=1)
    n_bad: Count
    bad_rate: Fraction
    low: Fraction
    high: Fraction
    score_low: float
    score_high: float
    words: Text


class SuggestedChange(ReportModel):
    """Columns moved together so that the decision changes, and the result of scoring the application so."""

    moves: tuple[Move, ...] = Field(min_length=1)
    result: Result


class NotMentioned(ReportModel):
    """A subject that the model values and that nothing written is about.

    Attributes:
        points: What a short statement on it gives this application, with nothing else written.
    """

    name: Text
    points: float


class NarrativeEffect(ReportModel):
    """What the narratives changed.

    Attributes:
        without: This model, nothing written.
        columns_only: The model that reads none.
    """

    without: Result
    columns_only: Result


class UnderwriterReport(ReportModel):
    """Why an applicant scored so, at a glance.

    Attributes:
        starting_score: The score of the background without a narrative, where the points begin.
        sentence_method: ``exact`` when the narratives were read again without their sentences, ``fast`` when split from
            one reading, ``mixed`` when some were too long to be read again.
        needs_review: Whether it is a decline and a person must look before the letter is sent.
        review_causes: Why, in sentences for the lender, with what mends it.
        similar: None without past outcomes.
        changes: Of single columns, then of two, the smaller first, each checked by rescoring; empty when none was found
            or the decision needs none.
        narrative_effect: None when nothing was written.
        sources: The application itself, then each source of the schema; their points sum to those of all columns and
            narratives. Empty for a schema without sources.
        contradictions: What the narratives contradict, both places side by side.
        policy: What decided.
        refer_reasons: Why the application is referred; empty where it is not.
        not_mentioned: Information that was missing, those subjects first that give most; empty where it is approved.
    """

    report: Literal["underwriter"] = "underwriter"
    version: Literal[1] = 1
    subject: Subject
    result: Result
    cut_off: CutOff
    population: PopulationPlace
    starting_score: float
    columns: tuple[ColumnPoints, ...]
    narratives: tuple[Narrative, ...]
    narrative_points: float
    sentence_method: SentenceMethod
    reasons: tuple[ReportedReason, ...]
    needs_review: bool
    quality: tuple[Flag, ...]
    similar: Similar | None
    changes: tuple[SuggestedChange, ...]
    narrative_effect: NarrativeEffect | None
    sources: tuple[SourcePoints, ...] = ()
    contradictions: tuple[Disagreement, ...] = ()
    policy: DecidingPolicy
    refer_reasons: tuple[ReferReason, ...] = ()
    not_mentioned: tuple[NotMentioned, ...] = ()
    review_causes: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for narrative in self.narratives:
            if narrative.sentences:
                meet(narrative.name, sum(sentence.points for sentence in narrative.sentences), narrative.points)
        meet("narrative_points", sum(narrative.points for narrative in self.narratives), self.narrative_points)
        meet("cut_off.distance", self.result.score - self.cut_off.score, self.cut_off.distance)
        total = self.starting_score + sum(column.points for column in self.columns) + self.narrative_points
        meet("score", total, self.result.score, SCORE_ROUNDING)
        if self.sources:
            every = sum(column.points for column in self.columns) + self.narrative_points
            meet("sources", sum(source.points for source in self.sources), every)
        return self
