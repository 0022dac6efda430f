"""What each sentence adds to its narrative's contribution: the game inside a narrative.

The players are a narrative's sentences. What some of them are worth together is the contribution that the narrative
would have with these sentences alone, the rest of the application held, by the Shapley value of the game around it: so
sentences get Owen values (Owen, 1977), which sum to the narrative's Shapley value. No sentence at all is the state
"no narrative", all of them are the narrative as it was scored. Where the trees read style, that of the narrative stays
in every coalition: the sentences then sum to what the narrative adds beside its style.

``NarrativeParts`` values a part of a narrative without another forward pass: its vector is the mean of the token
vectors of its sentences, as they were read amid the others, and its words are the sentences' own.
``fusion.explain.exact_sentences`` reads it again.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np

from features.arrays import Floats, Ints
from features.compiled import compiled
from features.text.cleaning import MAX_PASSAGES
from fusion.explain.tree_response import Response

MAX_ENUMERATED = 10  # sentences whose every coalition is valued; above it orders are sampled
PAIRS = 64  # sampled orders, each walked forwards and backwards


class NarrativeParts(NamedTuple):
    """What the sentences of n narratives of one column contribute to what the model reads of a narrative.

    The model's outputs of a narrative are the log-odds of the joint head, those of the text-only head, and further
    columns of the trees (``n_outputs`` in all): first linear ones (``n_linear``, the heads' included), each linear
    in the mean vector and in the words scaled to length 1; then its style, which belongs to the narrative as a
    whole and stays whatever sentences are left of it, even none: so no sentence is credited with it. A plain tuple
    of arrays, because compiled code reads it.

    Attributes:
        first: int64 (n + 1,), where the sentences of each narrative begin.
        rest: float64 (n, 1 + n_linear), share of the special tokens, and that share times their outputs; 0 where they
            have none.
        whole: float64 (n, n_outputs), outputs of the whole narrative.
        part: float64 (n_sentences, 1 + n_linear), share of the sentence among the tokens, and that share times its
            outputs.
        word_first: int64 (n_sentences + 1,), where the words of each sentence begin.
        word: int64 (n_words,), hash bucket of the word.
        word_values: float64 (n_words, 1 + n_linear), squared weight of the word, and its outputs before a narrative's
            words are scaled to length 1.
        offset: float64 (n_linear,), added to the outputs of every vector.
        absent: float64 (n_linear,), linear outputs of a narrative that was not written; NaN where missing to the trees.
        n_buckets: number of hash buckets.
    """

    first: Ints
    rest: Floats
    whole: Floats
    part: Floats
    word_first: Ints
    word: Ints
    word_values: Floats
    offset: Floats
    absent: Floats
    n_buckets: int


class Payoff(NamedTuple):
    """From the outputs of a narrative to its contribution to the margin: the joint head's log-odds as they are, and the
    trees' ``Response``, whose main column is the text-only head's log-odds.
    """

    trees: Response

    def of(self, narrative: int, outputs: Floats) -> Floats:
        """float64 (m,): contributions at ``outputs`` (m, n_outputs)."""
        paid = np.zeros(len(outputs))
        _pay_each(self, narrative, outputs, paid)
        return paid


def owen_values(parts: NarrativeParts, payoff: Payoff, seed: int) -> tuple[Floats, Floats]:
    """What each sentence of every narrative adds to the margin, and its standard error (0 where none was sampled);
    float64 (n_sentences,) each.

    Raises ValueError for a narrative of more than ``MAX_PASSAGES`` sentences.
    """
    most = int(np.diff(parts.first).max(initial=0))
    if most > MAX_PASSAGES:
        raise ValueError(f"a narrative of {most} sentences, more than {MAX_PASSAGES}")
    added, error = np.zeros(len(parts.part)), np.zeros(len(parts.part))
    _owen_values(parts, payoff, all_orders(seed), added, error)
    return added, error


def part_outputs(parts: NarrativeParts, narrative: int, coalitions: Ints) -> Floats:
    """float64 (m, n_outputs): outputs of coalitions of a narrative's sentences; bit i of a coalition is sentence i."""
    outputs = np.zeros((len(coalitions), parts.whole.shape[1]))
    _each_part(parts, narrative, coalitions, outputs)
    return outputs


@functools.cache
def all_orders(seed: int) -> Ints:
    """int64 (MAX_PASSAGES + 1, PAIRS, MAX_PASSAGES): orders of so many sentences, the same for every narrative."""
    orders = np.zeros((MAX_PASSAGES + 1, PAIRS, MAX_PASSAGES), dtype=np.int64)
    for k in range(1, MAX_PASSAGES + 1):
        random = np.random.Generator(np.random.PCG64([seed, k]))
        orders[k, :, :k] = random.permuted(np.tile(np.arange(k), (PAIRS, 1)), axis=1)
    return orders


@compiled
def _without_sentences(parts: NarrativeParts, narrative: int, sums: Floats) -> None:
    """What the coalition of none of a narrative's sentences sums up, (2, 1 + n_linear): the special tokens, no word."""
    for i in range(sums.shape[1]):
        sums[0, i] = parts.rest[narrative, i]
        sums[1, i] = 0.0


@compiled
def _add_sentence(parts: NarrativeParts, sentence: int, visited: Ints, mark: int, sums: Floats) -> None:
    """Add a sentence to what a coalition sums up: its share of the vector, and its words that are not there yet.

    Args:
        visited: (n_buckets,), 0 for a word that is not there; those of this sentence get ``mark``.
        sums: (2, 1 + n_linear), of vectors and of words.
    """
    vector, words = sums[0], sums[1]
    for i in range(len(vector)):
        vector[i] += parts.part[sentence, i]
    for at in range(parts.word_first[sentence], parts.word_first[sentence + 1]):
        if visited[parts.word[at]] == 0:
            visited[parts.word[at]] = mark
            for i in range(len(words)):
                words[i] += parts.word_values[at, i]


@compiled
def _remove_words(parts: NarrativeParts, sentence: int, visited: Ints, mark: int) -> None:
    """Forget the words that a sentence brought in with this mark."""
    for at in range(parts.word_first[sentence], parts.word_first[sentence + 1]):
        if visited[parts.word[at]] == mark:
            visited[parts.word[at]] = 0


@compiled
def _outputs(parts: NarrativeParts, narrative: int, n_sentences: int, sums: Floats, outputs: Floats) -> None:
    """The outputs of a coalition of so many of a narrative's sentences, which add up to ``sums``."""
    for i in range(len(outputs)):  # in loops, which are compiled far sooner than assignments of slices
        outputs[i] = parts.whole[narrative, i]
    if n_sentences == 0:
        for i in range(len(parts.absent)):
            outputs[i] = parts.absent[i]
        return
    if n_sentences == parts.first[narrative + 1] - parts.first[narrative]:
        return
    vector, words = sums[0], sums[1]
    length = math.sqrt(words[0])
    for i in range(len(vector) - 1):
        outputs[i] = 0.0  # as of the mean narrative, where the coalition has no token
        if vector[0] > 0.0:
            outputs[i] += parts.offset[i] + vector[i + 1] / vector[0]
        if length > 0.0:
            outputs[i] += words[i + 1] / length


@compiled
def _each_part(parts: NarrativeParts, narrative: int, coalitions: Ints, outputs: Floats) -> None:
    visited, sums = np.zeros(parts.n_buckets, dtype=np.int64), np.zeros((2, parts.rest.shape[1]))
    begin, end = parts.first[narrative], parts.first[narrative + 1]
    for at in range(len(coalitions)):
        visited[:] = 0
        _without_sentences(parts, narrative, sums)
        n_sentences = 0
        for sentence in range(begin, end):
            if coalitions[at] >> sentence - begin & 1:
                _add_sentence(parts, sentence, visited, 1, sums)
                n_sentences += 1
        _outputs(parts, narrative, n_sentences, sums, outputs[at])


@compiled
def _owen_values(parts: NarrativeParts, payoff: Payoff, orders: Ints, added: Floats, error: Floats) -> None:
    visited = np.zeros(parts.n_buckets, dtype=np.int64)
    sums = np.zeros((MAX_ENUMERATED + 1, 2, parts.rest.shape[1]))
    outputs = np.zeros(parts.whole.shape[1])
    worth = np.zeros(1 << MAX_ENUMERATED)
    for narrative in range(len(parts.first) - 1):
        begin, end = parts.first[narrative], parts.first[narrative + 1]
        k = end - begin
        if k <= MAX_ENUMERATED:
            _value_all(parts, payoff, narrative, (visited, sums, outputs), worth)
            share_out(worth, k, added[begin:end])
        else:
            own = orders[k], (visited, sums[0], outputs)
            _sample(parts, payoff, narrative, own, added[begin:end], error[begin:end])


@compiled
def _value_all(
    parts: NarrativeParts, payoff: Payoff, narrative: int, scratch: tuple[Ints, Floats, Floats], worth: Floats
) -> None:
    """What every coalition of a narrative's sentences is worth: each is the one without its last sentence, and that.

    Args:
        scratch: visited words, all 0 before and after; sums of coalitions of each size; outputs.
    """
    visited, sums, outputs = scratch
    begin = parts.first[narrative]
    k = parts.first[narrative + 1] - begin
    _without_sentences(parts, narrative, sums[0])
    _outputs(parts, narrative, 0, sums[0], outputs)
    worth[0] = _pay(payoff, narrative, outputs)
    chosen = np.zeros(k + 1, dtype=np.int64)
    size = coalition = following = 0
    while size or following < k:
        if following < k:
            size += 1
            chosen[size] = following
            coalition |= 1 << following
            for i in range(sums.shape[2]):
                sums[size, 0, i] = sums[size - 1, 0, i]
                sums[size, 1, i] = sums[size - 1, 1, i]
            _add_sentence(parts, begin + following, visited, size, sums[size])
            _outputs(parts, narrative, size, sums[size], outputs)
            worth[coalition] = _pay(payoff, narrative, outputs)
            following += 1
        else:
            last = chosen[size]
            _remove_words(parts, begin + last, visited, size)
            coalition ^= 1 << last
            size -= 1
            following = last + 1


@compiled
def _pay(payoff: Payoff, narrative: int, outputs: Floats) -> float:
    trees = payoff.trees
    paid = outputs[0] + trees.values[narrative, np.searchsorted(trees.thresholds, outputs[1])]
    for leaf in range(len(trees.first) - 1):
        holds = True
        for at in range(trees.first[leaf], trees.first[leaf + 1]):
            value = outputs[trees.column[at]]
            holds = trees.missing[at] if value != value else trees.low[at] < value <= trees.high[at]
            if not holds:
                break
        if holds:
            paid += trees.worth[narrative, leaf]
    return float(paid)


@compiled
def _pay_each(payoff: Payoff, narrative: int, outputs: Floats, paid: Floats) -> None:
    for at in range(len(outputs)):
        paid[at] = _pay(payoff, narrative, outputs[at])


@compiled
def share_out(worth: Floats, k: int, added: Floats) -> None:
    """Shapley values of k players from what every coalition is worth."""
    weight = np.zeros(k)
    weight[0] = 1.0 / k
    for s in range(1, k):
        weight[s] = weight[s - 1] * s / (k - s)
    for coalition in range(1 << k):
        others = 0
        for i in range(k):
            others += coalition >> i & 1
        for i in range(k):
            if not coalition >> i & 1:
                added[i] += weight[others] * (worth[coalition | 1 << i] - worth[coalition])


@compiled
def _sample(
    parts: NarrativeParts,
    payoff: Payoff,
    narrative: int,
    own: tuple[Ints, tuple[Ints, Floats, Floats]],
    added: Floats,
    error: Floats,
) -> None:
    """Shapley values from pairs of opposite orders (Mitchell et al., 2022), with the standard error over the pairs.

    Args:
        own: the orders, and scratch: visited words, all 0 before and after; sums; outputs.
    """
    orders, (visited, sums, outputs) = own
    begin = parts.first[narrative]
    k, n_pairs = len(added), len(orders)
    pair, square = np.zeros(k), np.zeros(k)
    _outputs(parts, narrative, 0, sums, outputs)
    unwritten = _pay(payoff, narrative, outputs)
    for at in range(n_pairs):
        pair[:] = 0.0
        for backwards in range(2):
            _without_sentences(parts, narrative, sums)
            before = unwritten
            for place in range(k):
                sentence = orders[at, k - 1 - place if backwards else place]
                _add_sentence(parts, begin + sentence, visited, 1, sums)
                _outputs(parts, narrative, place + 1, sums, outputs)
                now = _pay(payoff, narrative, outputs)
                pair[sentence] += 0.5 * (now - before)
                before = now
            for sentence in range(k):
                _remove_words(parts, begin + sentence, visited, 1)
        for i in range(k):
            added[i] += pair[i] / n_pairs
            square[i] += pair[i] * pair[i] / n_pairs
    for i in range(k):
        error[i] = math.sqrt(max(square[i] - added[i] * added[i], 0.0) / (n_pairs - 1))
