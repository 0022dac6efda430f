"""Narratives by period: exact sums, no text, and signals for words, vectors and rows that moved."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.watch.domain import LEAST_ROWS, Layout, Sampled, classify
from fusion.watch.packing import packed
from fusion.watch.part import Batch
from fusion.watch.texts import TextsPart
from fusion.watch.words import LEAST_USERS, WordCounter, Words, word_signals
from tests.support.watched import Watcher, held_against, some_of, summed

RARE = 1e-4


@pytest.fixture(scope="module")
def part(watcher: Watcher) -> TextsPart:
    return TextsPart.of(watcher.scorer.bundle)


@pytest.fixture(scope="module")
def batch(watcher: Watcher) -> Batch:
    return watcher.batch(watcher.table.head(260))


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 260), max_size=3), order=st.randoms(use_true_random=False))
def test_profiles_add_up_in_any_order_and_survive_json(
    part: TextsPart, batch: Batch, cuts: list[int], order: random.Random
) -> None:
    ends = [0, *sorted(cuts), 260]
    pieces = [some_of(batch, np.arange(a, b)) for a, b in pairwise(ends)]
    order.shuffle(pieces)
    whole = part.to_json(part.observe(batch).profile)
    assert part.to_json(summed(part, pieces)) == whole
    assert part.to_json(part.from_json(json.loads(json.dumps(whole)))) == whole


def test_a_profile_holds_no_text_but_words_of_many(part: TextsPart, batch: Batch) -> None:
    profile = part.observe(batch).profile
    written = json.dumps(part.to_json(profile))
    rare = set("".join(batch.applications.narrative("statement")).split())
    names = {name for one in profile.narratives.values() if one.words for name in one.words.names.values()}
    assert 5 < len(names) < 200
    assert not [word for word in rare if len(word) > 6 and word.lower() not in names and f'"{word}' in written]


def test_rows_like_those_of_training_give_no_small_chance(part: TextsPart, batch: Batch) -> None:
    signals = held_against(part, part.observe(batch).profile, part.trained)
    assert {("written", "statement"), ("mean_shift", "statement"), ("psi", "statement"), ("domain_auc", "")} <= {
        *signals
    }
    assert not [key for key in signals if key[0] == "word"]  # nobody counted the words of training
    assert min(one.p for one in signals.values()) > RARE
    assert all(one.low <= one.now <= one.high for one in signals.values())


def test_a_word_that_spreads_is_named_with_its_log_odds(part: TextsPart, watcher: Watcher) -> None:
    table = watcher.table.copy()
    days = [part.observe(watcher.batch(table.iloc[at : at + 150])).profile for at in range(0, 900, 150)]
    later = table.iloc[900:1100].copy()
    spoken = later["statement"] != ""
    later.loc[spoken, "statement"] += " I lost money with kryptonia."
    now = part.observe(watcher.batch(later)).profile
    signals = held_against(part, now, part.trained, days + days[:2])
    signal = signals["word", "statement:kryptonia"]
    assert signal.p < RARE
    assert signal.value == pytest.approx(1.0)
    assert "log-odds +" in str(signal.words)
    usual = days[0].narratives["statement"]
    assert signals["word", "statement:kryptonia"].usual == 0
    assert usual.words is not None
    quiet = held_against(part, days[-1], part.trained, days[:-1] + days[:3])
    assert min(one.p for one in quiet.values()) > RARE


def test_vectors_that_are_scaled_shift_the_mean_and_the_components(part: TextsPart, batch: Batch) -> None:
    text = batch.text
    louder = Batch(
        batch.period,
        batch.file,
        batch.applications,
        type(text)(text.x_text * np.float32(2), text.has_text, text.x_lex, text.names, text.x_style),
        batch.scored,
    )
    signals = held_against(part, part.observe(louder).profile, part.trained)
    assert signals["mean_shift", "statement"].p < 1e-9
    assert signals["psi", "statement"].p < 1e-9


def test_rows_of_scaled_columns_are_distinguished_by_these(part: TextsPart, watcher: Watcher) -> None:
    table = watcher.table.head(200).copy()
    table["dti"] = table["dti"].astype(float) * 3
    signal = held_against(part, part.observe(watcher.batch(table)).profile, part.trained)["domain_auc", ""]
    assert signal.p < 1e-9
    assert ", by dti" in str(signal.words)


def test_silence_departs_in_the_share_that_writes(part: TextsPart, watcher: Watcher) -> None:
    table = watcher.table.head(200).copy()
    table["statement"] = ""
    signals = held_against(part, part.observe(watcher.batch(table)).profile, part.trained)
    assert signals["written", "statement"].p < 1e-9
    assert ("mean_shift", "statement") not in signals


def test_a_word_is_named_once_enough_narratives_of_several_batches_use_it() -> None:
    counter = WordCounter()
    few = counter.count(["my sister helped"] * (LEAST_USERS - 1) + ["Kowalczyk, 3 times a1b2"])
    assert few.names == {}
    both = counter.add(few, counter.count(["my Sister's car"]))
    assert set(both.names.values()) == {"sister"}
    elsewhere = WordCounter().add(few, counter.count(["my sister"]))  # a run that met none of these texts
    assert set(elsewhere.names.values()) == set()
    assert elsewhere.counts.tolist() == counter.add(few, counter.count(["my sister"])).counts.tolist()


def test_chances_of_words_are_shared_among_all_that_are_compared() -> None:
    counter, draw = WordCounter(), np.random.Generator(np.random.PCG64(8))
    vocabulary = np.array([f"{a}{b}{c}" for a in "abcdefgh" for b in "aeiou" for c in "klmnp"])
    days = []
    for _ in range(12):
        texts = [" ".join(vocabulary[draw.random(len(vocabulary)) < 0.2]) for _ in range(150)]
        days.append(Words(150, counter.count(texts)))
    signals = word_signals("today", "statement", days[-1], days[:-1], history=True)
    assert len(signals) == 10
    assert min(one.p for one in signals) > 0.005


def test_rows_of_one_kind_are_seldom_distinguished() -> None:
    draw = np.random.Generator(np.random.PCG64(11))
    layout = Layout(tuple(f"c{at}" for at in range(4)), (0,) * 4)

    def sample(rows: int) -> Sampled:
        return tuple((at, packed(row)) for at, row in enumerate(draw.normal(size=(rows, 4)).astype(np.float32)))

    found = [classify(sample(80), [sample(200)], False, layout) for _ in range(20)]
    chances = [one.departure.p for one in found if one is not None]
    assert len(chances) == 20
    assert sum(p < 0.05 for p in chances) <= 3
    assert classify(sample(LEAST_ROWS - 1), [sample(300)], False, layout) is None
