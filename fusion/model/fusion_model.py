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

    def parts(self, inputs: HeadInputs, x: Floats, threads: int = 0) -> MarginParts:
        """The parts of every row, from the head's inputs and ``stacker_inputs`` x (n, n_columns)."""
        head = self.head.output(inputs)
        stacker = self.stacker.margin(x, threads)
        margin = np.round(self.blend.margin(stacker, head.margin), MARGIN_DECIMALS)
        return MarginParts(head.margin, head.text, stacker, margin)


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

    fused: columns and narratives. columns_only: the same machinery without any text. text_only: the narratives alone;
    its head also tells the fused trees what the text says.
    """

    basis: Basis
    fused: Assembly
    columns_only: Assembly
    text_only: TextModel
    scale: ScaleConfig

    def parts(self, design: Design, threads: int = 0) -> MarginParts:
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
