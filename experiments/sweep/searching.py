"""The search itself: workers at their trials until there are enough, with what is found told on the screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import optuna
import torch
from optuna.trial import FrozenTrial, TrialState, create_trial

from data_schemas.errors import RunError
from experiments.session.progress import advance_to
from experiments.session.run import Run
from experiments.sweep.early_stopping import is_flat
from experiments.sweep.objective import Task
from experiments.sweep.storage import disk_told, sole_command
from experiments.sweep.study import INTERRUPTED, RETRIED, StudyPlan, counted, requeue_dead
from experiments.sweep.worker import WorkerOrder
from experiments.sweep.worker_pool import Crew, terminated_as_interrupted
from fusion.model.search_space import active_settings

ENDED = (TrialState.COMPLETE, TrialState.PRUNED)
MAX_FAILURES = 10
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 600.0  # with a worker that was asked to stop: one fold of the largest trial, on a busy machine
GO_ON = "interrupted; nothing that ended is lost, and the same command goes on"


@dataclass(frozen=True)
class Effort:
    """How much is tried. trials: that finish or are pruned, those of earlier runs included. timeout: seconds after
    which none is begun. threads: processors per worker. until_flat: stop when more trials promise nothing.
    """

    trials: int
    workers: int
    threads: int
    timeout: float | None = None
    seed: int = 0
    until_flat: bool = False


def effort_of(trials: int, workers: int, timeout: float | None, seed: int, until_flat: bool) -> Effort:
    """The processors that torch may use are shared out among the workers; ``workers`` 0 means one for each."""
    n_threads = torch.get_num_threads()
    n_workers = workers or n_threads
    return Effort(trials, n_workers, max(1, n_threads // n_workers), timeout, seed, until_flat)


def search_until_enough(study: optuna.Study, plan: StudyPlan, task: Task, effort: Effort, run: Run) -> bool:
    """Let workers run trials until there are enough, the default settings first; whether that was interrupted.

    Raises RunError for workers that fail or die, when trials fail one after the other, and where another command keeps
    the same journal.
    """
    deadline = None if effort.timeout is None else time.time() + effort.timeout
    alone = plan.storage is None  # a journal is of one machine, and of one command at a time
    with _kept(plan, run) as lock, disk_told(plan.folder):
        requeue_dead(study, alone)
        crew = Crew(plan.folder, lock)
        with run.stage("search", total=effort.trials, unit="trials") as advance:
            teller = _Teller(study, run, task.objectives[0], advance_to(advance))
            try:
                with terminated_as_interrupted():
                    while _wanted(study, effort, deadline):
                        refuse_failures(study)
                        begin_with_default(study, task)
                        goal = _goal(study, effort)
                        n_workers = min(effort.workers, goal - counted(study))
                        for number in range(n_workers):
                            crew.start(
                                WorkerOrder(task, plan, number, goal, deadline, effort.threads, effort.until_flat)
                            )
                        if n_workers <= 0:
                            teller.wait()
                        _watch(crew, study, teller)
                        requeue_dead(study, alone)
                        refuse_failures(study)
                        time.sleep(LOOK_SECONDS)
            except KeyboardInterrupt:
                _stop(crew, run)
                return True
            finally:
                crew.kill()
                requeue_dead(study, alone, INTERRUPTED)
                teller.tell()
    return False


def _kept(plan: StudyPlan, run: Run) -> AbstractContextManager[int | None]:
    """The lock on the journal's folder; none on a database, which commands share."""
    return sole_command(plan.folder, run.note) if plan.storage is None else nullcontext()


def begin_with_default(study: optuna.Study, task: Task) -> None:
    """Queue the settings that all begins with, as trial 0; again when no try of them has ended or still may, since
    every comparison is with them.
    """
    tries = tries_of_default(study)
    default = active_settings(task.base, task.space)
    if not tries:
        study.enqueue_trial(default, skip_if_exists=True)
    elif all(trial.state in (TrialState.FAIL, TrialState.PRUNED) for trial in tries):
        queued = {"fixed_params": default, RETRIED: 0}  # the first is where optuna's enqueue_trial puts it
        study.add_trial(create_trial(state=TrialState.WAITING, system_attrs=queued))


