from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import HashingVectorizer

from features.text.hashed_words import hashed_words
from features.text.scripts import has_spaceless


def test_no_texts_no_rows() -> None:
    assert hashed_words([], 64, 2).shape == (0, 64)


def test_a_word_counts_once_and_a_text_without_one_is_an_empty_row() -> None:
    words = hashed_words(["debt consolidation loan", "", "!!", "loan loan"], 1024, 2)
    assert words.dtype == np.float32
    assert set(words.data) == {1.0}
    assert np.diff(words.indptr).tolist() == [5, 0, 0, 2]  # three words, two pairs; one word, one pair


def test_letter_case_is_ignored_and_single_letters_count() -> None:
    words = hashed_words(["I Owe", "i owe", "owe"], 4096, 1).toarray()
    np.testing.assert_array_equal(words[0], words[1])
    assert not np.array_equal(words[1], words[2])


def test_buckets_are_the_same_on_every_machine() -> None:
    assert hashed_words(["rent"], 2**16, 1).indices.tolist() == [21760]


def test_rows_are_independent() -> None:
    texts = ["pay rent", "Überweisung 日本語", "pay " * 100]
    together = hashed_words(texts, 512, 2).toarray()
    for text, alone in zip(texts, together, strict=True):
        np.testing.assert_array_equal(hashed_words([text], 512, 2).toarray()[0], alone)


@given(st.lists(st.text(max_size=40).filter(lambda text: not has_spaceless(text)), min_size=1), st.integers(1, 3))
def test_texts_with_spaces_have_the_words_between_them(texts: list[str], ngrams: int) -> None:
    plain = HashingVectorizer(
        n_features=512,
        ngram_range=(1, ngrams),
        token_pattern=r"(?u)\b\w+\b",
        alternate_sign=False,
        binary=True,
        norm=None,
    )
    np.testing.assert_array_equal(hashed_words(texts, 512, ngrams).toarray(), plain.transform(texts).toarray())
