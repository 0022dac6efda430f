"""Oddness of columns: extremes and combinations, split exactly, the same in any company."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from features.arrays import Floats
from features.design import TabularBlock
from fusion.watch.odd_columns import OddColumns


def correlated(n: int, seed: int) -> TabularBlock:
    """Income and tenure that rise together, a number with gaps, a level that goes with income, and a constant."""
    random = np.random.default_rng(seed)
    common = random.normal(size=n)
    income = np.exp(10 + 0.5 * common)
    tenure = 5 + common + 0.3 * random.normal(size=n)
    gaps = np.where(random.random(n) < 0.2, np.nan, random.normal(size=n))
    level = np.where(random.random(n) < 0.01, 3, np.where(common > 0, 1, 2))
    x_num = np.column_stack([income, tenure, gaps, np.ones(n)]).astype(np.float32)
    return TabularBlock(x_num, level[:, None].astype(np.int32), ("income", "tenure", "gaps", "one"), ("level",), (4,))


@pytest.fixture(scope="module")
def usual() -> TabularBlock:
    return correlated(5000, 0)


@pytest.fixture(scope="module")
def odd(usual: TabularBlock) -> OddColumns:
    return OddColumns.of(usual)


def row(income: float, tenure: float, level: int = 1) -> TabularBlock:
    x_num = np.array([[income, tenure, 0.0, 1.0]], dtype=np.float32)
    return TabularBlock(x_num, np.array([[level]], np.int32), ("income", "tenure", "gaps", "one"), ("level",), (4,))


def test_extremes_and_combinations_that_do_not_go_together_are_farther_than_all_usual_rows(
    odd: OddColumns, usual: TabularBlock
) -> None:
    most = np.quantile(odd.reference_distances(usual), 0.99)
    assert odd.distances(row(9e6, 7.0))[0] > most
    high, low = float(np.quantile(usual.x_num[:, 0], 0.97)), float(np.quantile(usual.x_num[:, 1], 0.03))
    assert odd.distances(row(high, low))[0] > most
    assert odd.distances(row(float(np.exp(10)), 5.0, level=2))[0] < np.median(odd.distances(usual)) * 2


def test_what_columns_add_is_their_shapley_value(odd: OddColumns) -> None:
    one = row(1e6, 1.0, level=3)
    z = (odd.scores.values(one) - odd.mean)[0] / odd.spread
    owners = sorted(set(odd.scores.owner.tolist()))

    def worth(players: tuple[int, ...]) -> float:
        own: Floats = z * np.isin(odd.scores.owner, players)
        return float(own @ odd.precision @ own)

    added = odd.by_column(one)[0]
    for player in owners:
        others = [other for other in owners if other != player]
        shapley = sum(
            factorial(k) * factorial(len(others) - k) / factorial(len(owners)) * (worth((*some, player)) - worth(some))
            for k in range(len(owners))
            for some in combinations(others, k)
        )
        assert added[player] == pytest.approx(shapley, rel=1e-9)
    assert added.sum() == pytest.approx(odd.distances(one)[0])
    assert added[3] == 0.0  # the column that is always the same


def test_a_row_is_as_odd_in_any_company(odd: OddColumns) -> None:
    later = correlated(4500, 1)
    found, order = odd.distances(later), np.random.default_rng(2).permutation(4500)
    np.testing.assert_array_equal(odd.distances(later.take(order)), found[order])
    for at in (0, 4095, 4096, 4499):
        assert odd.distances(later.take(np.array([at])))[0] == found[at]


def test_a_row_of_the_reference_is_as_far_as_if_it_were_new() -> None:
    few = correlated(60, 3)
    own, within = OddColumns.of(few).reference_distances(few), OddColumns.of(few).distances(few)
    new = np.concatenate([OddColumns.of(few.take(np.delete(np.arange(60), at))).distances(few.take(np.array([at])))
                          for at in range(60)])  # fmt: skip
    assert abs(np.log(own / new).mean()) < 0.5 * abs(np.log(within / new).mean())
    assert np.corrcoef(own, new)[0, 1] > 0.9


def test_without_columns_nothing_is_odd() -> None:
    none = TabularBlock(np.zeros((9, 0), np.float32), np.zeros((9, 0), np.int32), (), (), ())
    odd = OddColumns.of(none)
    assert odd.distances(none).tolist() == [0.0] * 9
    assert odd.by_column(none).shape == (9, 0)
