"""What each sentence adds to its narrative's contribution: the game inside a narrative.

The players are a narrative's sentences. What some of them are worth together is the contribution that the narrative
would have with these sentences alone, the rest of the application held, by the Shapley value of the game around it: so
sentences get Owen values (Owen, 1977), which sum to the narrative's Shapley value. No sentence at all is the state
"no narrative", all of them are the narrative as it was scored.

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
from features.text.cleaning import MAX_PASSAGES
from fusion.explain.compiled import compiled

MAX_ENUMERATED = 10  # sentences whose every coalition is valued; above it orders are sampled
PAIRS = 64  # sampled orders, each walked forwards and backwards


class NarrativeParts(NamedTuple):
    """What the sentences of n narratives of one column contribute to the log-odds of the joint head and of the
    text-only head.

    A plain tuple of arrays, because compiled code reads it. In the arrays of two or three columns the last two belong
    to the joint head and to the text-only head.

    Attributes:
        first: int64 (n + 1,), where the sentences of each narrative begin.
        rest: float64 (n, 3), share of the special tokens, and that share times their log-odds; 0 where they have none.
        whole: float64 (n, 2), log-odds of the whole narrative.
        part: float64 (n_sentences, 3), share of the sentence among the tokens, and that share times their log-odds.
        word_first: int64 (n_sentences + 1,), where the words of each sentence begin.
        word: int64 (n_words,), hash bucket of the word.
        word_values: float64 (n_words, 3), squared weight of the word, and its log-odds before a narrative's words are
            scaled to length 1.
        offset: float64 (2,), added to the log-odds of every vector.
        absent: float64 (2,), log-odds of a narrative that was not written.
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
    """From the two heads' log-odds of a narrative to its contribution to the margin.

    Attributes:
        head: weight of the joint head's log-odds.
        thresholds: float64 (k,), of the trees' ``Response`` to the text-only head.
        values: float64 (n, k + 1), that response times the trees' weight, for each narrative.
    """

    head: float
    thresholds: Floats
    values: Floats

    def of(self, narrative: int, log_odds: Floats) -> Floats:
        """float64 (m,): contributions at ``log_odds`` (m, 2)."""
        stretch = np.searchsorted(self.thresholds, log_odds[:, 1], side="left")
        paid: Floats = self.head * log_odds[:, 0] + self.values[narrative, stretch]
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


def part_log_odds(parts: NarrativeParts, narrative: int, coalitions: Ints) -> Floats:
    """float64 (m, 2): either head's log-odds of coalitions of a narrative's sentences; bit i of a coalition is sentence
    i.
    """
    log_odds = np.zeros((len(coalitions), 2))
    _each_part(parts, narrative, coalitions, log_odds)
    return log_odds


@functools.cache
def all_orders(seed: int) -> Ints:
    """int64 (MAX_PASSAGES + 1, PAIRS, MAX_PASSAGES): orders of so many sentences, the same for every narrative."""
    orders = np.zeros((MAX_PASSAGES + 1, PAIRS, MAX_PASSAGES), dtype=np.int64)
    for k in range(1, MAX_PASSAGES + 1):
        random = np.random.Generator(np.random.PCG64([seed, k]))
        orders[k, :, :k] = random.permuted(np.tile(np.arange(k), (PAIRS, 1)), axis=1)
    return orders


@compiled
def _part(parts: NarrativeParts, narrative: int, coalition: int, visited: Ints, stamp: int, log_odds: Floats) -> None:
    """Either head's log-odds of one coalition.

    Args:
        visited: (n_buckets,), scratch; no earlier call with it had this stamp.
    """
    begin, end = parts.first[narrative], parts.first[narrative + 1]
    if coalition == 0:
        log_odds[:] = parts.absent
        return
    if coalition == (1 << end - begin) - 1:
        log_odds[:] = parts.whole[narrative]
        return
    share, square = parts.rest[narrative, 0], 0.0
    vector_joint, vector_text = parts.rest[narrative, 1], parts.rest[narrative, 2]
    word_joint, word_text = 0.0, 0.0
    for sentence in range(begin, end):
        if not coalition >> sentence - begin & 1:
            continue
        share += parts.part[sentence, 0]
        vector_joint += parts.part[sentence, 1]
        vector_text += parts.part[sentence, 2]
        for at in range(parts.word_first[sentence], parts.word_first[sentence + 1]):
            if visited[parts.word[at]] != stamp:
                visited[parts.word[at]] = stamp
                square += parts.word_values[at, 0]
                word_joint += parts.word_values[at, 1]
                word_text += parts.word_values[at, 2]
    log_odds[:] = 0.0  # as of the mean narrative, where the coalition has no token
    if share > 0.0:
        log_odds[0] = parts.offset[0] + vector_joint / share
        log_odds[1] = parts.offset[1] + vector_text / share
    if square > 0.0:
        log_odds[0] += word_joint / math.sqrt(square)
        log_odds[1] += word_text / math.sqrt(square)


@compiled
def _each_part(parts: NarrativeParts, narrative: int, coalitions: Ints, log_odds: Floats) -> None:
    visited = np.zeros(parts.n_buckets, dtype=np.int64)
    for at in range(len(coalitions)):
        _part(parts, narrative, coalitions[at], visited, at + 1, log_odds[at])


@compiled
def _owen_values(parts: NarrativeParts, payoff: Payoff, orders: Ints, added: Floats, error: Floats) -> None:
    visited = np.zeros(parts.n_buckets, dtype=np.int64)
    stamp = 0
    log_odds = np.zeros(2)
    worth = np.zeros(1 << MAX_ENUMERATED)
    for narrative in range(len(parts.first) - 1):
        begin, end = parts.first[narrative], parts.first[narrative + 1]
        k = end - begin
        if k <= MAX_ENUMERATED:
            for coalition in range(1 << k):
                stamp += 1
                _part(parts, narrative, coalition, visited, stamp, log_odds)
                worth[coalition] = _pay(payoff, narrative, log_odds)
            share_out(worth, k, added[begin:end])
        else:
            stamp = _sample(parts, payoff, narrative, orders[k], visited, stamp, added[begin:end], error[begin:end])


@compiled
def _pay(payoff: Payoff, narrative: int, log_odds: Floats) -> float:
    stretch = np.searchsorted(payoff.thresholds, log_odds[1])
    return float(payoff.head * log_odds[0] + payoff.values[narrative, stretch])


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
    orders: Ints,
    visited: Ints,
    stamp: int,
    added: Floats,
    error: Floats,
) -> int:
    """Shapley values from pairs of opposite orders (Mitchell et al., 2022), with the standard error over the pairs.
    Returns the last stamp used.
    """
    k, n_pairs = len(added), len(orders)
    log_odds, pair, square = np.zeros(2), np.zeros(k), np.zeros(k)
    for at in range(n_pairs):
        pair[:] = 0.0
        for backwards in range(2):
            coalition = 0
            _part(parts, narrative, coalition, visited, stamp, log_odds)
            before = _pay(payoff, narrative, log_odds)
            for place in range(k):
                sentence = orders[at, k - 1 - place if backwards else place]
                coalition |= 1 << sentence
                stamp += 1
                _part(parts, narrative, coalition, visited, stamp, log_odds)
                now = _pay(payoff, narrative, log_odds)
                pair[sentence] += 0.5 * (now - before)
                before = now
        added += pair / n_pairs
        square += pair * pair / n_pairs
    error[:] = np.sqrt(np.maximum(square - added * added, 0.0) / (n_pairs - 1))
    return stamp
