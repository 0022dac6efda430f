"""Metrics against hand values and slow, independent computations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import ks_2samp, norm, ttest_rel
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from features.arrays import Floats
from fusion.metrics import auc, brier, brier_gain, delong, effective_rows, figures, fit_logistic_line, ks, log_loss


def sample(seed: int, n: int = 400) -> tuple[Floats, Floats, Floats]:
    """Outcomes, a good margin and a poorer one."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=n)
    y = (rng.random(n) < expit(signal - 1)).astype(np.float64)
    return y, signal - 1, signal * 0.5 + rng.normal(size=n)


def delong_by_pairs(y: Floats, a: Floats, b: Floats) -> tuple[float, float]:
    """Difference and p by the double sum over all pairs of bad and good, as in the paper of 1988."""

    def placements(margin: Floats) -> tuple[Floats, Floats]:
        bad, good = margin[y == 1], margin[y == 0]
        psi = (bad[:, None] > good[None]) + 0.5 * (bad[:, None] == good[None])
        return psi.mean(axis=1), psi.mean(axis=0)

    (bad_a, good_a), (bad_b, good_b) = placements(a), placements(b)
    s_bad, s_good = np.cov(bad_a, bad_b), np.cov(good_a, good_b)
    contrast = np.array([1.0, -1.0])
    variance = contrast @ (s_bad / len(bad_a) + s_good / len(good_a)) @ contrast
    difference = bad_a.mean() - bad_b.mean()
    return float(difference), float(2 * norm.sf(abs(difference) / math.sqrt(variance)))


@pytest.mark.parametrize("seed", range(5))
def test_delong_agrees_with_the_double_sum(seed: int) -> None:
    y, good, poor = sample(seed)
    poor = np.round(poor, 1)  # ties
    gain = delong(y, good, poor)
    difference, p = delong_by_pairs(y, good, poor)
    assert gain.difference == pytest.approx(difference, abs=1e-12)
    assert gain.p == pytest.approx(p, abs=1e-9)
    assert gain.low < gain.difference < gain.high
    assert gain.difference == pytest.approx(auc(y, good) - auc(y, poor), abs=1e-12)


def test_delong_of_a_model_against_itself_is_zero() -> None:
    y, good, _ = sample(0)
    gain = delong(y, good, good)
    assert (gain.difference, gain.p) == (0.0, 1.0)


def test_ks_agrees_with_scipy() -> None:
    y, good, _ = sample(1)
    assert ks(y, good) == pytest.approx(ks_2samp(good[y == 1], good[y == 0]).statistic)


def test_logistic_line_agrees_with_scikit_learn() -> None:
    y, _, poor = sample(2)
    slope, intercept = fit_logistic_line(y, poor)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(poor[:, None], y)
    assert slope == pytest.approx(reference.coef_[0, 0], abs=1e-5)
    assert intercept == pytest.approx(reference.intercept_[0], abs=1e-5)


@given(st.integers(0, 10_000))
def test_weighted_figures_are_those_of_repeated_rows(seed: int) -> None:
    y, _, poor = sample(seed, 80)
    times = np.random.default_rng(seed).integers(1, 5, 80)
    weighted = figures(y, poor, 0.3 * times.astype(np.float64))
    repeated = figures(y.repeat(times), poor.repeat(times))
    assert (weighted.n, weighted.n_bad) == (80, y.sum())
    for name in ("auc", "ks", "brier", "log_loss", "slope", "intercept"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), abs=1e-9)


def test_effective_rows_are_fewer_where_weights_differ() -> None:
    assert effective_rows(None, 7) == effective_rows(np.ones(7), 7) == 7.0
    assert effective_rows(np.full(7, 0.1), 7) == pytest.approx(7.0)
    assert effective_rows(np.array([1.0, 1.0, 2.0]), 3) == pytest.approx(16 / 6)


def test_one_class_and_no_rows_give_nan_not_a_guess() -> None:
    ones = np.ones(5)
    found = figures(ones, np.arange(5.0))
    assert math.isnan(found.auc)
    assert math.isnan(found.ks)
    assert math.isnan(found.slope)
    assert math.isnan(figures(np.zeros(0), np.zeros(0)).brier)
    assert math.isnan(delong(ones, np.arange(5.0), np.arange(5.0)).p)


