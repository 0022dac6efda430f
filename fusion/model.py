"""The fused model: heads and trees trained out of fold, blended and calibrated, beside its two ablations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from features.design import Design
from fusion.calibration import Blend, fit_blend, to_score
from fusion.config import Config, ScaleConfig
from fusion.folds import assign_folds
from fusion.head import Head, fit_head
from fusion.stacker import Stacker, fit_booster, stacker_inputs

Floats = npt.NDArray[np.float64]
Advance = Callable[[str], None]

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
