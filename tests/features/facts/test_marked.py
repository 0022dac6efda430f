"""How well the English rules find what is marked by hand; ``docs/facts.md`` has the measured figures."""

import pytest

from experiments.benchmarks.facts.marking import Agreement, agreement, marked, read_marked, total
from features.facts.fact import Fact, FactKind
from features.facts.find import find_facts

FLOORS = {
    FactKind.AMOUNT: 0.85,
    FactKind.INCOME: 0.90,
    FactKind.RENT: 0.85,
    FactKind.RATE: 0.90,
    FactKind.DURATION: 0.90,
    FactKind.TENURE: 0.90,
    FactKind.DATE: 0.90,
    FactKind.DEBT_COUNT: 0.90,
    FactKind.CARD_COUNT: 0.90,
    FactKind.EMPLOYER: 0.70,
    FactKind.JOB: 0.90,
    FactKind.PURPOSE: 0.80,
}


@pytest.fixture(scope="module")
def held_out() -> dict[FactKind, Agreement]:
    return total(agreement(one.facts, find_facts(one.text)) for one in read_marked()[1::2])


@pytest.mark.parametrize("kind", FactKind)
def test_facts_are_found_where_they_are_marked(held_out: dict[FactKind, Agreement], kind: FactKind) -> None:
    assert held_out[kind].f1 >= FLOORS[kind]


def test_a_mark_gives_the_fact_and_its_place() -> None:
    one = marked("I earn {income 5000 USD month net|$5,000 a month}.")
    assert one.text == "I earn $5,000 a month."
    place = (7, 21)
    assert one.facts == (Fact(FactKind.INCOME, *place, place, 5000.0, text="net", unit="USD", per="month"),)


def test_a_mark_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        marked("I earn {income 5000}.")
