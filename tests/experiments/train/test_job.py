"""The steps of training around the fit: what is learned from, what is judged, what is refused before any work."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from data_schemas.errors import ContractError, RunError
from data_schemas.reader import load_schema, parse_schema
from experiments.demo.data import generate
from experiments.session.decision_dates import rows_until
from experiments.session.run import Run
from experiments.train.decided import read_decided
from experiments.train.job import TrainingFiles
from experiments.train.rows import later_rows, window
from features.tables.applications import Applications
from features.tables.csv_records import data_digest
from features.tables.reader import ReadOptions
from fusion.bundle import verify
from tests.support.bundles import train_small
from tests.support.small import NAMES, applications, row, small_schema, write_csv

UNTIL = date(2024, 3, 31)


@pytest.fixture
def decided(tmp_path: Path) -> Applications:
    """Four applications: the last day to learn from, the day after, no date, and an early one."""
    dates = ["31.03.2024", "01.04.2024", "", "05.01.2023"]
    return applications(tmp_path, [row(id=str(i), asked=asked) for i, asked in enumerate(dates)])


def test_a_row_without_a_date_is_neither_learned_from_nor_held_out_as_later(decided: Applications) -> None:
    learn = rows_until(decided, UNTIL)
    assert learn.tolist() == [True, False, False, True]
    assert later_rows(decided, learn).tolist() == [1]


def test_without_a_last_day_every_row_is_learned_from(decided: Applications) -> None:
    learn = rows_until(decided, None)
    assert learn.all()
    assert later_rows(decided, learn).size == 0


def test_a_last_day_before_every_row_is_refused(decided: Applications) -> None:
    with pytest.raises(ContractError, match="no row was decided up to 2020-01-01"):
        rows_until(decided, date(2020, 1, 1))


def test_a_last_day_needs_decision_dates(tmp_path: Path) -> None:
    names = [name for name in NAMES if name != "asked"]
    schema = small_schema()
    frame = applications(tmp_path, [row()]).frame[[name for name in names if name not in ("clerk", "outcome")]]
    undated = Applications(schema, frame, np.array([1], dtype=np.int64))
    with pytest.raises(ContractError, match="--until 2024-03-31 needs decision dates"):
        rows_until(undated, UNTIL)
    assert window(undated, np.array([True])) is None


def test_the_window_is_that_of_the_dated_rows(decided: Applications) -> None:
    assert window(decided, np.ones(4, dtype=np.bool_)) == ("2023-01-05", "2024-04-01")
    assert window(decided, rows_until(decided, UNTIL)) == ("2023-01-05", "2024-03-31")
    assert window(decided, np.array([False, False, True, False])) is None


def test_every_row_is_read_or_rejected(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "past.csv", [row(id="1"), row(id="2", outcome=""), row(id="3", income="much")])
    with Run.start("train", None, {}) as run:
        read = read_decided(small_schema(), (data,), ReadOptions(need_target=True), run)
    assert len(read.applications) == 1
    assert read.data_digest == data_digest([data])
    assert read.rejects.frame["rule"].tolist() == ["required", "type"]


def test_the_data_digest_knows_content_and_order(tmp_path: Path) -> None:
    one, two, copy = tmp_path / "one", tmp_path / "two", tmp_path / "copy"
    one.write_text("a")
    two.write_text("b")
    copy.write_text("a")
    assert data_digest([one, two]) == data_digest([copy, two]) != data_digest([two, one])
    with pytest.raises(RunError, match="absent does not exist"):
        data_digest([tmp_path / "absent"])
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RunError, match="pipe is no regular file"):
        data_digest([one, tmp_path / "pipe"])


@pytest.mark.parametrize("out", [".", "model"])
def test_files_beside_the_bundle_have_a_name_for_every_out(out: str) -> None:
    assert TrainingFiles((), Path(out)).rejects.name.endswith(".rejects.csv")


def test_the_card_names_what_is_known_only_later(tmp_path: Path) -> None:
    document = json.loads(load_schema("demo").source)
    own = {"role": "auxiliary", "auxiliary": {"kind": "numeric", "direction": "falling"}}
    document["fields"].append({"name": "last_score", "type": "number", "creditfusion": own})
    table = generate(300, 1, np.datetime64("2023-01-01"), 365).table.astype(object).assign(last_score="high")
    bundle = train_small(tmp_path, table, schema=parse_schema(json.dumps(document), "later"))
    card = verify(bundle)[1]["card.md"].decode()
    assert "- Known only later, and read in training alone: last_score.\n" in card
    assert "last_score" not in card.split("Known only later")[0]
