"""Applications that have the columns of their sources already, and a contract of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from data_schemas.reader import load_schema, parse_schema
from experiments.demo.data import generate
from tests.support.sources import BUREAU, CALLS, with_sources

UNUSED: dict[str, Any] = {
    "title": "Court register",
    "fields": [
        {"name": "application_id", "type": "string", "creditfusion": {"role": "group"}},
        {"name": "fine", "type": "number", "creditfusion": {"role": "feature", "unit": "USD"}},
    ],
    "creditfusion": {
        "name": "court",
        "key": {"application_id": "application_id"},
        "undated": "The register is a copy of the day of the decision.",
        "aggregates": [
            {"name": "court_entries", "kind": "count"},
            {"name": "court_mean_fine", "kind": "mean", "of": "fine"},
        ],
    },
}
"""A register in which nobody of ``joined_table`` stands."""

MADE: tuple[str, ...] = ("bureau_open", "bureau_balance_trend", "bureau_last_status", "bureau_since")
MADE += ("call_notes", "court_entries", "court_mean_fine")
"""Columns that are made of the records of sources."""

NOTES = ("[2019-05-{day:02d}] He paid the late bill. He called back.", "[2019-06-{day:02d}] Nobody answered the phone.")


def joined_schema() -> Schema:
    """The demo's contract with the bureau, the calls, the court, and a feature derived from the bureau; every input has
    a reason.
    """
    document = with_sources(BUREAU, CALLS, UNUSED)
    own = document["creditfusion"]
    derived = {"name": "open_per_amount", "kind": "ratio", "of": ["bureau_open", "amount"]}
    own.setdefault("derived", []).append(derived)
    parts = [source["creditfusion"] for source in own["sources"]]
    parts[1]["wording"] = "From our notes on your calls"
    for part in (derived, *(one for own in parts for kind in ("aggregates", "texts") for one in own.get(kind, []))):
        part.setdefault("reason", {"code": part["name"].upper(), "wording": f"Your {part['name']}."})
    return parse_schema(json.dumps(document), "the demo with sources")


def joined_table(n: int, seed: int) -> pd.DataFrame:
    """Decided applications of the demo that have the columns of ``joined_schema`` already; more open accounts and a
    falling balance go with bad outcomes. Every tenth has no record in any source.
    """
    table, rng = generate(n, seed).table, np.random.default_rng([seed, 7])
    bad = table["outcome"].isin(load_schema("demo").bad_values).to_numpy()
    known = np.arange(n) % 10 > 0
    trend = np.where(known, np.round(rng.normal(100.0 - 300.0 * bad, 400.0), 2), np.nan)
    status = np.where(bad & (rng.random(n) < 0.6), "late", rng.choice(["open", "closed"], n))
    notes = ["\n".join(NOTES[: 1 + at % 2]).format(day=1 + at % 28) if at % 3 else "" for at in range(n)]
    return table.assign(
        bureau_open=np.where(known, rng.poisson(1.0 + 1.5 * bad), 0),
        bureau_balance_trend=trend,
        bureau_last_status=np.where(known, status, ""),
        bureau_since=np.where(known, rng.integers(1, 900, n), np.nan),
        call_notes=[note if one else "" for note, one in zip(notes, known, strict=True)],
        court_entries=0,
        court_mean_fine=np.nan,
    )
