"""The multiple-choice knapsack against every combination."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.policy.knapsack import Lists, best_choice


@settings(max_examples=150)
@given(st.integers(1, 4), st.integers(0, 3), st.integers(0, 10_000), st.floats(-1, 1))
def test_no_combination_is_better(n_lists: int, n_limits: int, seed: int, shift: float) -> None:
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 7, n_lists)
    worth = [random.normal(size=size) for size in sizes]
    uses = [random.normal(size=(n_limits, size)) + shift for size in sizes]
    lists = Lists(worth, uses)
    kept = [choice for choice in product(*map(range, sizes)) if lists.is_feasible(choice)]
    found = best_choice(lists)
    if not kept:
        assert found is None
        return
    assert found is not None
    assert lists.is_feasible(found)
    assert lists.value(found) == pytest.approx(max(map(lists.value, kept)), abs=1e-5)


def test_choices_of_no_worth_are_still_chosen() -> None:
    lists = Lists([np.zeros(3), np.zeros(2)], [np.array([[1.0, -1.0, 2.0]]), np.array([[0.5, 3.0]])])
    assert best_choice(lists) == (1, 0)
