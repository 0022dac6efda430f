"""The carrier of facts that narratives state: what kind, where, and what value in which unit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

HOURS_A_YEAR = 2080  # 52 weeks of 40 hours
DAYS_A_YEAR = 260  # 52 weeks of 5 days

PER_YEAR = {
    "hour": HOURS_A_YEAR,
    "day": DAYS_A_YEAR,
    "week": 52,
    "fortnight": 26,
    "half month": 24,
    "month": 12,
    "quarter": 4,
    "half year": 2,
    "year": 1,
}
"""How often each period that a payment may be ``per`` comes in a year of work."""


class FactKind(StrEnum):
    """What a fact is about. A stretch of text is a fact of one kind: of the most special that it meets."""

    AMOUNT = "amount"  # money that is neither income nor rent of the writer
    INCOME = "income"  # what the writer says to earn now
    RENT = "rent"  # what the writer says to pay for housing: rent or mortgage
    RATE = "rate"  # an interest rate or another percentage that is charged
    DURATION = "duration"  # how long something lasts, lasted or will take
    TENURE = "tenure"  # how long the writer has been in work
    DATE = "date"
    DEBT_COUNT = "debt_count"  # how many loans or debts, other than cards
    CARD_COUNT = "card_count"  # how many credit or store cards
    EMPLOYER = "employer"  # for whom the writer works
    JOB = "job"  # what the writer works as
    PURPOSE = "purpose"  # what the loan is for


@dataclass(frozen=True)
class Fact:
    """Something that a narrative states.

    Attributes:
        kind: what it is about.
        start: where it begins in the text.
        end: where it ends.
        sentence: start and end of the sentence that states it.
        value: the number; of a range its middle. Durations and tenures count ``unit``; dates are days since 1970-01-01,
            the first day of a month or year alone. None where there is no number, or where only a reference day
            would give one ("last June", "since 2009").
        spread: half the width of a range, 0 for a single number.
        text: employer, job or purpose in lower case with single spaces; of a date, and of the begin of "since 2009", as
            much as is stated of it in ISO form ("2021-03-03", "2021-03", "2021"); of an income "net" or "gross" where
            that is stated. "" otherwise.
        unit: of money its ISO currency code, "" where none is stated; of rates "percent"; of durations and tenures
            "month" (years are counted as 12) or "day" (weeks as 7); "" otherwise.
        per: a key of ``PER_YEAR``: the period in which money or interest is due again; "" where none is stated.
        confidence: from 0 to 1, how sure the rules are of kind and value. Below 1/2 the fact is rather a hint: so is an
            income that is stated as one beside others, such as rent or child support that the writer receives.
    """

    kind: FactKind
    start: int
    end: int
    sentence: tuple[int, int]
    value: float | None = None
    spread: float = 0.0
    text: str = ""
    unit: str = ""
    per: str = ""
    confidence: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a fact needs a stretch of text, got {self.start}..{self.end}")
        if self.per and self.per not in PER_YEAR:
            raise ValueError(f"per must be one of {', '.join(PER_YEAR)}, got {self.per}")
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence must be from 0 to 1, got {self.confidence}")

    @property
    def yearly(self) -> float | None:
        """The value in a year of work; None where there is no value or no period."""
        if self.value is None or not self.per:
            return None
        return self.value * PER_YEAR[self.per]
