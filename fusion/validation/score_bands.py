"""Bad rates by score: bands of points with tests of their PD, whether risk falls as the score rises, and gains.

Arrays are float64 (n,); ``y`` holds 1 for bad and 0 for good, ``score`` points, higher is safer. Figures that do not
exist are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.stats import beta, binomtest

from features.arrays import Floats
from fusion.validation.bins import quantile_bins
from fusion.validation.intervals import Estimate, rate


@dataclass(frozen=True)
class Band:
    """Rows with low <= score < high, in points; low of the first band is -inf, high of the last inf.

    Attributes:
        low: in points, inclusive; -inf for the first band.
        high: in points, exclusive; inf for the last band.
        n: rows.
        n_bad: bad outcomes.
        mean_pd: mean PD.
        rate: bad rate.
        jeffreys_p: one-sided p of Jeffreys' test, small where the PD is too low for the bads.
        binomial_p: one-sided p of the binomial test.
    """

    low: float
    high: float
    n: int
    n_bad: int
    mean_pd: float
    rate: Estimate
    jeffreys_p: float
    binomial_p: float


@dataclass(frozen=True)
class Decile:
    """One group of a gains table; cumulative figures include all riskier groups.

    Attributes:
        n: rows of the group.
        n_bad: bad outcomes of the group.
        rate: bad rate of the group.
        lift: its bad rate over the overall one.
        share: cumulative share of rows.
        captured: cumulative share of bads.
        cumulative_lift: captured over share.
        ks: captured less the cumulative share of goods; its maximum is KS, as far as the groups show it.
    """

    n: int
    n_bad: int
    rate: Estimate
    lift: float
    share: float
    captured: float
    cumulative_lift: float
    ks: float


def jeffreys_p(n_bad: float, n: float, pd: float) -> float:
    """Jeffreys test of a PD against ``n_bad`` of ``n``, one-sided: the chance, given the outcomes and Jeffreys' prior,
    that the true rate is no higher than ``pd``; small where the PD is too low.

    Beta(n_bad + 1/2, n - n_bad + 1/2) at the PD (European Central Bank, Instructions for reporting the validation
    results of internal models, 2019, section 2.5). NaN for no rows.
    """
    return float(beta.cdf(pd, n_bad + 0.5, n - n_bad + 0.5)) if n > 0 else math.nan


def two_sided_jeffreys_p(n_bad: float, n: float, pd: float) -> float:
    """The same test of a PD that may be too low or too high: twice the smaller of the two chances. NaN for no rows."""
    below = jeffreys_p(n_bad, n, pd)
    return 2 * min(below, 1 - below)


def binomial_p(n_bad: int, n: int, pd: float) -> float:
    """Exact binomial test of a PD, one-sided: the chance of ``n_bad`` or more of ``n`` if the PD is right. NaN for no
    rows.
    """
    return float(binomtest(n_bad, n, min(max(pd, 0.0), 1.0), alternative="greater").pvalue) if n > 0 else math.nan


def band_edges(score: Floats, n_bands: int = 10, step: float = 5.0) -> tuple[float, ...]:
    """Points that part ``score`` into at most ``n_bands`` bands: its quantiles, rounded to multiples of ``step`` to
    read well.

    Ascending. Quantiles that round alike make one edge; an edge with no score below or none from it on is left out.
    """
    if not len(score):
        return ()
    edges = np.unique(np.round(np.quantile(score, np.arange(1, n_bands) / n_bands) / step) * step)
    return tuple(float(edge) for edge in edges if score.min() < edge <= score.max())


def score_bands(y: Floats, pd: Floats, score: Floats, edges: Sequence[float]) -> tuple[Band, ...]:
    """Rows by band of score, lowest (riskiest) first: ``len(edges) + 1`` bands, empty ones too.

    Args:
        edges: ascending points where a band begins, as of ``band_edges`` or of a reference sample.
    """
    bounds = [-math.inf, *edges, math.inf]
    number = np.searchsorted(np.asarray(edges, dtype=np.float64), score, side="right")
    return tuple(_band(y[number == k], pd[number == k], bounds[k], bounds[k + 1]) for k in range(len(bounds) - 1))


def _band(y: Floats, pd: Floats, low: float, high: float) -> Band:
    """The rows of one band."""
    n, n_bad, mean_pd = len(y), int(y.sum()), float(pd.mean()) if len(pd) else math.nan
    return Band(
        low=low,
        high=high,
        n=n,
        n_bad=n_bad,
        mean_pd=mean_pd,
        rate=rate(n_bad, n),
        jeffreys_p=jeffreys_p(n_bad, n, mean_pd),
        binomial_p=binomial_p(n_bad, n, mean_pd),
    )


def first_inversion(bands: Sequence[Band]) -> tuple[Band, Band] | None:
    """The first two neighbouring bands, empty ones left out, whose bad rate rises with the score; None where it never
    rises.
    """
    filled = [band for band in bands if band.n]
    return next(((low, high) for low, high in pairwise(filled) if high.rate.value > low.rate.value), None)


def gains(y: Floats, margin: Floats, n: int = 10) -> tuple[Decile, ...]:
    """Gains table: rows by quantile of log-odds ``margin``, riskiest first; rows of equal margin share a group."""
    groups = quantile_bins(-margin, n)
    n_rows, n_bad = len(y), int(y.sum())
    deciles, rows_so_far, bads_so_far = [], 0, 0
    for rows in groups:
        here = int(y[rows].sum())
        rows_so_far, bads_so_far = rows_so_far + len(rows), bads_so_far + here
        captured, share = _over(bads_so_far, n_bad), rows_so_far / n_rows
        deciles.append(
            Decile(
                n=len(rows),
                n_bad=here,
                rate=rate(here, len(rows)),
                lift=_over(here * n_rows, len(rows) * n_bad),
                share=share,
                captured=captured,
                cumulative_lift=captured / share,
                ks=captured - _over(rows_so_far - bads_so_far, n_rows - n_bad),
            )
        )
    return tuple(deciles)


def _over(part: int, whole: int) -> float:
    """``part / whole``, NaN where there is no whole."""
    return part / whole if whole else math.nan
