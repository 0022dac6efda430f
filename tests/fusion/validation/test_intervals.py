"""Intervals against posteriors by integration, sums over pairs, plain loops and published examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import expit, logit
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from features.arrays import Floats
from fusion.metrics import brier, fit_logistic_line, ks
from fusion.validation import intervals
from fusion.validation.intervals import (
    NO_ESTIMATE,
    Estimate,
    Z,
    auc_interval,
    bootstrap,
    brier_interval,
    calibration_in_the_large,
    gini_interval,
    mean,
    newcombe,
    rate,
    slope_interval,
)

# Hanley and McNeil, Radiology 1982, table I: 109 images of the brain rated 1 to 5.
RATINGS_NORMAL, RATINGS_ABNORMAL = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]


def sample(seed: int, n: int = 400, digits: int = 1) -> tuple[Floats, Floats]:
    """Outcomes and a calibrated margin with ties."""
    random = np.random.default_rng(seed)
    margin = np.round(random.normal(size=n) - 1, digits)
    return (random.random(n) < expit(margin)).astype(np.float64), margin


def ratings() -> tuple[Floats, Floats]:
    """The table as outcomes and ratings."""
    y = np.repeat([0.0, 1.0], [sum(RATINGS_NORMAL), sum(RATINGS_ABNORMAL)])
    return y, np.concatenate([np.repeat(np.arange(1.0, 6.0), n) for n in (RATINGS_NORMAL, RATINGS_ABNORMAL)])


def is_none(estimate: Estimate) -> bool:
    return all(math.isnan(value) for value in (estimate.value, estimate.low, estimate.high))


def ordered(estimate: Estimate) -> bool:
    return estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize(("n_bad", "n"), [(1, 10), (7, 20), (20, 250)])
def test_jeffreys_interval_holds_the_middle_of_the_posterior(n_bad: int, n: int) -> None:
    """By numerical integration of the likelihood times Jeffreys' prior."""

    def density(p: float) -> float:
        return float(p ** (n_bad - 0.5) * (1 - p) ** (n - n_bad - 0.5))

    whole = quad(density, 0, 1, epsabs=0, epsrel=1e-11)[0]
    found = rate(n_bad, n)
    assert quad(density, 0, found.low, epsabs=0, epsrel=1e-11)[0] / whole == pytest.approx(0.025, abs=1e-6)
    assert quad(density, found.high, 1, epsabs=0, epsrel=1e-11)[0] / whole == pytest.approx(0.025, abs=1e-6)
    assert found.value == n_bad / n


def test_rates_without_bads_goods_or_rows() -> None:
    assert rate(0, 10).low == 0.0
    assert rate(10, 10).high == 1.0
    assert rate(0, 10).high == pytest.approx(1 - rate(10, 10).low)
    assert is_none(rate(0, 0))
    assert not rate(0, 0).exists
    assert rate(0, 3).bounded


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_rates_lie_within_their_interval(n: int, share: float) -> None:
    found = rate(round(share * n), n)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_mean_is_that_of_a_z_interval() -> None:
    values = np.array([1.0, 2.0, 4.0, 9.0])
    error = math.sqrt(sum((v - 4) ** 2 for v in values) / 3 / 4)
    found = mean(values)
    assert (found.value, found.low) == pytest.approx((4.0, 4 - 1.959963985 * error), abs=1e-8)
    assert is_none(mean(np.empty(0)))
    alone = mean(np.ones(1))
    assert alone.exists
    assert not alone.bounded


@pytest.mark.parametrize("seed", range(3))
def test_auc_interval_agrees_with_the_sum_over_pairs(seed: int) -> None:
    y, margin = sample(seed)
    pairs = np.sign(margin[y == 1][:, None] - margin[y == 0][None]) / 2 + 0.5
    bad, good = pairs.mean(axis=1), pairs.mean(axis=0)
    error = math.sqrt(bad.var(ddof=1) / len(bad) + good.var(ddof=1) / len(good))
    area = roc_auc_score(y, margin)
    found = auc_interval(y, margin)
    half = 1.959963984540054 * error / (area * (1 - area))
    assert found.value == pytest.approx(area, abs=1e-12)
    assert found.low == pytest.approx(expit(logit(area) - half), abs=1e-10)
    assert found.high == pytest.approx(expit(logit(area) + half), abs=1e-10)


def test_auc_interval_of_the_published_ratings() -> None:
    """Stata's manual, [R] roctab, has 0.8932 for them, DeLong's plain interval 0.83295 to 0.95339."""
    found = auc_interval(*ratings())
    error = float(logit(found.high) - logit(found.low)) / 2 / Z * found.value * (1 - found.value)
    assert found.value == pytest.approx(0.8932, abs=5e-5)
    assert found.value - Z * error == pytest.approx(0.83295, abs=5e-6)
    assert found.value + Z * error == pytest.approx(0.95339, abs=5e-6)


