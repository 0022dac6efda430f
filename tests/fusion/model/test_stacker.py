"""The trees: they can learn, keep the schema's directions, and repeat themselves to the bit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from features.arrays import Floats
from fusion.config import StackerConfig
from fusion.metrics import auc, log_loss
from fusion.model.lesson import Lesson
from fusion.model.stacker import Stacker, fit_booster, stacker_inputs
from tests.support.designs import SMALL, make_design, outcome, with_column, with_levels

CONFIG = SMALL.stacker
DESIGN = make_design(500)
Y = outcome(DESIGN)
TEXT = DESIGN.text.x_text[:, :, 0].astype(np.float64)
X = stacker_inputs(DESIGN.tabular, TEXT)
FREE, RISING_FIRST = (0,) * 8, (1, *(0,) * 7)


@cache
def the_stacker() -> Stacker:
    """Three boosters of 500 rows."""
    return Stacker.mean([fit_booster(X, Lesson(Y), RISING_FIRST, CONFIG, seed) for seed in range(3)])


def test_inputs_are_numbers_then_levels_then_text() -> None:
    assert X.dtype == np.float64
    assert X.shape == (500, 8)
    np.testing.assert_array_equal(X[:, :4], DESIGN.tabular.x_num.astype(np.float64))
    np.testing.assert_array_equal(X[:, 4:6], DESIGN.tabular.x_cat)
    np.testing.assert_array_equal(X[:, 6:], TEXT)


def test_overfits_one_batch() -> None:
    coin = np.random.default_rng(5).integers(0, 2, 40).astype(np.float64)
    weak = StackerConfig(
        n_trees=200, num_leaves=15, learning_rate=0.3, min_leaf_rows=1, l2=0.0, column_share=1.0, row_share=1.0
    )
    booster = fit_booster(X[:40], Lesson(coin), FREE, weak, 0)
    assert log_loss(coin, Stacker.mean([booster]).margin(X[:40])) < 0.05


def test_generalises_to_new_rows() -> None:
    fresh = make_design(500, seed=1)
    x = stacker_inputs(fresh.tabular, fresh.text.x_text[:, :, 0].astype(np.float64))
    assert auc(outcome(fresh), the_stacker().margin(x)) > 0.8


def test_equal_seed_equal_trees_on_one_core_and_on_two() -> None:
    def text(seed: int) -> list[str]:
        return Stacker.mean([fit_booster(X, Lesson(Y), FREE, CONFIG, seed)]).to_text()

    with threadpool_limits(limits=1):
        alone = text(0)
    with threadpool_limits(limits=2):
        assert text(0) == alone
        assert text(1) != alone


def test_rows_of_zero_weight_have_no_effect() -> None:
    counts = np.tile([1.0, 0.0], 250)
    found = [
        Stacker.mean([fit_booster(X, Lesson(np.where(counts > 0, Y, other), counts), FREE, CONFIG, 0)]).margin(X)
        for other in (0.0, 1.0)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-6)
    assert (found[0] != the_stacker().margin(X)).all()


@pytest.mark.parametrize("size", [1, 7, 499])
def test_chunk_size_is_irrelevant(size: int) -> None:
    parts = [the_stacker().margin(X[start : start + size]) for start in range(0, len(X), size)]
    np.testing.assert_array_equal(np.concatenate(parts), the_stacker().margin(X))


def test_the_number_of_threads_is_irrelevant_to_scoring() -> None:
    np.testing.assert_array_equal(the_stacker().margin(X, threads=1), the_stacker().margin(X, threads=2))


@settings(max_examples=25)
@given(st.permutations(range(len(X))), st.integers(0, len(X)))
def test_rows_are_independent_and_order_is_irrelevant(order: list[int], n_rows: int) -> None:
    index = np.array(order[:n_rows], dtype=np.intp)
    np.testing.assert_array_equal(the_stacker().margin(X[index]), the_stacker().margin(X)[index])


@pytest.mark.parametrize("n_rows", [0, 1])
def test_no_row_and_one_row(n_rows: int) -> None:
    found = the_stacker().margin(X[:n_rows])
    assert found.shape == (n_rows,)
    assert found.dtype == np.float64


def swept(stacker: Stacker) -> Floats:
    """How the margin of every row moves as the first number grows; (n_steps, n)."""
    path = [stacker_inputs(with_column(DESIGN, 0, value).tabular, TEXT) for value in np.linspace(-4, 4, 60)]
    return np.diff(stacker.margin(np.concatenate(path)).reshape(len(path), -1), axis=0)


def test_a_rising_column_never_lowers_the_risk() -> None:
    assert swept(the_stacker()).min() >= 0
    assert swept(the_stacker()).max() > 0


def test_a_falling_column_never_raises_it() -> None:
    falling = fit_booster(X, Lesson(1 - Y), (-1, *(0,) * 7), CONFIG, 0)
    assert swept(Stacker.mean([falling])).max() <= 0
    assert swept(Stacker.mean([falling])).min() < 0


def test_directions_can_be_switched_off() -> None:
    free = CONFIG.model_copy(update={"monotone": False})
    against = (-1, *(0,) * 7)
    assert swept(Stacker.mean([fit_booster(X, Lesson(Y), against, CONFIG, 0)])).max() <= 0
    assert swept(Stacker.mean([fit_booster(X, Lesson(Y), against, free, 0)])).max() > 0


@pytest.mark.parametrize("value", [float("nan"), 7.0], ids=["all_missing", "constant"])
def test_a_constant_column_is_not_used(value: float) -> None:
    blank = stacker_inputs(with_column(DESIGN, 0, value).tabular, TEXT)
    stacker = Stacker.mean([fit_booster(blank, Lesson(Y), FREE, CONFIG, 0)])
    np.testing.assert_array_equal(stacker.margin(blank), stacker.margin(X))


def test_missing_and_unknown_everywhere() -> None:
    for rows in (np.full_like(X, np.nan), np.zeros_like(X), stacker_inputs(with_levels(DESIGN, 99).tabular, TEXT)):
        assert np.isfinite(the_stacker().margin(rows)).all()


def test_without_any_column_it_gives_the_base_rate() -> None:
    nothing = np.zeros((len(Y), 0))
    stacker = Stacker.mean([fit_booster(nothing, Lesson(Y), (), CONFIG, 0)])
    np.testing.assert_allclose(stacker.margin(nothing), np.log(Y.mean() / (1 - Y.mean())), atol=1e-6)


@pytest.mark.parametrize("y", [np.zeros(30), np.ones(30)], ids=["all_good", "all_bad"])
def test_one_class_gives_finite_log_odds(y: Floats) -> None:
    found = Stacker.mean([fit_booster(X[:30], Lesson(y), FREE, CONFIG, 0)]).margin(X[:30])
    assert np.isfinite(found).all()


def test_saving_and_loading_is_exact() -> None:
    again = Stacker.from_text(the_stacker().to_text(), the_stacker().weights)
    assert again.to_text() == the_stacker().to_text()
    np.testing.assert_array_equal(again.margin(X), the_stacker().margin(X))
