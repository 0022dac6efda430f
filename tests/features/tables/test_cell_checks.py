"""Cell checks: the first broken rule of a row, with a message that says the remedy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.contract import Schema
from data_schemas.fields import Field, FieldType, Role
from features.tables.cell_checks import Breach, check


def schema_of(*fields: Field) -> Schema:
    return Schema("one", "one", fields, (), (), (), (), (), (), "", "")


def one(kind: FieldType, **rules: object) -> Field:
    return replace(Field("x", kind, Role.FEATURE, "x"), **rules)  # type: ignore[arg-type]


def check_cells(field: Field, *cells: str | None) -> tuple[list[object], list[Breach]]:
    columns, breaches, *_ = check({"x": pa.array(cells, pa.string())}, schema_of(field))
    return columns["x"].tolist(), breaches


@pytest.mark.parametrize(
    ("field", "cell", "rule", "message"),
    [
        (one(FieldType.NUMBER), "1,234", "type", "without thousands separators"),
        (one(FieldType.NUMBER), "1.234.567,8", "type", "without thousands separators"),
        (one(FieldType.NUMBER), "1e400", "type", "too large"),
        (one(FieldType.NUMBER), "1_000", "type", "not a number"),
        (one(FieldType.NUMBER), "0x10", "type", "not a number"),
        (one(FieldType.NUMBER), "١", "type", "not a number"),
        (one(FieldType.NUMBER), "-inf", "type", "not a number"),
        (one(FieldType.INTEGER), "1.5", "type", "not a whole number"),
        (one(FieldType.BOOLEAN), "yes", "type", "not true or false"),
        (one(FieldType.DATE), "2023-02-29", "type", "not a date of the form %Y-%m-%d"),
        (one(FieldType.DATE, date_format="%d/%m/%Y"), "2023-02-28", "type", "as 31/12/2024"),
        (one(FieldType.DATE, minimum=1.0), "1970-01-01", "minimum", "below the minimum 1970-01-02"),
        (one(FieldType.NUMBER, minimum=1.0), "0.5", "minimum", "below the minimum 1"),
        (one(FieldType.NUMBER, maximum=2e6), "3e6", "maximum", "above the maximum 2e\\+06"),
        (one(FieldType.STRING, allowed=("a", "b")), "c", "enum", "not one of 'a', 'b'"),
        (one(FieldType.STRING, pattern="[a-z]+"), "abc1", "pattern", "does not have the form"),
        (one(FieldType.STRING, max_length=3), "汉汉汉汉", "maxLength", "has 4 characters"),
        (one(FieldType.STRING, required=True), " ", "required", "the cell is empty"),
        (one(FieldType.STRING, required=True, missing_values=("", "n/a")), "n/a", "required", "the cell is empty"),
    ],
)
def test_broken_rules(field: Field, cell: str, rule: str, message: str) -> None:
    _, breaches = check_cells(field, cell)
    assert [(breach.position, breach.column, breach.rule) for breach in breaches] == [(0, "x", rule)]
    with pytest.raises(ValueError, match=message):
        raise ValueError(breaches[0].message)


def test_the_last_day_allowed_is_allowed_to_its_end() -> None:
    field = one(FieldType.DATE, date_format="%Y-%m-%d %H:%M", maximum=0.0)
    _, breaches = check_cells(field, "1969-12-31 00:00", "1970-01-01 23:59", "1970-01-02 00:00")
    assert [(breach.position, breach.rule) for breach in breaches] == [(2, "maximum")]


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        (FieldType.NUMBER, "+5", 5.0),
        (FieldType.NUMBER, " 5. ", 5.0),
        (FieldType.NUMBER, ".5e1", 5.0),
        (FieldType.NUMBER, "1e-400", 0.0),
        (FieldType.INTEGER, "36.0", 36.0),
        (FieldType.BOOLEAN, "TRUE", 1.0),
        (FieldType.BOOLEAN, "0", 0.0),
        (FieldType.STRING, " a b ", "a b"),
    ],
)
@pytest.mark.parametrize("beside", ["5", "?"])  # a bad neighbour must not change how a cell is read
def test_sound_cells(kind: FieldType, cell: str, value: object, beside: str) -> None:
    values, breaches = check_cells(one(kind), cell, beside)
    assert values[0] == value
    assert 0 not in {breach.position for breach in breaches}


def test_missing_cells_break_no_rule() -> None:
    values, breaches = check_cells(one(FieldType.NUMBER, minimum=0.0, maximum=1.0), "", None, "  ")
    assert breaches == []
    assert np.isnan(np.array(values, dtype=np.float64)).all()


def test_the_first_broken_rule_of_the_first_column_counts() -> None:
    fields = [replace(one(FieldType.NUMBER, minimum=0.0), name=name) for name in ("a", "b")]
    cells = {"a": pa.array(["1", "-1", "-1"]), "b": pa.array(["x", "x", "1"])}
    _, breaches, *_ = check(cells, schema_of(*fields))
    assert [(breach.column, breach.rule) for breach in breaches] == [("b", "type"), ("a", "minimum"), ("a", "minimum")]


def test_no_rows() -> None:
    cells: Mapping[str, pa.Array] = {"x": pa.array([], pa.string())}
    for kind in FieldType:
        columns, breaches, *_ = check(cells, schema_of(one(kind)))
        assert (len(columns["x"]), breaches) == (0, [])


@given(cells=st.lists(st.text("0123456789.eE+-_, infNaN", max_size=8) | st.floats().map(repr), min_size=1))
def test_a_number_is_read_as_python_reads_it_whatever_stands_beside(cells: list[str]) -> None:
    together, breaches = check_cells(one(FieldType.NUMBER), *cells)
    broken = {breach.position for breach in breaches}
    for i, cell in enumerate(cells):
        alone, alone_broken = check_cells(one(FieldType.NUMBER), cell)
        assert bool(alone_broken) == (i in broken)
        np.testing.assert_equal(together[i], alone[0])
        if not alone_broken and cell.strip():
            assert alone[0] == float(cell)
            assert math.isfinite(float(cell))
