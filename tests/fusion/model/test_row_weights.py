"""Weights of training rows: without effect where all are alike; only ratios count; estimates are the population's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.arrays import Floats
from fusion.metrics import base_log_odds, log_loss
from fusion.model.calibration import Blend, fit_blend, says_something
from fusion.model.choosing import _row_loss
from fusion.model.fusion_model import FusionModel, Margins
from fusion.model.recency import row_weight
from fusion.model.training import Training, fit
from fusion.model.training_sample import Auxiliary, TrainingSample
from tests.support.designs import SMALL, log_odds, make_design, outcome, sample_of
from tests.support.same_models import assert_same_model

N = 500
NEEDED = np.zeros(2, dtype=np.bool_)


def sample(weight: Floats | None = None) -> TrainingSample:
    """Rows with dates and an outcome known only later."""
    design, rng = make_design(N), np.random.default_rng(5)
    days = np.datetime64("2010-01-01", "s") + rng.integers(0, 1500, N).astype("timedelta64[D]")
    later = np.where(rng.random(N) < 0.2, np.nan, log_odds(design) + rng.normal(size=N))
    return replace(
        sample_of(design, outcome(design)), decided=days, auxiliary=(Auxiliary("later", later),), weight=weight
    )


@pytest.fixture(scope="module")
def plain() -> tuple[FusionModel, Margins]:
    """The model of rows without weights."""
    return fit(sample(), SMALL)


@pytest.fixture(scope="module")
def heavy() -> Floats:
    """Good rows weigh four times as much as bad ones, some more."""
    own = sample()
    return np.where(own.y == 1, 1.0, 4.0) * np.random.default_rng(6).uniform(0.5, 2.0, N)


def test_weights_that_are_all_alike_change_no_bit(plain: tuple[FusionModel, Margins]) -> None:
    model, margins = fit(sample(np.ones(N)), SMALL)
    assert_same_model(model, plain[0])
    np.testing.assert_array_equal(margins.fused, plain[1].fused)


def test_a_factor_common_to_all_weights_changes_nothing_and_the_mean_pd_is_the_weighted_bad_rate(
    plain: tuple[FusionModel, Margins], heavy: Floats
) -> None:
    own = sample(heavy)
    model, margins = fit(own, SMALL)
    scaled, _ = fit(sample(3e-4 * heavy), SMALL)
    np.testing.assert_allclose(scaled.predict(own.design).margin, model.predict(own.design).margin, rtol=0, atol=1e-5)
    bad_rate = np.average(own.y, weights=heavy)
    for margin in (margins.fused, margins.columns_only, margins.text_only):
        assert np.average(model.scores(margin).pd, weights=heavy) == pytest.approx(bad_rate, abs=1e-3)
    assert bad_rate < own.y.mean() - 0.1
    assert plain[0].predict(own.design).pd.mean() - model.predict(own.design).pd.mean() > 0.1


def test_members_learn_by_weight_and_age_together(heavy: Floats) -> None:
    own = sample(heavy)
    outcome_task, later = Training.of(own, SMALL).tasks
    age = (own.decided.max() - own.decided) / np.timedelta64(1, "D") if own.decided is not None else np.zeros(N)
    expected = heavy * 0.5 ** (age / 365.25 / SMALL.folds.half_life_years)
    np.testing.assert_allclose(outcome_task.weight, expected / expected.mean(), rtol=1e-6)
    known = later.weight > 0.0
    assert np.average(later.y[known], weights=heavy[known]) == pytest.approx(0.0, abs=1e-12)
    assert np.average(later.y[known] ** 2, weights=heavy[known]) == pytest.approx(1.0)


def test_ages_move_no_weight_between_rows_with_and_without_a_date() -> None:
    decided = np.array(["2011-01-01", "2010-01-01", "NaT"], "datetime64[D]")
    weight = row_weight(decided, 3, 1.0, np.array([3.0, 6.0, 9.0]))
    np.testing.assert_allclose(weight, [0.75, 0.75, 1.5], rtol=1e-3)


def test_rows_taken_keep_their_weights(heavy: Floats) -> None:
    some = np.array([3, 1, 4])
    taken = sample(heavy).take(some)
    np.testing.assert_array_equal(taken.weight, heavy[some])
    assert taken.relative_weight.mean() == pytest.approx(1.0)


@pytest.mark.parametrize("weight", [np.ones(N - 1), np.zeros(N), np.full(N, np.nan)])
def test_weights_that_are_none_are_refused(weight: Floats) -> None:
    with pytest.raises(ValueError, match=rf"{N} rows with \d+ weights that are not all above 0"):
        sample(weight)


def test_a_blend_of_weighted_rows_is_that_of_repeated_ones() -> None:
    rng = np.random.default_rng(0)
    outputs, times = rng.normal(size=(800, 2)), rng.integers(1, 4, 800)
    y = (rng.random(800) < 1 / (1 + np.exp(-outputs.sum(axis=1)))).astype(np.float64)
    weighted = fit_blend(y, outputs, NEEDED, times.astype(np.float64))
    repeated = fit_blend(y.repeat(times), outputs.repeat(times, axis=0), NEEDED)
    assert weighted.weights == pytest.approx(repeated.weights, abs=1e-5)
    assert weighted.intercept == pytest.approx(repeated.intercept, abs=1e-5)


def test_a_few_heavy_rows_prove_nothing() -> None:
    rng = np.random.default_rng(1)
    y, output = np.tile([0.0, 1.0], 200), rng.normal(size=400)
    output[:4] = [-3.0, 3.0, -2.0, 2.0]
    weight = np.where(np.arange(400) < 4, 1e6, 1.0)
    assert not says_something(y, output, weight)
    assert fit_blend(y, output[:, None], NEEDED[:1], weight) == Blend((0.0,), base_log_odds(y, weight))
    assert says_something(y, output + y, np.where(np.arange(400) < 4, 2.0, 1.0))


def test_settings_are_compared_by_the_population_s_loss() -> None:
    rng = np.random.default_rng(2)
    y, margin, weight = np.tile([0.0, 1.0], 50), np.full(100, 0.3), rng.uniform(0.1, 3.0, 100)
    losses = _row_loss(y, margin, weight)
    assert losses.mean() == pytest.approx(log_loss(y, np.full(100, base_log_odds(y, weight)), weight))
    np.testing.assert_allclose(_row_loss(y, margin, 7 * weight), losses, rtol=1e-12)
