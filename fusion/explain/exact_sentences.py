"""Sentences' contributions with the encoder re-run: each part of a narrative is read as a text of its own.

Short narratives are read in every combination of their sentences, which is exact. For longer ones the fast values
(``fusion.explain.sentence_shapley``) are corrected by how much the readings differ from them along sampled orders: the
difference varies far less than the values themselves, so few readings do (control variates).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from features.arrays import Floats, Floats32, Ints
from features.design import Design, TextBlock
from features.narratives.sentences import SentenceBlock
from fusion.explain.attribution import Explainer, ModelOutputs, NarrativeGame
from fusion.explain.explanation import Explanation
from fusion.explain.sentence_shapley import PAIRS, all_orders, part_outputs, share_out

ReadTexts = Callable[[Sequence[str]], tuple[Floats32, sparse.csr_matrix]]
"""Texts to their vectors, float32 (m, dim), and words, CSR (m, n_buckets): ``TextReader.read_texts``."""

REENCODED_CHARACTERS = 60_000  # of one narrative in all its readings: bounds the time, about a second on two cores
MIN_PAIRS = 4  # for a standard error that is one


@dataclass(frozen=True)
class ReencodingPlan:
    """The coalitions of one narrative's sentences that are to be encoded.

    Attributes:
        at: number of the narrative in its game.
        places: int64 (k,), its sentences in the block.
        coalitions: int64 (m,), bit i set where sentence i belongs to the coalition.
        n_pairs: number of sampled pairs of orders; 0: all coalitions are encoded.
    """

    at: int
    places: Ints
    coalitions: Ints
    n_pairs: int


def explain_exactly(
    explainer: Explainer, design: Design, block: SentenceBlock, read_texts: ReadTexts, seed: int = 0, threads: int = 0
) -> Explanation:
    """``Explainer.explain`` with every narrative of several sentences encoded again without some of them.

    A narrative too long for that (``REENCODED_CHARACTERS``) keeps its fast values, and ``Explanation.exact`` is false
    there.
    """
    outputs = ModelOutputs.of(explainer.model, design, threads)
    fast = explainer.explain_outputs(outputs, block, seed)
    sentences, errors = fast.sentences.copy(), fast.sentence_error.copy()
    orders, exact = fast.orders.copy(), ~fast.exact
    for game in explainer.games(outputs, block):
        plans = [_plan(game, at, block, seed) for at in range(len(game.parts.first) - 1)]
        sizes = np.diff(game.parts.first)
        exact[game.places] = np.repeat(sizes == 1, sizes)  # a single sentence is the narrative as it was read
        plans = [plan for plan in plans if len(plan.coalitions)]
        if not plans:
            continue
        found = _reencode(explainer, outputs, game.number, _texts(plans, block), read_texts)
        ends = np.cumsum([len(plan.coalitions) for plan in plans])
        for plan, now in zip(plans, np.split(found, ends[:-1]), strict=True):
            mine, n_linear = plan.places, len(game.parts.offset)
            now[:, n_linear:] = game.parts.whole[plan.at, n_linear:]  # what belongs to the narrative as a whole
            if plan.n_pairs:
                more, error = _corrected(game, plan, now, seed)
                sentences[mine] += more
                errors[mine] = np.hypot(error, errors[mine])
            else:
                sentences[mine], errors[mine] = _enumerated(game, plan, now), 0.0
            orders[mine], exact[mine] = 2 * plan.n_pairs, True
    return replace(fast, sentences=sentences, sentence_error=errors, orders=orders, exact=exact)


def _plan(game: NarrativeGame, at: int, block: SentenceBlock, seed: int) -> ReencodingPlan:
    """All coalitions where the budget allows, else those of some pairs of orders, else none."""
    places = game.places[game.parts.first[at] : game.parts.first[at + 1]]
    k, length = len(places), sum(len(block.text[place]) for place in places)
    if 2 ** (k - 1) * length <= REENCODED_CHARACTERS:
        return ReencodingPlan(at, places, np.arange(1, 2**k - 1), 0)
    n_pairs = min(PAIRS, REENCODED_CHARACTERS // (k * length))
    if n_pairs < MIN_PAIRS:
        return ReencodingPlan(at, places, np.zeros(0, dtype=np.int64), 0)
    return ReencodingPlan(at, places, np.unique(_prefixes(all_orders(seed)[k, :n_pairs, :k])[:, 1:-1]), n_pairs)


def _prefixes(orders: Ints) -> Ints:
    """int64 (2 * n_pairs, k + 1): the coalitions that grow along each order, forwards and backwards."""
    both = np.concatenate([orders, orders[:, ::-1]])
    grown = np.cumsum(1 << both, axis=1)
    return np.concatenate([np.zeros((len(both), 1), dtype=np.int64), grown], axis=1)


def _texts(plans: Sequence[ReencodingPlan], block: SentenceBlock) -> list[str]:
    """The sentences of every coalition, joined."""
    return [
        "".join(block.text[place] for i, place in enumerate(plan.places) if coalition >> i & 1).strip()
        for plan in plans
        for coalition in plan.coalitions.tolist()
    ]


def _reencode(
    explainer: Explainer, outputs: ModelOutputs, number: int, texts: Sequence[str], read_texts: ReadTexts
) -> Floats:
    """float64 (m, n_outputs): what the model reads of texts in narrative column ``number`` (``NarrativeParts``)."""
    design, model = outputs.design, explainer.model
    vectors, words = read_texts(texts)
    m, n_narratives = len(texts), len(design.text.names)
    x_text = np.zeros((m, n_narratives, vectors.shape[1]), dtype=np.float32)
    has_text = np.zeros((m, n_narratives), dtype=np.bool_)
    has_text[:, number] = [bool(text) for text in texts]
    x_text[has_text[:, number], number] = vectors[has_text[:, number]]
    n_buckets = words.shape[1]
    moved = sparse.csr_matrix(
        (words.data, words.indices + number * n_buckets, words.indptr), (m, n_narratives * n_buckets)
    )
    rows = design.tabular.take(np.zeros(m, dtype=np.intp))
    nothing = np.full((m, n_narratives, design.text.x_style.shape[2]), np.nan, dtype=np.float32)
    read = Design(rows, TextBlock(x_text, has_text, moved, design.text.names, nothing))
    return ModelOutputs.of(model, read).narrative(number, np.arange(m))


def _enumerated(game: NarrativeGame, plan: ReencodingPlan, outputs: Floats) -> Floats:
    """Shapley values from every coalition's outputs; nothing is sampled."""
    k = len(plan.places)
    ends = part_outputs(game.parts, plan.at, np.array([0, 2**k - 1]))
    worth = game.payoff.of(plan.at, np.concatenate([ends[:1], outputs, ends[1:]]))
    added = np.zeros(k)
    share_out(worth, k, added)
    return added


def _corrected(game: NarrativeGame, plan: ReencodingPlan, outputs: Floats, seed: int) -> tuple[Floats, Floats]:
    """The correction of the fast values along sampled orders, and its standard error."""
    k, payoff = len(plan.places), game.payoff
    fast = payoff.of(plan.at, part_outputs(game.parts, plan.at, plan.coalitions))
    difference = dict(zip(plan.coalitions.tolist(), payoff.of(plan.at, outputs) - fast, strict=True))
    orders = all_orders(seed)[k, : plan.n_pairs, :k]
    gained = np.zeros((2 * plan.n_pairs, k))
    for order, grown, gain in zip(np.concatenate([orders, orders[:, ::-1]]), _prefixes(orders), gained, strict=True):
        along = np.array([difference.get(coalition, 0.0) for coalition in grown.tolist()])
        gain[order] = np.diff(along)
    pairs = (gained[: plan.n_pairs] + gained[plan.n_pairs :]) / 2
    return pairs.mean(axis=0), pairs.std(axis=0, ddof=1) / np.sqrt(plan.n_pairs)
