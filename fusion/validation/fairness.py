"""Whether a policy and a PD treat the groups of a protected column alike.

Arrays are of one length n: ``code`` int64 (n,), the place of each row's group in ``labels``, -1 for a row of none;
``approved`` bool; ``margin`` float64, log-odds of bad; ``y`` float64, 1 bad and 0 good. Every figure compares a group
with the reference, the group approved most often. A figure that too few rows, goods or bads stand behind is NaN, and
``Group`` holds the reason.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binomtest

from data_schemas.messages import Message, Number, message
from features.arrays import Flags, Floats, Ints
from features.tables.groups import MIN_ROWS
from fusion.validation.intervals import (
    NO_ESTIMATE,
    Estimate,
    Z,
    auc_interval,
    calibration_in_the_large,
    rate,
    slope_interval,
    wald,
)

MIN_PER_OUTCOME = 10
"""Fewer goods: no approval rate among goods. Fewer goods or bads: no calibration slope and no AUC."""

FOUR_FIFTHS = 0.8
"""Least ratio of approval rates that US agencies take as no evidence of adverse impact (29 CFR 1607.4 D)."""

FourFifths = Literal["below", "perhaps below", "perhaps met", "met", ""]
"""Whether a ratio of approval rates keeps the four-fifths rule; ``perhaps`` where its interval holds 0.8, "" where no
ratio exists.
"""

FOUR_FIFTHS_WORDS: Mapping[FourFifths, Message] = {
    "met": message("met"),
    "perhaps met": message("perhaps met"),
    "below": message("below"),
    "perhaps below": message("perhaps below"),
}
"""For people."""


@dataclass(frozen=True)
class Disparity:
    """A group compared with the reference group, which itself has 1 and 0.

    Attributes:
        impact_ratio: approval rate of the group divided by the reference's.
        mean_difference: standardised mean difference of the margin, above 0 where the group looks riskier.
        opportunity: difference of the approval rates among goods, below 0 where the group's goods are turned away more.
        calibration_gap: difference of the calibration gaps, above 0 where the group's PDs are too high beside the
            reference's.
    """

    impact_ratio: Estimate
    mean_difference: Estimate
    opportunity: Estimate
    calibration_gap: Estimate


@dataclass(frozen=True)
class Group:
    """The figures of one group.

    Attributes:
        label: its value.
        n: rows.
        n_bad: bad outcomes.
        n_approved: approvals.
        too_few_rows: why figures that need enough rows do not exist, None where they do.
        too_few_goods: why figures that need enough goods do not exist, None where they do.
        too_few_per_outcome: why figures that need enough goods and bads do not exist, None where they do.
        approval: approval rate.
        opportunity: approval rate among goods.
        calibration_gap: mean PD less the bad rate, above 0 where PDs are too high.
        slope: calibration slope within the group.
        auc: area under the ROC curve within the group.
        disparity: the group compared with the reference.
    """

    label: str
    n: int
    n_bad: int
    n_approved: int
    too_few_rows: Message | None
    too_few_goods: Message | None
    too_few_per_outcome: Message | None
    approval: Estimate
    opportunity: Estimate
    calibration_gap: Estimate
    slope: Estimate
    auc: Estimate
    disparity: Disparity

    @property
    def four_fifths(self) -> FourFifths:
        """Whether the group's impact ratio keeps the four-fifths rule."""
        return four_fifths(self.disparity.impact_ratio)


@dataclass(frozen=True)
class Fairness:
    """All groups of one column.

    Attributes:
        groups: in the column's order.
        reference: place of the group that the others are compared with, None where no group is large enough.
    """

    groups: tuple[Group, ...]
    reference: int | None


