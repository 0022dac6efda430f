"""Planted anomalies, and what finds them."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.benchmarks.watch.oddness import DETECTORS, FoundRows, Planter, table
from features.design import TabularBlock
from fusion.watch.oddness import odd_limit


@pytest.fixture(scope="module")
def rows() -> TabularBlock:
    random = np.random.default_rng(0)
    common = random.normal(size=2000)
    x_num = np.column_stack([common + 10, 2 * common + 0.6 * random.normal(size=2000), random.random(2000) < 0.5])
    x_cat = random.integers(1, 4, (2000, 1)).astype(np.int32)
    return TabularBlock(x_num.astype(np.float32), x_cat, ("a", "b", "flag"), ("level",), (4,))


def test_each_kind_of_anomaly_changes_what_it_says(rows: TabularBlock) -> None:
    planted = Planter(rows).planted(rows)
    assert set(planted) == {"tenfold", "beyond all", "two halves", "torn pair"}
    for kind in ("tenfold", "beyond all"):
        assert (np.sum(planted[kind].x_num != rows.x_num, axis=1) == 1).all(), kind
    torn = planted["torn pair"].x_num
    assert ((torn >= rows.x_num.min(axis=0)) & (torn <= rows.x_num.max(axis=0))).all()
    assert np.corrcoef(torn[:, 0], torn[:, 1])[0, 1] < -0.9
    np.testing.assert_array_equal(np.sort(planted["two halves"].x_cat.ravel())[[0, -1]], [1, 3])


@pytest.mark.parametrize("name", list(DETECTORS))
def test_detectors_are_odd_about_as_often_as_asked_for(name: str, rows: TabularBlock) -> None:
    half, rest = rows.take(np.arange(1000)), rows.take(np.arange(1000, 2000))
    detector = DETECTORS[name](half)
    limit = odd_limit(np.sort(detector.reference), 0.05)
    assert np.mean(detector.odd(rest) > limit) < 0.12
    if name == "copula":
        assert np.mean(detector.odd(Planter(half).planted(rest)["torn pair"]) > limit) > 0.95


def test_shares_stand_in_a_table() -> None:
    found = [FoundRows("one", 1000, "x", {"own": (0.01, 0.001), "planted": (0.5, 0.25)}), FoundRows("two", 9, "y", {})]
    assert table(found).splitlines()[2:] == [
        "| one (1,000) | x | 1.0% (0.1%) | 50.0% (25.0%) |",
        "| two (9) | y |  |  |",
    ]
