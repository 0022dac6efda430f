"""The benchmarks of the sweep: their arithmetic on made-up studies, and each once on a few rows."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from experiments.benchmarks.measuring import Measured
from experiments.benchmarks.settings import fold_choice, settings_compared, sweeps, tuning_ways
from experiments.benchmarks.settings.sweeps import Sweep, ended, span
from experiments.benchmarks.speed import sweep_speed
from experiments.cli import app, guarded
from experiments.demo.data import generate
from experiments.sweep import captions, searching
from experiments.sweep.storage import open_storage
from experiments.sweep.study import RETRIED, STUDY_FILE, requeue
from features.tables.applications import Applications
from fusion.config import Config
from fusion.model.choosing import LADDERS
from fusion.model.search_space import full_space
from tests.support.bundles import SMALL
from tests.support.command_line import creditfusion
from tests.support.small import applications, row
from tests.support.small_studies import blank
from tests.support.sweeps import SameProcess
from tests.support.tiny_bert import tiny_bert

START = datetime(2026, 2, 3, 9, 0)
COMPLETE, PRUNED, FAIL, RUNNING = TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.RUNNING
SPACE = """
[encoder]
unit = ["narrative"]
window = [64]
pooling = ["auto"]
[text]
n_buckets = [256]
ngrams = [1]
[stacker]
n_trees = [30]
"""


def made(
    number: int,
    state: TrialState,
    seconds: tuple[float, float],
    folds: Sequence[float] = (),
    fit: float | None = None,
    x: float | None = None,
    retry_of: int | None = None,
) -> FrozenTrial:
    """A trial that began and ended so many seconds after the start; its value is that of the last fold."""
    attributes: dict[str, Any] = {} if fit is None else {"seconds": {"fit": fit, "total": fit + 1}}
    trial = create_trial(
        state=state,
        value=folds[-1] if state == COMPLETE else None,
        params={"x": number / 100 if x is None else x},
        distributions={"x": FloatDistribution(0, 1)},
        intermediate_values=dict(enumerate(folds, start=1)),
        user_attrs=attributes,
        system_attrs={} if retry_of is None else {RETRIED: retry_of},
    )
    trial.number = number
    trial.datetime_start = START + timedelta(seconds=seconds[0])
    trial.datetime_complete = None if state == RUNNING else START + timedelta(seconds=seconds[1])
    return trial


@pytest.fixture
def study() -> list[FrozenTrial]:
    """Two workers over 100 seconds: two trials finished, two pruned after the second of five folds, one cut off."""
    return [
        made(0, COMPLETE, (0, 50), [0.5, 0.4, 0.4, 0.4, 0.40], fit=40),
        made(1, COMPLETE, (0, 60), [0.5, 0.4, 0.4, 0.4, 0.38], fit=50),
        made(2, PRUNED, (50, 70), [0.6, 0.5], fit=15),
        made(3, PRUNED, (60, 80), [0.6, 0.5], fit=15),
        made(4, FAIL, (80, 100)),
    ]


def test_the_pace_of_a_study(study: Sequence[FrozenTrial]) -> None:
    found = sweep_speed.pace(study, 2)
    assert (found.finished, found.pruned, found.failed, found.span) == (2, 2, 1, 100)
    assert found.per_hour == 144
    assert found.outside_fitting == pytest.approx(1 - 120 / 200)
    assert found.between_trials == pytest.approx(1 - 124 / 200)
    assert (found.folds, found.folds_left_out) == (20, 6)
    assert found.saved == pytest.approx(60 / 180)  # two trials of 15 seconds instead of 45


def test_without_a_pruned_trial_nothing_was_saved(study: Sequence[FrozenTrial]) -> None:
    found = sweep_speed.pace(study[:1], 1)
    assert found.saved is None
    assert found.pruned_mean is None
    assert found.outside_fitting == pytest.approx(0.2)


def test_the_report_on_the_pace(study: Sequence[FrozenTrial], capsys: pytest.CaptureFixture[str]) -> None:
    found = sweep_speed.pace(study, 2)
    sweep_speed.report_pace(found, 120, as_json=True)
    published = json.loads(capsys.readouterr().out)
    assert (published["per_hour"], published["command_seconds"], published["folds_left_out"]) == (144, 120, 6)
    sweep_speed.report_pace(found, 120, as_json=False)
    printed = capsys.readouterr().out
    assert "| **workers' time outside fitting** | **40.0%** |" in printed
    assert "| folds that pruning left out | 30% |" in printed


def test_a_turn_ends_with_the_trial_that_was_asked_for(study: Sequence[FrozenTrial]) -> None:
    assert sweep_speed.turn(study, 2, 1) == sweep_speed.Turn(50, 0.40, 0.41)
    three = sweep_speed.turn(study[::-1], 2, 3)
    assert (three.seconds, three.best) == (70, 0.38)


def test_one_worker_beside_two(capsys: pytest.CaptureFixture[str]) -> None:
    one = [sweep_speed.Turn(100, 0.40, 0.9), sweep_speed.Turn(120, 0.42, 0.9)]
    two = [sweep_speed.Turn(50, 0.41, 0.8), sweep_speed.Turn(48, 0.41, 0.8)]
    sweep_speed.report_turns({1: one, 2: two}, 30, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["ratio"] == 2.25
    assert found["noise"] == pytest.approx({"one": 0.02 / 2**0.5, "two": 0})
    assert found["difference"] == pytest.approx(0)
    sweep_speed.report_turns({1: one[:1], 2: two[:1]}, 30, as_json=False)
    assert "| 1 | 100 | 50 | 2.00 | 90.0% | 80.0% | 0.40000 | 0.41000 |" in capsys.readouterr().out


def test_a_study_is_read_by_its_name(tmp_path: Path) -> None:
    sweep = Sweep((), tmp_path)
    assert sweep.trials("one") == []
    study = optuna.create_study(study_name="one", storage=open_storage(tmp_path / STUDY_FILE, requeue))
    study.add_trial(made(0, COMPLETE, (0, 50), [0.5, 0.4]))
    (found,) = sweep.trials("one")
    assert (found.value, found.params) == (0.4, {"x": 0.0})
    assert sweep.trials("another") == []


def test_trials_are_counted_by_when_they_ended(study: Sequence[FrozenTrial]) -> None:
    assert [trial.number for trial in ended(study[::-1])] == [0, 1, 2, 3]
    assert span(study[2:4]) == 30


def test_later_rows_are_tied_to_no_older_one(tmp_path: Path) -> None:
    asked = ["01.03.2024", "31.03.2024", "01.04.2024", "02.04.2024"]
    known: Applications = applications(tmp_path, [row(id=str(i), asked=day) for i, day in enumerate(asked)])
    parts = fold_choice.split(known, np.array([0, 1, 2, 1]), np.datetime64("2024-04-01"))
    assert [rows.tolist() for rows in parts.values()] == [[0, 1], [2]]


def test_configurations_are_drawn_from_the_space() -> None:
    base, space = Config(), fold_choice.without_encoder(full_space())
    configs = fold_choice.draw(space, base, 5, seed=1)
    assert configs[0] == base
    assert len(set(configs)) == 5
    assert all(config.encoder == base.encoder for config in configs)
    assert configs == fold_choice.draw(space, base, 5, seed=1) != fold_choice.draw(space, base, 5, seed=2)
    assert fold_choice.draw(space, base, 1, seed=1) == [base]


def test_foresight_is_of_the_later_rows(capsys: pytest.CaptureFixture[str]) -> None:
    found = [
        fold_choice.Tried({"random": 0.3, "time": 0.5}, {"random": 1.0, "time": 4.0}, 0.43),
        fold_choice.Tried({"random": 0.4, "time": 0.4}, {"random": 3.0, "time": 4.0}, 0.41),
        fold_choice.Tried({"random": 0.5, "time": 0.6}, {"random": 2.0, "time": 4.0}, 0.45),
    ]
    assert fold_choice.foresight(found, "time") == fold_choice.Foresight(1.0, 1, 0.0, 4.0)
    by_random = fold_choice.foresight(found, "random")
    assert (by_random.correlation, by_random.chosen, by_random.seconds) == (0.5, 0, 2.0)
    assert by_random.regret == pytest.approx(0.02)
    fold_choice.report({"2024-04-01": found, "2024-05-01": found}, 3, as_json=False)
    printed = capsys.readouterr().out
    assert "| random folds | from 2024-04-01 | 0.50 | 0 | 0.02000 | 2.0 |" in printed
    assert "| time folds | mean | 1.00 |  | 0.00000 | 4.0 |" in printed
    assert "| the default settings | mean |  |  | 0.02000 |  |" in printed
    fold_choice.report({"2024-04-01": found}, 3, as_json=True)
    published = json.loads(capsys.readouterr().out)
    assert published["folds"]["time"]["2024-04-01"]["chosen"] == 1
    assert [one["later"] for one in published["tried"]["2024-04-01"]] == [0.43, 0.41, 0.45]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options under which a trial of 1,500 rows takes less than a second."""
    folder = tmp_path_factory.mktemp("few")
    generate(1500, 1).table.to_csv(folder / "past.csv", index=False)
    (folder / "space.toml").write_text(SPACE)
    encoder = f"encoder.source='{tiny_bert(folder / 'encoder')}'"
    settings = [part for setting in (encoder, *SMALL) for part in ("--set", setting)]
    return ["--schema", "demo", "--data", str(folder / "past.csv"), "--space", str(folder / "space.toml"), *settings]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDITFUSION_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.mark.usefixtures("cache")
