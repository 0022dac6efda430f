"""The fused model: heads and trees trained out of fold, blended and calibrated, beside its two ablations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
from scipy.special import expit

from data_schemas.errors import ContractError
from features.design import Design
from features.workers import lone_workers
from fusion.calibration import Blend, fit_blend, to_score
from fusion.config import Config, ScaleConfig
from fusion.folds import assign_folds
from fusion.head import Head, fit_head, training_device
from fusion.metrics import base_log_odds, both_classes, fit_logistic_line
from fusion.stacker import Stacker, fit_booster, stacker_inputs

Floats = npt.NDArray[np.float64]
Step = Callable[[], None]

# Margins are rounded to this many decimals, far below anything a PD shows: it takes away the last-bit differences
# that a matrix product may have at different batch sizes.
MARGIN_DECIMALS = 9


@dataclass(frozen=True)
class Parts:
    """What an assembly says of each row, before and after blending; float64 log-odds of bad.

    head, stacker, margin: (n,). text: (n, n_narratives), what each narrative adds to the head.
    """

    head: Floats
    stacker: Floats
    margin: Floats
    text: Floats


@dataclass(frozen=True)
class Assembly:
    """Fold heads, fold boosters and their blend. With ``reads_text`` false it never sees a narrative."""

    heads: tuple[Head, ...]
    stacker: Stacker
    blend: Blend
    reads_text: bool

    def parts(self, design: Design, threads: int = 0) -> Parts:
        """The parts of every row: heads averaged over folds, boosters likewise."""
        if not self.reads_text:
            design = design.without_text()
        outputs = [head.output(design) for head in self.heads]
        columns = np.mean([output.columns for output in outputs], axis=0)
        text = np.mean([output.text for output in outputs], axis=0)
        head = columns + text.sum(axis=1)
        stacker = self.stacker.margin(stacker_inputs(design.tabular, text), threads)
        return Parts(head, stacker, np.round(self.blend.margin(stacker, head), MARGIN_DECIMALS), text)


@dataclass(frozen=True)
class Line:
    """An affine map of log-odds."""

    slope: float
    intercept: float


@dataclass(frozen=True)
class Scores:
    """The answer for each row, float64 (n,): calibrated log-odds of bad, PD, points (higher is safer)."""

    margin: Floats
    pd: Floats
    score: Floats


@dataclass(frozen=True)
class OutOfFold:
    """Calibrated log-odds that each training row got from parts that never saw it, float64 (n,), and its fold."""

    fused: Floats
    columns_only: Floats
    text_only: Floats
    fold: npt.NDArray[np.int64]


@dataclass(frozen=True)
class FusionModel:
    """The model with its ablations, all from one fit.

    fused: columns and narratives. columns_only: the same machinery without any text. text_only: the line from the
    fused heads' text log-odds to calibrated log-odds.
    """

    fused: Assembly
    columns_only: Assembly
    text_only: Line
    scale: ScaleConfig

    def predict(self, design: Design, threads: int = 0) -> Scores:
        """PD and points of every row; a row's digits do not depend on the rows beside it."""
        margin = self.fused.parts(design, threads).margin
        return Scores(margin, expit(margin), to_score(margin, self.scale))

    def ablations(self, design: Design, threads: int = 0) -> tuple[Floats, Floats]:
        """Margins without the text, and with nothing but the text."""
        text = np.sum([head.output(design).text for head in self.fused.heads], axis=(0, 2)) / len(self.fused.heads)
        columns = self.columns_only.parts(design, threads).margin
        return columns, np.round(self.text_only.slope * text + self.text_only.intercept, MARGIN_DECIMALS)


def fit(
    design: Design, y: Floats, groups: npt.NDArray[np.int64], monotone: Sequence[int], config: Config, step: Step
) -> tuple[FusionModel, OutOfFold]:
    """Train the fused model and both ablations on ``y`` (n,), 1 bad and 0 good.

    groups: (n,), rows with one number never part (``folds.tied_groups``). monotone: +1, 0 or -1 per numeric column.
    step: called once for every head and booster that is fitted, ``n_steps(config)`` times in all.

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
    fused, fused_parts = _fit_assembly(design, y, fold, monotone, config, step)
    columns, columns_parts = _fit_assembly(design.without_text(), y, fold, monotone, config, step)
    text = fused_parts.text.sum(axis=1)
    slope, intercept = fit_logistic_line(y, text)
    line = Line(slope, intercept) if np.isfinite(slope) else Line(0.0, base_log_odds(y))
    out_of_fold = OutOfFold(fused_parts.margin, columns_parts.margin, line.slope * text + line.intercept, fold)
    return FusionModel(fused, columns, line, config.scale), out_of_fold


def n_steps(config: Config) -> int:
    """How often ``fit`` calls its ``step``."""
    return 4 * config.folds.n_folds


def _fit_assembly(
    design: Design,
    y: Floats,
    fold: npt.NDArray[np.int64],
    monotone: Sequence[int],
    config: Config,
    step: Step,
) -> tuple[Assembly, Parts]:
    """Fold heads, then fold boosters on the heads' out-of-fold text log-odds, then the blend; with all parts out of
    fold.
    """
    n, n_text = design.text.has_text.shape
    columns, text, stacker = np.zeros(n), np.zeros((n, n_text)), np.zeros(n)
    seed, device = config.folds.seed, training_device()
    trains = [np.flatnonzero(fold != number) for number in range(config.folds.n_folds)]
    rests = [np.flatnonzero(fold == number) for number in range(config.folds.n_folds)]

    def head_of(number: int) -> Head:
        train = trains[number]
        return fit_head(design.take(train), y[train], config.head, seed + number, device)

    def booster_of(number: int) -> lgb.Booster:
        train = trains[number]
        return fit_booster(x[train], y[train], directions, config.stacker, seed + number)

    heads, boosters = [], []
    with lone_workers(device) as pool:
        for head, rest in zip(pool.map(head_of, range(len(trains))), rests, strict=True):
            heads.append(head)
            output = head.output(design.take(rest))
            columns[rest], text[rest] = output.columns, output.text
            step()
        x = stacker_inputs(design.tabular, text)
        directions = [*monotone, *[0] * len(design.tabular.cat_names), *[1] * n_text]
        for booster, rest in zip(pool.map(booster_of, range(len(trains))), rests, strict=True):
            boosters.append(booster)
            stacker[rest] = Stacker((booster,)).margin(x[rest])
            step()
    margin = columns + text.sum(axis=1)
    blend = fit_blend(y, stacker, margin)
    parts = Parts(margin, stacker, blend.margin(stacker, margin), text)
    return Assembly(tuple(heads), Stacker(tuple(boosters)), blend, n_text > 0), parts
