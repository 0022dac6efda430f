"""Columns that narratives state: computed wherever rows are read, and again where a sentence is cut."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.statements import KINDS, Of, Wanted
from features.facts.fact import Fact, FactKind
from features.tables.applications import Applications
from features.tables.dataframe import read_frame
from features.tables.header import compare_header
from features.tables.reader import ReadOptions, read_all
from features.tables.stated import Statement, combined, shares, statements, with_facts_again
from tests.support.statements import application, simple_facts, stating_schema

SCHEMA = stating_schema()
STATED = [one.name for one in SCHEMA.facts]


@pytest.fixture(autouse=True)
def _simple_facts() -> Iterator[None]:
    with simple_facts():
        yield


def rows(*texts: str) -> Applications:
    given = [application(application_id=f"A-{at}", statement=text) for at, text in enumerate(texts)]
    return read_frame(given, SCHEMA).applications


def cells(applications: Applications, row: int = 0) -> list[object]:
    return [None if cell != cell else cell for cell in applications.frame[STATED].iloc[row]]


def test_columns_hold_what_the_narrative_states_in_the_unit_of_the_contract() -> None:
    found = rows("I earn 4,000 a month. With 5 years at work I pay a rent of 800 a month, and want it for school.")
    assert cells(found) == [48_000.0, 1.0, 800.0, "school", 1.0]


def test_nothing_stated_is_missing_and_counts_are_0_where_something_is_written() -> None:
    found = rows("Hello.", "")
    assert cells(found, 0) == [None, 0.0, None, "", 0.0]
    assert cells(found, 1) == [None, None, None, "", None]


def test_of_several_statements_the_contract_says_which_counts() -> None:
    found = rows("I earn 4,000 a month and earn 50,000 a year. A rent of 900 a month, or a rent of 700 a month.")
    assert cells(found)[:3] == [50_000.0, 2.0, 700.0]


def test_files_and_frames_state_the_same_and_a_column_of_that_name_is_not_read(tmp_path: Path) -> None:
    given = application(statement="I earn 4,000 a month.", stated_income=1)
    path = tmp_path / "new.csv"
    pd.DataFrame([given]).to_csv(path, index=False)
    read = read_all(path, SCHEMA, ReadOptions()).applications
    framed = read_frame(given, SCHEMA).applications
    pd.testing.assert_frame_equal(read.frame[STATED], framed.frame[STATED])
    assert cells(read)[0] == 48_000.0
    assert compare_header(list(given), SCHEMA).extra == ("stated_income",)


def test_where_a_narrative_changes_what_it_states_changes_and_other_rows_stay() -> None:
    before = rows("I earn 4,000 a month.", "I earn 5,000 a month.")
    marked = before.frame.assign(stated_income=[1.0, 2.0])  # so that a row computed again is seen
    before = Applications(SCHEMA, marked, before.row_number)
    frame = before.frame.assign(statement=pd.Series(["I earn 4,000 a month.", "Hello."], dtype=object))
    after = with_facts_again(Applications(SCHEMA, frame, before.row_number), before)
    np.testing.assert_equal(after.frame["stated_income"].to_numpy(), [1.0, np.nan])
    assert after.frame["stated_incomes"].tolist() == [1.0, 0.0]


def test_the_kinds_of_a_contract_are_those_that_are_found() -> None:
    assert set(KINDS) == {kind.value for kind in FactKind}


def fact(kind: FactKind, value: float | None = 1.0, **others: object) -> Fact:
    return Fact(kind, 0, 1, (0, 1), value, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stated", "wanted", "value"),
    [
        (fact(FactKind.INCOME, 1000.0, per="month"), Wanted("t", "income", "USD", "year"), 12_000.0),
        (fact(FactKind.INCOME, 52_000.0, unit="USD", per="year"), Wanted("t", "income", "USD", "week"), 1000.0),
        (fact(FactKind.INCOME, 1000.0, unit="EUR", per="month"), Wanted("t", "income", "USD", "year"), None),
        (fact(FactKind.INCOME, 1000.0), Wanted("t", "income", "USD", "year"), None),
        (fact(FactKind.INCOME, None, per="month"), Wanted("t", "income", "USD", "year"), None),
        (fact(FactKind.INCOME, 1.0, per="year", confidence=0.4), Wanted("t", "income", "USD", "year"), None),
        (fact(FactKind.INCOME, 9.0, text="net", per="year"), Wanted("t", "income", per="year", basis="gross"), None),
        (fact(FactKind.INCOME, 9.0, per="year"), Wanted("t", "income", per="year", basis="gross"), 9.0),
        (fact(FactKind.AMOUNT, 500.0), Wanted("t", "amount", "USD"), 500.0),
        (fact(FactKind.AMOUNT, 500.0, per="month"), Wanted("t", "amount", "USD"), None),
        (fact(FactKind.AMOUNT, 500.0, unit="EUR"), Wanted("t", "amount"), 500.0),
        (fact(FactKind.TENURE, 18.0, unit="month"), Wanted("t", "tenure", "years"), 1.5),
        (fact(FactKind.DURATION, 14.0, unit="day"), Wanted("t", "duration", "weeks"), 2.0),
        (fact(FactKind.RATE, 5.0, unit="percent", per="year"), Wanted("t", "rate", "fraction"), 0.05),
        (fact(FactKind.CARD_COUNT, 3.0), Wanted("t", "card_count"), 3.0),
        (fact(FactKind.CARD_COUNT, 3.0), Wanted("t", "debt_count"), None),
        (fact(FactKind.PURPOSE, None, text="school"), Wanted("t", "purpose"), "school"),
    ],
)
def test_statements_are_converted_or_do_not_count(stated: Fact, wanted: Wanted, value: float | str | None) -> None:
    found = statements([stated], wanted)
    assert [one.value for one in found] == ([] if value is None else [pytest.approx(value)])


numbers = st.lists(st.floats(-1e6, 1e6), max_size=6)


@given(numbers, st.sampled_from(Of))
def test_the_shares_of_statements_in_a_value_sum_to_1(values: list[float], of: Of) -> None:
    found = [Statement(fact(FactKind.AMOUNT), value) for value in values]
    parts = shares(found, of)
    assert len(parts) == len(values)
    assert all(part >= 0 for part in parts)
    assert math.fsum(parts) == pytest.approx(1.0 if values else 0.0)
    if values and of in (Of.MAX, Of.MIN, Of.FIRST, Of.LAST):
        assert combined(found, of) == values[parts.index(1.0)]
