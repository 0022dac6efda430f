from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from data_schemas.errors import ContractError
from features.language.new_words import FEWEST_TEXTS, frequent_words, pieces, with_words
from tests.support.tiny_language import word_tokenizer

TOKENIZER = word_tokenizer()


def test_the_words_in_most_texts_that_are_broken_into_pieces_are_found() -> None:
    texts = ["My loan for refinancing"] * 60 + ["the EMI, 2024x of"] * 40 + ["rarely" for _ in range(FEWEST_TEXTS - 1)]
    assert frequent_words(TOKENIZER, texts, 10) == ["refinancing", "emi"]
    assert frequent_words(TOKENIZER, texts, 1) == ["refinancing"]


def test_a_word_that_one_text_repeats_is_no_frequent_one() -> None:
    assert frequent_words(TOKENIZER, ["petersen " * 100, *["loan"] * 100], 10) == []


def test_new_words_are_whole_and_all_others_stay_as_they_were() -> None:
    found = with_words(TOKENIZER, ["refinancing", "emi"])
    n = TOKENIZER.get_vocab_size()
    assert pieces(found, "Refinancing emi") == [n, n + 1]
    for text in ("i need a loan", "zebra 123", ""):
        assert found.encode(text).ids == TOKENIZER.encode(text).ids
    assert found.encode("refinancing").ids == [*TOKENIZER.encode("").ids[:1], n, *TOKENIZER.encode("").ids[1:]]


def test_another_kind_of_tokenizer_takes_none() -> None:
    tokenizer = Tokenizer(models.BPE())
    with pytest.raises(ContractError, match="no WordPiece tokenizer"):
        frequent_words(tokenizer, ["a"], 1)


def test_the_counts_do_not_depend_on_the_order_of_texts() -> None:
    texts = [f"{a} {b}" for a in ("petrol", "diesel", "gas") for b in ("arrears", "default")] * FEWEST_TEXTS
    mixed = [texts[i] for i in np.random.default_rng(0).permutation(len(texts)).tolist()]
    assert frequent_words(TOKENIZER, texts, 4) == frequent_words(TOKENIZER, mixed, 4)
