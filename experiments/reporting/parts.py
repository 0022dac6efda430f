"""What all reports are made of: numbers in bounds, sound texts, whom a report is about and what a model answered."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Decision = Literal["approve", "refer", "decline"]
SentenceMethod = Literal["exact", "fast", "mixed"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
StandardError = Annotated[float, Field(ge=0, description="0 where nothing was sampled")]

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


class ReportModel(BaseModel):
    """A node of a report: frozen, strict about unknown keys, and without NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Fact(ReportModel):
    """What the applicant stated or wrote: a column's value, or a sentence. ``value`` None: missing."""

    title: Text
    value: bool | float | Text | None
    unit: Text = ""


class Passage(ReportModel):
    """A stretch of a text.

    Attributes:
        text: with the white space at its ends.
        marked: whether it stands out.
    """

    text: Text
    marked: bool = False


class MarkedText(ReportModel):
    """A text of which some stretches stand out.

    Attributes:
        passages: in order; together they are the text.
    """

    passages: tuple[Passage, ...]


class Statement(ReportModel):
    """A sentence that states the value of a column.

    Attributes:
        narrative: Title of its narrative.
        place: Of the sentence in it, from 1.
        text: The sentence, with what states the value marked.
        points: What it gives or takes through the column.
    """

    narrative: Text
    place: int = Field(ge=1)
    text: MarkedText
    points: float


class Disagreement(ReportModel):
    """A narrative that contradicts a column: both places side by side.

    Attributes:
        name: Of the contradiction, as its data-quality flag has it.
        wording: What disagrees.
        given: The column's value.
        stated: What the narrative states, in the column's unit.
        narrative: Title of the narrative.
        text: Its sentence, with what states the value marked.
    """

    name: Text
    wording: Text
    given: Fact
    stated: Fact
    narrative: Text
    text: MarkedText


class Subject(ReportModel):
    """Whom a report is about and which model spoke.

    Attributes:
        id: Cell of the id column.
        row: 1-based number among the data rows of ``file``.
        product: The schema's title.
        model: The bundle's model id.
        model_name: What people call the model: its folder, its training window.
        made_on: The day the report was made.
    """

    id: Text
    row: int = Field(ge=1)
    file: Text
    product: Text
    model: Text
    model_name: Text = ""
    made_on: date


class Result(ReportModel):
    """What a model says of one application."""

    pd: Fraction
    score: float
    decision: Decision


class DecidingPolicy(ReportModel):
    """What decided.

    Attributes:
        kind: A policy that was given, the one that the bundle keeps, or the model's own cut-off.
        words: The cut-offs of rows without their own.
        digest: sha256 of all that its decisions depend on.
        approve: The greatest PD that is approved, of an application like this one.
        decline: The PD above which it is declined; between the two it is referred to a person.
        segment: The column and value by which the cut-offs are this application's own; "" where they are everybody's.
    """

    kind: Literal["given", "bundle", "cut_off"]
    words: Text
    digest: Text
    approve: Fraction
    decline: Fraction
    segment: Text = ""


class ReferReason(ReportModel):
    """Why an application is referred to a person, as scoring writes it, and in words."""

    reason: Text
    words: Text


class Move(ReportModel):
    """One column moved."""

    name: Text
    title: Text
    before: bool | float | Text | None
    after: bool | float | Text | None
    unit: Text = ""


class SourcePoints(ReportModel):
    """What the application itself, or all that is made of the records of one further source, gives or takes.

    Attributes:
        name: ``application``, or the source's.
        title: For people.
    """

    name: Text
    title: Text
    points: float


def meet(what: str, found: float, stated: float, rounding: float = SUM_ROUNDING) -> None:
    """Two numbers that must be the same; raises ValueError, which pydantic reports with its place."""
    if abs(found - stated) > rounding:
        raise ValueError(f"{what}: the parts give {found!r}, stated is {stated!r}")
