"""Training the fused model: every part once per fold, blended and calibrated on rows that the parts never saw."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TypeVar

import lightgbm as lgb
import numpy as np
import torch
from threadpoolctl import threadpool_limits

from data_schemas.errors import ContractError
from features.arrays import Dates, Floats, Index, Ints
from features.design import Design
from features.encoders.threads import lone_workers
from fusion.config import Config
from fusion.metrics import base_log_odds, both_classes, fit_logistic_line
from fusion.model.basis import Basis, HeadInputs
from fusion.model.calibration import fit_blend
from fusion.model.folds import assign_folds
from fusion.model.fusion_model import Assembly, FusionModel, Margins, TextModel
from fusion.model.head import Head, fit_head, training_device
from fusion.model.recency import recency_weight
from fusion.model.stacker import Stacker, fit_booster, stacker_inputs

Part = TypeVar("Part")

Step = Callable[[], None]
"""Told that one more part is fitted; ``n_steps`` times in all."""

Watch = Callable[[int, Floats, Floats], None]
"""Told, after each fold of the fused model, how many folds are done, and outcome and out-of-fold margin, (m,), of the
rows in them. What it raises ends the fit."""


@dataclass(frozen=True)
class TrainingSample:
    """Decided applications to learn from.

    y: float64 (n,), 1 bad and 0 good. groups: int64 (n,), rows with one number never part (``folds.tied_groups``).
    monotone: +1, 0 or -1 per numeric column. decided: datetime64 (n,), or None; older decisions count less
    (``recency.recency_weight``).
    """

    design: Design
    y: Floats
    groups: Ints
    monotone: tuple[int, ...]
    decided: Dates | None = None

    def __post_init__(self) -> None:
        n, n_num = len(self.design), len(self.design.tabular.num_names)
        if len(self.y) != n or len(self.groups) != n or (self.decided is not None and len(self.decided) != n):
            raise ValueError(f"{n} rows with {len(self.y)} outcomes and {len(self.groups)} groups")
        if len(self.monotone) != n_num:
            raise ValueError(f"{len(self.monotone)} directions for {n_num} numeric columns")

    def __len__(self) -> int:
        return len(self.y)

    def take(self, index: Index) -> TrainingSample:
        """The rows at these positions."""
        decided = None if self.decided is None else self.decided[index]
        return TrainingSample(self.design.take(index), self.y[index], self.groups[index], self.monotone, decided)


def fit(
    sample: TrainingSample, config: Config, step: Step = lambda: None, watch: Watch = lambda _n, _y, _margin: None
) -> tuple[FusionModel, Margins]:
    """Train the fused model and both ablations; also every row's out-of-fold margins.

    Equal input, equal bits on the CPU, whoever watches. Raises ContractError when there are too few rows of either
    outcome to fill the folds.
    """
    training = _Training.of(sample, config, step)
    with threadpool_limits(1, user_api="blas"):  # sums in another order would have other last digits
        return _fit_parts(training, watch)


def _fit_parts(training: _Training, watch: Watch) -> tuple[FusionModel, Margins]:
    sample, config = training.sample, training.config
    basis = Basis.fit(sample.design, config, sample.monotone)
    inputs = basis.inputs(sample.design)
    text_head, text = _fit_text_head(inputs.without_columns(), training)
    fused, fused_margin = _fit_assembly(inputs, text, training, watch)
    columns, columns_margin = _fit_assembly(inputs.without_text(), text[:, :0], training)
    slope, intercept = fit_logistic_line(sample.y, text.sum(axis=1))
    line = (slope, intercept) if np.isfinite(slope) else (0.0, base_log_odds(sample.y))
    text_only = TextModel(text_head, *line)
    model = FusionModel(basis, fused, columns, text_only, config.scale)
    return model, Margins(fused_margin, columns_margin, text_only.margin(text))


def n_steps(config: Config) -> int:
    """How often ``fit`` calls its ``step``."""
    return 3 * config.folds.n_folds


@dataclass(frozen=True)
class _Training:
    """What every part is fitted from. weight: float64 (n,), how much each row counts. fold: int64 (n,), held-out fold
    of each row. gpu_turn: heads are fitted one at a time where there is a GPU.
    """

    sample: TrainingSample
    config: Config
    weight: Floats
    fold: Ints
    device: torch.device
    gpu_turn: threading.Lock
    step: Step

    @staticmethod
    def of(sample: TrainingSample, config: Config, step: Step) -> _Training:
        """Deal out the folds; raises as ``fit`` does."""
        y, folds = sample.y, config.folds
        n_bad, most = int(y.sum()), folds.n_folds
        if min(n_bad, len(y) - n_bad) < most:
            raise ContractError(
                f"training needs at least {most} bad and {most} good outcomes, got {n_bad} bad of {len(y)} rows",
                "Add rows, or check which target values the schema calls bad.",
            )
        fold = assign_folds(y, sample.groups, folds.n_folds, folds.seed)
        if not all(both_classes(y[fold != number]) for number in range(folds.n_folds)):
            raise ContractError(
                "rows that share a narrative or an applicant must share a fold, and dealt out so they leave some of "
                f"the {folds.n_folds} fold models without a bad or without a good outcome to learn from",
                "Add rows, or strip the text that many narratives have in common (creditfusion.strip in the schema).",
            )
        weight = recency_weight(sample.decided, len(y), folds.half_life_years)
        return _Training(sample, config, weight, fold, training_device(), threading.Lock(), step)

    def each_fold(self, fit_on: Callable[[Index, int], Part], done: Callable[[int, Index, Part], None]) -> None:
        """``fit_on(training rows, seed)`` for every fold, side by side, and ``done(fold, held-out rows, what was
        fitted)`` in order.

        No more folds are begun than there are threads while one waits for ``done``: what that raises ends the work.
        """
        at_once = torch.get_num_threads()
        waiting: deque[tuple[int, Callable[[], Part]]] = deque()

        def take() -> None:
            number, result = waiting.popleft()
            done(number, np.flatnonzero(self.fold == number), result())
            self.step()

        with lone_workers(torch.device("cpu")) as pool:
            for number in range(self.config.folds.n_folds):
                seed = self.config.folds.seed + number
                waiting.append((number, pool.submit(fit_on, np.flatnonzero(self.fold != number), seed).result))
                if len(waiting) == at_once:
                    take()
            while waiting:
                take()

    def head(self, inputs: HeadInputs, rows: Index) -> Head:
        """A head that learned from these rows."""
        taken = inputs.take(rows)
        with nullcontext() if self.device.type == "cpu" else self.gpu_turn:
            return fit_head(taken, self.sample.y[rows], self.config.head, self.device, self.weight[rows])


def _fit_text_head(inputs: HeadInputs, training: _Training) -> tuple[Head, Floats]:
    """The mean of one text-only head per fold, and the out-of-fold log-odds of each row's narratives,
    (n, n_narratives).
    """
    heads: list[Head] = []
    text = np.zeros(inputs.x_absent.shape)

    def done(_number: int, rows: Index, head: Head) -> None:
        heads.append(head)
        text[rows] = head.output(inputs.take(rows)).text

    training.each_fold(lambda rows, _seed: training.head(inputs, rows), done)
    return Head.mean(heads), text


def _fit_assembly(
    inputs: HeadInputs, text: Floats, training: _Training, watch: Watch | None = None
) -> tuple[Assembly, Floats]:
    """A joint head, boosters that also see out-of-fold ``text`` (n, n_narratives), and the blend of what both say of
    rows that they never saw; with its margins.
    """
    sample, config = training.sample, training.config
    tabular = sample.design.tabular
    x = stacker_inputs(tabular, text)
    directions = [*sample.monotone, *[0] * len(tabular.cat_names), *[1] * text.shape[1]]
    fitted: list[tuple[Head, lgb.Booster]] = []
    head, stacker = np.zeros(len(x)), np.zeros(len(x))
    seen = np.zeros(len(x), dtype=np.bool_)

    def fit_on(rows: Index, seed: int) -> tuple[Head, lgb.Booster]:
        booster = fit_booster(x[rows], sample.y[rows], directions, config.stacker, seed, training.weight[rows])
        return training.head(inputs, rows), booster

    def done(number: int, rows: Index, parts: tuple[Head, lgb.Booster]) -> None:
        fitted.append(parts)
        seen[rows] = True
        head[rows] = parts[0].output(inputs.take(rows)).margin
        stacker[rows] = Stacker((parts[1],)).margin(x[rows])
        if watch is not None:
            blend = fit_blend(sample.y[seen], stacker[seen], head[seen], config.blend)
            watch(number + 1, sample.y[seen], blend.margin(stacker[seen], head[seen]))

    training.each_fold(fit_on, done)
    blend = fit_blend(sample.y, stacker, head, config.blend)
    heads, boosters = zip(*fitted, strict=True)
    return Assembly(Head.mean(heads), Stacker(boosters), blend), blend.margin(stacker, head)