def fairness(
    code: Ints, labels: Sequence[str], approved: Flags, margin: Floats, y: Floats, reference: int | None = None
) -> Fairness:
    """Figures of every group of a column.

    Args:
        reference: place of the reference group; None: ``most_approved``.
    """
    if reference is None:
        reference = most_approved(code, len(labels), approved)
    others = np.zeros(len(code), dtype=np.bool_) if reference is None else code == reference
    groups = []
    for at, label in enumerate(labels):
        rows = code == at
        own = at == reference
        groups.append(_group(label, _Rows(rows, approved, margin, y), _Rows(others, approved, margin, y), own))
    return Fairness(tuple(groups), reference)


def most_approved(code: Ints, n_groups: int, approved: Flags) -> int | None:
    """The group with the highest approval rate of those with ``MIN_ROWS`` rows, the larger one of two alike; None
    without any.
    """
    known = code >= 0
    sizes = np.bincount(code[known], minlength=n_groups)
    yes = np.bincount(code[known & approved], minlength=n_groups)
    large = [at for at in range(n_groups) if sizes[at] >= MIN_ROWS]
    return max(large, key=lambda at: (yes[at] / sizes[at], sizes[at]), default=None)


def impact_ratio(approved: int, n: int, reference_approved: int, reference_n: int) -> Estimate:
    """Approval rate of a group by that of the reference: the adverse impact ratio of 29 CFR 1607.4 D.

    The interval is that of a ratio of two rates on the log scale (Katz, Baptista, Azen and Pike, Biometrics 1978);
    where one of the groups is approved altogether or not at all, half an approval and half a row are added to both for
    its ends (Walter, Biometrika 1975). NaN where a group is empty or nobody of the reference is approved.
    """
    if n == 0 or reference_approved == 0:
        return NO_ESTIMATE
    value = (approved / n) / (reference_approved / reference_n)
    inner = 0 < approved < n and reference_approved < reference_n
    a, m, b, k = (count + (0.0 if inner else 0.5) for count in (approved, n, reference_approved, reference_n))
    middle, half = math.log(a * k / (m * b)), Z * math.sqrt(max(1 / a - 1 / m + 1 / b - 1 / k, 0.0))
    return Estimate(value, min(value, math.exp(middle - half)), max(value, math.exp(middle + half)))


def four_fifths(ratio: Estimate) -> FourFifths:
    """The four-fifths rule's word for a ratio of approval rates."""
    if not ratio.exists:
        return ""
    if ratio.value < FOUR_FIFTHS - 1e-12:  # 48 % of 60 % keeps the rule, and is a little less in floating point
        return "below" if ratio.high < FOUR_FIFTHS else "perhaps below"
    return "met" if ratio.low >= FOUR_FIFTHS else "perhaps met"


def rate_difference(n_yes: int, n: int, reference_yes: int, reference_n: int) -> Estimate:
    """A rate less that of the reference, with the hybrid score interval (Newcombe, Statistics in Medicine 1998, method
    10); NaN where either is empty.
    """
    if n == 0 or reference_n == 0:
        return NO_ESTIMATE
    own, other = _wilson(n_yes, n), _wilson(reference_yes, reference_n)
    return _less(own, other)


def standardised_difference(values: Floats, reference: Floats) -> Estimate:
    """Mean less the mean of the reference, by the pooled standard deviation (Cohen's d), with the large-sample interval
    of Hedges and Olkin (Statistical Methods for Meta-Analysis, 1985).

    NaN where either has fewer than two values, or where neither varies.
    """
    n, k = len(values), len(reference)
    if n < 2 or k < 2:
        return NO_ESTIMATE
    pooled = ((n - 1) * float(values.var(ddof=1)) + (k - 1) * float(reference.var(ddof=1))) / (n + k - 2)
    if pooled < 1e-24:
        return NO_ESTIMATE
    d = float(values.mean() - reference.mean()) / math.sqrt(pooled)
    return wald(d, math.sqrt((n + k) / (n * k) + d * d / (2 * (n + k))))


