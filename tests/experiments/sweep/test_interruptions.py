"""A sweep that is interrupted, killed, or whose workers are: nothing that ended is lost, nothing counts twice."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import Popen

import optuna
import psutil
import pytest
from optuna.trial import FrozenTrial, TrialState

from data_schemas.errors import RunError
from experiments.sweep import worker
from experiments.sweep.objective import Task
from experiments.sweep.study import StudyPlan
from experiments.sweep.worker import ORDER, WorkerOrder
from experiments.sweep.worker_pool import MAX_DEATHS, WorkerPool
from fusion.config_file import load_config
from fusion.model.search_space import full_space
from tests.support.postgres import Server
from tests.support.sweeps import SLOW, Command, Sweeper, ended, essence, in_trial
from tests.support.tiny_bert import tiny_bert

N_TRIALS = 3


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def sweep(tmp_path: Path, encoder: Path) -> Sweeper:
    return Sweeper(tmp_path, encoder, SLOW)


def at_work(trials: list[FrozenTrial]) -> FrozenTrial:
    return next(trial for trial in trials if trial.state == TrialState.RUNNING)


def in_first_try(trials: list[FrozenTrial], killed: int) -> bool:
    """Whether another worker than that which was killed runs settings that were not tried before."""
    running = at_work(trials)
    return worker_of(running) != killed and "failed_trial" not in running.system_attrs


def worker_of(trial: FrozenTrial) -> int:
    return int(trial.user_attrs["worker"]["pid"])


def gone(pid: int, seconds: float = 600) -> bool:
    """Whether a process ends by itself in that time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.1)
    return False


def begun_worker(command: Command) -> int:
    """The worker's process as soon as there is one: it still reads its program."""
    while command.process.poll() is None:
        for child in psutil.Process(command.process.pid).children():
            if "experiments.sweep.worker" in child.cmdline():
                return child.pid
        time.sleep(0.02)
    raise AssertionError(f"no worker was begun: {command.end()}")


def check_complete(trials: list[FrozenTrial], before: list[FrozenTrial], n_trials: int = N_TRIALS) -> None:
    """So many as were asked for, every one once, and those that had ended as they were."""
    assert len(ended(trials)) == n_trials
    assert not [trial for trial in trials if trial.state in (TrialState.RUNNING, TrialState.WAITING)]
    settings = [tuple(sorted(trial.params.items())) for trial in ended(trials)]
    assert len(set(settings)) == n_trials
    for trial in ended(before):
        assert essence(trials[trial.number]) == essence(trial)
    for trial in trials:
        if trial.state == TrialState.FAIL:
            origin = trial.system_attrs.get("failed_trial", trial.number)
            again = [one for one in ended(trials) if one.system_attrs.get("failed_trial") == origin]
            assert [one.params | trial.params for one in again] == [one.params for one in again]
            assert len(again) == 1


