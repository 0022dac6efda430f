"""What a policy does to applications whose outcome is known: how many it approves, what that loses and what it earns.

Every figure comes twice: expected by the PDs, and observed in the outcomes. Two things are unknown to any simulation:
the outcomes of applicants who never got a loan, and how well a person decides referrals; of the referred the same
share of good and bad is taken to be approved in the end (``Economics.referred_approved``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.arrays import Flags, Floats, Index
from fusion.policy.policy import Cutoffs, Economics

# Columns of ``Book.stakes``: what granting a row adds to each sum.
COUNT, BAD, EXPECTED_BAD, LOSS, EXPECTED_LOSS, EARNED, EXPECTED_EARNED = range(7)


@dataclass(frozen=True)
class Book:
    """Applications with known outcome, and the economics of approving them.

    Attributes:
        pd: float64 (n,).
        y: float64 (n,), 1 bad, 0 good.
        amount: float64 (n,), in currency.
        must_refer: bool (n,), rows that the policy refers instead of approving, whatever their PD.
        economics: of the policy.

    Raises:
        ValueError: when the parts differ in length.
    """

    pd: Floats
    y: Floats
    amount: Floats
    must_refer: Flags
    economics: Economics

    def __post_init__(self) -> None:
        if not self.pd.shape == self.y.shape == self.amount.shape == self.must_refer.shape == (len(self.pd),):
            raise ValueError("pd, y, amount and lacking must be one value per row each")

    def __len__(self) -> int:
        return len(self.pd)

    def take(self, rows: Flags) -> Book:
        """The rows of this mask."""
        return Book(self.pd[rows], self.y[rows], self.amount[rows], self.must_refer[rows], self.economics)

    @property
    def stakes(self) -> Floats:
        """float64 (n, 7): a grant, a bad, its PD, the loss and what is earned, each of these two also by the PD."""
        loss = self.amount * self.economics.loss_given_default
        margin = self.amount * self.economics.margin
        columns = (
            np.ones(len(self)),
            self.y,
            self.pd,
            self.y * loss,
            self.pd * loss,
            (1 - self.y) * margin - self.y * loss,
            (1 - self.pd) * margin - self.pd * loss,
        )
        return np.column_stack(columns)

    def granted(self, limits: Cutoffs) -> tuple[Floats, Flags]:
        """The share of each row that ends approved (n,), 1 or 0 but for the referred; and which rows are referred.

        Agrees with ``fusion.policy.policy.decide`` where ``must_refer`` marks rows that its data-quality rules refer.
        """
        declined = self.pd > limits.decline
        referred = ~declined & ((self.pd > limits.approve) | self.must_refer)
        return np.where(declined, 0.0, np.where(referred, self.economics.referred_approved, 1.0)), referred


@dataclass(frozen=True)
class Curve:
    """What each approve cut-off does, float64 (k,) each; the decline cut-off stays, or rises with it.

    Attributes:
        cutoffs: PDs up to which applications are approved.
        n: rows.
        approved: rows that end approved, the referred by their share.
        referred: rows that a person looks at.
        bad: bads among the approved.
        expected_bad: sum of the PDs of the approved.
        loss: in currency, by the outcomes.
        expected_loss: in currency, by the PDs.
        profit: in currency, by the outcomes.
        expected_profit: in currency, by the PDs.
    """

    cutoffs: Floats
    n: int
    approved: Floats
    referred: Floats
    bad: Floats
    expected_bad: Floats
    loss: Floats
    expected_loss: Floats
    profit: Floats
    expected_profit: Floats

    @property
    def approval_rate(self) -> Floats:
        """Share of the rows that end approved, (k,)."""
        return _share(self.approved, np.full_like(self.approved, self.n))

    @property
    def refer_rate(self) -> Floats:
        """Share of the rows that a person looks at, (k,)."""
        return _share(self.referred, np.full_like(self.referred, self.n))

    @property
    def bad_rate(self) -> Floats:
        """Bads of those approved, (k,); NaN where nobody is."""
        return _share(self.bad, self.approved)

    @property
    def expected_bad_rate(self) -> Floats:
        """Mean PD of those approved, (k,); NaN where nobody is."""
        return _share(self.expected_bad, self.approved)

    def take(self, at: Index) -> Curve:
        """Some of the cut-offs."""
        return Curve(
            self.cutoffs[at],
            self.n,
            self.approved[at],
            self.referred[at],
            self.bad[at],
            self.expected_bad[at],
            self.loss[at],
            self.expected_loss[at],
            self.profit[at],
            self.expected_profit[at],
        )


def _share(part: Floats, of: Floats) -> Floats:
    found: Floats = np.divide(part, of, out=np.full_like(part, np.nan), where=of > 0)
    return found


def simulate(book: Book, decline: float, cutoffs: Floats | None = None) -> Curve:
    """The curve over ``cutoffs`` (k,), by default 0 and every distinct PD, rising; ``decline``: see ``Curve``.

    Time O(n log n + k).
    """
    at = np.unique(np.append(book.pd, 0.0)) if cutoffs is None else cutoffs
    order = np.argsort(book.pd, kind="stable")
    pd, lacking, stakes = book.pd[order], book.must_refer[order][:, None], book.stakes[order]
    with_rows = np.column_stack([stakes, np.ones(len(book))])
    free = _sums(np.where(lacking, 0.0, with_rows))
    held = _sums(np.where(lacking, with_rows, 0.0))
    low = np.searchsorted(pd, at, side="right")
    high = np.searchsorted(pd, np.maximum(at, decline), side="right")
    looked_at = held[high] + free[high] - free[low]
    granted = free[low] + book.economics.referred_approved * looked_at
    referred = looked_at[:, -1]
    costs = book.economics.cost_per_application * len(book) + book.economics.cost_per_referral * referred
    return Curve(
        at,
        len(book),
        granted[:, COUNT],
        referred,
        granted[:, BAD],
        granted[:, EXPECTED_BAD],
        granted[:, LOSS],
        granted[:, EXPECTED_LOSS],
        granted[:, EARNED] - costs,
        granted[:, EXPECTED_EARNED] - costs,
    )


def _sums(rows: Floats) -> Floats:
    """Sums (n + 1, k) of the first 0, 1, ... rows."""
    return np.vstack([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])


def at_cutoffs(book: Book, limits: Cutoffs) -> Curve:
    """The one point of the curve that a pair of cut-offs makes."""
    return simulate(book, limits.decline, np.array([limits.approve]))


def add_curves(parts: list[Curve]) -> Curve:
    """The sum of some curves of one length over different rows; its cut-offs are NaN.

    Raises ValueError for no parts.
    """
    if not parts:
        raise ValueError("no parts to add up")
    sums = [
        np.sum([getattr(part, name) for part in parts], axis=0)
        for name in (
            "approved",
            "referred",
            "bad",
            "expected_bad",
            "loss",
            "expected_loss",
            "profit",
            "expected_profit",
        )
    ]
    return Curve(np.full(len(parts[0].cutoffs), np.nan), sum(part.n for part in parts), *sums)


def profits(book: Book, limits: Cutoffs) -> Floats:
    """What each row earned less what it cost under these cut-offs, float64 (n,), as it turned out."""
    share, referred = book.granted(limits)
    costs = book.economics.cost_per_application + book.economics.cost_per_referral * referred
    earned: Floats = share * book.stakes[:, EARNED] - costs
    return earned
