"""Facts and contradictions in a contract: what narratives state stands among the fields, and nonsense is refused."""

from __future__ import annotations

import copy
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from data_schemas.errors import ContractError
from data_schemas.fields import Direction, FieldType, Role
from data_schemas.reader import load_schema, parse_schema
from data_schemas.statements import KINDS, Of
from tests.support.sources import BUREAU, CALLS, with_sources
from tests.support.statements import CONTRADICTIONS, FACTS, stating_schema, with_statements


def test_columns_that_narratives_state_stand_behind_the_others() -> None:
    schema, own = stating_schema(), load_schema("demo").fields
    assert schema.own_fields == own
    assert schema.fields[: len(own)] == own
    made = {field.name: field for field in schema.fields[len(own) :]}
    assert {field.role for field in made.values()} == {Role.FEATURE}
    assert {field.narrative for field in made.values()} == {"statement"}
    assert {name: field.type for name, field in made.items()} == {
        "stated_income": FieldType.NUMBER,
        "stated_incomes": FieldType.INTEGER,
        "stated_rent": FieldType.NUMBER,
        "stated_purpose": FieldType.STRING,
        "states_tenure": FieldType.BOOLEAN,
    }
    income = made["stated_income"]
    assert (income.title, income.unit, income.direction) == ("Stated income", "USD per year", Direction.FALLING)
    assert income.reason is not None
    assert income.reason.code == "STATED_INCOME"
    assert [one.name for one in schema.contradictions] == ["income", "tenure"]


@pytest.mark.parametrize(("of", "unit"), [("max", "cards"), ("count", "statements"), ("any", "")])
def test_numbers_of_cards_have_their_unit(of: str, unit: str) -> None:
    fact = {"name": "cards", "narrative": "statement", "kind": "card_count", "of": of}
    assert stating_schema(facts=[fact])["cards"].unit == unit


def test_derived_features_may_stand_on_stated_numbers_alone() -> None:
    document = with_statements()
    derived = {"name": "gap", "kind": "difference", "of": ["stated_income", "annual_income"]}
    document["creditfusion"]["derived"].append(derived)
    assert parse_schema(json.dumps(document), "the schema").derived[-1].of == ("stated_income", "annual_income")
    derived["of"] = ["stated_purpose", "annual_income"]
    with pytest.raises(ContractError, match="'gap' needs 'stated_purpose', which is no numeric feature"):
        parse_schema(json.dumps(document), "the schema")


def test_what_a_narrative_of_records_states_counts_with_its_source() -> None:
    document = with_sources(BUREAU, CALLS)
    fact = {"name": "called_incomes", "narrative": "call_notes", "kind": "income", "of": "count"}
    document["creditfusion"]["facts"] = [fact]
    schema = parse_schema(json.dumps(document), "the schema")
    assert schema.sources_of("called_incomes") == ("calls",)
    assert schema["called_incomes"] not in schema.fields_from("calls")  # the join does not make it


def test_the_form_lists_the_kinds_and_ways_that_the_code_obeys() -> None:
    form = json.loads(load_form())
    assert set(form["$defs"]["fact_kind"]["enum"]) == set(KINDS)
    assert set(form["$defs"]["stated"]["properties"]["of"]["enum"]) == set(Of)


def load_form() -> str:
    return (resources.files("data_schemas") / "contract.schema.json").read_text(encoding="utf-8")


def test_the_example_of_the_page_is_a_contract() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "facts.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    schema = stating_schema(**json.loads(text))
    assert [one.name for one in schema.contradictions] == ["income", "tenure"]
    assert len(schema.facts) == 4


BREAKS: list[tuple[str, int, dict[str, Any], str]] = [
    ("facts", 0, {"narrative": "annual_income"}, "which is no narrative .*Name one of: statement, job_title"),
    ("facts", 0, {"kind": "incomes"}, "Did you mean 'income'"),
    ("facts", 0, {"of": "mean"}, "'mean' is not a valid value"),
    ("facts", 0, {"name": "dti"}, "the name 'dti' stands twice"),
    ("facts", 0, {"per": None}, "'stated_income' needs the period that its sums are converted to"),
    ("facts", 0, {"kind": "tenure", "unit": "USD", "per": None}, "'USD' is no unit of 'stated_income'.*years"),
    ("facts", 0, {"kind": "tenure", "unit": "years"}, "statements of the kind 'tenure' have no period"),
    ("facts", 0, {"least_confidence": 2}, "2 is greater than the maximum of 1"),
    ("facts", 0, {"actionable": "higher"}, "unknown key 'actionable'"),
    ("facts", 0, {"reason": {"code": "DTI", "wording": "x"}}, "the reason code 'DTI' has two wordings"),
    ("facts", 1, {"unit": "USD"}, "'stated_incomes' is a count of statements, which has no unit of theirs"),
    (
        "facts",
        3,
        {"of": "max"},
        "is the max of statements of the kind 'purpose', which are no numbers",
    ),
    ("facts", 3, {"direction": "rising"}, "is a level and has a direction"),
    ("facts", 3, {"basis": "net"}, "of the kind 'purpose', which are neither gross nor net"),
    ("facts", 0, {"basis": "before taxes"}, "'before taxes' is not a valid value"),
    ("facts", 3, {"unit": "USD"}, "statements of the kind 'purpose' have no unit"),
    ("contradictions", 0, {"narrative": "home"}, "which is no narrative"),
    ("contradictions", 0, {"against": "purpose"}, "compares with 'purpose', which is no numeric feature"),
    ("contradictions", 0, {"kind": "purpose"}, "which are no numbers"),
    ("contradictions", 0, {"name": "tenure"}, "two contradictions have the name 'tenure'"),
    ("contradictions", 0, {"tolerance": 0}, "0 is less than or equal to the minimum of 0"),
    ("contradictions", 0, {"tolerance": 1}, "1 is greater than or equal to the maximum of 1"),
    ("contradictions", 1, {"unit": None}, "'tenure' needs the unit of its values"),
]


@pytest.mark.parametrize(("key", "at", "change", "message"), BREAKS)
def test_a_statement_that_makes_no_sense_is_refused(key: str, at: int, change: dict[str, Any], message: str) -> None:
    parts = copy.deepcopy({"facts": FACTS, "contradictions": CONTRADICTIONS})
    parts[key][at] = {name: value for name, value in (parts[key][at] | change).items() if value is not None}
    with pytest.raises(ContractError, match=message):
        stating_schema(**parts)
