from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.language.batches import Batch, MaskedWindows, masked_windows
from features.language.whole_words import TokenKinds
from tests.support.tiny_language import loan_texts, word_tokenizer

TOKENIZER = word_tokenizer()
KINDS = TokenKinds.of(TOKENIZER)
WINDOWS = [np.array(TOKENIZER.encode(text[: 8 + 3 * n]).ids, np.int64) for n, text in enumerate(loan_texts(40))]


def dealt(most: int = 128, *seeds: int) -> MaskedWindows:
    return masked_windows(WINDOWS, KINDS, 0.3, 0, most, seeds or (0, 1))


@given(st.integers(64, 1000), st.integers(0, 50))
def test_every_window_with_a_hidden_word_stands_in_one_batch(most: int, seed: int) -> None:
    found = dealt(most, seed)
    assert sorted(np.concatenate(found.parts).tolist()) == list(range(len(found.windows)))
    assert all(len(window.places) for window in found.windows)


@given(st.integers(64, 1000), st.integers(0, 50))
def test_no_batch_has_more_tokens_than_allowed(most: int, seed: int) -> None:
    found = dealt(most, seed)
    assert all(batch.tokens.numel() <= most for batch in found.batches(0, len(found.parts)))


def test_little_is_filled_up_because_neighbours_are_of_like_length() -> None:
    found = dealt(256)
    batches = list(found.batches(0, len(found.parts)))
    assert sum(batch.n_tokens for batch in batches) == found.n_tokens
    assert found.n_tokens > 0.75 * sum(batch.tokens.numel() for batch in batches)


def test_a_batch_says_where_the_hidden_tokens_stand() -> None:
    found = dealt()
    part = found.parts[0]
    batch = Batch.of([found.windows[i] for i in part.tolist()], filling=0)
    rows, columns = np.divmod(batch.places.numpy(), batch.tokens.shape[1])
    assert {int(row) for row in rows} == set(range(len(part)))
    expected = np.concatenate([found.windows[i].places for i in part.tolist()])
    np.testing.assert_array_equal(columns, expected)
    assert bool(batch.real.flatten()[batch.places].all())


def test_the_seeds_decide_the_order() -> None:
    one, same, other = dealt(128, 3, 1), dealt(128, 3, 1), dealt(128, 3, 2)
    assert [part.tolist() for part in one.parts] == [part.tolist() for part in same.parts]
    assert [part.tolist() for part in one.parts] != [part.tolist() for part in other.parts]
