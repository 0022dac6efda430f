"""Ranks inside a sample, an exponential tail beyond it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import expon, norm

from fusion.watch.tails import Sample

NUMBERS = st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=60)


@given(values=NUMBERS, points=st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=9))
def test_what_lies_farther_out_never_scores_lower(values: list[float], points: list[float]) -> None:
    sample = Sample.of(np.array(values))
    if sample is None:
        assert len(set(values)) < 2
        return
    x = np.sort(points)
    assert (np.diff(sample.normal_scores(x)) >= 0).all()
    assert (np.diff(sample.rarity(x)) >= 0).all()
    np.testing.assert_array_equal(sample.normal_scores(x)[::-1], sample.normal_scores(x[::-1].copy()))


def test_normal_scores_of_a_normal_sample_are_the_numbers_themselves() -> None:
    sample = Sample.of(np.random.default_rng(0).normal(size=200_000))
    assert sample is not None
    inside = np.linspace(-2.2, 2.2, 9)
    np.testing.assert_allclose(sample.normal_scores(inside), inside, atol=0.02)


def test_the_tail_of_an_exponential_sample_goes_on_beyond_it() -> None:
    sample = Sample.of(np.random.default_rng(1).exponential(size=100_000))
    assert sample is not None
    far = np.array([5.0, 10.0, 20.0])
    np.testing.assert_allclose(sample.rarity(far), -expon.logsf(far) / np.log(10), rtol=0.05)
    np.testing.assert_allclose(norm.logsf(sample.normal_scores(far)), expon.logsf(far), rtol=0.05)


def test_missing_values_are_neither_high_nor_rare() -> None:
    sample = Sample.of(np.array([1.0, 2.0, np.nan, 5.0]))
    assert sample is not None
    assert len(sample.ordered) == 3
    assert sample.normal_scores(np.array([np.nan]))[0] == sample.rarity(np.array([np.nan]))[0] == 0.0


def test_numbers_beyond_a_tail_of_equal_ones_are_still_distinguished() -> None:
    sample = Sample.of(np.repeat([0.0, 1.0], 500))
    assert sample is not None
    near, far, greatest = sample.rarity(np.array([1.5, 3.0, np.finfo(np.float32).max]))
    assert 3 < near < far < greatest < np.inf


@pytest.mark.parametrize("values", [[], [3.0], [2.0, 2.0], [np.nan, 1.0]])
def test_a_sample_that_does_not_vary_is_none(values: list[float]) -> None:
    assert Sample.of(np.array(values, dtype=np.float64)) is None
