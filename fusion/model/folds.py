"""Folds for out-of-fold training: rows that share a narrative or an applicant always share a fold."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from data_schemas.fields import Role
from features.arrays import Flags, Floats, Ints
from features.narratives.reader import clean_narrative
from features.tables.applications import Applications

# A shorter text ("debt consolidation") is shared by strangers; a longer one is a copy.
MIN_SHARED_LENGTH = 60


def tied_groups(applications: Applications) -> Ints:
    """int64 (n,): rows with one number share a long narrative or an applicant (directly or through other rows)."""
    schema, n = applications.schema, len(applications)
    first: dict[tuple[str, str], int] = {}
    left, right = [], []
    group = schema.field_of(Role.GROUP)
    columns = {field.name: clean_narrative(applications, field.name) for field in schema.narratives}
    keys = {name: [text if len(text) >= MIN_SHARED_LENGTH else "" for text in texts] for name, texts in columns.items()}
    if group is not None and group.name in applications.frame:
        keys[group.name] = [str(value) for value in applications.frame[group.name]]
    for name, values in keys.items():
        for row, value in enumerate(values):
            if value:
                left.append(first.setdefault((name, value), row))
                right.append(row)
    pairs = np.array(left, dtype=np.int64), np.array(right, dtype=np.int64)
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), pairs), shape=(n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def assign_folds(y: Floats, groups: Ints, n_folds: int, seed: int) -> Ints:
    """int64 (n,): the fold that holds out each row, groups kept whole.

    Stratified by outcome: groups are shuffled, ordered by their number of bad outcomes and their size, and dealt out in
    turn, so folds differ by about one bad outcome and one row per kind of group.
    """
    order, members, _ = _stratified(y, groups, seed)
    fold_of_group = np.empty(len(order), dtype=np.int64)
    fold_of_group[order] = np.arange(len(order)) % n_folds
    return fold_of_group[members]


def draw_groups(y: Floats, groups: Ints, share: float, seed: int) -> Flags:
    """bool (n,): whole groups, up to so great a share of the rows, drawn from all kinds of group alike."""
    order, members, n_rows = _stratified(y, groups, seed)
    drawn = np.zeros(len(order), dtype=np.bool_)
    n_visited = n_drawn = 0
    for group in order:
        n_visited += n_rows[group]
        if n_drawn + n_rows[group] <= share * n_visited + 1e-9:
            drawn[group] = True
            n_drawn += n_rows[group]
    return drawn[members]


def _stratified(y: Floats, groups: Ints, seed: int) -> tuple[Ints, Ints, Ints]:
    """The groups' numbers, from 0 on: shuffled, then ordered by their bad outcomes and size; each row's group; the
    groups' rows.
    """
    group_of, members = np.unique(groups, return_inverse=True)
    n_bad = np.bincount(members, y, minlength=len(group_of))
    n_rows = np.bincount(members, minlength=len(group_of))
    shuffled = np.random.default_rng(seed).permutation(len(group_of))
    return shuffled[np.lexsort((n_rows[shuffled], n_bad[shuffled]))], members, n_rows
