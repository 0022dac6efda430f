"""Odd applications: flagged with what makes them odd, and as seldom as was asked for where nothing is."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom

from fusion.watch.oddness import OddnessPart, OddProfile, odd_limit
from fusion.watch.part import Batch
from tests.support.watched import Watcher, held_against, some_of, summed

RARE = 1e-4


@pytest.fixture(scope="module")
def part(watcher: Watcher) -> OddnessPart:
    return OddnessPart.of(watcher.scorer.bundle, false_alarms=0.01)


@pytest.fixture(scope="module")
def batch(watcher: Watcher) -> Batch:
    return watcher.batch(watcher.table.head(300))


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=4), order=st.randoms(use_true_random=False))
def test_profiles_add_up_in_any_order_and_survive_json(
    part: OddnessPart, batch: Batch, cuts: list[int], order: np.random.Generator
) -> None:
    ends = [0, *sorted(cuts), 300]
    pieces = [some_of(batch, np.arange(a, b)) for a, b in pairwise(ends)]
    order.shuffle(pieces)
    whole = part.observe(batch)
    assert summed(part, pieces) == whole.profile
    assert part.from_json(json.loads(json.dumps(part.to_json(whole.profile)))) == whole.profile
    flags = [flag for piece in pieces for flag in part.observe(piece).flags]
    assert sorted(flags, key=lambda flag: flag.row) == list(whole.flags)


def planted(watcher: Watcher, **cells: str | int) -> pd.DataFrame:
    """Twenty applications, the fourth with these cells."""
    table = watcher.table.head(20).reset_index(drop=True)
    for name, value in cells.items():
        table.loc[3, name] = value
    return table


def test_a_strange_value_is_flagged_with_its_name_and_what_is_usual(watcher: Watcher, part: OddnessPart) -> None:
    flags = part.observe(watcher.batch(planted(watcher, annual_income=9_000_000))).flags
    (flag,) = [one for one in flags if one.row.row == 4]
    assert (flag.check, flag.row.id) == ("odd", watcher.table["application_id"].iloc[3])
    assert "annual_income 9,000,000 (usually " in str(flag.words)
    assert str(flag.words).endswith("; odder than all 700 training rows")
    assert flag.size > 3


def test_as_few_rows_are_odd_as_was_asked_for_where_nothing_changed(watcher: Watcher, part: OddnessPart) -> None:
    assert part.trained == OddProfile(700, 6)
    now = part.observe(watcher.batch(watcher.table)).profile
    signal = held_against(part, now, part.trained)["odd", ""]
    assert signal.p > RARE
    assert signal.now < 0.04
    assert signal.n_rows == len(watcher.table)


def test_many_odd_rows_are_no_chance_and_named_by_what_makes_them_odd(watcher: Watcher, part: OddnessPart) -> None:
    scaled = watcher.table.head(200).assign(annual_income=lambda table: table["annual_income"].astype(float) * 100)
    observed = part.observe(watcher.batch(scaled))
    signal = held_against(part, observed.profile, part.trained)["odd", ""]
    assert signal.p < 1e-9
    assert signal.value > 0.5
    assert "mainly by annual_income" in str(signal.words)
    assert signal.rows == tuple(flag.row for flag in observed.flags[:5])


def test_no_word_of_a_narrative_is_in_a_flag(watcher: Watcher, part: OddnessPart) -> None:
    strange = planted(watcher, statement="zzyzx qwrtp " * 30, annual_income=9_000_000)
    flags = part.observe(watcher.batch(strange)).flags
    assert flags
    assert not any("zzyzx" in str(flag.words) for flag in flags)


def test_narratives_far_from_the_mean_one_are_odd(part: OddnessPart, batch: Batch) -> None:
    assert batch.scored is not None
    text = batch.scored.design.text
    away = np.flatnonzero(text.has_text[:, 0])[:1]
    text.x_text[away, 0], kept = -text.x_text[away, 0], text.x_text[away, 0].copy()
    try:
        flags = part.observe(some_of(batch, away)).flags
    finally:
        text.x_text[away, 0] = kept
    (flag,) = flags
    assert f"{text.names[0]} is unlike the texts of training" in str(flag.words)


@given(n=st.integers(2, 5000), share=st.floats(1e-4, 0.2))
def test_the_next_row_is_odd_with_no_greater_chance_than_asked_for(n: int, share: float) -> None:
    ordered = np.arange(n, dtype=np.float64)
    n_above = int(np.count_nonzero(ordered > odd_limit(ordered, share)))
    assert (n_above + 1) / (n + 1) <= max(share, 1 / (n + 1)) + 1e-12


def test_the_chance_of_odd_rows_is_that_of_order_statistics(part: OddnessPart) -> None:
    k, n = part.trained.odd, part.trained.rows
    for odd in (12, 20, 31):
        signal = held_against(part, OddProfile(900, odd), part.trained)["odd", ""]
        assert signal.p == pytest.approx(2 * betabinom(900, k + 1, n - k).sf(odd - 1), rel=1e-6)
