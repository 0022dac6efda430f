"""A second bundle, of fraud, and applications that both models read; shared by tests of second models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from tests.support.bundles import train_small
from tests.support.explained import Trained, any_id_schema


@dataclass(frozen=True)
class Suspicious:
    """A second bundle, and applications that both models read."""

    model: Path
    data: Path
    table: pd.DataFrame
    unreadable: str  # id of the row that breaks the second contract alone


def fraud_schema() -> Schema:
    """The demo's columns, a device that the demo knows nothing of, and fraud as the label."""
    document = json.loads(any_id_schema().source)
    for field in document["fields"]:
        if field["name"] == "outcome":
            field["creditfusion"]["role"] = "ignored"
    levels = {"type": "string", "constraints": {"enum": ["phone", "desk"]}}
    document["fields"] += [
        {"name": "device", **levels, "creditfusion": {"role": "feature"}},
        {"name": "fraud", "type": "string", "creditfusion": {"role": "target"}},
    ]
    settings = document["creditfusion"]
    document["creditfusion"] = settings | {"name": "fraud", "bad_values": ["yes"], "good_values": ["no"]}
    document["creditfusion"].pop("undecided_values", None)
    return parse_schema(json.dumps(document), "fraud")


def train_suspicious(trained: Trained, folder: Path) -> Suspicious:
    """Train on the applications of the first bundle, with a device and fraud besides."""
    random = np.random.default_rng(0)
    past = pd.read_csv(trained.folder / "past.csv", dtype=str, keep_default_na=False)
    device = np.where(random.random(len(past)) < 0.5, "phone", "desk")
    fraud = np.where(random.random(len(past)) < np.where(device == "phone", 0.6, 0.05), "yes", "no")
    model = train_small(folder, past.assign(device=device, fraud=fraud), schema=fraud_schema())
    table = trained.table.astype(str).assign(device=np.resize(["phone", "desk"], len(trained.table)))
    table.loc[20, "device"] = "abacus"
    table.to_csv(folder / "new.csv", index=False)
    return Suspicious(model, folder / "new.csv", table, trained.id_at(20))