@pytest.mark.slow
class TestProcesses:
    """The real command."""

    def test_ctrl_c_ends_cleanly_and_says_how_to_go_on(self, sweep: Sweeper) -> None:
        command = sweep.command("--trials", str(N_TRIALS))
        before = command.wait_for(in_trial)
        worker = worker_of(at_work(before))
        command.interrupt()
        code, summary, stderr = command.end()
        assert code == 130
        assert "Traceback" not in stderr
        assert "stopping after the current fold" in stderr
        assert "the same command goes on" in stderr
        assert (summary["status"], summary["interrupted"]) == ("done", True)
        assert gone(worker)
        trials = sweep.trials()
        assert not [trial for trial in trials if trial.state == TrialState.RUNNING]
        assert sum(trial.state == TrialState.WAITING for trial in trials) == 1
        assert len(sweep.leaderboard()) >= len(ended(before))
        assert sweep.here("--trials", str(N_TRIALS)) == 0
        check_complete(sweep.trials(), before)

    def test_workers_of_a_killed_command_end_by_themselves(self, sweep: Sweeper) -> None:
        command = sweep.command("--trials", str(N_TRIALS))
        before = command.wait_for(in_trial)
        worker = worker_of(at_work(before))
        command.kill()
        assert gone(worker)
        assert not [trial for trial in sweep.trials() if trial.state == TrialState.RUNNING]
        assert sweep.here("--trials", str(N_TRIALS), "--resume") == 0
        check_complete(sweep.trials(), before)

    def test_a_worker_whose_command_died_before_it_began_runs_no_trial(self, sweep: Sweeper) -> None:
        command = sweep.command("--trials", str(N_TRIALS))
        worker = begun_worker(command)
        command.kill()
        assert gone(worker)
        assert not ended(sweep.trials())

    def test_killed_again_and_again_it_loses_no_trial(self, sweep: Sweeper) -> None:
        """A worker in mid-trial, which the command replaces; both in mid-trial, whose trial the missing heartbeats
        bring back to the next command; and a worker at some moment.
        """
        n_trials = 6
        command = sweep.command("--trials", str(n_trials))
        first = worker_of(at_work(command.wait_for(in_trial)))
        os.kill(first, signal.SIGKILL)
        command.wait_for(lambda trials: in_trial(trials) and in_first_try(trials, first))
        os.killpg(command.process.pid, signal.SIGKILL)
        command.process.communicate()
        before = sweep.trials()
        command = sweep.command("--trials", str(n_trials))
        command.wait_for(lambda trials: len(trials) > len(before))
        time.sleep(random.Random(0).uniform(0, 2))
        os.kill(begun_worker(command), signal.SIGKILL)
        before += sweep.trials()
        code, summary, stderr = command.end()
        assert code == 0, stderr
        trials = sweep.trials()
        assert [trial.number for trial in trials] == list(range(len(trials)))
        check_complete(trials, before, n_trials)
        n_failed = sum(trial.state == TrialState.FAIL for trial in trials)
        assert n_failed == summary["trials"]["failed"]
        assert 2 <= n_failed <= 3  # the last kill may have come between two trials

    def test_two_workers_give_what_was_asked_for(self, sweep: Sweeper) -> None:
        code, _, stderr = sweep.command("--trials", str(N_TRIALS), "--workers", "2").end()
        assert code == 0, stderr
        trials = sweep.trials()
        assert N_TRIALS <= len(ended(trials)) <= N_TRIALS + 1  # both may have seen one missing in one moment
        assert len({worker_of(trial) for trial in trials}) == 2
        assert len({tuple(trial.params.items()) for trial in trials}) == len(trials)

    def test_on_postgresql(self, sweep: Sweeper, postgres: Server, capsys: pytest.CaptureFixture[str]) -> None:
        """With the password in no file."""
        url = postgres.create(f"sweep-{os.urandom(4).hex()}")
        study = ["--storage", url, "--study", "shared", "--trials", str(N_TRIALS)]
        sweep = replace(sweep, extra=())  # nothing happens in mid-trial
        code, summary, stderr = sweep.command(*study, "--workers", "2").end()
        assert code == 0, stderr
        assert N_TRIALS <= summary["trials"]["complete"] <= N_TRIALS + 1
        assert summary["final"]["rows"] > 0
        assert not (sweep.out / "study.db").exists()
        assert sweep.here(*study, "--resume") == 0
        assert json.loads(capsys.readouterr().out)["trials"] == summary["trials"]
        written = "".join(
            path.read_text() for path in sweep.folder.rglob("*") if path.suffix in (".jsonl", ".log", ".html")
        )
        assert "s3cret" not in written + stderr
        stored = optuna.load_study(study_name="shared", storage=url.replace("postgresql:", "postgresql+psycopg2:"))
        assert stored.user_attrs["final"]["looks"] == 1


@pytest.fixture
def order(tmp_path: Path) -> WorkerOrder:
    plan = StudyPlan("sweep", None, tmp_path, ("log_loss",), 0, {}, False)
    task = Task(load_config(None, ["encoder.window=64"]), full_space(), ("log_loss",), "random", tmp_path)
    return WorkerOrder(task, plan, 0, 5, None, 1, False)


Requeued = list[tuple[int, bool]]


