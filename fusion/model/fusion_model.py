"""The fused model: heads and trees, blended and calibrated, beside its two ablations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from features.arrays import Flags, Floats
from features.design import Design
from fusion.config import ScaleConfig
from fusion.model.basis import Basis, HeadInputs
from fusion.model.calibration import Blend, to_score
from fusion.model.head import Head
from fusion.model.stacker import Stacker, stacker_inputs

# Margins are rounded to this many decimals, far below anything a PD shows: it takes away last-bit differences between
# processors, whose vector units sum in different orders.
MARGIN_DECIMALS = 9


@dataclass(frozen=True)
class MarginParts:
    """Log-odds of n rows before and after blending.

    Attributes:
        head: float64 (n,), of the joint head.
        text: float64 (n, n_narratives), the part of ``head`` that comes from each narrative.
        stacker: float64 (n,), of the trees.
        margin: float64 (n,), blended and calibrated.
    """

    head: Floats
    text: Floats
    stacker: Floats
    margin: Floats


@dataclass(frozen=True)
class Assembly:
    """A joint head, trees that also get the text-only head's log-odds, and the blend of the two.

    Attributes:
        head: mean of the fold heads.
        stacker: the trees of all folds.
        blend: of the two.
    """

    head: Head
    stacker: Stacker
    blend: Blend

    def parts(self, inputs: HeadInputs, x: Floats, threads: int = 0) -> MarginParts:
        """The parts of every row, from the head's inputs and ``stacker_inputs`` x (n, n_columns)."""
        head = self.head.output(inputs)
        stacker = self.stacker.margin(x, threads)
        margin = np.round(self.blend.margin(stacker, head.margin), MARGIN_DECIMALS)
        return MarginParts(head.margin, head.text, stacker, margin)


@dataclass(frozen=True)
class TextModel:
    """A head of the narratives alone, and the line from its log-odds to calibrated log-odds.

    Attributes:
        head: mean of the fold heads.
        slope: of the line.
        intercept: of the line.
    """

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
    """The scores of n rows.

    Attributes:
        margin: float64 (n,), calibrated log-odds of bad.
        pd: float64 (n,), probability of default.
        score: float64 (n,), points; higher is safer.
    """

    margin: Floats
    pd: Floats
    score: Floats


@dataclass(frozen=True)
class Margins:
    """Calibrated log-odds of the model and of its two ablations on the same n rows.

    Attributes:
        fused: float64 (n,), of columns and narratives.
        columns_only: float64 (n,), of the columns.
        text_only: float64 (n,), of the narratives.
    """

    fused: Floats
    columns_only: Floats
    text_only: Floats

    def at(self, rows: Flags) -> Margins:
        """The rows where the mask is true."""
        return Margins(self.fused[rows], self.columns_only[rows], self.text_only[rows])

    @staticmethod
    def joined(parts: Sequence[Margins]) -> Margins:
        """Those of all the parts' rows, one part after the other."""
        return Margins(
            np.concatenate([part.fused for part in parts]),
            np.concatenate([part.columns_only for part in parts]),
            np.concatenate([part.text_only for part in parts]),
        )


@dataclass(frozen=True)
class FusionModel:
    """The model with its ablations, all from one fit and on one basis.

    Attributes:
        basis: maps from a design to the heads' inputs.
        fused: columns and narratives.
        columns_only: the same machinery without any text.
        text_only: the narratives alone; its log-odds are inputs of the fused trees.
        scale: of the points.
    """

    basis: Basis
    fused: Assembly
    columns_only: Assembly
    text_only: TextModel
    scale: ScaleConfig

    def parts(self, design: Design, threads: int = 0) -> MarginParts:
        """Log-odds of the parts of the fused model."""
        inputs = self.basis.inputs(design)
        return self.fused.parts(inputs, stacker_inputs(design.tabular, self.text_only.text(inputs)), threads)

    def predict(self, design: Design, threads: int = 0) -> Scores:
        """PD and points of every row; a row's digits do not depend on the rows beside it."""
        return self.scores(self.parts(design, threads).margin)

    def scores(self, margin: Floats) -> Scores:
        """PD and points that belong to margins (n,)."""
        return Scores(margin, expit(margin), to_score(margin, self.scale))

    def margins(self, design: Design, threads: int = 0) -> Margins:
        """Margins of the model and of its ablations."""
        inputs = self.basis.inputs(design)
        text = self.text_only.text(inputs)
        with_text, without = stacker_inputs(design.tabular, text), stacker_inputs(design.tabular, text[:, :0])
        return Margins(
            self.fused.parts(inputs, with_text, threads).margin,
            self.columns_only.parts(inputs.without_text(), without, threads).margin,
            self.text_only.margin(text),
        )
