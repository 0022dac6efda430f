"""How good a PD is: discrimination, calibration, and whether one model beats another on the same rows.

Arrays are float64 (n,); ``y`` holds 1 for bad and 0 for good, ``weight`` how many rows of the population each row
stands for beside the others (above 0, only ratios count), or is None where all stand for as many. Figures that do not
exist for the rows at hand (an AUC of one class) are NaN, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from features.arrays import Floats

ROUNDING = 1e-12  # of sums over all rows; a smaller difference or error is none


@dataclass(frozen=True)
class Figures:
    """Headline figures of one set of margins.

    Attributes:
        n: rows.
        n_bad: bad outcomes.
        auc: area under the ROC curve.
        ks: Kolmogorov-Smirnov distance.
        brier: Brier score.
        log_loss: in nats.
        slope: of a logistic regression of the outcome on the margin; 1 when calibrated (Cox, Biometrika 1958).
        intercept: of the same regression; 0 when calibrated.
    """

    n: int
    n_bad: int
    auc: float
    ks: float
    brier: float
    log_loss: float
    slope: float
    intercept: float


@dataclass(frozen=True)
class Gain:
    """How much better one model is than another on the same rows.

    Attributes:
        difference: positive where it is better.
        low: lower end of the 95 % confidence interval.
        high: upper end.
        p: two-sided.
    """

    difference: float
    low: float
    high: float
    p: float


def relative_weight(weight: Floats | None, n: int) -> Floats:
    """The weights of n rows with a mean of 1."""
    return np.ones(n) if weight is None else weight / weight.mean()


def effective_rows(weight: Floats | None, n: int) -> float:
    """How many rows of one weight tell as much as these n: the squared sum over the sum of squares (Kish, Survey
    Sampling, 1965).
    """
    return float(n) if weight is None else float(weight.sum() ** 2 / np.square(weight).sum())


def base_log_odds(y: Floats, weight: Floats | None = None) -> float:
    """Log-odds of the bad rate, kept finite for one class by half a row."""
    bad = (relative_weight(weight, len(y)) * y).sum()
    return float(np.log((bad + 0.5) / (len(y) - bad + 0.5)))


def both_classes(y: Floats) -> bool:
    """Whether the rows hold at least one good and one bad outcome."""
    return bool(len(y)) and 0 < y.sum() < len(y)


def auc(y: Floats, margin: Floats, weight: Floats | None = None) -> float:
    """Area under the ROC curve; NaN with one class."""
    from sklearn.metrics import roc_auc_score  # takes half a second, and no score needs it

    return float(roc_auc_score(y, margin, sample_weight=weight)) if both_classes(y) else float("nan")


def ks(y: Floats, margin: Floats, weight: Floats | None = None) -> float:
    """Kolmogorov-Smirnov distance between the margins of good and bad; NaN with one class."""
    from sklearn.metrics import roc_curve  # as above

    if not both_classes(y):
        return float("nan")
    false_positive, true_positive, _ = roc_curve(y, margin, sample_weight=weight)
    return float(np.max(true_positive - false_positive))


def log_loss(y: Floats, margin: Floats, weight: Floats | None = None) -> float:
    """Mean negative log-likelihood of log-odds ``margin``, in nats; NaN with no rows."""
    return float(np.average(np.logaddexp(0.0, margin) - y * margin, weights=weight)) if len(y) else float("nan")


def brier(y: Floats, margin: Floats, weight: Floats | None = None) -> float:
    """Mean squared difference of PD and outcome (Brier, Monthly Weather Review 1950); NaN with no rows."""
    return float(np.average((expit(margin) - y) ** 2, weights=weight)) if len(y) else float("nan")


def fit_logistic_line(y: Floats, margin: Floats, weight: Floats | None = None, steps: int = 50) -> tuple[float, float]:
    """Slope and intercept of a logistic regression of ``y`` on ``margin`` by Newton's method, unpenalised.

    NaN, NaN with one class or a constant margin.
    """
    if not both_classes(y) or np.ptp(margin) == 0:
        return float("nan"), float("nan")
    x = np.column_stack([margin, np.ones_like(margin)])
    count = relative_weight(weight, len(y))
    beta = np.array([1.0, 0.0])
    here = log_loss(y, x @ beta, weight)
    for _ in range(steps):
        p = expit(x @ beta)
        hessian = x.T @ (x * (count * (p * (1 - p)))[:, None]) + 1e-12 * np.eye(2)
        step = np.linalg.solve(hessian, x.T @ (count * (y - p)))
        size = float(np.max(np.abs(step)))
        step = step * min(1.0, 2.0 / max(size, 1e-300))  # scaled as a whole: it must point down
        there = log_loss(y, x @ (beta + step), weight)
        while there > here + 1e-12 * abs(here) and np.max(np.abs(step)) > 1e-12:  # full steps may circle
            step = step / 2.0
            there = log_loss(y, x @ (beta + step), weight)
        beta, here = beta + step, there
        if size < 1e-12:
            break
    return float(beta[0]), float(beta[1])


def figures(y: Floats, margin: Floats, weight: Floats | None = None) -> Figures:
    """All headline figures of log-odds ``margin``, weighted but for ``n`` and ``n_bad``, which count rows."""
    slope, intercept = fit_logistic_line(y, margin, weight)
    return Figures(
        n=len(y),
        n_bad=int(y.sum()),
        auc=auc(y, margin, weight),
        ks=ks(y, margin, weight),
        brier=brier(y, margin, weight),
        log_loss=log_loss(y, margin, weight),
        slope=slope,
        intercept=intercept,
    )


def placements(y: Floats, margin: Floats) -> tuple[Floats, Floats]:
    """For each bad the share of goods below it, for each good the share of bads above it (ties count half)."""
    from scipy.stats import rankdata  # takes half a second, and no score needs it

    bad, good = margin[y == 1], margin[y == 0]
    rank_all = rankdata(np.concatenate([bad, good]))
    above_goods = (rank_all[: len(bad)] - rankdata(bad)) / len(good)
    above_bads = 1.0 - (rank_all[len(bad) :] - rankdata(good)) / len(bad)
    return above_goods, above_bads


def brier_gain(y: Floats, margin: Floats, other: Floats) -> Gain:
    """Brier score of ``other`` minus that of ``margin``: how much less the PDs of ``margin`` err.

    The interval and p are those of a paired z-test on the rows' squared errors (Redelmeier, Bloch and Hickam,
    J. Clin. Epidemiol. 1991, without their assumption that the PDs are calibrated). NaN with fewer than two rows.
    """
    if len(y) < 2:
        return Gain(float("nan"), float("nan"), float("nan"), float("nan"))
    less = (expit(other) - y) ** 2 - (expit(margin) - y) ** 2
    return _z_test(float(less.mean()), float(less.std(ddof=1) / np.sqrt(len(less))))


def delong(y: Floats, margin: Floats, other: Floats) -> Gain:
    """AUC of ``margin`` minus AUC of ``other``, by DeLong, DeLong and Clarke-Pearson (Biometrics 1988).

    Computed from ranks as in Sun and Xu (IEEE Signal Processing Letters 2014). NaN with one class; interval and p are
    NaN for a difference that has no variance, and p is 1 where there is no difference either.
    """
    if not both_classes(y) or min(y.sum(), len(y) - y.sum()) < 2:
        return Gain(float("nan"), float("nan"), float("nan"), float("nan"))
    bad_a, good_a = placements(y, margin)
    bad_b, good_b = placements(y, other)
    difference = float(bad_a.mean() - bad_b.mean())
    variance = np.var(bad_a - bad_b, ddof=1) / len(bad_a) + np.var(good_a - good_b, ddof=1) / len(good_a)
    return _z_test(difference, float(np.sqrt(variance)))


def _z_test(difference: float, error: float) -> Gain:
    """A difference with its standard error, tested against 0.

    Without any error (below ``ROUNDING``) no difference has p = 1, and a difference has neither interval nor p.
    """
    from scipy.stats import norm  # as above

    if error < ROUNDING:
        if abs(difference) < ROUNDING:
            return Gain(difference, difference, difference, 1.0)
        return Gain(difference, float("nan"), float("nan"), float("nan"))
    half = float(norm.ppf(0.975)) * error
    return Gain(difference, difference - half, difference + half, float(2 * norm.sf(abs(difference) / error)))
