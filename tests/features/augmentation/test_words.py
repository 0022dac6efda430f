"""Which words may be replaced, and what a variant has to keep."""

from __future__ import annotations

import pytest

from data_schemas.reader import load_schema
from features.augmentation.words import NEGATIONS, NUMBERS, STOP_WORDS, Protection, n_wanted, protected_terms


def replaceable(text: str, *terms: str) -> list[str]:
    return [text[a:b] for a, b in Protection(terms).replaceable(text)]


def test_words_between_white_space_and_punctuation_are_replaceable() -> None:
    assert replaceable('my "steady" job (nights), really: good money!') == ["steady", "job", "nights", "good", "money"]


@pytest.mark.parametrize(
    "kept",
    [
        "5000",
        "$5,000.50",
        "2nd",
        "5k",
        "1.5%",
        "m²",
        "½",
        "12/2009",
        "two",
        "twelve",
        "thousand",
        "first",
        "january",
        "dollars",
    ],
)
def test_numbers_amounts_and_dates_are_not(kept: str) -> None:
    assert replaceable(f"pay {kept} soon after") == ["pay"]


@pytest.mark.parametrize("kept", ["not", "never", "no", "without", "don't", "won’t", "cannot", "dont", "neither"])
def test_negations_are_not(kept: str) -> None:
    assert replaceable(f"i do {kept} owe") == ["owe"]


@pytest.mark.parametrize("kept", ["e-mail", "www.bank.com", "me@home", "and/or", "covid19", "ex-wife", "snake_case"])
def test_what_holds_more_than_letters_is_not(kept: str) -> None:
    assert replaceable(f"pay {kept} soon") == ["pay"]


def test_words_with_a_capital_are_names_but_in_a_text_of_capitals() -> None:
    assert replaceable("Please help John pay the IRS") == ["help", "pay"]
    assert replaceable("HELP ME PAY DEBT") == ["HELP", "PAY", "DEBT"]


def test_scripts_without_spaces_have_no_replaceable_word() -> None:
    assert replaceable("我需要贷款 ローン debt") == ["debt"]


def test_other_alphabets_have() -> None:
    assert replaceable("мне нужен кредит") == ["мне", "нужен", "кредит"]


def test_protected_words_phrases_and_beginnings_stay() -> None:
    text = "medical bills and one bill of my daughters, a debt"
    assert replaceable(text, "medical bill*", "daughter*", "debt") == ["bill"]


def test_no_word_is_replaced_by_a_protected_one() -> None:
    protection = Protection(("wife", "daughter*"))
    for word in ("wife", "daughters", "not", "seven", "the", "x"):
        assert not protection.may_change(word)
    assert protection.may_change("debt")


def test_the_lists_are_of_single_lower_case_words() -> None:
    for word in STOP_WORDS | NEGATIONS | NUMBERS:
        assert word.isalpha()
        assert word == word.lower()


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("I owe 5,000 dollars", "My debt is 5,000 dollars", True),
        ("I owe 5,000 dollars", "My debt is 5.000 dollars", False),
        ("I owe two cards", "I owe 2 cards", False),
        ("I do not owe", "I don't owe", True),
        ("I do not owe", "I owe", False),
        ("I never owe without need", "I don't owe", False),
        ("my wife works", "my woman works", False),
        ("my wife's job", "the job of my wife", True),
        ("he met Tom there", "he met him there", False),
        ("Debt is bad", "Bad is debt", True),
        ("medical  bills", "medical bills", True),
        ("medical bills", "doctors' bills", False),
    ],
)
def test_numbers_negations_names_and_protected_words_are_kept(before: str, after: str, kept: bool) -> None:
    assert Protection(("wife", "medical bill*")).keeps(before, after) == kept


def test_a_schema_protects_its_sensitive_words_and_those_of_persons() -> None:
    terms = protected_terms(load_schema("demo"), ["ACME Corp"])
    assert {"medical bill*", "wife", "husband", "daughter", "married", "acme corp"} <= set(terms)
    assert "Family" not in "".join(terms)
    assert replaceable("my pregnancy, my church and my debt", *terms) == ["debt"]


@pytest.mark.parametrize(("n", "rate", "wanted"), [(3, 0.1, 1), (40, 0.1, 4), (10, 1.0, 10), (0, 0.5, 1)])
def test_at_least_one_word_is_wanted(n: int, rate: float, wanted: int) -> None:
    assert n_wanted(n, rate) == wanted
