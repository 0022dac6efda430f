"""Scripts of letters, and what they tell of a text's language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.text.scripts import count_spaceless, has_spaceless, language_of, script_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I want to pay off my cards.", "Latin script"),
        ("Ich möchte die Schulden begleichen.", "Latin script"),
        ("我想用这笔贷款还清信用卡", "Chinese"),
        ("我想申请 loan 还清 credit card 的欠款", "Chinese"),
        ("My name is 王小明 and I want a loan", "Latin script"),
        ("クレジットカードの借金を返済したい", "Japanese"),
        ("借金返済のため", "Japanese"),
        ("이 대출로 빚을 갚고 싶습니다", "Korean"),
        ("ฉันต้องการกู้เงิน", "Thai"),
        ("Я хочу погасить долги", "Cyrillic script"),
        ("أريد سداد الديون", "Arabic script"),
        ("ＬＯＡＮ", "Latin script"),
        ("12.000 €!", ""),
        ("", ""),
    ],
)
def test_the_language_follows_from_the_script(text: str, language: str) -> None:
    assert language_of(text) == language


@given(st.text())
def test_any_text_has_a_language_if_it_has_letters(text: str) -> None:
    assert bool(language_of(text)) == any(script_of(letter) for letter in text)
    assert has_spaceless(text) == (count_spaceless(text) > 0)


@pytest.mark.parametrize(
    ("letter", "script"),
    [
        ("贷", "Han"),
        ("々", "Han"),
        ("の", "Kana"),
        ("ー", "Kana"),
        ("ｶ", "Kana"),
        ("é", "Latin"),
        ("빚", "Hangul"),
        ("1", ""),
    ],
)
def test_scripts_of_letters(letter: str, script: str) -> None:
    assert script_of(letter) == script
