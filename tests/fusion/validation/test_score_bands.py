"""Bands, their tests of the PD, and gains, against integration, sums of binomial terms and the ROC curve."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit, logit

from features.arrays import Floats
from fusion.metrics import ks
from fusion.validation.intervals import rate
from fusion.validation.score_bands import band_edges, binomial_p, first_inversion, gains, jeffreys_p, score_bands


def sample(seed: int, n: int = 1000) -> tuple[Floats, Floats, Floats]:
    """Outcomes, the PDs they were drawn from, and points: 20 halve the odds, 600 at 20 to 1."""
    random = np.random.default_rng(seed)
    margin = random.normal(size=n) - 2
    score = 600 - 20 / math.log(2) * (margin + math.log(20))
    return (random.random(n) < expit(margin)).astype(np.float64), expit(margin), score


@pytest.mark.parametrize(("n_bad", "n", "pd"), [(3, 40, 0.05), (0, 25, 0.01), (12, 90, 0.2)])
def test_jeffreys_p_is_the_posterior_below_the_pd(n_bad: int, n: int, pd: float) -> None:
    """By integration over the angle whose squared sine is the rate: there Jeffreys' prior is flat."""

    def likelihood(angle: float) -> float:
        return math.sin(angle) ** (2 * n_bad) * math.cos(angle) ** (2 * (n - n_bad))

    below = quad(likelihood, 0, math.asin(math.sqrt(pd)), epsabs=0, epsrel=1e-11)[0]
    whole = quad(likelihood, 0, math.pi / 2, epsabs=0, epsrel=1e-11)[0]
    assert jeffreys_p(n_bad, n, pd) == pytest.approx(below / whole, abs=1e-9)


@pytest.mark.parametrize(("n_bad", "n", "pd"), [(3, 40, 0.05), (0, 25, 0.01), (12, 90, 0.2)])
def test_binomial_p_is_the_sum_of_the_tail(n_bad: int, n: int, pd: float) -> None:
    tail = sum(math.comb(n, k) * pd**k * (1 - pd) ** (n - k) for k in range(n_bad, n + 1))
    assert binomial_p(n_bad, n, pd) == pytest.approx(tail, abs=1e-12)


def test_a_pd_that_is_too_low_has_a_small_p() -> None:
    assert jeffreys_p(20, 100, 0.05) < 1e-6 < 0.5 < jeffreys_p(5, 100, 0.1)
    assert binomial_p(20, 100, 0.05) < 1e-6
    assert math.isnan(jeffreys_p(0, 0, 0.1))
    assert math.isnan(binomial_p(0, 0, 0.1))


def test_edges_are_round_and_near_the_quantiles() -> None:
    score = sample(0, 5000)[2]
    edges = band_edges(score)
    assert len(edges) == 9
    assert all(edge % 5 == 0 for edge in edges)
    np.testing.assert_allclose(edges, np.quantile(score, np.arange(1, 10) / 10), atol=2.5)
    assert band_edges(np.empty(0)) == ()
    assert band_edges(np.full(9, 612.0)) == ()


@given(st.integers(0, 50), st.integers(0, 80), st.integers(1, 12), st.sampled_from([1.0, 5.0, 20.0]))
def test_bands_hold_every_row_once(seed: int, n: int, n_bands: int, step: float) -> None:
    y, pd, score = sample(seed, n)
    edges = band_edges(score, n_bands, step)
    bands = score_bands(y, pd, score, edges)
    assert len(bands) <= n_bands
    assert sum(band.n for band in bands) == n
    assert sum(band.n_bad for band in bands) == y.sum()
    assert [band.low for band in bands] == [-math.inf, *edges]
    for band in bands:
        rows = (band.low <= score) & (score < band.high)
        assert band.n == rows.sum()
        if band.n:
            assert band.rate == rate(int(y[rows].sum()), int(rows.sum()))
            assert band.mean_pd == pytest.approx(pd[rows].mean())
        assert (band.n == 0) == math.isnan(band.jeffreys_p)


def test_bands_of_a_reference_keep_their_place_when_empty() -> None:
    bands = score_bands(np.array([1.0]), np.array([0.2]), np.array([500.0]), (500.0, 600.0))
    assert [band.n for band in bands] == [0, 1, 0]
    assert math.isnan(bands[0].mean_pd)
    assert not bands[2].rate.exists


def test_a_break_is_the_first_rise_of_risk() -> None:
    band = score_bands(np.array([1.0]), np.array([0.2]), np.array([500.0]), ())[0]
    empty = replace(band, n=0, n_bad=0, rate=rate(0, 0))
    bands = [replace(band, n=10, n_bad=k, rate=rate(k, 10)) for k in (8, 5, 5, 6, 1, 2)]
    assert first_inversion([*bands[:3], empty, *bands[3:]]) == (bands[2], bands[3])
    assert first_inversion(bands) is not None
    assert first_inversion([*bands[:3], empty]) is None
    assert first_inversion([]) is None


@given(st.integers(0, 40), st.integers(1, 80), st.integers(1, 12))
def test_gains_add_up(seed: int, n: int, n_groups: int) -> None:
    y, pd, _ = sample(seed, n)
    margin = np.round(logit(pd), 1)
    deciles = gains(y, margin, n_groups)
    assert sum(decile.n for decile in deciles) == n
    assert sum(decile.n_bad for decile in deciles) == y.sum()
    assert deciles[-1].share == 1.0
    if y.any():
        assert deciles[-1].captured == pytest.approx(1)
        assert deciles[-1].cumulative_lift == pytest.approx(1)
        assert sum(d.lift * d.n for d in deciles) == pytest.approx(n)
    if 0 < y.sum() < n:
        assert max(d.ks for d in deciles) <= ks(y, margin) + 1e-12


def test_gains_of_every_row_show_ks() -> None:
    y, pd, _ = sample(3, 300)
    margin = logit(pd)
    assert max(d.ks for d in gains(y, margin, 300)) == pytest.approx(ks(y, margin), abs=1e-12)


def test_gains_by_hand() -> None:
    first, second = gains(np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]), np.arange(8.0)[::-1], 2)
    assert (first.n, first.n_bad, first.lift, first.captured, first.share) == (4, 3, 2.0, 1.0, 0.5)
    assert first.cumulative_lift == 2.0
    assert first.ks == pytest.approx(1 - 1 / 5)
    assert (second.n_bad, second.lift, second.ks) == (0, 0.0, 0.0)


def test_gains_without_bads_or_rows() -> None:
    assert gains(np.empty(0), np.empty(0)) == ()
    only = gains(np.zeros(3), np.zeros(3))
    assert len(only) == 1
    assert math.isnan(only[0].lift)
    assert math.isnan(only[0].captured)
