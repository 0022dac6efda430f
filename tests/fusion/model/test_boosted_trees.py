"""Trees as arrays: the digits of LightGBM's own prediction, whatever is missing."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from features.arrays import Floats
from fusion.model.boosted_trees import Booster
from fusion.model.stacker import Stacker


def some_rows(n: int, missing: float) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(n, 5)).round(1)
    y = (x[:, 0] * x[:, 1] + x[:, 2] + rng.normal(size=n) > 0).astype(np.float64)
    x[rng.random(x.shape) < missing] = np.nan
    return x, y


def margin(booster: Booster, x: Floats) -> Floats:
    return Stacker.mean([booster]).margin(x)


def fitted(x: Floats, y: Floats, n_trees: int = 40, num_leaves: int = 15) -> lgb.Booster:
    config = {"objective": "binary", "num_leaves": num_leaves, "verbosity": -1, "num_threads": 1}
    return lgb.train(config, lgb.Dataset(x, y), num_boost_round=n_trees)


@pytest.mark.parametrize("num_leaves", [2, 15, 64])
@pytest.mark.parametrize("missing_in_training", [0.0, 0.2])
def test_margins_have_the_digits_of_lightgbm(missing_in_training: float, num_leaves: int) -> None:
    booster = fitted(*some_rows(4000, missing_in_training), num_leaves=num_leaves)
    x = some_rows(3000, missing=0.3)[0]
    x[:9] = [[np.inf] * 5, [-np.inf] * 5, [0.0] * 5, [-0.0] * 5, [1e-40] * 5, [-1e-40] * 5, [np.nan] * 5, x[9], x[10]]
    np.testing.assert_array_equal(margin(Booster(booster.model_to_string()), x), booster.predict(x, raw_score=True))


def test_trees_of_one_leaf_are_their_value() -> None:
    booster = fitted(np.zeros((50, 1)), (np.arange(50) % 5 > 2).astype(np.float64), n_trees=3)
    found = Booster(booster.model_to_string())
    assert (found.trees.root < 0).all()
    np.testing.assert_array_equal(margin(found, np.zeros((4, 1))), booster.predict(np.zeros((4, 1)), raw_score=True))


def test_no_rows_have_no_margins() -> None:
    assert margin(Booster(fitted(*some_rows(200, 0.0)).model_to_string()), np.zeros((0, 5))).shape == (0,)


def test_a_tree_of_more_leaves_than_a_mask_has_bits_is_refused() -> None:
    booster = fitted(*some_rows(4000, 0.0), n_trees=1, num_leaves=65)
    with pytest.raises(ValueError, match="a tree of 65 leaves, more than 64"):
        margin(Booster(booster.model_to_string()), np.zeros((1, 5)))


def test_a_text_that_is_cut_off_is_refused() -> None:
    text = fitted(*some_rows(200, 0.0)).model_to_string()
    for cut in (text[: text.index("leaf_value=")], "tree"):
        with pytest.raises(ValueError, match="no booster of LightGBM's"):
            _ = Booster(cut).trees
