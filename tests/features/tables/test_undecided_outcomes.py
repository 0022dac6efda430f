"""Rows whose outcome is still open are counted and left out, whatever the file, the chunk and the other columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas.contract import Schema
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
