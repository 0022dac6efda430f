"""What a contract declares of statements: columns that are made of them, and columns that they must agree with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LEAST_CONFIDENCE = 0.5


class Value(StrEnum):
    """What a kind of statement gives."""

    NUMBER = "number"
    WORDS = "words"
    DATE = "date"


@dataclass(frozen=True)
class Kind:
    """A kind of statement (``features.facts``).

    Attributes:
        value: what it gives.
        units: those that its numbers are converted to, of which a column names one; none where a unit is free.
        has_unit: whether its numbers have a unit.
        per: whether they are sums of a period.
        counts: of what they are the number, "" where they are none.
    """

    value: Value
    units: tuple[str, ...] = ()
    has_unit: bool = False
    per: bool = False
    counts: str = ""


_TIMES = ("days", "weeks", "months", "years")

KINDS = {
    "amount": Kind(Value.NUMBER, has_unit=True),
    "income": Kind(Value.NUMBER, has_unit=True, per=True),
    "rent": Kind(Value.NUMBER, has_unit=True, per=True),
    "rate": Kind(Value.NUMBER, ("percent", "fraction"), has_unit=True),
    "duration": Kind(Value.NUMBER, _TIMES, has_unit=True),
    "tenure": Kind(Value.NUMBER, _TIMES, has_unit=True),
    "date": Kind(Value.DATE),
    "debt_count": Kind(Value.NUMBER, counts="debts"),
    "card_count": Kind(Value.NUMBER, counts="cards"),
    "employer": Kind(Value.WORDS),
    "job": Kind(Value.WORDS),
    "purpose": Kind(Value.WORDS),
}
"""What narratives may state, by the names of ``features.facts.fact.FactKind``."""


class Of(StrEnum):
    """How the statements of one narrative become one value; missing where nothing is stated, unless noted."""

    MAX = "max"  # the greatest
    MIN = "min"  # the least
    FIRST = "first"  # the one that stands first
    LAST = "last"  # the one that stands last
    SUM = "sum"
    COUNT = "count"  # number of statements; 0 where a narrative states none, missing without a narrative
    ANY = "any"  # whether there is one; missing without a narrative


ANY_KIND = (Of.COUNT, Of.ANY)
"""Ways that need no value, so that statements of every kind go through them."""

OF_TEXTS = (*ANY_KIND, Of.FIRST, Of.LAST)
"""Ways that give a level where statements are words, such as a purpose; the others are for numbers alone."""


@dataclass(frozen=True)
class Wanted:
    """Which statements of a narrative count, and in what unit.

    Attributes:
        narrative: the narrative.
        kind: what is stated, as ``features.facts`` names it.
        unit: what values are converted to: a currency, a unit of time, ``percent`` or ``fraction``; "" for any. A
            statement that cannot be converted does not count.
        per: the period that a sum is converted to; "" for sums of no period, and then those of a period do not count.
        least_confidence: statements that are read with less confidence do not count.
        basis: of incomes ``gross`` or ``net``: those that are said to be the other do not count; "" for both.
    """

    narrative: str
    kind: str
    unit: str = ""
    per: str = ""
    least_confidence: float = LEAST_CONFIDENCE
    basis: str = ""

    @property
    def unit_in_words(self) -> str:
        """The unit of the values, such as ``USD per year``."""
        return " per ".join(filter(None, (self.unit, self.per))) or KINDS[self.kind].counts


@dataclass(frozen=True)
class StatedColumn:
    """A column that is made of what one narrative states.

    Attributes:
        name: of the column.
        wanted: the statements that it is made of.
        of: how several become one value.
    """

    name: str
    wanted: Wanted
    of: Of


@dataclass(frozen=True)
class Contradiction:
    """A column that a narrative must agree with.

    Attributes:
        name: of the flag.
        wanted: the statements, in the column's unit.
        against: the numeric column.
        tolerance: how far the two may lie apart, as a share of the greater.
        wording: what disagrees, for an underwriter.
    """

    name: str
    wanted: Wanted
    against: str
    tolerance: float
    wording: str
