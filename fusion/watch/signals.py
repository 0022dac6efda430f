"""What a watch notices: signals of one period, and the rows that they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from data_schemas.messages import Message
from features.arrays import Floats

Check = Literal[
    "missing",  # share of rows without a value
    "unknown",  # share of rows with a level that the model does not know
    "outside",  # share of rows whose number lies outside the range of the reference
    "psi",  # population stability index of a column or of the score
    "written",  # share of rows with a narrative
    "unread",  # share of narratives that the encoder cannot read
    "mean_shift",  # distance of the mean vector of narratives
    "domain_auc",  # how well a classifier tells the period from the reference
    "word",  # share of narratives with a word
    "pd",  # mean PD
    "approval",  # share approved
    "reason",  # share of rows with a first reason
    "auc",  # of the PD, once outcomes are known
    "calibration",  # observed over expected bad rate, once outcomes are known
    "volume",  # number of applications
    "velocity",  # number of applications of one kind
    "odd",  # share of rows that are odder than the reference's oddest
    "copies",  # rows in rings of copied narratives
    "contradiction",  # share of rows whose narrative contradicts the form
    "second_model",  # mean probability of a second model, such as one of fraud
    "topic_volume",  # number of texts of a topic
    "topic_sentiment",  # mean sentiment of a topic
    "sentiment",  # mean sentiment of all texts
]
"""Names of the checks, as rules of alarms name them."""


@dataclass(frozen=True, order=True)
class RowRef:
    """Where a row stands; rows are ordered by file and number.

    Attributes:
        file: its name, without folders.
        row: 1-based number among the data rows of the file.
        id: cell of the id column.
    """

    file: str
    row: int
    id: str

    @property
    def place(self) -> str:
        """In a line, for tables."""
        return f"{self.file}:{self.row} ({self.id})"


@dataclass(frozen=True)
class Signal:
    """One figure of one period beside what is usual.

    Attributes:
        period: the period, such as ``"2026-11-28"``.
        check: which figure.
        subject: of what: a column, ``narrative:word``, a topic; "" for the whole.
        value: size of the departure, in the unit in which rules give levels, never negative: a PSI, a difference of
            shares, a ratio less 1, a distance.
        now: the figure in this period.
        low: lower end of its 95 % interval.
        high: upper end.
        usual: the figure in the reference.
        p: chance of a departure of this size where nothing changed; 0 for what never happens by chance.
        words: what changed, for people, in one sentence; no text of an applicant.
        rows: the first rows concerned, at most ``MAX_ROWS``, in order; none where single rows are not concerned.
        n_rows: rows that the figure rests on.
    """

    period: str
    check: Check
    subject: str
    value: float
    now: float
    low: float
    high: float
    usual: float
    p: float
    words: Message
    rows: tuple[RowRef, ...] = ()
    n_rows: int = 0


MAX_ROWS = 5
"""Rows that a signal names."""


@dataclass(frozen=True)
class Flag:
    """A row that a person should look at.

    Attributes:
        row: where it stands.
        period: of the row.
        check: why it is flagged.
        size: how much, comparable within a check; greater is worse.
        words: why, without a text of the applicant.
        quote: passages of the narrative that it rests on, for those who ask for quotes; "" for none.
        ring: number of the ring of copies that it belongs to; "" for none.
    """

    row: RowRef
    period: str
    check: Check
    size: float
    words: Message
    quote: str = ""
    ring: str = ""


def first_rows(*parts: tuple[RowRef, ...]) -> tuple[RowRef, ...]:
    """The first ``MAX_ROWS`` of all rows, in order, each once; the same whatever the order of the parts."""
    return tuple(sorted({row for part in parts for row in part})[:MAX_ROWS])


def shares(count: Floats, n: Floats) -> Floats:
    """Shares float64 of counts over numbers of rows; 0 over none."""
    found: Floats = count / (n + (n == 0))
    return found
