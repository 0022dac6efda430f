"""Second models by period: exact sums, signals of what changed, and flags above the policy's bound."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.arrays import Floats
from fusion.policy.policy import Cutoffs, Policy, Refer
from fusion.watch.part import Batch
from fusion.watch.second import SecondPart
from tests.support.watched import Watcher, held_against, some_of, summed

POLICY = Policy(cutoffs=Cutoffs(approve=0.2, decline=0.3), refer=Refer(second={"fraud": 0.5, "other": 0.1}))


@pytest.fixture(scope="module")
def part(watcher: Watcher) -> SecondPart:
    """One model twice: as one of fraud, on which the policy refers, and as one of spam."""
    return SecondPart.of({"fraud": watcher.scorer, "spam": watcher.scorer}, POLICY)


@pytest.fixture(scope="module")
def batch(watcher: Watcher) -> Batch:
    whole = watcher.batch(watcher.table.head(300))
    assert whole.scored is not None
    fraud = whole.scored.scores.pd.copy()
    fraud[[5, 17]] = np.nan
    return beside(whole, fraud)


def beside(batch: Batch, fraud: Floats) -> Batch:
    assert batch.scored is not None
    return replace(batch, scored=replace(batch.scored, seconds={"fraud": fraud, "spam": batch.scored.scores.pd}))


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=4), order=st.randoms(use_true_random=False))
def test_profiles_add_up_in_any_order_and_survive_json(
    part: SecondPart, batch: Batch, cuts: list[int], order: np.random.Generator
) -> None:
    pieces = [some_of(batch, np.arange(a, b)) for a, b in pairwise([0, *sorted(cuts), 300])]
    order.shuffle(pieces)
    whole = part.observe(batch).profile
    assert summed(part, pieces) == whole
    assert part.from_json(json.loads(json.dumps(part.to_json(whole)))) == whole
    assert (whole.models["fraud"].rows, whole.models["fraud"].without) == (298, 2)


def test_what_is_usual_gives_no_small_chance_and_a_rise_does(part: SecondPart, batch: Batch) -> None:
    quiet = held_against(part, part.observe(batch).profile, part.trained)
    names = {"fraud", "fraud:above", "fraud:without", "spam", "spam:without"}
    assert {subject for _, subject in quiet} == names
    assert quiet["second_model", "spam"].p > 1e-4
    assert batch.scored is not None
    risen = part.observe(beside(batch, np.minimum(batch.scored.scores.pd * 3, 1.0)))
    loud = held_against(part, risen.profile, part.trained)
    assert loud["second_model", "fraud"].p < 1e-9
    assert loud["second_model", "fraud"].value > 1
    above = loud["second_model", "fraud:above"]
    assert above.p < 1e-9
    assert above.rows == tuple(flag.row for flag in risen.flags[:5])
    assert all(flag.size > 0.5 for flag in risen.flags)
    assert str(risen.flags[0].words).endswith("above 50.0%")
