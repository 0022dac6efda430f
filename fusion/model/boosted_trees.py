"""Boosted trees as arrays, read from LightGBM's text format.

LightGBM fits them; whoever scores or explains needs no more than splits and leaves.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from features.arrays import Flags, Floats, Ints

CATEGORICAL, DEFAULT_LEFT, MISSING_ZERO, MISSING_NAN = 1, 2, 4, 8  # bits of LightGBM's decision_type
READ = frozenset(
    ("num_leaves", "decision_type", "split_feature", "threshold", "leaf_value", "left_child", "right_child")
)


class Trees(NamedTuple):
    """All trees of a booster, flat: their splits and leaves, one tree's after the other's.

    A plain tuple of arrays, because compiled code reads it. A child is the number of a split or, below 0, -1 - the
    number of a leaf; so is a root.

    Attributes:
        root: int64 (n_trees,).
        column: int64 (n_splits,), column that each split looks at.
        threshold: float64 (n_splits,), what is not above it goes left.
        missing_left: bool (n_splits,), whether a missing value goes left.
        left: int64 (n_splits,), left child.
        right: int64 (n_splits,), right child.
        value: float64 (n_leaves,), what each leaf adds.
    """

    root: Ints
    column: Ints
    threshold: Floats
    missing_left: Flags
    left: Ints
    right: Ints
    value: Floats


@dataclass(frozen=True, eq=False)
class Booster:
    """Boosted trees.

    Attributes:
        text: in LightGBM's text format.
    """

    text: str

    @cached_property
    def trees(self) -> Trees:
        """The trees, read when first needed: a model has boosters that no score needs.

        Raises:
            ValueError: for a split other than by a threshold, a booster that takes 0 for missing, or a text that is
                no booster.
        """
        return _read_trees(self.text)


def _read_trees(text: str) -> Trees:
    values: dict[str, list[str]] = defaultdict(list)  # by name, one tree's after the other's
    for line in text.split("\n"):
        name, _, listed = line.partition("=")
        if name in READ:
            values[name] += listed.split()

    def integers(name: str) -> Ints:
        return np.array(values[name], dtype=np.int64)

    sizes, decision, column = integers("num_leaves"), integers("decision_type"), integers("split_feature")
    threshold, value = (np.array(values[name], dtype=np.float64) for name in ("threshold", "leaf_value"))
    if not len(sizes) or len(value) != sizes.sum() or not len(column) == len(decision) == (sizes - 1).sum():
        raise ValueError("a text that is no booster of LightGBM's")
    if (decision & CATEGORICAL).any():
        raise ValueError("a split by categories, not by a threshold")
    if (decision & MISSING_ZERO).any():
        raise ValueError("a booster that takes 0 for missing")
    # LightGBM reads a missing value as 0 where training knew none.
    missing_left = np.where(decision & MISSING_NAN, (decision & DEFAULT_LEFT) > 0, threshold >= 0.0)
    first_split, first_leaf = _starts(sizes - 1), _starts(sizes)
    tree = np.repeat(np.arange(len(sizes)), sizes - 1)
    left, right = (
        np.where(own >= 0, own + first_split[tree], own - first_leaf[tree])
        for own in (integers("left_child"), integers("right_child"))
    )
    root = np.where(sizes > 1, first_split, -1 - first_leaf)
    return Trees(root, column, threshold, missing_left, left, right, value)


def _starts(sizes: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
