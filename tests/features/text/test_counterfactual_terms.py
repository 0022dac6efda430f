"""Exchange of words in narratives: what it makes of sentences, and what it leaves alone."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.text.counterfactual_terms import KINDS, SwapKind, swap


def listed(language: str) -> Any:
    text = (resources.files("data_schemas") / f"{language}.term_swaps.json").read_text(encoding="utf-8")
    return json.loads(text)


WORDS, CHINESE = listed("english"), listed("chinese")
PLAIN = ["car", "loan", "to", "and", "pay", "the", "a", ",", ".", "single", "am", "I", "2012", "credit-card", "it's"]
HARD = {"gender": ["her", "his", "him", "hers"], "family": ["married", "divorced", "widowed", "single", "am"]}


def both_ways(kind: SwapKind) -> list[str]:
    return [word for pair in WORDS[kind]["pairs"] for word in pair]


def texts(words: list[str]) -> st.SearchStrategy[str]:
    cased = st.sampled_from(words).flatmap(lambda word: st.sampled_from([word, word.upper(), word.capitalize()]))
    return st.lists(cased, max_size=20).map(" ".join)


@pytest.mark.parametrize(
    ("kind", "text", "swapped"),
    [
        ("gender", "She pays her bills.", "He pays his bills."),
        ("gender", "I owe her, and him too.", "I owe him, and her too."),
        ("gender", "We gave it to her for school", "We gave it to him for school"),
        ("gender", "the car is his.", "the car is hers."),
        ("gender", "HIS WIFE IS MRS. DOE", "HER HUSBAND IS MR. DOE"),
        ("gender", "my mother-in-law's house, my ex-husband", "my father-in-law's house, my ex-wife"),
        ("gender", "he'll say he’s the man", "she'll say she’s the woman"),
        ("gender", "Ms. Roe", "Mr. Roe"),
        ("family", "I am single with two kids", "I am married with two kids"),
        ("family", "I'm married. A single mother", "I'm single. A married mother"),
        ("family", "one single payment for a single-family house", "one single payment for a single-family house"),
        ("family", "We got married in May", "We got divorced in May"),
        ("family", "I was widowed; since my divorce", "I was divorced; since my marriage"),
        ("family", "My wife's job", "My girlfriend's job"),
        ("origin", "A Mexican at the Mosque", "A Canadian at the Church"),
        ("gender", "我妻子和女儿，他的其他子女", "我丈夫和儿子，她的其他子女"),
        ("gender", "性别女，爸妈在老家；她哥哥的男朋友", "性别男，爸妈在老家；他姐姐的女朋友"),
        ("family", "我已婚，去年结婚，和老婆住", "我未婚，去年离婚，和女友住"),
        ("names", "我叫王志强，朋友买买提", "我叫王丽娟，朋友建华"),
        ("origin", "河南农村户口，回族，去清真寺", "上海城市户口，满族，去教堂"),
        ("gender", "他 said his wife pays", "她 said her husband pays"),
        ("names", "Emily and MARY, and lakisha's", "Aisha and JAMES, and allison's"),
        ("names", "Will Mark bill Grace at Chase? Hope so", "Will Mark bill Grace at Chase? Hope so"),
    ],
)
def test_sentences(kind: SwapKind, text: str, swapped: str) -> None:
    assert swap(text, kind) == swapped


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_twice_gives_the_text_back(kind: SwapKind, data: st.DataObject) -> None:
    # "her" and "hers" stand for themselves only where grammar has them, see the next test
    text = data.draw(texts(both_ways(kind) + [word for word in PLAIN if kind != "family" or word != "single"]))
    assert swap(swap(text, kind), kind) == text


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_words_with_context_settle(kind: SwapKind, data: st.DataObject) -> None:
    text = data.draw(texts(both_ways(kind) + PLAIN + HARD.get(kind, [])))
    once = swap(text, kind)
    again = swap(swap(once, kind), kind)
    assert again == once


@pytest.mark.parametrize("kind", KINDS)
@given(text=st.text())
def test_texts_without_such_words_stay(kind: SwapKind, text: str) -> None:
    pairs = [pair for own in (WORDS, CHINESE) for pair in own[kind]["pairs"] + own[kind]["one_way"]]
    words = {word for pair in pairs for word in pair} | set(HARD.get(kind, []))
    if not any(word in text.lower() for word in words):
        assert swap(text, kind) == text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", [WORDS, CHINESE], ids=["english", "chinese"])
def test_no_word_stands_in_two_pairs(kind: SwapKind, language: Any) -> None:
    words = [word for pair in language[kind]["pairs"] for word in pair]
    words += [word for word, _ in language[kind]["one_way"]] + language[kind].get("kept", [])
    assert len(words) == len(set(words))
    assert all(word == word.lower() for word in words)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_chinese_twice_gives_the_text_back(kind: SwapKind, data: st.DataObject) -> None:
    words = [word for pair in CHINESE[kind]["pairs"] for word in pair] + CHINESE[kind]["kept"]
    text = "，".join(data.draw(st.lists(st.sampled_from(words))))
    assert swap(swap(text, kind), kind) == text


def test_shorter_words_within_longer_ones_stay() -> None:
    text = "The sheriff, a manager, other heroes, he_1, Johnson"
    for kind in KINDS:
        assert swap(text, kind) == text


def test_long_text() -> None:
    text = "her " * 200_000
    assert len(swap(text, "gender")) == len(text)
