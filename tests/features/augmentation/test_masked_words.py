"""Words replaced by what a tiny random language model expects."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForMaskedLM

from data_schemas.errors import ContractError
from features.augmentation.draws import Draw
from features.augmentation.masked_words import MaskedWords, open_masked_words
from features.augmentation.words import Protection
from features.text.cleaning import Edit
from tests.support.small_word_net import tiny_language_model
from tests.support.tiny_bert import tiny_bert

NOUNS = ["debt", "loan", "card", "job", "house", "money", "bank", "salary", "rent", "student", "bill", "school"]
WORDS = [*NOUNS, "my", "is", "not", "seven", "wife", "consoli", "##date"]
TEXTS = [f"my {one} is not my {two}, seven {one} and {two}." for one, two in pairwise(NOUNS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_language_model(tmp_path_factory.mktemp("model"), WORDS)


@pytest.fixture(scope="module")
def masked(folder: Path) -> MaskedWords:
    return open_masked_words(str(folder), 16, Protection(("wife",)))


def rewrite(masked: MaskedWords, texts: list[str], rate: float = 0.2) -> list[list[Edit]]:
    return masked.rewrite(texts, [Draw.of(0, "masked_words", 0, text) for text in texts], rate)


def test_words_become_other_words_of_the_vocabulary_that_nothing_protects(masked: MaskedWords) -> None:
    for text, edits in zip(TEXTS, rewrite(masked, TEXTS), strict=True):
        assert len(edits) == 2
        for start, end, new in edits:
            assert text[start:end] in NOUNS
            assert new in set(NOUNS) - {text[start:end]}


def test_a_text_alone_gets_the_same_edits_as_among_others(masked: MaskedWords) -> None:
    together = rewrite(masked, TEXTS)
    assert [rewrite(masked, [text])[0] for text in TEXTS] == together
    assert rewrite(masked, TEXTS[::-1])[::-1] == together


def test_long_texts_are_read_in_windows(masked: MaskedWords) -> None:
    text = " ".join(NOUNS * 4)
    edits = rewrite(masked, [text], 1.0)[0]
    assert [text[a:b] for a, b, _ in edits] == text.split()


def test_words_that_are_no_single_token_stay(masked: MaskedWords) -> None:
    assert rewrite(masked, ["consolidate xyzzy my"], 1.0) == [[]]
    assert rewrite(masked, ["", "not seven"], 1.0) == [[], []]


def test_guesses_are_those_of_transformers(folder: Path, masked: MaskedWords) -> None:
    model = AutoModelForMaskedLM.from_pretrained(folder, local_files_only=True).eval()
    ids = torch.tensor([masked.encoder.tokenizer.encode("my [MASK] is debt").ids])
    with torch.inference_mode():
        expected = model(ids).logits[0, 2]
        found = masked.head(masked.encoder.bert.token_vectors([ids[0]])[2:3])[0]
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_an_encoder_without_the_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ContractError, match=r"cannot name masked words: .* lacks the tensor cls\.predictions"
    ) as caught:
        open_masked_words(str(tiny_bert(tmp_path)), 16, Protection())
    assert "creditfusion pretrain" in caught.value.remedy
