"""Applications with many transactions each, as files and as a contract: what the measurements of joins read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema

APPLICATIONS, TRANSACTIONS = "applications.csv", "transactions"
_LEVELS = ("rent", "food", "wage", "debt", "other")
_DECIDED = np.datetime64("2024-06-01")
_ROWS_AT_A_TIME = 1_000_000

AGGREGATES: tuple[dict[str, Any], ...] = (
    {"name": "n", "kind": "count"},
    {"name": "n_debt", "kind": "count", "where": [{"column": "kind", "in": ["debt"]}], "window_days": 180},
    {"name": "share_wage", "kind": "share", "where": [{"column": "kind", "in": ["wage"]}]},
    {"name": "kinds", "kind": "distinct", "of": "kind"},
    {"name": "total", "kind": "sum", "of": "amount"},
    {"name": "total_90", "kind": "sum", "of": "amount", "window_days": 90},
    {"name": "mean", "kind": "mean", "of": "amount"},
    {"name": "least", "kind": "min", "of": "amount"},
    {"name": "most", "kind": "max", "of": "amount"},
    {"name": "spread", "kind": "std", "of": "amount"},
    {"name": "last", "kind": "last", "of": "amount"},
    {"name": "last_kind", "kind": "last", "of": "kind"},
    {"name": "trend", "kind": "trend", "of": "amount", "window_days": 365},
    {"name": "since", "kind": "days_since_last"},
)
"""What is made of the transactions: every kind that costs something of its own."""


def schema() -> Schema:
    """The contract of applications and their transactions."""

    def field(name: str, kind: str, role: str) -> dict[str, Any]:
        return {"name": name, "type": kind, "creditfusion": {"role": role}}

    records = {
        "fields": [
            field("transaction", "string", "id"),
            field("id", "string", "group"),
            field("day", "date", "feature"),
            field("kind", "string", "feature"),
            field("amount", "number", "feature"),
        ],
        "creditfusion": {"name": TRANSACTIONS, "key": {"id": "id"}, "date": "day", "aggregates": list(AGGREGATES)},
    }
    document = {
        "fields": [field("id", "string", "id"), field("decided", "date", "decision_date")],
        "creditfusion": {"version": 1, "name": "applications", "sources": [records]},
    }
    return parse_schema(json.dumps(document), "the measurement")


def write_tables(folder: Path, n_applications: int, n_transactions: int) -> tuple[Path, Path, Path]:
    """Applications as CSV, and their transactions, in no order, as CSV and as Parquet."""
    random = np.random.default_rng(1)
    decided = _DECIDED + random.integers(0, 365, n_applications)
    applications = folder / APPLICATIONS
    names = pa.array([f"A{i:07d}" for i in range(n_applications)])
    pa.csv.write_csv(pa.table({"id": names, "decided": pa.array(decided)}), applications)
    table, text = folder / f"{TRANSACTIONS}.parquet", folder / f"{TRANSACTIONS}.csv"
    writers: tuple[Any, ...] = ()
    for first in range(0, n_transactions, _ROWS_AT_A_TIME):
        n = min(_ROWS_AT_A_TIME, n_transactions - first)
        owner = random.integers(0, n_applications, n)
        batch = pa.table(
            {
                "transaction": pa.array([f"T{i:09d}" for i in range(first, first + n)]),
                "id": names.take(pa.array(owner)),
                "day": pa.array(decided[owner] - random.integers(-30, 700, n)),
                "kind": pa.array(_LEVELS).take(pa.array(random.integers(0, len(_LEVELS), n))),
                "amount": pa.array(np.round(random.lognormal(4, 1, n), 2)),
            }
        )
        writers = writers or (
            pq.ParquetWriter(table, batch.schema),
            pa.csv.CSVWriter(text, batch.schema, write_options=_plain()),
        )
        for writer in writers:
            writer.write_table(batch)
    for writer in writers:
        writer.close()
    return applications, table, text


def _plain() -> pa.csv.WriteOptions:
    return pa.csv.WriteOptions(quoting_style="none")
