"""What a draft says of the notation of dates and numbers: it reads every value, or asks."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.dates import LANGUAGES, precision_of, write_date
from data_schemas.errors import ContractError
from data_schemas.fields import FieldType
from data_schemas.numbers import Negative, NumberNotation
from data_schemas.reader import parse_schema
from features.inference.draft import draft_schema, pretty_json
from features.inference.profile import ColumnProfile, profile, profiles
from features.tables.cell_checks import check
from tests.features.tables.test_notations import ROUNDED, written

N = 60


def column(name: str, *cells: str) -> ColumnProfile:
    return profile(name, pd.Series(cells, dtype=object))


def table(**columns: list[str]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    key = {"loan_id": [f"L{i}" for i in range(n)], "status": ["good" if i % 4 else "bad" for i in range(n)]}
    return pd.DataFrame(key | columns, dtype=object)


DAYS = st.lists(st.datetimes(dt.datetime(1980, 1, 1), dt.datetime(2029, 12, 31)), min_size=12, max_size=40, unique=True)
FORMS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m-%d-%y", "%d/%m/%y", "%Y%m%d", "%Y%m", "%m/%Y", "%b-%Y", "%b-%y",
    "%d %B %Y", "%d%b%Y", "%d-%b-%y", "%B %d, %Y", "%d. %B %Y", "%d de %B de %Y", "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S.%f", "%m/%d/%Y %I:%M %p", "%d/%m/%Y %H:%M", "%d%b%Y:%H:%M:%S", "%Y/%m",
    "%Y年%m月%d日", "%Y年%m月", "excel", "sas", "unix", "unix_ms",
)  # fmt: skip


@settings(max_examples=80)
@given(days=DAYS, form=st.sampled_from(FORMS), language=st.sampled_from(LANGUAGES))
def test_a_drafted_date_reads_every_day_equal_or_asks(days: list[dt.datetime], form: str, language: str) -> None:
    cells = [write_date(day.replace(microsecond=0), form, language) for day in days]
    document = draft_schema(table(issue_date=cells, amount=[str(i) for i in range(len(days))]), "t", "t").document
    (field,) = [one for one in document["fields"] if one["name"] == "issue_date"]
    assert field["type"] == "date"
    if " or " in field.get("format", ""):
        assert "IN DOUBT" in field["creditfusion"]["guess"]
        with pytest.raises(ContractError, match="the schema leaves it open"):
            parse_schema(json.dumps(document), "t")
        return
    schema = parse_schema(json.dumps(document), "t")
    read = check({"issue_date": pa.array(cells)}, schema)
    rounded = ROUNDED[precision_of(form)]
    assert read.breaches == []
    np.testing.assert_array_equal(
        read.columns["issue_date"].astype(rounded), np.array(days, dtype="datetime64[s]").astype(rounded)
    )


MARKS = st.sampled_from([(".", ""), (".", ","), (",", "."), (",", ""), (",", " "), (".", "'"), (",", "\u202f")])


@settings(max_examples=80)
@given(
    values=st.lists(st.integers(-(10**7), 10**8), min_size=5, max_size=N, unique=True),
    decimals=st.integers(0, 3),
    marks=MARKS,
    affix=st.sampled_from(["", "%", "€", "$", "months", "USD"]),
    negative=st.sampled_from(Negative),
)
def test_a_drafted_number_reads_every_value_equal_or_asks(
    values: list[int], decimals: int, marks: tuple[str, str], affix: str, negative: Negative
) -> None:
    numbers = [value / 10**decimals for value in values]
    is_before = affix in ("$", "€") or negative is Negative.TRAILING_MINUS
    if is_before and affix in ("months", "%"):
        affix = ""
    notation = NumberNotation(marks[0], marks[1], (), negative)
    cells = [written(number, notation, affix, is_before) for number in numbers]
    if any(cell.startswith("0") and cell[1:].isdigit() for cell in cells):
        return
    document = draft_schema(table(amount=cells), "t", "t").document
    (field,) = [one for one in document["fields"] if one["name"] == "amount"]
    assert field["type"] in ("integer", "number")
    if "IN DOUBT" in field["creditfusion"]["guess"]:
        with pytest.raises(ContractError, match="leaves open whether"):
            parse_schema(json.dumps(document), "t")
        return
    schema = parse_schema(json.dumps(document), "t")
    read = check({"amount": pa.array(cells)}, schema)
    codes = [value for value in numbers if any(float(code) == value for code in schema["amount"].missing_values[1:])]
    assert [breach.message for breach in read.breaches] == []
    assert codes == []
    assert read.columns["amount"].tolist() == numbers


@pytest.mark.parametrize(
    ("name", "cells", "form"),
    [
        ("decided", ("1/1/2010", "2/1/2010", "12/1/2011"), "%d/%m/%Y or %m/%d/%Y"),
        ("decided", ("1/1/2010", "2/13/2010", "12/1/2011"), "%m/%d/%Y"),
        ("decided", ("01-02-03", "04-05-06"), "%d-%m-%y or %m-%d-%y or %y-%m-%d"),
        ("issue_date", ("2021-01-01 10:00:00.123", "2021-02-02 10:00:00"), "iso"),
        ("issue_date", ("2021-01-01T10:00:00+02:00", "2021-02-02T10:00:00Z"), "iso"),
        ("issue_date", ("41000", "41001", "41002"), "excel"),
        ("issue_date", ("41000.0", "41001.0", "", "41002.5"), "excel"),
        ("orig_dt", ("17532", "17900", "18000"), "sas or unix_days"),
        ("first_payment_date", ("201001", "201002"), "%Y%m"),
        ("period", ("201001.0", "201002.0", ""), "%Y%m"),
        ("x", tuple(f"2010{m:02}" for m in range(1, 13)), "%Y%m"),
        ("x", ("20100131", "20100228"), "%Y%m%d"),
        ("vintage_year", ("2010", "2011"), "%Y"),
        ("created_at", ("1262304000", "1262404000"), "unix"),
        ("x", ("2020年3月1日", "2020年12月11日"), "%Y年%m月%d日"),
        ("x", ("01JAN2006", "28FEB2007"), "%d%b%Y"),
        ("x", ("2020-01-01", "9999-12-31", "2021-01-01"), "%Y-%m-%d"),
    ],
)
def test_forms_of_dates(name: str, cells: tuple[str, ...], form: str) -> None:
    found = column(name, *cells)
    assert (found.type, found.format) == (FieldType.DATE, form)
    assert bool(found.notation.question) == (" or " in form)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("amount", ("41000", "41001", "41002")),
        ("issue_amount", ("17532", "17900", "18000")),
        ("fico", ("1999", "2001")),
        ("amount", ("201001", "201002")),
        ("x", ("2010.01", "2010.02")),
    ],
)
def test_numbers_that_are_no_dates(name: str, cells: tuple[str, ...]) -> None:
    assert column(name, *cells).type in (FieldType.INTEGER, FieldType.NUMBER)


def test_one_impossible_day_among_many_does_not_make_dates_text() -> None:
    cells = [f"{day:02}/03/2020" for day in range(1, 32)] * 20 + ["31/06/2020"]
    found = column("x", *cells)
    assert (found.format, found.missing_codes) == ("%d/%m/%Y", ())
    assert found.notation.notes == ("1 cells are no dates of this form, and their rows will be rejected",)


def test_days_that_stand_for_no_date_are_codes() -> None:
    cells = ["13/01/2015", "14/02/2016"] * 5
    found = column("x", *cells, "00/00/0000", "31/12/9999", "01/01/1900")
    assert found.missing_codes == ("00/00/0000", "31/12/9999", "01/01/1900")


def test_thousands_and_decimals_are_distinguished_by_the_values_or_asked_about() -> None:
    doubtful = column("income", "45.000", "900", "1.500")
    assert doubtful.notation.field_keys == {"groupChar": ".", "decimalChar": "."}
    assert "'45.000' in 'income' may be 45 or 45,000" in doubtful.notation.question
    assert column("x", "45.000", "1.234.567").notation.field_keys == {"groupChar": "."}
    assert column("x", "45.000", "1.5").notation.field_keys == {}
    assert column("x", "45.000", "0.123").notation.field_keys == {}
    assert column("x", "1,234", "1,5").notation.field_keys == {"decimalChar": ","}
    assert column("x", "1.234,5", "900").notation.field_keys == {"groupChar": ".", "decimalChar": ","}


def test_other_columns_tell_what_a_comma_is() -> None:
    found = profiles(pd.DataFrame({"a": ["45,000", "900"], "b": ["1.25", "3.5"]}, dtype=object))
    assert found["a"].notation.field_keys == {"groupChar": ","}
    assert "other columns" in found["a"].notation.notes[0]
    found = profiles(pd.DataFrame({"a": ["45.000", "900"], "b": ["1,25", "3,5"]}, dtype=object))
    assert found["a"].notation.field_keys == {"groupChar": "."}
    asked = profiles(pd.DataFrame({"a": ["45.000", "900"], "b": ["1.25", "3.5"]}, dtype=object))
    assert asked["a"].notation.question


@pytest.mark.parametrize(
    ("cells", "affixes", "unit"),
    [
        ((" 36 months", " 60 months"), ["months"], "months"),
        (("10+ years", "< 1 year", "3 years", "n/a"), ["+ years", "<", "year", "years"], "years"),
        (("13.65%", "5 %"), ["%"], "%"),
        (("$1.50", "$ 20"), ["$"], "$"),
        (("1 200,50 kr", "3 kr"), ["kr"], "kr"),
        (("3万", "5.5万"), ["万"], "万"),
        (("5k", "7k"), ["k"], "k"),
    ],
)
def test_units_are_drafted(cells: tuple[str, ...], affixes: list[str], unit: str) -> None:
    found = column("x", *cells)
    assert found.type in (FieldType.INTEGER, FieldType.NUMBER)
    assert found.notation.own_keys == {"affixes": affixes, "unit": unit}


@pytest.mark.parametrize(
    "cells",
    [
        ("A1", "B2"),
        ("3k", "3000"),
        ("12 months", "2 years"),
        ("$5", "€5"),
        ("25-34", "35-44"),
        ("1st", "2nd"),
        ("12A", "13B"),
    ],
)
def test_texts_that_are_no_numbers_of_one_unit_stay_texts(cells: tuple[str, ...]) -> None:
    assert column("x", *cells).type is FieldType.STRING


def codes(**columns: list[str]) -> dict[str, tuple[str, ...]]:
    n = max(map(len, columns.values()))
    padded = {name: (cells * n)[:n] for name, cells in columns.items()}
    return {name: found.missing_codes for name, found in profiles(pd.DataFrame(padded, dtype=object)).items()}


def test_a_family_of_codes_is_found_in_all_columns_together() -> None:
    values = [str(i) for i in range(0, 90)]
    found = codes(
        a=[*values, "-7", "-8", "-9", "-9"],
        b=[*values, "-7", "-8", "-8", "1"],
        c=[*values, "1", "2", "3", "-9"],
        d=values,
    )
    assert {name: set(one) for name, one in found.items()} == {name: {"-7", "-8", "-9"} for name in "abcd"}


@pytest.mark.parametrize(
    "proof",
    [["1.5", "2.5", "3.5", "None"], ["TX", "CA", "FL", "GA", "OH", "None"], ["2020-01-31", "2021-05-03", "None"]],
    ids=["numbers", "codes", "dates"],
)
def test_a_none_of_software_is_missing_in_every_column_where_it_can_be_no_level_of_one(proof: list[str]) -> None:
    words = {"a": ["None", "None", "bank", "stores"], "b": ["none", "cash", "card", "NONE"]}
    mostly = {"c": ["None", "None", "None", "7", "8"]}
    found = codes(proof=proof, **words, **mostly)
    assert found == {"proof": ("None",), "a": ("None",), "b": (), "c": ("None",)}


def test_a_none_that_may_be_a_level_in_every_column_is_one() -> None:
    found = codes(guarantor=["None", "bank", "stores"], home=["RENT", "OWN", "None"], job=["NONE", "FULL", "PART"])
    assert set(found.values()) == {()}


def test_codes_far_above_the_values_come_in_families_too() -> None:
    found = codes(
        late=["0", "1", "2", "13", "96", "98", "98"],
        more=["0", "1", "3", "96", "96", "98", "2"],
        age=["18", "70", "96", "97", "98", "99", "33"],
    )
    assert set(found["late"]) == set(found["more"]) == {"96", "98"}
    assert found["age"] == ()
    assert codes(days=["-100", "-2000", "365243", "365243"])["days"] == ("365243",)


def test_changes_below_zero_are_values() -> None:
    assert codes(change=["-1", "-1", "-2", "-2", "-3", "0", "1", "2", "5"])["change"] == ()


def test_codes_are_written_as_the_column_writes_numbers() -> None:
    found = codes(a=["80.0", "75.0", "-9.0", "-9.0", "1.0"], b=["3", "-9", "-9", "5", "8"], c=["1.0", "2.0"])
    assert found == {"a": ("-9.0",), "b": ("-9",), "c": ("-9.0",)}


def test_doubts_are_missing_from_a_valid_schema_and_ignored_columns_raise_none() -> None:
    cells = [f"{i % 12 + 1}/1/{2010 + i % 3}" for i in range(N)]
    doubtful = draft_schema(table(issue_date=cells, amount=[f"{i}.000" for i in range(1, N + 1)]), "t", "t")
    assert len(doubtful.missing) == 2
    ignored = draft_schema(table(last_payment_date=["5/1/2010"] * N, amount=[f"{i}.5" for i in range(N)]), "t", "t")
    assert ignored.missing == ()
    parse_schema(pretty_json(ignored.document), "t")


def test_a_two_digit_year_before_the_decision_is_no_leak_and_one_soon_after_is() -> None:
    decided = [f"{i % 28 + 1:02}/0{i % 9 + 1}/2011" for i in range(N)]
    opened = [f"Jan-{60 + i % 30 if i % 2 else i % 11:02}" for i in range(N)]
    paid = [f"Jan-{12 + i % 3}" for i in range(N)]
    document = draft_schema(table(issue_date=decided, opened=opened, seen=paid), "t", "t").document
    roles = {field["name"]: field["creditfusion"]["role"] for field in document["fields"]}
    assert (roles["opened"], roles["seen"]) == ("feature", "ignored")
