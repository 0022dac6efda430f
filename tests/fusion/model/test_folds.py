"""Folds: disjoint, complete, stratified, and no group torn apart."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from features.arrays import Floats, Ints
from features.tables.applications import Applications
from fusion.model.folds import MIN_SHARED_LENGTH, assign_folds, tied_groups

N_FOLDS = st.integers(2, 6)
SEEDS = st.integers(0, 1000)
ROWS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=80)
STORY, OTHER = (
    "I lost my job in the flood and need a bridge until spring. " * 2,
    "We will build a barn for the goats. " * 3,
)


def schema(*, grouped: bool = True) -> Schema:
    """Two narratives, and who applied."""
    roles = {"id": "id", "who": "group" if grouped else "ignored", "note": "narrative", "job": "narrative"}
    fields = [{"name": name, "type": "string", "creditfusion": {"role": role}} for name, role in roles.items()]
    own = {"version": 1, "name": "folds", "strip": [{"pattern": "<[^<>]{1,9}>", "why": "tags"}]}
    return parse_schema(json.dumps({"fields": fields, "creditfusion": own}), "folds")


def ties(*rows: tuple[str, str, str], grouped: bool = True) -> list[int]:
    """Group numbers of rows of (who, note, job), counted from 0 in order of appearance."""
    frame = pd.DataFrame([("1", *row) for row in rows], columns=["id", "who", "note", "job"], dtype=object)
    if not grouped:
        frame = frame.drop(columns="who")
    groups = tied_groups(Applications(schema(grouped=grouped), frame, np.arange(1, len(rows) + 1)))
    assert groups.dtype == np.int64
    numbers: dict[int, int] = {}
    return [numbers.setdefault(int(group), len(numbers)) for group in groups]


def test_one_applicant_is_one_group() -> None:
    assert ties(("ann", "", ""), ("bob", "", ""), ("ann", "", "")) == [0, 1, 0]


def test_one_long_narrative_is_one_group() -> None:
    assert ties(("", STORY, ""), ("", OTHER, ""), ("", STORY, "")) == [0, 1, 0]


def test_groups_join_through_other_rows() -> None:
    assert ties(("ann", STORY, ""), ("bob", OTHER, ""), ("", STORY, ""), ("bob", STORY, "")) == [0, 0, 0, 0]


def test_copies_are_known_by_their_clean_text() -> None:
    assert ties(("", STORY, ""), ("", f"<b>{STORY}</b>\n\n ", "")) == [0, 0]


def test_short_texts_and_empty_cells_group_no_rows() -> None:
    assert ties(("", "debt consolidation", ""), ("", "debt consolidation", ""), ("", "", ""), ("", "", "")) == [
        0,
        1,
        2,
        3,
    ]
    assert ties(("", "x" * (MIN_SHARED_LENGTH - 1), ""), ("", "x" * (MIN_SHARED_LENGTH - 1), "")) == [0, 1]
    assert ties(("", "x" * MIN_SHARED_LENGTH, ""), ("", "x" * MIN_SHARED_LENGTH, "")) == [0, 0]


def test_one_text_in_two_columns_groups_no_rows() -> None:
    assert ties(("", STORY, ""), ("", "", STORY)) == [0, 1]


def test_a_file_without_the_group_column() -> None:
    assert ties(("ann", STORY, ""), ("ann", "", ""), ("ann", STORY, ""), grouped=False) == [0, 1, 0]


@pytest.mark.parametrize("n_rows", [0, 1])
def test_no_row_and_one_row(n_rows: int) -> None:
    assert ties(*[("ann", STORY, "")] * n_rows) == [0] * n_rows


def outcomes(rows: list[tuple[int, bool]]) -> tuple[Floats, Ints]:
    """Outcomes and groups."""
    return np.array([bad for _, bad in rows], np.float64), np.array([group for group, _ in rows], np.int64)


@given(ROWS, N_FOLDS, SEEDS)
def test_every_row_has_one_fold_and_no_group_is_torn(rows: list[tuple[int, bool]], n_folds: int, seed: int) -> None:
    y, groups = outcomes(rows)
    fold = assign_folds(y, groups, n_folds, seed)
    assert fold.shape == y.shape
    assert set(fold.tolist()) <= set(range(n_folds))
    assert len({(group, number) for group, number in zip(groups, fold, strict=True)}) == len(set(groups.tolist()))


@given(ROWS, N_FOLDS, SEEDS)
def test_bad_outcomes_are_dealt_evenly(rows: list[tuple[int, bool]], n_folds: int, seed: int) -> None:
    """Dealt out in order of size, two folds differ by no more than one group."""
    y, groups = outcomes(rows)
    fold = assign_folds(y, groups, n_folds, seed)
    n_bad = np.bincount(fold, y, minlength=n_folds)
    assert np.ptp(n_bad) <= max(np.bincount(groups, y, minlength=1).max(), 0)


@given(st.lists(st.booleans(), max_size=80), N_FOLDS, SEEDS)
def test_single_rows_are_stratified(bad: list[bool], n_folds: int, seed: int) -> None:
    y = np.array(bad, np.float64)
    fold = assign_folds(y, np.arange(len(y)), n_folds, seed)
    for weight in (y, 1 - y, np.ones_like(y)):
        assert np.ptp(np.bincount(fold, weight, minlength=n_folds)) <= 1


@given(ROWS, N_FOLDS, SEEDS)
def test_row_order_is_irrelevant(rows: list[tuple[int, bool]], n_folds: int, seed: int) -> None:
    y, groups = outcomes(rows)
    order = np.random.default_rng(seed).permutation(len(y))
    fold = assign_folds(y, groups, n_folds, seed)
    np.testing.assert_array_equal(assign_folds(y[order], groups[order], n_folds, seed), fold[order])


def test_the_seed_decides() -> None:
    y = np.zeros(60)
    first = assign_folds(y, np.arange(60), 5, 0)
    np.testing.assert_array_equal(assign_folds(y, np.arange(60), 5, 0), first)
    assert (assign_folds(y, np.arange(60), 5, 1) != first).any()
