"""What each sentence adds to its narrative's contribution: the game inside a narrative.

The players are a narrative's sentences. What some of them are worth together is the contribution that the narrative
would have with these sentences alone, the rest of the application held, by the Shapley value of the game around it: so
sentences get Owen values (Owen, 1977), which sum to the narrative's Shapley value. No sentence at all is the state
"no narrative", all of them are the narrative as it was scored.

``Spoken`` values a part of a narrative without another forward pass: its vector is the mean of the token vectors of its
sentences, as they were read amid the others, and its words are the sentences' own. ``fusion.exact`` reads it again.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fusion.jit import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_ENUMERATED = 10  # sentences whose every coalition is valued; above it orders are sampled
PAIRS = 64  # sampled orders, each played forwards and backwards
MOST_SENTENCES = 40


class Spoken(NamedTuple):
    """Narratives of one column as the joint head and the text-only head hear them, in log-odds.

    A plain tuple of arrays, because compiled code reads it. Per narrative: first: int64 (n + 1,), where its sentences
    begin; rest: (n, 3), the special tokens' share and what they say to either head; whole: (n, 2), what the narrative
    says to either head. Per sentence: part: (n_sentences, 3), its share of the tokens and what these say; word_first:
    int64 (n_sentences + 1,). Per word: word: int64, its bucket; said: (n_words, 3), its squared weight and what it
    says before the narrative's words are scaled to length 1. offset, none: (2,), what is added to every vector, and
    what a narrative that was not written says.
    """

    first: Ints
    rest: Floats
    whole: Floats
    part: Floats
    word_first: Ints
    word: Ints
    said: Floats
    offset: Floats
    none: Floats
    n_buckets: int


class Payoff(NamedTuple):
    """From what the heads hear of each narrative to what it adds to the margin.

    head: weight of the joint head's log-odds. thresholds, values: the trees' ``Response`` to the text-only head,
    times the trees' weight; one row of values per narrative.
    """

    head: float
    thresholds: Floats
    values: Floats

    def of(self, narrative: int, heard: Floats) -> Floats:
        """float64 (m,): what is paid where the heads hear ``heard`` (m, 2)."""
        stretch = np.searchsorted(self.thresholds, heard[:, 1], side="left")
        paid: Floats = self.head * heard[:, 0] + self.values[narrative, stretch]
        return paid


def play(spoken: Spoken, payoff: Payoff, seed: int) -> tuple[Floats, Floats]:
    """What each sentence of every narrative adds to the margin, and its standard error (0 where none was sampled);
    float64 (n_sentences,) each.
    """
    added, error = np.zeros(len(spoken.part)), np.zeros(len(spoken.part))
    _play(spoken, payoff, all_orders(seed), added, error)
    return added, error


def hear(spoken: Spoken, narrative: int, coalitions: Ints) -> Floats:
    """float64 (m, 2): what either head hears of some sentences of a narrative; bit i of a coalition is sentence i."""
    heard = np.zeros((len(coalitions), 2))
    _hear_each(spoken, narrative, coalitions, heard)
    return heard


@functools.cache
def all_orders(seed: int) -> Ints:
    """int64 (MOST_SENTENCES + 1, PAIRS, MOST_SENTENCES): orders of so many sentences, the same for every narrative."""
    orders = np.zeros((MOST_SENTENCES + 1, PAIRS, MOST_SENTENCES), dtype=np.int64)
    for k in range(1, MOST_SENTENCES + 1):
        random = np.random.Generator(np.random.PCG64([seed, k]))
        orders[k, :, :k] = random.permuted(np.tile(np.arange(k), (PAIRS, 1)), axis=1)
    return orders


@functools.cache
def shapley_weights(k: int) -> Floats:
    """float64 (k,): weight of a coalition of s others in a player's value, s! (k - s - 1)! / k!."""
    return np.array([math.factorial(s) * math.factorial(k - s - 1) / math.factorial(k) for s in range(k)])


