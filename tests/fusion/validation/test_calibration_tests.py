"""Reliability, the parts of the Brier score and the tests of calibration, against scikit-learn and plain loops."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import chi2, kstest, norm
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from features.arrays import Floats
from fusion.validation.calibration_tests import (
    brier_parts,
    expected_calibration_error,
    hosmer_lemeshow,
    reliability,
    spiegelhalter,
)


def sample(seed: int, n: int = 1000) -> tuple[Floats, Floats]:
    """Outcomes and the PDs they were drawn from."""
    random = np.random.default_rng(seed)
    pd = expit(random.normal(size=n) - 1.5)
    return (random.random(n) < pd).astype(np.float64), pd


def test_bins_agree_with_scikit_learn() -> None:
    y, pd = sample(0)
    bins = reliability(y, pd, 10)
    rates, means = calibration_curve(y, pd, n_bins=10, strategy="quantile")
    np.testing.assert_allclose([b.mean_pd for b in bins], means, atol=2e-3)  # its edges are interpolated
    np.testing.assert_allclose([b.rate.value for b in bins], rates, atol=2e-2)
    assert [b.n for b in bins] == [100] * 10
    assert all(b.low <= b.mean_pd <= b.high for b in bins)
    assert all(low.high < high.low for low, high in pairwise(bins))


def test_equal_pds_share_a_bin() -> None:
    y, pd = np.array([0.0, 1.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.1, 0.1, 0.9])
    first, last = reliability(y, pd, 4)
    assert (first.n, first.rate.value, last.n) == (4, 0.5, 1)
    assert reliability(np.empty(0), np.empty(0)) == ()


pds = st.one_of(st.sampled_from([0.0, 0.25, 1.0]), st.floats(0, 1))


@given(st.lists(st.tuples(st.booleans(), pds), min_size=1, max_size=60), st.integers(1, 12))
def test_brier_parts_add_up(rows: list[tuple[bool, float]], n_bins: int) -> None:
    y, pd = np.array([float(bad) for bad, _ in rows]), np.array([p for _, p in rows])
    parts = brier_parts(y, pd, n_bins)
    assert parts.brier == pytest.approx(brier_score_loss(y, pd, labels=[0, 1]), abs=1e-12)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.within
    assert total == pytest.approx(parts.brier, abs=1e-12)
    assert parts.resolution <= parts.uncertainty + 1e-12
    assert parts.reliability >= 0


def test_brier_parts_by_hand() -> None:
    """Two bins of two: PDs 0.1, 0.3 with one bad, 0.6, 0.8 with two."""
    parts = brier_parts(np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.1, 0.3, 0.6, 0.8]), 2)
    assert parts.reliability == pytest.approx((0.3**2 + 0.3**2) / 2)
    assert parts.resolution == pytest.approx(0.25**2)
    assert parts.uncertainty == pytest.approx(0.75 * 0.25)
    assert parts.within == pytest.approx(0.1**2 - 2 * 0.1 * 0.5 / 2)


def test_within_is_nothing_where_each_pd_is_a_bin() -> None:
    parts = brier_parts(np.array([0.0, 1.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.1, 0.4, 0.4, 0.4]), 10)
    assert parts.within == pytest.approx(0, abs=1e-15)


def test_calibration_error_by_a_loop() -> None:
    y, pd = sample(1)
    bins = reliability(y, pd, 10)
    assert expected_calibration_error(y, pd, 10) == pytest.approx(
        sum(b.n / len(y) * abs(b.mean_pd - b.rate.value) for b in bins), abs=1e-12
    )


@pytest.mark.parametrize("n_groups", [5, 10])
def test_hosmer_lemeshow_is_pearsons_over_bads_and_goods(n_groups: int) -> None:
    """As Hosmer and Lemeshow (1980) wrote it: observed and expected of both classes in a table of 2 x g."""
    y, pd = sample(2)
    order = np.argsort(pd)
    statistic = 0.0
    for rows in np.split(order, n_groups):
        for observed, expected in ((y[rows].sum(), pd[rows].sum()), ((1 - y[rows]).sum(), (1 - pd[rows]).sum())):
            statistic += (observed - expected) ** 2 / expected
    found = hosmer_lemeshow(y, pd, n_groups)
    assert found.statistic == pytest.approx(statistic, abs=1e-9)
    assert found.df == n_groups
    assert found.p == pytest.approx(1 - chi2.cdf(statistic, n_groups), abs=1e-12)


def test_p_of_right_pds_is_uniform() -> None:
    """On rows the PDs were not fitted on the statistic has a degree of freedom for each group."""
    p = [hosmer_lemeshow(*sample(seed, 1000)).p for seed in range(400)]
    assert kstest(p, "uniform").pvalue > 0.01
    z = [spiegelhalter(*sample(seed, 1000)).z for seed in range(400)]
    assert kstest(z, "norm").pvalue > 0.01


def test_wrong_pds_are_found_out() -> None:
    y, pd = sample(3, 3000)
    assert hosmer_lemeshow(y, pd * 0.7).p < 1e-6
    assert spiegelhalter(y, pd * 0.7).p < 1e-3


def test_spiegelhalter_is_the_brier_score_standardised() -> None:
    """z = (Brier - its mean) / its standard deviation, both by the PDs' own distribution."""
    y, pd = sample(4)
    n = len(y)
    expected, variance = np.mean(pd * (1 - pd)), np.sum(pd * (1 - pd) * (1 - 2 * pd) ** 2) / n**2
    z = (brier_score_loss(y, pd) - expected) / math.sqrt(variance)
    found = spiegelhalter(y, pd)
    assert found.z == pytest.approx(z, abs=1e-9)
    assert found.p == pytest.approx(2 * norm.cdf(-abs(z)), abs=1e-9)


def test_certain_pds() -> None:
    y = np.array([0.0, 0.0, 1.0])
    assert hosmer_lemeshow(y, y).statistic == 0.0
    assert hosmer_lemeshow(y, y).p == 1.0
    assert hosmer_lemeshow(y, np.zeros(3)).p == 0.0
    assert math.isnan(spiegelhalter(y, y).z)


def test_no_rows_have_no_figures() -> None:
    none = np.empty(0)
    assert math.isnan(brier_parts(none, none).brier)
    assert math.isnan(expected_calibration_error(none, none))
    assert math.isnan(hosmer_lemeshow(none, none).p)
    assert math.isnan(spiegelhalter(none, none).p)
