"""Attribution: every margin split over columns, narratives and sentences, exactly.

One game for the whole fused model, in calibrated log-odds. The players are the structured columns, derived ones
included, and the narratives; a column outside a coalition is drawn from the background's rows (interventional: it keeps
nothing of the applicant), a narrative outside is not written. The margin is the sum of trees and head, whatever the
members of the blend that they were merged from, so its Shapley values are the sum of theirs: the trees' by
``fusion.explain.tree_shapley``, exact against every background row; the head's exact because it is additive. Sentences
share their narrative's value by ``fusion.explain.sentence_shapley``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.arrays import Floats, Floats32, Ints
from features.design import Design, TabularBlock
from features.encoders.vectors import SHARE_ROUNDING
from features.narratives.sentences import SentenceBlock
from fusion.explain.explanation import Explanation
from fusion.explain.leaves import leaves_of, starts
from fusion.explain.sentence_shapley import MAX_ENUMERATED, PAIRS, NarrativeParts, Payoff, owen_values
from fusion.explain.tree_response import OwnLeaves
from fusion.explain.tree_shapley import TreeGame, count
from fusion.model.basis import HeadInputs
from fusion.model.fusion_model import FusionModel, TreeInputs
from fusion.model.stacker import stacker_inputs

BLOCK_ROWS = 2_000  # rows explained at once: bounds memory


@dataclass(frozen=True)
class ModelOutputs:
    """Inputs and outputs of a model for n rows.

    Attributes:
        design: the rows.
        inputs: of the heads.
        trees: what the trees see.
        joint_text: float64 (n, n_narratives), log-odds that the joint head gives to each narrative.
        margin: float64 (n,), calibrated log-odds.
    """

    design: Design
    inputs: HeadInputs
    trees: TreeInputs
    joint_text: Floats
    margin: Floats

    @staticmethod
    def of(model: FusionModel, design: Design, threads: int = 0) -> ModelOutputs:
        """Score the rows."""
        inputs = model.basis.inputs(design)
        trees = model.tree_inputs(design, inputs)
        parts = model.fused.parts(inputs, trees.x, threads)
        return ModelOutputs(design, inputs, trees, parts.text, parts.margin)

    def narrative(self, number: int, rows: Ints) -> Floats:
        """float64 (m, n_outputs): what the model reads of one narrative of these rows (``NarrativeParts``)."""
        heads = [self.joint_text[rows, number], self.trees.text_only[rows, number]]
        return np.column_stack([*heads, self.trees.text_columns[rows, number]])


@dataclass(frozen=True)
class NarrativeGame:
    """The games inside the narratives of one column that have more than one sentence.

    Attributes:
        number: of the narrative column.
        places: int64, the narratives' sentences in their block.
        parts: what the model reads of the coalitions.
        payoff: from this to contributions.
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
        fused = model.fused
        players = model.column_players
        leaves = leaves_of(fused.stacker, players)
        trees = TreeGame.of(leaves, count(leaves, unwritten(model, background)), len(background), _n_players(players))
        background_mean = _background_mean(model, background)
        from_head = float(fused.head.bias[0] + background_mean.sum() + fused.head.absent.sum())
        return Explainer(model, trees, background_mean, trees.base + from_head + fused.intercept)

    @cached_property
    def _own_leaves(self) -> tuple[OwnLeaves, ...]:
        """Those of each narrative, which owns its log-odds as the trees' main column."""
        n_narratives = len(self.model.basis.text_mean)
        first = self.trees.n_players - n_narratives
        return tuple(OwnLeaves.of(self.trees.leaves, first + at, first + at) for at in range(n_narratives))

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
        """The games inside the narratives that have something to share out, column by column."""
        bounds = block.bounds()
        begin, end = bounds[:-1], bounds[1:]
        n_narratives = len(outputs.design.text.names)
        n_columns = self.trees.n_players - n_narratives
        least = 0 if self.model.n_style else 1  # the whole narrative is its only sentence's, unless style has a part
        for number in range(n_narratives):
            mine = np.flatnonzero((block.narrative[begin] == number) & (end - begin > least))
            if len(mine):
                begins, ends = begin[mine], end[mine]
                places = np.concatenate([np.arange(a, b) for a, b in zip(begins, ends, strict=True)])
                rows = block.row[begins]
                response = self._own_leaves[number].respond(self.trees, outputs.trees.x[rows])
                first = n_columns + n_narratives + number * self.model.n_text_columns
                further = response.column - first + 2  # outputs behind the heads' two
                payoff = Payoff(response._replace(column=np.where(further < 2, 1, further)))
                parts = self._parts_of(outputs, block, number, (places, rows, ends - begins))
                yield NarrativeGame(number, places, parts, payoff)

    def explain_outputs(self, outputs: ModelOutputs, block: SentenceBlock, seed: int = 0) -> Explanation:
        """``explain`` for rows that are scored already, all at once; memory grows with their number."""
        model, names = self.model, outputs.design.text.names
        from_text = np.where(outputs.design.text.has_text, outputs.joint_text - model.fused.head.absent, 0.0)
        from_head = np.hstack([_by_column(model, outputs.inputs.x_columns) - self.background_mean, from_text])
        from_trees = self.trees.contributions(outputs.trees.x)
        together = from_trees + from_head
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
        words = block.x_lex[places]
        maps = self._linear_maps(number, words.shape[1])
        first = starts(sizes)
        share = block.share[places].astype(np.float64)
        part = np.column_stack([share, share[:, None] * _products(block.x_sentence[places], maps.vectors)])
        vectors = np.column_stack(
            [np.ones(len(rows)), _products(outputs.design.text.x_text[rows, number], maps.vectors)]
        )  # of the whole narratives: their share, 1, and their outputs
        rest = vectors - np.add.reduceat(part, first[:-1])
        bucket = words.indices.astype(np.int64)
        heads = [self.model.fused.head.absent[number], self.model.text_only.head.absent[number]]
        return NarrativeParts(
            first=first,
            rest=np.where(rest[:, :1] < SHARE_ROUNDING, 0.0, rest),
            whole=outputs.narrative(number, rows),
            part=part,
            word_first=words.indptr.astype(np.int64),
            word=bucket,
            word_values=np.column_stack([maps.word_weight[bucket] ** 2, maps.words[:, bucket].T]),
            offset=-maps.vectors @ self.model.basis.text_mean[number],
            absent=np.array([*heads, *(np.nan,) * self.model.components.n_components]),
            n_buckets=words.shape[1],
        )

    def _linear_maps(self, number: int, n_buckets: int) -> LinearMaps:
        """From a narrative's vector and words to the linear outputs of ``NarrativeParts``."""
        basis, joint, alone = self.model.basis, self.model.fused.head, self.model.text_only.head
        components = self.model.components
        own = slice(number * n_buckets, (number + 1) * n_buckets)
        none = np.zeros_like(components.vectors[number]), np.zeros((len(components.vectors[number]), n_buckets))
        vectors = np.vstack([joint.text[number], alone.text[number], components.vectors[number], none[0]])
        words = np.vstack(
            [joint.words[own], alone.words[own], none[1], components.words[number].reshape(none[1].shape)]
        )
        weight = basis.word_weight[own]
        return LinearMaps(vectors / basis.text_scale[number], weight, weight * words)


