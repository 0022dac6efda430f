"""What each source of the demo is worth on the new applications, beside what the rule says that it could be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.reader import load_schema
from experiments.demo.records import DATES
from experiments.session.summary import Summary
from features.arrays import Floats
from features.design import Design
from features.narratives.reader import TextReader
from features.tables.applications import Applications
from features.tabular import TabularEncoder
from fusion.metrics import auc, delong
from fusion.model.folds import tied_groups
from fusion.model.fusion_model import Margins
from fusion.model.training import TrainingSample, fit
from fusion.scorer import Scorer
from fusion.text_encoder import open_reader

INTERVAL = "lost, 95 % interval"


def margins_of_applications_alone(past: Applications, new: Applications, scorer: Scorer) -> Floats:
    """float64 (n,), log-odds of the new applications by a model with the scorer's settings that learned from the past
    ones without any source.
    """
    config = scorer.bundle.config
    past, new = _own_part(past), _own_part(new)
    reader = open_reader(past.schema, config.text, scorer.encoder)
    tabular = TabularEncoder.fit(past)
    sample = TrainingSample(
        _design(past, tabular, reader), past.outcome(), tied_groups(past), tabular.monotone, past.decision_date(), ()
    )
    model, _ = fit(sample, config)
    return model.margins(_design(new, tabular, reader)).fused


def _own_part(applications: Applications) -> Applications:
    """The applications as the plain demo's contract has them: without what is made of sources."""
    schema = load_schema("demo")
    own = [field.name for field in schema.fields if field.name in applications.frame]
    return Applications(schema, applications.frame[own], applications.row_number)


def _design(applications: Applications, tabular: TabularEncoder, reader: TextReader) -> Design:
    return Design(tabular.encode(applications), reader.read(applications))


def judge_sources(truth: Path, margins: Margins, alone: Floats) -> Summary:
    """AUCs of the model, of the models without one source each, and of the applications alone, side by side, each
    beside the best that the rule makes possible.

    Args:
        truth: the file of the new applications' truth.
        margins: of the new applications, in its order.
        alone: float64 (n,), log-odds by the model of the applications alone.
    """
    table = pd.read_csv(truth)
    y = np.where(table["outcome"] == "defaulted", 1.0, 0.0)
    return {"AUC on the new applications": dict(_columns(table, y, margins, alone))}


def _columns(table: pd.DataFrame, y: Floats, margins: Margins, alone: Floats) -> Iterator[tuple[str, Summary]]:
    rule = table["true_log_odds"].to_numpy()
    parts = {name: table[f"{name}_log_odds"].to_numpy() for name in DATES}
    yield "all", {"model": auc(y, margins.fused), "best possible": auc(y, rule), "lost": None, INTERVAL: None}
    lacking = {f"without {name}": (margins.without[name], rule - parts[name]) for name in DATES}
    for name, (margin, best) in {**lacking, "application alone": (alone, rule - sum(parts.values()))}.items():
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
