"""The search itself: workers at their trials until there are enough, with what is found shown on the screen."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState
from scipy import sparse

from data_schemas.errors import RunError
from experiments.session.interrupts import terminated_as_interrupted
from experiments.session.progress import advance_to
from experiments.session.run import Run
from experiments.sweep.arrays import SEARCH, Arrays
from experiments.sweep.early_stopping import is_flat
from experiments.sweep.objective import Task
from experiments.sweep.storage import disk_errors
from experiments.sweep.study import (
    CHOSEN,
    ENDED,
    RETRIED,
    StudyPlan,
    counted,
    requeue,
    requeue_of_worker,
    requeue_stale,
)
from experiments.sweep.worker import WorkerOrder
from experiments.sweep.worker_pool import WorkerPool
from experiments.train.choices import choose_aloud
from features.encoders.threads import n_threads
from fusion.config import TextConfig
from fusion.model.search_space import active_settings, with_held_given

MAX_FAILURES = 10
LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 600.0  # with a worker that was asked to stop: one fold of the largest trial, on a busy machine
GO_ON = "interrupted; nothing that ended is lost, and the same command goes on"


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    trials: that finish or are pruned, those of earlier runs included.
    workers: processes side by side.
    threads: processors per worker.
    timeout: seconds after which no trial is begun, or None.
    seed: of the search.
    until_flat: whether to stop when more trials promise nothing.
    """

    trials: int
    workers: int
    threads: int
    timeout: float | None = None
    seed: int = 0
    until_flat: bool = False


def effort_of(trials: int, workers: int, timeout: float | None, seed: int, until_flat: bool) -> Effort:
    """The processors that torch may use are shared out among the workers; ``workers`` 0 means one for each."""
    processors = n_threads()
    n_workers = workers or processors
    return Effort(trials, n_workers, max(1, processors // n_workers), timeout, seed, until_flat)


def search_until_enough(study: optuna.Study, plan: StudyPlan, task: Task, effort: Effort, run: Run) -> bool:
    """Let workers run trials until there are enough, the default settings first, then those that ``train`` would
    choose; whether that was interrupted.

    Raises RunError for workers that fail or die, and when trials fail one after the other; ContractError as choosing
    settings does; KeyboardInterrupt where Ctrl-C comes before the first trial.
    """
    deadline = None if effort.timeout is None else time.time() + effort.timeout
    if effort.trials > 1 and _wanted(study, effort, deadline):
        with disk_errors(plan.folder):
            begin_with_default(study, task)
            begin_with_chosen(study, task, run)
    pool = WorkerPool(plan.folder, lambda pid, counts: requeue_of_worker(study, pid, counts))
    with disk_errors(plan.folder), run.stage("search", total=effort.trials, unit="trials") as advance:
        progress = _Progress(study, run, task.objectives[0], advance_to(advance))
        try:
            with terminated_as_interrupted():
                while _wanted(study, effort, deadline):
                    refuse_failures(study)
                    begin_with_default(study, task)
                    goal = _goal(study, effort)
                    n_workers = min(effort.workers, goal - counted(study))
                    for number in range(n_workers):
                        pool.start(WorkerOrder(task, plan, number, goal, deadline, effort.threads, effort.until_flat))
                    if n_workers <= 0:
                        progress.wait()
                    _watch(pool, study, progress)
                    requeue_stale(study)
                    refuse_failures(study)
                    time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            _stop(pool, run)
            return True
        finally:
            pool.kill()
            progress.update()
    return False


def begin_with_default(study: optuna.Study, task: Task) -> None:
    """Queue the settings that all begins with, as trial 0; again when no try of them has ended or still may, since
    every comparison is with them.
    """
    tries = tries_of_default(study)
    if not tries:
        study.enqueue_trial(active_settings(task.base, task.space), skip_if_exists=True)
    elif all(trial.state in (TrialState.FAIL, TrialState.PRUNED) for trial in tries):
        requeue(study, tries[0], counts=False)


def begin_with_chosen(study: optuna.Study, task: Task, run: Run) -> None:
    """Queue the settings that ``train`` would choose on the rows searched with, after the default ones; once per study.

    They lie inside the space. What the space does not search counts as given, and words are counted in the ways that
    the arrays hold.
    """
    if CHOSEN in study.user_attrs:
        return
    arrays, base = Arrays(task.arrays), with_held_given(task.base, task.space)

    def read_words(text: TextConfig) -> sparse.csr_matrix:
        return arrays.sample(SEARCH, base.model_copy(update={"text": text})).design.text.x_lex

    found = choose_aloud(arrays.sample(SEARCH, base), base, read_words, run, task.space.allows)
    settings = active_settings(found.config, task.space)
    study.enqueue_trial(settings, skip_if_exists=True)
    study.set_user_attr(CHOSEN, settings)


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
    has_default = any(trial.state == TrialState.COMPLETE for trial in tries_of_default(study))
    n_ended = len(study.get_trials(deepcopy=False, states=ENDED))
    return not has_default or (n_ended < effort.trials and not _is_flat(study, effort))


def _goal(study: optuna.Study, effort: Effort) -> int:
    """How many trials are to be ended or running: more than there are where the default settings wait to be run."""
    waits = any(trial.state == TrialState.WAITING for trial in tries_of_default(study))
    return max(counted(study) + int(waits), 0 if _is_flat(study, effort) else effort.trials)


def _is_flat(study: optuna.Study, effort: Effort) -> bool:
    return effort.until_flat and is_flat(study)


def _watch(pool: WorkerPool, study: optuna.Study, progress: _Progress) -> None:
    """Until the workers are done; raises as ``search_until_enough`` does."""
    while pool.replace_dead():
        time.sleep(LOOK_SECONDS)
        if progress.update():
            pool.deaths = 0
        refuse_failures(study)


def _stop(pool: WorkerPool, run: Run) -> None:
    """Let every worker end its fold; a second Ctrl-C does not wait for that."""
    run.note("stopping after the current fold; Ctrl-C again to stop at once")
    try:
        pool.ask_to_stop()
        pool.wait(PATIENCE_SECONDS)
    except KeyboardInterrupt:
        pass
    run.note(GO_ON)


@dataclass
class _Progress:
    """Shows how many trials there are, and each new best one: not those of earlier runs.

    study: it.
    run: the screen and the log.
    objective: name of the first one.
    advance: takes how many trials have ended.
    best: the least loss so far.
    ended: trials so far.
    waiting: whether it was noted that trials run elsewhere.
    """

    study: optuna.Study
    run: Run
    objective: str
    advance: Callable[[int], None]
    best: float | None = None
    ended: int = 0
    waiting: bool = False

    def __post_init__(self) -> None:
        self._count(lambda _: None)

    def update(self) -> bool:
        """Note what is new since the last time; whether a trial has ended since."""
        before = self.ended
        self._count(self.run.note)
        return self.ended > before

    def wait(self) -> None:
        """Note once that the trials which are still missing run elsewhere."""
        if not self.waiting:
            n_running = len(self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))
            self.run.note(f"waiting for the trials that run elsewhere ({n_running}); those of dead workers come back")
        self.waiting = True

    def _count(self, note: Callable[[str], object]) -> None:
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
