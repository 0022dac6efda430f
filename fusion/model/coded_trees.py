"""Boosted trees evaluated for a block of rows: each cell as the number of thresholds below it, each split as a mask.

Where a row goes right, a split takes away the leaves on its left; of those that stay the leftmost is reached (Lucchese
et al., QuickScorer, SIGIR 2015). All splits of a tree are looked at, without a branch, for many rows at once.
Codes keep the order of cells and thresholds, so every row reaches the leaf that LightGBM gives it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.arrays import Floats, Ints
from features.compiled import compiled
from fusion.model.boosted_trees import Trees

CellCodes = npt.NDArray[np.uint16]
"""Shape (n_columns, n): 0 where a cell is missing, else 1 + the number of its column's thresholds below it."""

MAX_THRESHOLDS = 2**16 - 2
MAX_LEAVES = 64  # bits of a mask
_ALL = np.uint64(2**64 - 1)
_DE_BRUIJN = 0x03F79D71B4CB0A89  # times a power of two: its first six bits name the power
_POWER = np.zeros(64, np.int64)
_POWER[[((_DE_BRUIJN << power) & (2**64 - 1)) >> 58 for power in range(64)]] = np.arange(64)
_NAMING = np.uint64(_DE_BRUIJN)


class CodedTrees(NamedTuple):
    """The trees of a booster, flat.

    A plain tuple of arrays, because compiled code reads it.

    Attributes:
        first: int64 (n_trees + 1,), where the splits of each tree begin.
        column: int64 (n_splits,), column that each split looks at.
        least: uint16 (n_splits,), least code that goes left: 1, or 0 where a missing value does.
        most: uint16 (n_splits,), greatest code that goes left.
        kept: uint64 (n_splits,), a bit for each leaf of the tree, from the left: whether a row that goes right may
            still reach it.
        first_leaf: int64 (n_trees,), where the leaves of each tree begin.
        value: float64 (n_leaves,), what each leaf adds, each tree's from the left.
    """

    first: Ints
    column: Ints
    least: CellCodes
    most: CellCodes
    kept: npt.NDArray[np.uint64]
    first_leaf: Ints
    value: Floats


def thresholds_of(boosters: Sequence[Trees]) -> tuple[Floats, ...]:
    """The distinct thresholds of each column, ascending; as far as the last column that is split.

    Raises ValueError for more of one column than codes can tell apart.
    """
    column = np.concatenate([np.zeros(0, np.int64), *(trees.column for trees in boosters)])
    threshold = np.concatenate([np.zeros(0), *(trees.threshold for trees in boosters)])
    found = tuple(np.unique(threshold[column == one]) for one in range(int(column.max(initial=-1)) + 1))
    if (most := max(map(len, found), default=0)) > MAX_THRESHOLDS:
        raise ValueError(f"a column with {most} thresholds, more than {MAX_THRESHOLDS}")
    return found


def cell_codes(thresholds: Sequence[Floats], x: Floats) -> CellCodes:
    """Codes of the cells of rows ``x`` (n, n_columns)."""
    codes = np.zeros((len(thresholds), len(x)), np.uint16)
    for column, own in enumerate(thresholds):
        cells = x[:, column]
        codes[column] = np.where(np.isnan(cells), 0, 1 + np.searchsorted(own, cells, side="left"))
    return codes


def coded(trees: Trees, thresholds: Sequence[Floats]) -> CodedTrees:
    """The trees of a booster, their splits by the codes of ``thresholds``, which hold all of theirs.

    Raises ValueError for a tree of more than ``MAX_LEAVES`` leaves.
    """
    code = np.zeros(len(trees.column), np.uint16)
    for column, own in enumerate(thresholds):
        mine = trees.column == column
        code[mine] = 1 + np.searchsorted(own, trees.threshold[mine], side="left")
    n_trees, n_splits = len(trees.root), len(trees.column)
    first, first_leaf = np.zeros(n_trees + 1, np.int64), np.zeros(n_trees + 1, np.int64)
    split, leaf = np.zeros(n_splits, np.int64), np.zeros(len(trees.value), np.int64)
    begin, end = np.zeros(n_splits, np.int64), np.zeros(n_splits, np.int64)
    _walk(trees, first, first_leaf, (split, leaf), (begin, end))
    if (most := int(np.diff(first_leaf).max(initial=0))) > MAX_LEAVES:
        raise ValueError(f"a tree of {most} leaves, more than {MAX_LEAVES}")
    one, passed = np.uint64(1), (end - begin).astype(np.uint64)  # a split's left side lacks a leaf, so less than 64
    kept = _ALL ^ (((one << passed) - one) << begin.astype(np.uint64))
    least = np.where(trees.missing_left, 0, 1).astype(np.uint16)
    return CodedTrees(
        first, trees.column[split], least[split], code[split], kept[split], first_leaf[:-1], trees.value[leaf]
    )


def margin(trees: CodedTrees, codes: CellCodes) -> Floats:
    """Sum of the trees, in their order, float64 (n,), of rows of these codes."""
    found = np.zeros(codes.shape[1])
    _add_trees(trees, np.ascontiguousarray(codes), _POWER, found)
    return found


@compiled
def _walk(trees: Trees, first: Ints, first_leaf: Ints, order: tuple[Ints, Ints], left_side: tuple[Ints, Ints]) -> None:
    """Fill in splits and leaves in the order in which they are met, the left ones first, and which leaves of its tree,
    by that order, each split has on its left.
    """
    (split, leaf), (begin, end) = order, left_side
    nodes, above = np.zeros(len(leaf) + 1, np.int64), np.zeros(len(leaf) + 1, np.int64)
    n_splits = n_leaves = 0
    for tree in range(len(trees.root)):
        first[tree], first_leaf[tree] = n_splits, n_leaves
        nodes[0], above[0] = trees.root[tree], -1  # above: the split of which a node is the right child
        waiting = 1
        while waiting:
            waiting -= 1
            node = nodes[waiting]
            if above[waiting] >= 0:
                end[above[waiting]] = n_leaves - first_leaf[tree]
            if node < 0:
                leaf[n_leaves] = -1 - node
                n_leaves += 1
                continue
            split[n_splits] = node
            n_splits += 1
            begin[node] = n_leaves - first_leaf[tree]
            nodes[waiting], above[waiting] = trees.right[node], node
            nodes[waiting + 1], above[waiting + 1] = trees.left[node], -1
            waiting += 2
    first[len(trees.root)], first_leaf[len(trees.root)] = n_splits, n_leaves


@compiled
def _add_trees(trees: CodedTrees, codes: CellCodes, power: Ints, total: Floats) -> None:
    """codes: (n_columns, n), so that a split runs along memory."""
    left = np.empty(codes.shape[1], np.uint64)
    for tree in range(len(trees.first_leaf)):
        left[:] = _ALL
        for split in range(trees.first[tree], trees.first[tree + 1]):
            column, least, most = codes[trees.column[split]], trees.least[split], trees.most[split]
            kept = trees.kept[split]
            for row in range(len(left)):
                goes_left = (least <= column[row]) & (column[row] <= most)
                left[row] &= _ALL if goes_left else kept
        for row in range(len(left)):
            lowest = left[row] & (~left[row] + np.uint64(1))
            total[row] += trees.value[trees.first_leaf[tree] + power[(lowest * _NAMING) >> np.uint64(58)]]