def test_constant_margin_has_no_slope() -> None:
    assert math.isnan(fit_logistic_line(np.array([0.0, 1.0, 0.0]), np.zeros(3))[0])


@given(st.integers(0, 10_000), st.floats(0.1, 5), st.floats(-3, 3))
def test_auc_and_ks_depend_on_the_order_alone(seed: int, stretch: float, shift: float) -> None:
    y, good, _ = sample(seed, 60)
    if 0 < y.sum() < len(y):
        assert auc(y, good * stretch + shift) == pytest.approx(auc(y, good))
        assert ks(y, good * stretch + shift) == pytest.approx(ks(y, good))


def test_log_loss_is_safe_far_out() -> None:
    assert log_loss(np.array([1.0, 0.0]), np.array([800.0, -800.0])) == 0.0
    assert log_loss(np.array([0.0]), np.array([800.0])) == 800.0


class TestBrier:
    """The Brier score, and the paired test of two of them."""

    def test_it_agrees_with_scikit_learn(self) -> None:
        y, good, _ = sample(3)
        assert brier(y, good) == pytest.approx(brier_score_loss(y, expit(good)), abs=1e-15)
        assert brier(y, good) == figures(y, good).brier

    def test_it_is_right_by_hand_and_safe_far_out(self) -> None:
        assert brier(np.array([1.0, 0.0]), np.log([3.0, 1.0])) == pytest.approx((0.25**2 + 0.5**2) / 2, abs=1e-15)
        assert brier(np.array([1.0, 0.0]), np.array([800.0, 800.0])) == 0.5
        assert math.isnan(brier(np.zeros(0), np.zeros(0)))

    @pytest.mark.parametrize("seed", range(5))
    def test_a_gain_is_that_of_the_paired_test(self, seed: int) -> None:
        y, good, poor = sample(seed)
        gain = brier_gain(y, good, poor)
        assert gain.difference == pytest.approx(brier(y, poor) - brier(y, good), abs=1e-15)
        paired = ttest_rel((expit(poor) - y) ** 2, (expit(good) - y) ** 2)
        assert gain.p == pytest.approx(2 * norm.sf(abs(paired.statistic)), rel=1e-9)
        assert gain.p == pytest.approx(paired.pvalue, abs=3e-3)  # the t distribution of 399 degrees of freedom
        low, high = paired.confidence_interval(0.95)
        half = (high - low) / 2
        assert (gain.low, gain.high) == pytest.approx((low, high), abs=0.01 * half)

    def test_the_better_one_gains_and_the_poorer_one_loses_as_much(self) -> None:
        y, good, poor = sample(4)
        one, other = brier_gain(y, good, poor), brier_gain(y, poor, good)
        assert one.difference > 0
        assert one.low > 0
        assert one.p < 0.05
        assert (other.difference, other.p) == (-one.difference, one.p)
        assert (other.low, other.high) == (-one.high, -one.low)

    def test_a_model_gains_nothing_over_itself(self) -> None:
        y, good, _ = sample(5)
        gain = brier_gain(y, good, good)
        assert (gain.difference, gain.low, gain.high, gain.p) == (0.0, 0.0, 0.0, 1.0)

    def test_some_equal_rows_count_as_rows(self) -> None:
        y, good, poor = sample(6)
        poor = np.where(np.arange(len(y)) % 2, good, poor)
        gain = brier_gain(y, good, poor)
        paired = ttest_rel((expit(poor) - y) ** 2, (expit(good) - y) ** 2)
        assert gain.p == pytest.approx(2 * norm.sf(abs(paired.statistic)), rel=1e-9)

    @pytest.mark.parametrize("n", [0, 1])
    def test_of_no_row_or_one_it_is_unknown(self, n: int) -> None:
        gain = brier_gain(np.ones(n), np.zeros(n), np.ones(n))
        assert all(math.isnan(value) for value in (gain.difference, gain.low, gain.high, gain.p))
