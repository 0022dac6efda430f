"""Further sources in a contract: what is made of them stands among the fields, and what makes no sense is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import FieldType, Role
from data_schemas.reader import load_schema, parse_schema
from data_schemas.unfinished import unfinished
from tests.support.sources import BUREAU, CALLS, with_sources

Path = tuple[str | int, ...]


def parsed(document: dict[str, Any]) -> Schema:
    return parse_schema(json.dumps(document), "the schema")


def test_what_is_made_of_a_source_stands_behind_the_own_columns() -> None:
    schema = parsed(with_sources(BUREAU, CALLS))
    own = load_schema("demo").fields
    assert schema.own_fields == own
    assert schema.fields[: len(own)] == own
    made = {field.name: field for field in schema.fields_from("bureau")}
    assert list(made) == ["bureau_open", "bureau_balance_trend", "bureau_last_status", "bureau_since"]
    assert made["bureau_open"].type is FieldType.INTEGER
    assert made["bureau_balance_trend"].unit == "USD per year"
    assert made["bureau_last_status"].categories == ("open", "closed", "late")
    assert [field.role for field in schema.fields_from("calls")] == [Role.NARRATIVE]
    assert schema.narratives[-1].name == "call_notes"


def test_reasons_begin_with_the_wording_of_their_source() -> None:
    reason = parsed(with_sources(BUREAU))["bureau_open"].reason
    assert reason is not None
    assert reason.wording == "From your credit bureau record: You have many open accounts."


def test_dates_of_entries_are_cut_from_narratives_made_of_records() -> None:
    assert load_schema("demo").strip == parsed(with_sources(BUREAU)).strip
    assert "dates of records" in parsed(with_sources(BUREAU, CALLS)).strip[-1].why


def test_derived_features_may_stand_on_aggregates() -> None:
    document = with_sources(BUREAU)
    document["creditfusion"].setdefault("derived", []).append(
        {"name": "open_per_amount", "kind": "ratio", "of": ["bureau_open", "amount"]}
    )
    assert parsed(document).derived[-1].of == ("bureau_open", "amount")


AGGREGATE: Path = (0, "creditfusion", "aggregates")
BREAKS: list[tuple[Path, Any, str]] = [
    ((0, "creditfusion", "date"), "opend", "'opend' of the source 'bureau' is no column of type 'date'"),
    ((0, "creditfusion", "undated"), "a register", "needs the date of its records, or says why they have none"),
    ((0, "creditfusion", "key"), {"applicant": "application_id"}, "'applicant', which is no column of the source"),
    (
        (0, "creditfusion", "key"),
        {"application_id": "applicant"},
        "'applicant', which is no column of the applications",
    ),
    ((0, "creditfusion", "key"), {"balance": "application_id"}, "'balance' of the source 'bureau' is of type 'number'"),
    ((0, "creditfusion", "name"), "calls", "two sources have the name 'calls'|through 'bureau', which is no source"),
    ((1, "creditfusion", "through"), "buro", "'buro', which is no source before it"),
    ((1, "creditfusion", "key"), {"account": "application_id"}, "does not name one record of 'bureau'"),
    ((1, "creditfusion", "texts", 0, "of"), "day", "'day', which is no narrative of the source 'calls'"),
    ((0, "fields", 3, "creditfusion", "role"), "target", "'status' of the source 'bureau' has the role 'target'"),
    ((*AGGREGATE, 0, "name"), "dti", "the name 'dti' stands twice"),
    ((*AGGREGATE, 0, "kind"), "counts", "Did you mean 'count'"),
    ((*AGGREGATE, 0, "of"), "balance", "of the kind 'count' is made of no column"),
    ((*AGGREGATE, 1, "of"), "status", "'status', which is no numeric feature of the source 'bureau'"),
    ((*AGGREGATE, 2, "direction"), "rising", "is a level and has a direction"),
    ((*AGGREGATE, 0, "where"), [{"column": "status", "at_least": 3}], "which is no numeric feature of the source"),
    ((*AGGREGATE, 0, "where"), [{"column": "balance", "in": ["3"]}], "which is no text feature of the source"),
    ((*AGGREGATE, 0, "reason", "code"), "DTI", "the reason code 'DTI' has two wordings"),
]


@pytest.mark.parametrize(("path", "value", "message"), BREAKS)
def test_a_source_that_makes_no_sense_is_refused(path: Path, value: Any, message: str) -> None:
    document = with_sources(BUREAU, CALLS)
    part: Any = document["creditfusion"]["sources"]
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    with pytest.raises(ContractError, match=message):
        parsed(document)


def test_a_date_of_a_record_leaves_no_day_and_no_century_open() -> None:
    document = with_sources(BUREAU)
    own, opened = document["creditfusion"]["sources"][0], document["creditfusion"]["sources"][0]["fields"][2]
    opened["format"] = "%m/%Y"
    with pytest.raises(ContractError, match=r"names no day .*lag_days of at least 31"):
        parsed(document)
    own["creditfusion"]["lag_days"] = 31
    assert parsed(document).sources[0].as_of.lag_days == 31
    opened["format"] = "%d.%m.%y"
    with pytest.raises(ContractError, match="years of two digits"):
        parsed(document)


@pytest.mark.parametrize("key", ["date", "key", "name"])
def test_a_source_names_its_key_and_its_date(key: str) -> None:
    document = with_sources(BUREAU, CALLS)
    del document["creditfusion"]["sources"][0]["creditfusion"][key]
    with pytest.raises(ContractError, match=f"{key}"):
        parsed(document)


def test_a_source_of_which_nothing_is_made_is_refused() -> None:
    bureau = copy.deepcopy(BUREAU)
    del bureau["creditfusion"]["aggregates"]
    assert parsed(with_sources(bureau, CALLS)).sources[0].aggregates == ()  # the calls go through it
    with pytest.raises(ContractError, match="nothing is made of the records of 'bureau'"):
        parsed(with_sources(bureau))


def test_a_dated_source_needs_the_day_of_the_decision() -> None:
    document = with_sources(BUREAU)
    day = next(field for field in document["fields"] if field["creditfusion"]["role"] == "decision_date")
    day["creditfusion"]["role"] = "ignored"
    with pytest.raises(ContractError, match="no column has the role 'decision_date'"):
        parsed(document)


def test_what_is_unfinished_in_a_source_is_named() -> None:
    document = with_sources(BUREAU, CALLS)
    bureau, calls = (source["creditfusion"] for source in document["creditfusion"]["sources"])
    bureau["guess"] = calls["texts"][0]["guess"] = bureau["aggregates"][1]["guess"] = "SUSPECT"
    document["creditfusion"]["sources"][0]["fields"][2]["creditfusion"]["guess"] = "a date"
    found = unfinished(parsed(document))
    assert found.guesses == ("bureau", "bureau.opened_on", "bureau_balance_trend", "call_notes")
    assert found.without_wording[-4:] == ("bureau_balance_trend", "bureau_last_status", "bureau_since", "call_notes")
    assert "bureau_balance_trend" not in found.without_unit


@pytest.mark.parametrize("name", ["application", "sources"])
def test_a_source_has_no_name_that_stands_for_something_else(name: str) -> None:
    document = with_sources(BUREAU)
    document["creditfusion"]["sources"][0]["creditfusion"]["name"] = name
    with pytest.raises(ContractError, match=f"a source has the name '{name}'"):
        parsed(document)
