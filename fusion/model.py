"""The fused model: heads and trees trained out of fold, blended and calibrated, beside its two ablations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit

from data_schemas.errors import ContractError
from features.design import Design, TabularBlock
from features.workers import lone_workers
from fusion.basis import Basis, HeadInputs
from fusion.calibration import Blend, fit_blend, to_score
from fusion.config import Config, ScaleConfig
from fusion.folds import assign_folds
from fusion.head import Head, HeadOutput, fit_head, training_device
from fusion.metrics import base_log_odds, both_classes, fit_logistic_line
from fusion.stacker import Stacker, fit_booster, stacker_inputs

Floats = npt.NDArray[np.float64]
Step = Callable[[], None]
Part = TypeVar("Part")

# Margins are rounded to this many decimals, far below anything a PD shows: it takes away last-bit differences between
# processors, whose vector units sum in different orders.
MARGIN_DECIMALS = 9


@dataclass(frozen=True)
class Parts:
    """What an assembly says of each row, before and after blending; float64 log-odds of bad, (n,).

    text: (n, n_narratives), the part of ``head`` that each narrative has.
    """

    head: Floats
    text: Floats
    stacker: Floats
    margin: Floats


@dataclass(frozen=True)
class Assembly:
    """A joint head, trees that also see what the text-only head says, and the blend of the two."""

    head: Head
    stacker: Stacker
    blend: Blend

    def parts(self, inputs: HeadInputs, x: Floats, threads: int = 0) -> Parts:
        """The parts of every row, from the head's inputs and ``stacker_inputs`` x (n, n_columns)."""
        head = self.head.output(inputs)
        stacker = self.stacker.margin(x, threads)
        margin = np.round(self.blend.margin(stacker, head.margin), MARGIN_DECIMALS)
        return Parts(head.margin, head.text, stacker, margin)


@dataclass(frozen=True)
class TextModel:
    """A head that sees nothing but the narratives, and the line from its log-odds to calibrated log-odds."""

    head: Head
    slope: float
    intercept: float

    def text(self, inputs: HeadInputs) -> Floats:
        """Log-odds that each narrative adds, float64 (n, n_narratives)."""
        return self.head.output(inputs.without_columns()).text

    def margin(self, text: Floats) -> Floats:
        """Calibrated log-odds of ``text`` (n, n_narratives)."""
        margin: Floats = np.round(self.slope * text.sum(axis=1) + self.intercept, MARGIN_DECIMALS)
        return margin


@dataclass(frozen=True)
class Scores:
    """The answer for each row, float64 (n,): calibrated log-odds of bad, PD, points (higher is safer)."""

    margin: Floats
    pd: Floats
    score: Floats


@dataclass(frozen=True)
class Margins:
    """Calibrated log-odds of the model and of its two ablations on the same rows, float64 (n,)."""

    fused: Floats
    columns_only: Floats
    text_only: Floats

    def at(self, rows: npt.NDArray[np.bool_]) -> Margins:
        """The rows where the mask is true."""
        return Margins(self.fused[rows], self.columns_only[rows], self.text_only[rows])


@dataclass(frozen=True)
class FusionModel:
    """The model with its ablations, all from one fit and on one basis.

    fused: columns and narratives. columns_only: the same machinery without any text. text_only: the narratives alone;
    its head also tells the fused trees what the text says.
    """

    basis: Basis
    fused: Assembly
    columns_only: Assembly
    text_only: TextModel
    scale: ScaleConfig

    def parts(self, design: Design, threads: int = 0) -> Parts:
        """What the parts of the fused model say of every row."""
        inputs = self.basis.inputs(design)
        return self.fused.parts(inputs, stacker_inputs(design.tabular, self.text_only.text(inputs)), threads)

    def predict(self, design: Design, threads: int = 0) -> Scores:
        """PD and points of every row; a row's digits do not depend on the rows beside it."""
        return self.scores(self.parts(design, threads).margin)

    def scores(self, margin: Floats) -> Scores:
        """PD and points that belong to margins (n,)."""
        return Scores(margin, expit(margin), to_score(margin, self.scale))

    def margins(self, design: Design, threads: int = 0) -> Margins:
        """What the model and its ablations say of every row."""
        inputs = self.basis.inputs(design)
        text = self.text_only.text(inputs)
        with_text, without = stacker_inputs(design.tabular, text), stacker_inputs(design.tabular, text[:, :0])
        return Margins(
            self.fused.parts(inputs, with_text, threads).margin,
            self.columns_only.parts(inputs.without_text(), without, threads).margin,
            self.text_only.margin(text),
        )


