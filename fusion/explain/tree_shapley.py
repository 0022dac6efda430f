"""Exact interventional Shapley values of boosted trees against a whole background, by tabulation.

A leaf is reached by a coalition when every column on its path satisfies the leaf's conditions, from the applicant for
the columns in the coalition and from the background row for the others. So all that matters of such a row is which
of the path's k columns it satisfies, a pattern of k bits: the rows are counted once per leaf and pattern. From the
counts follows, for each pattern of an applicant, what the leaf gives to each of its columns, averaged over the
background; explaining a row is a table look-up per leaf, whatever the size of the background.

With the applicant's columns P and the background row's Q satisfied, and P | Q all of the path, the leaf needs the
columns u = P \\ Q from the applicant and v = Q \\ P from the background. Its value goes to each column of u times
(|u|-1)! |v|! / (|u|+|v|)! and is taken from each column of v times |u|! (|v|-1)! / (|u|+|v|)! (Shapley, 1953; the
game of Lundberg et al., 2020, "interventional").
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import torch

from features.arrays import Flags, Floats, Ints
from features.encoders.threads import lone_workers
from fusion.explain.compiled import compiled

MAX_COLUMNS = 8  # on one path: a leaf's table has 2^k * k entries
BLOCK_ROWS = 256
UNBOUNDED = math.inf


class Leaves(NamedTuple):
    """The leaves of all trees, flat.

    A plain tuple of arrays, because compiled code reads it.

    Attributes:
        value: float64 (n_leaves,), added to the margin where the leaf is reached.
        first: int64 (n_leaves + 1,), where the conditions of each leaf begin.
        column: int64 (n_conditions,), column that the condition looks at; one condition per column of a leaf.
        low: float64 (n_conditions,), the condition holds for low < x <= high.
        high: float64 (n_conditions,), upper bound, inclusive.
        missing: bool (n_conditions,), whether the condition holds where x is missing.
    """

    value: Floats
    first: Ints
    column: Ints
    low: Floats
    high: Floats
    missing: Flags


class Tables(NamedTuple):
    """The Shapley values that each leaf gives to its columns.

    Attributes:
        at: int64 (n_leaves + 1,), where each leaf's table begins in ``given``.
        given: float64, the value of the leaf's i-th column for pattern p at ``at[leaf] + p * k + i``.
    """

    at: Ints
    given: Floats


def leaves_of(boosters: Sequence[lgb.Booster]) -> Leaves:
    """The leaves of boosters whose margin is the mean of theirs.

    Raises ValueError for a path over more than ``MAX_COLUMNS`` columns, or a split other than
    by a threshold.
    """
    value: list[float] = []
    paths: list[dict[int, tuple[float, float, bool]]] = []
    for booster in boosters:
        for tree in booster.dump_model()["tree_info"]:
            for leaf, path in _paths(tree["tree_structure"], {}):
                value.append(leaf / len(boosters))
                paths.append(path)
    conditions = [(column, *path[column]) for path in paths for column in sorted(path)]
    columns, low, high, missing = zip(*conditions, strict=True) if conditions else ((), (), (), ())
    sizes = [len(path) for path in paths]
    if sizes and max(sizes) > MAX_COLUMNS:
        raise ValueError(f"a path holds {max(sizes)} columns, more than {MAX_COLUMNS}")
    return Leaves(
        np.array(value, dtype=np.float64),
        np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
        np.array(columns, dtype=np.int64),
        np.array(low, dtype=np.float64),
        np.array(high, dtype=np.float64),
        np.array(missing, dtype=np.bool_),
    )


def _paths(
    node: Mapping[str, Any], path: dict[int, tuple[float, float, bool]]
) -> Iterator[tuple[float, dict[int, tuple[float, float, bool]]]]:
    """Every leaf below ``node`` as (value, {column: (low, high, whether a missing value gets there)})."""
    if "leaf_value" in node:
        yield float(node["leaf_value"]), path
        return
    if node["decision_type"] != "<=":
        raise ValueError(f"a split by {node['decision_type']!r}, not by a threshold")
    column, threshold = int(node["split_feature"]), float(node["threshold"])
    low, high, missing = path.get(column, (-UNBOUNDED, UNBOUNDED, True))
    if node["missing_type"] == "Zero":
        raise ValueError("a booster that takes 0 for missing")
    if node["missing_type"] == "NaN":
        missing_left, missing_right = bool(node["default_left"]), not node["default_left"]
    else:  # LightGBM reads a missing value as 0 where training knew none
        missing_left, missing_right = threshold >= 0.0, threshold < 0.0
    yield from _paths(node["left_child"], path | {column: (low, min(high, threshold), missing and missing_left)})
    yield from _paths(node["right_child"], path | {column: (max(low, threshold), high, missing and missing_right)})


@dataclass(frozen=True)
class Response:
    """One column's Shapley value as a function of its own value, the rest of the row held.

    Attributes:
        thresholds: float64 (k,), ascending.
        values: float64 (m, k + 1), of each row, on each interval between them.
    """

    thresholds: Floats
    values: Floats

    def at(self, row: int, x: Floats) -> Floats:
        """The Shapley value if the column were ``x``; same shape."""
        values: Floats = self.values[row, np.searchsorted(self.thresholds, x, side="left")]
        return values


@dataclass(frozen=True)
class TreeGame:
    """Trees and a background sample, ready to explain rows.

    Attributes:
        leaves: the trees.
        counts: int64, background rows per leaf and pattern, 2^k entries per leaf.
        n_background: number of background rows.
        n_columns: number of columns of the trees.
        tables: Shapley values per leaf and pattern.
        base: mean margin of the trees over the background.
    """

    leaves: Leaves
    counts: Ints
    n_background: int
    n_columns: int
    tables: Tables
    base: float

    @staticmethod
    def of(leaves: Leaves, counts: Ints, n_background: int, n_columns: int) -> TreeGame:
        """The game of these trees on a background that ``count`` has counted."""
        k = np.diff(leaves.first)
        starts = np.concatenate([[0], np.cumsum(2**k)])
        table_starts = np.concatenate([[0], np.cumsum(2**k * k)])
        given = np.zeros(int(table_starts[-1]))
        _tabulate(leaves, starts, counts, float(max(1, n_background)), _shares(), table_starts, given)
        whole = counts[starts[1:] - 1] if len(k) else np.zeros(0)
        base = float((leaves.value * whole).sum() / max(1, n_background))
        return TreeGame(leaves, counts, n_background, n_columns, Tables(table_starts, given), base)

    def contributions(self, x: Floats) -> Floats:
        """Shapley values in the trees' log-odds, float64 like ``x`` (n, n_columns): they and ``base`` sum to the
        margin. A column that no tree splits on gets exactly 0.
        """
        found = np.zeros((len(x), self.n_columns))

        def explain(start: int) -> None:
            block = slice(start, start + BLOCK_ROWS)
            given = np.zeros((self.n_columns, len(x[block])))
            _explain(self.leaves, self.tables, _upright(x[block]), given)
            found[block] = given.T

        with lone_workers(torch.device("cpu")) as pool:
            list(pool.map(explain, range(0, len(x), BLOCK_ROWS)))
        return found

    def response(self, x: Floats, column: int) -> Response:
        """Shapley value of ``column`` as a function of its value, for every row of ``x`` (m, n_columns)."""
        mine = self.leaves.column == column
        edges = np.unique(np.concatenate([self.leaves.low[mine], self.leaves.high[mine]]))
        thresholds = edges[np.isfinite(edges)]
        # A condition holds on the stretches first..last-1, stretch i lying above i thresholds.
        first = np.searchsorted(thresholds, self.leaves.low, side="right")
        last = np.searchsorted(thresholds, self.leaves.high, side="left") + 1
        values = np.zeros((len(x), len(thresholds) + 2))
        _respond(self.leaves, self.tables, _upright(x), column, first, last, values)
        return Response(thresholds, np.cumsum(values, axis=1)[:, :-1])


def count(leaves: Leaves, background: Floats) -> Ints:
    """Background rows (n, n_columns) per leaf and pattern: int64 (sum of 2^k,)."""
    starts = np.concatenate([[0], np.cumsum(2 ** np.diff(leaves.first))])
    counts = np.zeros(int(starts[-1]), dtype=np.int64)
    x = _upright(background)
    some = np.linspace(0, len(leaves.value), 33).astype(np.int64)

    def count_some(at: int) -> None:
        _count(leaves, starts, x, int(some[at]), int(some[at + 1]), counts)

    with lone_workers(torch.device("cpu")) as pool:
        list(pool.map(count_some, range(len(some) - 1)))
    return counts


def _upright(x: Floats) -> Floats:
    """Columns first, so that a condition runs along memory."""
    return np.ascontiguousarray(x.T, dtype=np.float64)


def _shares() -> Floats:
    """(u, v) -> (u-1)! v! / (u+v)!; 0 for u = 0."""
    n = MAX_COLUMNS + 1
    shares = np.zeros((n, n))
    for u in range(1, n):
        for v in range(n):
            shares[u, v] = math.factorial(u - 1) * math.factorial(v) / math.factorial(u + v)
    return shares


@compiled
def _patterns(leaves: Leaves, leaf: int, skipped: int, x: Floats, pattern: Ints) -> None:
    """Which of a leaf's conditions each column of ``x`` (n_columns, n) satisfies, the skipped one left out."""
    pattern[:] = 0
    for at in range(leaves.first[leaf], leaves.first[leaf + 1]):
        bit = 1 << at - leaves.first[leaf]
        if at == skipped:
            continue
        column, low, high, missing = x[leaves.column[at]], leaves.low[at], leaves.high[at], leaves.missing[at]
        for row in range(len(pattern)):
            value = column[row]
            satisfied = (low < value) & (value <= high) | (value != value) & missing
            pattern[row] |= bit * satisfied


