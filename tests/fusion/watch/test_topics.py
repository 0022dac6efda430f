from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.arrays import Floats32, Ints
from fusion.watch.topics import (
    LEAST_TEXTS,
    LEAST_USES,
    Topics,
    is_telling,
    learn_topics,
    topics_from_json,
    topics_to_json,
)

SUBJECTS = (
    "The mortgage escrow was wrong, Mr Smith",
    "The card was declined and the bank XXXX XXXX said no",
    "The report of the bureau is false",
    "The payday lender calls me 10 times",
)
DIM = 24


def drawn(n: int, seed: int, spread: float = 0.5) -> tuple[Floats32, list[str], Ints]:
    """Texts of four subjects, their vectors about four directions, and the subject of each."""
    rng = np.random.default_rng(seed)
    subject = rng.integers(0, len(SUBJECTS), n)
    directions = np.random.default_rng(99).normal(size=(len(SUBJECTS), DIM)) * 2
    vectors = (1 + directions[subject] + spread * rng.normal(size=(n, DIM))).astype(np.float16).astype(np.float32)
    return vectors, [SUBJECTS[own] for own in subject.tolist()], subject


@pytest.fixture(scope="module")
def topics() -> Topics:
    vectors, texts, _ = drawn(600, 1)
    return learn_topics(vectors, texts)


def test_each_topic_is_of_one_subject_and_later_texts_fall_into_them(topics: Topics) -> None:
    vectors, _, subject = drawn(400, 2)
    found = topics.assign(vectors)
    placed = found < len(topics)
    assert placed.mean() > 0.9
    pairs = set(zip(found[placed].tolist(), subject[placed].tolist(), strict=True))
    assert len(pairs) == len(topics) >= len(SUBJECTS) == len({own for _, own in pairs})


def test_topics_are_named_by_their_own_words_without_masks_function_words_and_numbers(topics: Topics) -> None:
    words = {word for own in topics.words for word in own}
    assert {"mortgage", "escrow", "declined", "report", "bureau", "payday", "lender"} <= words
    assert not words & {"the", "xxxx", "was", "10", "me"}
    assert len(set(topics.names)) == len(topics)


def test_a_word_that_few_texts_use_names_nothing() -> None:
    vectors, texts, subject = drawn(400, 1)
    own = np.flatnonzero(subject == 0)
    rare = [text + (" Rumpelstiltskin" if at in own[: LEAST_USES - 1] else "") for at, text in enumerate(texts)]
    common = [text + (" Rumpelstiltskin" if at in own[:LEAST_USES] else "") for at, text in enumerate(texts)]
    assert "rumpelstiltskin" not in {word for own in learn_topics(vectors, rare).words for word in own}
    assert "rumpelstiltskin" in {word for own in learn_topics(vectors, common).words for word in own}


def test_texts_of_a_new_subject_have_no_topic(topics: Topics) -> None:
    away = np.random.default_rng(7).normal(size=(50, DIM)) * 3
    away -= (away @ topics.directions.T) @ np.linalg.pinv(topics.directions.T)
    vectors = (topics.centre + away).astype(np.float16).astype(np.float32)
    assert np.all(topics.assign(vectors) == len(topics))


def test_few_texts_have_no_topics_and_equal_ones_do_no_harm() -> None:
    vectors, texts, _ = drawn(LEAST_TEXTS - 1, 1)
    few = learn_topics(vectors, texts)
    assert (len(few), few.assign(vectors).max(), few.n_texts) == (0, 0, LEAST_TEXTS - 1)
    same = learn_topics(np.ones((LEAST_TEXTS, DIM), np.float32), ["The same text"] * LEAST_TEXTS)
    assert len(same) == 1


def test_topics_come_back_from_json_with_equal_bits(topics: Topics) -> None:
    for one in (topics, learn_topics(*drawn(3, 1)[:2])):
        again = topics_from_json(json.loads(json.dumps(topics_to_json(one))))
        assert np.array_equal(again.centre, one.centre)
        assert np.array_equal(again.directions, one.directions)
        assert (again.least, again.words, again.shares, again.n_texts) == (
            one.least,
            one.words,
            one.shares,
            one.n_texts,
        )


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_the_topic_of_a_text_does_not_depend_on_what_is_read_with_it(topics: Topics, seed: int, n: int) -> None:
    vectors, _, _ = drawn(n, seed, spread=4.0)
    together = topics.assign(vectors)
    assert np.array_equal(together, np.concatenate([topics.assign(vectors[at : at + 1]) for at in range(n)]))


@pytest.mark.parametrize(
    ("word", "wanted"),
    [("mortgage", True), ("xxxx", False), ("x", False), ("5000", False), ("and", False), ("贷款", True)],
)
def test_which_words_can_name_a_topic(word: str, wanted: bool) -> None:
    assert is_telling(word) == wanted
