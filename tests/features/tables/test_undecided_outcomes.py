"""Rows whose outcome is still open are counted and left out, whatever the file, the chunk and the other columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.contract import Schema
from data_schemas.numbers import threshold
from data_schemas.reader import parse_schema
from features.tables.applications import Chunk
from features.tables.reader import ReadOptions, read_all, read_chunks
from tests.support.small import FIELDS, row, write_csv

OPEN = ("Current", "Late (31-120 days)", "")


def schema(undecided: Sequence[str] = OPEN, good: Sequence[str] = ("good",)) -> Schema:
    own = {"version": 1, "name": "open", "bad_values": ["bad"], "good_values": list(good)}
    own["undecided_values"] = list(undecided)
    fields = [field for field in FIELDS if field["name"] != "since"]
    return parse_schema(json.dumps({"missingValues": ["NA"], "fields": fields, "creditfusion": own}), "open")


def read(folder: Path, outcomes: Sequence[str], contract: Schema, need_target: bool = True) -> Chunk:
    rows = [row(id=str(at), outcome=outcome) for at, outcome in enumerate(outcomes)]
    return read_all(write_csv(folder / "rows.csv", rows), contract, ReadOptions(need_target=need_target))


def test_open_outcomes_are_counted_and_break_nothing(tmp_path: Path) -> None:
    chunk = read(tmp_path, ["bad", "Current", " Late (31-120 days) ", "", "good"], schema())
    assert (chunk.applications.ids, chunk.n_undecided, len(chunk.rejects)) == (["0", "4"], 3, 0)
    assert chunk.applications.outcome().tolist() == [1.0, 0.0]
    assert chunk.n_rows == 5


def test_an_empty_outcome_is_rejected_where_it_is_not_listed(tmp_path: Path) -> None:
    chunk = read(tmp_path, ["bad", "", "Current"], schema(OPEN[:2]))
    assert (chunk.rejects.frame["rule"].tolist(), chunk.n_undecided) == (["required"], 1)


def test_a_missing_code_may_mean_open(tmp_path: Path) -> None:
    chunk = read(tmp_path, ["bad", "NA", ""], schema(("NA",)))
    assert (chunk.rejects.frame["row"].tolist(), chunk.n_undecided) == ([3], 1)


def test_an_unknown_outcome_is_rejected_and_the_remedy_names_all_three_lists(tmp_path: Path) -> None:
    chunk = read(tmp_path, ["Sold", "good"], schema())
    (message,) = chunk.rejects.frame["message"]
    assert "bad_values or good_values, or in undecided_values" in message


def test_open_outcomes_are_not_good_where_all_else_is(tmp_path: Path) -> None:
    chunk = read(tmp_path, ["bad", "Current", "anything"], schema(good=()))
    assert (chunk.applications.ids, chunk.n_undecided) == (["0", "2"], 1)


def test_an_open_row_that_breaks_the_contract_is_rejected(tmp_path: Path) -> None:
    rows = [row(id="1", outcome="Current", income="much"), row(id="2")]
    chunk = read_all(write_csv(tmp_path / "rows.csv", rows), schema(), ReadOptions(need_target=True))
    assert (len(chunk.rejects), chunk.n_undecided, chunk.applications.ids) == (1, 0, ["2"])


def test_an_id_that_stood_in_an_open_row_is_a_repeat(tmp_path: Path) -> None:
    rows = [row(id="1", outcome="Current"), row(id="1")]
    chunk = read_all(write_csv(tmp_path / "rows.csv", rows), schema(), ReadOptions(need_target=True))
    assert (chunk.rejects.frame["rule"].tolist(), chunk.n_undecided) == (["unique"], 1)


def test_scoring_ignores_the_outcome_as_before(tmp_path: Path) -> None:
    chunk = read(tmp_path, ["bad", "Current", ""], schema(), need_target=False)
    assert (len(chunk.applications), chunk.n_undecided) == (3, 0)


@given(outcomes=st.lists(st.sampled_from(["bad", "good", *OPEN, "strange"]), max_size=30), chunk_rows=st.integers(1, 9))
def test_every_row_is_an_application_rejected_or_undecided_whatever_the_chunk(
    tmp_path_factory: pytest.TempPathFactory, outcomes: list[str], chunk_rows: int
) -> None:
    rows = [row(id=str(at), outcome=outcome) for at, outcome in enumerate(outcomes)]
    path = write_csv(tmp_path_factory.mktemp("open") / "rows.csv", rows)
    options = ReadOptions(need_target=True, chunk_rows=chunk_rows)
    chunks = list(read_chunks(path, schema(), options))
    assert sum(chunk.n_rows for chunk in chunks) == len(outcomes)
    assert sum(chunk.n_undecided for chunk in chunks) == sum(outcome in OPEN for outcome in outcomes)
    assert sum(len(chunk.applications) for chunk in chunks) == sum(outcome in ("bad", "good") for outcome in outcomes)


def numeric(bad_if: str, undecided: Sequence[str] = ("open", ""), **target: object) -> Schema:
    """The small contract with an outcome of numbers."""
    own = {"version": 1, "name": "days", "bad_if": bad_if, "undecided_values": list(undecided)}
    fields = [field for field in FIELDS if field["name"] not in ("since", "outcome")]
    fields.append({"name": "outcome", "type": "number", "creditfusion": {"role": "target"}, **target})
    return parse_schema(json.dumps({"missingValues": ["NA"], "fields": fields, "creditfusion": own}), "days")


@pytest.mark.parametrize(
    ("bad_if", "bad"),
    [(">= 90", [0, 0, 1, 1]), ("> 90", [0, 0, 0, 1]), ("<=90", [1, 1, 1, 0]), ("< 90.0", [1, 1, 0, 0])],
)
def test_a_number_is_bad_by_the_threshold_of_the_contract(tmp_path: Path, bad_if: str, bad: list[float]) -> None:
    chunk = read(tmp_path, ["-1", "89.9", "9e1", " 1000 ", "open", ""], numeric(bad_if))
    assert chunk.applications.outcome().tolist() == bad
    assert (chunk.n_undecided, len(chunk.rejects)) == (2, 0)


def test_what_is_no_number_and_not_undecided_is_rejected(tmp_path: Path) -> None:
    chunk = read(tmp_path, ["90", "late", "NA", "", "open"], numeric(">= 90", ("open",)))
    assert chunk.rejects.frame["rule"].tolist() == ["type", "required", "required"]
    assert (chunk.applications.outcome().tolist(), chunk.n_undecided) == ([1.0], 1)


def test_a_threshold_reads_numbers_as_their_column_writes_them(tmp_path: Path) -> None:
    marks = {"decimalChar": ",", "groupChar": ".", "bareNumber": False}
    own = {"creditfusion": {"role": "target", "affixes": ["EUR"]}}
    chunk = read(tmp_path, ["1.000,50 EUR", "999,99 EUR", "-1", "-1,0"], numeric("> 1000", ("-1",), **marks, **own))
    assert (chunk.applications.outcome().tolist(), chunk.n_undecided) == ([1.0, 0.0], 2)


@given(
    st.lists(st.integers(-5, 5), min_size=1, max_size=20), st.sampled_from([">=", ">", "<=", "<"]), st.integers(-5, 5)
)
def test_a_threshold_and_its_opposite_divide_all_numbers(numbers: list[int], relation: str, bound: int) -> None:
    bad_if = threshold(f"{relation}{bound}")
    assert bad_if is not None
    values = np.array(numbers, dtype=np.float64)
    assert (bad_if.met(values) != bad_if.opposite.met(values)).all()
    assert bad_if.opposite.opposite == bad_if == threshold(str(bad_if))
    assert not bad_if.met(np.array([np.nan])).any()


def test_outcomes_of_numbers_are_equal_in_parquet(tmp_path: Path) -> None:
    cells = ["90", "12", "", "400"]
    csv = read(tmp_path, cells, numeric(">= 90"))
    frame = pd.read_csv(tmp_path / "rows.csv", dtype=str, keep_default_na=False)
    frame["outcome"] = pd.array([90, 12, None, 400], dtype="Int64")
    frame.to_parquet(tmp_path / "rows.parquet")
    parquet = read_all(tmp_path / "rows.parquet", numeric(">= 90"), ReadOptions(need_target=True))
    assert parquet.applications.outcome().tolist() == csv.applications.outcome().tolist() == [1.0, 0.0, 1.0]
    assert parquet.n_undecided == csv.n_undecided == 1
