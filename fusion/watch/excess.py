"""How likely chance alone would bring so many rows of a kind, where what matters is more of them than usual.

Kinds that are rare need their own test: a t test of few periods finds nothing odd about a dozen rows of a kind that
never came before. Given the usual ones, the number of rows is negative binomial (a Poisson number whose rate is known
from them alone). Where the usual periods differ by more than chance, as when rows come in groups, so many rows count as
one as the upper end of the interval of that dispersion says (Pearson's, over chi-squared), so that few periods, which
know it badly, do not bring alarms. Simulated where nothing changed, with rates that differ by 30 % between periods,
3 to 60 of them, and .3 to 30 rows expected, at most 1.4 in 1,000 were found less likely than 1 in 1,000.
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc
from scipy.stats import chi2

from features.arrays import Floats, Ints
from fusion.watch.departures import LEAST

_SURE = 0.95


def excess_chances(k: Ints, n: int, usual: Ints, n_usual: Ints) -> Floats:
    """Chance of as many rows of each kind, of many kinds at once: float64 (n_kinds,); 1 with fewer than ``LEAST``
    usual periods.

    Args:
        k: int64 (n_kinds,), rows of each kind among ``n``.
        usual: int64 (n_periods, n_kinds), such rows of the usual periods.
        n_usual: int64 (n_periods,), all their rows.
    """
    every = int(n_usual.sum())
    if len(usual) < LEAST or not every:
        return np.ones(len(k))
    total = usual.sum(axis=0)
    expected = n_usual[:, None] * (total / every)
    squared = np.square(usual - expected) / np.maximum(expected * (1 - total / every), 1e-300)
    pearson = np.where(expected > 0, squared, 0.0).sum(axis=0)
    together = np.maximum(1.0, pearson / chi2.ppf(1 - _SURE, len(usual) - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = betainc(k / together, total / together + 0.5, n / (n + every))
    return np.where(k > 0, tail, 1.0)


def times_usual(k: int, expected: float) -> float:
    """How many times as many rows as usual came, less 1, never negative; a row is added to either, so that a kind that
    never came before has a figure too.
    """
    return max(0.0, (k + 1) / (expected + 1) - 1)
