from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from experiments.sweep.outcome import STATES, Line, best_toml, leaderboard, write_leaderboard
from fusion.config import Between, Config, given_settings
from fusion.config_file import load_config
from fusion.model.choosing import CHOOSABLE
from fusion.model.search_space import Dimension, Space, active_settings, full_space, suggest
from tests.support import example_study
from tests.support.example_study import BROKEN, CUT_OFF, RUN_AGAIN, STILL_RUNNING

ONE, TWO = ("log_loss",), ("log_loss", "cost")


def test_every_trial_that_ended_has_one_line() -> None:
    study = example_study.study()
    lines = leaderboard(study, ONE)
    ended = [trial.number for trial in study.get_trials() if trial.state in STATES]
    assert sorted(line.number for line in lines) == ended
    assert STILL_RUNNING not in ended
    assert [line.rank for line in lines] == list(range(1, len(ended) + 1))


def test_complete_then_pruned_then_failed_the_best_first() -> None:
    lines = leaderboard(example_study.study(), ONE)
    states = [line.state for line in lines]
    assert states == sorted(states, key=["complete", "pruned", "failed"].index)
    values = [line.values["log_loss"] for line in lines if line.state == "complete"]
    assert values == sorted(values)
    assert len(set(values)) == len(values) >= 10
    assert {line.number for line in lines if line.state == "failed"} == {CUT_OFF, BROKEN}


def test_more_is_better_where_the_study_says_so() -> None:
    values = [line.values["auc"] for line in leaderboard(example_study.study(("auc",)), ("auc",)) if line.values]
    assert values == sorted(values, reverse=True)


def test_pruned_trials_stand_by_how_far_they_came() -> None:
    study = example_study.study()
    lines = [line for line in leaderboard(study, ONE) if line.state == "pruned"]
    steps = [max(study.get_trials()[line.number].intermediate_values) for line in lines]
    assert steps == sorted(steps, reverse=True)
    assert len(set(steps)) == 3


def test_a_trial_that_was_run_again_names_the_first() -> None:
    retried = {line.number: line.retried for line in leaderboard(example_study.study(), ONE)}
    assert retried.pop(RUN_AGAIN) == CUT_OFF
    assert set(retried.values()) == {None}


def test_the_pareto_front_comes_first() -> None:
    lines = [line for line in leaderboard(example_study.study(TWO), TWO) if line.state == "complete"]
    front = [line for line in lines if line.front]
    assert lines[: len(front)] == front
    assert 2 <= len(front) < len(lines)

    def beats(a: Line, b: Line) -> bool:
        mine, other = tuple(a.values.values()), tuple(b.values.values())
        return mine != other and all(x <= y for x, y in zip(mine, other, strict=True))

    for line in lines:
        assert line.front != any(beats(other, line) for other in lines)
    study = example_study.study(TWO)
    assert {line.number for line in front} == {trial.number for trial in study.best_trials}


def test_only_the_best_is_ahead_of_one_objective() -> None:
    lines = leaderboard(example_study.study(), ONE)
    assert [line.front for line in lines] == [True] + [False] * (len(lines) - 1)


def test_no_trials_no_lines(tmp_path: Path) -> None:
    assert leaderboard(example_study.empty(), ONE) == []
    write_leaderboard([], full_space(), tmp_path / "leaderboard.csv")
    assert (tmp_path / "leaderboard.csv").read_text(encoding="utf-8").startswith("rank,trial,state")


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_a_value_that_is_no_number_counts_as_failed(value: float) -> None:
    study = example_study.empty()
    study.add_trial(optuna.create_trial(value=value))
    study.add_trial(optuna.create_trial(value=1.0))
    assert [(line.number, line.state, dict(line.values)) for line in leaderboard(study, ONE)] == [
        (1, "complete", {"log_loss": 1.0}),
        (0, "failed", {}),
    ]


