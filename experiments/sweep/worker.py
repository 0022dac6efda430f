"""A process that runs trials of a study until there are enough of them.

    python -m experiments.sweep.worker PARENT < order.json

It ends with its current trial queued again when it is asked to (SIGTERM), or when the process PARENT, which started
it, is gone.
Ctrl-C is the business of that process. What went wrong goes to stderr as one line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import optuna
import torch
from optuna.trial import FrozenTrial
from pydantic import TypeAdapter

from data_schemas.errors import ContractError, UserError
from experiments.sweep.early_stopping import stop_when_flat
from experiments.sweep.objective import StopTrialError, Task, run_trial
from experiments.sweep.storage import disk_told, loss_told, quiet
from experiments.sweep.study import (
    CUT,
    INTERRUPTED,
    StudyPlan,
    counted,
    enough,
    open_study,
    requeue,
    was_taken_over,
)

CAUGHT = (ArithmeticError, ValueError, ContractError, lgb.basic.LightGBMError)
"""Failures of one trial's settings, not of the sweep; the trial counts as failed, with its reason."""


@dataclass(frozen=True)
class WorkerOrder:
    """What a worker is told. number: from 0. n_trials: in all, by all workers. deadline: seconds since 1970, or None.
    threads: processors to use. until_flat: stop when more trials promise less than the folds' own noise.
    """

    task: Task
    plan: StudyPlan
    number: int
    n_trials: int
    deadline: float | None
    threads: int
    until_flat: bool


ORDER = TypeAdapter(WorkerOrder)

Trial = Callable[[optuna.Trial], float | tuple[float, ...]]
Callback = Callable[[optuna.Study, FrozenTrial], None]


def work(order: WorkerOrder, stop: Callable[[], bool]) -> None:
    """Run trials until there are enough, time is up, the study is flat, or ``stop`` says so.

    Raises what a trial raises that is no fault of its settings.
    """
    torch.set_num_threads(order.threads)
    study = open_study(order.plan, order.number)
    ended = [enough(order.n_trials), *([stop_when_flat()] if order.until_flat else [])]

    cut: list[int] = []

    def trial(of: optuna.Trial) -> float | tuple[float, ...]:
        try:
            return run_trial(of, order.task, stop)
        except CAUGHT as error:
            of.set_user_attr("error", error.message if isinstance(error, UserError) else type(error).__name__)
            raise
        except StopTrialError:
            of.set_user_attr(CUT, INTERRUPTED)
            cut.append(of.number)
            raise

    try:
        while counted(study) < order.n_trials and not stop():
            if _optimize(study, trial, [*ended, _when_told(stop)], order.deadline):
                return
    except StopTrialError:
        trials = study.get_trials(deepcopy=False)
        for number in cut:
            requeue(study, trials[number], INTERRUPTED)


def _optimize(study: optuna.Study, trial: Trial, callbacks: Sequence[Callback], deadline: float | None) -> bool:
    """Run trials until a callback says that it is enough; False when the worker was held up for so long that another
    process has failed its trial and queued it again.
    """
    left = None if deadline is None else max(0.0, deadline - time.time())
    try:
        with quiet():
            study.optimize(trial, timeout=left, callbacks=list(callbacks), catch=CAUGHT)
    except ValueError as error:
        if was_taken_over(error):
            return False
        raise
    return True


def _when_told(stop: Callable[[], bool]) -> Callback:
    """Stops between two trials."""

    def stop_when_told(study: optuna.Study, _: FrozenTrial) -> None:
        if stop():
            study.stop()

    return stop_when_told


def main() -> int:
    """Take the order from stdin and work; 0 done, 1 failed."""
    order = ORDER.validate_json(sys.stdin.read())
    parent, told = int(sys.argv[1]), threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: told.set())
    try:
        with loss_told(), disk_told(order.plan.folder):
            work(order, lambda: told.is_set() or os.getppid() != parent)
    except UserError as error:
        print(json.dumps({"message": error.message, "remedy": error.remedy}), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
