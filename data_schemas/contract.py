"""The data contract: what a table of applications must look like and what each column is for.

One schema file per data set, in Frictionless Table Schema (v2) form with a namespaced ``creditfusion`` object for what
that standard lacks. Everything that depends on a column's meaning reads it from here: validation, encoding, monotone
constraints, reason wordings. This module holds the types; ``data_schemas.reader`` makes them from a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from data_schemas.numbers import PLAIN, NumberNotation, Threshold
from data_schemas.sources import ZERO_WITHOUT_RECORDS, Aggregate, AsOf, IfAbsent, Link, RecordTexts
from data_schemas.statements import Contradiction, StatedColumn


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


class Sensitive(StrEnum):
    """Kinds of private life that a lender must not decide by, though a narrative may mention them.

    The special categories of Article 9 GDPR, criminal convictions (Article 10), and what the US Equal Credit
    Opportunity Act adds: family and marital status, and income from public assistance.
    """

    HEALTH = "health"
    RELIGION = "religion"
    FAMILY = "family"
    ETHNICITY = "ethnicity"  # origin, nationality and immigration too
    POLITICS = "politics"
    SEXUALITY = "sexuality"
    UNION = "union"
    CRIMINAL_RECORD = "criminal_record"
    PUBLIC_ASSISTANCE = "public_assistance"


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
class Reason:
    """The reason that is given to an applicant for a column, or for something that they wrote.

    Attributes:
        code: short stable code, for example ``"DTI"``.
        wording: short, for the applicant.
        disclosable: whether it may be given as a principal reason.
        worded: whether the schema words it; else ``wording`` names the column for whoever works with the model, and
            no applicant may be given it.
        low: a letter's sentence where the value lies below that of most approved applicants, with ``{value}`` for it
            or ``{number}`` for it without its unit; "" where the schema has none, as of the others.
        high: where it lies above.
        missing: where there is none.
        recorded: of a concept, its wording where a record speaks of it.
    """

    code: str
    wording: str
    disclosable: bool = True
    worded: bool = True
    low: str = ""
    high: str = ""
    missing: str = ""
    recorded: str = ""


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


@dataclass(frozen=True)
class StripRule:
    """Text that is cut from every narrative before it is read.

    Attributes:
        pattern: regular expression.
        why: for whoever reads the schema.
    """

    pattern: str
    why: str


@dataclass(frozen=True)
class Concept:
    """A subject that applicants write about; it gives a sentence its name and its reason.

    Attributes:
        name: short, for an underwriter.
        statements: statements of that meaning, which the encoder compares with sentences (``says`` in the schema file).
        reason: given to the applicant.
        words: lower-case words of that kind wherever they stand whole; ``*`` at the end stands for any ending. Words of
            scripts without spaces, such as Chinese, are found inside others too.
        sensitive: the kind of private life that it belongs to, "" for none.
    """

    name: str
    statements: tuple[str, ...]
    reason: Reason
    words: tuple[str, ...] = ()
    sensitive: Sensitive | Literal[""] = ""


@dataclass(frozen=True)
class Dialect:
    """How the files of a data set are written, where they do not show it themselves; None: they do.

    Attributes:
        encoding: of text, as Python names it.
        delimiter: between the cells of CSV.
        sheet: of a workbook.
    """

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None


@dataclass(frozen=True)
class Source:
    """A further table whose records belong to applications: bureau accounts, transactions, call notes.

    Attributes:
        contract: of its records; the id, where there is one, names a record. It has no target.
        link: how a record is tied to its application.
        as_of: which records were known at the decision.
        if_absent: what becomes of applications where the source is not given.
        aggregates: values that are made of the records.
        texts: narratives that are made of them.
        wording: what reasons from this source begin with, such as "From your credit bureau record".
    """

    contract: Schema
    link: Link
    as_of: AsOf
    if_absent: IfAbsent
    aggregates: tuple[Aggregate, ...]
    texts: tuple[RecordTexts, ...]
    wording: str

    @property
    def name(self) -> str:
        """Of the source, as the commands' ``--source`` names it."""
        return self.contract.name

    @property
    def title(self) -> str:
        """For reports."""
        return self.contract.title

    @property
    def zeros(self) -> frozenset[str]:
        """Names of the aggregates that are 0, not missing, for an application without any record."""
        return frozenset(one.name for one in self.aggregates if one.kind in ZERO_WITHOUT_RECORDS)


