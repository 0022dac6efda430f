"""What another way of scoring and deciding the same rows does to the figures of fairness.

Two treatments share their rows, so the interval of a difference is much narrower than the two figures' own intervals
suggest. It is taken from a paired bootstrap: rows are drawn with replacement within each group, the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from features.arrays import Flags, Floats, Index, Ints
from fusion.validation.fairness import MIN_PER_OUTCOME
from fusion.validation.intervals import CELLS_AT_ONCE, NO_ESTIMATE, Estimate

N_DRAWS = 1000


@dataclass(frozen=True)
class Treatment:
    """One way to score and decide the rows.

    Attributes:
        approved: bool (n,), approvals.
        margin: float64 (n,), log-odds of bad.
    """

    approved: Flags
    margin: Floats


@dataclass(frozen=True)
class Effect:
    """Figures of one group under one treatment less those under the other; NaN where one does not exist under both.

    Attributes:
        approval: difference of the approval rates.
        impact_ratio: difference of ``Disparity.impact_ratio``.
        mean_difference: difference of ``Disparity.mean_difference``.
        opportunity: difference of ``Disparity.opportunity``.
        calibration_gap: difference of the calibration gaps.
    """

    approval: Estimate
    impact_ratio: Estimate
    mean_difference: Estimate
    opportunity: Estimate
    calibration_gap: Estimate


def effects(
    code: Ints,
    groups: Sequence[int],
    reference: int,
    y: Floats,
    one: Treatment,
    other: Treatment,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> tuple[Effect, ...]:
    """What ``other`` does to the figures of each of ``groups``: those of ``other`` less those of ``one``.

    Args:
        groups: places in ``code``.
        reference: place of the reference group; of itself only approval and calibration can differ.
    """
    base = _Drawn.of(np.flatnonzero(code == reference), y, one, other, n_draws, [seed, reference])
    found = []
    for group in groups:
        rows = np.flatnonzero(code == group)
        own = base if group == reference else _Drawn.of(rows, y, one, other, n_draws, [seed, group])
        found.append(_effect(own, base))
    return tuple(found)


@dataclass(frozen=True)
class _Drawn:
    """Sums over a group's rows, (12, 1), and over drawn ones, (12, n_draws); their rows are described at ``_sums``."""

    here: Floats
    draws: Floats

    @staticmethod
    def of(
        rows: Index, y: Floats, one: Treatment, other: Treatment, n_draws: int, seed: Sequence[int]
    ) -> _Drawn | None:
        """None for no rows."""
        if not len(rows):
            return None
        random = np.random.Generator(np.random.PCG64(seed))
        return _Drawn(_sums(rows, y, one, other, None, 0), _sums(rows, y, one, other, random, n_draws))


def _effect(own: _Drawn | None, base: _Drawn | None) -> Effect:
    """One group's differences, and their intervals."""
    if own is None or base is None:
        return Effect(NO_ESTIMATE, NO_ESTIMATE, NO_ESTIMATE, NO_ESTIMATE, NO_ESTIMATE)
    here, drawn = _figures(own.here, base.here)[:, 0], _figures(own.draws, base.draws)
    few = min(own.here[1, 0], base.here[1, 0]) < MIN_PER_OUTCOME
    found = [_percentiles(float(value), draws) for value, draws in zip(here, drawn, strict=True)]
    return Effect(found[0], found[1], found[2], NO_ESTIMATE if few else found[3], found[4])


def _sums(
    rows: Index, y: Floats, one: Treatment, other: Treatment, random: np.random.Generator | None, n_draws: int
) -> Floats:
    """Sums over drawn rows, (12, n_draws): their number, their goods, and of each way approvals, approved goods,
    margins, squared margins and PDs; without ``random`` over the rows themselves, (12, 1).
    """
    good = (y[rows] == 0).astype(np.float64)
    parts = [np.ones(len(rows)), good]
    for way in (one, other):
        yes, margin = way.approved[rows].astype(np.float64), way.margin[rows]
        parts += [yes, yes * good, margin, margin**2, expit(margin)]
    table = np.stack(parts, axis=1)
    if random is None:
        total: Floats = table.sum(axis=0)[:, None]
        return total
    n, at_once = len(rows), max(1, CELLS_AT_ONCE // len(rows))
    found = []
    for first in range(0, n_draws, at_once):
        k = min(at_once, n_draws - first)
        places = random.integers(n, size=(k, n)) + n * np.arange(k)[:, None]
        weights = np.bincount(places.ravel(), minlength=k * n).reshape(k, n).astype(np.float64)
        found.append((weights @ table).T)
    return np.hstack(found)


def _figures(own: Floats, base: Floats) -> Floats:
    """The figures of ``Effect`` (5, n_draws) from sums of the group and of the reference."""
    with np.errstate(divide="ignore", invalid="ignore"):
        before, after = (_of_way(own, base, 2 + 5 * way) for way in (0, 1))
    return after - before


def _of_way(own: Floats, base: Floats, at: int) -> Floats:
    """One way's figures, (5, n_draws); its sums begin at ``at``. The bad rate, equal for both ways, is left out of the
    calibration gap.
    """
    rates, mean, variance, goods = [], [], [], []
    for sums in (own, base):
        n, n_good, (yes, good_yes, margin, squares, _) = sums[0], sums[1], sums[at : at + 5]
        rates.append(yes / n)
        goods.append(good_yes / n_good)
        mean.append(margin / n)
        variance.append(squares - margin**2 / n)
    pooled = np.sqrt(np.maximum(variance[0] + variance[1], 0.0) / (own[0] + base[0] - 2))
    d = (mean[0] - mean[1]) / np.where(pooled > 1e-9, pooled, np.nan)
    return np.stack([rates[0], rates[0] / rates[1], d, goods[0] - goods[1], own[at + 4] / own[0]])


def _percentiles(value: float, draws: Floats) -> Estimate:
    known = draws[np.isfinite(draws)]
    if not np.isfinite(value):
        return NO_ESTIMATE
    if not len(known):
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.quantile(known, [0.025, 0.975])
    return Estimate(value, float(min(low, value)), float(max(high, value)))
