"""Workers that are killed, put to sleep or started together: no finished trial is lost, none is counted twice."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import optuna
import pytest
from optuna.storages import RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState

from experiments.sweep.storage import quiet
from experiments.sweep.study import StudyPlan, open_study
from tests.support.studies import BASE
from tests.support.sweep_worker import N_FOLDS, RELEASE, Job, work

pytestmark = pytest.mark.slow
PROCESSES = multiprocessing.get_context("forkserver")  # what workers import is imported once
PROCESSES.set_forkserver_preload(["tests.support.sweep_worker"])


@contextmanager
def workers(job: Job, folder: Path, n: int) -> Iterator[list[BaseProcess]]:
    """So many worker processes on a study."""
    started: list[BaseProcess] = [PROCESSES.Process(target=work, args=(job, k, folder / RELEASE)) for k in range(n)]
    for process in started:
        process.start()
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.join()


def pid_of(process: BaseProcess) -> int:
    assert process.pid is not None
    return process.pid


def exit_code(process: BaseProcess) -> int | None:
    process.join(600)
    return process.exitcode


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def wait_for_held_trial(study: optuna.Study, pid: int) -> int:
    """The number of the trial in whose middle the process stands still."""
    for _ in range(12_000):
        for trial in study.get_trials(states=(TrialState.RUNNING,)):
            if trial.user_attrs.get("worker", {}).get("pid") == pid and trial.user_attrs.get("held"):
                return trial.number
        time.sleep(0.05)
    raise AssertionError(f"process {pid} holds no trial")


def assert_whole(study: optuna.Study, n_trials: int, n_workers: int) -> None:
    """So many trials finished, each counted once; whatever failed was queued again and finished."""
    done = study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))
    failed = study.get_trials(states=(TrialState.FAIL,))
    assert n_trials <= len(done) <= n_trials + n_workers - 1
    assert study.get_trials(states=(TrialState.RUNNING, TrialState.WAITING)) == []
    assert len(done) + len(failed) == len(study.trials)
    with quiet():
        retried = {RetryHeartbeatStaleTrialCallback.retried_trial_number(trial): trial for trial in done}
    for trial in failed:
        assert retried[trial.number].params == trial.params
    assert len({trial.params["x"] for trial in done}) == len(done)
    assert all(t.intermediate_values.keys() == {*range(1, N_FOLDS + 1)} for t in done if t.state == TrialState.COMPLETE)


def test_a_killed_workers_trial_is_retried(plan: StudyPlan, tmp_path: Path) -> None:
    """Two workers; one is killed in the middle of a trial. The other one must find out by the missing heartbeats."""
    study = open_study(plan)
    job = Job(plan, n_trials=10, fold_seconds=0.1, hold_after=3)
    with workers(job, tmp_path, 2) as (first, second):
        number = wait_for_held_trial(study, pid_of(first))
        before = {t.number: t.value for t in study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))}
        os.kill(pid_of(first), signal.SIGKILL)
        assert exit_code(second) == 0
    assert study.trials[number].state == TrialState.FAIL
    assert before == {n: study.trials[n].value for n in before}
    assert_whole(open_study(plan), 10, n_workers=2)


def test_a_worker_that_slept_through_its_heartbeats_goes_on(plan: StudyPlan, tmp_path: Path) -> None:
    study = open_study(plan)
    job = Job(plan, n_trials=24, fold_seconds=0.15, hold_after=2)
    with workers(job, tmp_path, 2) as (first, second):
        number = wait_for_held_trial(study, pid_of(first))
        os.kill(pid_of(first), signal.SIGSTOP)
        wait_until(lambda: study.trials[number].state == TrialState.FAIL)
        (tmp_path / RELEASE).touch()
        os.kill(pid_of(first), signal.SIGCONT)
        assert (exit_code(first), exit_code(second)) == (0, 0)
    assert_whole(study, 24, n_workers=2)
    after = [trial for trial in study.trials[number + 1 :] if trial.user_attrs["worker"]["pid"] == first.pid]
    assert after


def test_the_only_worker_killed_again_and_again(tmp_path: Path) -> None:
    plan = replace(BASE, folder=tmp_path / "out")
    study, kept = open_study(plan), dict[int, float | None]()
    for n_finished in (1, 3, 5):
        with workers(Job(plan, 8, 0.05, hold_after=n_finished), tmp_path, 1) as (worker,):
            wait_for_held_trial(study, pid_of(worker))
            os.kill(pid_of(worker), signal.SIGKILL)
            worker.join()
        kept |= {t.number: t.value for t in study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))}
    with workers(Job(plan, 8, 0.05), tmp_path, 1) as (worker,):
        assert exit_code(worker) == 0
    assert kept == {number: study.trials[number].value for number in kept}
    assert_whole(study, 8, n_workers=1)
    assert len(study.get_trials(states=(TrialState.FAIL,))) == 3


def test_workers_that_start_together_make_one_study(plan: StudyPlan, tmp_path: Path) -> None:
    plan = replace(plan, heartbeat=10)
    with workers(Job(plan, 8, 0.02), tmp_path, 4) as started:
        assert [exit_code(process) for process in started] == [0] * 4
    study = open_study(plan)
    assert_whole(study, 8, n_workers=4)
