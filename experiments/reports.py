"""The reports of one credit decision, as data: for the underwriter, the applicant, the validator, and their index.

JSON is the canonical form of a report (``report.model_dump_json()``); pages are made from it alone
(``experiments.render.pages``). Run as a module, this prints the JSON Schema, which is published as
``docs/reports.schema.json``.

Points are points of the score, where more is safer: what speaks against an applicant is negative. Log-odds are of bad:
what speaks against an applicant is positive. PDs and shares are fractions of 1.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

Decision = Literal["approve", "decline"]
SentenceMethod = Literal["exact", "fast", "mixed"]
BackgroundKind = Literal["all", "near_cut_off"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
StandardError = Annotated[float, Field(ge=0, description="0 where nothing was sampled")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]*$", description="in the folder of the index")]

SCORE_ROUNDING = 0.5  # points; base and contributions meet the score within it
SUM_ROUNDING = 1e-6  # between numbers that are sums of others in the same report


def _sound(text: object) -> object:
    """Text that UTF-8 can carry: halves of a surrogate pair are joined, lone ones become U+FFFD."""
    if not isinstance(text, str):
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


Text = Annotated[str, BeforeValidator(_sound)]


class Part(BaseModel):
    """A node of a report: frozen, strict about unknown keys, and without NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Fact(Part):
    """What the applicant stated or wrote: a column's value, or a sentence. ``value`` None: missing."""

    title: Text
    value: bool | float | Text | None
    unit: Text = ""


class Subject(Part):
    """Whom a report is about and which model spoke.

    id: cell of the id column. row: 1-based number among the data rows of ``file``. product: the schema's title. model:
    the bundle's model id. made_on: the day the report was made.
    """

    id: Text
    row: int = Field(ge=1)
    file: Text
    product: Text
    model: Text
    made_on: date


class Result(Part):
    """What a model says of one application."""

    pd: Fraction
    score: float
    decision: Decision


class CutOff(Part):
    """The line between approving and declining: the greatest PD approved and its score."""

    pd: Fraction
    score: float
    distance: float = Field(description="points from the cut-off to the score; negative below it")


class Band(Part):
    """A band of the training population's scores, such as a decile, with what became of its members.

    low, high: scores; None where the band is open.
    """

    number: int = Field(ge=1)
    low: float | None
    high: float | None
    n: Count
    n_bad: Count
    bad_rate: Fraction


class Population(Part):
    """Scores of the training population.

    edges: scores, one more than ``counts``; those beyond the outer edges stand in the outer bins. share_below: of the
    population that scores lower than the applicant. bands: from the lowest scores, number 1. band: the applicant's.
    words: who they are and how they were scored.
    """

    n: Count
    edges: tuple[float, ...] = Field(min_length=2)
    counts: tuple[Count, ...] = Field(min_length=1)
    share_below: Fraction
    bands: tuple[Band, ...] = Field(min_length=1)
    band: int = Field(ge=1)
    words: Text

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.edges) != len(self.counts) + 1 or sorted(set(self.edges)) != list(self.edges):
            raise ValueError(f"edges must rise, one more than the {len(self.counts)} counts")
        if [band.number for band in self.bands] != list(range(1, len(self.bands) + 1)) or self.band > len(self.bands):
            raise ValueError("bands must be numbered from 1, and the applicant's must be among them")
        return self


class ColumnPoints(Part):
    """What one column gives or takes; derived features are columns like any other."""

    name: Text
    fact: Fact
    points: float


class Sentence(Part):
    """A sentence with what it gives or takes.

    concept: name of what it speaks of; None when it matches no concept. sensitive: protected kinds of life it tells of.
    """

    text: Text
    points: float
    error: StandardError
    concept: Text | None
    sensitive: tuple[Text, ...] = ()


class Narrative(Part):
    """One narrative; its sentences, in their order, sum to its points. No sentences: nothing was written.

    n_masked: sensitive sentences that were withheld from the model. exact: it was read again without its sentences.
    """

    name: Text
    title: Text
    points: float
    sentences: tuple[Sentence, ...]
    n_masked: Count = 0
    exact: bool = False


class Reason(Part):
    """A principal adverse reason. ``disclosable`` False: it must not be given to the applicant as it stands."""

    code: Text
    wording: Text
    points: float
    disclosable: bool
    facts: tuple[Fact, ...] = ()


