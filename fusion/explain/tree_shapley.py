"""Exact interventional Shapley values of boosted trees against a whole background, by tabulation.

The players own the trees' columns: a structured column is its own player, all columns that describe one narrative
belong to that narrative. A leaf is reached by a coalition when every player on its path satisfies the leaf's
conditions on its columns, from the applicant for the players in the coalition and from the background row for the
others. So all that matters of such a row is which of the path's k players it satisfies, a pattern of k bits: the rows
are counted once per leaf and pattern. From the counts follows, for each pattern of an applicant, what the leaf gives to
each of its players, averaged over the background; explaining a row is a table look-up per leaf, whatever the size of
the background.

With the applicant's players P and the background row's Q satisfied, and P | Q all of the path, the leaf needs the
players u = P \\ Q from the applicant and v = Q \\ P from the background. Its value goes to each player of u times
(|u|-1)! |v|! / (|u|+|v|)! and is taken from each player of v times |u|! (|v|-1)! / (|u|+|v|)! (Shapley, 1953; the
game of Lundberg et al., 2020, "interventional").
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features.arrays import Floats, Ints
from features.compiled import compiled
from features.encoders.threads import n_threads
from fusion.explain.leaves import MAX_PLAYERS, Leaves, starts

BLOCK_ROWS = 256


class Tables(NamedTuple):
    """The Shapley values that each leaf gives to its players.

    Attributes:
        at: int64 (n_leaves + 1,), where each leaf's table begins in ``given``.
        given: float64, the value of the leaf's i-th player for pattern p at ``at[leaf] + p * k + i``.
    """

    at: Ints
    given: Floats


@dataclass(frozen=True)
class TreeGame:
    """Trees and a background sample, ready to explain rows.

    Attributes:
        leaves: the trees.
        counts: int64, background rows per leaf and pattern, 2^k entries per leaf.
        n_background: number of background rows.
        n_players: number of players.
        tables: Shapley values per leaf and pattern.
        base: mean margin of the trees over the background.
    """

    leaves: Leaves
    counts: Ints
    n_background: int
    n_players: int
    tables: Tables
    base: float

    @staticmethod
    def of(leaves: Leaves, counts: Ints, n_background: int, n_players: int) -> TreeGame:
        """The game of these trees on a background that ``count`` has counted."""
        k = np.diff(leaves.first_player)
        first, at = starts(2**k), starts(2**k * k)
        given = np.zeros(int(at[-1]))
        _tabulate(leaves, first, counts, float(max(1, n_background)), _shares(), at, given)
        whole = counts[first[1:] - 1] if len(k) else np.zeros(0)
        base = float((leaves.value * whole).sum() / max(1, n_background))
        return TreeGame(leaves, counts, n_background, n_players, Tables(at, given), base)

    def contributions(self, x: Floats) -> Floats:
        """Shapley values in log-odds, float64 (n, n_players), of rows ``x`` (n, n_columns): they and ``base`` sum to
        the trees' margin. A player on whose columns no tree splits gets exactly 0.
        """
        found = np.zeros((len(x), self.n_players))

        def explain(start: int) -> None:
            block = slice(start, start + BLOCK_ROWS)
            given = np.zeros((self.n_players, len(x[block])))
            _explain(self.leaves, self.tables, upright(x[block]), given)
            found[block] = given.T

        with ThreadPoolExecutor(n_threads()) as pool:
            list(pool.map(explain, range(0, len(x), BLOCK_ROWS)))
        return found


def count(leaves: Leaves, background: Floats) -> Ints:
    """Background rows (n, n_columns) per leaf and pattern: int64 (sum of 2^k,)."""
    first = starts(2 ** np.diff(leaves.first_player))
    counts = np.zeros(int(first[-1]), dtype=np.int64)
    x = upright(background)
    some = np.linspace(0, len(leaves.value), 33).astype(np.int64)

    def count_some(at: int) -> None:
        _count(leaves, first, x, int(some[at]), int(some[at + 1]), counts)

    with ThreadPoolExecutor(n_threads()) as pool:
        list(pool.map(count_some, range(len(some) - 1)))
    return counts


def upright(x: Floats) -> Floats:
    """Columns first, so that a condition runs along memory."""
    return np.ascontiguousarray(x.T, dtype=np.float64)


def _shares() -> Floats:
    """(u, v) -> (u-1)! v! / (u+v)!; 0 for u = 0."""
    n = MAX_PLAYERS + 1
    shares = np.zeros((n, n))
    for u in range(1, n):
        for v in range(n):
            shares[u, v] = math.factorial(u - 1) * math.factorial(v) / math.factorial(u + v)
    return shares


@compiled
def patterns(leaves: Leaves, leaf: int, skipped: int, x: Floats, pattern: Ints) -> None:
    """Which of a leaf's players satisfy their conditions in each column of ``x`` (n_columns, n); the player of the bit
    ``skipped`` is taken as one that does not.
    """
    pattern[:] = ((1 << leaves.first_player[leaf + 1] - leaves.first_player[leaf]) - 1) & ~skipped
    for at in range(leaves.first[leaf], leaves.first[leaf + 1]):
        bit = leaves.bit[at]
        if bit == skipped:
            continue
        column, low, high, missing = x[leaves.column[at]], leaves.low[at], leaves.high[at], leaves.missing[at]
        for row in range(len(pattern)):
            value = column[row]
            satisfied = (low < value) & (value <= high) | (value != value) & missing
            pattern[row] &= ~(bit * (not satisfied))


@compiled
def _count(leaves: Leaves, first: Ints, x: Floats, begin: int, end: int, counts: Ints) -> None:
    """x: (n_columns, n)."""
    pattern = np.zeros(x.shape[1], dtype=np.int64)
    for leaf in range(begin, end):
        patterns(leaves, leaf, 0, x, pattern)
        for row in range(len(pattern)):
            counts[first[leaf] + pattern[row]] += 1


@compiled
def bits(number: int) -> int:
    """How many bits of a number are 1."""
    found = 0
    while number:
        number &= number - 1
        found += 1
    return found


@compiled
def _tabulate(
    leaves: Leaves, first: Ints, counts: Ints, n_background: float, shares: Floats, at: Ints, given: Floats
) -> None:
    for leaf in range(len(leaves.value)):
        k = leaves.first_player[leaf + 1] - leaves.first_player[leaf]
        full = 2**k - 1
        for mine in range(full + 1):
            both = mine  # runs over the subsets of ``mine``; the background row satisfies these and all of the rest
            while True:
                rows = counts[first[leaf] + (full ^ mine | both)]
                if rows:
                    u, v = mine ^ both, full ^ mine
                    n_u, n_v = bits(u), bits(v)
                    worth = leaves.value[leaf] * rows / n_background
                    for i in range(k):
                        if u >> i & 1:
                            given[at[leaf] + mine * k + i] += worth * shares[n_u, n_v]
                        elif v >> i & 1:
                            given[at[leaf] + mine * k + i] -= worth * shares[n_v, n_u]
                if both == 0:
                    break
                both = both - 1 & mine


@compiled
def _explain(leaves: Leaves, tables: Tables, x: Floats, found: Floats) -> None:
    """x: (n_columns, n) and found: (n_players, n), so that a condition runs along memory."""
    pattern = np.zeros(x.shape[1], dtype=np.int64)
    for leaf in range(len(leaves.value)):
        patterns(leaves, leaf, 0, x, pattern)
        first, last = leaves.first_player[leaf], leaves.first_player[leaf + 1]
        pattern *= last - first
        pattern += tables.at[leaf]
        for at in range(first, last):
            given = found[leaves.player[at]]
            for row in range(len(pattern)):
                given[row] += tables.given[pattern[row] + at - first]
