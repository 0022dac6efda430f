from __future__ import annotations

import itertools

import lightgbm as lgb
import numpy as np
import pytest
import shap

from features.arrays import Floats, Ints
from fusion.config import StackerConfig
from fusion.explain.leaves import MAX_PLAYERS, leaves_of
from fusion.explain.sentence_shapley import Payoff
from fusion.explain.tree_response import OwnLeaves, Response
from fusion.explain.tree_shapley import TreeGame, count
from fusion.model.boosted_trees import Booster
from fusion.model.lesson import Lesson
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
    return Stacker.mean([fit_booster(x, Lesson(y), [0] * x.shape[1], config, seed) for seed in range(n_boosters)])


def game_of(trees: Stacker, background: Floats) -> TreeGame:
    return grouped_game(trees, background, np.arange(background.shape[1]))


def grouped_game(trees: Stacker, background: Floats, players: Ints) -> TreeGame:
    """The game in which some columns share a player."""
    leaves = leaves_of(trees, players)
    return TreeGame.of(leaves, count(leaves, background), len(background), int(players.max()) + 1)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_equal_to_shaps_interventional_explainer(missing: float) -> None:
    x, y = some_rows(600, missing=missing)
    trees = stacker(x, y)
    background = x[:80]
    game = game_of(trees, background)
    wanted = np.mean(
        [
            shap.TreeExplainer(
                lgb.Booster(model_str=booster.text), background, feature_perturbation="interventional"
            ).shap_values(x[:50])
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


def test_missing_cells_absent_from_training_follow_the_booster() -> None:
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


def test_symmetric_columns_get_equal_shapley_values() -> None:
    x, y = some_rows(500)
    (booster,) = stacker(x[:, [0, 2]], y, n_boosters=1).boosters
    swapped = Booster("\n".join(_swapped(line) for line in booster.text.split("\n")))
    twice = x[:, [0, 0]].copy()
    found = game_of(Stacker.mean([booster, swapped]), twice).contributions(twice)
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
    response = OwnLeaves.of(game.leaves, 1, 1).respond(game, x[:20])
    for row in range(20):
        places = np.linspace(-3.0, 3.0, 31)
        moved = np.tile(x[row], (31, 1))
        moved[:, 1] = places
        np.testing.assert_allclose(at(response, row, places), game.contributions(moved)[:, 1], rtol=0, atol=1e-12)
    on_edge = np.tile(x[0], (len(response.thresholds), 1))
    on_edge[:, 1] = response.thresholds
    np.testing.assert_allclose(
        at(response, 0, response.thresholds), game.contributions(on_edge)[:, 1], rtol=0, atol=1e-12
    )


def at(response: Response, row: int, values: Floats) -> Floats:
    """The response of a player of one column to values of it."""
    found: Floats = response.values[row, np.searchsorted(response.thresholds, values, side="left")]
    return found


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_columns_of_one_player_enter_a_coalition_together(missing: float) -> None:
    x, y = some_rows(400, missing=missing)
    trees, background, players = stacker(x, y, n_leaves=15), x[:40], np.array([0, 1, 2, 2, 1, 3])
    game = grouped_game(trees, background, players)

    def worth(row: int, coalition: tuple[int, ...]) -> float:
        mixed = np.where(np.isin(players, coalition), x[row], background)
        return float(trees.margin(mixed).mean())

    for row in range(50, 55):
        wanted = np.zeros(4)
        for order in itertools.permutations(range(4)):
            for place, player in enumerate(order):
                wanted[player] += (worth(row, order[: place + 1]) - worth(row, order[:place])) / 24
        np.testing.assert_allclose(game.contributions(x[row : row + 1])[0], wanted, rtol=0, atol=1e-12)
    assert game.base == pytest.approx(trees.margin(background).mean(), abs=1e-12)


def test_the_response_of_a_player_of_several_columns_is_its_value_wherever_they_are() -> None:
    x, y = some_rows(500, missing=0.1)
    players = np.array([0, 1, 0, 2, 3, 1])
    game = grouped_game(stacker(x, y, n_leaves=15), x, players)
    response = OwnLeaves.of(game.leaves, 1, 1).respond(game, x[:8])
    assert len(response.first) > 10
    payoff = Payoff(response._replace(column=np.where(response.column == 1, 1, 2)))
    rng = np.random.default_rng(4)
    for row in range(8):
        moved = np.tile(x[row], (40, 1))
        moved[:, 1], moved[:, 5] = rng.normal(size=40), rng.integers(0, 4, 40)
        moved[:5, 5] = np.nan
        outputs = np.column_stack([np.zeros(40), moved[:, 1], moved[:, 5]])
        np.testing.assert_allclose(payoff.of(row, outputs), game.contributions(moved)[:, 1], rtol=0, atol=1e-12)


def test_members_weigh_as_the_blend_says() -> None:
    x, y = some_rows(500)
    one, other = stacker(x, y, n_boosters=1), stacker(x, 1 - y, n_leaves=4, n_boosters=1)
    both = Stacker.joined([Stacker.mean(one.boosters, 0.7), Stacker.mean(other.boosters, 0.2)])
    wanted = 0.7 * game_of(one, x).contributions(x) + 0.2 * game_of(other, x).contributions(x)
    np.testing.assert_allclose(game_of(both, x).contributions(x), wanted, rtol=0, atol=1e-12)


def test_trees_without_a_split_are_a_base_and_nothing_else() -> None:
    x = np.zeros((50, 1))
    trees = stacker(x, np.arange(50, dtype=np.float64) % 2)
    game = game_of(trees, x)
    assert game.base == pytest.approx(float(trees.margin(x)[0]))
    assert game.contributions(x).tolist() == [[0.0]] * 50
    assert OwnLeaves.of(game.leaves, 0, 0).respond(game, x[:2]).values.tolist() == [[0.0], [0.0]]


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
        _ = Booster(booster.model_to_string()).trees


def test_a_path_over_too_many_columns_is_refused() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 14))
    y = (x.sum(axis=1) + rng.normal(size=4000) > 0).astype(np.float64)
    config = {"objective": "binary", "num_leaves": 400, "min_data_in_leaf": 2, "verbosity": -1}
    booster = lgb.train(config, lgb.Dataset(x, y), num_boost_round=3)
    with pytest.raises(ValueError, match=f"players, more than {MAX_PLAYERS}"):
        leaves_of(Stacker.mean([Booster(booster.model_to_string())]), np.arange(14))
