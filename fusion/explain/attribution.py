"""Attribution: every margin split over columns, narratives and sentences, exactly.

One game for the whole fused model, in calibrated log-odds. The players are the structured columns, derived ones
included, and the narratives; a column outside a coalition is drawn from the background's rows (interventional: it keeps
nothing of the applicant), a narrative outside is not written. The margin is a weighted sum of trees and head, so its
Shapley values are the weighted sum of theirs: the trees' by ``fusion.explain.tree_shapley``, exact against every
background row; the head's exact because it is additive. Sentences share their narrative's value by
``fusion.explain.sentence_shapley``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats, Floats32, Ints
from features.design import Design, TabularBlock
from features.encoders.encoder import SHARE_ROUNDING
from features.narratives.sentences import SentenceBlock
from fusion.explain.explanation import Explanation
from fusion.explain.sentence_shapley import MAX_ENUMERATED, PAIRS, NarrativeParts, Payoff, owen_values
from fusion.explain.tree_shapley import TreeGame, count, leaves_of
from fusion.model.basis import HeadInputs
from fusion.model.fusion_model import FusionModel
from fusion.model.stacker import stacker_inputs

BLOCK_ROWS = 2_000  # rows explained at once: bounds memory


@dataclass(frozen=True)
class ModelOutputs:
    """Inputs and outputs of a model for n rows.

    Attributes:
        design: the rows.
        inputs: of the heads.
        x: float64 (n, n_columns + n_narratives), of the trees.
        joint_text: float64 (n, n_narratives), log-odds that the joint head gives to each narrative.
        text_only: float64 (n, n_narratives), log-odds that the text-only head gives to each narrative.
        margin: float64 (n,), calibrated log-odds.
    """

    design: Design
    inputs: HeadInputs
    x: Floats
    joint_text: Floats
    text_only: Floats
    margin: Floats

    @staticmethod
    def of(model: FusionModel, design: Design, threads: int = 0) -> ModelOutputs:
        """Score the rows."""
        inputs = model.basis.inputs(design)
        alone = model.text_only.text(inputs)
        x = stacker_inputs(design.tabular, alone)
        parts = model.fused.parts(inputs, x, threads)
        return ModelOutputs(design, inputs, x, parts.text, alone, parts.margin)


@dataclass(frozen=True)
class NarrativeGame:
    """The games inside the narratives of one column that have more than one sentence.

    Attributes:
        number: of the narrative column.
        places: int64, the narratives' sentences in their block.
        parts: what the coalitions are worth to the heads.
        payoff: from the heads' log-odds to contributions.
    """

    number: int
    places: Ints
    parts: NarrativeParts
    payoff: Payoff


@dataclass(frozen=True)
class Explainer:
    """A fused model and the background sample that its explanations refer to.

    Attributes:
        model: the model.
        trees: the game of the trees, with the background's rows counted.
        background_mean: float64 (n_columns,), mean over the background of the joint head's log-odds of each column.
        base: mean margin of the background's columns without a narrative, the start of every explanation.
    """

    model: FusionModel
    trees: TreeGame
    background_mean: Floats
    base: float

    @staticmethod
    def of(model: FusionModel, background: TabularBlock) -> Explainer:
        """Prepare explanations against these background rows.

        Raises:
            ValueError: where there are none.
        """
        if not len(background):
            raise ValueError("a background without rows")
        blend, head = model.fused.blend, model.fused.head
        x = stacker_inputs(background, np.tile(model.text_only.head.absent, (len(background), 1)))
        leaves = leaves_of(model.fused.stacker.boosters)
        trees = TreeGame.of(leaves, count(leaves, x), len(x), x.shape[1])
        background_mean = _background_mean(model, background)
        from_head = float(head.bias[0] + background_mean.sum() + head.absent.sum())
        base = blend.slope * (blend.weight * trees.base + (1.0 - blend.weight) * from_head) + blend.intercept
        return Explainer(model, trees, background_mean, base)

    @property
    def tree_weight(self) -> float:
        """Weight of the trees' log-odds in the margin."""
        return self.model.fused.blend.slope * self.model.fused.blend.weight

    @property
    def head_weight(self) -> float:
        """Weight of the joint head's log-odds in the margin."""
        return self.model.fused.blend.slope * (1.0 - self.model.fused.blend.weight)

    def explain(self, design: Design, block: SentenceBlock, seed: int = 0, threads: int = 0) -> Explanation:
        """Split the margins of some rows; a row's digits do not depend on the rows beside it.

        Args:
            design: the rows.
            block: their sentences.
            seed: of the orders that are sampled where a narrative has many sentences.
            threads: of LightGBM; 0: all cores.
        """
        parts = []
        for start in range(0, max(1, len(design)), BLOCK_ROWS):
            rows = np.arange(start, min(start + BLOCK_ROWS, len(design)))
            outputs = ModelOutputs.of(self.model, design.take(rows), threads)
            parts.append(self.explain_outputs(outputs, block.take(rows), seed))
        return Explanation.concat(parts, block)

    def games(self, outputs: ModelOutputs, block: SentenceBlock) -> Iterator[NarrativeGame]:
        """The games inside the narratives of more than one sentence, column by column."""
        bounds = block.bounds()
        begin, end = bounds[:-1], bounds[1:]
        n_columns = self.trees.n_columns - len(outputs.design.text.names)
        for number in range(len(outputs.design.text.names)):
            mine = np.flatnonzero((block.narrative[begin] == number) & (end - begin > 1))
            if len(mine):
                begins, ends = begin[mine], end[mine]
                places = np.concatenate([np.arange(a, b) for a, b in zip(begins, ends, strict=True)])
                rows = block.row[begins]
                response = self.trees.response(outputs.x[rows], n_columns + number)
                payoff = Payoff(self.head_weight, response.thresholds, self.tree_weight * response.values)
                parts = self._parts_of(outputs, block, number, (places, rows, ends - begins))
                yield NarrativeGame(number, places, parts, payoff)

    def explain_outputs(self, outputs: ModelOutputs, block: SentenceBlock, seed: int = 0) -> Explanation:
        """``explain`` for rows that are scored already, all at once; memory grows with their number."""
        model, names = self.model, outputs.design.text.names
        from_text = np.where(outputs.design.text.has_text, outputs.joint_text - model.fused.head.absent, 0.0)
        from_head = np.hstack([_by_column(model, outputs.inputs.x_columns) - self.background_mean, from_text])
        from_trees = self.tree_weight * self.trees.contributions(outputs.x)
        together = from_trees + self.head_weight * from_head
        n_columns = together.shape[1] - len(names)
        sentences = together[block.row, n_columns + block.narrative]  # where there is one; the others share
        errors, orders = np.zeros(len(block)), np.zeros(len(block), dtype=np.int64)
        for game in self.games(outputs, block):
            sentences[game.places], errors[game.places] = owen_values(game.parts, game.payoff, seed)
            sizes = np.diff(game.parts.first)
            orders[game.places] = np.repeat(np.where(sizes > MAX_ENUMERATED, 2 * PAIRS, 0), sizes)
        return Explanation(
            base=self.base,
            column_names=(*outputs.design.tabular.num_names, *outputs.design.tabular.cat_names),
            narrative_names=names,
            columns=together[:, :n_columns],
            narratives=together[:, n_columns:],
            from_trees=from_trees,
            sentences=sentences,
            sentence_error=errors,
            orders=orders,
            exact=np.zeros(len(block), dtype=np.bool_),
            block=block,
            margin=outputs.margin,
        )

    def _parts_of(
        self, outputs: ModelOutputs, block: SentenceBlock, number: int, where: tuple[Ints, Ints, Ints]
    ) -> NarrativeParts:
        """Sentence-game inputs of one narrative column.

        Args:
            where: places of the sentences in ``block``, rows of the narratives, numbers of sentences of each.
        """
        places, rows, sizes = where
        basis, joint, alone = self.model.basis, self.model.fused.head, self.model.text_only.head
        weights = np.stack([joint.text[number], alone.text[number]]) / basis.text_scale[number]
        first = np.concatenate([[0], np.cumsum(sizes)])
        share = block.share[places].astype(np.float64)
        part = np.column_stack([share, share[:, None] * _products(block.x_sentence[places], weights)])
        vectors = np.column_stack(
            [np.ones(len(rows)), _products(outputs.design.text.x_text[rows, number], weights)]
        )  # of the whole narratives: their share, 1, and their log-odds
        rest = vectors - np.add.reduceat(part, first[:-1])
        words = block.x_lex[places]
        bucket = words.indices.astype(np.int64)
        at = bucket + number * words.shape[1]
        weight = basis.word_weight[at]
        return NarrativeParts(
            first=first,
            rest=np.where(rest[:, :1] < SHARE_ROUNDING, 0.0, rest),
            whole=np.column_stack([outputs.joint_text[rows, number], outputs.text_only[rows, number]]),
            part=part,
            word_first=words.indptr.astype(np.int64),
            word=bucket,
            word_values=np.column_stack([weight**2, weight * joint.words[at], weight * alone.words[at]]),
            offset=-weights @ basis.text_mean[number],
            absent=np.array([joint.absent[number], alone.absent[number]]),
            n_buckets=words.shape[1],
        )


def _background_mean(model: FusionModel, background: TabularBlock) -> Floats:
    """float64 (n_columns,): mean of the joint head's log-odds of each column; in blocks, to bound memory."""
    blocks = (np.arange(at, min(at + BLOCK_ROWS, len(background))) for at in range(0, len(background), BLOCK_ROWS))
    sums = [_by_column(model, model.basis.columns(background.take(rows))).sum(axis=0) for rows in blocks]
    mean: Floats = np.sum(sums, axis=0) / len(background)
    return mean


def _products(vectors: Floats32, weights: Floats) -> Floats:
    """float64 (n, 2): products of each vector with each of two weight vectors; a row's digits do not depend on the
    others.
    """
    return np.column_stack([(vectors * weight).sum(axis=1) for weight in weights])


def _by_column(model: FusionModel, x_columns: Floats32) -> Floats:
    """float64 (n, n_columns): log-odds that the joint head gives to each column."""
    first = model.basis.first_inputs
    if not len(first):
        return np.zeros((len(x_columns), 0))
    log_odds: Floats = np.add.reduceat(x_columns * model.fused.head.columns, first, axis=1)
    return log_odds
