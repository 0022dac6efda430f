from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from features.arrays import Floats
from features.design import TextBlock, no_style
from features.narratives.sentiment import Sentiment
from features.tables.applications import Applications
from fusion.watch.opinion import LEAST_TEXTS, NO_TOPIC, UNIT, Mood, OpinionPart, OpinionProfile, vectors_of_rows
from fusion.watch.part import Batch, Watched
from fusion.watch.signals import Signal
from fusion.watch.topics import Topics, no_topics
from tests.support.small import small_schema

DIM = 4
"""Two coordinates name a topic each, the last two say a good or a bad thing."""

TOPICS = Topics(np.zeros(DIM), np.eye(DIM)[:2], 0.5, (("loan", "rate"), ("card",)), (0.5, 0.4, 0.1), 1000)
MOOD = Sentiment(np.array([[0.0, 0, 0, 4], [0, 0, 0, 0], [0, 0, 4, 0]]), np.array([-2.0, 0.0, -2.0]))


def part(volume: bool = False, topics: Topics = TOPICS) -> OpinionPart:
    return OpinionPart(np.array([True]), topics, MOOD, volume)


def batch(vectors: Floats, written: Sequence[bool] | None = None) -> Batch:
    """Rows with one narrative each."""
    n = len(vectors)
    there = np.ones(n, np.bool_) if written is None else np.array(written, np.bool_)
    x = np.where(there[:, None], vectors, 0.0).astype(np.float16).astype(np.float32)[:, None]
    text = TextBlock(
        x, there[:, None], sparse.csr_matrix(np.zeros((n, 0), np.float32)), ("note",), no_style(there[:, None])
    )
    frame = pd.DataFrame({"id": [str(at) for at in range(n)]}, dtype=object)
    return Batch("2026-01", "a.csv", Applications(small_schema(), frame, np.arange(1, n + 1)), text)


def drawn(
    rng: np.random.Generator, n: int, means: Sequence[float] = (-0.3, 0.0, 0.1), lift: float = 1.0
) -> OpinionProfile:
    """A period of texts drawn at random; lift: how many times as many texts as usual the first topic has."""
    shares = np.array([0.3 * lift, 0.6, 0.1])
    counts = rng.multinomial(n, shares / shares.sum())
    scores = [np.clip(rng.normal(mean, 0.5, k), -1, 1) for mean, k in zip(means, counts, strict=True)]
    return OpinionProfile(n, tuple(_mood(own) for own in scores))


def _mood(scores: Floats) -> Mood:
    units = [round(score * 1e6) for score in scores.tolist()]
    return Mood(len(units), sum(units), sum(unit**2 for unit in units))


def signals(
    now: OpinionProfile, history: Sequence[OpinionProfile], reference: OpinionProfile | None = None
) -> Mapping[tuple[str, str], Signal]:
    past = tuple((f"2026-{month:02d}", one) for month, one in enumerate(history, 1))
    found = part().signals(Watched(f"2026-{len(history) + 1:02d}", now, reference, past))
    return {(one.check, one.subject): one for one in found}


def test_texts_are_counted_by_topic_with_the_sum_of_their_scores() -> None:
    good, bad, plain = [1, 0, 1, 0], [0, 1, 0, 1], [1, 1, 0, 0]
    far = [0, 0, 1, 1]
    observation = part().observe(batch(np.array([good, good, bad, far, plain]), [True, True, True, True, False]))
    first, second, none = observation.profile.topics
    assert (observation.flags, observation.profile.rows) == ((), 5)
    assert (first.texts, second.texts, none.texts) == (2, 1, 1)
    assert first.mean > 0.7
    assert second.mean < -0.7
    assert none.mean == 0.0


def test_all_narratives_of_a_row_but_labels_are_one_text() -> None:
    x = np.array([[[2, 0], [0, 4], [9, 9]], [[0, 0], [0, 3], [9, 9]], [[0, 0], [0, 0], [9, 9]]], np.float32)
    there = np.array([[True, True, True], [False, True, True], [False, False, True]])
    text = TextBlock(x, there, sparse.csr_matrix(np.zeros((3, 0), np.float32)), ("a", "b", "c"), no_style(there))
    vectors, written = vectors_of_rows(text, np.array([True, True, False]))
    assert vectors.tolist() == [[1, 2], [0, 3], [0, 0]]
    assert written.tolist() == [True, True, False]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 6))
