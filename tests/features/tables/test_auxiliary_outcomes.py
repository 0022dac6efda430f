"""Columns that are known only later: what training draws from them, and that scoring does not see them."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Role
from data_schemas.reader import load_schema, parse_schema
from features.tables.applications import Applications, Chunk
from features.tables.auxiliary_outcomes import auxiliary_outcomes
from features.tables.dataframe import applications_of
from features.tables.header import required_columns
from features.tables.reader import ReadOptions, header_report, read_all
from features.tabular import TabularEncoder
from tests.support.small import NAMES, ROW, row, small_schema, write_csv

MAPPINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "last_score": ("number", {"kind": "numeric", "direction": "falling"}),
    "deferred": ("boolean", {"kind": "numeric", "direction": "rising"}),
    "arrears": ("string", {"kind": "ordered", "levels": ["none", "30 days", "90 days"]}),
    "last_paid": ("date", {"kind": "time_until", "horizon": "loans"}),
    "written_off": ("date", {"kind": "time_until", "horizon": 12}),
}
LATER = list(MAPPINGS)
PAST = ReadOptions(need_target=True)


def schema_with_later() -> Schema:
    """The small schema with a column of every kind that is known only later."""
    document = json.loads(small_schema().source)
    document["fields"] += [
        {"name": name, "type": kind, "creditfusion": {"role": "auxiliary", "auxiliary": mapping}}
        for name, (kind, mapping) in MAPPINGS.items()
    ]
    return parse_schema(json.dumps(document), "small")


SCHEMA = schema_with_later()


def read(folder: Path, *rows: Sequence[str], later: Sequence[str] = LATER, options: ReadOptions = PAST) -> Chunk:
    return read_all(write_csv(folder / "rows.csv", rows, [*NAMES, *later]), SCHEMA, options)


def outcomes(applications: Applications) -> dict[str, list[float]]:
    found = auxiliary_outcomes(applications, applications.outcome())
    assert all(values.dtype == np.float64 for values in found.values())
    return {name: values.tolist() for name, values in found.items()}


def test_every_kind_rises_with_risk(tmp_path: Path) -> None:
    late = ["650", "true", "90 days", "2024-07-01", "2024-03-01"]
    rows = [[*row(loans="12"), *late], [*row(id="2", loans="12", outcome="good"), "700.5", "0", "none", "", ""]]
    found = outcomes(read(tmp_path, *rows).applications)
    assert list(found) == LATER
    assert found["last_score"] == [-650.0, -700.5]
    assert found["deferred"] == [1.0, 0.0]
    assert found["arrears"] == [2.0, 0.0]
    assert found["last_paid"] == [pytest.approx(1.5 - 122 / 365.25), 0.0]  # four months of twelve
    assert found["written_off"] == [1.2, 0.0]


def test_what_is_missing_is_unknown(tmp_path: Path) -> None:
    day = ["", "", "", "2024-07-01", "2024-07-01"]
    rows = [
        [*row(id="1"), "", "", "", "", ""],
        [*row(id="2", loans=""), *day],
        [*row(id="3", loans="0"), *day],
        [*row(id="4", asked=""), *day],
        [*row(id="5", asked="", outcome="good"), *day],
    ]
    found = outcomes(read(tmp_path, *rows).applications)
    for name in ("last_score", "deferred", "arrears"):
        assert np.isnan(found[name]).all()
    assert np.isnan(found["last_paid"]).tolist() == [True, True, True, True, False]
    assert np.isnan(found["written_off"]).tolist() == [True, False, False, True, False]


def test_severity_needs_the_day_of_the_decision(tmp_path: Path) -> None:
    applications = read(tmp_path, [*ROW, "", "", "", "2024-07-01", "2024-07-01"]).applications
    undated = Applications(SCHEMA, applications.frame.drop(columns="asked"), applications.row_number)
    assert np.isnan(outcomes(undated)["written_off"]).all()


@settings(max_examples=50)
@given(months=st.lists(st.floats(-24, 120), min_size=1, max_size=5), horizon=st.floats(1, 60))
def test_severity_falls_with_time_and_is_bounded(months: list[float], horizon: float) -> None:
    n = len(months)
    days = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.sort(months) * 30.4375, unit="D")
    frame = pd.DataFrame({"asked": pd.Timestamp("2024-03-01"), "last_paid": days, "loans": horizon}, range(n))
    typed = frame.astype({"asked": "datetime64[s]", "last_paid": "datetime64[s]"})
    applications = Applications(SCHEMA, typed, np.arange(1, n + 1))
    severity = auxiliary_outcomes(applications, np.ones(n))["last_paid"]
    assert ((severity >= 0.0) & (severity <= 1.2)).all()
    assert (np.diff(severity) <= 0.0).all()
    assert (auxiliary_outcomes(applications, np.zeros(n))["last_paid"] == 0.0).all()


def test_a_bad_cell_rejects_no_row_and_is_counted(tmp_path: Path) -> None:
    odd = ["high", "maybe", "60 days", "31.12.2024", "2024-13-01"]
    rows = [
        [*row(id="1"), *odd],
        [*row(id="2"), "high", "", "", "", ""],
        [*row(id="3", income="x"), *odd],  # rejected for another cell, so not counted
    ]
    for suffix in (".csv", ".parquet"):
        path = tmp_path / f"rows{suffix}"
        if suffix == ".csv":
            write_csv(path, rows, [*NAMES, *LATER])
        else:
            pd.DataFrame(rows, columns=[*NAMES, *LATER]).to_parquet(path)
        chunk = read_all(path, SCHEMA, ReadOptions(chunk_rows=1, need_target=True))
        assert chunk.applications.ids == ["1", "2"]
        assert chunk.unreadable == {"last_score": 2, "deferred": 1, "arrears": 1, "last_paid": 1, "written_off": 1}
        assert all(np.isnan(values).all() for values in outcomes(chunk.applications).values())


def test_files_may_lack_them(tmp_path: Path) -> None:
    one = write_csv(tmp_path / "one.csv", [[*ROW, "650", "1", "none", "", ""]], [*NAMES, *LATER])
    two = write_csv(tmp_path / "two.csv", [row(id="2")])
    assert header_report(two, SCHEMA, PAST).absent == tuple(LATER)
    assert auxiliary_outcomes(read_all(two, SCHEMA, PAST).applications, np.ones(1)) == {}
    for paths in ([one, two], [two, one]):
        found = outcomes(read_all(paths, SCHEMA, PAST).applications)
        order = slice(None) if paths[0] == one else slice(None, None, -1)
        np.testing.assert_array_equal(found["last_score"][order], [-650.0, np.nan])
        np.testing.assert_array_equal(found["arrears"][order], [0.0, np.nan])
        assert np.isnan(found["last_paid"]).all()


@settings(max_examples=60)
@given(
    cells=st.lists(st.text(alphabet='ab1,-. "\n%', max_size=8), min_size=len(LATER), max_size=len(LATER)),
    dropped=st.sets(st.sampled_from(LATER)),
)
def test_scoring_neither_needs_nor_reads_them(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str], dropped: set[str]
) -> None:
    folder, names = tmp_path_factory.mktemp("later"), [name for name in LATER if name not in dropped]
    kept = [cell for name, cell in zip(LATER, cells, strict=True) if name in names]
    rows = [row(id="1"), row(id="2", income="", note="")]
    bare = read_all(write_csv(folder / "bare.csv", rows), small_schema(), ReadOptions())
    full = read(folder, *([*one, *kept] for one in rows), later=names, options=ReadOptions())
    pd.testing.assert_frame_equal(full.applications.frame, bare.applications.frame)
    assert full.unreadable == {}
    frame = pd.DataFrame([[*one, *kept] for one in rows], columns=[*NAMES, *names])
    pd.testing.assert_frame_equal(applications_of(frame, SCHEMA).frame, bare.applications.frame)
    assert auxiliary_outcomes(full.applications, np.ones(2)) == {}


def test_no_file_has_to_have_them() -> None:
    assert required_columns(SCHEMA, need_target=False) == required_columns(small_schema(), need_target=False)
    assert required_columns(SCHEMA, need_target=True) == required_columns(small_schema(), need_target=True)


def test_they_are_no_input(tmp_path: Path) -> None:
    applications = read(tmp_path, [*ROW, "650", "1", "none", "", ""]).applications
    columns = TabularEncoder.fit(applications).encode(applications)
    assert set(LATER).isdisjoint([*columns.num_names, *columns.cat_names])


def test_a_derived_feature_cannot_stand_on_them() -> None:
    document = json.loads(SCHEMA.source)
    document["creditfusion"]["derived"][0]["of"][0] = "last_score"
    with pytest.raises(ContractError, match="needs 'last_score', which is no numeric feature"):
        parse_schema(json.dumps(document), "small")


@pytest.mark.real_data
def test_lending_club(lending_club_csv: Path, tmp_path: Path) -> None:
    schema = load_schema("lending_club")
    chunk = read_all(lending_club_csv, schema, PAST)
    y = chunk.applications.outcome()
    found = auxiliary_outcomes(chunk.applications, y)
    assert list(found) == ["last_pymnt_d", "last_fico_range_high"]
    assert chunk.unreadable == {}
    severity, score = found.values()
    assert (severity[y == 0.0] == 0.0).all()
    assert np.isnan(severity).sum() == 61  # charged off without a single payment
    assert np.nanmin(severity[y == 1.0]) == 0.0
    assert np.nanmax(severity) == 1.2
    assert np.isnan(score).sum() == 28
    assert np.nanmean(score[y == 1.0]) > np.nanmean(score[y == 0.0])
    later = {field.name for field in schema.fields_of(Role.AUXILIARY)}
    with gzip.open(lending_club_csv, "rt", encoding="utf-8", newline="") as file:
        lines = [line for _, line in zip(range(200), csv.DictReader(file), strict=False)]
    bare = write_csv(
        tmp_path / "bare.csv",
        [[cell for name, cell in line.items() if name not in later] for line in lines],
        [name for name in lines[0] if name not in later],
    )
    full = read_all(lending_club_csv, schema, ReadOptions()).applications.take(np.arange(200))
    pd.testing.assert_frame_equal(read_all(bare, schema, ReadOptions()).applications.frame, full.frame)
