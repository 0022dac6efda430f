"""Figures with their 95 % interval: rates, means, discrimination and calibration.

Arrays are float64 (n,); ``y`` holds 1 for bad and 0 for good, margins are log-odds of bad. A figure that does not exist
for the rows at hand is NaN in all three numbers; an interval that does not exist beside a figure that does is NaN in
its two ends. Nothing here raises for empty, constant or one-class input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from scipy.stats import beta, norm

from features.arrays import Floats, Index
from fusion.metrics import base_log_odds, both_classes, fit_logistic_line, placements

Z = float(norm.ppf(0.975))
CELLS_AT_ONCE = 2**20  # drawn rows held in memory by the bootstrap: some 40 MB with its sums


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        value: the figure.
        low: lower end of its interval, in the same unit; low <= value <= high where none is NaN.
        high: upper end.
    """

    value: float
    low: float
    high: float

    @property
    def exists(self) -> bool:
        """Whether there is a figure at all."""
        return not math.isnan(self.value)

    @property
    def bounded(self) -> bool:
        """Whether there is an interval too."""
        return not (math.isnan(self.low) or math.isnan(self.high))


NO_ESTIMATE = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Bootstrapped:
    """Figures whose interval has no formula: Kolmogorov-Smirnov distance, and average precision of the bads."""

    ks: Estimate
    average_precision: Estimate


@dataclass(frozen=True)
class InTheLarge:
    """Whether the PDs are right on average.

    Attributes:
        intercept: log-odds to add to every margin so that the mean PD is the bad rate; 0 when calibrated, above 0 where
            the PDs are too low.
        gap: mean PD minus bad rate; below 0 where the PDs are too low.
    """

    intercept: Estimate
    gap: Estimate


def rate(n_bad: float, n: float) -> Estimate:
    """Share ``n_bad / n`` with Jeffreys' interval (Brown, Cai and DasGupta, Statistical Science 2001).

    The ends are quantiles of Beta(n_bad + 1/2, n - n_bad + 1/2), but 0 where there is no bad and 1 where there is no
    good. NaN for no rows.
    """
    if n <= 0:
        return NO_ESTIMATE
    posterior = beta(n_bad + 0.5, n - n_bad + 0.5)
    low = 0.0 if n_bad == 0 else float(posterior.ppf(0.025))
    high = 1.0 if n_bad == n else float(posterior.ppf(0.975))
    return Estimate(float(n_bad / n), low, high)


def mean(values: Floats) -> Estimate:
    """Mean with its normal interval; NaN for no values, no interval for one."""
    if not len(values):
        return NO_ESTIMATE
    value = float(values.mean())
    if len(values) < 2:
        return Estimate(value, math.nan, math.nan)
    return wald(value, float(values.std(ddof=1)) / math.sqrt(len(values)))


def mean_share(values: Floats) -> Estimate:
    """Mean of numbers from 0 to 1, such as PDs, with its normal interval, which ends where such a mean must."""
    found = mean(values)
    return Estimate(found.value, max(found.low, 0.0), min(found.high, 1.0)) if found.bounded else found


def wald(value: float, error: float) -> Estimate:
    """``value`` plus and minus 1.96 of its standard error."""
    return Estimate(value, value - Z * error, value + Z * error)


def auc_interval(y: Floats, margin: Floats) -> Estimate:
    """Area under the ROC curve; NaN with one class.

    The variance is DeLong's (DeLong, DeLong and Clarke-Pearson, Biometrics 1988), the interval is taken on the logit
    scale, so that it stays within 0 and 1 (Pepe, The Statistical Evaluation of Medical Tests, 2003).
    Where that variance is none (perfect separation, a constant margin, one row in a class), the interval is the fifth
    of Newcombe (Statistics in Medicine 2006, part 2), which needs only the area and the counts.
    """
    if not both_classes(y):
        return NO_ESTIMATE
    bad, good = placements(y, margin)
    area = float(bad.mean())
    variance = 0.0
    if min(len(bad), len(good)) > 1:
        variance = float(np.var(bad, ddof=1) / len(bad) + np.var(good, ddof=1) / len(good))
    if variance < 1e-15 or not 0.0 < area < 1.0:
        return newcombe(area, len(bad), len(good))
    error = math.sqrt(variance) / (area * (1.0 - area))
    low, high = expit(logit(area) + np.array([-Z, Z]) * error)
    return Estimate(area, float(low), float(high))


def newcombe(area: float, n_bad: int, n_good: int) -> Estimate:
    """``area`` under a ROC curve of so many rows with Newcombe's fifth interval: every area from which the one seen is
    within 1.96 standard errors, these by Hanley and McNeil (Radiology 1982) with both counts at their mean.
    """
    more = (n_bad + n_good) / 2.0 - 1.0

    def beyond(guess: float) -> float:
        spread = guess * (1 - guess) * (1 + more * ((1 - guess) / (2 - guess) + guess / (1 + guess)))
        return float((area - guess) ** 2 - Z**2 * spread / (n_bad * n_good))

    low = brentq(beyond, 0.0, min(area, 1.0 - 1e-12)) if area > 0.0 else 0.0
    high = brentq(beyond, max(area, 1e-12), 1.0) if area < 1.0 else 1.0
    return Estimate(area, float(low), float(high))


def gini_interval(y: Floats, margin: Floats) -> Estimate:
    """Gini coefficient (accuracy ratio), 2 AUC - 1, with the interval of the AUC."""
    area = auc_interval(y, margin)
    return Estimate(2 * area.value - 1, 2 * area.low - 1, 2 * area.high - 1)