def test_a_profile_is_the_same_in_whatever_order_and_batches_rows_come(seed: int, n: int, n_batches: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, written = rng.normal(size=(n, DIM)), rng.random(n) < 0.8
    whole = part().observe(batch(vectors, written.tolist())).profile
    cuts = np.array_split(rng.permutation(n), n_batches)
    some = [part().observe(batch(vectors[own], written[own].tolist())).profile for own in cuts]
    assert reduce(part().add, some) == reduce(part().add, some[::-1]) == whole
    assert part().from_json(json.loads(json.dumps(part().to_json(whole)))) == whole


def test_a_mood_has_the_mean_and_variance_of_its_scores() -> None:
    scores = np.array([-0.5, 0.25, 0.75, 0.1])
    mood = _mood(scores)
    assert mood.mean == pytest.approx(scores.mean())
    assert mood.variance == pytest.approx(scores.var(ddof=1))
    assert np.isnan([Mood().mean, Mood(1, UNIT, UNIT**2).variance]).all()


def test_the_falling_sentiment_of_one_topic_is_found_in_its_first_period_and_in_no_other_topic() -> None:
    rng = np.random.default_rng(1)
    found = signals(drawn(rng, 300, (-0.7, 0.0, 0.1)), [drawn(rng, 300) for _ in range(8)])
    fallen = found["topic_sentiment", "loan, rate"]
    assert fallen.p < 0.001 / len(found)
    assert fallen.value > 0.3
    assert fallen.low <= fallen.now <= fallen.high < fallen.usual
    assert found["topic_sentiment", "card"].p > 0.01
    assert all(one.rows == () for one in found.values())


def test_a_topic_that_grows_is_found_in_its_first_period_also_beside_a_reference() -> None:
    rng = np.random.default_rng(2)
    now = drawn(rng, 300, lift=3.0)
    for found in (signals(now, [drawn(rng, 300) for _ in range(8)]), signals(now, [], drawn(rng, 1000))):
        assert found["topic_volume", "loan, rate"].p < 0.001 / len(found)
        assert found["topic_volume", "loan, rate"].value > 0.5


def test_a_small_fall_that_lasts_is_found_although_no_period_alone_shows_it() -> None:
    rng = np.random.default_rng(3)
    lasting = [drawn(rng, 200, (-0.45, 0.0, 0.1)) for _ in range(7)]
    history = [drawn(rng, 200) for _ in range(14)]
    found = signals(lasting[-1], [*history, *lasting[:-1]])
    assert found["topic_sentiment", "loan, rate"].p < 0.02 / len(found)
    assert "a change since 2026-1" in str(found["topic_sentiment", "loan, rate"].words)


@pytest.mark.parametrize("n", [30, 400])
def test_quiet_periods_are_as_unlikely_as_they_should_be(n: int) -> None:
    rng = np.random.default_rng(4)
    alarms = 0
    for _ in range(30):
        found = signals(drawn(rng, n), [drawn(rng, n) for _ in range(12)])
        alarms += any(one.p <= 0.02 / len(found) for one in found.values())
    assert alarms <= 2


def test_few_texts_have_no_mean_sentiment_and_no_history_no_signal() -> None:
    rng = np.random.default_rng(5)
    few = drawn(rng, LEAST_TEXTS - 1)
    assert {check for check, _ in signals(few, [drawn(rng, 300) for _ in range(8)])} == {"topic_volume"}
    assert signals(few, []) == {}


def test_without_topics_the_mood_of_all_texts_is_watched_and_without_a_model_their_number() -> None:
    whole = [
        OpinionProfile(one.rows, (one.whole,)) for one in (drawn(np.random.default_rng(at), 200) for at in range(9))
    ]
    history = tuple((f"2026-{at + 1:02d}", one) for at, one in enumerate(whole[:-1]))
    watched = Watched("2026-09", whole[-1], None, history)
    found = part(volume=True, topics=no_topics(DIM, 5)).signals(watched)
    assert {(one.check, one.subject) for one in found} == {("volume", ""), ("sentiment", "")}
    assert part().subjects[-1] == NO_TOPIC
