"""The fused model: linear heads and trees, blended and calibrated, beside its two ablations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.special import expit

from features.arrays import Flags, Floats, Ints
from features.design import Design, InputGroup
from fusion.config import ScaleConfig
from fusion.model.basis import Basis, HeadInputs
from fusion.model.calibration import to_score
from fusion.model.head import Head
from fusion.model.stacker import Stacker, column_players, stacker_inputs
from fusion.model.text_components import TextComponents, text_columns

OUTCOME = "outcome"
"""Target of the members that learn the outcome itself."""

# Margins are rounded to this many decimals, far below anything a PD shows: it takes away last-bit differences between
# processors, whose vector units sum in different orders.
MARGIN_DECIMALS = 9
PREDICTED_ROWS = 1024  # at once: what the heads make of vectors for a while is several times their size


@dataclass(frozen=True)
class MarginParts:
    """What adds up to the calibrated log-odds of n rows, beside the intercept.

    Attributes:
        head: float64 (n,), from the joint head.
        text: float64 (n, n_narratives), the part of ``head`` that comes from each narrative.
        stacker: float64 (n,), from the trees.
        margin: float64 (n,), calibrated log-odds.
    """

    head: Floats
    text: Floats
    stacker: Floats
    margin: Floats


@dataclass(frozen=True)
class Member:
    """One member of a blend, for the record: its parts are merged into the head or the trees of the ``Assembly``.

    Attributes:
        form: linear head or boosted trees.
        target: what it learned: ``OUTCOME``, or the name of an auxiliary outcome.
        weight: log-odds of bad per unit of its output; 0: it did not help and is left out.
    """

    form: Literal["head", "trees"]
    target: str
    weight: float

    @property
    def name(self) -> str:
        """For people: form and what was learned."""
        return self.form if self.target == OUTCOME else f"{self.form} on {self.target}"


@dataclass(frozen=True)
class Assembly:
    """The blend of all members, merged: linear members into one head, boosted ones into one weighted set of trees.

    Attributes:
        head: weighted sum of the linear members, each the mean of its fold heads.
        stacker: trees of all boosted members and folds, weighted; without any, it adds nothing.
        intercept: log-odds that no member adds.
        members: of the blend, those of weight 0 included.
    """

    head: Head
    stacker: Stacker
    intercept: float
    members: tuple[Member, ...]

    def parts(self, inputs: HeadInputs, x: Floats, threads: int = 0) -> MarginParts:
        """The parts of every row, from the head's inputs and ``stacker_inputs`` x (n, n_columns)."""
        head = self.head.output(inputs)
        stacker = self.stacker.margin(x, threads)
        margin = np.round(self.intercept + head.margin + stacker, MARGIN_DECIMALS)
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
    """Calibrated log-odds of the model and of its ablations on the same n rows.

    Attributes:
        fused: float64 (n,), of columns and narratives.
        columns_only: float64 (n,), of the columns.
        text_only: float64 (n,), of the narratives.
        without: float64 (n,) by source, of all but what is made of that source's records.
    """

    fused: Floats
    columns_only: Floats
    text_only: Floats
    without: Mapping[str, Floats] = field(default_factory=dict)

    def at(self, rows: Flags) -> Margins:
        """The rows where the mask is true."""
        without = {name: margin[rows] for name, margin in self.without.items()}
        return Margins(self.fused[rows], self.columns_only[rows], self.text_only[rows], without)

    @staticmethod
    def joined(parts: Sequence[Margins]) -> Margins:
        """Those of all the parts' rows, one part after the other."""
        return Margins(
            np.concatenate([part.fused for part in parts]),
            np.concatenate([part.columns_only for part in parts]),
            np.concatenate([part.text_only for part in parts]),
            {name: np.concatenate([part.without[name] for part in parts]) for name in parts[0].without},
        )