@dataclass(frozen=True)
class LinearMaps:
    """From a narrative to the outputs that are linear in its vector and in its words scaled to length 1.

    Attributes:
        vectors: float64 (n_linear, dim), of the vectors.
        word_weight: float64 (n_buckets,), how much a word counts in that length.
        words: float64 (n_linear, n_buckets), of the words that occur.
    """

    vectors: Floats
    word_weight: Floats
    words: Floats


def _n_players(players: Ints) -> int:
    return int(players.max(initial=-1)) + 1


def unwritten(model: FusionModel, background: TabularBlock) -> Floats:
    """float64 (n, n_columns): the trees' inputs of background rows that have no narrative."""
    n = len(background)
    absent = model.text_only.head.absent
    nothing = np.full((n, len(absent), model.n_text_columns), np.nan)
    return stacker_inputs(background, np.tile(absent, (n, 1)), nothing)


def _background_mean(model: FusionModel, background: TabularBlock) -> Floats:
    """float64 (n_columns,): mean of the joint head's log-odds of each column; in blocks, to bound memory."""
    blocks = (np.arange(at, min(at + BLOCK_ROWS, len(background))) for at in range(0, len(background), BLOCK_ROWS))
    sums = [_by_column(model, model.basis.columns(background.take(rows))).sum(axis=0) for rows in blocks]
    mean: Floats = np.sum(sums, axis=0) / len(background)
    return mean


def _products(vectors: Floats32, weights: Floats) -> Floats:
    """float64 (n, m): products of each vector with each of m weight vectors; a row's digits do not depend on the
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
