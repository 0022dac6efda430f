"""One player's Shapley value in trees as a function of its own columns, the rest of a row held.

``fusion.explain.sentence_shapley`` asks what a narrative would be given if it were another one: a part of itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from features.arrays import Flags, Floats, Ints
from features.compiled import compiled
from fusion.explain.leaves import Leaves, starts
from fusion.explain.tree_shapley import Tables, TreeGame, bits, patterns, upright


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
class OwnLeaves:
    """The leaves that look at a player's columns: what of its ``Response`` is the same for all rows.

    Attributes:
        response: without values.
        simple: int64, leaves that look at the main column alone of the player's.
        further: int64, leaves that look at another one too.
        bit: int64 (n_leaves,), the player's bit in each leaf, 0 where it has none.
        edges: bool (n_conditions,), the player's conditions of the simple leaves.
        stretch: int64 (n_conditions,) each, the first of the stretches between thresholds on which a condition holds,
            and the one behind the last; stretch i lies above i thresholds.
    """

    response: Response
    simple: Ints
    further: Ints
    bit: Ints
    edges: Flags
    stretch: tuple[Ints, Ints]

    @staticmethod
    def of(leaves: Leaves, player: int, main: int) -> OwnLeaves:
        """Those of a player, ``main`` among its columns."""
        owner = np.repeat(np.arange(len(leaves.value)), np.diff(leaves.first_player))
        mine = owner[leaves.player == player]  # ascending: a leaf names a player once
        mine_as = np.zeros(len(leaves.value), dtype=np.int64)
        mine_as[mine] = 1 << np.flatnonzero(leaves.player == player) - leaves.first_player[mine]
        leaf_of = np.repeat(np.arange(len(leaves.value)), np.diff(leaves.first))
        own = (leaves.bit == mine_as[leaf_of]) & (mine_as[leaf_of] > 0)
        further = np.unique(leaf_of[own & (leaves.column != main)])
        simple = np.setdiff1d(mine, further)
        edges = own & np.isin(leaf_of, simple)
        thresholds = np.unique(np.concatenate([leaves.low[edges], leaves.high[edges]]))
        thresholds = thresholds[np.isfinite(thresholds)]
        first = np.searchsorted(thresholds, leaves.low, side="right")
        last = np.searchsorted(thresholds, leaves.high, side="left") + 1
        kept = own & np.isin(leaf_of, further)
        nothing = np.zeros((0, 0))
        response = Response(
            thresholds,
            nothing,
            starts(np.bincount(np.searchsorted(further, leaf_of[kept]), minlength=len(further))),
            leaves.column[kept],
            leaves.low[kept],
            leaves.high[kept],
            leaves.missing[kept],
            nothing,
        )
        return OwnLeaves(response, simple, further, mine_as, edges, (first, last))

    def respond(self, game: TreeGame, x: Floats) -> Response:
        """The player's Shapley value as a function of its columns for every row of ``x`` (m, n_columns); ``game`` is of
        the same leaves.
        """
        values = np.zeros((len(x), len(self.response.thresholds) + 2))
        worth = np.zeros((len(x), len(self.further)))
        cells = upright(x)
        _respond(game.leaves, game.tables, cells, self.simple, self.bit, self.edges, self.stretch, values)
        _respond_further(game.leaves, game.tables, cells, self.further, self.bit, values, worth)
        # A slice in one piece, as the empty ones are: compiled code is compiled anew for every other layout.
        steps = np.ascontiguousarray(np.cumsum(values, axis=1)[:, :-1])
        return self.response._replace(values=steps, worth=worth)


@compiled
def _respond(
    leaves: Leaves,
    tables: Tables,
    x: Floats,
    simple: Ints,
    own_bit: Ints,
    own: Flags,
    stretch: tuple[Ints, Ints],
    values: Floats,
) -> None:
    """Adds what the leaves ``simple`` give to the player of ``own_bit``; as differences between stretches.

    Args:
        x: (n_columns, n).
        own: which conditions are the player's.
        stretch: first and last stretch of each condition.
        values: (n, number of stretches + 1).
    """
    pattern = np.zeros(x.shape[1], dtype=np.int64)
    for leaf in simple:
        bit = own_bit[leaf]
        patterns(leaves, leaf, bit, x, pattern)
        k = leaves.first_player[leaf + 1] - leaves.first_player[leaf]
        i = bits(bit - 1)
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
    leaves: Leaves, tables: Tables, x: Floats, further: Ints, own_bit: Ints, values: Floats, worth: Floats
) -> None:
    """What each leaf of ``further`` pays where the player's conditions hold, into ``worth`` (n, n_further); what it
    pays where they do not is added to all stretches.
    """
    pattern = np.zeros(x.shape[1], dtype=np.int64)
    for number in range(len(further)):
        leaf = further[number]
        bit = own_bit[leaf]
        patterns(leaves, leaf, bit, x, pattern)
        k = leaves.first_player[leaf + 1] - leaves.first_player[leaf]
        i = bits(bit - 1)
        for row in range(len(pattern)):
            without = tables.given[tables.at[leaf] + pattern[row] * k + i]
            within = tables.given[tables.at[leaf] + (pattern[row] + bit) * k + i]
            values[row, 0] += without
            worth[row, number] = within - without
