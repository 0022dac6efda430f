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
from collections.abc import Callable
from dataclasses import dataclass

import lightgbm as lgb
import optuna
import torch
from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import MaxTrialsCallback
from optuna.trial import FrozenTrial, TrialState
from pydantic import TypeAdapter

from data_schemas.errors import ContractError, UserError
from experiments.sweep.early_stopping import stop_when_flat
from experiments.sweep.objective import StopTrialError, Task, run_trial
from experiments.sweep.storage import database_errors, disk_errors, quiet
from experiments.sweep.study import COUNTED, INTERRUPTED, StudyPlan, counted, open_study, requeue

CAUGHT = (ArithmeticError, ValueError, ContractError, lgb.basic.LightGBMError)
"""Failures of one trial's settings, not of the sweep; the trial counts as failed, with its reason."""


@dataclass(frozen=True)
class WorkerOrder:
    """What a worker has to do.

    task: what is searched.
    plan: where the study is.
    number: of the worker, from 0.
    n_trials: to be finished, pruned or running in all, whoever runs them.
    deadline: seconds since 1970 after which no trial is begun, or None.
    threads: processors to use.
    until_flat: whether to stop when more trials promise less than the folds' own noise.
    """

    task: Task
    plan: StudyPlan
    number: int
    n_trials: int
    deadline: float | None
    threads: int
    until_flat: bool


ORDER = TypeAdapter(WorkerOrder)


@dataclass
class Objective:
    """What Optuna calls for every trial.

    task: what is searched.
    stop: whether to give up, asked after every fold.
    number: of the latest trial.
    failed: whether it failed by itself.
    """

    task: Task
    stop: Callable[[], bool]
    number: int = -1
    failed: bool = False

    def __call__(self, trial: optuna.Trial) -> float | tuple[float, ...]:
        """The trial's values; the reason of a failure, or that it was interrupted, is noted on it."""
        self.number, self.failed = trial.number, False
        try:
            return run_trial(trial, self.task, self.stop)
        except (optuna.TrialPruned, UpdateFinishedTrialError):
            raise
        except StopTrialError:
            trial.set_user_attr(INTERRUPTED, True)
            raise
        except BaseException as error:
            if isinstance(error, CAUGHT):
                reason = error.message if isinstance(error, UserError) else type(error).__name__
                trial.set_user_attr("error", reason)
            self.failed = True
            raise

    def was_taken_over(self, study: optuna.Study) -> bool:
        """Whether another process has failed the latest trial and queued it again, as it gave no sign of life.

        A machine that slept finds this when it wakes.
        """
        states = {trial.number: trial.state for trial in study.get_trials(deepcopy=False)}
        return not self.failed and states.get(self.number) == TrialState.FAIL


def work(order: WorkerOrder, stop: Callable[[], bool]) -> None:
    """Run trials until there are enough, time is up, the study is flat, or ``stop`` says so.

    Workers that end in the same moment may start one more trial each. Raises what a trial raises that is no fault of
    its settings.
    """
    torch.set_num_threads(order.threads)
    study = open_study(order.plan, order.number)
    objective = Objective(order.task, stop)

    def stop_when_asked(study: optuna.Study, _: FrozenTrial) -> None:
        if stop():
            study.stop()

    callbacks: list[Callable[[optuna.Study, FrozenTrial], None]]
    callbacks = [MaxTrialsCallback(order.n_trials, COUNTED), stop_when_asked]
    callbacks += [stop_when_flat()] if order.until_flat else []
    while counted(study) < order.n_trials and not stop():
        left = None if order.deadline is None else max(0.0, order.deadline - time.time())
        try:
            with quiet():
                study.optimize(objective, timeout=left, callbacks=callbacks, catch=CAUGHT)
            return
        except StopTrialError:
            requeue(study, study.trials[objective.number], counts=False)
            return
        except (ValueError, AssertionError):  # so Optuna calls it when the trial has failed already
            if not objective.was_taken_over(study):
                raise


def main() -> int:
    """Take the order from stdin and work; 0 done, 1 failed."""
    order = ORDER.validate_json(sys.stdin.read())
    parent, asked = int(sys.argv[1]), threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: asked.set())
    try:
        with database_errors(), disk_errors(order.plan.folder):
            work(order, lambda: asked.is_set() or os.getppid() != parent)
    except UserError as error:
        print(json.dumps({"message": error.message, "remedy": error.remedy}), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