def test_gini_is_twice_the_auc_less_one() -> None:
    y, margin = sample(1)
    area, gini = auc_interval(y, margin), gini_interval(y, margin)
    assert (gini.value, gini.low, gini.high) == (2 * area.value - 1, 2 * area.low - 1, 2 * area.high - 1)


@pytest.mark.parametrize(("y", "margin"), [([0, 0, 1, 1], [1, 2, 3, 4]), ([1, 0, 0], [1, 1, 1]), ([1, 0], [0, 1])])
def test_auc_without_a_variance_still_has_an_interval(y: list[float], margin: list[float]) -> None:
    found = auc_interval(np.array(y, dtype=np.float64), np.array(margin, dtype=np.float64))
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0.2


@given(st.floats(0.01, 0.99), st.integers(1, 500), st.integers(1, 500))
def test_newcombe_ends_are_one_point_96_errors_away(area: float, n_bad: int, n_good: int) -> None:
    """With the standard error of Hanley and McNeil, both counts at their mean, written out anew."""
    found = newcombe(area, n_bad, n_good)
    n = (n_bad + n_good) / 2
    for end in (found.low, found.high):
        q1, q2 = end / (2 - end), 2 * end**2 / (1 + end)
        variance = end * (1 - end) + (n - 1) * (q1 - end**2) + (n - 1) * (q2 - end**2)
        assert (area - end) ** 2 == pytest.approx(Z**2 * variance / (n_bad * n_good), rel=1e-6, abs=1e-9)
    assert ordered(found)


def test_brier_interval_has_the_score_in_its_middle() -> None:
    y, margin = sample(2)
    found = brier_interval(y, margin)
    errors = (expit(margin) - y) ** 2
    assert found.value == pytest.approx(brier(y, margin), abs=1e-15)
    assert found.high - found.value == pytest.approx(1.959963985 * errors.std(ddof=1) / 20, abs=1e-9)


def test_slope_interval_has_the_errors_of_a_numerical_second_derivative() -> None:
    y, margin = sample(3, n=2000)

    def loss(at: Floats) -> float:
        line = at[0] * margin + at[1]
        return float(np.sum(np.logaddexp(0, line) - y * line))

    best = minimize(loss, np.array([1.0, 0.0]), tol=1e-10).x
    h, hessian = 1e-3, np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            a, b = h * np.eye(2)[i], h * np.eye(2)[j]
            hessian[i, j] = (loss(best + a + b) - loss(best + a - b) - loss(best - a + b) + loss(best - a - b)) / 4
    errors = np.sqrt(np.diag(np.linalg.inv(hessian / h**2)))
    for found, value, error in zip(slope_interval(y, margin), best, errors, strict=True):
        assert found.value == pytest.approx(value, abs=1e-4)
        assert (found.high - found.low) / 2 / Z == pytest.approx(error, rel=1e-4)


def test_calibration_in_the_large_makes_the_mean_right() -> None:
    y, margin = sample(4)
    found = calibration_in_the_large(y, margin - 0.7)
    shifted = expit(margin - 0.7 + found.intercept.value)
    assert shifted.mean() == pytest.approx(y.mean(), abs=1e-10)
    error = 1 / math.sqrt(float(np.sum(shifted * (1 - shifted))))
    assert found.intercept.low == pytest.approx(found.intercept.value - norm.ppf(0.975) * error, abs=1e-10)
    assert found.gap.value == pytest.approx(expit(margin - 0.7).mean() - y.mean(), abs=1e-12)
    assert found.gap.high < 0 < found.intercept.low


@given(st.floats(-6, 6), st.integers(0, 20))
def test_moving_all_margins_moves_the_intercepts_alone(shift: float, seed: int) -> None:
    y, margin = sample(seed, n=60)
    (slope, intercept), there = slope_interval(y, margin + shift), calibration_in_the_large(y, margin + shift)
    (same_slope, before), here = slope_interval(y, margin), calibration_in_the_large(y, margin)
    assert there.intercept.value == pytest.approx(here.intercept.value - shift, abs=1e-7)
    assert slope.value == pytest.approx(same_slope.value, abs=1e-6)
    assert slope.high == pytest.approx(same_slope.high, abs=1e-6)
    assert intercept.value == pytest.approx(before.value - shift * same_slope.value, abs=1e-5)


def test_slope_is_that_of_the_headline_figures() -> None:
    y, margin = sample(3, n=2000)
    slope, intercept = slope_interval(y, margin)
    assert (slope.value, intercept.value) == pytest.approx(fit_logistic_line(y, margin), abs=1e-6)


