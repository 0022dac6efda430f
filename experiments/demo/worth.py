"""What each source of the demo is worth on the new applications, beside what the rule says that it could be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.sources import EVERY_SOURCE
from experiments.demo.records import DATES
from experiments.session.summary import Summary
from features.arrays import Floats
from fusion.metrics import auc
from fusion.model.fusion_model import Margins
from fusion.validation.source_worth import source_worths

INTERVAL = "lost, 95 % interval"


def judge_sources(truth: Path, margins: Margins) -> Summary:
    """AUCs of the model, of the models without one source each, and of the applications alone, side by side, each
    beside the best that the rule makes possible.

    Args:
        truth: the file of the new applications' truth.
        margins: of the new applications, in its order.
    """
    table = pd.read_csv(truth)
    y = np.where(table["outcome"] == "defaulted", 1.0, 0.0)
    return {"AUC on the new applications": dict(_columns(table, y, margins))}


def _columns(table: pd.DataFrame, y: Floats, margins: Margins) -> Iterator[tuple[str, Summary]]:
    rule = table["true_log_odds"].to_numpy()
    parts = {name: table[f"{name}_log_odds"].to_numpy() for name in DATES}
    yield "all", {"model": auc(y, margins.fused), "best possible": auc(y, rule), "lost": None, INTERVAL: None}
    best = {name: rule - part for name, part in parts.items()} | {EVERY_SOURCE: rule - sum(parts.values())}
    for one in source_worths(y, margins):
        name = "application alone" if one.name == EVERY_SOURCE else f"without {one.name}"
        yield (
            name,
            {
                "model": one.without,
                "best possible": auc(y, best[one.name]),
                "lost": one.gain.difference,
                INTERVAL: (one.gain.low, one.gain.high),
            },
        )
