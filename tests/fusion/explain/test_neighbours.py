from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.design import TabularBlock
from fusion.explain.neighbours import jeffreys_interval, nearest
from fusion.explain.population import Population


def population(contributions: np.ndarray) -> Population:
    n = len(contributions)
    columns = TabularBlock(np.zeros((n, 0), np.float32), np.zeros((n, 0), np.int32), (), (), ())
    given, none = contributions.astype(np.float32), np.zeros((n, 0), np.float32)
    return Population(columns, np.zeros(n), np.zeros(n, np.bool_), given, none)


def test_the_nearest_come_first() -> None:
    crowd = population(np.array([[3.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, -1.0], [9.0, 9.0]]))
    assert nearest(crowd, np.zeros(2), 4).tolist() == [2, 1, 3, 0]
    assert nearest(crowd, np.array([9.0, 8.0]), 1).tolist() == [4]
    assert nearest(crowd, np.zeros(2), 50).tolist() == [2, 1, 3, 0, 4]


def test_the_nearest_neighbour_of_a_training_row_is_itself() -> None:
    contributions = np.random.default_rng(0).normal(size=(300, 7))
    crowd = population(contributions)
    assert all(nearest(crowd, contributions[i], 1)[0] == i for i in range(0, 300, 17))


@pytest.mark.parametrize(("n_bad", "n"), [(5, 50), (1, 8), (15, 50), (49, 50)])
def test_either_tail_holds_a_fortieth(n_bad: int, n: int) -> None:
    """The posterior added up on a fine grid, prior times likelihood."""
    rate = (np.arange(2_000_000) + 0.5) / 2_000_000
    density = rate ** (n_bad - 0.5) * (1.0 - rate) ** (n - n_bad - 0.5)
    mass = np.cumsum(density) / density.sum()
    ends = rate[np.searchsorted(mass, [0.025, 0.975])]
    assert jeffreys_interval(n_bad, n) == pytest.approx(tuple(ends), abs=2e-6)


def test_ends() -> None:
    assert jeffreys_interval(0, 10)[0] == 0.0
    assert jeffreys_interval(10, 10)[1] == 1.0


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_hold_the_rate(counts: tuple[int, int]) -> None:
    n_bad, n = counts
    low, high = jeffreys_interval(n_bad, n)
    assert 0.0 <= low <= n_bad / n <= high <= 1.0
    mirrored = jeffreys_interval(n - n_bad, n)
    assert (1.0 - mirrored[1], 1.0 - mirrored[0]) == pytest.approx((low, high), abs=1e-9)


def test_no_observation_has_no_rate() -> None:
    with pytest.raises(ValueError, match="0 of 0 is no rate"):
        jeffreys_interval(0, 0)
