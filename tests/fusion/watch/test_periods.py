from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.watch.periods import UNDATED, PeriodKind, last_day, period_names, rows_by_period

DAYS = st.dates(date(1, 1, 8), date(9999, 12, 1))
KINDS = st.sampled_from(["day", "week", "month"])


def names(kind: PeriodKind, *days: str) -> list[str]:
    return period_names(np.array(days, dtype="datetime64[s]"), kind)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("day", ["2026-11-28", "2027-01-01", UNDATED]),
        ("week", ["2026-W48", "2026-W53", UNDATED]),
        ("month", ["2026-11", "2027-01", UNDATED]),
    ],
)
def test_a_row_belongs_to_the_day_iso_week_or_month_of_its_decision(kind: PeriodKind, expected: list[str]) -> None:
    assert names(kind, "2026-11-28T23:59:59", "2027-01-01", "NaT") == expected


@given(DAYS, DAYS, KINDS)
def test_names_rise_with_time(one: date, other: date, kind: PeriodKind) -> None:
    first, last = names(kind, *map(str, sorted([one, other])))
    assert first <= last


@given(DAYS, KINDS)
def test_the_last_day_of_a_period_is_the_last_with_its_name(day: date, kind: PeriodKind) -> None:
    (name,) = names(kind, str(day))
    last = last_day(name)
    assert last is not None
    assert day <= last
    assert names(kind, str(last), str(last + timedelta(days=1)))[0] == name
    assert names(kind, str(last + timedelta(days=1))) != [name]


def test_a_file_and_the_undated_have_no_last_day() -> None:
    assert last_day("monday.csv") is None
    assert last_day("Week-W.csv") is None
    assert last_day(UNDATED) is None


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
def test_every_row_is_in_one_period_in_its_order(periods: list[str]) -> None:
    found = list(rows_by_period(periods))
    assert [name for name, _ in found] == sorted(set(periods))
    for name, rows in found:
        assert rows.tolist() == [at for at, own in enumerate(periods) if own == name]