def tries_of_default(study: optuna.Study) -> list[FrozenTrial]:
    """Trial 0, and those that run its settings again."""
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if 0 in (trial.number, trial.system_attrs.get(RETRIED))]


def refuse_failures(study: optuna.Study) -> None:
    """Raise RunError when the default settings fail, or most trials do."""
    trials = study.get_trials(deepcopy=False)
    failed = [trial for trial in trials if "error" in trial.user_attrs]
    default = [trial for trial in tries_of_default(study) if "error" in trial.user_attrs]
    if default or len(failed) >= max(MAX_FAILURES, len(trials) / 2):
        last = (default or failed)[-1]
        raise RunError(
            f"trial {last.number} failed: {last.user_attrs['error']}",
            "Change the settings, or narrow the --space, and take a new --study.",
        )


def _wanted(study: optuna.Study, effort: Effort, deadline: float | None) -> bool:
    """Whether more trials are to be run: too few have ended, or not that of the default settings."""
    if deadline is not None and time.time() >= deadline:
        return False
    return not _has_default(study) or (_n_ended(study) < effort.trials and not _is_flat(study, effort))


def _goal(study: optuna.Study, effort: Effort) -> int:
    """How many trials are to be ended or running: more than there are where the default settings wait to be run."""
    waits = any(trial.state == TrialState.WAITING for trial in tries_of_default(study))
    return max(counted(study) + int(waits), 0 if _is_flat(study, effort) else effort.trials)


def _has_default(study: optuna.Study) -> bool:
    return any(trial.state == TrialState.COMPLETE for trial in tries_of_default(study))


def _n_ended(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=ENDED))


def _is_flat(study: optuna.Study, effort: Effort) -> bool:
    return effort.until_flat and is_flat(study)


def _watch(crew: Crew, study: optuna.Study, teller: _Teller) -> None:
    """Until the crew is done; raises as ``search_until_enough`` does."""
    while crew.look(lambda: requeue_dead(study)):
        time.sleep(LOOK_SECONDS)
        if teller.tell():
            crew.deaths = 0
        refuse_failures(study)


def _stop(crew: Crew, run: Run) -> None:
    """Let every worker end its fold; a second Ctrl-C does not wait for that."""
    run.note("stopping after the current fold; Ctrl-C again to stop at once")
    try:
        crew.ask_to_stop()
        crew.wait(PATIENCE_SECONDS)
    except KeyboardInterrupt:
        pass
    run.note(GO_ON)


@dataclass
class _Teller:
    """Says on the screen how many trials there are, and each new best one: not those of earlier runs."""

    study: optuna.Study
    run: Run
    objective: str
    advance: Callable[[int], None]
    best: float | None = None
    ended: int = 0
    waiting: bool = False

    def __post_init__(self) -> None:
        self.look(lambda _: None)

    def tell(self) -> bool:
        """What is new since the last time; whether a trial has ended since."""
        before = self.ended
        self.look(self.run.note)
        return self.ended > before

    def wait(self) -> None:
        """Say once that the trials which are still missing run elsewhere."""
        if not self.waiting:
            n_running = len(self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))
            self.run.note(f"waiting for the trials that run elsewhere ({n_running}); those of dead workers come back")
        self.waiting = True

    def look(self, note: Callable[[str], object]) -> None:
        """Count the trials that have ended, and note each one that is better than all before."""
        trials = self.study.get_trials(deepcopy=False)
        self.ended = sum(trial.state in ENDED for trial in trials)
        self.advance(self.ended)
        sign = -1.0 if self.study.directions[0] == optuna.study.StudyDirection.MAXIMIZE else 1.0
        for trial in trials:
            if trial.state == TrialState.COMPLETE and (self.best is None or sign * trial.values[0] < self.best):
                what = "the best so far" if trial.number else "the settings that all begins with"
                self.best = sign * trial.values[0]
                note(f"trial {trial.number}: {self.objective} {trial.values[0]:.5f}, {what}")
