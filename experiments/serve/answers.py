"""What the service answers, as typed JSON; the OpenAPI document is made of these models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from data_schemas.fields import Field as Column
from data_schemas.fields import FieldType, Role
from experiments.serve.records import RowReader


class Part(BaseModel):
    """A part of an answer: frozen, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ReasonGiven(Part):
    """An adverse reason, in points of the score.

    Attributes:
        code: Of the reason.
        wording: For the applicant.
        points: What it took; negative.
        disclosable: Whether it may be given as a principal reason.
    """

    code: str
    wording: str
    points: float
    disclosable: bool


class Scored(Part):
    """An application's answer.

    Attributes:
        row: Its position in the request, from 1.
        id: As the contract reads it; null where none was sent.
        model: Id of the model that decided.
        route: Whether that is the champion or the challenger.
        pd: Probability of default.
        score: In points; more is better.
        decision: approve, refer or decline.
        refer_reason: Why it is referred; "" for what is not.
        data_quality: Flags, joined by ``;``.
        reasons: The strongest adverse reasons first.
        narrative_points: What the narratives gave or took.
        source_points: What the application itself and each source gave or took; empty without sources.
        reason_flags: As in a scored file.
        probabilities: By second models; null where the application breaks their contract.
    """

    row: int
    id: str | None
    model: str
    route: Literal["champion", "challenger"]
    pd: float
    score: float
    decision: Literal["approve", "refer", "decline"]
    refer_reason: str
    data_quality: str
    reasons: list[ReasonGiven]
    narrative_points: float | None
    source_points: dict[str, float]
    reason_flags: str
    probabilities: dict[str, float | None]


class Rejected(Part):
    """An application that breaks the data contract, and is not scored.

    Attributes:
        row: Its position in the request, from 1.
        column: Where it breaks it; "" for the row as a whole.
        rule: The rule.
        message: What is wrong and what to do.
    """

    row: int
    column: str
    rule: str
    message: str


class ScoreAnswer(Part):
    """The answer to a request: every application is either scored or rejected.

    Attributes:
        scored: Those that keep the contract.
        rejected: Those that do not.
    """

    scored: list[Scored]
    rejected: list[Rejected]


class ColumnPoints(Part):
    """What a column gave to a score or took from it.

    Attributes:
        column: Name of the column or derived feature.
        title: For people.
        points: Above 0 where it is in the applicant's favour.
    """

    column: str
    title: str
    points: float


class SentencePoints(Part):
    """What a sentence gave or took.

    Attributes:
        text: The sentence, as the model read it.
        points: Above 0 where it is in the applicant's favour.
        concept: What it is about; null for nothing that the schema names.
    """

    text: str
    points: float
    concept: str | None


class NarrativePoints(Part):
    """What a narrative gave or took.

    Attributes:
        column: Its name.
        title: For people.
        points: Of the whole narrative.
        style: The part of these that comes from how it is written, not from any sentence.
        sentences: In their order; their points and the style's add up to the narrative's.
    """

    column: str
    title: str
    points: float
    style: float
    sentences: list[SentencePoints]


class Explained(Part):
    """An application's answer with all that its score is made of: base, columns and narratives add up to the score.

    Attributes:
        answer: As ``/score`` gives it.
        base: Score of the background that it is explained against.
        columns: Points of each column.
        narratives: Points of each narrative and of its sentences.
    """

    answer: Scored
    base: float
    columns: list[ColumnPoints]
    narratives: list[NarrativePoints]


class ExplainAnswer(Part):
    """The answer to a request: every application is either explained or rejected.

    Attributes:
        explained: Those that keep the contract.
        rejected: Those that do not.
    """

    explained: list[Explained]
    rejected: list[Rejected]


class Problem(Part):
    """Why a request got no answer: problem details by RFC 9457, with what to do beside.

    Attributes:
        type: The title is that of the status.
        title: Of the status.
        status: Of the answer.
        detail: What is wrong.
        error: Kind of error, for programs.
        remedy: What to do.
    """

    type: Literal["about:blank"] = "about:blank"
    title: str
    status: int
    detail: str
    error: str
    remedy: str


class Health(Part):
    """Whether the service lives and takes requests.

    Attributes:
        status: ``ok``, or why it takes none.
        ready: Whether it takes requests.
        waiting: Applications that wait to be scored.
    """

    status: str
    ready: bool
    waiting: int


class ModelFacts(Part):
    """What a model card says first.

    Attributes:
        model: Id of the model.
        schema_name: Of its data contract.
        schema_title: The same for people.
        schema_digest: sha256 of the contract.
        window: First and last decision date of the training rows; null without dates.
        rows: Training rows.
        bad: Those of them that went bad.
        figures: Headline figures of the training.
        encoder: Digest of the text encoder.
        policy: Digest of the policy; null for the model's own cut-off.
        second_models: Ids of second models by name.
    """

    model: str
    schema_name: str
    schema_title: str
    schema_digest: str
    window: tuple[str, str] | None
    rows: int
    bad: int
    figures: dict[str, float | None]
    encoder: str
    policy: str | None
    second_models: dict[str, str]


class ModelAnswer(Part):
    """The models behind the service.

    Attributes:
        champion: Decides what no challenger decides.
        challenger: Decides a share of the applications; null without one.
        shadow: Scores every application, and is only logged; null without one.
        experiment: Salts the draw of the challenger's share.
        share: Of the applications that the challenger decides.
        reasons: At most so many stand beside a score.
        version: Of creditfusion.
    """

    champion: ModelFacts
    challenger: ModelFacts | None
    shadow: ModelFacts | None
    experiment: str
    share: float
    reasons: int
    version: str


def application_model(reader: RowReader, name: str) -> type[BaseModel]:
    """The model of an application of this contract, for OpenAPI: its cells are checked as a file's, after it."""
    fields: dict[str, Any] = {}
    for at, column in enumerate(column for column in reader.fields.values() if not column.source):
        default = ... if column.name in reader.needed else None
        about, limits = _description(column), _limits(column)
        described = Field(default, alias=column.name, description=about, json_schema_extra=limits)
        fields[f"column_{at}"] = (_type(column), described)
    return create_model("Application", __doc__=f"An application by the contract {name!r}.", **fields)


def _type(column: Column) -> object:
    if column.type is FieldType.BOOLEAN:
        return bool | str | None
    if column.is_numeric:
        return float | str | None
    return int | str | None if column.role is Role.ID else str | None


def _description(column: Column) -> str:
    parts = [column.title + (f", in {column.unit}" if column.unit else "") + "."]
    if column.type is FieldType.DATE:
        parts.append(f"A date of the form {column.date_format}.")
    if column.required:
        parts.append("Without a value the application is rejected.")
    if column.role is Role.NARRATIVE:
        parts.append("A narrative, as it was written.")
    return " ".join(parts)


def _limits(column: Column) -> dict[str, Any]:
    """What JSON Schema may know of a column's rules; of dates it has no bounds."""
    found: dict[str, Any] = {}
    if column.is_numeric:
        bounds = {"minimum": column.minimum, "maximum": column.maximum}
        found |= {name: bound for name, bound in bounds.items() if bound is not None}
    if column.max_length is not None:
        found["maxLength"] = column.max_length
    if column.allowed:
        found["enum"] = [*column.allowed, *([] if column.required else [None, ""])]
    elif column.categories:
        found["examples"] = list(column.categories)
    return found