class Flag(Part):
    """A data-quality flag, as scoring writes it, and in words."""

    flag: Text
    words: Text


class Similar(Part):
    """What became of the most similar past applicants.

    low, high: 95 % interval of the bad rate. score_low, score_high: the range of their scores. words: what makes them
    similar.
    """

    n: int = Field(ge=1)
    n_bad: Count
    bad_rate: Fraction
    low: Fraction
    high: Fraction
    score_low: float
    score_high: float
    words: Text


class Move(Part):
    """One column moved."""

    name: Text
    title: Text
    before: bool | float | Text | None
    after: bool | float | Text | None
    unit: Text = ""


class Change(Part):
    """Columns moved together so that the decision changes, and the result of scoring the application so."""

    moves: tuple[Move, ...] = Field(min_length=1)
    result: Result


class NarrativeEffect(Part):
    """What the narratives changed. without: this model, nothing written. columns_only: the model that reads none."""

    without: Result
    columns_only: Result


class UnderwriterReport(Part):
    """Why an applicant scored so, at a glance.

    base_score: the score of the background without a narrative, where the points begin. sentence_method: ``exact`` when
    the narratives were read again without their sentences, ``fast`` when split from one reading, ``mixed`` when some
    were too long to be read again. similar: None without past outcomes. changes: of single columns, then of two, the
    smaller first, each checked by rescoring; empty when none was found or the decision needs none. narrative_effect:
    None when nothing was written. needs_review: it is a decline, and a principal reason may not be disclosed or rests
    on a sensitive sentence.
    """

    report: Literal["underwriter"] = "underwriter"
    version: Literal[1] = 1
    subject: Subject
    result: Result
    cut_off: CutOff
    population: Population
    base_score: float
    columns: tuple[ColumnPoints, ...]
    narratives: tuple[Narrative, ...]
    narrative_points: float
    sentence_method: SentenceMethod
    reasons: tuple[Reason, ...]
    needs_review: bool
    quality: tuple[Flag, ...]
    similar: Similar | None
    changes: tuple[Change, ...]
    narrative_effect: NarrativeEffect | None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        for narrative in self.narratives:
            if narrative.sentences:
                _meet(narrative.name, sum(sentence.points for sentence in narrative.sentences), narrative.points)
        _meet("narrative_points", sum(narrative.points for narrative in self.narratives), self.narrative_points)
        _meet("cut_off.distance", self.result.score - self.cut_off.score, self.cut_off.distance)
        total = self.base_score + sum(column.points for column in self.columns) + self.narrative_points
        _meet("score", total, self.result.score, SCORE_ROUNDING)
        return self


class PlainReason(Part):
    """A reason as the applicant reads it, with the applicant's own values."""

    wording: Text
    facts: tuple[Fact, ...]


class Suggestion(Part):
    """What would have changed the decision; all its moves together."""

    moves: tuple[Move, ...] = Field(min_length=1)


class ApplicantNotice(Part):
    """The letter: no points, no PD, nothing of the model.

    lender, contact: for the letterhead and for questions; blank where the lender adds its own. reasons: only those that
    may be disclosed. needs_review: see UnderwriterReport; a person must look before this is sent.
    """

    report: Literal["applicant"] = "applicant"
    version: Literal[1] = 1
    id: Text
    product: Text
    made_on: date
    lender: Text = ""
    contact: Text = ""
    decision: Decision
    reasons: tuple[PlainReason, ...] = Field(max_length=4)
    suggestions: tuple[Suggestion, ...]
    needs_review: bool


class Contribution(Part):
    """What one player of the explanation contributes, in log-odds of bad and in points.

    stacker, head: its parts through the trees and through the joint head, in log-odds, already weighted by the blend.
    error: standard error, log-odds.
    """

    kind: Literal["column", "narrative"]
    name: Text
    fact: Fact
    log_odds: float
    points: float
    error: StandardError
    stacker: float
    head: float

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        _meet(self.name, self.stacker + self.head, self.log_odds)
        return self


