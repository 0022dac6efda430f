"""Which letters of a text an encoder's vocabulary knows."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from features.encoders.opening import open_encoder
from features.encoders.vocabulary import Vocabulary
from tests.support.tiny_bert import LETTERS, tiny_bert


@cache
def embedded() -> Vocabulary:
    return Vocabulary(lambda: open_encoder().tokenizer)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("I want to pay off my cards.", 1.0),
        ("Ich möchte naïve Schulden begleichen", 1.0),  # a script, not a language
        ("12,000 $ 😀 ☎", 1.0),
        ("", 1.0),
        ("我想用这笔贷款还清信用卡", 0.0),  # two in five of its characters are known, and say nothing
        ("クレジットカードの借金を返済したい", 0.0),
        ("Я хочу погасить долги", 0.0),  # every letter is known by itself
        ("أريد سداد الديون", 0.0),
        ("이 대출로 빚을 갚고 싶습니다", 0.0),
        ("ฉันต้องการกู้เงิน", 0.0),
        ("pay 还清", 0.6),
    ],
)
def test_the_embedded_encoder_reads_the_latin_script(text: str, share: float) -> None:
    assert embedded().share_read([text]).tolist() == [share]


def test_a_vocabulary_of_single_letters_reads_all_that_it_has(tmp_path: Path) -> None:
    found = Vocabulary(
        lambda: open_encoder(str(tiny_bert(tmp_path, letters="贷款还清" + LETTERS)), window=64).tokenizer
    )
    assert found.scripts == {"Han", "Latin"}
    assert found.share_read(["贷款还清", "还贷款！loan", "欠贷款额", "ссуда"]).tolist() == [1.0, 1.0, 0.5, 0.0]


def test_a_vocabulary_of_words_and_many_characters_reads_both(tmp_path: Path) -> None:
    characters = "".join(chr(0x4E00 + at) for at in range(300))
    found = Vocabulary(
        lambda: (
            open_encoder(
                str(
                    tiny_bert(tmp_path, letters=characters, words=["ab", "##cd", "い"]),
                ),
                window=64,
            ).tokenizer
        )
    )
    assert found.scripts == {"Han", "Kana", "Latin"}
    assert not found.reads_ascii
    assert found.share_read(["abcd", "xy", characters[:3]]).tolist() == [1.0, 0.0, 1.0]


def test_bytes_of_a_script_are_not_its_words() -> None:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(["pay the cards off and the loans too"] * 9, trainer)
    tokenizer.post_processor = processors.ByteLevel()
    assert Vocabulary(lambda: tokenizer).share_read(["pay the loans", "贷款", "долг"]).tolist() == [1.0, 0.0, 0.0]