@dataclass(frozen=True)
class TreeInputs:
    """What the trees of the fused model see of n rows.

    Attributes:
        text_only: float64 (n, n_narratives), log-odds that the text-only head gives to each narrative.
        text_columns: float64 (n, n_narratives, m), what else they hear of each; NaN where nothing is written.
        x: float64 (n, n_columns + n_narratives * (1 + m)), the two behind the structured columns.
    """

    text_only: Floats
    text_columns: Floats
    x: Floats

    @staticmethod
    def of(design: Design, text_only: Floats, text_columns: Floats) -> TreeInputs:
        """The inputs of these rows."""
        return TreeInputs(text_only, text_columns, stacker_inputs(design.tabular, text_only, text_columns))


@dataclass(frozen=True)
class Without:
    """The ablation without a group of inputs, such as a source: it learned with all of them missing.

    Attributes:
        group: the inputs.
        text_only: the head whose log-odds of the other narratives its trees see.
        fused: columns and narratives.
    """

    group: InputGroup
    text_only: Head
    fused: Assembly


@dataclass(frozen=True)
class FusionModel:
    """The model with its ablations, all from one fit and on one basis.

    Attributes:
        basis: maps from a design to the heads' inputs.
        components: maps from these to what the trees hear of narratives beside their log-odds.
        n_style: number of style columns of each narrative, which the trees get too.
        fused: columns and narratives.
        columns_only: the same machinery without any text.
        text_only: the narratives alone; its log-odds are inputs of the fused trees.
        scale: of the points.
        without: the same machinery without each source, in the schema's order.
    """

    basis: Basis
    components: TextComponents
    n_style: int
    fused: Assembly
    columns_only: Assembly
    text_only: TextModel
    scale: ScaleConfig
    without: tuple[Without, ...] = ()

    @property
    def column_players(self) -> Ints:
        """int64: the player of explanations that owns each column of the fused trees."""
        n_columns, n_narratives = len(self.basis.first_inputs), len(self.basis.text_mean)
        return column_players(n_columns, n_narratives, self.n_text_columns)

    @property
    def n_text_columns(self) -> int:
        """Columns that the trees get of each narrative beside its log-odds."""
        return self.components.n_components + self.n_style

    def tree_inputs(self, design: Design, inputs: HeadInputs) -> TreeInputs:
        """What the fused trees see of these rows."""
        return TreeInputs.of(design, self.text_only.text(inputs), text_columns(self.components, inputs, design.text))

    def parts(self, design: Design, threads: int = 0) -> MarginParts:
        """Log-odds of the parts of the fused model."""
        inputs = self.basis.inputs(design)
        return self.fused.parts(inputs, self.tree_inputs(design, inputs).x, threads)

    def predict(self, design: Design, threads: int = 0) -> Scores:
        """PD and points of every row; a row's digits do not depend on the rows beside it."""
        rows = np.arange(len(design))
        blocks = [rows[at : at + PREDICTED_ROWS] for at in range(0, max(1, len(rows)), PREDICTED_ROWS)]
        return self.scores(np.concatenate([self.parts(design.take(own), threads).margin for own in blocks]))

    def scores(self, margin: Floats) -> Scores:
        """PD and points that belong to margins (n,)."""
        return Scores(margin, expit(margin), to_score(margin, self.scale))

    def margins(self, design: Design, threads: int = 0) -> Margins:
        """Margins of the model and of its ablations."""
        inputs = self.basis.inputs(design)
        trees = self.tree_inputs(design, inputs)
        without = stacker_inputs(design.tabular, trees.text_only[:, :0])
        return Margins(
            self.fused.parts(inputs, trees.x, threads).margin,
            self.columns_only.parts(inputs.without_text(), without, threads).margin,
            self.text_only.margin(trees.text_only),
            {one.group.name: self._margin_without(one, design, threads) for one in self.without},
        )

    def _margin_without(self, ablation: Without, design: Design, threads: int) -> Floats:
        """float64 (n,): margins of an ablation, which sees nothing of its group."""
        blank = design.without(ablation.group)
        inputs = self.basis.inputs(blank)
        text = ablation.text_only.output(inputs.without_columns()).text
        trees = TreeInputs.of(blank, text, text_columns(self.components, inputs, blank.text))
        return ablation.fused.parts(inputs, trees.x, threads).margin