class SentenceContribution(Part):
    """What one sentence contributes; those of a narrative sum to it.

    narrative: its name. place: from 1. similarity: nearness to the nearest concept, from -1 to 1, None where not
    compared. error: standard error, log-odds. exact: its narrative was read again without some of its sentences.
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
    exact: bool = False


class Background(Part):
    """The training rows that absent columns are drawn from."""

    kind: BackgroundKind
    n_rows: int = Field(ge=1)
    words: Text


class Ablation(Part):
    """The same machinery with less to read."""

    name: Text
    margin: float
    pd: Fraction


class Digests(Part):
    """sha256 digests of what the model was made of; ``model`` is that of the manifest, which names all files."""

    model: Text
    schema_: Text = Field(alias="schema")
    config: Text
    data: Text
    encoder: Text

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)


class ValidatorReport(Part):
    """Every contribution, what they sum to, and all that is needed to make them again.

    base: log-odds of the background without a narrative; base_score the same in points. total: base plus contributions.
    reconciliation: total minus margin. points_per_log_odds: negative. n_samples: most orders of a narrative's sentences
    that were sampled, 0 where nothing was. sentence_method: see UnderwriterReport. command: recomputes this report.
    """

    report: Literal["validator"] = "validator"
    version: Literal[1] = 1
    subject: Subject
    result: Result
    margin: float
    base: float
    base_score: float
    total: float
    reconciliation: float
    points_per_log_odds: float
    background: Background
    contributions: tuple[Contribution, ...]
    sentences: tuple[SentenceContribution, ...]
    sentence_method: SentenceMethod
    n_samples: Count
    seed: Count
    ablations: tuple[Ablation, ...]
    digests: Digests
    versions: dict[Text, Text]
    command: Text

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        _meet("total", self.base + sum(part.log_odds for part in self.contributions), self.total)
        _meet("reconciliation", self.total - self.margin, self.reconciliation)
        return self


class Link(Part):
    """A file beside the index."""

    words: Text
    file: FileName


class IndexEntry(Part):
    """One reported application. top_reason: wording of the strongest adverse reason, "" without one."""

    id: Text
    row: int = Field(ge=1)
    result: Result
    top_reason: Text
    needs_review: bool
    links: tuple[Link, ...]


class RejectedRow(Part):
    """A row of the file that broke the data contract, so that it could not be scored: ``id`` "" where none is to be
    read in it, and in words which column, which rule and the remedy.
    """

    row: int = Field(ge=1)
    id: Text
    words: Text


class IndexPage(Part):
    """The reported applications of one run, in the order they are to be read.

    chosen: how they were chosen, in words. n_left_out: those that were chosen too and are beyond the limit. rejected:
    the first of the ``n_rejected`` rows that broke the contract; where applications were chosen by id, those of them.
    """

    report: Literal["index"] = "index"
    version: Literal[1] = 1
    file: Text
    product: Text
    model: Text
    made_on: date
    entries: tuple[IndexEntry, ...]
    n_approved: Count
    n_declined: Count
    n_review: Count
    chosen: Text = ""
    n_left_out: Count = 0
    n_rejected: Count = 0
    rejected: tuple[RejectedRow, ...] = ()

    @model_validator(mode="after")
    def _counts(self) -> Self:
        found = (
            sum(entry.result.decision == "approve" for entry in self.entries),
            sum(entry.result.decision == "decline" for entry in self.entries),
            sum(entry.needs_review for entry in self.entries),
        )
        if found != (self.n_approved, self.n_declined, self.n_review):
            raise ValueError(f"counts of approved, declined and to be reviewed must be {found}")
        return self


Report = Annotated[
    UnderwriterReport | ApplicantNotice | ValidatorReport | IndexPage,
    Field(discriminator="report"),
]


def _meet(what: str, found: float, stated: float, rounding: float = SUM_ROUNDING) -> None:
    """Two numbers that must be the same; raises ValueError, which pydantic reports with its place."""
    if abs(found - stated) > rounding:
        raise ValueError(f"{what}: the parts give {found!r}, stated is {stated!r}")


def parse_report(text: str | bytes) -> Report:
    """A report of any kind from its JSON; raises pydantic.ValidationError."""
    report: Report = TypeAdapter[Report](Report).validate_json(text)
    return report


def json_schema() -> str:
    """The JSON Schema of all reports, as published."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "creditfusion reports, version 1",
        "description": "One file holds one report; its key 'report' says which.",
    }
    body = TypeAdapter[Report](Report).json_schema(mode="serialization")
    return json.dumps(head | body, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(json_schema(), end="")
