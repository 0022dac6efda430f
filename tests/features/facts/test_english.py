from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.facts.english.passage import fold
from features.facts.fact import Fact, FactKind
from features.facts.find import find_facts

TODAY = date(2021, 9, 15)


def of_kind(text: str, kind: FactKind, today: date | None = None) -> list[Fact]:
    return [fact for fact in find_facts(text, today=today) if fact.kind == kind]


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("It costs $5,000.", 5000, "USD"),
        ("It costs five thousand dollars.", 5000, "USD"),
        ("It costs £300.", 300, "GBP"),
        ("It costs 5.000 EUR.", 5000, "EUR"),
        ("It costs € 1.200,50.", 1200.5, "EUR"),
        ("It costs $1.2 million.", 1_200_000, "USD"),
        ("It costs two hundred and fifty thousand dollars.", 250_000, "USD"),
        ("I owe 5k to a friend.", 5000, ""),
        ("It costs ₹1,00,000.", 100_000, "INR"),
        ("It costs $５００.", 500, "USD"),  # full-width digits
        ("It costs $٥٠٠.", 500, "USD"),  # Arabic-Indic digits
        ("It costs $4\u202f700.", 4700, "USD"),  # a narrow space between thousands
    ],
)
def test_sums_are_read_in_many_notations(text: str, value: float, unit: str) -> None:
    (fact,) = of_kind(text, FactKind.AMOUNT)
    assert (fact.value, fact.unit) == (value, unit)


@pytest.mark.parametrize("dash", ["-", "–", "—", " to "])
def test_a_range_has_a_middle_and_a_spread(dash: str) -> None:
    (fact,) = of_kind(f"It costs $400{dash}$500.", FactKind.AMOUNT)
    assert (fact.value, fact.spread) == (450, 50)


@pytest.mark.parametrize(
    "text",
    [
        "I would like to earn $6,000 a month.",
        "I do not earn $6,000 a month.",
        "If I earned $6,000 a month I would not ask.",
        "My husband earns $6,000 a month.",
        "My wife's salary is $6,000 a month.",
        "I used to make $6,000 a month.",
        'He said "I earn $6,000 a month" and left.',
        "Our combined income is $6,000 a month.",
    ],
)
def test_what_is_wished_denied_past_or_earned_by_others_is_no_income(text: str) -> None:
    assert [fact.kind for fact in find_facts(text) if fact.value == 6000] == [FactKind.AMOUNT]


@pytest.mark.parametrize(
    ("text", "yearly"),
    [
        ("I earn $5,000 a month.", 60_000),
        ("My annual income is $52,000.", 52_000),
        ("I make $20/hr.", 41_600),
        ("I get paid $1,000 every two weeks.", 26_000),
    ],
)
def test_incomes_are_counted_by_the_year(text: str, yearly: float) -> None:
    (fact,) = of_kind(text, FactKind.INCOME)
    assert fact.yearly == yearly


def test_the_sentence_that_says_it_goes_with_a_fact() -> None:
    text = "Hello there. I pay $900 a month in rent. Thanks."
    (fact,) = find_facts(text)
    assert fact.kind == FactKind.RENT
    assert text[fact.start : fact.end] == "$900 a month"
    assert text[slice(*fact.sentence)] == "I pay $900 a month in rent."


def test_relative_times_have_a_value_on_a_known_day_alone() -> None:
    text = "I moved last June and have worked here since 2019."
    assert [fact.value for fact in find_facts(text)] == [None, None]
    moved, tenure = find_facts(text, today=TODAY)
    assert (moved.text, moved.value) == ("2021-06", 18779)
    assert (tenure.kind, tenure.text, tenure.value, tenure.unit) == (FactKind.TENURE, "2019", 32.5, "month")


@pytest.mark.parametrize(
    "text",
    [
        "I am 34 years old.",
        "Call 555-123-4567.",
        "I am 110% committed.",
        "My 401k is fine and my score is 720.",
        "I work 40 hours a week.",
        "Loan 5482910, 4500 Main Street.",
    ],
)
def test_other_numbers_are_no_facts(text: str) -> None:
    assert find_facts(text) == ()


HOSTILE = {
    "digits": "1",
    "groups": "1,",
    "points": "1.1-",
    "parentheses": "(",
    "and": "five and ",
    "dollars": "$",
    "sums": "$5 and ",
    "spaces": " ",
    "at": "work at ",
    "as": "i work as a ",
    "capitals": "B ",
    "months": "march may ",
    "years": "2 years and ",
    "purposes": "pay off my ",
    "quotes": '"',
    "cards": "5 credit store ",
    "slashes": "1/1/",
    "rupees": "rs. ",
    "controls": "\x00\ud800",
}
N_CHARACTERS = 20_000  # a rule that went back and forth over all of them would take minutes


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_read_to_its_end(name: str) -> None:
    text = f"I work at {HOSTILE[name] * (N_CHARACTERS // len(HOSTILE[name]))} I owe $77. It costs $88."
    assert [fact.value for fact in of_kind(text, FactKind.AMOUNT)][-1] == 88


TEXTS = st.lists(st.sampled_from([*"$£5 0,.-%k/'\"\n()aI", "work as a ", "two ", "years ", "card", "é", "５"]))


@given(TEXTS.map("".join))
def test_facts_lie_in_their_sentences_in_order(text: str) -> None:
    facts = find_facts(text, today=TODAY)
    for fact in facts:
        assert fact.sentence[0] <= fact.start < fact.end <= fact.sentence[1] <= len(text)
    assert all(first.start <= second.start for first, second in pairwise(facts))


@given(st.text())
def test_folding_keeps_places(text: str) -> None:
    assert len(fold(text)) == len(text)
