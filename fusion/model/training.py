"""Training the fused model: every member once per fold, blended and calibrated on rows that the members never saw.

The members are linear heads and boosted trees, one of each on the outcome and on every auxiliary outcome.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from data_schemas.errors import ContractError
from features.arrays import Flags, Floats, Index, Ints
from features.design import InputGroup
from features.encoders.threads import lone_workers, n_threads
from fusion.config import Config, FoldConfig
from fusion.metrics import base_log_odds, both_classes, fit_logistic_line
from fusion.model.basis import Basis, HeadInputs
from fusion.model.boosted_trees import Booster
from fusion.model.calibration import fit_blend, says_something
from fusion.model.folds import assign_folds
from fusion.model.fusion_model import OUTCOME, Assembly, FusionModel, Margins, Member, TextModel, Without
from fusion.model.head import Head
from fusion.model.head_fitting import fit_head, training_device
from fusion.model.lesson import Lesson
from fusion.model.recency import row_weight
from fusion.model.stacker import Stacker, fit_booster, stacker_inputs
from fusion.model.text_components import TextComponents, text_columns
from fusion.model.training_sample import TrainingSample

Part = TypeVar("Part")

Step = Callable[[], None]
"""Told that one more part is fitted; ``n_steps`` times in all."""

Watch = Callable[[int, Floats, Floats], None]
"""Told, after each fold of the fused model, how many folds are done, and outcome and out-of-fold margin, (m,), of the
rows in them. What it raises ends the fit."""


FEW_ROWS = 3_000
"""Fewer training rows are dealt into folds several times, unless the settings say how often."""
REPEATS = 3
MIN_TAUGHT = 100  # known values of an auxiliary outcome, below which it teaches nothing


def fit(
    sample: TrainingSample, config: Config, step: Step = lambda: None, watch: Watch = lambda _n, _y, _margin: None
) -> tuple[FusionModel, Margins]:
    """Train the fused model and its ablations; also every row's out-of-fold margins.

    Equal input, equal bits on the CPU, whoever watches. Raises ContractError when there are too few rows of either
    outcome to fill the folds.
    """
    training = Training.of(sample, config, step)
    with threadpool_limits(1, user_api="blas"):  # sums in another order would have other last digits
        return _fit_parts(training, watch)


def _fit_parts(training: Training, watch: Watch) -> tuple[FusionModel, Margins]:
    sample, config = training.sample, training.config
    basis = Basis.fit(sample.design, config, sample.monotone)
    inputs = basis.inputs(sample.design)
    text_head, text = fit_text_head(inputs.without_columns(), training)
    components = TextComponents.fit(inputs, config.stacker.text_components, config.folds.seed)
    fused_rows = TreeRows.of(sample, text, text_columns(components, inputs, sample.design.text))
    fused, fused_margin = _fit_assembly(inputs, fused_rows, training, watch)
    columns, columns_margin = _fit_assembly(inputs.without_text(), TreeRows.of(sample, text[:, :0]), training)
    slope, intercept = fit_logistic_line(sample.y, text.sum(axis=1), sample.weight)
    line = (slope, intercept) if np.isfinite(slope) else (0.0, base_log_odds(sample.y, sample.weight))
    text_only = TextModel(text_head, *line)
    n_style = sample.design.text.x_style.shape[2]
    without, without_margin = [], {}
    for group in sample.sources:
        ablation, margin = _fit_without(group, basis, components, (text_head, text), training)
        without.append(ablation)
        without_margin[group.name] = margin
    model = FusionModel(basis, components, n_style, fused, columns, text_only, config.scale, tuple(without))
    return model, Margins(fused_margin, columns_margin, text_only.margin(text), without_margin)


def _fit_without(
    group: InputGroup, basis: Basis, components: TextComponents, alone: tuple[Head, Floats], training: Training
) -> tuple[Without, Floats]:
    """The fused model again, on rows that lack a group of inputs; with its margins.

    Args:
        alone: the text-only head of all narratives and its out-of-fold log-odds, which a group without narratives
            leaves as they are.
    """
    sample = replace(training.sample, design=training.sample.design.without(group))
    inputs = basis.inputs(sample.design)
    head, text = fit_text_head(inputs.without_columns(), training) if group.narratives else alone
    trees = TreeRows.of(sample, text, text_columns(components, inputs, sample.design.text))
    fused, margin = _fit_assembly(inputs, trees, training)
    return Without(group, head, fused), margin


def n_steps(config: Config, n_rows: int, sources: Sequence[InputGroup] = ()) -> int:
    """How often ``fit`` calls its ``step`` for so many training rows."""
    n_fits = 3 + sum(2 if group.narratives else 1 for group in sources)
    return n_fits * config.folds.n_folds * n_repeats(config.folds, n_rows)


def n_repeats(config: FoldConfig, n_rows: int) -> int:
    """How often so many training rows are dealt into folds."""
    return config.n_repeats or (REPEATS if n_rows < FEW_ROWS else 1)


@dataclass(frozen=True)
class Task:
    """What a member learns.

    Attributes:
        name: ``OUTCOME``, or that of an auxiliary outcome.
        y: float64 (n,), outcomes; or an auxiliary outcome, standardised, 0 where unknown.
        weight: float64 (n,), how much each row counts (``row_weight``); 0 where unknown. An auxiliary outcome has the
            variance of the outcome as a factor: so penalties shrink a member as much as one on the outcome, whose rows
            carry as much information.
    """

    name: str
    y: Floats
    weight: Floats

    @property
    def squared(self) -> bool:
        """Whether numbers are learned, not the outcome."""
        return self.name != OUTCOME

    def lesson(self, rows: Index) -> Lesson:
        """The task on some rows."""
        return Lesson(self.y[rows], self.weight[rows], self.squared)


def _tasks(sample: TrainingSample, half_life_years: float) -> tuple[Task, ...]:
    """The outcome, then the auxiliary outcomes that are known often enough and go with it: others teach nothing of it,
    though trees bound to the schema's risk directions would rank by them.
    """
    weight = row_weight(sample.decided, len(sample), half_life_years, sample.weight)
    bad_rate = np.average(sample.y, weights=sample.weight)
    variance = float(bad_rate * (1.0 - bad_rate))
    tasks = [Task(OUTCOME, sample.y, weight)]
    for one in sample.auxiliary:
        known = np.isfinite(one.values)
        values, count = one.values[known], sample.relative_weight[known]
        if known.sum() >= MIN_TAUGHT and says_something(sample.y[known], values, count):
            mean = np.average(values, weights=count)
            spread = np.sqrt(np.average(np.square(values - mean), weights=count))
            standardised = np.where(known, (one.values - mean) / spread, 0.0)
            tasks.append(Task(one.name, standardised, weight * known * variance))
    return tuple(tasks)


@dataclass(frozen=True)
class Training:
    """What every member is fitted from.

    Attributes:
        sample: the rows.
        config: settings.
        tasks: what the members learn, the outcome first.
        fold: int64 (n_repeats, n), the fold that holds out each row each time that they are dealt.
        device: of the heads.
        gpu_turn: heads are fitted one at a time where there is a GPU.
        step: called after each fitted fold.
    """

    sample: TrainingSample
    config: Config
    tasks: tuple[Task, ...]
    fold: Ints
    device: torch.device
    gpu_turn: threading.Lock
    step: Step

    @staticmethod
    def of(sample: TrainingSample, config: Config, step: Step = lambda: None) -> Training:
        """Deal out the folds; raises as ``fit`` does."""
        y, folds = sample.y, config.folds
        n_bad, most = int(y.sum()), folds.n_folds
        if min(n_bad, len(y) - n_bad) < most:
            raise ContractError(
                f"training needs at least {most} bad and {most} good outcomes, got {n_bad} bad of {len(y)} rows",
                "Add rows, or check which target values the schema calls bad.",
            )
        seeds = range(folds.seed, folds.seed + n_repeats(folds, len(y)))
        fold = np.stack([assign_folds(y, sample.groups, folds.n_folds, seed) for seed in seeds])
        if not all(both_classes(y[one != number]) for one in fold for number in range(folds.n_folds)):
            raise ContractError(
                "rows that share a narrative or an applicant must share a fold, and dealt out so they leave some of "
                f"the {folds.n_folds} fold models without a bad or without a good outcome to learn from",
                "Add rows, or strip the text that many narratives have in common (creditfusion.strip in the schema).",
            )
        tasks = _tasks(sample, folds.half_life_years)
        return Training(sample, config, tasks, fold, training_device(), threading.Lock(), step)

    def each_fold(self, fit_on: Callable[[Index, int], Part], done: Callable[[int, Index, Part], None]) -> None:
        """``fit_on(training rows, seed)`` for every fold, side by side, and ``done(number of the fold, held-out rows,
        what was fitted)`` in order.

        No more folds are begun than there are threads while one waits for ``done``: what that raises ends the work.
        """
        at_once = n_threads()
        waiting: deque[tuple[int, Index, Callable[[], Part]]] = deque()

        def take() -> None:
            number, rows, result = waiting.popleft()
            done(number, rows, result())
            self.step()

        with lone_workers(torch.device("cpu")) as pool:
            for number, held_out in enumerate(self.held_out()):
                rows = np.flatnonzero(~held_out)
                job = pool.submit(fit_on, rows, self.config.folds.seed + number)
                waiting.append((number, np.flatnonzero(held_out), job.result))
                if len(waiting) == at_once:
                    take()
            while waiting:
                take()

    def held_out(self) -> list[Flags]:
        """bool (n,) per fold, of all times that they are dealt: the rows that it holds out."""
        return [one == number for one in self.fold for number in range(self.config.folds.n_folds)]

    def head(self, inputs: HeadInputs, rows: Index, task: Task) -> Head:
        """A head that learned from these rows."""
        taken = inputs.take(rows)
        with nullcontext() if self.device.type == "cpu" else self.gpu_turn:
            return fit_head(taken, task.lesson(rows), self.config.head, self.device)

    def booster(self, trees: TreeRows, rows: Index, task: Task, seed: int) -> Booster:
        """Trees that learned from these rows."""
        return fit_booster(trees.x[rows], task.lesson(rows), trees.directions, self.config.stacker, seed)


@dataclass(frozen=True)
class TreeRows:
    """What trees learn from.

    Attributes:
        x: float64 (n, n_columns), the ``stacker_inputs``.
        directions: how risk moves with each column: +1, -1, or 0 for either way; it rises with a narrative's log-odds.
    """

    x: Floats
    directions: tuple[int, ...]

    @staticmethod
    def of(sample: TrainingSample, text: Floats, text_columns: Floats | None = None) -> TreeRows:
        """The rows of a sample with out-of-fold log-odds ``text`` (n, n_narratives), and ``text_columns`` (n,
        n_narratives, m).
        """
        tabular = sample.design.tabular
        x = stacker_inputs(tabular, text, text_columns)
        known = (*sample.monotone, *(0,) * len(tabular.cat_names), *(1,) * text.shape[1])
        return TreeRows(x, (*known, *(0,) * (x.shape[1] - len(known))))


def fit_text_head(inputs: HeadInputs, training: Training) -> tuple[Head, Floats]:
    """The mean of one text-only head per fold, and the out-of-fold log-odds of each row's narratives,
    (n, n_narratives), the mean over the times that the folds were dealt.
    """
    heads: list[Head] = []
    text = np.zeros(inputs.x_absent.shape)

    def done(_number: int, rows: Index, head: Head) -> None:
        heads.append(head)
        text[rows] += head.output(inputs.take(rows)).text

    training.each_fold(lambda rows, _seed: training.head(inputs, rows, training.tasks[0]), done)
    return Head.mean(heads), text / len(training.fold)


def fit_head_margin(inputs: HeadInputs, training: Training) -> Floats:
    """Out-of-fold log-odds of a head on the outcome, float64 (n,)."""
    margin = np.zeros(len(inputs))

    def done(_number: int, rows: Index, head: Head) -> None:
        margin[rows] += head.output(inputs.take(rows)).margin

    training.each_fold(lambda rows, _seed: training.head(inputs, rows, training.tasks[0]), done)
    return margin / len(training.fold)


def fit_trees(trees: TreeRows, training: Training) -> Floats:
    """Out-of-fold log-odds of trees on the outcome, float64 (n,)."""
    x = trees.x
    margin = np.zeros(len(x))

    def done(_number: int, rows: Index, booster: Booster) -> None:
        margin[rows] += Stacker.mean([booster]).margin(x[rows], 1)

    training.each_fold(lambda rows, seed: training.booster(trees, rows, training.tasks[0], seed), done)
    return margin / len(training.fold)


def _fit_assembly(
    inputs: HeadInputs, trees: TreeRows, training: Training, watch: Watch | None = None
) -> tuple[Assembly, Floats]:
    """A head and trees on every task, and their blend on rows that they never saw; with its margins."""
    x = trees.x
    tasks, y, n_folds = training.tasks, training.sample.y, training.config.folds.n_folds
    weight = training.sample.relative_weight
    fitted: list[list[tuple[Head, Booster]]] = []
    outputs = np.zeros((len(x), 2 * len(tasks)))
    times = np.zeros(len(x))
    optional = np.repeat([task.squared for task in tasks], 2)

    def fit_on(rows: Index, seed: int) -> list[tuple[Head, Booster]]:
        return [(training.head(inputs, rows, task), training.booster(trees, rows, task, seed)) for task in tasks]

    def done(number: int, rows: Index, parts: list[tuple[Head, Booster]]) -> None:
        fitted.append(parts)
        times[rows] += 1.0
        for at, (head, booster) in enumerate(parts):
            outputs[rows, 2 * at] += head.output(inputs.take(rows)).margin
            outputs[rows, 2 * at + 1] += Stacker.mean([booster]).margin(x[rows])
        if watch is not None and number < n_folds:
            has_output = times > 0.0
            blend = fit_blend(y[has_output], outputs[has_output], optional, weight[has_output])
            watch(number + 1, y[has_output], blend.margin(outputs[has_output]))

    training.each_fold(fit_on, done)
    outputs /= times[:, None]
    blend = fit_blend(y, outputs, optional, weight)
    names = [task.name for task in tasks]
    weights = dict(zip(names, zip(blend.weights[0::2], blend.weights[1::2], strict=True), strict=True))
    left_out = [one.name for one in training.sample.auxiliary if one.name not in weights]
    members = [
        member
        for name in (*names, *left_out)
        for head, trees in [weights.get(name, (0.0, 0.0))]
        for member in (Member("head", name, head), Member("trees", name, trees))
    ]
    assembly = _merged(fitted, members, blend.intercept)
    return assembly, blend.margin(outputs)


def _merged(fitted: Sequence[Sequence[tuple[Head, Booster]]], members: Sequence[Member], intercept: float) -> Assembly:
    """The blend of members (head and trees on each task in turn, then those that were not fitted)."""
    tasks = list(zip(*fitted, strict=True))  # per task, the (head, booster) of every fold
    heads, trees = (members[first : 2 * len(tasks) : 2] for first in (0, 1))
    head = Head.weighted([Head.mean([part for part, _ in task]) for task in tasks], [one.weight for one in heads])
    kept = [(task, one.weight) for task, one in zip(tasks, trees, strict=True) if one.weight]
    stacker = Stacker.joined([Stacker.mean([booster for _, booster in task], weight) for task, weight in kept])
    return Assembly(head, stacker, intercept, tuple(members))
