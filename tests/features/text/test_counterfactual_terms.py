"""Exchange of words in narratives: what it makes of sentences, and what it leaves alone."""

from __future__ import annotations

import json
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.text.counterfactual_terms import KINDS, SwapKind, swap

WORDS = json.loads((resources.files("data_schemas") / "english.term_swaps.json").read_text(encoding="utf-8"))
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
    words = {word for pair in WORDS[kind]["pairs"] + WORDS[kind]["one_way"] for word in pair} | set(HARD.get(kind, []))
    if not any(word in text.lower() for word in words):
        assert swap(text, kind) == text


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_stands_in_two_pairs(kind: SwapKind) -> None:
    words = both_ways(kind) + [word for word, _ in WORDS[kind]["one_way"]]
    assert len(words) == len(set(words))
    assert all(word == word.lower() for word in words)


def test_shorter_words_within_longer_ones_stay() -> None:
    text = "The sheriff, a manager, other heroes, he_1, Johnson"
    for kind in KINDS:
        assert swap(text, kind) == text


def test_long_text() -> None:
    text = "her " * 200_000
    assert len(swap(text, "gender")) == len(text)
