"""Outcomes known only later teach members of the model, which have a part where they help and none where not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.arrays import Floats
from features.design import Design
from fusion.config import FoldConfig
from fusion.metrics import fit_logistic_line, log_loss
from fusion.model.fusion_model import FusionModel, Member
from fusion.model.training import MIN_TAUGHT, fit
from fusion.model.training_sample import Auxiliary
from tests.support.designs import SMALL, Trained, log_odds, make_design, outcome, sample_of, silent
from tests.support.same_models import assert_same_model


@pytest.fixture(scope="module")
def design() -> Design:
    return make_design(700)


def trained_with(design: Design, *values: Floats) -> FusionModel:
    """A model that also learned from these outcomes known later."""
    auxiliary = tuple(Auxiliary(f"later_{number}", one) for number, one in enumerate(values))
    return fit(replace(sample_of(design, outcome(design)), auxiliary=auxiliary), SMALL)[0]


@pytest.fixture(scope="module")
def informed(design: Design) -> FusionModel:
    return trained_with(design, log_odds(design))


def weights(members: tuple[Member, ...]) -> dict[str, float]:
    return {member.name: member.weight for member in members}


def test_the_noise_free_log_odds_help(trained: Trained, informed: FusionModel) -> None:
    found = weights(informed.fused.members)
    assert list(found) == ["head", "trees", "head on later_0", "trees on later_0"]
    assert max(found["head on later_0"], found["trees on later_0"]) > 0.0
    fresh = make_design(3000, seed=1)
    y = outcome(fresh)
    taught, plain = (log_loss(y, model.predict(fresh).margin) for model in (informed, trained.model))
    assert taught < plain - 0.005
    taught, plain = (log_loss(y, model.margins(fresh).columns_only) for model in (informed, trained.model))
    assert taught <= plain + 0.001


def test_a_taught_model_is_calibrated_out_of_fold(design: Design) -> None:
    sample = replace(sample_of(design, outcome(design)), auxiliary=(Auxiliary("later", log_odds(design)),))
    found = fit(sample, SMALL)[1]
    for margin in (found.fused, found.columns_only):
        assert fit_logistic_line(sample.y, margin) == pytest.approx((1, 0), abs=1e-4)


def test_members_are_merged_into_one_head_and_one_set_of_trees(informed: FusionModel, design: Design) -> None:
    kept = [member for member in informed.fused.members if member.form == "trees" and member.weight]
    assert len(informed.fused.stacker.boosters) == len(informed.fused.stacker.weights) == 3 * len(kept)
    assert sum(informed.fused.stacker.weights) == pytest.approx(sum(member.weight for member in kept))
    parts = informed.parts(design)
    np.testing.assert_allclose(parts.margin, informed.fused.intercept + parts.head + parts.stacker, rtol=0, atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_a_shuffled_outcome_has_no_part(trained: Trained, design: Design, seed: int) -> None:
    model = trained_with(design, np.random.default_rng(seed).permutation(log_odds(design)))
    for assembly in (model.fused, model.columns_only):
        found = weights(assembly.members)
        assert (found["head on later_0"], found["trees on later_0"]) == (0.0, 0.0)
    np.testing.assert_array_equal(model.predict(design).margin, trained.model.predict(design).margin)


def test_values_may_be_unknown(design: Design, informed: FusionModel) -> None:
    gaps = np.where(np.random.default_rng(0).random(700) < 0.3, np.nan, log_odds(design))
    model = trained_with(design, gaps)
    found = weights(model.fused.members)
    assert max(found["head on later_0"], found["trees on later_0"]) > 0.0
    assert np.isfinite(model.predict(design).margin).all()
    assert (model.predict(design).margin != informed.predict(design).margin).any()


def known(design: Design, n_known: int) -> Floats:
    """The log-odds, known of the first rows alone."""
    return np.where(np.arange(len(design)) < n_known, log_odds(design), np.nan)


@pytest.mark.parametrize(
    "values",
    [
        lambda design: known(design, MIN_TAUGHT - 1),
        lambda design: known(design, 0),
        lambda design: np.full(len(design), 3.0),
        lambda design: np.where(np.arange(len(design)) % 2, 3.0, np.nan),
    ],
    ids=["too_few", "none", "constant", "constant_with_gaps"],
)
def test_what_teaches_nothing_changes_nothing(trained: Trained, values: object) -> None:
    assert callable(values)
    assert_same_model(trained_with(trained.design, values(trained.design)), trained.model)


def test_just_enough_known_values_teach(design: Design) -> None:
    names = [member.target for member in trained_with(design, known(design, MIN_TAUGHT)).fused.members]
    assert names == ["outcome", "outcome", "later_0", "later_0"]


def test_several_are_members_of_their_own(design: Design, informed: FusionModel) -> None:
    noise = np.random.default_rng(0).normal(size=700)
    model = trained_with(design, log_odds(design), noise)
    found = weights(model.fused.members)
    assert len(found) == 6
    assert (found["head on later_1"], found["trees on later_1"]) == (0.0, 0.0)
    np.testing.assert_allclose(model.predict(design).margin, informed.predict(design).margin, rtol=0, atol=1e-6)


def test_unit_and_origin_of_an_outcome_are_irrelevant(design: Design, informed: FusionModel) -> None:
    scaled = trained_with(design, 8192.0 * log_odds(design) - 16384.0)
    np.testing.assert_allclose(scaled.predict(design).margin, informed.predict(design).margin, rtol=0, atol=1e-4)


def test_equal_seed_equal_bits_and_another_seed_another_model(design: Design, informed: FusionModel) -> None:
    assert_same_model(trained_with(design, log_odds(design)), informed)
    sample = replace(sample_of(design, outcome(design)), auxiliary=(Auxiliary("later_0", log_odds(design)),))
    reseeded = SMALL.model_copy(update={"folds": FoldConfig(n_folds=3, n_repeats=1, seed=8)})
    assert (fit(sample, reseeded)[0].predict(design).margin != informed.predict(design).margin).any()


def test_a_directed_column_keeps_its_direction(informed: FusionModel, design: Design) -> None:
    for number in range(5):
        same = design.take(np.full(60, number, dtype=np.intp))
        sweep = same.tabular.x_num.copy()
        sweep[:, 0] = np.linspace(-4, 4, 60)
        swept = replace(same, tabular=replace(same.tabular, x_num=sweep))
        assert (np.diff(informed.predict(swept).margin) >= -1e-9).all()


def test_narratives_that_nobody_wrote_do_no_harm(design: Design) -> None:
    mute = silent(design)
    assert np.isfinite(trained_with(mute, log_odds(mute)).predict(mute).margin).all()


def test_rows_are_taken_with_what_is_known_of_them_later(design: Design) -> None:
    sample = replace(sample_of(design, outcome(design)), auxiliary=(Auxiliary("later", log_odds(design)),))
    rows = np.array([5, 3])
    (taken,) = sample.take(rows).auxiliary
    assert taken.name == "later"
    np.testing.assert_array_equal(taken.values, log_odds(design)[rows])


def test_another_number_of_values_is_refused(design: Design) -> None:
    with pytest.raises(ValueError, match="700 rows with auxiliary outcomes of another number"):
        replace(sample_of(design, outcome(design)), auxiliary=(Auxiliary("later", np.zeros(699)),))
