"""Training names the columns that the model does not use."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from data_schemas.fields import Role
from data_schemas.reader import load_schema, parse_schema
from experiments.demo.data import generate
from experiments.session.run import Run
from experiments.train.decided import read_decided
from experiments.train.unused import UNKNOWN, UNMADE, unused_columns
from features.tables.reader import ReadOptions
from tests.support.joined_sources import UNUSED
from tests.support.sources import BUREAU, CALLS, with_sources


def test_every_column_is_an_input_or_is_named_with_its_reason() -> None:
    schema = load_schema("lending_club")
    found = unused_columns(schema, ("branch",))
    assert found[UNKNOWN] == ("branch",)
    named = {name for names in found.values() for name in names}
    used = {Role.ID, Role.FEATURE, Role.NARRATIVE, Role.TARGET, Role.DECISION_DATE, Role.GROUP}
    assert {field.name for field in schema.fields if field.role not in used} == named - {"branch"}


def test_a_contract_that_uses_all_columns_leaves_nothing_to_name() -> None:
    schema = load_schema("demo")
    fields = tuple(field for field in schema.fields if field.role in (Role.ID, Role.FEATURE, Role.TARGET))
    assert not unused_columns(replace(schema, fields=fields), ())


def test_columns_beyond_the_contract_are_named_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = generate(40, 1).table
    table["branch office"] = "north"
    table.to_csv(tmp_path / "past.csv", index=False)
    with Run.start("train", None, {}) as run:
        read_decided(load_schema("demo"), [tmp_path / "past.csv"], ReadOptions(need_target=True), run)
    printed = " ".join(capsys.readouterr().err.split())
    assert "columns that the model does not use: 1 not in the contract (branch office)" in printed


def test_columns_of_sources_of_which_nothing_is_made_are_named() -> None:
    document = with_sources(BUREAU, CALLS, UNUSED)
    bureau = document["creditfusion"]["sources"][0]
    for name, role in (("lender", "feature"), ("clerk", "ignored")):
        bureau["fields"].append({"name": name, "type": "string", "creditfusion": {"role": role}})
    found = unused_columns(parse_schema(json.dumps(document), "the schema"), ())
    assert found[UNMADE] == ("bureau.lender",)
    assert "bureau.clerk" in found["ignored by the contract"]