@compiled
def _count(leaves: Leaves, starts: Ints, x: Floats, begin: int, end: int, counts: Ints) -> None:
    """x: (n_columns, n)."""
    pattern = np.zeros(x.shape[1], dtype=np.int64)
    for leaf in range(begin, end):
        _patterns(leaves, leaf, -1, x, pattern)
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
        k = leaves.first[leaf + 1] - leaves.first[leaf]
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
    """x, found: (n_columns, n), so that a condition runs along memory."""
    pattern = np.zeros(x.shape[1], dtype=np.int64)
    for leaf in range(len(leaves.value)):
        _patterns(leaves, leaf, -1, x, pattern)
        first, last = leaves.first[leaf], leaves.first[leaf + 1]
        pattern *= last - first
        pattern += tables.at[leaf]
        for at in range(first, last):
            given = found[leaves.column[at]]
            for row in range(len(pattern)):
                given[row] += tables.given[pattern[row] + at - first]


@compiled
def _respond(leaves: Leaves, tables: Tables, x: Floats, column: int, first: Ints, last: Ints, values: Floats) -> None:
    """Adds, for every leaf that looks at ``column``, what the column gets; as differences between stretches.

    Args:
        x: (n_columns, n).
        values: (n, number of stretches + 1).
    """
    pattern = np.zeros(x.shape[1], dtype=np.int64)
    for leaf in range(len(leaves.value)):
        begin, end = leaves.first[leaf], leaves.first[leaf + 1]
        for at in range(begin, end):
            if leaves.column[at] != column:
                continue
            _patterns(leaves, leaf, at, x, pattern)
            i, k = at - begin, end - begin
            for row in range(len(pattern)):
                without = tables.given[tables.at[leaf] + pattern[row] * k + i]
                within = tables.given[tables.at[leaf] + (pattern[row] + (1 << i)) * k + i]
                values[row, 0] += without
                values[row, first[at]] += within - without
                values[row, last[at]] -= within - without
