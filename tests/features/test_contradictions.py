"""Where narratives contradict columns: both places are given, and what agrees or is not known contradicts nothing."""

from __future__ import annotations

import pytest

from features.contradictions import conflicts
from features.tables.dataframe import read_frame
from tests.support.statements import application, simple_facts, stating_schema

SCHEMA = stating_schema()


def found(**cells: object) -> list[tuple[str, float, float, str]]:
    """Name, column, statement and words of the contradictions of one application."""
    with simple_facts():
        (row,) = conflicts(read_frame(application(**cells), SCHEMA).applications)
    text = str(cells.get("statement", ""))
    return [
        (
            one.contradiction.name,
            one.given,
            one.statement.number,
            text[one.statement.fact.start : one.statement.fact.end],
        )
        for one in row
    ]


def test_a_statement_far_from_the_column_contradicts_it() -> None:
    text = "I earn 5,000 a month. I have 9 years at work."
    assert found(statement=text, annual_income=30_000, employment_years=2) == [
        ("income", 30_000.0, 60_000.0, "earn 5,000 a month"),
        ("tenure", 2.0, pytest.approx(9.0), "9 years at work"),
    ]


@pytest.mark.parametrize(
    "cells",
    [
        {},
        {"statement": "Hello."},
        {"statement": "I earn 5,000 a month.", "annual_income": None},
        {"statement": "I earn 2,000 a month."},  # 24,000 beside 30,000: within the tolerance
        {"statement": "I earn 900 a month, and earn 30,000 a year."},  # one of the two agrees
        {"statement": "I earn 1,250 a month, and she can earn 1,250 a month."},  # both together agree
        {"statement": "I earn 2,000-7,000 a month."},
    ],
)
def test_what_agrees_or_is_not_known_contradicts_nothing(cells: dict[str, object]) -> None:
    assert found(**cells) == []


def test_of_several_statements_the_nearest_is_given() -> None:
    (one,) = found(statement="I earn 9,000 a month, once earn 6,000 a month.")
    assert one[2:] == (72_000.0, "earn 6,000 a month")


def test_a_range_is_as_near_as_its_nearest_end() -> None:
    (one,) = found(statement="I earn 5,000-7,000 a month.", annual_income=30_000)
    assert one[2] == 72_000.0
    assert found(statement="I earn 5,000-7,000 a month.", annual_income=50_000) == []
