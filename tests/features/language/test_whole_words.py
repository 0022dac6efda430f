from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from data_schemas.errors import ContractError
from features.arrays import Ints
from features.language.whole_words import TokenKinds, mask_words
from tests.support.tiny_language import loan_texts, word_tokenizer

TOKENIZER = word_tokenizer()
KINDS = TokenKinds.of(TOKENIZER)


def ids_of(text: str) -> Ints:
    return np.array(TOKENIZER.encode(text).ids, np.int64)


def words_of(text: str) -> list[int | None]:
    return list(TOKENIZER.encode(text).word_ids)


@given(st.text("abcxyz .,!?0189", max_size=80), st.integers(0, 1000))
def test_a_word_is_hidden_whole_or_not_at_all(text: str, seed: int) -> None:
    found = mask_words(ids_of(text), KINDS, 0.3, (seed,))
    words = words_of(text)
    hidden = {words[place] for place in found.places}
    assert None not in hidden
    assert [at for at, word in enumerate(words) if word in hidden] == found.places.tolist()


@given(st.text(max_size=60), st.integers(0, 1000))
def test_special_tokens_are_never_hidden_nor_put_in_a_words_place(text: str, seed: int) -> None:
    ids = ids_of(text)
    found = mask_words(ids, KINDS, 0.5, (seed,))
    assert not KINDS.special[found.hidden].any()
    changed = found.tokens[found.places]
    assert not KINDS.special[changed[changed != KINDS.mask]].any()
    untouched = np.delete(np.arange(len(ids)), found.places)
    np.testing.assert_array_equal(found.tokens[untouched], ids[untouched])
    np.testing.assert_array_equal(ids[found.places], found.hidden)


def test_about_15_percent_are_hidden_and_of_these_80_masked_and_10_exchanged() -> None:
    windows = [ids_of(text) for text in loan_texts(2000)]
    found = [mask_words(ids, KINDS, 0.15, (0, 1)) for ids in windows]
    n_tokens = sum(len(ids) - 2 for ids in windows)
    n_hidden = sum(len(one.places) for one in found)
    assert n_hidden / n_tokens == pytest.approx(0.15, abs=0.01)
    replacements = np.concatenate([one.tokens[one.places] for one in found])
    hidden = np.concatenate([one.hidden for one in found])
    assert np.mean(replacements == KINDS.mask) == pytest.approx(0.8, abs=0.02)
    assert np.mean(replacements == hidden) == pytest.approx(0.1, abs=0.02)


def test_masks_are_those_of_the_seeds_and_the_window_alone() -> None:
    one, other = (ids_of(text) for text in loan_texts(2))
    first = mask_words(one, KINDS, 0.3, (0, 1))
    mask_words(other, KINDS, 0.3, (0, 1))
    again = mask_words(one, KINDS, 0.3, (0, 1))
    np.testing.assert_array_equal(first.tokens, again.tokens)
    epochs = [mask_words(one, KINDS, 0.3, (0, epoch)).places.tolist() for epoch in range(8)]
    assert len({tuple(places) for places in epochs}) > 4


def test_a_window_that_begins_within_a_word_hides_that_piece_alone() -> None:
    ids = ids_of("zebra loan")
    cut = np.concatenate([ids[:1], ids[2:]])  # without the word's first piece
    found = mask_words(cut, KINDS, 1.0, (0,))
    assert found.places.tolist() == list(range(1, len(cut) - 1))


@pytest.mark.parametrize("mark", ["▁", "Ġ"])
def test_words_of_other_tokenizers_begin_with_a_mark(mark: str) -> None:
    names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", f"{mark}lo", "an", f"{mark}car"]
    tokenizer = Tokenizer(models.WordLevel({name: n for n, name in enumerate(names)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    kinds = TokenKinds.of(tokenizer)
    assert np.flatnonzero(kinds.goes_on).tolist() == [names.index("an")]
    assert kinds.special.tolist() == [True] * 5 + [False] * 3


def test_a_tokenizer_without_a_mask_is_refused() -> None:
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    with pytest.raises(ContractError, match="no mask token"):
        TokenKinds.of(tokenizer)
