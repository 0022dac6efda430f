"""Figures of a cut-off against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from fusion.validation.confusion import at_cutoff
from fusion.validation.intervals import rate


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50))
def test_figures_agree_with_scikit_learn(rows: list[tuple[bool, bool]]) -> None:
    bad, flagged = np.array([b for b, _ in rows]), np.array([f for _, f in rows])
    found = at_cutoff(bad.astype(np.float64), flagged)
    for estimate, value in (
        (found.accuracy, accuracy_score(bad, flagged)),
        (found.precision, precision_score(bad, flagged, zero_division=np.nan)),
        (found.recall, recall_score(bad, flagged, zero_division=np.nan)),
        (found.specificity, recall_score(~bad, ~flagged, zero_division=np.nan)),
        (found.bad_rate_passed, 1 - precision_score(~bad, ~flagged, zero_division=np.nan)),
        (found.f1, f1_score(bad, flagged, zero_division=np.nan)),
        (found.flagged, flagged.mean()),
    ):
        assert estimate.value == pytest.approx(value, abs=1e-12, nan_ok=True)
        assert math.isnan(value) or 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    assert found.caught == np.sum(bad & flagged)
    assert (found.n, found.n_bad, found.n_flagged) == (len(bad), bad.sum(), flagged.sum())


def test_no_rows_have_no_figures() -> None:
    found = at_cutoff(np.empty(0), np.empty(0, dtype=np.bool_))
    assert found.n == 0
    assert not found.accuracy.exists
    assert not found.f1.exists


def test_interval_of_f1_covers_the_truth() -> None:
    """Rows caught, missed, wrongly flagged and rightly passed with chances 0.2, 0.1, 0.15 and 0.55: F1 = 0.4 / 0.65."""
    random, hits = np.random.default_rng(0), 0
    for _ in range(400):
        kind = random.choice(4, size=300, p=[0.2, 0.1, 0.15, 0.55])
        f1 = at_cutoff((kind < 2).astype(np.float64), (kind == 0) | (kind == 2)).f1
        hits += f1.low <= 0.4 / 0.65 <= f1.high
    assert 0.925 <= hits / 400 <= 0.975


def test_intervals_are_jeffreys() -> None:
    found = at_cutoff(np.array([1.0, 1.0, 0.0, 0.0, 0.0]), np.array([True, False, True, False, False]))
    assert found.specificity == rate(2, 3)
    assert found.precision == rate(1, 2)
