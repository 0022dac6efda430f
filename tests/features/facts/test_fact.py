import pytest

from features.facts.fact import Fact, FactKind
from features.facts.find import find_facts


def test_a_payment_is_counted_by_the_year() -> None:
    assert Fact(FactKind.INCOME, 0, 6, (0, 6), 5000.0, per="month").yearly == 60_000
    assert Fact(FactKind.INCOME, 0, 6, (0, 6), 20.0, per="hour").yearly == 41_600


def test_a_payment_without_a_period_has_no_yearly_value() -> None:
    assert Fact(FactKind.INCOME, 0, 6, (0, 6), 5000.0).yearly is None
    assert Fact(FactKind.DURATION, 0, 6, (0, 6)).yearly is None


def test_a_fact_needs_a_stretch_of_text() -> None:
    with pytest.raises(ValueError, match="needs a stretch"):
        Fact(FactKind.AMOUNT, 3, 3, (0, 6))


def test_a_period_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="per must be one of hour"):
        Fact(FactKind.AMOUNT, 0, 3, (0, 6), per="blue moon")


def test_a_confidence_is_a_share() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Fact(FactKind.AMOUNT, 0, 3, (0, 6), confidence=2.0)


def test_a_language_without_rules_gives_no_facts() -> None:
    assert find_facts("Ich zahle $500.", "de") == ()
    assert [fact.value for fact in find_facts("I pay $500.", "en")] == [500.0]