def test_folds_are_compared(few: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    dates = sorted(generate(1500, 1).table["applied_on"].astype(str))
    days = ["--day", dates[750], "--day", dates[1000], "--until", dates[1350]]
    fold_choice.main([*few, *days, "--configs", "3", "--json"])
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert sorted(found["tried"]) == sorted({dates[750], dates[1000]})
    for tried in found["tried"].values():
        assert len(tried) == 3
        assert all(0.2 < one["later"] < 1.2 and one["fold_loss"]["time"] != one["fold_loss"]["random"] for one in tried)
    assert "configuration 3 of 3" in printed.err


@pytest.mark.usefixtures("cache")
def test_settings_are_compared_on_later_rows(
    few: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = next(part for part in few if part.startswith("encoder.source"))
    shared = f"[encoder]\n{source.removeprefix('encoder.')}\nwindow = 64\n[folds]\nn_folds = 2\nn_repeats = 1\n"
    for name, penalty in (("a", 3.0), ("b", 300.0)):
        (tmp_path / f"{name}.toml").write_text(f"{shared}[stacker]\nn_trees = 30\n[head]\ncolumn_penalty = {penalty}\n")
    until = sorted(generate(1500, 1).table["applied_on"].astype(str))[1000]
    configs = [part for name in "aba" for part in ("--config", str(tmp_path / f"{name}.toml"))]
    settings_compared.main([*few[:4], "--until", until, *configs, "--json"])
    first, other, again = json.loads(capsys.readouterr().out)["settings"]
    assert first["n"] == other["n"] < 600
    assert first["auc"] == again["auc"] != other["auc"]
    assert (again["auc_gain"]["difference"], again["brier_gain"]["p"]) == (0.0, 1.0)
    assert other["auc_gain"]["difference"] == pytest.approx(other["auc"] - first["auc"])
    assert other["brier_gain"]["difference"] == pytest.approx(first["brier"] - other["brier"])


@pytest.mark.usefixtures("cache")
def test_masked_settings_are_compared_as_train_trains_them(
    few: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = next(part for part in few if part.startswith("encoder.source"))
    trees = "[stacker]\nn_trees = 5\n[head]\nsteps = 20\ntext_penalty = 10.0\n"
    settings = (
        f"[encoder]\n{source.removeprefix('encoder.')}\nwindow = 64\n[folds]\nn_folds = 2\nn_repeats = 1\n{trees}"
    )
    (tmp_path / "plain.toml").write_text(settings)
    (tmp_path / "masked.toml").write_text(f"{settings}[text]\nmask = ['health', 'family']\n")
    until = sorted(generate(1500, 1).table["applied_on"].astype(str))[1000]
    configs = [part for name in ("plain", "masked") for part in ("--config", str(tmp_path / f"{name}.toml"))]
    settings_compared.main([*few[:4], "--until", until, *configs, "--json"])
    plain, masked = json.loads(capsys.readouterr().out)["settings"]
    assert plain["auc"] != masked["auc"]
    line = ["train", *few[:4], "--until", until, *configs[2:], "--out", str(tmp_path / "model"), "--json", "--quick"]
    monkeypatch.setattr(sys, "argv", ["creditfusion", *line])
    assert guarded(app) == 0
    trained = json.loads(capsys.readouterr().out)["slices"][f"after {until}"]
    assert (trained["auc"], trained["brier"], trained["rows"]) == (masked["auc"], masked["brier"], masked["n"])


@pytest.mark.usefixtures("cache")
def test_ways_of_tuning_are_compared_on_later_rows(few: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    days = sorted(generate(1500, 1).table["applied_on"].astype(str))
    chosen = {key: value for ladder in LADDERS for rung in ladder[:1] for key, value in rung.items()}
    nothing_chosen = [part for key, value in chosen.items() for part in ("--set", f"{key}={value}")]
    settings = [*nothing_chosen, "--set", "tuning.epochs=1", "--set", "tuning.n_layers=1", *few[6:]]
    ways = ["--way", "none", "--way", "head-layers"]
    tuning_ways.main([*few[:4], "--until", days[700], "--last", days[1000], *ways, *settings, "--json"])
    plain, tuned = json.loads(capsys.readouterr().out)["ways"]
    assert (plain["seconds"], plain["gain_fused"]["difference"], plain["gain_text_only"]["p"]) == (0.0, 0.0, 1.0)
    assert plain["rows"] == tuned["rows"] < 500
    assert 0.0 < tuned["seconds"] < tuned["total"]
    assert tuned["gain_text_only"]["difference"] == pytest.approx(tuned["auc_text_only"] - plain["auc_text_only"])


@pytest.mark.slow
@pytest.mark.usefixtures("cache")
def test_the_pace_is_measured(few: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    sweep_speed.main([*few, "--trials", "3", "--workers", "1", "--rows", "200", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["finished"], found["pruned"], found["failed"]) == (3, 0, 0)
    assert 0 < found["outside_fitting"] < 1
    assert found["per_hour"] == pytest.approx(3 * 3600 / found["span"])
    assert found["command_seconds"] > found["span"]


def in_this_process(command: Sequence[str], _: Sequence[int]) -> Measured:
    """Stands for ``measure``: the sweep with its workers here, nothing drawn or chosen in advance."""
    begun, printed = time.perf_counter(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(searching, "WorkerPool", SameProcess)
        patch.setattr(searching, "begin_with_chosen", lambda *_: None)
        patch.setattr(captions, "draw", blank)
        assert creditfusion(*command[command.index("sweep") :]) == 0
    return Measured(time.perf_counter() - begun, 0.0, 0.0, printed.getvalue())


@pytest.mark.usefixtures("cache")
def test_one_worker_and_two_take_turns(
    few: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "measure", in_this_process)
    sweep_speed.main([*few, "--trials", "3", "--rows", "200", "--compare-workers", "--rounds", "1", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["ratio"] == found["rounds"]["one"][0]["seconds"] / found["rounds"]["two"][0]["seconds"]
    assert all(0.2 < best < 1.2 for best in found["best"].values())
