"""What a trial is: settings that the study proposes, a model trained with them, and what it is worth.

A trial fits what ``train`` would fit with these settings on the rows searched with, and its figures are those that
training would print of these rows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import optuna

from data_schemas.errors import ContractError
from experiments.sweep.arrays import SEARCH, Arrays
from experiments.sweep.early_stopping import note_scores
from experiments.sweep.study import sign
from features.arrays import Floats
from features.design import Design
from fusion.config import Config
from fusion.metrics import auc, both_classes, brier, ks, log_loss
from fusion.model.cross_validation import Folds, cross_validate
from fusion.model.fusion_model import FusionModel
from fusion.model.search_space import Space, active_settings, suggest

COST = "cost"
COST_ROWS = 1000
QUALITY: Mapping[str, Callable[[Floats, Floats], float]] = {"log_loss": log_loss, "brier": brier, "auc": auc, "ks": ks}
"""Objectives by name, of outcomes and margins (m,). The one that is missing here is ``COST``."""

MEANS = ("log_loss", "brier")
"""Those that are a mean over the rows, so that every fold has its own share of them."""


class StopTrialError(Exception):
    """The worker was asked to stop while a trial was running."""


@dataclass(frozen=True)
class Task:
    """What is searched and how a trial is judged. arrays: the folder of ``write_arrays``."""

    base: Config
    space: Space
    objectives: tuple[str, ...]
    folds: Folds
    arrays: Path


def run_trial(trial: optuna.Trial, task: Task, stop: Callable[[], bool]) -> float | tuple[float, ...]:
    """The objectives of the settings that a trial proposes; what else was measured is noted on the trial.

    stop: whether to give up, asked after every fold. Raises TrialPruned, StopTrialError where ``stop`` asks for it, and
    ContractError for an objective that is no number. The base settings, which all are compared with, are never pruned.
    """
    sign(trial)
    clock = _Clock()
    try:
        config = suggest(trial, task.space, task.base)
        trial.set_user_attr("config", active_settings(config, task.space))
        sample = Arrays(task.arrays).sample(SEARCH, config)
        watcher = _Watcher(trial, task, config, stop, clock)
        with clock.fitting():
            result = cross_validate(sample, config, task.folds, watcher)
        figures = {**result.figures(), COST: cost(result.model, sample.design)}
        _refuse_undefined(figures, task.objectives, result.y)
        trial.set_user_attr("figures", figures)
        if watcher.scores:
            note_scores(trial, watcher.scores)
    finally:
        trial.set_user_attr("seconds", clock.seconds())
    values = tuple(figures[name] for name in task.objectives)
    return values[0] if len(values) == 1 else values


def _refuse_undefined(figures: Mapping[str, float], objectives: tuple[str, ...], y: Floats) -> None:
    """Raise ContractError for an objective that is no number: Optuna would forget the trial without a word."""
    for name in objectives:
        if not math.isfinite(figures[name]):
            reason = f"it is {figures[name]}" if both_classes(y) else "the judged rows hold one class"
            raise ContractError(
                f"{name} does not exist: {reason}", "Look at the judged rows: both outcomes must be there."
            )


def cost(model: FusionModel, design: Design) -> float:
    """Milliseconds of one processor that 1,000 rows take to be scored from stored vectors."""
    rows = np.arange(min(COST_ROWS, len(design)))
    taken = design.take(rows)
    began = time.thread_time()
    model.predict(taken, threads=1)
    return 1e6 * (time.thread_time() - began) / len(rows)


@dataclass
class _Clock:
    """Seconds of a trial, in all and spent in fitting."""

    began: float = field(default_factory=time.perf_counter)
    fit: float = 0.0

    @contextmanager
    def fitting(self) -> Iterator[None]:
        """Count what happens inside as fitting."""
        since = time.perf_counter()
        try:
            yield
        finally:
            self.fit += time.perf_counter() - since

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Inside ``fitting``: do not count what happens here."""
        since = time.perf_counter()
        try:
            yield
        finally:
            self.fit -= time.perf_counter() - since

    def seconds(self) -> dict[str, float]:
        """So far, for the study."""
        return {"fit": round(self.fit, 3), "total": round(time.perf_counter() - self.began, 3)}


@dataclass
class _Watcher:
    """Tells the study what a trial is worth after every fold, and ends it where that is too little.

    scores: the objective of each fold, where it is a mean over rows. Each is the difference of two totals, before and
    after the fold, whose margins are blends fitted anew: near the fold's own loss, and not quite it.
    """

    trial: optuna.Trial
    task: Task
    config: Config
    stop: Callable[[], bool]
    clock: _Clock
    scores: list[float] = field(default_factory=list)
    total: float = 0.0
    n_rows: int = 0

    def __call__(self, n_done: int, y: Floats, margin: Floats) -> None:
        """See ``fusion.model.training.Watch``. Raises as ``run_trial`` does."""
        with self.clock.resting():
            if self.stop():
                raise StopTrialError
            name = self.task.objectives[0]
            if len(self.task.objectives) > 1 or name == COST:  # Optuna prunes by one objective
                return
            value = QUALITY[name](y, margin)
            if not math.isfinite(value):  # one class so far; the pruner would take it for the worst
                return
            if name in MEANS:
                self.scores.append((value * len(y) - self.total) / (len(y) - self.n_rows))
                self.total, self.n_rows = value * len(y), len(y)
            self.trial.report(value, n_done)
            may_end = n_done < self.config.folds.n_folds and self.config != self.task.base
            if may_end and self.trial.should_prune():
                raise optuna.TrialPruned