@dataclass(frozen=True)
class _Rows:
    """Rows of one group, and what is known of all."""

    rows: Flags
    approved: Flags
    margin: Floats
    y: Floats

    @property
    def own_margin(self) -> Floats:
        return self.margin[self.rows]

    @property
    def own_y(self) -> Floats:
        return self.y[self.rows]

    @property
    def counts(self) -> tuple[int, int]:
        """Approved, and all."""
        return int(np.sum(self.approved & self.rows)), int(self.rows.sum())

    @property
    def good_counts(self) -> tuple[int, int]:
        """Approved goods, and goods."""
        good = self.rows & (self.y == 0)
        return int(np.sum(self.approved & good)), int(good.sum())

    @property
    def few_rows(self) -> Message | None:
        n = int(self.rows.sum())
        return message("fewer than {n} rows", n=Number(MIN_ROWS)) if n < MIN_ROWS else None

    @property
    def few_goods(self) -> Message | None:
        few = self.good_counts[1] < MIN_PER_OUTCOME
        return self.few_rows or (message("fewer than {n} goods", n=Number(MIN_PER_OUTCOME)) if few else None)

    @property
    def few_per_outcome(self) -> Message | None:
        few = int(self.own_y.sum()) < MIN_PER_OUTCOME
        return self.few_goods or (message("fewer than {n} bads", n=Number(MIN_PER_OUTCOME)) if few else None)


def _group(label: str, own: _Rows, other: _Rows, is_reference: bool) -> Group:
    """One group's figures beside those of the reference."""
    enough, ranked = not own.few_rows, not own.few_per_outcome
    n_approved, n = own.counts
    return Group(
        label=label,
        n=n,
        n_bad=int(own.own_y.sum()),
        n_approved=n_approved,
        too_few_rows=own.few_rows,
        too_few_goods=own.few_goods,
        too_few_per_outcome=own.few_per_outcome,
        approval=rate(n_approved, n) if enough else NO_ESTIMATE,
        opportunity=rate(*own.good_counts) if not own.few_goods else NO_ESTIMATE,
        calibration_gap=_gap(own) if enough else NO_ESTIMATE,
        slope=slope_interval(own.own_y, own.own_margin)[0] if ranked else NO_ESTIMATE,
        auc=auc_interval(own.own_y, own.own_margin) if ranked else NO_ESTIMATE,
        disparity=_versus(own, other, is_reference)
        if enough
        else Disparity(NO_ESTIMATE, NO_ESTIMATE, NO_ESTIMATE, NO_ESTIMATE),
    )


def _versus(own: _Rows, other: _Rows, is_reference: bool) -> Disparity:
    """A large group beside the reference."""
    ratio, few_goods = impact_ratio(*own.counts, *other.counts), own.few_goods or other.few_goods
    if is_reference:
        one, zero = Estimate(1.0, 1.0, 1.0), Estimate(0.0, 0.0, 0.0)
        return Disparity(one if ratio.exists else NO_ESTIMATE, zero, NO_ESTIMATE if few_goods else zero, zero)
    return Disparity(
        impact_ratio=ratio,
        mean_difference=standardised_difference(own.own_margin, other.own_margin),
        opportunity=NO_ESTIMATE if few_goods else rate_difference(*own.good_counts, *other.good_counts),
        calibration_gap=_less(_gap(own), _gap(other)),
    )


def _gap(rows: _Rows) -> Estimate:
    return calibration_in_the_large(rows.own_y, rows.own_margin).gap


def _wilson(n_yes: int, n: int) -> Estimate:
    interval = binomtest(n_yes, n).proportion_ci(method="wilson")
    return Estimate(n_yes / n, min(float(interval.low), n_yes / n), max(float(interval.high), n_yes / n))


def _less(one: Estimate, other: Estimate) -> Estimate:
    """The difference of two independent figures: their distances to the ends, squared and added (Newcombe 1998)."""
    value = one.value - other.value
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    return Estimate(value, low, value + math.hypot(one.high - one.value, other.value - other.low))
