"""Choosing settings: the ladder, the one-standard-error rule, what stays fixed, and what data lead to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from features.arrays import Floats
from features.design import Design, TextBlock
from fusion.config import Config
from fusion.config_file import load_config
from fusion.model import choosing
from fusion.model.choosing import CAPACITY, HALF_LIVES, Choice, choose
from fusion.model.training import fit
from fusion.model.training_sample import TrainingSample
from tests.support.designs import make_design, outcome, sample_of

FEW = load_config(None, ["folds.n_folds=2", "head.steps=20"])


def same_words(sample: TrainingSample) -> choosing.ReadWords:
    """The sample's own words, however they are to be counted."""
    words: sparse.csr_matrix = sample.design.text.x_lex
    return lambda _text: words


def columns_alone(x: Floats, y: Floats) -> TrainingSample:
    """A sample of numeric columns (n, n_columns)."""
    tabular = replace(
        make_design(len(x)).tabular,
        x_num=x.astype(np.float32),
        x_cat=np.zeros((len(x), 0), dtype=np.int32),
        num_names=tuple(f"x{number}" for number in range(x.shape[1])),
        cat_names=(),
        n_levels=(),
    )
    design = Design(tabular, TextBlock.empty(len(x)))
    return TrainingSample(design, y, np.arange(len(x)), (0,) * x.shape[1])


def chosen(sample: TrainingSample, config: Config = FEW) -> tuple[Config, dict[str, Choice]]:
    found = choose(sample, config, same_words(sample))
    return found.config, {choice.subject: choice for choice in found.choices}


class TestTheLadder:
    def climb(self, losses: list[Floats], config: Config = FEW) -> Choice:
        """The choice among half-lives whose rows have these losses."""
        climb = choosing._Climb(config, frozenset(), [], lambda _choice: None, lambda _config: True)
        left = iter(losses)
        climb.up("years", HALF_LIVES, lambda _config: next(left))
        return climb.choices[0]

    def test_the_simplest_rung_within_a_standard_error_is_taken(self) -> None:
        noise = np.random.default_rng(0).normal(size=400)
        losses = [0.5 + 0.001 * (noise - noise.mean()), np.full(400, 0.49998), np.full(400, 0.49999)]
        choice = self.climb([*losses, np.full(400, 0.5)])
        assert (choice.taken, len(choice.rungs)) == (0, 4)
        assert choice.rungs[1].behind == 0.0

    def test_a_rung_beyond_a_standard_error_is_not_taken(self) -> None:
        choice = self.climb([np.full(9, 0.6), np.full(9, 0.5), np.full(9, 0.7), np.full(9, 0.7)])
        assert (choice.taken, len(choice.rungs)) == (1, 4)
        assert [rung.behind for rung in choice.rungs] == pytest.approx([0.1, 0.0, 0.2, 0.2])

    def test_the_climb_ends_after_two_worse_rungs(self) -> None:
        assert len(self.climb([np.full(9, 0.5), np.full(9, 0.6), np.full(9, 0.7)]).rungs) == 3

    def test_the_climb_passes_one_worse_rung(self) -> None:
        choice = self.climb([np.full(9, 0.5), np.full(9, 0.6), np.full(9, 0.4), np.full(9, 0.5), np.full(9, 0.5)])
        assert choice.taken == 2


def test_given_settings_stay() -> None:
    sample = sample_of(make_design(300), outcome(make_design(300)))
    every = load_config(None, [*(f"{key}={value}" for key, value in CAPACITY[2].items()), "folds.n_folds=3"])
    config, choices = chosen(sample, every)
    assert "capacity of the trees" not in choices
    assert config.stacker.model_copy(update={"text_components": 0}) == every.stacker
    assert config.folds == every.folds


def test_equal_rows_lead_to_equal_choices_that_are_all_reported() -> None:
    sample = sample_of(make_design(300), outcome(make_design(300)))
    reported: list[Choice] = []
    first = choose(sample, FEW, same_words(sample), reported.append)
    again = choose(sample, FEW, same_words(sample))
    assert first == again
    assert tuple(reported) == first.choices
    assert "weight of older decisions" not in {choice.subject for choice in first.choices}  # without dates


def test_interactions_of_columns_lead_to_larger_trees_and_a_better_model() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(size=(1500, 4))
    board = np.floor(4 * x[:, 0]) + np.floor(4 * x[:, 1])
    y = ((board % 2 > 0) ^ (rng.random(1500) < 0.05)).astype(np.float64)
    sample = columns_alone(x, y)
    config, choices = chosen(sample)
    assert choices["capacity of the trees"].taken > 0
    assert not {"penalties of narratives", "components of narratives for the trees"} & set(choices)
    _, margins = fit(sample, config)
    _, fixed = fit(sample, FEW)
    assert np.corrcoef(margins.fused, y)[0, 1] > np.corrcoef(fixed.fused, y)[0, 1]


def test_random_outcomes_lead_to_the_simplest_settings_and_no_member() -> None:
    coin = np.random.default_rng(3).integers(0, 2, 600).astype(np.float64)
    sample = sample_of(make_design(600), coin)
    config, choices = chosen(sample)
    assert all(choice.taken <= 1 for choice in choices.values())
    model, margins = fit(sample, config)
    assert [member.weight for member in model.fused.members] == [0.0, 0.0]
    np.testing.assert_array_equal(margins.fused, margins.columns_only)


def test_newer_decisions_that_follow_another_rule_shorten_the_memory() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(2000, 2))
    age = np.arange(2000) / 200.0  # ten years, the oldest first
    bad = rng.random(2000) < 1 / (1 + np.exp(-2 * np.where(age < 6, x[:, 0], x[:, 1])))
    sample = replace(
        columns_alone(x, bad.astype(np.float64)),
        decided=(np.datetime64("2010-01-01") + (age * 365).astype("timedelta64[D]")).astype("datetime64[s]"),
    )
    config, _ = chosen(sample)
    assert config.folds.half_life_years <= 2.0


def test_of_many_rows_some_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MAX_ROWS", 300)
    sample = sample_of(make_design(900), outcome(make_design(900)))
    sizes: list[int] = []

    def words(_text: object) -> sparse.csr_matrix:
        sizes.append(sample.design.text.x_lex.shape[0])
        return sample.design.text.x_lex

    assert choose(sample, FEW, words).choices
    assert set(sizes) <= {900}
