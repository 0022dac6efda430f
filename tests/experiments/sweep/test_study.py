"""Studies, one contract on a file and on PostgreSQL: fingerprints, dead workers' trials, how many is enough."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import optuna
import pytest
from optuna.storages import BaseStorage, RetryHeartbeatStaleTrialCallback
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

from data_schemas.errors import ContractError
from experiments.sweep.storage import open_storage, quiet
from experiments.sweep.study import (
    COUNTED,
    GOALS,
    STUDY_FILE,
    StudyPlan,
    counted,
    open_study,
    requeue,
    requeue_of_worker,
    requeue_stale,
    worker_id,
)
from tests.support.studies import BASE, FINGERPRINT, X, dead_worker, parabola

pytestmark = pytest.mark.filterwarnings("ignore:Heartbeat of storage is supposed")


def running(study: optuna.Study, x: float = 0.5, **user_attrs: object) -> int:
    """A trial that someone runs; its number."""
    study.add_trial(
        optuna.create_trial(
            state=TrialState.RUNNING, params={"x": x}, distributions={"x": X}, user_attrs=dict(user_attrs)
        )
    )
    return study.trials[-1].number


def storage_of(plan: StudyPlan) -> BaseStorage:
    """That of the plan, with its tables made."""
    open_study(replace(plan, name="other"))
    return open_storage(plan.storage or plan.folder / STUDY_FILE, requeue)


class TestContract:
    """What holds on every storage."""

    def test_a_study_is_made_once_and_joined(self, plan: StudyPlan) -> None:
        made = open_study(plan)
        assert made.user_attrs["fingerprint"] == FINGERPRINT
        assert made.direction == optuna.study.StudyDirection.MINIMIZE
        made.enqueue_trial({"x": 0.25})
        made.optimize(parabola, n_trials=3)
        for resume in (False, True):
            joined = open_study(replace(plan, resume=resume), worker=1)
            assert [trial.params for trial in joined.trials] == [trial.params for trial in made.trials]
            assert joined.trials[0].params == {"x": 0.25}
            assert joined.trials[0].value == 0.0625
            assert joined.trials[0].intermediate_values == {1: 0.0625}
            assert joined.trials[0].user_attrs["worker"] == worker_id(os.getpid())

    def test_studies_of_several_names_share_a_storage(self, plan: StudyPlan) -> None:
        open_study(plan).optimize(parabola, n_trials=2)
        other = open_study(replace(plan, name="other", fingerprint={"data": "else"}, objectives=("log_loss", "cost")))
        assert other.trials == []
        assert [direction.name for direction in other.directions] == ["MINIMIZE", "MINIMIZE"]
        assert isinstance(other.pruner, optuna.pruners.NopPruner)
        assert len(open_study(plan).trials) == 2

    def test_another_fingerprint_is_refused_by_name(self, plan: StudyPlan) -> None:
        open_study(plan)
        other = {"data": "f" * 64, "schema": FINGERPRINT["schema"], "held out": "nothing", "code": "1a"}
        for resume in (False, True):
            with pytest.raises(ContractError) as caught:
                open_study(replace(plan, fingerprint=other, resume=resume))
            message = str(caught.value)
            assert "data (then 0123456789ab, now ffffffffffff)" in message
            assert "held out (then the newest tenth, now nothing)" in message
            assert "code (then none, now 1a)" in message
            assert "schema" not in message
            assert "--study" in message
            assert "--out" in message
        assert open_study(plan).user_attrs["fingerprint"] == FINGERPRINT

    def test_resume_wants_a_study(self, plan: StudyPlan) -> None:
        if plan.storage is None:
            with pytest.raises(ContractError, match=r"there is no study in .*out to resume.*--resume"):
                open_study(replace(plan, resume=True))
            assert not plan.folder.exists()
        open_study(replace(plan, name="june"))
        with pytest.raises(ContractError, match=r"no study 'sweep' to resume; there is june.*--study"):
            open_study(replace(plan, resume=True))

    def test_a_study_whose_maker_died_before_the_fingerprint(self, plan: StudyPlan) -> None:
        half = optuna.create_study(study_name="sweep", storage=storage_of(plan))
        assert open_study(plan).user_attrs["fingerprint"] == FINGERPRINT
        assert half.user_attrs["fingerprint"] == FINGERPRINT

    def test_a_study_of_another_program_is_refused(self, plan: StudyPlan) -> None:
        foreign = optuna.create_study(study_name="sweep", storage=storage_of(plan))
        foreign.add_trial(optuna.create_trial(value=1.0))
        with pytest.raises(ContractError, match=r"'sweep' is not one of creditfusion.*--study"):
            open_study(plan)

    def test_the_trial_of_a_dead_worker_is_queued_again(self, plan: StudyPlan) -> None:
        study = open_study(plan)
        gone = dead_worker()
        dead = running(study, 0.5, worker=gone, figures={"auc": 0.7})
        alive = running(study, 0.1, worker=worker_id(os.getpid()))
        elsewhere = running(study, 0.3, worker=gone | {"host": "another-host"})
        unsigned = running(study, 0.4)
        for _ in range(2):
            requeue_of_worker(study, int(gone["pid"]))
            states = [study.trials[number].state.name for number in (dead, alive, elsewhere, unsigned)]
            assert states == ["FAIL", "RUNNING", "RUNNING", "RUNNING"]
            (waiting,) = study.get_trials(states=(TrialState.WAITING,))
        assert (waiting.params, waiting.user_attrs) == ({"x": 0.5}, {})
        with quiet():
            assert RetryHeartbeatStaleTrialCallback.retried_trial_number(waiting) == dead
        study.optimize(parabola, n_trials=1)
        assert study.trials[waiting.number].state == TrialState.COMPLETE
        assert study.trials[waiting.number].params == {"x": 0.5}

    @pytest.mark.parametrize("named", [False, True])
    def test_a_trial_whose_worker_died_before_its_first_sign_of_life(
        self, plan: StudyPlan, monkeypatch: pytest.MonkeyPatch, named: bool
    ) -> None:
        study = open_study(plan)
        before = datetime.now()
        number = running(study, worker=dead_worker() if named else None)
        requeue_stale(study)
        assert study.trials[number].state == TrialState.RUNNING
        begun = study.trials[number].datetime_start
        assert begun is not None
        assert before <= begun <= datetime.now()  # in local time
        monkeypatch.setattr("experiments.sweep.study.UNSIGNED_SECONDS", 0.0)
        requeue_stale(study)
        assert study.trials[number].state == TrialState.FAIL
        assert [trial.params for trial in study.get_trials(states=(TrialState.WAITING,))] == [{"x": 0.5}]

    def test_at_most_two_retries(self, plan: StudyPlan) -> None:
        study = open_study(plan)
        trial = study.ask()
        for left in (1, 1, 0):
            trial.suggest_float("x", -1.0, 1.0)
            trial.set_user_attr("worker", worker_id(1))
            requeue_of_worker(study, 1)
            assert len(study.get_trials(states=(TrialState.WAITING,))) == left
            trial = study.ask()
        assert [one.state.name for one in study.trials] == ["FAIL"] * 3 + ["RUNNING"]

    def test_interruptions_use_up_no_retry(self, plan: StudyPlan) -> None:
        study = open_study(plan)
        study.enqueue_trial({"x": 0.5})
        for counts in (*[False] * 4, True):
            trial = study.ask()
            assert trial.suggest_float("x", -1.0, 1.0) == 0.5
            trial.set_user_attr("worker", worker_id(1))
            requeue_of_worker(study, 1, counts)
            (waiting,) = study.get_trials(states=(TrialState.WAITING,))
            assert waiting.params == {"x": 0.5}
            assert waiting.user_attrs == {}
            assert waiting.system_attrs["failed_trial"] == 0
        assert len(study.trials[-1].system_attrs["retry_history"]) == 1

    def test_an_interrupted_trial_is_queued_again(self, plan: StudyPlan) -> None:
        study = open_study(plan)

        def interrupted(trial: optuna.Trial) -> float:
            parabola(trial)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            study.optimize(interrupted, n_trials=1)
        requeue(study, study.trials[0], counts=False)
        study.optimize(parabola, n_trials=1)
        assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE"]
        assert study.trials[1].params == study.trials[0].params

    def test_a_trial_that_ends_in_the_moment_stays_as_it_ended(
        self, plan: StudyPlan, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        study = open_study(plan)
        number = running(study, worker=worker_id(1))
        (stale,) = study.get_trials(states=(TrialState.RUNNING,))
        study.tell(number, 0.3)
        monkeypatch.setattr(study, "get_trials", lambda **_: [stale])
        requeue_of_worker(study, 1)
        monkeypatch.undo()
        assert [(trial.state.name, trial.value) for trial in study.trials] == [("COMPLETE", 0.3)]

    def test_enough_counts_what_is_finished_pruned_or_running(self, plan: StudyPlan) -> None:
        study = open_study(plan)
        running(study, worker=worker_id(os.getpid()))
        failed = running(study, worker=worker_id(1))
        requeue_of_worker(study, 1)

        def every_third_pruned(trial: optuna.Trial) -> float:
            value = parabola(trial)
            if trial.number % 3 == 0:
                raise optuna.TrialPruned
            return value

        study.optimize(every_third_pruned, callbacks=[MaxTrialsCallback(7, COUNTED)])
        states = [trial.state.name for trial in study.trials]
        assert counted(study) == 7
        assert states.count("RUNNING") == 1
        assert states.count("FAIL") == 1
        assert states.count("PRUNED") == 2
        assert states[failed] == "FAIL"
        assert len(states) == 8

    def test_samplers_of_workers_and_of_resumed_studies_differ(self, plan: StudyPlan) -> None:
        drawn = []
        for worker in (0, 1):
            study = open_study(replace(plan, name=f"study {worker}"), worker)
            study.optimize(parabola, n_trials=2)
            drawn += [trial.params["x"] for trial in study.trials]
        again = open_study(replace(plan, name="study 0"))
        again.optimize(parabola, n_trials=1)
        same = open_study(replace(plan, name="study 2"))
        same.optimize(parabola, n_trials=2)
        assert [trial.params["x"] for trial in same.trials] == drawn[:2]
        assert len({*drawn, again.trials[-1].params["x"]}) == 5


def test_pruning_compares_trials_fold_by_fold(tmp_path: Path) -> None:
    study = open_study(replace(BASE, folder=tmp_path))
    fold_loss = {1: 0.30, 2: 0.40}  # the second fold is the harder one

    def run(excess: float) -> int | None:
        """Return the fold after which a trial is pruned whose loss exceeds the common one by so much from fold 2 on."""
        trial = study.ask()
        for fold, loss in fold_loss.items():
            trial.report(loss + (excess if fold == 2 else 0.0), fold)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                return fold
        study.tell(trial, fold_loss[2] + excess)
        return None

    assert [run(0.001 * n) for n in range(10)] == [None] * 10
    assert run(0.02) == 2
    assert run(0.0) is None
    assert sorted(GOALS) == ["auc", "brier", "cost", "ks", "log_loss"]


def test_bad_objectives(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"no objective 'gini'.*log_loss, brier, auc, ks, cost"):
        open_study(replace(BASE, folder=tmp_path, objectives=("auc", "gini")))
