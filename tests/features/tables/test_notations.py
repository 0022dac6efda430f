"""Numbers and dates in every notation that a contract can name: what is written is read back equal."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.contract import Schema
from data_schemas.dates import LANGUAGES, NAMED, precision_of, read_date, write_date
from data_schemas.fields import Derived, DerivedKind, Field, FieldType, Role
from data_schemas.numbers import Negative, NumberNotation
from data_schemas.reader import parse_schema
from features.tables.cell_checks import check
from features.tables.dataframe import read_frame
from features.tables.dates import negative_spans
from features.tables.number_cells import read_numbers
from tests.features.tables.test_cell_checks import check_cells, one, schema_of

FORMS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%Y%m", "%Y", "%b-%Y", "%d %B %Y", "%d%b%Y", "%d-%b-%y",
    "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S.%f", "%d%b%Y:%H:%M:%S", "%Y年%m月%d日", "%Y年%m月", *NAMED,
)  # fmt: skip
MOMENTS = st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2068, 12, 31)).map(lambda day: day.replace(microsecond=0))
ROUNDED = {"day": "datetime64[D]", "month": "datetime64[M]", "year": "datetime64[Y]"}


@given(day=MOMENTS, form=st.sampled_from(FORMS), language=st.sampled_from(LANGUAGES))
def test_a_date_written_in_any_notation_is_read_back_equal(day: dt.datetime, form: str, language: str) -> None:
    again = read_date(write_date(day, form, language), form, language)
    rounded = ROUNDED[precision_of(form)]
    assert again is not None
    assert np.datetime64(again).astype(rounded) == np.datetime64(day).astype(rounded)


@pytest.mark.parametrize(
    ("cell", "form", "language", "day"),
    [
        ("2021-01-01T23:30:00+02:00", "iso", "en", "2021-01-01"),
        ("2021-01-01 00:30:00.123456-0800", "iso", "en", "2021-01-01"),
        ("2021-01-01", "iso", "en", "2021-01-01"),
        ("2021-01-01T10:00Z", "iso", "en", "2021-01-01"),
        ("2021-13-01", "iso", "en", None),
        ("41000", "excel", "en", "2012-04-01"),
        ("41000.75", "excel", "en", "2012-04-01"),
        ("18262", "sas", "en", "2009-12-31"),
        ("01JAN2006", "%d%b%Y", "en", "2006-01-01"),
        ("01JAN2006:00:00:00", "%d%b%Y:%H:%M:%S", "en", "2006-01-01"),
        ("1262304000", "unix", "en", "2010-01-01"),
        ("1262304000000", "unix_ms", "en", "2010-01-01"),
        ("201001", "%Y%m", "en", "2010-01-01"),
        ("201001.0", "%Y%m", "en", "2010-01-01"),
        ("20101", "%Y%m", "en", None),
        ("2010111", "%Y%m%d", "en", None),
        ("2020年3月1日", "%Y年%m月%d日", "en", "2020-03-01"),
        ("Sept-2012", "%b-%Y", "en", "2012-09-01"),
        ("December 2012", "%B %Y", "en", "2012-12-01"),
        ("3. März 2020", "%d. %B %Y", "de", "2020-03-03"),
        ("3. Dez. 2020", "%d. %b %Y", "de", "2020-12-03"),
        ("3 de marzo de 2020", "%d de %B de %Y", "es", "2020-03-03"),
        ("3 FEVRIER 2020", "%d %B %Y", "fr", "2020-02-03"),
        ("3 jui 2020", "%d %b %Y", "fr", None),
        ("03/mai/2020", "%d/%b/%Y", "pt", "2020-05-03"),
        ("99999999999", "excel", "en", None),
    ],
)
def test_dates_in_use(cell: str, form: str, language: str, day: str | None) -> None:
    found = read_date(cell, form, language)
    assert (found and str(found.date())) == day


NOTATIONS = st.builds(
    lambda marks, affixes, negative: NumberNotation(marks[0], marks[1], tuple(affixes), negative),
    st.sampled_from([(".", ""), (".", ","), (",", "."), (",", ""), (",", " "), (".", "'"), (",", "\u202f")]),
    st.sampled_from([[], ["%"], ["€"], ["months", "month"], ["+ years", "< ", "year"]]).map(
        lambda words: [word.strip() for word in words]
    ),
    st.sampled_from(Negative),
)


def written(value: float, notation: NumberNotation, affix: str, is_before: bool) -> str:
    text = f"{abs(value):,.4f}".rstrip("0").rstrip(".")
    text = text.translate({ord(","): notation.group, ord("."): notation.decimal})
    minus = "-" if value < 0 and notation.negative is Negative.MINUS else ""
    text = f"{minus}{affix} {text}" if is_before and affix else f"{minus}{text} {affix}".strip()
    if value < 0 and notation.negative is Negative.PARENTHESES:
        return f"({text})"
    return (
        f"{text}-" if value < 0 and notation.negative is Negative.TRAILING_MINUS and (is_before or not affix) else text
    )


@given(
    values=st.lists(st.integers(-(10**12), 10**12).map(lambda cents: cents / 1000), min_size=1),
    notation=NOTATIONS,
    is_before=st.booleans(),
    data=st.data(),
)
def test_a_number_written_in_any_notation_is_read_back_equal(
    values: list[float], notation: NumberNotation, is_before: bool, data: st.DataObject
) -> None:
    if notation.negative is Negative.TRAILING_MINUS and not is_before:
        values = [abs(value) for value in values]
    affix = data.draw(st.sampled_from(["", *notation.affixes]))
    cells = [written(value, notation, affix, is_before) for value in values]
    assert read_numbers(pa.array(cells), notation).tolist() == values


@pytest.mark.parametrize(
    ("notation", "cell"),
    [
        (NumberNotation(group=","), "1,5"),  # a decimal comma would become 15
        (NumberNotation(group=","), "1,23,4"),
        (NumberNotation(",", "."), "45.5"),
        (NumberNotation(",", "."), "1234.567"),
        (NumberNotation(affixes=("months",)), "3 years"),
        (NumberNotation(affixes=("months",)), "36 months 2"),
        (NumberNotation(affixes=("%",)), "10-12%"),
        (NumberNotation(negative=Negative.PARENTHESES), "(5"),
        (NumberNotation(negative=Negative.PARENTHESES), "(-5)"),
        (NumberNotation(group=","), "(5)"),
        (NumberNotation(), "5 %"),
        (NumberNotation(group=","), "5-"),
        (NumberNotation(affixes=("€",)), "--5"),
    ],
)
def test_a_cell_that_breaks_the_notation_is_no_number(notation: NumberNotation, cell: str) -> None:
    assert np.isnan(read_numbers(pa.array([cell]), notation)).all()
    _, breaches = check_cells(one(FieldType.NUMBER, number=notation), cell)
    assert [breach.rule for breach in breaches] == ["type"]


def test_numbers_in_use() -> None:
    affixes = ("months", "%", "$", "+ years", "<", "year", "years", "R$", "CHF", "Rs.")
    notation = NumberNotation(",", ".", affixes, Negative.PARENTHESES)
    cells = [
        "36 months",
        "13,65%",
        "$45.000",
        "10+ years",
        "< 1 year",
        "R$ 1.234,50",
        "($ 2.500)",
        "-$5",
        "\u22127",
        "",
    ]
    read = read_numbers(pa.array([*cells[:-1], None], pa.string()), notation)
    np.testing.assert_array_equal(read, [36, 13.65, 45_000, 10, 1, 1234.5, -2500, -5, -7, np.nan])
    assert read_numbers(pa.array(["CHF 1'234.50", "1’234"]), NumberNotation(".", "'", ("CHF",))).tolist() == [
        1234.5,
        1234,
    ]
    assert read_numbers(pa.array(["12,34,567"]), NumberNotation(group=",")).tolist() == [1_234_567]
    assert read_numbers(pa.array(["Rs.500", ".5"]), NumberNotation(affixes=("Rs.",))).tolist() == [500, 0.5]


def test_the_message_names_what_stands_beside_a_number() -> None:
    _, breaches = check_cells(one(FieldType.NUMBER), "13.56%", "36 months", "$ 5", "abc")
    assert ["'%' stands beside it" in breach.message for breach in breaches] == [True, False, False, False]
    assert "'months' stands beside it. Write the number alone, or set bareNumber" in breaches[1].message
    assert "'$' stands beside it" in breaches[2].message
    assert "stands beside" not in breaches[3].message


def test_a_two_digit_year_never_lies_after_the_decision() -> None:
    opened = Field("opened", FieldType.DATE, Role.FEATURE, "", date_format="%b-%y")
    decided = Field("decided", FieldType.DATE, Role.DECISION_DATE, "", date_format="%d/%m/%y")
    later = replace(opened, name="paid", role=Role.AUXILIARY)
    cells = {
        "opened": pa.array(["Jan-60", "Jan-11", "Dec-11", "Jan-12", None]),
        "decided": pa.array(["01/06/11", "01/06/11", "01/06/11", "", "01/06/11"]),
        "paid": pa.array(["Jan-60"] * 5),
    }
    columns = check(cells, schema_of(opened, decided, later)).columns
    days = ["1960-01-01", "2011-01-01", "2011-12-01", "2012-01-01", "NaT"]
    np.testing.assert_array_equal(columns["opened"], np.array(days, dtype="datetime64[s]"))
    np.testing.assert_array_equal(columns["paid"], np.array(["2060-01-01"] * 5, dtype="datetime64[s]"))


def contract(*fields: Mapping[str, object]) -> Schema:
    key = {"name": "id", "type": "string", "creditfusion": {"role": "id"}}
    return parse_schema(json.dumps({"fields": [key, *fields], "creditfusion": {"version": 1, "name": "t"}}), "t")


def test_typed_columns_are_read_as_they_are_whatever_the_notation_of_text() -> None:
    schema = contract(
        {"name": "x", "type": "number", "groupChar": ".", "creditfusion": {"role": "feature"}},
        {"name": "y", "type": "number", "decimalChar": ",", "creditfusion": {"role": "feature"}},
    )
    numbers = read_frame(pd.DataFrame({"id": ["a", "b"], "x": [45.123, 45_000.0], "y": [1.5, 2]}), schema)
    mixed = read_frame(pd.DataFrame({"id": ["a", "b"], "x": [45.123, "45.000"], "y": ["1,5", 2]}), schema)
    for rows in (numbers, mixed):
        assert rows.applications.frame["x"].tolist() == [45.123, 45_000.0]
        assert rows.applications.frame["y"].tolist() == [1.5, 2.0]


@pytest.mark.parametrize(
    ("form", "language"), [("%d %B %Y", "de"), ("excel", "en"), ("iso", "en"), ("%Y年%m月%d日", "en"), ("%Y%m%d", "en")]
)
def test_typed_dates_are_read_whatever_the_notation_of_text(form: str, language: str) -> None:
    own = {"role": "decision_date", "language": language}
    number = {"name": "x", "type": "number", "creditfusion": {"role": "feature"}}
    schema = contract({"name": "day", "type": "date", "format": form, "creditfusion": own}, number)
    days = pd.to_datetime(pd.Series(["2020-03-05", None, "1999-12-31"]))
    for column in (days, days.dt.tz_localize("Asia/Tokyo"), days.dt.date):
        rows = read_frame(pd.DataFrame({"id": ["a", "b", "c"], "day": column, "x": 1.0}), schema)
        assert rows.rejects.empty
        assert rows.applications.frame["day"].dt.strftime("%Y-%m-%d").tolist()[::2] == ["2020-03-05", "1999-12-31"]


def test_a_code_for_missing_is_one_however_it_is_written() -> None:
    field = one(FieldType.NUMBER, missing_values=("", "-9", "NA"), minimum=0.0, required=True)
    values, breaches = check_cells(field, "-9.0", "-9", "NA", "5", "-8")
    assert np.isnan(np.array(values[:3], dtype=np.float64)).all()
    assert [(breach.position, breach.rule) for breach in breaches] == [
        (0, "required"),
        (1, "required"),
        (2, "required"),
        (4, "minimum"),
    ]


def test_a_first_date_after_the_second_is_a_negative_span() -> None:
    opened = Field("opened", FieldType.DATE, Role.FEATURE, "")
    decided = Field("decided", FieldType.DATE, Role.DECISION_DATE, "", date_format="%b-%Y")
    age = Derived("age", DerivedKind.YEARS_BETWEEN, ("opened", "decided"), "")
    schema = replace(schema_of(opened, decided), derived=(age,))
    cells = {
        "opened": pa.array(["2010-01-01", "2011-12-15", "2012-01-01", "2060-01-01", ""]),
        "decided": pa.array(["Dec-2011"] * 5),
    }
    names, table = negative_spans(pd.DataFrame(check(cells, schema).columns), schema)
    assert (names, table[:, 0].tolist()) == (["age"], [False, False, True, True, False])
