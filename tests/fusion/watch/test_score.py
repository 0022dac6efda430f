"""Scores by period: sums that add up exactly, and signals for what the model answers and how it comes true."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from fusion.validation.intervals import auc_interval
from fusion.watch.part import Batch
from fusion.watch.performance import estimate_miss
from fusion.watch.ranking import area_of, bins_of, expected_area
from fusion.watch.score import SAMPLE, ScorePart
from fusion.watch.score_profile import ScoreProfile, profile_of
from tests.support.watched import Watcher, held_against, some_of, summed

RARE = 1e-4


@pytest.fixture(scope="module")
def part(watcher: Watcher) -> ScorePart:
    return ScorePart.of(watcher.scorer)


@pytest.fixture(scope="module")
def batch(watcher: Watcher) -> Batch:
    table = watcher.table.head(260).copy()
    table.loc[:50, "outcome"] = None  # not known yet
    return watcher.batch(table)


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 260), max_size=3), order=st.randoms(use_true_random=False))
def test_profiles_add_up_in_any_order_and_survive_json(
    part: ScorePart, batch: Batch, cuts: list[int], order: random.Random
) -> None:
    ends = [0, *sorted(cuts), 260]
    pieces = [some_of(batch, np.arange(a, b)) for a, b in pairwise(ends)]
    order.shuffle(pieces)
    whole = part.observe(batch).profile
    assert summed(part, pieces) == whole
    assert part.from_json(json.loads(json.dumps(part.to_json(whole)))) == whole
    assert len(whole.reasons) == SAMPLE


def test_rows_like_those_of_training_give_no_small_chance(part: ScorePart, batch: Batch) -> None:
    signals = held_against(part, part.observe(batch).profile, part.trained)
    assert {("pd", ""), ("psi", ""), ("approval", "approve"), ("auc", "estimated"), ("auc", "")} <= {*signals}
    assert min(one.p for one in signals.values()) > RARE
    assert all(one.low <= one.now <= one.high and one.value >= 0 for one in signals.values())


def test_undecided_rows_have_no_part_in_the_outcomes(part: ScorePart, batch: Batch, watcher: Watcher) -> None:
    profile = part.observe(batch).profile
    assert profile.rows == 260
    assert profile.outcomes.n == 260 - 51
    assert profile.outcomes.n_bad == (watcher.table["outcome"].iloc[51:260] == "defaulted").sum()
    assert part.observe(watcher.batch(watcher.table.head(30).drop(columns="outcome"))).profile.outcomes.n == 0


def test_riskier_applicants_move_every_figure_of_the_score(part: ScorePart, watcher: Watcher) -> None:
    table = watcher.table.head(260).drop(columns="outcome")
    table["dti"], table["utilisation"] = 0.6, 0.95
    signals = held_against(part, part.observe(watcher.batch(table)).profile, part.trained)
    for key in (("pd", ""), ("psi", ""), ("approval", "approve")):
        assert signals[key].p < 1e-9, key
    assert signals["pd", ""].value > 0.1
    assert min(one.p for key, one in signals.items() if key[0] == "reason") < RARE
    assert "most moved" in str(signals["psi", ""].words)


def test_the_binned_area_is_the_auc_with_delongs_interval() -> None:
    draw = np.random.Generator(np.random.PCG64(3))
    margin = np.floor(draw.normal(-1, 1, 800) * 32) / 32  # ties as the bins have them
    y = (draw.random(800) < expit(margin)).astype(np.float64)
    found, exact = area_of(bins_of(margin[y == 1]), bins_of(margin[y == 0])), auc_interval(y, margin)
    assert found is not None
    for name in ("value", "low", "high"):
        assert getattr(found.estimate, name) == pytest.approx(getattr(exact, name), abs=1e-9)
    assert area_of({}, {3: 5}) is None


def test_the_expected_area_is_near_the_one_that_outcomes_have_and_its_interval_holds_it() -> None:
    draw = np.random.Generator(np.random.PCG64(4))
    margin = draw.normal(-1.5, 1.1, 600)
    expected = expected_area(bins_of(margin))
    assert expected is not None
    held = 0
    for _ in range(100):
        bad = draw.random(600) < expit(margin)
        area = area_of(bins_of(margin[bad]), bins_of(margin[~bad]))
        assert area is not None
        held += expected.estimate.low <= area.estimate.value <= expected.estimate.high
    assert 88 <= held <= 100
    assert expected_area(bins_of(np.full(100, -12.0))) is None


def _periods(part: ScorePart, n_periods: int, n: int, off: float = 0.0) -> Sequence[ScoreProfile]:
    draw = np.random.Generator(np.random.PCG64(9))
    found = []
    for _ in range(n_periods):
        margin = draw.normal(-1, 1, n)
        bad = draw.random(n) < expit(margin + off)
        profile = profile_of(margin, np.ones(n, dtype=np.bool_), bad, part.edges)
        found.append(replace(profile, decisions=(n, 0, 0)))
    return found


def test_pds_that_come_true_no_longer_depart_in_calibration_alone(part: ScorePart) -> None:
    days = _periods(part, 12, 400)
    quiet = held_against(part, days[-1], None, days[:-1])
    assert min(one.p for one in quiet.values()) > 1e-3
    (worse,) = _periods(part, 1, 400, off=1.0)
    signals = held_against(part, worse, None, days[:-1])
    assert signals["calibration", ""].p < RARE
    assert signals["calibration", ""].value > 0.3
    assert signals["pd", ""].p > 1e-3


def test_the_estimate_says_how_far_off_it_was_where_outcomes_are_known(part: ScorePart) -> None:
    days = _periods(part, 10, 400)
    words = str(held_against(part, days[-1], None, days[:-1])["auc", "estimated"].words)
    misses = [estimate_miss(day) for day in days[:-1]]
    assert None not in misses
    assert f"off by {np.mean([miss for miss in misses if miss is not None]):.3f} on average" in words
    assert "if the PDs are right" in words


def test_scores_that_rank_no_longer_lower_the_auc(part: ScorePart) -> None:
    days = _periods(part, 10, 500)
    margin = np.random.Generator(np.random.PCG64(1)).normal(-1, 1, 500)
    bad = np.random.Generator(np.random.PCG64(2)).random(500) < 0.3
    now = profile_of(margin, np.ones(500, dtype=np.bool_), bad, part.edges)
    signal = held_against(part, now, None, days)["auc", ""]
    assert signal.p < 1e-3
    assert signal.value > 0.1
