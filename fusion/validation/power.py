"""How many decisions with known outcome it takes to show that two models differ: the plan of a shadow test.

Both models score every application and only one decides; once the outcomes are known they are compared, row by row.
All tests here are two-sided at 5 %. The difference to be found is the one in the data at hand, which is itself
uncertain and, in data that made one look for it, too large more often than too small; so every plan also says the least
difference that data of the present size would show.

Arrays are float64 (n,); ``y`` holds 1 for bad and 0 for good, margins are log-odds of bad.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from features.arrays import Floats
from fusion.metrics import both_classes, placements
from fusion.validation.swap_sets import SwapSet

Measure = Literal["auc", "swaps", "brier"]

ALPHA = 0.05
POWERS = (0.8, 0.9)


@dataclass(frozen=True)
class SampleSize:
    """The rows that one way of comparing two models needs.

    Attributes:
        measure: what is compared: AUCs, bad rates of the swap sets, or Brier scores.
        power: chance that the test finds the difference.
        difference: the difference in the data, above 0 where the challenger is better.
        n: decisions with known outcome that are needed, as a float; NaN where there is no difference or no variance.
        least: the smallest difference that as many decisions as there are now would show with this power; NaN where
            unknown.
    """

    measure: Measure
    power: float
    difference: float
    n: float
    least: float


def sample_sizes(
    champion_margin: Floats, challenger_margin: Floats, y: Floats, swaps: SwapSet, powers: Sequence[float] = POWERS
) -> tuple[SampleSize, ...]:
    """The rows that every way of comparing needs at every power, for the bad rate and the share swapped of these rows.

    Args:
        swaps: swap sets of the same rows at the approval rate of interest.

    Raises:
        ValueError: for a power that is not above ``ALPHA`` and below 1.
    """
    if any(not ALPHA < power < 1 for power in powers):
        raise ValueError(f"a power lies above {ALPHA} and below 1, not all of {list(powers)} do")
    area = auc_spread(y, challenger_margin, champion_margin)
    squares = brier_spread(y, challenger_margin, champion_margin)
    return tuple(
        need
        for power in powers
        for need in (
            _paired("auc", area, power, len(y)),
            _swapped(swaps, power),
            _paired("brier", squares, power, len(y)),
        )
    )


def auc_spread(y: Floats, margin: Floats, other: Floats) -> tuple[float, float]:
    """AUC of ``margin`` less that of ``other``, and the variance of that difference times the number of rows.

    By DeLong's variance ``S10 / m + S01 / k`` of m bads and k goods (Biometrics 1988), with their shares of the rows
    kept. NaN with fewer than two of either.
    """
    if not both_classes(y) or min(y.sum(), len(y) - y.sum()) < 2:
        return math.nan, math.nan
    bad, good = placements(y, margin)
    other_bad, other_good = placements(y, other)
    share = len(bad) / len(y)
    variance = np.var(bad - other_bad, ddof=1) / share + np.var(good - other_good, ddof=1) / (1.0 - share)
    return float(bad.mean() - other_bad.mean()), float(variance)


def brier_spread(y: Floats, margin: Floats, other: Floats) -> tuple[float, float]:
    """Brier score of ``other`` less that of ``margin``, and the variance of a row's difference; NaN below two rows."""
    if len(y) < 2:
        return math.nan, math.nan
    less = (expit(other) - y) ** 2 - (expit(margin) - y) ** 2
    return float(less.mean()), float(less.var(ddof=1))


def rows_needed(difference: float, variance: float, power: float) -> float:
    """Rows at which a two-sided z-test at 5 % finds a mean ``difference`` with this power.

    ``((z_a + z_b)^2 variance) / difference^2``, variance being that of one row; NaN without a difference or variance.
    """
    if not (abs(difference) > 1e-15 and variance > 1e-30):
        return math.nan
    return _quantiles(power) ** 2 * variance / difference**2


def rows_needed_in_each(rate: float, other: float, power: float) -> float:
    """Rows in each of two groups of equal size at which a two-sided test at 5 % finds the difference of their rates.

    Fleiss, Levin and Paik (Statistical Methods for Rates and Proportions, 2003), without continuity correction. NaN for
    equal rates.
    """
    if not abs(rate - other) > 1e-15:
        return math.nan
    middle = (rate + other) / 2
    at_none = norm.ppf(1 - ALPHA / 2) * math.sqrt(2 * middle * (1 - middle))
    at_this = norm.ppf(power) * math.sqrt(rate * (1 - rate) + other * (1 - other))
    return float((at_none + at_this) ** 2 / (rate - other) ** 2)


def _paired(measure: Measure, spread: tuple[float, float], power: float, n: int) -> SampleSize:
    difference, variance = spread
    least = _quantiles(power) * math.sqrt(variance / n) if variance > 1e-30 else math.nan
    return SampleSize(measure, power, difference, rows_needed(difference, variance, power), least)


def _swapped(swaps: SwapSet, power: float) -> SampleSize:
    """Of swap sets of m rows each, ``m / n`` of all decisions end in either."""
    inside, outside, m = swaps.swapped_in.rate.value, swaps.swapped_out.rate.value, swaps.swapped_in.n
    if not m:
        return SampleSize("swaps", power, math.nan, math.nan, math.nan)
    middle = (inside + outside) / 2
    least = _quantiles(power) * math.sqrt(2 * middle * (1 - middle) / m) if 0 < middle < 1 else math.nan
    return SampleSize(
        "swaps", power, outside - inside, rows_needed_in_each(outside, inside, power) * swaps.n / m, least
    )


def _quantiles(power: float) -> float:
    """The distance, in standard errors, between no difference and the one to be found."""
    return float(norm.ppf(1 - ALPHA / 2) + norm.ppf(power))
