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

from features.arrays import Flags, Floats, Ints
from features.compiled import compiled
from features.encoders.threads import n_threads
from fusion.explain.leaves import MAX_PLAYERS, Leaves, starts_of

BLOCK_ROWS = 256


class Tables(NamedTuple):
    """The Shapley values that each leaf gives to its players.

    Attributes:
        at: int64 (n_leaves + 1,), where each leaf's table begins in ``given``.
        given: float64, the value of the leaf's i-th player for pattern p at ``at[leaf] + p * k + i``.
    """

    at: Ints
    given: Floats


class Response(NamedTuple):
    """One player's Shapley value as a function of its own columns, the rest of the row held.

    A step function of its main column, and beside it the leaves that look at another of its columns too: each pays
    where its conditions on the player's columns hold. A plain tuple of arrays, because compiled code reads it.

    Attributes:
        thresholds: float64 (k,), ascending, of the main column.
        values: float64 (m, k + 1), of each row, on each interval between them.
        first: int64 (n_leaves + 1,), where the conditions of each further leaf begin.
        column: int64 (n_conditions,), column that each of them looks at.
        low: float64 (n_conditions,), it holds for low < x <= high.
        high: float64 (n_conditions,), upper bound, inclusive.
        missing: bool (n_conditions,), whether it holds where x is missing.
        worth: float64 (m, n_leaves), what each further leaf pays in each row.
    """

    thresholds: Floats
    values: Floats
    first: Ints
    column: Ints
    low: Floats
    high: Floats
    missing: Flags
    worth: Floats


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
        starts = np.concatenate([[0], np.cumsum(2**k)])
        table_starts = np.concatenate([[0], np.cumsum(2**k * k)])
        given = np.zeros(int(table_starts[-1]))
        _tabulate(leaves, starts, counts, float(max(1, n_background)), _shares(), table_starts, given)
        whole = counts[starts[1:] - 1] if len(k) else np.zeros(0)
        base = float((leaves.value * whole).sum() / max(1, n_background))
        return TreeGame(leaves, counts, n_background, n_players, Tables(table_starts, given), base)

    def contributions(self, x: Floats) -> Floats:
        """Shapley values in log-odds, float64 (n, n_players), of rows ``x`` (n, n_columns): they and ``base`` sum to
        the trees' margin. A player on whose columns no tree splits gets exactly 0.
        """
        found = np.zeros((len(x), self.n_players))

        def explain(start: int) -> None:
            block = slice(start, start + BLOCK_ROWS)
            given = np.zeros((self.n_players, len(x[block])))
            _explain(self.leaves, self.tables, _upright(x[block]), given)
            found[block] = given.T

        with ThreadPoolExecutor(n_threads()) as pool:
            list(pool.map(explain, range(0, len(x), BLOCK_ROWS)))
        return found

    def response(self, x: Floats, player: int, main: int) -> Response:
        """Shapley value of ``player`` as a function of its columns, ``main`` among them, for every row of ``x`` (m,
        n_columns).
        """
        leaves = self.leaves
        owner = np.repeat(np.arange(len(leaves.value)), np.diff(leaves.first_player))
        mine = owner[leaves.player == player]  # ascending: a leaf names a player once
        bits = np.zeros(len(leaves.value), dtype=np.int64)
        bits[mine] = 1 << np.flatnonzero(leaves.player == player) - leaves.first_player[mine]
        leaf_of = np.repeat(np.arange(len(leaves.value)), np.diff(leaves.first))
        own = (leaves.bit == bits[leaf_of]) & (bits[leaf_of] > 0)
        further = np.unique(leaf_of[own & (leaves.column != main)])
        simple = np.setdiff1d(mine, further)
        edges = own & np.isin(leaf_of, simple)
        thresholds = np.unique(np.concatenate([leaves.low[edges], leaves.high[edges]]))
        thresholds = thresholds[np.isfinite(thresholds)]
        # A condition holds on the stretches first..last-1, stretch i lying above i thresholds.
        first = np.searchsorted(thresholds, leaves.low, side="right")
        last = np.searchsorted(thresholds, leaves.high, side="left") + 1
        values, worth = np.zeros((len(x), len(thresholds) + 2)), np.zeros((len(x), len(further)))
        upright = _upright(x)
        _respond(leaves, self.tables, upright, simple, bits, edges, (first, last), values)
        _respond_further(leaves, self.tables, upright, further, bits, values, worth)
        kept = own & np.isin(leaf_of, further)
        return Response(
            thresholds,
            np.cumsum(values, axis=1)[:, :-1],
            starts_of(np.bincount(np.searchsorted(further, leaf_of[kept]), minlength=len(further)).tolist()),
            leaves.column[kept],
            leaves.low[kept],
            leaves.high[kept],
            leaves.missing[kept],
            worth,
        )