def plain_bootstrap(y: Floats, margin: Floats, n_draws: int, seed: int) -> tuple[Floats, Floats]:
    """KS and average precision of each draw by scikit-learn, on the rows that ``bootstrap`` draws."""
    random = np.random.Generator(np.random.PCG64(seed))
    order = np.argsort(-margin, kind="stable")
    distances, precisions = [], []
    for _ in range(n_draws):
        rows = order[random.integers(len(y), size=len(y))]
        if 0 < y[rows].sum() < len(y):
            false_positive, true_positive, _ = roc_curve(y[rows], margin[rows], drop_intermediate=False)
            distances.append(np.max(true_positive - false_positive))
            precisions.append(average_precision_score(y[rows], margin[rows]))
    return np.array(distances), np.array(precisions)


@pytest.mark.parametrize("n", [12, 301])
def test_bootstrap_agrees_with_a_plain_loop_on_the_same_draws(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    y, margin = sample(5, n=n)
    monkeypatch.setattr(intervals, "CELLS_AT_ONCE", 7 * n)  # several chunks, of an odd number of draws
    found = bootstrap(y, margin, n_draws=150, seed=3)
    for estimate, value, draws in zip(
        (found.ks, found.average_precision),
        (ks(y, margin), average_precision_score(y, margin)),
        plain_bootstrap(y, margin, 150, 3),
        strict=True,
    ):
        assert estimate.value == pytest.approx(value, abs=1e-12)
        below = np.mean(draws < value - 1e-12) / 2 + np.mean(draws <= value + 1e-12) / 2
        levels = norm.cdf(2 * norm.ppf(below) + norm.ppf([0.025, 0.975]))
        ends = np.quantile(draws, levels)
        assert estimate.low == pytest.approx(min(ends[0], value), abs=5e-3)
        assert estimate.high == pytest.approx(max(ends[1], value), abs=5e-3)


def test_bootstrap_weights_are_the_draws() -> None:
    y, margin = sample(6, n=50)
    order = np.argsort(-margin, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(margin[order]) != 0, True))
    weights = intervals._weights(np.random.Generator(np.random.PCG64(9)), 40, 50)
    here = intervals._ks_and_precision(weights, y[order], ends)
    distances, precisions = plain_bootstrap(y, margin, 40, 9)
    np.testing.assert_allclose(here[0], distances, atol=1e-12)
    np.testing.assert_allclose(here[1], precisions, atol=1e-12)


def test_bootstrap_is_the_same_whatever_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    y, margin = sample(7, n=101)
    whole = bootstrap(y, margin, n_draws=60)
    monkeypatch.setattr(intervals, "CELLS_AT_ONCE", 1)
    again = bootstrap(y, margin, n_draws=60)
    for one, other in ((again.ks, whole.ks), (again.average_precision, whole.average_precision)):
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), abs=1e-12)
    assert bootstrap(y, margin, n_draws=60, seed=1) != whole


@pytest.mark.slow
def test_bootstrap_interval_of_ks_covers_the_truth() -> None:
    """Two normals 1 apart: KS is 2 Phi(1/2) - 1."""
    truth, random, hits = 2 * norm.cdf(0.5) - 1, np.random.default_rng(0), 0
    for seed in range(300):
        y = np.repeat([0.0, 1.0], [400, 100])
        found = bootstrap(y, random.normal(size=500) + y, n_draws=400, seed=seed).ks
        hits += found.low <= truth <= found.high
    assert 0.86 <= hits / 300 <= 0.99  # quantiles without the correction: 0.8


@pytest.mark.parametrize("y", [np.empty(0), np.zeros(5), np.ones(5)])
def test_one_class_or_no_rows_have_no_discrimination(y: Floats) -> None:
    margin = np.linspace(-1, 1, len(y))
    found = bootstrap(y, margin)
    for estimate in (auc_interval(y, margin), gini_interval(y, margin), found.ks, found.average_precision):
        assert is_none(estimate)
    assert slope_interval(y, margin) == (NO_ESTIMATE, NO_ESTIMATE)
    assert is_none(calibration_in_the_large(y, margin).intercept)
    assert calibration_in_the_large(y, margin).gap.exists == (len(y) > 0)


@pytest.mark.parametrize("margin", [np.zeros(4), np.arange(4.0), -np.arange(4.0), np.array([0.0, 1.0, 1.0, 2.0])])
def test_lines_without_a_maximum_are_none(margin: Floats) -> None:
    """Constant, separated either way, and separated but for a tie."""
    assert slope_interval(np.array([0.0, 0.0, 1.0, 1.0]), margin) == (NO_ESTIMATE, NO_ESTIMATE)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), max_size=12))
def test_nothing_raises_and_every_interval_holds_its_figure(rows: list[tuple[bool, int]]) -> None:
    y = np.array([float(bad) for bad, _ in rows])
    margin = np.array([float(m) for _, m in rows])
    drawn, large = bootstrap(y, margin, n_draws=20), calibration_in_the_large(y, margin)
    for found in (
        auc_interval(y, margin),
        gini_interval(y, margin),
        brier_interval(y, margin),
        *slope_interval(y, margin),
        drawn.ks,
        drawn.average_precision,
        large.intercept,
        large.gap,
    ):
        assert not found.bounded or ordered(found)
