"""Shapley values by their definition, for games of few players."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt


def shapley(n_players: int, worth: Callable[[frozenset[int]], float]) -> npt.NDArray[np.float64]:
    """(n_players,): what a player adds to every coalition of the others, weighted by the orders that form it."""
    values = np.zeros(n_players)
    known = {frozenset(c): worth(frozenset(c)) for s in range(n_players + 1) for c in _subsets(n_players, s)}
    for player in range(n_players):
        for coalition, value in known.items():
            if player not in coalition:
                s = len(coalition)
                weight = math.factorial(s) * math.factorial(n_players - s - 1) / math.factorial(n_players)
                values[player] += weight * (known[coalition | {player}] - value)
    return values


def _subsets(n: int, size: int) -> Iterator[tuple[int, ...]]:
    return itertools.combinations(range(n), size)
