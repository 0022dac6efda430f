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
from fusion.metrics import auc, delong
from fusion.model.fusion_model import Margins

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
    lacking = {f"without {name}": (margins.without[name], rule - parts[name]) for name in DATES}
    lacking["application alone"] = (margins.without[EVERY_SOURCE], rule - sum(parts.values()))
    for name, (margin, best) in lacking.items():
        lost = delong(y, margins.fused, margin)
        yield (
            name,
            {
                "model": auc(y, margin),
                "best possible": auc(y, best),
                "lost": lost.difference,
                INTERVAL: (lost.low, lost.high),
            },
        )
