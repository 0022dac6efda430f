from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom

from fusion.watch.excess import excess_chances, times_usual


def test_rows_of_a_kind_that_chance_brings_are_negative_binomial() -> None:
    usual, n_usual = np.array([[5], [5], [5]]), np.array([100, 100, 100])
    found = excess_chances(np.array([9]), 100, usual, n_usual)
    assert found[0] == pytest.approx(float(nbinom.sf(8, 15.5, 300 / 400)))


@pytest.mark.parametrize("spread", [0.0, 0.3])
@pytest.mark.parametrize("n_periods", [3, 8, 30])
@pytest.mark.parametrize("mean", [0.3, 3, 30])
def test_where_nothing_changed_small_chances_are_as_rare_as_they_say(
    mean: float, n_periods: int, spread: float
) -> None:
    drawn = np.random.default_rng(1)
    rates = mean * (drawn.gamma(1 / spread**2, spread**2, (n_periods + 1, 20000)) if spread else 1.0)
    counts = drawn.poisson(rates, (n_periods + 1, 20000))
    found = excess_chances(counts[-1], 1000, counts[:-1], np.full(n_periods, 1000))
    assert np.mean(found < 0.01) < 0.012
    assert np.mean(found < 0.001) < 0.003


def test_a_dozen_rows_of_a_new_kind_are_no_chance() -> None:
    usual = np.zeros((5, 1), dtype=np.int64)
    assert excess_chances(np.array([12]), 100, usual, np.full(5, 100))[0] < 1e-6
    assert times_usual(12, 0.0) == 12.0


def test_with_two_periods_nothing_is_unlikely() -> None:
    usual = np.zeros((2, 1), dtype=np.int64)
    assert excess_chances(np.array([12]), 100, usual, np.full(2, 100)).tolist() == [1.0]
