from __future__ import annotations

import pytest

from features.text.words import words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("还清贷款", ["还清", "清贷", "贷款"]),
        ("我，欠iPhone 15分期", ["我", "欠", "iphone", "15", "分期"]),
        ("カードの借金", ["カー", "ード", "ドの", "の借", "借金"]),
        ("ชำระหนี้", ["ชำ", "ำร", "ระ", "ะห", "หน", "นี", "ี้"]),
        ("신용카드 빚", ["신용카드", "빚"]),
        ("I've a loan", ["i", "ve", "a", "loan"]),
    ],
)
def test_scripts_without_spaces_have_pairs_of_characters(text: str, words: list[str]) -> None:
    assert words_of(text) == words