def brier_interval(y: Floats, margin: Floats) -> Estimate:
    """Brier score with the normal interval of a mean of squared errors, within 0 and 1; NaN for no rows."""
    return mean_share(np.square(expit(margin) - y))


def slope_interval(y: Floats, margin: Floats) -> tuple[Estimate, Estimate]:
    """Slope and intercept of a logistic regression of ``y`` on ``margin`` with Wald intervals; 1 and 0 when calibrated
    (Cox, Biometrika 1958).

    The standard errors are those of the Fisher information at the maximum. NaN where there is no maximum: one class, a
    constant margin, or a margin that separates the classes.
    """
    if _separated(y, margin):
        return NO_ESTIMATE, NO_ESTIMATE
    slope, intercept = fit_logistic_line(y, margin)
    x = np.column_stack([margin, np.ones_like(margin)])
    p = expit(x @ np.array([slope, intercept]))
    errors = np.sqrt(np.diag(np.linalg.inv(x.T @ (x * (p * (1 - p))[:, None]))))
    return wald(slope, float(errors[0])), wald(intercept, float(errors[1]))


def _separated(y: Floats, margin: Floats) -> bool:
    """Whether one class or a threshold on the margin parts the classes, ties at the threshold included."""
    if not both_classes(y):
        return True
    bad, good = margin[y == 1], margin[y == 0]
    return bool(bad.min() >= good.max() or good.min() >= bad.max())


def calibration_in_the_large(y: Floats, margin: Floats) -> InTheLarge:
    """How far all PDs together are off.

    The intercept is that of a logistic regression with slope 1, its interval Wald's; NaN with one class. The gap takes
    the PDs as given: its interval is Jeffreys' of the bad rate, a little wide where the PDs differ much.
    """
    if not len(y):
        return InTheLarge(NO_ESTIMATE, NO_ESTIMATE)
    bad_rate, mean_pd = rate(float(y.sum()), len(y)), float(expit(margin).mean())
    gap = Estimate(mean_pd - bad_rate.value, mean_pd - bad_rate.high, mean_pd - bad_rate.low)
    if not both_classes(y):
        return InTheLarge(NO_ESTIMATE, gap)

    def too_many(shift: float) -> float:
        return float(expit(margin + shift).mean()) - bad_rate.value

    aim = base_log_odds(y)
    low, high = aim - float(margin.max()) - 1.0, aim - float(margin.min()) + 1.0
    shift = float(brentq(too_many, low, high, xtol=1e-12))
    p = expit(margin + shift)
    return InTheLarge(wald(shift, 1.0 / math.sqrt(float(np.sum(p * (1 - p))))), gap)


def bootstrap(y: Floats, margin: Floats, n_draws: int = 1000, seed: int = 0) -> Bootstrapped:
    """KS and average precision with bootstrap intervals: rows drawn with replacement ``n_draws`` times.

    The ends are quantiles of the draws, corrected for their median bias (Efron, Canadian Journal of Statistics 1981):
    a maximum such as KS is larger in a resample. Even so, that of KS holds the population's KS only some 9 times in
    ten, as the sample's own KS is a little large too. Draws without both classes are left out. NaN with one class. The
    same seed draws the same rows; time is linear in rows and draws, memory bounded.
    """
    if not both_classes(y):
        return Bootstrapped(NO_ESTIMATE, NO_ESTIMATE)
    order = np.argsort(-margin, kind="stable")
    bad, ordered = y[order], margin[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    here = _ks_and_precision(np.ones((1, len(y))), bad, ends)[:, 0]
    random = np.random.Generator(np.random.PCG64(seed))
    at_once = max(1, CELLS_AT_ONCE // len(y))
    draws = np.hstack(
        [
            _ks_and_precision(_weights(random, min(at_once, n_draws - first), len(y)), bad, ends)
            for first in range(0, n_draws, at_once)
        ]
    )
    draws = draws[:, ~np.isnan(draws[0])]
    return Bootstrapped(_bias_corrected(here[0], draws[0]), _bias_corrected(here[1], draws[1]))


def _weights(random: np.random.Generator, n_draws: int, n: int) -> Floats:
    """How often each of ``n`` rows is in each draw, (n_draws, n)."""
    rows = random.integers(n, size=(n_draws, n)) + n * np.arange(n_draws)[:, None]
    return np.bincount(rows.ravel(), minlength=n_draws * n).reshape(n_draws, n).astype(np.float64)


def _ks_and_precision(weights: Floats, bad: Floats, ends: Index) -> Floats:
    """KS and average precision (2, n_draws) under row ``weights``, rows riskiest first, tied rows ending at ``ends``.

    NaN for draws of one class.
    """
    rows = np.cumsum(weights, axis=1)[:, ends]
    bads = np.cumsum(weights * bad, axis=1)[:, ends]
    n_bad, n = bads[:, -1:], rows[:, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = bads / n_bad - (rows - bads) / (n - n_bad)
        precision = bads / np.maximum(rows, 1.0)
        recalled = np.diff(bads, axis=1, prepend=0.0) / n_bad
    figures = np.stack([np.maximum(apart.max(axis=1), 0.0), (recalled * precision).sum(axis=1)])
    figures[:, ((n_bad == 0) | (n_bad == n))[:, 0]] = np.nan
    return figures


def _bias_corrected(value: float, draws: Floats) -> Estimate:
    """Efron's bias-corrected percentile interval, stretched to ``value`` where all draws lie on one side of it."""
    if not len(draws):
        return Estimate(float(value), math.nan, math.nan)
    below = (np.sum(draws < value) + 0.5 * np.sum(draws == value)) / len(draws)
    bias = norm.ppf(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws)))
    low, high = np.quantile(draws, norm.cdf(2 * bias + np.array([-Z, Z])))
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))
