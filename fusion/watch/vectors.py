"""The vectors of narratives by period: their mean, and where they lie along the principal components of training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats, Floats32, Ints
from fusion.validation.bins import bin_of
from fusion.validation.intervals import Z
from fusion.validation.text_drift import N_BINS, TextReference
from fusion.watch.departures import Baseline, Departure, chi_squared_chance, psi_departure, spread_chance_above

LEAST_WRITTEN = 10
"""Narratives without which nothing is said of their vectors."""
ROWS_AT_ONCE = 1024


def along(vectors: Floats32, reference: TextReference) -> Floats:
    """float64 (n, k): coordinates of vectors (n, dim) along the components; a row's digits depend on no other row."""
    found = np.empty((len(vectors), len(reference.components)))
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        centred = vectors[start : start + ROWS_AT_ONCE].astype(np.float64) - reference.mean
        for at, component in enumerate(reference.components.astype(np.float64)):
            found[start : start + ROWS_AT_ONCE, at] = (centred * component).sum(axis=1)
    return found


def counted(coordinates: Floats, reference: TextReference) -> Ints:
    """int64 (k, 10): coordinates (n, k) by bin of each component."""
    found = [
        np.bincount(bin_of(own, edges), minlength=N_BINS)
        for own, edges in zip(coordinates.T, reference.edges, strict=True)
    ]
    return np.array(found, dtype=np.int64).reshape(len(reference.edges), N_BINS)


@dataclass(frozen=True)
class Mean:
    """A mean vector.

    Attributes:
        total: float64 (dim,), sum of the vectors.
        n: Their number.
    """

    total: Floats
    n: int

    def __sub__(self, other: Mean) -> Mean:
        return Mean(self.total - other.total, self.n - other.n)


def mean_departure(now: Mean, usual: Sequence[Mean], history: bool, reference: TextReference) -> Departure | None:
    """The distance of the mean vector from the usual one, in units of the training vectors' spread.

    Where nothing moved its square is a weighted sum of chi-squared variables, approximated by Box (Annals of
    Mathematical Statistics 1954) with as many degrees of freedom as training vectors have effective dimensions. Usual
    is the root mean square that chance brings. None with fewer than ``LEAST_WRITTEN`` narratives on either side.
    """
    usual = [one for one in usual if one.n]
    every = Mean(np.sum([one.total for one in usual], axis=0), sum(one.n for one in usual)) if usual else None
    if every is None or min(now.n, every.n) < LEAST_WRITTEN or not reference.spread > 0:
        return None
    df = reference.effective_dim
    distance, few, p, z = _apart(now, every, reference)
    root = distance * math.sqrt(df / few)
    low, high = (math.sqrt(max(0.0, max(0.0, root + side) ** 2 - df) * few / df) for side in (-Z, Z))
    if history:
        then = [_apart(one, every - one, reference)[3] for one in usual if one.n >= LEAST_WRITTEN]
        p = max(p, spread_chance_above(z, np.array(then)))
    return Departure(distance, min(low, distance), max(high, distance), math.sqrt(few), p)


def _apart(one: Mean, other: Mean, reference: TextReference) -> tuple[float, float, float, float]:
    """Distance of two means, its mean square by chance, its chance and its standard normal figure."""
    few = 1 / one.n + 1 / max(other.n, 1)
    distance = float(np.linalg.norm(one.total / one.n - other.total / max(other.n, 1))) / reference.spread
    return distance, few, *chi_squared_chance(reference.effective_dim * distance**2 / few, reference.effective_dim)


def components_departure(now: Ints, usual: Ints, history: bool) -> tuple[Departure, int] | None:
    """The PSI of the component that moved most, and its number; its chance is multiplied by their number.

    Args:
        now: int64 (k, 10).
        usual: int64 (n_periods, k, 10).
    """
    found = []
    for at, here in enumerate(now):
        departure = psi_departure(here, Baseline(usual[:, at], history))
        if departure is not None and here.sum() >= LEAST_WRITTEN:
            found.append((departure, at))
    if not found:
        return None
    sure = [one for one in found if one[0].p * len(found) < 0.05]
    best, at = max(sure, key=lambda one: one[0].now) if sure else min(found, key=lambda one: one[0].p)
    return Departure(best.now, best.low, best.high, best.usual, min(1.0, best.p * len(found))), at
