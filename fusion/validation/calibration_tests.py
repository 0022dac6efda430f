"""Whether PDs come true: bad rates beside PDs bin by bin, the parts of the Brier score, and tests of calibration.

Arrays are float64 (n,); ``y`` holds 1 for bad and 0 for good, ``pd`` lies within 0 and 1. Bins are quantiles of the
PD; equal PDs share a bin, so that there may be fewer bins than asked for. Figures that do not exist are NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm

from features.arrays import Floats
from fusion.validation.bins import quantile_bins
from fusion.validation.intervals import Estimate, rate


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of like PD.

    Attributes:
        low: smallest PD.
        high: largest PD.
        n: rows.
        mean_pd: mean PD.
        rate: bad rate.
    """

    low: float
    high: float
    n: int
    mean_pd: float
    rate: Estimate


@dataclass(frozen=True)
class BrierParts:
    """The Brier score as ``reliability - resolution + uncertainty + within``, exactly.

    Attributes:
        brier: the score itself.
        reliability: squared distance of PD and bad rate over the bins; 0 is best.
        resolution: squared distance of the bins' bad rates from the overall one; large is good.
        uncertainty: variance of the outcome, which no model changes.
        within: variance of the PDs within bins less twice their covariance with the outcome there; below 0 where the
            PDs order rows inside the bins too.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within: float


@dataclass(frozen=True)
class ChiSquaredTest:
    """A chi-squared test of calibration.

    Attributes:
        statistic: of the test.
        df: degrees of freedom.
        p: chance of such a statistic or a larger one when the PDs are right.
    """

    statistic: float
    df: int
    p: float


@dataclass(frozen=True)
class ZTest:
    """A test by a standard normal statistic.

    Attributes:
        z: the statistic.
        p: two-sided.
    """

    z: float
    p: float


def reliability(y: Floats, pd: Floats, n_bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Bad rate beside PD, lowest PD first; empty for no rows."""
    return tuple(
        ReliabilityBin(
            low=float(pd[rows].min()),
            high=float(pd[rows].max()),
            n=len(rows),
            mean_pd=float(pd[rows].mean()),
            rate=rate(float(y[rows].sum()), len(rows)),
        )
        for rows in quantile_bins(pd, n_bins)
    )


def brier_parts(y: Floats, pd: Floats, n_bins: int = 10) -> BrierParts:
    """Parts of the Brier score (Murphy, Journal of Applied Meteorology 1973), with the two terms within bins that make
    them add up (Stephenson, Coelho and Jolliffe, Weather and Forecasting 2008).
    """
    if not len(y):
        return BrierParts(*[math.nan] * 5)
    overall = float(y.mean())
    off = apart = within = 0.0
    for rows in quantile_bins(pd, n_bins):
        here, predicted = y[rows], pd[rows]
        off += len(rows) * float(predicted.mean() - here.mean()) ** 2
        apart += len(rows) * float(here.mean() - overall) ** 2
        spread = predicted - predicted.mean()
        within += float(spread @ spread - 2.0 * spread @ (here - here.mean()))
    n = len(y)
    return BrierParts(
        brier=float(np.mean((pd - y) ** 2)),
        reliability=off / n,
        resolution=apart / n,
        uncertainty=overall * (1.0 - overall),
        within=within / n,
    )


def expected_calibration_error(y: Floats, pd: Floats, n_bins: int = 10) -> float:
    """Mean distance of PD and bad rate over the bins, weighted by rows (Naeini, Cooper and Hauskrecht, AAAI 2015).

    Never 0 in a sample, even for a perfect model: chance alone parts rates from PDs. NaN for no rows.
    """
    if not len(y):
        return math.nan
    return sum(abs(float(np.sum(pd[rows] - y[rows]))) for rows in quantile_bins(pd, n_bins)) / len(y)


def hosmer_lemeshow(y: Floats, pd: Floats, n_groups: int = 10) -> ChiSquaredTest:
    """Hosmer and Lemeshow's test of PDs that were not fitted on these rows.

    The statistic sums (bad - expected)^2 / (n p (1 - p)) over the groups, p the group's mean PD. As no parameter was
    estimated here, it is chi-squared with as many degrees of freedom as there are groups (Hosmer, Lemeshow and
    Sturdivant, Applied Logistic Regression, 3rd edition 2013, on external validation), not two fewer as on the fitted
    rows. NaN for no rows; a group of PDs 0 or 1 counts nothing when right and settles the matter when wrong.
    """
    groups = quantile_bins(pd, n_groups)
    if not groups:
        return ChiSquaredTest(math.nan, 0, math.nan)
    statistic = 0.0
    for rows in groups:
        p = float(pd[rows].mean())
        off, variance = float(np.sum(y[rows] - pd[rows])) ** 2, len(rows) * p * (1.0 - p)
        if variance > 0.0:
            statistic += off / variance
        elif off > 0.0:
            statistic = math.inf
    return ChiSquaredTest(statistic, len(groups), float(chi2.sf(statistic, len(groups))))


def spiegelhalter(y: Floats, pd: Floats) -> ZTest:
    """Spiegelhalter's test of calibration, without bins (Statistics in Medicine 1986).

    z is how far the Brier score lies above what the PDs themselves promise, in standard errors. NaN where every PD is
    0, 1/2 or 1.
    """
    variance = float(np.sum((1 - 2 * pd) ** 2 * pd * (1 - pd)))
    if variance == 0.0:
        return ZTest(math.nan, math.nan)
    z = float(np.sum((y - pd) * (1 - 2 * pd))) / math.sqrt(variance)
    return ZTest(z, float(2 * norm.sf(abs(z))))
