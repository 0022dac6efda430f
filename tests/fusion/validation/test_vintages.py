"""Vintages against the rows of their months."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta

from fusion.validation.intervals import mean, rate
from fusion.validation.vintages import vintages


def test_a_vintage_is_made_of_its_months_rows() -> None:
    random = np.random.default_rng(3)
    pd, score = random.uniform(0.05, 0.4, 300), random.normal(600, 40, 300)
    y, approved = (random.random(300) < pd).astype(np.float64), score > 600
    first = np.arange(300) < 120
    one, other, empty = vintages({"a": first, "b": ~first, "c": np.zeros(300, np.bool_)}, y, pd, score, approved)
    assert (one.n, other.n, empty.n) == (120, 180, 0)
    assert one.n_bad + other.n_bad == y.sum()
    assert other.bad_rate == rate(y[~first].sum(), 180)
    assert other.mean_pd == mean(pd[~first])
    assert one.mean_score == mean(score[first])
    assert one.approved.value == approved[first].mean()
    below = beta(one.n_bad + 0.5, one.n - one.n_bad + 0.5).cdf(pd[first].mean())
    assert one.p == pytest.approx(2 * min(below, 1 - below))
    assert math.isnan(empty.p)
    assert not empty.off


def test_a_mean_pd_outside_the_interval_of_the_bad_rate_is_off() -> None:
    rows, score = np.ones(400, np.bool_), np.full(400, 600.0)
    y = (np.arange(400) < 80).astype(np.float64)
    (right,) = vintages({"a": rows}, y, np.full(400, 0.2), score, rows)
    (low,) = vintages({"a": rows}, y, np.full(400, 0.1), score, rows)
    assert (right.off, low.off) == (False, True)