@dataclass(frozen=True)
class Schema:
    """The contract of one data set.

    Attributes:
        name: short, of the data set.
        title: for reports.
        fields: the table's own columns in file order, then what is made of the records of each source, then what is
            made of the statements of narratives.
        derived: derived features, in the order of their declaration.
        bad_values: target cells that count as bad (1); none where ``bad_if`` says which numbers do.
        good_values: those that count as good (0); empty means every other non-missing value.
        undecided_values: those of applications that have no outcome yet; "" for an empty cell. Their rows are counted
            and left out where an outcome is needed.
        strip: what is cut from narratives.
        concepts: in the order of the file.
        digest: sha256 of the schema's canonical JSON.
        source: the schema as JSON text, complete in itself, for bundles.
        dialect: how files are written that do not show it.
        sources: further tables, each after the one that it goes through.
        bad_if: of a target of numbers, those that count as bad; all others count as good.
        facts: how the columns are made that narratives state, in their order.
        contradictions: what narratives must agree with.
    """

    name: str
    title: str
    fields: tuple[Field, ...]
    derived: tuple[Derived, ...]
    bad_values: tuple[str, ...]
    good_values: tuple[str, ...]
    undecided_values: tuple[str, ...]
    strip: tuple[StripRule, ...]
    concepts: tuple[Concept, ...]
    digest: str
    source: str
    dialect: Dialect = Dialect()
    sources: tuple[Source, ...] = ()
    bad_if: Threshold | None = None
    facts: tuple[StatedColumn, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()

    @property
    def own_fields(self) -> tuple[Field, ...]:
        """The table's own columns, in file order."""
        return tuple(field for field in self.fields if not field.source and not field.narrative)

    def fields_from(self, source: str) -> tuple[Field, ...]:
        """What is made of the records of a source, aggregates before narratives."""
        return tuple(field for field in self.fields if field.source == source)

    def sources_of(self, name: str) -> tuple[str, ...]:
        """Names of the sources of which a column or derived feature is made, in their order, be it through a narrative;
        none for what the table itself gives. Raises KeyError for a name that is neither.
        """
        derived = next((one for one in self.derived if one.name == name), None)
        if derived is not None:
            found = {one for part in derived.of for one in self.sources_of(part)}
        else:
            found = {self[self[name].narrative or name].source}
        return tuple(one.name for one in self.sources if one.name in found)

    def fields_of(self, *roles: Role) -> tuple[Field, ...]:
        """Fields with one of these roles, in file order."""
        return tuple(field for field in self.fields if field.role in roles)

    def field_of(self, role: Role) -> Field | None:
        """The one field of a role that occurs at most once (id, target, decision_date, group); None without one."""
        found = self.fields_of(role)
        return found[0] if found else None

    @property
    def bureau_score(self) -> Field | None:
        """The feature that holds a credit bureau's score; None without one."""
        return next((field for field in self.features if field.bureau_score is not None), None)

    @property
    def id(self) -> Field:
        """The id column; the reader guarantees that there is exactly one."""
        return self.fields_of(Role.ID)[0]

    @property
    def features(self) -> tuple[Field, ...]:
        """Structured inputs of the model, in file order."""
        return self.fields_of(Role.FEATURE)

    @property
    def narratives(self) -> tuple[Field, ...]:
        """Free-text inputs of the model, in file order."""
        return self.fields_of(Role.NARRATIVE)

    def __getitem__(self, name: str) -> Field:
        """The field of that name; raises KeyError."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)
