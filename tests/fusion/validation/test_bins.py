"""Bins by quantile keep rows and never part equal values."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fusion.validation.bins import bin_of, quantile_bins, quantile_edges


@given(st.lists(st.integers(-5, 5), max_size=60), st.integers(1, 12))
def test_bins_hold_every_row_once_in_order(numbers: list[int], n_bins: int) -> None:
    values = np.array(numbers, dtype=np.float64)
    bins = quantile_bins(values, n_bins)
    assert sorted(np.concatenate([np.empty(0, dtype=int), *bins]).tolist()) == list(range(len(values)))
    assert len(bins) <= n_bins
    assert all(len(rows) for rows in bins)
    assert all(values[low].max() < values[high].min() for low, high in pairwise(bins))


def test_distinct_values_part_evenly() -> None:
    values = np.random.default_rng(0).permutation(100).astype(np.float64)
    assert [len(rows) for rows in quantile_bins(values, 10)] == [10] * 10
    assert quantile_edges(values, 4).tolist() == [24, 49, 74]


def test_an_edge_belongs_to_the_bin_below() -> None:
    assert bin_of(np.array([0.0, 1.0, 1.5, 9.0]), np.array([1.0, 2.0])).tolist() == [0, 0, 1, 2]
    assert quantile_edges(np.ones(5), 10).tolist() == []
