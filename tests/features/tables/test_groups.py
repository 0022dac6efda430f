from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.contract import Schema
from data_schemas.fields import Field, FieldType, Role
from data_schemas.messages import SchemaWord
from features.tables.applications import Applications
from features.tables.groups import MAX_GROUPS, MAX_LEVELS, MIN_ROWS, Groups, groups_of
from tests.support.small import small_schema


def column(kind: FieldType, cells: list[Any], unit: str = "") -> Groups:
    """The groups of a protected column of one type with these cells, None = missing."""
    field = Field("trait", kind, Role.PROTECTED, "Trait", unit=unit)
    base = small_schema()
    fields = (base.id, field)
    schema = Schema(base.name, base.title, fields, (), (), (), (), base.strip, base.concepts, base.digest, base.source)
    if field.is_numeric:
        values = pd.Series(cells, dtype="float64")
    elif kind is FieldType.DATE:
        values = pd.Series(pd.to_datetime(cells)).astype("datetime64[s]")
    else:
        values = pd.Series(["" if cell is None else cell for cell in cells], dtype=object)
    ids = pd.Series([str(n) for n in range(len(cells))], dtype=object)
    frame = pd.DataFrame({base.id.name: ids, "trait": values})
    return groups_of(Applications(schema, frame, np.arange(1, len(cells) + 1)), field)


def shown(groups: Groups) -> list[str]:
    """The names of groups in English."""
    return list(map(str, groups.labels))


def test_texts_are_groups_and_blanks_are_none() -> None:
    found = column(FieldType.STRING, ["m", None, "f", "m"])
    assert (found.labels, found.code.tolist(), found.how) == ((SchemaWord("f"), SchemaWord("m")), [1, -1, 0, 1], None)
    assert found.sizes == [1, 2]


def test_few_numbers_are_groups() -> None:
    found = column(FieldType.INTEGER, [2, 1, None, 2])
    assert (shown(found), found.code.tolist(), found.how) == (["1", "2"], [1, 0, -1, 1], None)


def test_yes_and_no() -> None:
    assert shown(column(FieldType.BOOLEAN, [1, 0, None])) == ["no", "yes"]


def test_many_numbers_are_halved() -> None:
    found = column(FieldType.NUMBER, [*range(20, 20 + 2 * MAX_LEVELS), None], "years")
    assert shown(found) == ["up to 29 years", "above 29 years"]
    assert str(found.how) == "split at the median, 29 years"
    assert found.sizes == [MAX_LEVELS, MAX_LEVELS]
    assert found.code[-1] == -1


def test_a_median_that_is_the_largest_value() -> None:
    found = column(FieldType.NUMBER, [*range(MAX_LEVELS), *[99] * 30])
    assert shown(found) == ["below 99", "99 and above"]
    assert found.sizes == [MAX_LEVELS, 30]


def test_dates_are_halved() -> None:
    found = column(FieldType.DATE, ["1960-01-01", "1970-01-01", None, "1980-01-01", "1990-05-05"])
    assert shown(found) == ["up to 1970-01-01", "above 1970-01-01"]
    assert found.code.tolist() == [0, 0, -1, 1, 1]


@pytest.mark.parametrize("kind", [FieldType.STRING, FieldType.NUMBER, FieldType.DATE])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_no_value_at_all(kind: FieldType, n: int) -> None:
    found = column(kind, [None] * n)
    assert (found.labels, found.code.tolist()) == ((), [-1] * n)
    assert str(found.too_few) == "no row has a value"


def test_small_groups_are_no_levels() -> None:
    found = column(FieldType.STRING, ["a"] * MIN_ROWS + ["b"] * (MIN_ROWS - 1) + ["c"] * MIN_ROWS + [None])
    assert found.large == [0, 2]
    assert set(found.levels()[:MIN_ROWS].tolist()) == {0}
    assert set(found.levels()[MIN_ROWS : 2 * MIN_ROWS - 1].tolist()) == {-1}
    assert found.levels()[-2:].tolist() == [1, -1]
    assert found.too_few is None


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["a"] * 49 + ["b"] * 49, "no group has 50 rows"),
        (["a"] * 50 + ["b"] * 49, "only one group has 50 rows or more"),
        ([f"{n % (MAX_GROUPS + 1):02}" for n in range(50 * (MAX_GROUPS + 1))], "21 groups .* more than 20"),
    ],
)
def test_why_groups_cannot_be_compared(cells: list[str], why: str) -> None:
    assert pd.Series([column(FieldType.STRING, cells).too_few]).str.fullmatch(why + ".*").all()
