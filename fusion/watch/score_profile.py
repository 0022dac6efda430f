"""What a watch keeps of the scores of some rows: whole numbers, which add up exactly in any order."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from features.arrays import Flags, Floats
from fusion.explain.reasons import ReasonBook
from fusion.validation.bins import bin_of
from fusion.watch.ranking import Area, added, area_of, bins_of, expected_area

NANO = 10**9
NO_REASON = "none"
VISIBLE = 1e-9  # log-odds


def mean_of(total: int, squared: int, n: int) -> tuple[float, float, int]:
    """Mean and variance of n values, from their sum and that of their squares in billionths, and n."""
    if not n:
        return math.nan, math.nan, 0
    mean = total / NANO / n
    return mean, max(squared / NANO / n - mean**2, 0.0), n


@dataclass(frozen=True)
class Outcomes:
    """Rows whose outcome is known.

    Attributes:
        bad: Bad ones by bin of the log-odds (``fusion.watch.ranking``).
        good: Good ones.
        pd: Sum of their PDs, in billionths.
        brier: Sum of their squared errors, in billionths.
    """

    bad: dict[int, int]
    good: dict[int, int]
    pd: int = 0
    brier: int = 0

    def __add__(self, other: Outcomes) -> Outcomes:
        bad, good = added(self.bad, other.bad), added(self.good, other.good)
        return Outcomes(bad, good, self.pd + other.pd, self.brier + other.brier)

    @property
    def n_bad(self) -> int:
        """Bad ones."""
        return sum(self.bad.values())

    @property
    def n(self) -> int:
        """All of them."""
        return self.n_bad + sum(self.good.values())

    @cached_property
    def area(self) -> Area | None:
        """How well the PDs ranked them."""
        return area_of(self.bad, self.good)

    @cached_property
    def expected_area(self) -> Area | None:
        """How well the PDs were to be expected to rank them."""
        return expected_area(added(self.bad, self.good))


@dataclass(frozen=True)
class ScoreProfile:
    """The scores of some rows.

    Attributes:
        rows: Their number.
        pd: Sum of the PDs, in billionths.
        squared: Sum of the squared PDs, in billionths.
        margins: Rows by bin of the log-odds (``fusion.watch.ranking``).
        cells: Rows by tenth of the training rows' log-odds.
        decisions: Rows by decision, in the order of ``DECISIONS``; all 0 where nobody decided.
        outcomes: Those of the rows that have one.
        reasons: Hash of the id and code of the first reason of the sampled rows, in order.
    """

    rows: int
    pd: int
    squared: int
    margins: dict[int, int]
    cells: tuple[int, ...]
    decisions: tuple[int, int, int]
    outcomes: Outcomes
    reasons: tuple[tuple[int, str], ...]

    @cached_property
    def expected_area(self) -> Area | None:
        """How well the PDs are to be expected to rank all rows; looked at once for every later period."""
        return expected_area(self.margins)

    @property
    def mean_pd(self) -> tuple[float, float, int]:
        """Mean PD, variance of single PDs, and number of rows."""
        return mean_of(self.pd, self.squared, self.rows)

    def reason_counts(self) -> Counter[str]:
        """Sampled rows by the code of their first reason."""
        return Counter(code for _, code in self.reasons)


def first_reasons(contributions: Floats, book: ReasonBook) -> list[str]:
    """Code of the reason that adds most to the log-odds of each row, ``NO_REASON`` where none adds anything.

    contributions: (n, n_columns + n_narratives), of columns and narratives. A narrative counts as a whole under its own
    code; which of its sentences matters is left to reports on single decisions.
    """
    places = np.concatenate([book.column, book.narrative])
    by_reason = np.zeros((len(contributions), len(book.reasons)))
    for at, place in enumerate(places.tolist()):
        by_reason[:, place] += contributions[:, at]
    best = by_reason.argmax(axis=1)
    adverse = by_reason[np.arange(len(best)), best] > VISIBLE
    return [
        book.reasons[at].code if one else NO_REASON for at, one in zip(best.tolist(), adverse.tolist(), strict=True)
    ]


def profile_of(margin: Floats, known: Flags, bad: Flags, edges: Floats) -> ScoreProfile:
    """Scores without decisions and reasons."""
    pd = expit(margin)
    outcomes = Outcomes(
        bins_of(margin[known & bad]),
        bins_of(margin[known & ~bad]),
        in_nanos(pd[known]),
        in_nanos(np.square(pd - bad)[known]),
    )
    cells = np.bincount(bin_of(margin, edges), minlength=len(edges) + 1)
    return ScoreProfile(
        len(margin),
        in_nanos(pd),
        in_nanos(np.square(pd)),
        bins_of(margin),
        tuple(cells.tolist()),
        (0, 0, 0),
        outcomes,
        (),
    )


def in_nanos(values: Floats) -> int:
    """Sum of values (n,) in billionths."""
    return int(np.rint(values * NANO).astype(np.int64).sum())
