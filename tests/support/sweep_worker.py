"""A sweep's worker with a cheap trial, for tests that kill it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import optuna

from experiments.sweep import worker as product
from experiments.sweep.objective import Task
from experiments.sweep.study import ENDED, StudyPlan, counted, open_study, requeue_stale, sign
from fusion.config import Config
from fusion.model.search_space import full_space

N_FOLDS = 3
RELEASE = "release"
TASK = Task(Config(), full_space(), ("log_loss",), "random", Path("unused"))


@dataclass(frozen=True)
class Job:
    """What the workers do.

    hold_after: once so many trials are finished, the first worker stops in the middle of its next one, until a file
    named ``RELEASE`` is there.
    """

    plan: StudyPlan
    n_trials: int
    fold_seconds: float
    hold_after: int | None = None


def finished(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False, states=ENDED))


def hold(trial: optuna.Trial, release: Path) -> None:
    """Wait in the middle of a trial, and say so in the study."""
    trial.set_user_attr("held", True)
    while not release.exists():
        time.sleep(0.02)


def work(job: Job, worker: int, release: Path) -> None:
    """Trials until so many are finished; a trial that a dead worker left is waited for and retried."""
    held_after = job.hold_after if worker == 0 else None
    study = open_study(job.plan, worker)

    def cheap(trial: optuna.Trial, _task: Task, _stop: Callable[[], bool]) -> float:
        sign(trial)
        x = trial.suggest_float("x", -1.0, 1.0)
        for fold in range(1, N_FOLDS + 1):
            time.sleep(job.fold_seconds)
            trial.report(x * x + 0.1 / fold, fold)
            if trial.should_prune():
                raise optuna.TrialPruned
            if fold == 1 and held_after is not None and finished(study) >= held_after and not release.exists():
                hold(trial, release)
        return x * x

    setattr(product, "run_trial", cheap)  # noqa: B010  # mypy would refuse a plain assignment
    while finished(study) < job.n_trials:
        requeue_stale(study)
        if counted(study) < job.n_trials:
            product.work(product.WorkerOrder(TASK, job.plan, worker, job.n_trials, None, 1, False), lambda: False)
        else:
            time.sleep(0.2)
