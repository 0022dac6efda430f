"""Data-quality flags say what a row lacks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from data_schemas.concepts import Sensitive
from features.tables.data_quality import data_quality
from features.tables.dataframe import read_frame
from features.tabular import TabularEncoder
from tests.support.joined_sources import joined_schema, joined_table
from tests.support.small import NAMES, applications, row

LEVELS = {"home": ("own", "rent"), "town": ("Ulm",)}
ALL = "income,amount,loans,owner,home,town,since"


def test_flags(tmp_path: Path) -> None:
    nothing = dict.fromkeys(ALL.split(","), "")
    rows = [
        row(id="1"),
        row(id="2", note=" "),
        row(id="3", income="NA", town=""),
        row(id="4", home="boat", town="Atlantis"),
        row(id="5", note="", home="boat", since=""),
        row(id="6", **nothing),
        row(id="7", note="", **nothing),
        row(id="8", since="2060-01-01"),
    ]
    assert data_quality(applications(tmp_path, rows), LEVELS) == [
        "",
        "no_narrative",
        "missing:income,town",
        "unknown_category:home,town",
        "no_narrative;missing:since;unknown_category:home",
        f"narrative_only;missing:{ALL}",
        f"no_narrative;missing:{ALL}",
        "negative_span:years",
    ]


def test_a_level_that_training_showed_too_seldom_is_flagged(tmp_path: Path) -> None:
    past = applications(tmp_path, [row(id=str(i), town="Ulm" if i else "Atlantis") for i in range(21)])
    flags = data_quality(past, TabularEncoder.fit(past, min_rows=20).levels)
    assert flags == ["unknown_category:town", *[""] * 20]


def test_what_was_not_read_is_flagged_and_is_nothing_to_judge_by(tmp_path: Path) -> None:
    nothing = dict.fromkeys(ALL.split(","), "")
    rows = applications(tmp_path, [row(id="1"), row(id="2"), row(id="3", **nothing), row(id="4", **nothing)])
    unread = np.array([[True], [False], [True], [False]])
    assert data_quality(rows, LEVELS, (), unread) == [
        "text_not_read:note",
        "",
        f"text_not_read:note;missing:{ALL}",
        f"narrative_only;missing:{ALL}",
    ]


def test_what_was_cut_is_flagged(tmp_path: Path) -> None:
    rows = applications(tmp_path, [row(id="1"), row(id="2", income="NA"), row(id="3")])
    kinds = [frozenset({Sensitive.FAMILY, Sensitive.HEALTH}), frozenset({Sensitive.UNION}), frozenset[Sensitive]()]
    assert data_quality(rows, LEVELS, kinds) == ["masked:health,family", "missing:income;masked:union", ""]


def test_a_row_that_lacks_most_of_what_training_rows_have_is_flagged(tmp_path: Path) -> None:
    usual = ("income", "amount", "home", "since")
    nothing = dict.fromkeys(ALL.split(","), "")
    rows = [
        row(id="1", income="", amount=""),
        row(id="2", income="", amount="", home=""),
        row(id="3", note="", **nothing),
        row(id="4", **nothing),
        row(id="5", loans="", owner="", town=""),
    ]
    flags = data_quality(applications(tmp_path, rows), LEVELS, usual=usual)
    assert ["few_inputs" in own for own in flags] == [False, True, True, False, False]


def test_no_rows(tmp_path: Path) -> None:
    assert data_quality(applications(tmp_path, []), LEVELS) == []


@pytest.mark.parametrize("name", ["sex", "clerk", "outcome"])
def test_columns_that_are_no_input_are_not_flagged(tmp_path: Path, name: str) -> None:
    assert name in NAMES
    assert data_quality(applications(tmp_path, [row(**{name: ""})]), LEVELS) == [""]


def test_applications_without_a_record_of_a_source_are_flagged() -> None:
    table = joined_table(12, 3).drop(columns="outcome").iloc[:4].copy()
    table["bureau_open"], table["call_notes"] = [0, 0, 2, 0], ["", "", "", "[2019-05-01] He called."]
    table["bureau_balance_trend"], table["bureau_since"] = np.nan, np.nan
    table["bureau_last_status"], table["court_entries"] = ["", "late", "", ""], [0, 0, 0, 1]
    rows = read_frame(table, joined_schema()).applications
    flags = [flag.split(";")[-1] for flag in data_quality(rows, {"bureau_last_status": ("closed", "late", "open")})]
    assert flags == [
        "no_records:bureau,calls,court",
        "no_records:calls,court",
        "no_records:calls,court",
        "no_records:bureau",
    ]