@compiled
def _hear(spoken: Spoken, narrative: int, coalition: int, seen: Ints, stamp: int, heard: Floats) -> None:
    """What either head hears of a coalition. seen: (n_buckets,), scratch; no earlier call with it had this stamp."""
    begin, end = spoken.first[narrative], spoken.first[narrative + 1]
    if coalition == 0:
        heard[:] = spoken.none
        return
    if coalition == (1 << end - begin) - 1:
        heard[:] = spoken.whole[narrative]
        return
    share, square = spoken.rest[narrative, 0], 0.0
    vector_joint, vector_text = spoken.rest[narrative, 1], spoken.rest[narrative, 2]
    word_joint, word_text = 0.0, 0.0
    for sentence in range(begin, end):
        if not coalition >> sentence - begin & 1:
            continue
        share += spoken.part[sentence, 0]
        vector_joint += spoken.part[sentence, 1]
        vector_text += spoken.part[sentence, 2]
        for at in range(spoken.word_first[sentence], spoken.word_first[sentence + 1]):
            if seen[spoken.word[at]] != stamp:
                seen[spoken.word[at]] = stamp
                square += spoken.said[at, 0]
                word_joint += spoken.said[at, 1]
                word_text += spoken.said[at, 2]
    heard[:] = spoken.offset
    if share > 0.0:
        heard[0] += vector_joint / share
        heard[1] += vector_text / share
    if square > 0.0:
        heard[0] += word_joint / math.sqrt(square)
        heard[1] += word_text / math.sqrt(square)


@compiled
def _hear_each(spoken: Spoken, narrative: int, coalitions: Ints, heard: Floats) -> None:
    seen = np.zeros(spoken.n_buckets, dtype=np.int64)
    for at in range(len(coalitions)):
        _hear(spoken, narrative, coalitions[at], seen, at + 1, heard[at])


@compiled
def _play(spoken: Spoken, payoff: Payoff, orders: Ints, added: Floats, error: Floats) -> None:
    seen = np.zeros(spoken.n_buckets, dtype=np.int64)
    stamp = 0
    heard = np.zeros(2)
    worth = np.zeros(1 << MOST_ENUMERATED)
    for narrative in range(len(spoken.first) - 1):
        begin, end = spoken.first[narrative], spoken.first[narrative + 1]
        k = end - begin
        if k <= MOST_ENUMERATED:
            for coalition in range(1 << k):
                stamp += 1
                _hear(spoken, narrative, coalition, seen, stamp, heard)
                worth[coalition] = _pay(payoff, narrative, heard)
            share_out(worth, k, added[begin:end])
        else:
            stamp = _sample(spoken, payoff, narrative, orders[k], seen, stamp, added[begin:end], error[begin:end])


@compiled
def _pay(payoff: Payoff, narrative: int, heard: Floats) -> float:
    stretch = np.searchsorted(payoff.thresholds, heard[1])
    return float(payoff.head * heard[0] + payoff.values[narrative, stretch])


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
    spoken: Spoken,
    payoff: Payoff,
    narrative: int,
    orders: Ints,
    seen: Ints,
    stamp: int,
    added: Floats,
    error: Floats,
) -> int:
    """Shapley values from pairs of opposite orders (Mitchell et al., 2022), with the standard error over the pairs.
    Returns the last stamp used.
    """
    k, n_pairs = len(added), len(orders)
    heard, pair, square = np.zeros(2), np.zeros(k), np.zeros(k)
    for at in range(n_pairs):
        pair[:] = 0.0
        for backwards in range(2):
            coalition = 0
            _hear(spoken, narrative, coalition, seen, stamp, heard)
            before = _pay(payoff, narrative, heard)
            for place in range(k):
                sentence = orders[at, k - 1 - place if backwards else place]
                coalition |= 1 << sentence
                stamp += 1
                _hear(spoken, narrative, coalition, seen, stamp, heard)
                now = _pay(payoff, narrative, heard)
                pair[sentence] += 0.5 * (now - before)
                before = now
        added += pair / n_pairs
        square += pair * pair / n_pairs
    error[:] = np.sqrt(np.maximum(square - added * added, 0.0) / (n_pairs - 1))
    return stamp
