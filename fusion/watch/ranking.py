"""How well PDs rank, from counts by bin of the log-odds: areas under ROC curves that add up over files.

Bins are 1/32 of a log-odds wide. Rows of one bin count as tied, which moves an area by less than chance does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from features.arrays import Floats
from fusion.validation.intervals import Estimate, Z, newcombe

PER_LOG_ODDS = 32
FARTHEST = 20 * PER_LOG_ODDS  # bins beyond 20 log-odds are the last one
DRAWS = 400

Bins = Mapping[int, int]
"""Rows by the number of their bin, floor(margin * ``PER_LOG_ODDS``)."""


def bins_of(margin: Floats) -> dict[int, int]:
    """Counts by bin of margins (n,)."""
    at = np.clip(np.floor(margin * PER_LOG_ODDS), -FARTHEST, FARTHEST).astype(np.int64)
    numbers, counts = np.unique(at, return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def added(left: Bins, right: Bins) -> dict[int, int]:
    """Counts of both."""
    return {at: left.get(at, 0) + right.get(at, 0) for at in sorted({*left, *right})}


@dataclass(frozen=True)
class Area:
    """An area under a ROC curve.

    Attributes:
        estimate: With its 95 % interval.
        error: Its standard error.
    """

    estimate: Estimate
    error: float


def area_of(bad: Bins, good: Bins) -> Area | None:
    """The area that rows by bin have, with DeLong's variance; None without two rows of each class.

    Interval as ``fusion.validation.intervals.auc_interval``.
    """
    places = sorted({*bad, *good})
    bads, goods = (np.array([some.get(at, 0) for at in places], dtype=np.float64) for some in (bad, good))
    n_bad, n_good = float(bads.sum()), float(goods.sum())
    if min(n_bad, n_good) < 2:
        return None
    below = (np.cumsum(goods) - goods / 2) / n_good
    above = 1 - (np.cumsum(bads) - bads / 2) / n_bad
    area = float(bads @ below / n_bad)
    variance = 0.0
    for weight, placement, n in ((bads, below, n_bad), (goods, above, n_good)):
        variance += float(weight @ np.square(placement - area)) / (n - 1) / n
    if variance < 1e-15 or not 0 < area < 1:
        estimate = newcombe(area, int(n_bad), int(n_good))
        return Area(estimate, (estimate.high - estimate.low) / (2 * Z))
    error = math.sqrt(variance)
    low, high = expit(logit(area) + np.array([-Z, Z]) * error / (area * (1 - area)))
    return Area(Estimate(area, float(low), float(high)), error)


def expected_area(rows: Bins) -> Area | None:
    """The area to be expected of rows without outcomes if their PDs are right; None where no two classes are to be
    expected.

    Each row counts as bad by its PD and as good by the rest. The interval holds 95 % of the areas that outcomes drawn
    by the PDs have: ``DRAWS`` draws, the same for the same rows.
    """
    places = np.array(sorted(rows), dtype=np.int64)
    counts = np.array([rows[at] for at in places.tolist()], dtype=np.int64)
    pd = expit((places + 0.5) / PER_LOG_ODDS)
    bads = counts * pd
    if not len(places) or min(bads.sum(), counts.sum() - bads.sum()) < 2:
        return None
    value = float(_areas(bads[None], (counts - bads)[None])[0])
    random = np.random.Generator(np.random.PCG64(0))
    drawn = random.binomial(counts, pd, (DRAWS, len(places))).astype(np.float64)
    areas = _areas(drawn, counts - drawn)
    areas = areas[np.isfinite(areas)]
    low, high = np.quantile(areas, (0.025, 0.975))
    return Area(Estimate(value, min(float(low), value), max(float(high), value)), float(areas.std()))


def _areas(bads: Floats, goods: Floats) -> Floats:
    """Areas (n,) of counts by ascending bin (n, n_bins); NaN with one class."""
    n_bad, n_good = bads.sum(axis=1), goods.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (bads * (np.cumsum(goods, axis=1) - goods / 2)).sum(axis=1) / n_bad / n_good
    return found
