"""What the chapter on the policy shows, computed once for its words, tables and pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from experiments.validate.scored_outcomes import ScoredOutcomes
from features.arrays import Flags, Floats
from fusion.policy.policy import Cutoffs
from fusion.policy.proposal import Proposal, Unmet, bootstrap_mean
from fusion.policy.simulation import Book, Curve, add_curves, at_cutoffs, profits, simulate
from fusion.validation.intervals import Estimate, rate

ALL = "All"
MAX_POINTS = 400  # of a line in a picture


@dataclass(frozen=True)
class SegmentView:
    """Rows that share cut-offs. name: as the proposal has it. name, limits: None for all rows of several segments."""

    name: str | None
    title: str
    rows: Flags
    limits: Cutoffs | None


@dataclass(frozen=True)
class PolicyView:
    """segments: those with rows, all rows last. books: by segment; empty where ``why_no_money`` says why. free: all
    rows, nobody referred for what he lacks. proposal, unmet: one of them where there is money.
    """

    judged: ScoredOutcomes
    segments: tuple[SegmentView, ...]
    books: Mapping[str, Book]
    why_no_money: str
    free: Book
    proposal: Proposal | None
    unmet: Unmet | None

    @cached_property
    def curve(self) -> Curve:
        """One cut-off for all, nobody referred; some hundred points of it."""
        curve = simulate(self.free, 0.0)
        return curve.take(np.unique(np.linspace(0, len(curve.cutoffs) - 1, MAX_POINTS).astype(np.intp)))

    @cached_property
    def present(self) -> Curve:
        """What the policy does to all rows, a curve of one point; only where there is money."""
        return add_curves([at_cutoffs(book, self.judged.policy.cutoffs_of(name)) for name, book in self.books.items()])

    @property
    def money_digits(self) -> int:
        """Decimals that money per application is worth."""
        typical = float(np.mean(self.free.amount)) if not self.why_no_money else 1.0
        return min(max(5 - math.floor(math.log10(typical)), 0), 5)

    def profit(self, segment: SegmentView) -> Estimate:
        """Observed profit per application at the present cut-offs."""
        return bootstrap_mean(self._profits(segment.name))

    def _profits(self, name: str | None) -> Floats:
        policy = self.judged.policy
        if name is not None:
            return profits(self.books[name], policy.cutoffs_of(name))
        return np.concatenate([profits(book, policy.cutoffs_of(one)) for one, book in self.books.items()])

    def point(self, segment: SegmentView) -> Curve:
        """What the present cut-offs do to a segment, a curve of one point."""
        if segment.name is not None:
            return at_cutoffs(self.books[segment.name], self.judged.policy.cutoffs_of(segment.name))
        return self.present

    def bad_rate(self, segment: SegmentView) -> Estimate:
        """Of those approved without a second look."""
        rows = segment.rows & self.judged.approved
        return rate(float(self.judged.y[rows].sum()), int(rows.sum()))
