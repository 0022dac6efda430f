"""Columns of a data contract: what each is for, the type of its cells and its rules; columns made of two others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from data_schemas.numbers import PLAIN, NumberNotation
from data_schemas.reasons import Reason


class Role(StrEnum):
    """What a column is for."""

    ID = "id"  # names one application; unique
    FEATURE = "feature"  # structured input of the model
    NARRATIVE = "narrative"  # free text, input of the model
    TARGET = "target"  # the outcome; absent when scoring
    DECISION_DATE = "decision_date"  # the day the lender decides; orders the data in time
    GROUP = "group"  # ties the applications of one applicant together; folds never split it
    PROTECTED = "protected"  # kept beside the data for fairness tests, never enters the model
    AUXILIARY = "auxiliary"  # known only after the decision; training alone reads it, as a second outcome
    IGNORED = "ignored"  # known to the contract, used by nothing


class FieldType(StrEnum):
    """Type of a cell, a subset of the Frictionless types."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"


class Direction(StrEnum):
    """How risk moves when a numeric value grows; NONE leaves it to the model."""

    RISING = "rising"
    FALLING = "falling"
    NONE = "none"


class DerivedKind(StrEnum):
    """How a derived feature is made of two others."""

    RATIO = "ratio"  # first / second; missing when the second is 0
    DIFFERENCE = "difference"  # first - second
    YEARS_BETWEEN = "years_between"  # (second date - first date) in years of 365.25 days


class Actionable(StrEnum):
    """Which way an applicant can move a value before applying again."""

    LOWER = "lower"
    HIGHER = "higher"
    EITHER = "either"
    NO = "no"


@dataclass(frozen=True)
class NumericOutcome:
    """An auxiliary column whose number is the outcome, such as the last credit score.

    Attributes:
        direction: how risk moves when the value grows, rising or falling.
    """

    direction: Direction


@dataclass(frozen=True)
class OrderedOutcome:
    """An auxiliary column of levels, such as the worst arrears.

    Attributes:
        levels: every level, from the safest to the riskiest.
    """

    levels: tuple[str, ...]


@dataclass(frozen=True)
class TimeUntilEvent:
    """An auxiliary date from which the severity of a bad outcome is drawn, such as the day of the last payment.

    A loan that fails early loses more than one that fails in its last months, when most of it is paid back. With the
    months from the decision to the event over the horizon, a bad application has the severity
    clip(1.5 - months / horizon, 0, 1.2): 0.5 when it fails at the end of its term, 1.2 in its first third. A good one
    has 0, whatever its date.

    Attributes:
        horizon: the term of the credit in months, as a number or as the name of a numeric feature.
    """

    horizon: float | str


AuxiliaryOutcome = NumericOutcome | OrderedOutcome | TimeUntilEvent
"""How the cells of an auxiliary column become an outcome that is higher where risk is."""


@dataclass(frozen=True)
class BureauScore:
    """That a column holds a credit bureau's score, as letters disclose it.

    Attributes:
        agency: whose score it is.
        lowest: the least that it can be.
        highest: the most.
        dated: date column that holds the day of the score, "" where none does.
    """

    agency: str
    lowest: float
    highest: float
    dated: str = ""


@dataclass(frozen=True)
class Field:
    """One column of the table, with its rules.

    Attributes:
        name: of the column.
        type: of its cells.
        role: what it is for.
        title: for reports.
        unit: of its values, for reports.
        required: whether an empty cell rejects the row.
        minimum: inclusive lower bound; numbers as float, dates as days since 1970-01-01.
        maximum: inclusive upper bound, in the same unit.
        pattern: regular expression that a whole cell must match.
        max_length: most characters of a cell.
        categories: known levels of a text feature; another level is scored as unknown and flagged.
        allowed: exhaustive levels (``constraints.enum``); another level rejects the row.
        missing_values: cell texts that mean "missing", the schema's own included.
        date_format: a ``strptime`` format, ``"%Y-%m-%d"`` by default, or a name of ``data_schemas.dates.NAMED``.
        date_language: of the names of months.
        number: how numbers are written.
        direction: how risk moves when the value grows.
        reason: the reason given where this column counts against the applicant.
        labels: what reports write in place of a value, by the value: a level, or a number that stands for no number.
        actionable: which way the applicant can move the value before applying again.
        match_concepts: whether the sentences of a narrative are matched to concepts; not those of a label, such as a
            job title.
        auxiliary: of an auxiliary column, how its cells become an outcome.
        loose: whether other spellings of a level (``features.tables.spelling.loose_key``) are read as that level.
        source: the source whose records it is made of; "" for what is not.
        narrative: the narrative whose statements it is made of (``Schema.facts``); "" for what is not.
        bureau_score: of a column that holds a credit bureau's score, whose it is and its range.
        no_bureau_score: whether the schema says that it holds none, whatever its name looks like.
    """

    name: str
    type: FieldType
    role: Role
    title: str
    unit: str = ""
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    max_length: int | None = None
    categories: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ("",)
    date_format: str = "%Y-%m-%d"
    date_language: str = "en"
    number: NumberNotation = PLAIN
    direction: Direction = Direction.NONE
    reason: Reason | None = None
    labels: tuple[tuple[str | float, str], ...] = ()
    actionable: Actionable = Actionable.NO
    match_concepts: bool = True
    auxiliary: AuxiliaryOutcome | None = None
    loose: bool = False
    source: str = ""
    narrative: str = ""
    bureau_score: BureauScore | None = None
    no_bureau_score: bool = False

    @property
    def is_numeric(self) -> bool:
        """Whether cells become float64 (numbers, integers and booleans as 0/1)."""
        return self.type in (FieldType.NUMBER, FieldType.INTEGER, FieldType.BOOLEAN)

    def label(self, value: str | float) -> str:
        """What reports write in place of a value; "" where it stands for itself."""
        return next((label for labelled, label in self.labels if labelled == value), "")


@dataclass(frozen=True)
class Derived:
    """A numeric feature computed from two others (columns, or derived features declared before it).

    Attributes:
        name: of the feature.
        kind: how it is computed.
        of: names of the two it is computed from.
        title: for reports.
        unit: of its values.
        direction: how risk moves when it grows.
        reason: as of a ``Field``.
    """

    name: str
    kind: DerivedKind
    of: tuple[str, str]
    title: str
    unit: str = ""
    direction: Direction = Direction.NONE
    reason: Reason | None = None