def test_figures_that_are_no_numbers_are_left_out() -> None:
    study = example_study.empty()
    figures = {"auc": math.nan, "slope": math.inf, "ks": None, "brier": 0.1}
    study.add_trial(optuna.create_trial(value=1.0, user_attrs={"figures": figures, "seconds": "soon"}))
    (line,) = leaderboard(study, ONE)
    assert (dict(line.figures), dict(line.seconds)) == ({"brier": 0.1}, {})


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("objectives", [ONE, TWO])
def test_the_file_holds_every_line_to_the_last_digit(objectives: tuple[str, ...], tmp_path: Path) -> None:
    study = example_study.study(objectives)
    lines, space = leaderboard(study, objectives), full_space()
    write_leaderboard(lines, space, tmp_path / "leaderboard.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["leaderboard.csv"]
    rows = rows_of(tmp_path / "leaderboard.csv")
    assert len(rows) == len(lines)
    assert ("front" in rows[0]) == (len(objectives) > 1)
    for row, line in zip(rows, lines, strict=True):
        assert (int(row["rank"]), int(row["trial"]), row["state"]) == (line.rank, line.number, line.state)
        for name in objectives:
            assert row[f"objective {name}"] == (repr(line.values[name]) if line.values else "")
        assert row["auc"] == (repr(line.figures["auc"]) if line.figures else "")
        assert row["fit_seconds"] == (repr(line.seconds["fit"]) if line.seconds else "")
        assert row["retry_of"] == ("" if line.retried is None else str(line.retried))
        for one in space.dimensions:
            cell = line.settings.get(one.key, "")
            assert row[one.key] == (str(cell).lower() if isinstance(cell, bool) else str(cell))
    unasked = [row for row in rows if row["text.words"] == "false"]
    assert unasked
    assert {row["text.ngrams"] for row in unasked} == {""}


def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(tmp_path: Path) -> None:
    line = Line(1, 0, "complete", True, {"log_loss": -1.0}, {}, {}, {"a.b": "=1+1"}, None)
    space = Space((Dimension("a.b", Between(0, 1), False, ()),))
    write_leaderboard([line], space, tmp_path / "leaderboard.csv")
    (row,) = rows_of(tmp_path / "leaderboard.csv")
    assert (row["a.b"], row["objective log_loss"]) == ("'=1+1", "-1.0")


def best_of(study: optuna.Study, objectives: tuple[str, ...]) -> Config:
    trial: FrozenTrial = study.get_trials()[leaderboard(study, objectives)[0].number]
    return suggest(FixedTrial(trial.params), full_space(), Config())


def read_back(text: str, folder: Path) -> Config:
    path = folder / "best.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def test_best_settings_are_read_back_and_say_what_changed(tmp_path: Path) -> None:
    best = best_of(example_study.study(), ONE)
    text = best_toml(Config(), best, ["study lending-club, trial 9", "out-of-fold log-loss 0.33130"])
    assert read_back(text, tmp_path) == best
    assert text.startswith("# study lending-club, trial 9\n# out-of-fold log-loss 0.33130\n")
    assert f"num_leaves = {best.stacker.num_leaves}  # 7 before the sweep\n" in text
    assert "n_folds" not in text


def test_training_with_the_file_chooses_nothing_else(tmp_path: Path) -> None:
    """Settings at their default are listed too where training would choose them."""
    text = best_toml(Config(), Config())
    assert "row_share" not in text
    assert read_back(text, tmp_path) == Config()
    assert given_settings(read_back(text, tmp_path)) == set(CHOOSABLE)


def test_what_the_sweep_began_with_is_kept(tmp_path: Path) -> None:
    base = load_config(None, ["head.steps=99", "text.mask=['health']", "stacker.num_leaves=3"])
    best = load_config(None, ["head.steps=99", "text.mask=['health']", "stacker.num_leaves=7", "encoder.unit=sentence"])
    text = best_toml(base, best)
    assert read_back(text, tmp_path) == best
    assert "steps = 99\n" in text  # as in the base, so without a mark
    assert 'unit = "sentence"  # "narrative" before the sweep\n' in text
    assert "num_leaves = 7  # 3 before the sweep\n" in text  # the shipped default again


@pytest.mark.parametrize("about", ["a\nb = 1", "[text]\r\nwords = false", "a\x00\x07\x7f\u2028b", "\ud800", "“ü” 日本"])
def test_a_comment_stays_a_comment(about: str, tmp_path: Path) -> None:
    best = load_config(None, ["head.steps=99"])
    assert read_back(best_toml(Config(), best, [about]), tmp_path) == best


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LARGE = st.floats(min_value=1e-300, allow_nan=False)  # infinity too


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "encoder": st.fixed_dictionaries({"source": TEXT, "unit": st.sampled_from(["narrative", "sentence"])}),
            "text": st.fixed_dictionaries({"words": st.booleans(), "mask": st.sampled_from([[], ["health"]])}),
            "head": st.fixed_dictionaries({"column_penalty": LARGE, "n_bins": st.integers(2, 10**9)}),
            "stacker": st.fixed_dictionaries({"l2": LARGE, "row_share": st.floats(1e-12, 1)}),
            "scale": st.fixed_dictionaries({"base_score": st.floats(allow_nan=False), "pdo": LARGE}),
        },
    )
)
def test_any_config_is_read_back(tmp_path_factory: pytest.TempPathFactory, tree: dict[str, Any]) -> None:
    best = Config.model_validate(tree)
    assert read_back(best_toml(Config(), best, ["x"]), tmp_path_factory.mktemp("toml")) == best


def test_the_settings_of_a_line_are_those_that_its_config_asks_for() -> None:
    study = example_study.study()
    for line in leaderboard(study, ONE):
        if study.get_trials()[line.number].state != TrialState.COMPLETE:
            continue
        config = suggest(FixedTrial(dict(line.settings)), full_space(), Config())
        assert dict(line.settings) == active_settings(config, full_space())
