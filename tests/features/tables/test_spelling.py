"""Spellings of one level: composed letters always, other spellings where the contract says so."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.reader import parse_schema
from features.tables.data_quality import data_quality
from features.tables.reader import ReadOptions, read_all
from features.tables.spelling import by_loose_key, loose_key
from features.tabular import TabularEncoder
from tests.support.small import NAMES, small_schema, write_csv
from tests.support.small import row as small_row


def schema_with(**own: object) -> Schema:
    document = json.loads(small_schema().source)
    for column in document["fields"]:
        if column["name"] in ("home", "town"):
            column["creditfusion"] |= own
    return parse_schema(json.dumps(document), "small")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("RENT", "rent"),
        ("Debt  Consolidation", "debt_consolidation"),
        ("1.0", "1"),
        ("1,00", "1"),
        ("1.000000", "1"),
        ("me\u0301tier", "m\u00e9tier"),
        ("\uff32ent", "rent"),
        ("re\u200bnt", "rent"),
        ("stra\u00dfe", "STRASSE"),
    ],
)
def test_spellings_of_one_level_share_a_key(one: str, other: str) -> None:
    assert loose_key(one) == loose_key(other)


@pytest.mark.parametrize(("one", "other"), [("A-", "A"), ("A+", "A"), ("-1", "1"), ("1.5", "15"), ("01", "1")])
def test_different_levels_do_not(one: str, other: str) -> None:
    assert loose_key(one) != loose_key(other)


@pytest.mark.parametrize(("one", "other"), [("1,000", "1"), ("1.000", "1"), ("1,000", "1.000"), ("10,000", "10")])
def test_what_may_be_thousands_is_no_spelling_of_units(one: str, other: str) -> None:
    assert loose_key(one) != loose_key(other)


def test_levels_that_differ_in_spelling_alone_are_not_matched() -> None:
    assert by_loose_key(["rent", "Rent", "own"]) == {"own": "own"}


def test_thousands_are_not_learned_or_read_as_units(tmp_path: Path) -> None:
    schema = schema_with(match="loose")
    past = [small_row(id=str(i), town=("1", "1,000", "5")[i % 3]) for i in range(60)]
    rows = [small_row(id=str(i), town=town) for i, town in enumerate(["1.0", "1,000", "1.000", "5,000"])]
    read = [
        read_all(write_csv(tmp_path / "rows.csv", table), schema, ReadOptions()).applications for table in (past, rows)
    ]
    encoder = TabularEncoder.fit(read[0])
    assert set(encoder.levels["town"]) == {"1", "1,000", "5"}
    codes = encoder.encode(read[1]).x_cat[:, 1].tolist()
    assert codes == [encoder.levels["town"].index("1") + 1, encoder.levels["town"].index("1,000") + 1, 0, 0]
    flagged = [name for name in data_quality(read[1], encoder.levels) if "unknown_category:town" in name]
    assert len(flagged) == 2


def test_loose_matching_reads_other_spellings_listed_or_learned(tmp_path: Path) -> None:
    schema = schema_with(match="loose")
    past = [small_row(id=str(i), town=("Ulm", "ULM", "ulm ")[i % 3], home="rent") for i in range(12)]
    rows = [small_row(id="a", home="RENT", town="UL\u200bM"), small_row(id="b", home="Own", town="Bonn")]
    read = [
        read_all(write_csv(tmp_path / "rows.csv", table), schema, ReadOptions()).applications for table in (past, rows)
    ]
    encoder = TabularEncoder.fit(read[0])
    assert len(encoder.levels["town"]) == 1
    assert encoder.encode(read[1]).x_cat.tolist() == [[2, 1], [1, 0]]
    assert list(read[1].frame["home"]) == ["rent", "own"]
    assert data_quality(read[1], encoder.levels) == ["", "unknown_category:town"]


def test_composed_and_decomposed_letters_are_one_level(tmp_path: Path) -> None:
    towns = ["K\u00f6ln", unicodedata.normalize("NFD", "K\u00f6ln")]
    table = [small_row(id=str(i), town=town) for i, town in enumerate(towns)]
    read = read_all(write_csv(tmp_path / "rows.csv", table), small_schema(), ReadOptions()).applications
    assert list(read.frame["town"]) == ["K\u00f6ln"] * 2


def test_a_header_in_another_unicode_form_names_the_same_columns(tmp_path: Path) -> None:
    document = json.loads(small_schema().source)
    document["fields"][NAMES.index("town")]["name"] = "m\u00e9tier"
    schema = parse_schema(json.dumps(document), "small")
    names = ["me\u0301tier" if name == "town" else name for name in NAMES]
    read = read_all(write_csv(tmp_path / "rows.csv", [small_row()], names), schema, ReadOptions()).applications
    assert list(read.frame["m\u00e9tier"]) == ["Ulm"]


def test_only_text_features_are_matched_loosely() -> None:
    document = json.loads(small_schema().source)
    document["fields"][NAMES.index("income")]["creditfusion"]["match"] = "loose"
    with pytest.raises(ContractError, match="matched loosely, but is no text feature"):
        parse_schema(json.dumps(document), "small")
