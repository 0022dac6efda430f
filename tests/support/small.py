"""A small schema with one column of every kind, and applications for it; shared by the tests of features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from tests.support.damage import csv_line

FIELDS: list[dict[str, Any]] = [
    {"name": "id", "type": "string", "creditfusion": {"role": "id"}},
    {"name": "asked", "type": "date", "format": "%d.%m.%Y", "creditfusion": {"role": "decision_date"}},
    {"name": "income", "type": "number", "creditfusion": {"role": "feature", "direction": "falling"}},
    {"name": "amount", "type": "number", "creditfusion": {"role": "feature", "direction": "rising"}},
    {"name": "loans", "type": "integer", "creditfusion": {"role": "feature"}},
    {"name": "owner", "type": "boolean", "creditfusion": {"role": "feature"}},
    {"name": "home", "type": "string", "categories": ["rent", "own"], "creditfusion": {"role": "feature"}},
    {"name": "town", "type": "string", "creditfusion": {"role": "feature"}},
    {"name": "since", "type": "date", "creditfusion": {"role": "feature"}},
    {"name": "note", "type": "string", "creditfusion": {"role": "narrative"}},
    {"name": "sex", "type": "string", "creditfusion": {"role": "protected"}},
    {"name": "clerk", "type": "string", "creditfusion": {"role": "ignored"}},
    {"name": "outcome", "type": "string", "creditfusion": {"role": "target"}},
]
DERIVED = [
    {"name": "burden", "kind": "ratio", "of": ["amount", "income"], "direction": "rising"},
    {"name": "rest", "kind": "difference", "of": ["income", "amount"]},
    {"name": "years", "kind": "years_between", "of": ["since", "asked"], "direction": "falling"},
]
NAMES = [str(column["name"]) for column in FIELDS]
ROW = ["1", "01.03.2024", "50000", "10000", "2", "true", "rent", "Ulm", "2014-03-01", "A car.", "f", "x", "bad"]


def small_schema(good_values: Sequence[str] = ()) -> Schema:
    """The small schema; every outcome but "bad" is good unless the good ones are named."""
    own = {"version": 1, "name": "small", "bad_values": ["bad"], "good_values": list(good_values), "derived": DERIVED}
    return parse_schema(json.dumps({"missingValues": ["NA"], "fields": FIELDS, "creditfusion": own}), "small")


def row(**cells: str) -> list[str]:
    """A sound row with some cells changed."""
    return [cells.get(name, cell) for name, cell in zip(NAMES, ROW, strict=True)]


def write_csv(path: Path, rows: Sequence[Sequence[str]], names: Sequence[str] = NAMES) -> Path:
    """Write a header and rows as CSV."""
    path.write_text(csv_line(names) + "".join(map(csv_line, rows)), encoding="utf-8", newline="")
    return path


def applications(folder: Path, rows: Sequence[Sequence[str]], need_target: bool = False) -> Applications:
    """The applications that these rows give; every row must be sound."""
    chunk = read_all(write_csv(folder / "rows.csv", rows), small_schema(), ReadOptions(need_target=need_target))
    assert len(chunk.rejects) == 0, chunk.rejects.frame["message"].tolist()
    return chunk.applications
