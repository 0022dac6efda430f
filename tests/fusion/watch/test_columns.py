"""Columns by period: exact counts, and signals for what was scaled or renamed, none for what was not."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.watch.columns import ColumnsPart
from fusion.watch.part import Batch
from fusion.watch.signals import RowRef
from tests.support.watched import Watcher, held_against, some_of, summed

RARE = 1e-4


@pytest.fixture(scope="module")
def part(watcher: Watcher) -> ColumnsPart:
    return ColumnsPart.of(watcher.scorer.bundle)


@pytest.fixture(scope="module")
def batch(watcher: Watcher) -> Batch:
    return watcher.batch(watcher.table.head(300))


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=4), order=st.randoms(use_true_random=False))
def test_profiles_add_up_in_any_order_and_survive_json(
    part: ColumnsPart, batch: Batch, cuts: list[int], order: random.Random
) -> None:
    ends = [0, *sorted(cuts), 300]
    pieces = [some_of(batch, np.arange(a, b)) for a, b in pairwise(ends)]
    order.shuffle(pieces)
    whole = part.observe(batch).profile
    assert summed(part, pieces) == whole
    assert part.from_json(json.loads(json.dumps(part.to_json(whole)))) == whole


def test_training_is_described_as_the_rows_that_the_model_learned_from(part: ColumnsPart) -> None:
    trained = part.trained
    assert trained.rows == 700
    for name, column in trained.columns.items():
        if column.cells:
            assert sum(column.cells) == column.rows - column.faults[0] - column.faults[1], name


def test_rows_like_those_of_training_give_no_small_chance(part: ColumnsPart, batch: Batch) -> None:
    signals = held_against(part, part.observe(batch).profile, part.trained)
    assert ("psi", "amount") in signals
    assert ("volume", "") not in signals  # nothing is known of earlier periods
    assert min(one.p for one in signals.values()) > RARE
    assert all(one.low <= one.now <= one.high for one in signals.values())


def test_a_scaled_column_is_out_of_range_and_its_bins_are_named(watcher: Watcher, part: ColumnsPart) -> None:
    table = watcher.table.iloc[:150].copy()
    table["annual_income"] = table["annual_income"].astype(float) / 12
    signals = held_against(part, part.observe(watcher.batch(table)).profile, part.trained)
    psi, outside = signals["psi", "annual_income"], signals["outside", "annual_income"]
    assert psi.p < 1e-12
    assert psi.value > 1
    assert "most moved: up to 2" in str(psi.words)
    assert outside.p < 1e-12
    rows, ids = [one.row for one in outside.rows], table["application_id"].tolist()
    assert rows == sorted(rows)
    assert outside.rows[0] == RowRef("new.csv", rows[0], ids[rows[0] - 1])
    assert signals["psi", "utilisation"].p > RARE


def test_a_renamed_level_is_unknown_and_the_level_that_it_was_is_named(watcher: Watcher, part: ColumnsPart) -> None:
    table = watcher.table.iloc[:150].copy()
    table["home"] = table["home"].replace({"rent": "tenant"})
    signals = held_against(part, part.observe(watcher.batch(table)).profile, part.trained)
    unknown = signals["unknown", "home"]
    assert unknown.p < 1e-12
    assert unknown.value == pytest.approx(0.46, abs=0.15)
    assert "rent" in str(signals["psi", "home"].words)
    assert "tenant" not in "".join(str(one.words) for one in signals.values())  # a cell of a file


def test_once_there_is_history_a_difference_to_training_that_stands_is_usual(
    watcher: Watcher, part: ColumnsPart
) -> None:
    table = watcher.table.copy()
    table["dti"] = table["dti"].astype(float) * 1.5
    days = [part.observe(watcher.batch(table.iloc[at : at + 100])).profile for at in range(0, 1000, 100)]
    assert held_against(part, days[0], part.trained)["psi", "dti"].p < RARE
    assert held_against(part, days[-1], part.trained, days[:-1])["psi", "dti"].p > RARE


def test_levels_and_bins_have_names(part: ColumnsPart) -> None:
    assert str(part.cell("home", part.levels["home"].index("rent"))) == "rent"
    assert str(part.cell("amount", 0)).startswith("up to ")
    assert str(part.cell("amount", len(part.edges["amount"]))).startswith("above ")
