"""The leaves of boosted trees, each as what the path to it asks of a row's columns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from features.arrays import Flags, Floats, Ints
from features.compiled import compiled
from fusion.model.boosted_trees import Trees
from fusion.model.stacker import Stacker

MAX_PLAYERS = 8  # on one path: a leaf's table has 2^k * k entries
NO_FLOATS, NO_INTS, NO_FLAGS = np.empty(0), np.empty(0, np.int64), np.empty(0, np.bool_)


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
        bit: int64 (n_conditions,), the bit of the condition's player in the leaf's patterns.
        first_player: int64 (n_leaves + 1,), where the players of each leaf begin.
        player: int64 (sum of k,), the players of each leaf, that of bit 1 << i at the i-th place.
    """

    value: Floats
    first: Ints
    column: Ints
    low: Floats
    high: Floats
    missing: Flags
    bit: Ints
    first_player: Ints
    player: Ints


def leaves_of(stacker: Stacker, players: Ints) -> Leaves:
    """The leaves of a stacker's trees, each weighted as its booster.

    Args:
        stacker: the trees.
        players: int64 (n_columns,), the player that owns each column.

    Raises ValueError for a path over more than ``MAX_PLAYERS`` players.
    """
    walked = [_walked(booster.trees, players) for booster in stacker.boosters]
    most = max((int(np.diff(one.first_player).max(initial=0)) for one in walked), default=0)
    if most > MAX_PLAYERS:
        raise ValueError(f"a path holds {most} players, more than {MAX_PLAYERS}")
    weights = stacker.weights
    return Leaves(
        np.concatenate([NO_FLOATS, *(one.value * weight for one, weight in zip(walked, weights, strict=True))]),
        _joined([one.first for one in walked]),
        np.concatenate([NO_INTS, *(one.column for one in walked)]),
        np.concatenate([NO_FLOATS, *(one.low for one in walked)]),
        np.concatenate([NO_FLOATS, *(one.high for one in walked)]),
        np.concatenate([NO_FLAGS, *(one.missing for one in walked)]),
        np.concatenate([NO_INTS, *(one.bit for one in walked)]),
        _joined([one.first_player for one in walked]),
        np.concatenate([NO_INTS, *(one.player for one in walked)]),
    )


def _joined(begins: list[Ints]) -> Ints:
    """Where things begin, and the last one's end, of those that stand one list after the other."""
    return starts(np.concatenate([NO_INTS, *map(np.diff, begins)]))


def starts(sizes: Ints) -> Ints:
    """int64 (n + 1,): where each of things of these sizes begins, and the end of the last."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


def _walked(trees: Trees, players: Ints) -> Leaves:
    """The leaves of a booster's trees, unweighted, as ``leaves_of``; of each tree the left ones first."""
    n_leaves, longest = len(trees.value), _longest(trees)
    value, first, first_player = np.empty(n_leaves), np.zeros(n_leaves + 1, np.int64), np.zeros(n_leaves + 1, np.int64)
    column, bit, player = (np.empty(n_leaves * longest, np.int64) for _ in range(3))
    low, high, missing = np.empty(len(bit)), np.empty(len(bit)), np.empty(len(bit), np.bool_)
    found = Leaves(value, first, column, low, high, missing, bit, first_player, player)
    _walk(trees, np.asarray(players, np.int64), longest, found)
    n, n_players = first[-1], first_player[-1]
    player = player[:n_players]
    return Leaves(value, first, column[:n], low[:n], high[:n], missing[:n], bit[:n], first_player, player)


@compiled
def _longest(trees: Trees) -> int:
    """Splits on the longest path."""
    longest = 0
    depth = np.zeros(len(trees.column), np.int64)
    nodes = np.empty(len(trees.column) + 1, np.int64)
    for root in trees.root:
        nodes[0], waiting = root, 1
        while waiting:
            waiting -= 1
            node = nodes[waiting]
            if node < 0:
                continue
            longest = max(longest, depth[node] + 1)
            for child in (trees.left[node], trees.right[node]):
                if child >= 0:
                    depth[child] = depth[node] + 1
                    nodes[waiting] = child
                    waiting += 1
    return longest


@compiled
def _walk(trees: Trees, players: Ints, longest: int, found: Leaves) -> None:
    """Fill in the leaves of all trees; a path's conditions are in the order of their columns.

    The path to the node that waits at a place lies in the row of that place.
    """
    nodes, size = np.empty(longest + 2, np.int64), np.zeros(longest + 2, np.int64)
    columns, missings = np.empty((longest + 2, longest + 1), np.int64), np.empty((longest + 2, longest + 1), np.bool_)
    lows, highs = np.empty((longest + 2, longest + 1)), np.empty((longest + 2, longest + 1))
    leaf = 0
    for root in trees.root:
        nodes[0], size[0], waiting = root, 0, 1
        while waiting:
            at = waiting - 1
            node, n = nodes[at], size[at]
            if node < 0:
                found.value[leaf] = trees.value[-1 - node]
                path = columns[at, :n], lows[at, :n], highs[at, :n], missings[at, :n]
                _write_leaf(leaf, path, players, found)
                leaf, waiting = leaf + 1, at
                continue
            place, n = _place(trees.column[node], n, columns[at], lows[at], highs[at], missings[at])
            # The right child takes its parent's place, the left one that behind it, and so is next.
            for i in range(n):
                columns[at + 1, i], missings[at + 1, i] = columns[at, i], missings[at, i]
                lows[at + 1, i], highs[at + 1, i] = lows[at, i], highs[at, i]
            threshold, by_left = trees.threshold[node], trees.missing_left[node]
            highs[at + 1, place] = min(highs[at, place], threshold)
            missings[at + 1, place] = missings[at, place] and by_left
            lows[at, place] = max(lows[at, place], threshold)
            missings[at, place] = missings[at, place] and not by_left
            nodes[at], nodes[at + 1], size[at], size[at + 1] = trees.right[node], trees.left[node], n, n
            waiting = at + 2


@compiled
def _place(column: int, n: int, columns: Ints, lows: Floats, highs: Floats, missings: Flags) -> tuple[int, int]:
    """Where a path of ``n`` conditions has that on a column, and how many it has then: one that holds for every value
    is put in where there was none.
    """
    place = 0
    while place < n and columns[place] < column:
        place += 1
    if place < n and columns[place] == column:
        return place, n
    for i in range(n, place, -1):
        columns[i], lows[i], highs[i], missings[i] = columns[i - 1], lows[i - 1], highs[i - 1], missings[i - 1]
    columns[place], lows[place], highs[place], missings[place] = column, -np.inf, np.inf, True
    return place, n + 1


@compiled
def _write_leaf(leaf: int, path: tuple[Ints, Floats, Floats, Flags], players: Ints, found: Leaves) -> None:
    """Write the conditions of a path and its players, each of these once and in their order."""
    columns, lows, highs, missings = path
    first, first_player = found.first[leaf], found.first_player[leaf]
    own, k = found.player[first_player:], 0
    for column in columns:
        owner, place = players[column], 0
        while place < k and own[place] < owner:
            place += 1
        if place == k or own[place] != owner:
            for i in range(k, place, -1):
                own[i] = own[i - 1]
            own[place] = owner
            k += 1
    for i in range(len(columns)):
        at, place = first + i, 0
        while own[place] != players[columns[i]]:
            place += 1
        found.column[at], found.low[at], found.high[at] = columns[i], lows[i], highs[i]
        found.missing[at], found.bit[at] = missings[i], 1 << place
    found.first[leaf + 1], found.first_player[leaf + 1] = first + len(columns), first_player + k
