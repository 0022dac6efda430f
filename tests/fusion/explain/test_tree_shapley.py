from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest
import shap

from features.arrays import Floats
from fusion.config import StackerConfig
from fusion.explain.tree_shapley import MAX_COLUMNS, TreeGame, count, leaves_of
from fusion.model.stacker import Stacker, fit_booster


def some_rows(n: int, seed: int = 0, missing: float = 0.1) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    x[:, 5] = rng.integers(0, 4, n)
    bad = rng.random(n) < 1 / (1 + np.exp(1 - x[:, 0] - x[:, 1] * x[:, 5]))
    x[rng.random(x.shape) < missing] = np.nan
    return x, bad.astype(np.float64)


def stacker(x: Floats, y: Floats, n_leaves: int = 7, n_boosters: int = 2) -> Stacker:
    config = StackerConfig(n_trees=25, num_leaves=n_leaves, min_leaf_rows=10, learning_rate=0.2)
    return Stacker(tuple(fit_booster(x, y, [0] * x.shape[1], config, seed) for seed in range(n_boosters)))


def game_of(trees: Stacker, background: Floats) -> TreeGame:
    leaves = leaves_of(trees.boosters)
    return TreeGame.of(leaves, count(leaves, background), len(background), background.shape[1])


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_equal_to_shaps_interventional_explainer(missing: float) -> None:
    x, y = some_rows(600, missing=missing)
    trees = stacker(x, y)
    background = x[:80]
    game = game_of(trees, background)
    wanted = np.mean(
        [
            shap.TreeExplainer(booster, background, feature_perturbation="interventional").shap_values(x[:50])
            for booster in trees.boosters
        ],
        axis=0,
    )
    np.testing.assert_allclose(game.contributions(x[:50]), wanted, rtol=0, atol=1e-6)


def test_contributions_and_base_are_the_margin() -> None:
    x, y = some_rows(800)
    trees = stacker(x, y, n_leaves=15)
    game = game_of(trees, x)
    np.testing.assert_allclose(game.base + game.contributions(x).sum(axis=1), trees.margin(x), rtol=0, atol=1e-12)
    assert game.base == pytest.approx(trees.margin(x).mean(), abs=1e-12)


def test_missing_cells_that_training_never_saw_go_where_the_booster_sends_them() -> None:
    x, y = some_rows(500, missing=0.0)
    trees = stacker(x, y)
    holes = x[:60].copy()
    holes[np.random.default_rng(1).random(holes.shape) < 0.3] = np.nan
    game = game_of(trees, x)
    np.testing.assert_allclose(game.base + game.contributions(holes).sum(axis=1), trees.margin(holes), atol=1e-12)


def test_a_column_without_a_split_gets_exactly_zero() -> None:
    x, y = some_rows(500)
    x[:, 3] = 1.0
    found = game_of(stacker(x, y), x).contributions(x)
    assert (found[:, 3] == 0.0).all()
    assert np.abs(found[:, 0]).max() > 0.1


def test_two_columns_that_the_trees_treat_alike_get_equal_credit() -> None:
    x, y = some_rows(500)
    (booster,) = stacker(x[:, [0, 2]], y, n_boosters=1).boosters
    swapped = lgb.Booster(model_str="\n".join(_swapped(line) for line in booster.model_to_string().split("\n")))
    twice = x[:, [0, 0]].copy()
    found = game_of(Stacker((booster, swapped)), twice).contributions(twice)
    np.testing.assert_allclose(found[:, 0], found[:, 1], rtol=0, atol=1e-12)
    assert np.abs(found).max() > 0.05


def _swapped(line: str) -> str:
    """A line of a booster's text in which columns 0 and 1 change places."""
    if line.startswith("tree_sizes"):
        return line
    if not line.startswith("split_feature"):
        return line
    return "split_feature=" + " ".join(str(1 - int(column)) for column in line.partition("=")[2].split())


def test_other_weights_give_other_contributions() -> None:
    x, y = some_rows(500)
    shuffled = np.random.default_rng(3).permutation(y)
    one, other = game_of(stacker(x, y), x).contributions(x), game_of(stacker(x, shuffled), x).contributions(x)
    correlation = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    assert abs(correlation) < 0.4


def test_a_response_is_the_value_at_every_place_of_the_column() -> None:
    x, y = some_rows(500, missing=0.0)
    game = game_of(stacker(x, y), x)
    response = game.response(x[:20], 1)
    for row in range(20):
        places = np.linspace(-3.0, 3.0, 31)
        moved = np.tile(x[row], (31, 1))
        moved[:, 1] = places
        np.testing.assert_allclose(response.at(row, places), game.contributions(moved)[:, 1], rtol=0, atol=1e-12)
    on_edge = np.tile(x[0], (len(response.thresholds), 1))
    on_edge[:, 1] = response.thresholds
    np.testing.assert_allclose(
        response.at(0, response.thresholds), game.contributions(on_edge)[:, 1], rtol=0, atol=1e-12
    )


def test_trees_without_a_split_are_a_base_and_nothing_else() -> None:
    x = np.zeros((50, 1))
    trees = stacker(x, np.arange(50, dtype=np.float64) % 2)
    game = game_of(trees, x)
    assert game.base == pytest.approx(float(trees.margin(x)[0]))
    assert game.contributions(x).tolist() == [[0.0]] * 50
    assert game.response(x[:2], 0).at(1, np.array([0.5])).tolist() == [0.0]


def test_rows_do_not_depend_on_each_other_and_may_be_none() -> None:
    x, y = some_rows(700)
    game = game_of(stacker(x, y), x)
    np.testing.assert_array_equal(game.contributions(x)[::7], game.contributions(x[::7]))
    assert game.contributions(x[:0]).shape == (0, 6)


@pytest.mark.parametrize(
    ("zero_as_missing", "categories", "words"),
    [(True, [], "takes 0 for missing"), (False, [5], "not by a threshold")],
)
def test_splits_of_another_kind_are_refused(zero_as_missing: bool, categories: list[int], words: str) -> None:
    x, y = some_rows(500, missing=0.0)
    config = {"objective": "binary", "num_leaves": 7, "verbosity": -1, "max_cat_to_onehot": 1, "min_data_per_group": 5}
    data = lgb.Dataset(x, y, categorical_feature=categories)
    booster = lgb.train(config | {"zero_as_missing": zero_as_missing}, data, num_boost_round=20)
    with pytest.raises(ValueError, match=words):
        leaves_of((booster,))


def test_a_path_over_too_many_columns_is_refused() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 14))
    y = (x.sum(axis=1) + rng.normal(size=4000) > 0).astype(np.float64)
    config = {"objective": "binary", "num_leaves": 400, "min_data_in_leaf": 2, "verbosity": -1}
    booster = lgb.train(config, lgb.Dataset(x, y), num_boost_round=3)
    with pytest.raises(ValueError, match=f"columns, more than {MAX_COLUMNS}"):
        leaves_of((booster,))
