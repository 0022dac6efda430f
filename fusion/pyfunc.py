"""The model as MLflow loads it: a loader module of its ``python_function`` flavour, so that no pickle is needed.

``creditfusion bundle mlflow`` writes the folder, whose ``MLmodel`` names this module. MLflow calls ``_load_pyfunc``
with the folder's data, the bundle and, unless it is the embedded one, its text encoder. MLflow itself is not imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from fusion.frames import ScoredFrame
from fusion.scorer import N_REASONS, Scorer, load_scorer

BUNDLE, ENCODER = "bundle", "encoder"
"""What lies in the folder of data."""

REJECTED = {"column": "rejected_column", "rule": "rejected_rule", "message": "rejected_message"}
"""Columns of rejects, and what they are called beside scores."""


@dataclass(frozen=True)
class PyFunc:
    """A scorer with the face that MLflow expects.

    Attributes:
        scorer: of the bundle.
    """

    scorer: Scorer

    def predict(self, model_input: pd.DataFrame, params: Mapping[str, object] | None = None) -> pd.DataFrame:
        """Every row that was given, in its order and with its index, as ``prediction`` lays it out.

        params: none are known.
        """
        del params  # in the signature that MLflow calls
        rows = model_input.reset_index(drop=True)  # labels may stand twice
        return prediction(self.scorer.score(rows), model_input.index)


def prediction(scored: ScoredFrame, index: pd.Index) -> pd.DataFrame:
    """Scores and rejects as one frame of all rows.

    The columns of scores, then why a row was rejected: column, rule and message. A rejected row has neither PD nor
    score, and its texts are empty, as are the reasons of rejection of a scored row.

    Args:
        scored: of rows that are labelled by their positions.
        index: labels of the rows.
    """
    positions = pd.RangeIndex(len(index))
    scores = scored.scores.reindex(positions)
    rejects = scored.rejects[list(REJECTED)].rename(columns=REJECTED).reindex(positions)
    found = pd.concat([scores, rejects], axis=1)
    for name, column in found.items():
        if name == "reasons":
            found[name] = [codes if isinstance(codes, list) else [] for codes in column]
        elif name not in scored.scores or not pd.api.types.is_numeric_dtype(scored.scores[name]):
            found[name] = column.astype(object).where(column.notna(), "")
    return found.set_axis(index)


def _load_pyfunc(path: str, model_config: Mapping[str, object] | None = None) -> PyFunc:
    """The model in an MLflow folder's data.

    model_config: ``reasons`` is how many stand beside every score at most.
    """
    folder = Path(path)
    encoder = folder / ENCODER
    reasons = int(str((model_config or {}).get("reasons", N_REASONS)))
    return PyFunc(load_scorer(folder / BUNDLE, encoder=str(encoder) if encoder.is_dir() else None, reasons=reasons))