@dataclass(frozen=True)
class Training:
    """What every part is fitted from.

    y: float64 (n,), 1 bad and 0 good. weight: float64 (n,), how much each row counts.
    fold: int64 (n,), held-out fold of each row.
    monotone: +1, 0 or -1 per numeric column. step: called once for every part that is fitted.
    """

    y: Floats
    weight: Floats
    fold: npt.NDArray[np.int64]
    monotone: Sequence[int]
    config: Config
    step: Step

    def each_fold(self, fit_on: Callable[[npt.NDArray[np.intp], int], Part], device: torch.device) -> Iterator[Part]:
        """``fit_on(training rows, seed)`` for every fold, side by side where ``device`` is the CPU."""
        folds = range(self.config.folds.n_folds)

        def fitted(number: int) -> Part:
            return fit_on(np.flatnonzero(self.fold != number), self.config.folds.seed + number)

        with lone_workers(device) as pool:
            for part in pool.map(fitted, folds):
                yield part
                self.step()

    def held_out(self, number: int) -> npt.NDArray[np.intp]:
        """Rows that the part of this fold never saw."""
        return np.flatnonzero(self.fold == number)


def fit(
    design: Design,
    y: Floats,
    groups: npt.NDArray[np.int64],
    monotone: Sequence[int],
    config: Config,
    step: Step,
    weight: Floats | None = None,
) -> tuple[FusionModel, Margins]:
    """Train the fused model and both ablations on ``y`` (n,), 1 bad and 0 good; also every row's out-of-fold margins.

    groups: (n,), rows with one number never part (``folds.tied_groups``). monotone: +1, 0 or -1 per numeric column.
    step: called once for every part that is fitted, ``n_steps(config)`` times in all. weight: (n,), how much each row
    counts (``recency.recency_weight``); None: all alike.

    Raises ContractError when there are too few rows of either outcome to fill the folds.
    """
    folds = config.folds
    if min(y.sum(), len(y) - y.sum()) < folds.n_folds:
        raise ContractError(
            f"training needs at least {folds.n_folds} bad and {folds.n_folds} good outcomes, got {int(y.sum())} bad "
            f"of {len(y)} rows",
            "Add rows, or check which target values the schema calls bad.",
        )
    fold = assign_folds(y, groups, folds.n_folds, folds.seed)
    if not all(both_classes(y[fold != number]) for number in range(folds.n_folds)):
        raise ContractError(
            "rows that share a narrative or an applicant must share a fold, and dealt out so they leave some of the "
            f"{folds.n_folds} fold models without a bad or without a good outcome to learn from",
            "Add rows, or strip the text that many narratives have in common (creditfusion.strip in the schema).",
        )
    training = Training(y, np.ones(len(y)) if weight is None else weight, fold, monotone, config, step)
    basis = Basis.fit(design, config.head.n_bins, monotone)
    inputs = basis.inputs(design)
    text_head, said = _fit_head(inputs.without_columns(), training)
    fused, fused_margin = _fit_assembly(inputs, design.tabular, said.text, training)
    columns, columns_margin = _fit_assembly(inputs.without_text(), design.tabular, said.text[:, :0], training)
    slope, intercept = fit_logistic_line(y, said.text.sum(axis=1))
    line = (slope, intercept) if np.isfinite(slope) else (0.0, base_log_odds(y))
    text_only = TextModel(text_head, *line)
    model = FusionModel(basis, fused, columns, text_only, config.scale)
    return model, Margins(fused_margin, columns_margin, text_only.margin(said.text))


def n_steps(config: Config) -> int:
    """How often ``fit`` calls its ``step``."""
    return 5 * config.folds.n_folds


def _fit_head(inputs: HeadInputs, training: Training) -> tuple[Head, HeadOutput]:
    """The mean of one head per fold, and what each row hears from the head that never saw its outcome."""
    y, weight, config, device = training.y, training.weight, training.config.head, training_device()

    def fit_on(rows: npt.NDArray[np.intp], _seed: int) -> Head:
        return fit_head(inputs.take(rows), y[rows], config, device, weight[rows])

    heads = []
    columns, text = np.zeros(len(inputs)), np.zeros(inputs.x_absent.shape)
    for number, head in enumerate(training.each_fold(fit_on, device)):
        heads.append(head)
        rows = training.held_out(number)
        output = head.output(inputs.take(rows))
        columns[rows], text[rows] = output.columns, output.text
    return Head.mean(heads), HeadOutput(columns, text)


def _fit_assembly(
    inputs: HeadInputs, tabular: TabularBlock, text: Floats, training: Training
) -> tuple[Assembly, Floats]:
    """A joint head, boosters that also see out-of-fold ``text`` (n, n_narratives), and the blend of what both say of
    rows that they never saw; with its margins.
    """
    y, weight, config = training.y, training.weight, training.config.stacker
    head, output = _fit_head(inputs, training)
    x = stacker_inputs(tabular, text)
    directions = [*training.monotone, *[0] * len(tabular.cat_names), *[1] * text.shape[1]]

    def fit_on(rows: npt.NDArray[np.intp], seed: int) -> lgb.Booster:
        return fit_booster(x[rows], y[rows], directions, config, seed, weight[rows])

    boosters = []
    stacker = np.zeros(len(x))
    for number, booster in enumerate(training.each_fold(fit_on, torch.device("cpu"))):
        boosters.append(booster)
        rows = training.held_out(number)
        stacker[rows] = Stacker((booster,)).margin(x[rows])
    blend = fit_blend(y, stacker, output.margin)
    return Assembly(head, Stacker(tuple(boosters)), blend), blend.margin(stacker, output.margin)
