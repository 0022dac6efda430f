"""Small samples are dealt into folds several times: every row is judged by several models, none of which saw it."""

from __future__ import annotations

import numpy as np
import pytest

from features.arrays import Floats, Index
from fusion.config import Config, FoldConfig
from fusion.metrics import auc, fit_logistic_line
from fusion.model.basis import Basis
from fusion.model.training import (
    FEW_ROWS,
    REPEATS,
    Training,
    TreeRows,
    fit,
    fit_text_head,
    fit_trees,
    n_repeats,
    n_steps,
)
from fusion.model.training_sample import TrainingSample
from tests.support.designs import MONOTONE, SMALL, Trained, make_design, outcome, sample_of

TWICE = SMALL.model_copy(update={"folds": FoldConfig(n_folds=3, n_repeats=2, seed=7)})
WEAK = TWICE.model_copy(
    update={
        "head": SMALL.head.model_copy(update={"text_penalty": 1e-2, "word_penalty": 1e-2, "column_penalty": 1e-2}),
        "stacker": SMALL.stacker.model_copy(update={"n_trees": 200, "min_leaf_rows": 2, "l2": 0.0}),
    }
)
"""Settings under which a model learns its own rows by heart."""


@pytest.mark.parametrize(("n_rows", "wanted"), [(0, REPEATS), (FEW_ROWS - 1, REPEATS), (FEW_ROWS, 1), (10**6, 1)])
def test_few_rows_are_dealt_three_times(n_rows: int, wanted: int) -> None:
    assert n_repeats(FoldConfig(), n_rows) == wanted
    assert n_steps(Config(), n_rows) == 3 * wanted * Config().folds.n_folds
    assert n_repeats(FoldConfig(n_repeats=4), n_rows) == 4


@pytest.mark.parametrize(("n_rows", "n_folds"), [(FEW_ROWS - 1, 9), (FEW_ROWS, 3)])
def test_the_limit_lies_at_three_thousand_rows(n_rows: int, n_folds: int) -> None:
    folds = SMALL.model_copy(update={"folds": FoldConfig(n_folds=3)})
    design = make_design(n_rows)
    assert len(Training.of(sample_of(design, outcome(design)), folds).held_out()) == n_folds


@pytest.mark.parametrize("repeats", [1, 2, 5])
def test_every_row_is_held_out_once_each_time(repeats: int) -> None:
    design = make_design(200)
    config = SMALL.model_copy(update={"folds": FoldConfig(n_folds=4, n_repeats=repeats)})
    groups = np.arange(200) // 3
    training = Training.of(TrainingSample(design, outcome(design), groups, MONOTONE), config)
    held_out = np.array(training.held_out())
    assert held_out.shape == (4 * repeats, 200)
    np.testing.assert_array_equal(held_out.reshape(repeats, 4, 200).sum(axis=1), 1)
    for dealt in training.fold:
        assert len({(group, fold) for group, fold in zip(groups.tolist(), dealt.tolist(), strict=True)}) == 67
    assert len({dealt.tobytes() for dealt in training.fold}) == repeats


def test_what_is_fitted_on_a_fold_does_not_learn_from_its_rows() -> None:
    design = make_design(100)
    training = Training.of(sample_of(design, outcome(design)), TWICE)
    times = np.zeros(100)
    seeds: list[int] = []

    def fit_on(rows: Index, seed: int) -> set[int]:
        seeds.append(seed)
        return set(rows.tolist())

    def done(_number: int, rows: Index, known: set[int]) -> None:
        assert known | set(rows.tolist()) == set(range(100))
        assert not known & set(rows.tolist())
        times[rows] += 1

    training.each_fold(fit_on, done)
    assert (times == 2).all()
    assert len(set(seeds)) == 6


def test_coin_flips_are_not_foretold_out_of_fold() -> None:
    design = make_design(400)
    coin = np.random.default_rng(2).integers(0, 2, 400).astype(np.float64)
    training = Training.of(sample_of(design, coin), WEAK)
    inputs = Basis.fit(design, WEAK, MONOTONE).inputs(design).without_columns()
    head, text = fit_text_head(inputs, training)
    assert auc(coin, head.output(inputs).margin) > 0.7
    rows = TreeRows.of(training.sample, text)
    for unseen in (text.sum(axis=1), fit_trees(rows, training)):
        assert 0.4 < auc(coin, unseen) < 0.6
    model, found = fit(training.sample, WEAK)
    assert [member.weight for member in model.fused.members] == [0.0, 0.0]
    assert np.ptp(found.fused) == 0.0


def test_a_model_is_the_mean_over_all_folds_of_all_times() -> None:
    design = make_design(700)
    y = outcome(design)
    steps: list[int] = []
    watched: list[int] = []

    def watch(n_folds: int, scored_y: Floats, _margin: Floats) -> None:
        watched.append(n_folds)
        assert len(scored_y) == pytest.approx(700 * n_folds / 3, abs=1)

    model, found = fit(sample_of(design, y), TWICE, lambda: steps.append(1), watch)
    assert len(steps) == n_steps(TWICE, 700) == 18
    assert watched == [1, 2, 3]
    for assembly in (model.fused, model.columns_only):
        trees = assembly.members[1].weight
        assert len(assembly.stacker.boosters) == 6
        assert assembly.stacker.weights == pytest.approx((trees / 6,) * 6)
    for margin in (found.fused, found.columns_only, found.text_only):
        assert fit_logistic_line(y, margin) == pytest.approx((1, 0), abs=1e-4)


def test_more_times_give_another_and_no_worse_model(trained: Trained) -> None:
    twice, found = fit(sample_of(trained.design, trained.y), TWICE)
    assert (twice.fused.head.bias != trained.model.fused.head.bias).any()
    assert auc(trained.y, found.fused) > auc(trained.y, trained.out_of_fold.fused) - 0.01