def count(leaves: Leaves, background: Floats) -> Ints:
    """Background rows (n, n_columns) per leaf and pattern: int64 (sum of 2^k,)."""
    starts = np.concatenate([[0], np.cumsum(2 ** np.diff(leaves.first_player))])
    counts = np.zeros(int(starts[-1]), dtype=np.int64)
    x = _upright(background)
    some = np.linspace(0, len(leaves.value), 33).astype(np.int64)

    def count_some(at: int) -> None:
        _count(leaves, starts, x, int(some[at]), int(some[at + 1]), counts)

    with ThreadPoolExecutor(n_threads()) as pool:
        list(pool.map(count_some, range(len(some) - 1)))
    return counts


def _upright(x: Floats) -> Floats:
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
def _patterns(leaves: Leaves, leaf: int, skipped: int, x: Floats, pattern: Ints) -> None:
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
def _count(leaves: Leaves, starts: Ints, x: Floats, begin: int, end: int, counts: Ints) -> None:
    """x: (n_columns, n)."""
    pattern = np.zeros(x.shape[1], dtype=np.int64)
    for leaf in range(begin, end):
        _patterns(leaves, leaf, 0, x, pattern)
        for row in range(len(pattern)):
            counts[starts[leaf] + pattern[row]] += 1


@compiled
def _bits(number: int) -> int:
    found = 0
    while number:
        number &= number - 1
        found += 1
    return found


@compiled
def _tabulate(
    leaves: Leaves, starts: Ints, counts: Ints, n_background: float, shares: Floats, at: Ints, given: Floats
) -> None:
    for leaf in range(len(leaves.value)):
        k = leaves.first_player[leaf + 1] - leaves.first_player[leaf]
        full = 2**k - 1
        for mine in range(full + 1):
            both = mine  # runs over the subsets of ``mine``; the background row satisfies these and all of the rest
            while True:
                rows = counts[starts[leaf] + (full ^ mine | both)]
                if rows:
                    u, v = mine ^ both, full ^ mine
                    n_u, n_v = _bits(u), _bits(v)
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
        _patterns(leaves, leaf, 0, x, pattern)
        first, last = leaves.first_player[leaf], leaves.first_player[leaf + 1]
        pattern *= last - first
        pattern += tables.at[leaf]
        for at in range(first, last):
            given = found[leaves.player[at]]
            for row in range(len(pattern)):
                given[row] += tables.given[pattern[row] + at - first]


@compiled
def _respond(
    leaves: Leaves,
    tables: Tables,
    x: Floats,
    simple: Ints,
    bits: Ints,
    own: Flags,
    stretch: tuple[Ints, Ints],
    values: Floats,
) -> None:
    """Adds what the leaves ``simple`` give to the player of ``bits``; as differences between stretches.

    Args:
        x: (n_columns, n).
        own: which conditions are the player's.
        stretch: first and last stretch of each condition.
        values: (n, number of stretches + 1).
    """
    pattern = np.zeros(x.shape[1], dtype=np.int64)
    for leaf in simple:
        bit = bits[leaf]
        _patterns(leaves, leaf, bit, x, pattern)
        k = leaves.first_player[leaf + 1] - leaves.first_player[leaf]
        i = _bits(bit - 1)
        for at in range(leaves.first[leaf], leaves.first[leaf + 1]):
            if not own[at]:
                continue
            first, last = stretch[0][at], stretch[1][at]
            for row in range(len(pattern)):
                without = tables.given[tables.at[leaf] + pattern[row] * k + i]
                within = tables.given[tables.at[leaf] + (pattern[row] + bit) * k + i]
                values[row, 0] += without
                values[row, first] += within - without
                values[row, last] -= within - without


@compiled
def _respond_further(
    leaves: Leaves, tables: Tables, x: Floats, further: Ints, bits: Ints, values: Floats, worth: Floats
) -> None:
    """What each leaf of ``further`` pays where the player's conditions hold, into ``worth`` (n, n_further); what it
    pays where they do not is added to all stretches.
    """
    pattern = np.zeros(x.shape[1], dtype=np.int64)
    for number in range(len(further)):
        leaf = further[number]
        bit = bits[leaf]
        _patterns(leaves, leaf, bit, x, pattern)
        k = leaves.first_player[leaf + 1] - leaves.first_player[leaf]
        i = _bits(bit - 1)
        for row in range(len(pattern)):
            without = tables.given[tables.at[leaf] + pattern[row] * k + i]
            within = tables.given[tables.at[leaf] + (pattern[row] + bit) * k + i]
            values[row, 0] += without
            worth[row, number] = within - without
