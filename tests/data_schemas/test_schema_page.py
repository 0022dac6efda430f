"""The page on writing a contract: its example is one, and its tables hold what the code obeys."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from data_schemas.concepts import Sensitive
from data_schemas.contract import Schema
from data_schemas.fields import Actionable, DerivedKind, Direction, FieldType, Role
from data_schemas.reader import parse_schema
from data_schemas.sources import AggregateKind

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "schema.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example() -> Schema:
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, flags=re.DOTALL)
    return parse_schema(text, "schema.md")


def first_cells(heading: str) -> set[str]:
    """The codes in the first column of the table under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\|([^|]*`[^|]*)\|", section, flags=re.MULTILINE)
    return {code for row in rows for code in re.findall(r"`([^`]+)`", row)}


def test_the_example_is_a_contract_that_shows_every_role_and_type(example: Schema) -> None:
    assert {field.role for field in example.fields} == set(Role)
    assert {field.type for field in example.fields} == {*FieldType} - {FieldType.INTEGER}
    assert [derived.kind for derived in example.derived] == [DerivedKind.RATIO, DerivedKind.YEARS_BETWEEN]
    assert (example.bad_values, example.good_values) == (("defaulted",), ("repaid",))
    assert example["income"].missing_values == ("", "NA", "-1")
    assert example["income"].direction is Direction.FALLING
    assert example["decided"].date_format == "%d/%m/%Y"
    assert len(example.strip) == 1
    assert (example["amount"].actionable, example["income"].actionable) == (Actionable.LOWER, Actionable.NO)
    assert [field.match_concepts for field in example.narratives] == [True, False]
    assert [concept.sensitive for concept in example.concepts] == ["", Sensitive.HEALTH]


def test_the_tables_are_complete() -> None:
    form = json.loads((DOCS.parent / "data_schemas" / "contract.schema.json").read_text(encoding="utf-8"))
    constraints = form["$defs"]["field"]["properties"]["constraints"]["properties"]
    assert first_cells("Roles") == set(Role)
    assert first_cells("Types and cells") == set(FieldType)
    assert first_cells("Derived features") == set(DerivedKind)
    assert first_cells("Auxiliary outcomes") == {*form["$defs"]["auxiliary"]["properties"]["kind"]["enum"]}
    assert first_cells("What an applicant can change") == set(Actionable)
    source = form["$defs"]["source"]["properties"]["creditfusion"]["properties"]
    assert first_cells("Further sources") == {*source, *AggregateKind}
    stated, against = (form["$defs"][name]["properties"] for name in ("stated", "contradiction"))
    assert first_cells("What narratives state") == {*stated, *against}
    assert first_cells("Sensitive content") == set(Sensitive)
    assert first_cells("Concepts") == {*form["$defs"]["concept"]["properties"]}
    assert set(form["$defs"]["concept"]["properties"]["sensitive"]["enum"]) == set(Sensitive)
    assert first_cells("Constraints reject a row, categories do not") == {*constraints} - {"unique"}
