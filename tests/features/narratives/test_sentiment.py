import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.arrays import Floats32
from features.encoders.vectors import PartVectors, Progress
from features.encoders.windows import Spans
from features.narratives.sentiment import LABELS, Sentiment, learn_sentiment, sentences
from tests.support.stand_in import parts_alone

WORDS = (
    "loss",
    "refuse",
    "fell",
    "worst",
    "never",
    "rose",
    "profit",
    "best",
    "thank",
    "love",
    "page",
    "year",
    "number",
)


class MoodEncoder:
    """A stand-in that counts some words."""

    digest = "00"
    dim = len(WORDS)

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        del on_progress
        return np.array([[text.lower().count(word) for word in WORDS] for text in texts], np.float32)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        return parts_alone(self.encode, texts, spans, on_progress)


@pytest.fixture(scope="module")
def mood() -> Sentiment:
    return learn_sentiment(MoodEncoder())


def test_a_good_text_scores_above_a_plain_one_and_that_above_a_bad_one(mood: Sentiment) -> None:
    texts = ["The worst bank, they refuse everything.", "See page 3.", "The best bank, thank you, I love it."]
    bad, plain, good = mood.scores(MoodEncoder().encode(texts))
    assert -1 <= bad < plain - 0.2 < good - 0.4 <= 0.6


def test_sentences_come_in_threes_of_one_matter_and_none_comes_twice() -> None:
    texts, label = sentences()
    assert len(set(texts)) == len(texts) >= 600
    assert np.array_equal(np.bincount(label), np.full(len(LABELS), len(texts) // len(LABELS)))


def test_a_sentiment_comes_back_from_json_with_equal_bits(mood: Sentiment) -> None:
    again = Sentiment.from_json(json.loads(json.dumps(mood.to_json())))
    assert np.array_equal(again.coefficients, mood.coefficients)
    assert np.array_equal(again.offsets, mood.offsets)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_score_of_a_text_does_not_depend_on_what_is_read_with_it(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    coefficients = np.round(rng.normal(size=(3, 384)) * 2.0**16) * 2.0**-16
    mood = Sentiment(coefficients, rng.normal(size=3))
    vectors = rng.normal(size=(n, 384)).astype(np.float16).astype(np.float32)
    together = mood.scores(vectors)
    assert np.array_equal(together, np.concatenate([mood.scores(vectors[at : at + 1]) for at in range(n)]))
