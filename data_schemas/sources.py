"""What a contract declares of further sources: how their records are tied to applications and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AggregateKind(StrEnum):
    """How the records of one applicant become one value."""

    COUNT = "count"  # number of records; 0 without any
    SHARE = "share"  # records that meet the conditions over all records of the window; missing without any
    DISTINCT = "distinct"  # number of different values; 0 without any
    SUM = "sum"  # 0 without any value
    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    STD = "std"  # of the sample (n - 1); missing below two values
    FIRST = "first"  # of the earliest record that has a value; of several of one day the least
    LAST = "last"  # of the latest record that has a value; of several of one day the greatest
    TREND = "trend"  # slope of the least-squares line over time, per year of 365.25 days; missing below two days
    DAYS_SINCE_FIRST = "days_since_first"  # from the earliest record to the decision
    DAYS_SINCE_LAST = "days_since_last"  # from the latest record to the decision


OF_NOTHING = (
    AggregateKind.COUNT,
    AggregateKind.SHARE,
    AggregateKind.DAYS_SINCE_FIRST,
    AggregateKind.DAYS_SINCE_LAST,
)
"""Kinds that are made of the records alone, of no column of theirs."""

ZERO_WITHOUT_RECORDS = (AggregateKind.COUNT, AggregateKind.DISTINCT, AggregateKind.SUM)
"""Kinds that are 0 where there is no record; the others are missing."""

OF_ANY_VALUE = (AggregateKind.DISTINCT, AggregateKind.FIRST, AggregateKind.LAST)
"""Kinds that are made of numbers and of levels; the others of numbers alone."""

IN_TIME = (
    AggregateKind.FIRST,
    AggregateKind.LAST,
    AggregateKind.TREND,
    AggregateKind.DAYS_SINCE_FIRST,
    AggregateKind.DAYS_SINCE_LAST,
)
"""Kinds that need the records' dates."""


ENTRY_DATE = r"(?m)^\[\d{4}-\d{2}-\d{2}\] "
"""Before each entry of a narrative that is made of records: its date, which is cut before the narrative is read."""


APPLICATION = "application"
"""Stands among the sources for what the table of applications itself gives."""

EVERY_SOURCE = "sources"
"""Stands for all sources together."""


class IfAbsent(StrEnum):
    """What becomes of applications where a source is not given."""

    REFUSE = "refuse"  # nothing is scored
    FLAG = "flag"  # they are scored as if it had no records, and flagged


@dataclass(frozen=True)
class Condition:
    """What a record must meet to count; of its keys one is given.

    Attributes:
        column: of the source.
        values: levels of a text column of which the record has one.
        other_than: levels of which it has none; a missing level is none.
        at_least: inclusive lower bound of a number.
        at_most: inclusive upper bound of a number.
    """

    column: str
    values: tuple[str, ...] = ()
    other_than: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True)
class Aggregate:
    """One value per application, made of its records of one source.

    Attributes:
        name: of the feature.
        kind: how it is made.
        of: the column of the source that it is made of; "" for the records alone.
        where: conditions that a record must meet, all of them; a missing number meets none.
        window_days: only records of so many days before the decision (minus the lag); None: all.
    """

    name: str
    kind: AggregateKind
    of: str = ""
    where: tuple[Condition, ...] = ()
    window_days: float | None = None


@dataclass(frozen=True)
class RecordTexts:
    """A narrative made of the texts of an application's records, the earliest first.

    Attributes:
        name: of the narrative.
        of: the text column of the source.
        last: at most so many entries, the latest.
        window_days: as of an ``Aggregate``.
    """

    name: str
    of: str
    last: int = 50
    window_days: float | None = None


@dataclass(frozen=True)
class Link:
    """How a record is tied to its application.

    Attributes:
        columns: of the source.
        to: of the application, or of the source that it goes through; as many, in the same order.
        through: another source, whose records it belongs to; "" for the application itself.
    """

    columns: tuple[str, ...]
    to: tuple[str, ...]
    through: str = ""


@dataclass(frozen=True)
class AsOf:
    """Which records were known at the decision: those dated before it.

    Attributes:
        date: column of the record's date; "" where the records have none.
        lag_days: so many days pass before a record is known.
        undated: where they have none: why all of them were known.
    """

    date: str = ""
    lag_days: float = 0.0
    undated: str = ""
