from __future__ import annotations

import numpy as np
import pytest

from fusion.watch.cusum import ALLOWANCE, CAP, LEAST, chance_of_sum, cumulative_sums


def test_the_chance_of_a_sum_is_that_of_a_long_quiet_process() -> None:
    rng = np.random.default_rng(1)
    sums = np.zeros(100_000)
    for _ in range(100):
        sums = np.maximum(0.0, sums + rng.normal(size=len(sums)) - ALLOWANCE)
    for height in (1.0, 2.0, 4.0):
        assert chance_of_sum(np.array([height]))[0] == pytest.approx(np.mean(sums >= height), rel=0.1)


def test_the_chance_falls_with_the_height_without_end() -> None:
    chances = chance_of_sum(np.linspace(0.0, 40.0, 400))
    assert chances[0] == 1.0
    assert np.all(np.diff(chances) < 0.0)
    assert 0.0 < chances[-1] < 1e-15


@pytest.mark.parametrize("spread", [1.0, 3.0])
def test_quiet_periods_are_as_unlikely_as_they_should_be_also_where_they_differ_by_more_than_chance(
    spread: float,
) -> None:
    residuals = np.random.default_rng(2).normal(size=(30, 20_000)) * spread
    p = cumulative_sums(residuals).p
    assert np.mean(p <= 0.01) < 0.014
    assert np.mean(p <= 0.001) < 0.002


def test_a_small_change_that_lasts_is_found_with_its_beginning() -> None:
    residuals = np.random.default_rng(3).normal(size=(40, 2000))
    residuals[28:] -= 1.5
    sums = cumulative_sums(residuals)
    assert np.mean(sums.p < 0.001) > 0.8
    assert abs(np.median(sums.since) - 28) <= 1


def test_one_jump_does_not_linger() -> None:
    residuals = np.random.default_rng(4).normal(size=(20, 500))
    residuals[-6] = 50.0
    assert np.median(cumulative_sums(residuals).p) > 0.1
    assert np.all(cumulative_sums(residuals[:-5]).p >= 2 * chance_of_sum(np.array([CAP + 10.0]))[0])


def test_periods_without_a_figure_are_passed_over_and_few_say_nothing() -> None:
    residuals = np.random.default_rng(5).normal(size=(12, 3))
    gaps = np.insert(residuals, [3, 7], np.nan, axis=0)
    assert np.array_equal(cumulative_sums(gaps).p, cumulative_sums(residuals).p)
    assert np.array_equal(cumulative_sums(np.full((LEAST, 2), 9.0)).p, [1.0, 1.0])
