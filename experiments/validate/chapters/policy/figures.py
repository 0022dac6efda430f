"""What the chapter on the policy shows, computed once for its words, tables and pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.lower_floors import level_words
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.arrays import Flags, Floats
from fusion.policy.policy import Cutoffs, Economics, amounts_of, referred_otherwise, segments_of
from fusion.policy.proposal import OTHERS, Proposal, Unmet, books_by_segment, bootstrap_mean, propose
from fusion.policy.simulation import Book, Curve, add_curves, at_cutoffs, profits, simulate
from fusion.validation.intervals import Estimate, rate

ALL = gettext_noop("All")
NO_ECONOMICS = gettext_noop("the policy has no [economics]")
NO_AMOUNT = gettext_noop("no application has an amount")
FREE = Economics(loss_given_default=0.0, margin=0.0, amount=1.0)
MAX_POINTS = 400  # of a line in a picture


@dataclass(frozen=True)
class SegmentView:
    """Rows that share cut-offs.

    Attributes:
        name: as the proposal has it; None for all rows of several segments.
        title: the same for people.
        rows: bool (n,).
        limits: the cut-offs; None for all rows of several segments.
    """

    name: str | None
    title: str
    rows: Flags
    limits: Cutoffs | None


@dataclass(frozen=True)
class PolicyView:
    """What the chapter on the policy shows.

    Attributes:
        scored: the rows.
        segments: those with rows, all rows last.
        books: amounts and economics by segment; empty where ``why_no_money`` has a reason.
        why_no_money: why profit cannot be computed, "" where it can.
        free: all rows, nobody referred for what is missing.
        proposal: the best cut-offs, where there are some.
        unmet: the constraints that no cut-offs keep, where there are some.
    """

    scored: ScoredOutcomes
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
        return add_curves([at_cutoffs(book, self.scored.policy.cutoffs_of(name)) for name, book in self.books.items()])

    @property
    def money_digits(self) -> int:
        """Decimals that money per application is worth."""
        typical = float(np.mean(self.free.amount)) if not self.why_no_money else 1.0
        return min(max(5 - math.floor(math.log10(typical)), 0), 5)

    def profit(self, segment: SegmentView) -> Estimate:
        """Observed profit per application at the present cut-offs."""
        return bootstrap_mean(self._profits(segment.name))

    def _profits(self, name: str | None) -> Floats:
        policy = self.scored.policy
        if name is not None:
            return profits(self.books[name], policy.cutoffs_of(name))
        return np.concatenate([profits(book, policy.cutoffs_of(one)) for one, book in self.books.items()])

    def point(self, segment: SegmentView) -> Curve:
        """What the present cut-offs do to a segment, a curve of one point."""
        if segment.name is not None:
            return at_cutoffs(self.books[segment.name], self.scored.policy.cutoffs_of(segment.name))
        return self.present

    def bad_rate(self, segment: SegmentView) -> Estimate:
        """Of those approved without a second look."""
        rows = segment.rows & self.scored.approved
        return rate(float(self.scored.y[rows].sum()), int(rows.sum()))


def view_of(scored: ScoredOutcomes) -> PolicyView:
    """Everything that the chapter shows, computed once."""
    policy, economics = scored.policy, scored.policy.economics
    segments = segments_of(policy, scored.applications)
    amounts = amounts_of(economics or FREE, scored.applications)
    why_not = "" if economics else gettext(NO_ECONOMICS)
    if np.isnan(amounts).any():
        why_not = gettext(NO_AMOUNT)
    plain = np.zeros(len(scored), np.bool_)
    free = Book(scored.pd, scored.y, amounts, plain, economics or FREE)
    referred = referred_otherwise(policy.refer, scored.quality, scored.seconds)
    book = Book(scored.pd, scored.y, amounts, referred, economics or FREE)
    books = {} if why_not else books_by_segment(book, policy, segments)
    found = propose(policy, books) if books else None
    return PolicyView(
        scored=scored,
        segments=tuple(_segments(scored, segments)),
        books=books,
        why_no_money=why_not,
        free=free,
        proposal=found if isinstance(found, Proposal) else None,
        unmet=found if isinstance(found, Unmet) else None,
    )


def _segments(scored: ScoredOutcomes, segments: Sequence[str]) -> list[SegmentView]:
    """The segments that have rows, all rows last; all rows alone where there are none."""
    parted = scored.policy.segments
    everybody: Flags = np.ones(len(scored), np.bool_)
    if parted is None:
        return [SegmentView(OTHERS, gettext(ALL), everybody, scored.policy.cutoffs)]
    title = gettext(scored.applications.schema[parted.column].title)
    names = np.array([name if name in parted.cutoffs else OTHERS for name in segments], dtype=object)
    found = [
        SegmentView(
            name,
            f"{title}: {level_words(name)}" if name else gettext("Others"),
            names == name,
            scored.policy.cutoffs_of(name),
        )
        for name in (*parted.cutoffs, OTHERS)
        if (names == name).any()
    ]
    return [*found, SegmentView(None, gettext(ALL), everybody, None)]
