"""How a sweep begins, and when it gives up: the rules without the trials."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import optuna
import pytest
from optuna.pruners import ThresholdPruner
from optuna.trial import FrozenTrial, TrialState, create_trial

from data_schemas.errors import ContractError, RunError
from experiments.session.run import Run
from experiments.sweep import objective as objective_module
from experiments.sweep import searching
from experiments.sweep.job import remove_leftovers
from experiments.sweep.objective import Task, run_trial
from experiments.sweep.searching import (
    Effort,
    begin_with_chosen,
    begin_with_default,
    refuse_failures,
    search_until_enough,
)
from experiments.sweep.study import counted, open_study, sign
from experiments.sweep.worker import CAUGHT, WorkerOrder
from features.arrays import Floats
from fusion.config import Config, Setting, given_settings, valid_keys, with_settings
from fusion.model.choosing import Chosen
from fusion.model.search_space import active_settings, full_space
from fusion.model.training import Watch
from tests.support.studies import BASE, dead_worker

TASK = Task(Config(), full_space(), ("log_loss",), "random", Path("unused"))

pytestmark = pytest.mark.filterwarnings("ignore:Heartbeat of storage is supposed")


@pytest.mark.parametrize(("n_failed", "n_good", "refused"), [(9, 1, False), (10, 10, True), (10, 11, False)])
def test_most_trials_failing_ends_the_sweep(n_failed: int, n_good: int, refused: bool) -> None:
    study = optuna.create_study()
    study.add_trial(create_trial(value=1.0))
    study.add_trials([create_trial(value=1.0)] * (n_good - 1))
    study.add_trials([create_trial(state=TrialState.FAIL, user_attrs={"error": "too steep"})] * n_failed)
    if refused:
        with pytest.raises(RunError, match="trial 19 failed: too steep"):
            refuse_failures(study)
    else:
        refuse_failures(study)


@pytest.mark.parametrize("tried", [{}, {"failed_trial": 0}])
def test_the_default_failing_ends_the_sweep(tried: dict[str, int]) -> None:
    """The first time and when it is tried again."""
    study = optuna.create_study()
    study.add_trials([create_trial(state=TrialState.FAIL)] * bool(tried))
    study.add_trial(create_trial(state=TrialState.FAIL, system_attrs=tried, user_attrs={"error": "too steep"}))
    study.add_trial(create_trial(state=TrialState.FAIL, user_attrs={"error": "another"}))
    with pytest.raises(RunError, match=f"trial {len(tried)} failed: too steep"):
        refuse_failures(study)


class TestDefault:
    """The settings that all begins with are trial 0, whatever befalls it."""

    QUEUED: ClassVar[dict[str, Any]] = {"fixed_params": active_settings(Config(), full_space())}

    @staticmethod
    def begin(study: optuna.Study) -> list[dict[str, Any]]:
        """The settings that wait after a sweep has begun twice."""
        for _ in range(2):
            begin_with_default(study, TASK)
        waiting = [trial for trial in study.trials if trial.state == TrialState.WAITING]
        return [trial.system_attrs["fixed_params"] for trial in waiting]

    def test_a_new_study_begins_with_it(self) -> None:
        assert self.begin(optuna.create_study()) == [active_settings(Config(), full_space())]

    def test_it_is_queued_again_when_it_was_cut_off_too_often(self) -> None:
        study = optuna.create_study()
        again = [self.QUEUED, {"failed_trial": 0}, {"failed_trial": 0}]
        study.add_trials([create_trial(state=TrialState.FAIL, system_attrs=attrs) for attrs in again])
        study.add_trial(create_trial(value=1.0))
        assert self.begin(study) == [active_settings(Config(), full_space())]
        assert study.trials[-1].system_attrs["failed_trial"] == 0

    def test_a_default_without_a_value_is_queued_again(self) -> None:
        """Pruned, as a late retry of it once could be."""
        study = optuna.create_study()
        study.add_trials([create_trial(state=TrialState.FAIL, system_attrs=self.QUEUED), create_trial(value=1.0)])
        study.add_trial(create_trial(state=TrialState.PRUNED, system_attrs={"failed_trial": 0}))
        assert self.begin(study) == [active_settings(Config(), full_space())]

    @pytest.mark.parametrize(
        "last",
        [
            create_trial(value=1.0, system_attrs={"failed_trial": 0}),
            create_trial(state=TrialState.WAITING, system_attrs={"failed_trial": 0, "fixed_params": {}}),
            create_trial(state=TrialState.RUNNING, system_attrs={"failed_trial": 0}),
        ],
    )
    def test_it_is_not_queued_beside_itself(self, last: FrozenTrial) -> None:
        study = optuna.create_study()
        study.add_trials([create_trial(state=TrialState.FAIL), last])
        assert len(self.begin(study)) == (last.state == TrialState.WAITING)
        assert len(study.trials) == 2


class TestChosen:
    """The settings that training would choose are the next trial, once."""

    @staticmethod
    def begin(study: optuna.Study, better: dict[str, Setting], monkeypatch: pytest.MonkeyPatch) -> Config:
        """Begin twice, where these settings are chosen; what choosing was given."""
        asked: list[Config] = []

        def choose(_sample: object, config: Config, *_: object) -> Chosen:
            asked.append(config)
            return Chosen(with_settings(config, better), ())

        monkeypatch.setattr(searching, "Arrays", lambda _: SimpleNamespace(sample=lambda *_: None))
        monkeypatch.setattr(searching, "choose_aloud", choose)
        with Run.start("sweep", None, {}) as run:
            for _ in range(2):
                begin_with_default(study, TASK)
                begin_with_chosen(study, TASK, run)
        assert len(asked) == 1
        return asked[0]

    def test_they_wait_behind_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        study = optuna.create_study()
        given = self.begin(study, {"stacker.num_leaves": 15}, monkeypatch)
        default, chosen = (trial.system_attrs["fixed_params"] for trial in study.trials)
        assert chosen == {**default, "stacker.num_leaves": 15} == study.user_attrs["chosen"]
        lists = {"text.mask", "augment.kinds", "augment.protected"}
        assert given_settings(given) == set(valid_keys()) - {one.key for one in TASK.space.dimensions} - lists

    def test_the_default_is_not_queued_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        study = optuna.create_study()
        self.begin(study, {}, monkeypatch)
        assert len(study.trials) == 1


class TestLeftovers:
    """Arrays that a killed process had begun."""

    def test_those_of_the_dead_are_removed(self, tmp_path: Path) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        kept = [f"arrays-0a.writing-{os.getpid()}", "arrays-0a", "arrays-0a.writing-x", "mine"]
        for name in (f"arrays-0a.writing-{gone.pid}", *kept):
            (tmp_path / name).mkdir()
            (tmp_path / name / "y.npy").write_bytes(b"1")
        remove_leftovers(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kept)

    def test_an_absent_folder_is_fine(self, tmp_path: Path) -> None:
        remove_leftovers(tmp_path / "absent")


@dataclass
class Cheap:
    """Stands for ``WorkerPool``: its trials take no time, and the first ``n_killed`` end with their worker."""

    folder: Path
    requeue: Callable[[int, bool], object]
    deaths: int = 0
    n_killed: ClassVar[int] = 0
    study: ClassVar[optuna.Study]

    def start(self, order: WorkerOrder) -> None:
        while counted(self.study) < order.n_trials:
            trial = self.study.ask()
            if Cheap.n_killed:
                Cheap.n_killed -= 1
                sign(trial)
                self.requeue(os.getpid(), True)
            else:
                self.study.tell(trial, 1.0 - trial.number / 100)

    def replace_dead(self) -> int:
        return 0

    def kill(self) -> None:
        """Nothing is left to end."""


class TestSearch:
    """The search with workers that need no time."""

    @pytest.fixture
    def study(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> optuna.Study:
        monkeypatch.setattr(searching, "WorkerPool", Cheap)
        monkeypatch.setattr(searching, "LOOK_SECONDS", 0.0)
        monkeypatch.setattr(searching, "begin_with_chosen", lambda *_: None)
        study = open_study(replace(BASE, folder=tmp_path))
        monkeypatch.setattr(Cheap, "study", study, raising=False)
        monkeypatch.setattr(Cheap, "n_killed", 0)
        return study

    @staticmethod
    def search(folder: Path, n_trials: int) -> None:
        with Run.start("sweep", None, {}) as run:
            plan = replace(BASE, folder=folder)
            assert not search_until_enough(open_study(plan), plan, TASK, Effort(n_trials, 1, 1), run)

    def test_a_default_that_is_dropped_runs_in_the_end(self, study: optuna.Study, tmp_path: Path) -> None:
        Cheap.n_killed = 3
        self.search(tmp_path, 2)
        done = [trial for trial in study.trials if trial.state == TrialState.COMPLETE]
        assert len(done) == 3
        assert done[-1].system_attrs["failed_trial"] == 0
        assert not study.get_trials(states=(TrialState.WAITING, TrialState.RUNNING))

    def test_what_was_found_before_is_not_reported_again(
        self, study: optuna.Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.search(tmp_path, 2)
        assert "trial 1: log_loss 0.99000, the best so far" in capsys.readouterr().err
        self.search(tmp_path, 3)
        stderr = capsys.readouterr().err
        assert "trial 2: log_loss 0.98000, the best so far" in stderr
        assert "trial 1" not in stderr
        assert "trial 0" not in stderr
        assert len(study.trials) == 3

    def test_trials_that_run_elsewhere_are_waited_for(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(searching, "WorkerPool", Cheap)
        monkeypatch.setattr(searching, "begin_with_chosen", lambda *_: None)
        plan = replace(BASE, folder=tmp_path, storage=f"sqlite:///{tmp_path / 'study.db'}")
        study = open_study(plan)
        study.add_trial(create_trial(value=1.0))
        signed = {"worker": dead_worker() | {"host": "another-host"}}
        study.add_trial(create_trial(state=TrialState.RUNNING, user_attrs=signed))
        looks: list[float] = []

        def look_again(seconds: float) -> None:
            looks.append(seconds)
            if len(looks) == 3:
                study.tell(1, 0.5)

        monkeypatch.setattr(searching, "time", SimpleNamespace(time=time.time, sleep=look_again))
        with Run.start("sweep", None, {}) as run:
            assert not search_until_enough(study, plan, TASK, Effort(2, 1, 1), run)
        assert len(looks) == 3
        assert capsys.readouterr().err.count("waiting for the trials that run elsewhere (1)") == 1
        assert len(study.trials) == 2


class TestTrial:
    """What becomes of a trial, by the outcomes and margins that its folds bring."""

    Y = np.array([0.0, 1.0, 0.0, 1.0])
    MARGIN = np.array([-1.0, 1.0, 0.5, -0.5])

    @staticmethod
    def run(objective: str, folds: list[Floats], monkeypatch: pytest.MonkeyPatch, more: int = 0) -> optuna.Study:
        """A study of the default settings and of ``more`` others; ``folds``: the outcomes so far."""

        def judge(_sample: object, _config: Config, _folds: str, watch: Watch) -> SimpleNamespace:
            for number, y in enumerate(folds, start=1):
                watch(number, y, TestTrial.MARGIN[: len(y)])
            margin = TestTrial.MARGIN[: len(folds[-1])]
            values = {name: measure(folds[-1], margin) for name, measure in objective_module.QUALITY.items()}
            return SimpleNamespace(figures=lambda: values, y=folds[-1], model=None)

        monkeypatch.setattr(objective_module, "cross_validate", judge)
        monkeypatch.setattr(objective_module, "cost", lambda *_: 1.0)
        arrays = SimpleNamespace(sample=lambda *_: SimpleNamespace(design=None))
        monkeypatch.setattr(objective_module, "Arrays", lambda _: arrays)
        study = optuna.create_study(pruner=ThresholdPruner(upper=-1e9), sampler=optuna.samplers.RandomSampler(seed=0))
        task = replace(TASK, objectives=(objective,))
        begin_with_default(study, task)
        study.optimize(lambda trial: run_trial(trial, task, lambda: False), 1 + more)
        return study

    def test_the_default_is_never_pruned(self, monkeypatch: pytest.MonkeyPatch) -> None:
        study = self.run("log_loss", [self.Y[:2], self.Y], monkeypatch, more=1)
        assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED"]

    @pytest.mark.parametrize("objective", ["auc", "ks"])
    def test_an_objective_that_does_not_exist(self, objective: str, monkeypatch: pytest.MonkeyPatch) -> None:
        with pytest.raises(ContractError, match=f"{objective} does not exist: the judged rows hold one class"):
            self.run(objective, [np.zeros(2), np.zeros(4)], monkeypatch)
        assert issubclass(ContractError, CAUGHT)  # so it counts as the failure of a trial

    def test_a_first_fold_of_one_class_is_passed_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        study = self.run("auc", [self.Y[:1], self.Y], monkeypatch, more=1)
        assert [trial.intermediate_values for trial in study.trials] == [{2: 0.75}] * 2
        assert [trial.state.name for trial in study.trials] == ["COMPLETE", "PRUNED"]
