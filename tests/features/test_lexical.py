from __future__ import annotations

import numpy as np

from features.lexical import hashed_counts


def test_no_texts_no_rows() -> None:
    assert hashed_counts([], 64, 2).shape == (0, 64)


def test_a_text_is_a_unit_row_and_an_empty_one_a_zero_row() -> None:
    counts = hashed_counts(["debt consolidation loan", "", "!!"], 1024, 2)
    assert counts.dtype == np.float32
    np.testing.assert_allclose(np.sqrt(counts.multiply(counts).sum(axis=1)).ravel(), [[1, 0, 0]], atol=1e-6)
    assert counts[0].nnz == 5  # three words, two pairs


def test_letter_case_is_ignored_and_single_letters_count() -> None:
    counts = hashed_counts(["I Owe", "i owe", "owe"], 4096, 1).toarray()
    np.testing.assert_array_equal(counts[0], counts[1])
    assert not np.array_equal(counts[1], counts[2])


def test_buckets_are_the_same_on_every_machine() -> None:
    assert hashed_counts(["rent"], 2**16, 1).indices.tolist() == [21760]


def test_a_row_does_not_see_its_neighbours() -> None:
    texts = ["pay rent", "Überweisung 日本語", "pay " * 100]
    together = hashed_counts(texts, 512, 2).toarray()
    for text, counts in zip(texts, together, strict=True):
        np.testing.assert_array_equal(hashed_counts([text], 512, 2).toarray()[0], counts)
