"""AutoGluon tabular, with the features that it makes of texts (n-grams and counts) and its ensembles.

Runs in an environment of its own, with nothing of creditfusion but this folder; see docs/benchmarks.md for its making.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from autogluon.tabular import TabularPredictor

from experiments.benchmarks.peers.contenders.tables import OUTCOME, Budget, Training
from features.arrays import Floats


def fit(training: Training, folder: Path, budget: Budget) -> Mapping[str, object]:
    """Fit within the budget's seconds and save what prediction needs; what became of it."""
    predictor = TabularPredictor(OUTCOME, problem_type="binary", eval_metric="log_loss", path=folder, log_to_file=True)
    threads = os.environ.get("OMP_NUM_THREADS", "")
    predictor.fit(
        training.frame.assign(**{OUTCOME: training.y.astype(np.int64)}),
        presets=budget.preset,
        time_limit=budget.seconds,
        dynamic_stacking=False,  # else a quarter of the time goes into finding out whether to stack
        num_cpus=int(threads) if threads.isdigit() and int(threads) else "auto",
        num_gpus=0,
    )
    kinds = {str(kind): len(names) for kind, names in predictor.feature_metadata.type_group_map_special.items()}
    board = predictor.leaderboard(silent=True)
    predictor.save_space()
    return {
        "preset": budget.preset,
        "seconds": budget.seconds,
        "models": len(board),
        "best": predictor.model_best,
        "log_loss": -float(board["score_val"].max()),
        "special_features": kinds,
    }


def load(folder: Path, _budget: Budget) -> Callable[[pd.DataFrame], Floats]:
    """A saved contender: PDs of a frame."""
    predictor = TabularPredictor.load(str(folder))
    predictor.persist()
    return lambda frame: np.asarray(predictor.predict_proba(frame)[1], dtype=np.float64)