@pytest.fixture
def requeued() -> Requeued:
    """The workers whose trials were queued again, and whether that counts as a try."""
    return []


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requeued: Requeued) -> Callable[[str], WorkerPool]:
    """A pool whose workers are a shell script."""

    def pool_of(script: str) -> WorkerPool:
        path = tmp_path / "worker.sh"
        path.write_text(f"#!/bin/sh\ncat > {tmp_path}/order.json\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(path))
        return WorkerPool(tmp_path, lambda pid, counts: requeued.append((pid, counts)))

    return pool_of


def begun(pool: WorkerPool, order: WorkerOrder) -> Popen[str]:
    """The pool's only worker, as soon as its script has come so far as to touch a file."""
    pool.start(order)
    deadline = time.monotonic() + 600
    while not (pool.folder / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return pool.members[0].process


def watch(pool: WorkerPool) -> None:
    """Until nobody is at work."""
    deadline = time.monotonic() + 600
    while pool.replace_dead() and time.monotonic() < deadline:
        time.sleep(0.01)


class TestWorkerPool:
    """Workers watched from outside, as scripts."""

    def test_an_order_arrives_as_it_was_given(
        self, program: Callable[[str], WorkerPool], order: WorkerOrder, tmp_path: Path
    ) -> None:
        pool = program("")
        pool.start(order)
        watch(pool)
        assert ORDER.validate_json((tmp_path / "order.json").read_text()) == order

    def test_workers_that_keep_dying_are_given_up(
        self, program: Callable[[str], WorkerPool], order: WorkerOrder, requeued: Requeued
    ) -> None:
        pool = program("kill -9 $$")
        pool.start(order)
        with pytest.raises(RunError, match=f"{MAX_DEATHS + 1} workers in a row were ended by signal 9") as caught:
            watch(pool)
        assert "fewer --workers" in caught.value.remedy
        assert len(dict(requeued)) == MAX_DEATHS + 1
        assert all(counts for _, counts in requeued)
        assert not pool.members

    def test_a_failure_is_reported_in_the_words_of_the_worker(
        self, program: Callable[[str], WorkerPool], order: WorkerOrder, requeued: Requeued
    ) -> None:
        pool = program("""echo warning >&2; echo '{"message": "it broke", "remedy": "Mend it."}' >&2; exit 1""")
        pool.start(order)
        with pytest.raises(RunError, match="it broke") as caught:
            watch(pool)
        assert caught.value.remedy == "Mend it."
        assert len(requeued) == 1

    def test_a_worker_that_cannot_be_started(
        self, order: WorkerOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
        with pytest.raises(RunError, match=r"worker 0 cannot be started \(No such file or directory\).*--workers"):
            WorkerPool(tmp_path, lambda *_: None).start(order)

    def test_a_full_disk_is_reported_by_the_worker(
        self, order: WorkerOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(worker, "work", full)
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        monkeypatch.setattr(sys, "stdin", io.StringIO(ORDER.dump_json(order).decode()))
        monkeypatch.setattr(sys, "argv", ["worker", "1"])
        assert worker.main() == 1
        reason = json.loads(capsys.readouterr().err)
        assert reason["message"] == f"the study in {tmp_path} cannot be kept (No space left on device)"

    @pytest.mark.parametrize("last_words", ["", "echo Traceback >&2", "echo 7 >&2", "echo '{}' >&2"])
    def test_what_is_not_reported_is_in_its_log(
        self, program: Callable[[str], WorkerPool], order: WorkerOrder, last_words: str, tmp_path: Path
    ) -> None:
        pool = program(f"{last_words}\nexit 3")
        pool.start(order)
        with pytest.raises(RunError, match=r"worker 0 failed, see .*worker-0\.log"):
            watch(pool)
        assert (tmp_path / "worker-0.log").exists()

    def test_those_that_do_not_stop_are_killed(
        self, program: Callable[[str], WorkerPool], order: WorkerOrder, requeued: Requeued, tmp_path: Path
    ) -> None:
        pool = program(f"trap '' TERM; touch {tmp_path}/begun; while true; do sleep 0.05; done")
        process = begun(pool, order)
        pool.ask_to_stop()
        pool.wait(0.5)
        assert process.poll() == -signal.SIGKILL
        assert requeued == [(process.pid, False)]
        assert pool.replace_dead() == 0

    def test_those_that_stop_are_waited_for(
        self, program: Callable[[str], WorkerPool], order: WorkerOrder, tmp_path: Path
    ) -> None:
        pool = program(f"trap 'sleep 0.3; exit 0' TERM; touch {tmp_path}/begun; while true; do sleep 0.05; done")
        process = begun(pool, order)
        pool.ask_to_stop()
        pool.wait(600)
        assert process.poll() == 0
        pool.kill()
