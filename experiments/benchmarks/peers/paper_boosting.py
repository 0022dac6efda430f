"""XGBoost as ``paper_protocol`` uses it: columns to one matrix, depth and number of trees chosen on training rows.

XGBoost comes with the extra ``creditfusion[benchmarks]`` and is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.arrays import Floats
from features.tables.applications import Applications
from features.tabular import TabularEncoder

DEPTHS = (2, 3, 4, 5)
MAX_TREES = 1000
PATIENCE = 50  # trees without a better inner log-loss
INNER_FOLDS = 5
SETTINGS = {"learning_rate": 0.05, "min_child_weight": 10.0, "subsample": 0.8, "colsample_bytree": 0.8}


def matrix(applications: Applications, encoder: TabularEncoder, ordered: Sequence[str]) -> Floats:
    """The columns as float64 (n, k): numbers as they are, NaN = missing; of ``ordered`` text columns the place of the
    level in the schema's list; one column of 0 and 1 per level of the others.
    """
    block = encoder.encode(applications)
    parts = [block.x_num.astype(np.float64)]
    for i, name in enumerate(block.cat_names):
        if name in ordered:
            places = {level: float(place) for place, level in enumerate(encoder.schema[name].categories)}
            found = [places.get(level, np.nan) for level in applications.frame[name]]
            parts.append(np.array(found, np.float64)[:, None])
        else:
            parts.append((block.x_cat[:, [i]] == np.arange(block.n_levels[i])).astype(np.float64))
    return np.column_stack(parts)


def boosted(x: Floats, y: Floats, later: Floats, seed: int, threads: int) -> Floats:
    """Log-odds of bad, float64 (m,), of the rows ``later`` (m, k) by trees that learned from x (n, k) and y (n,).

    Depth and number of trees are those with the least log-loss in a cross-validation of the rows of x.
    """
    import xgboost

    known = xgboost.DMatrix(x, y, nthread=threads)
    best = (np.inf, 0, 0)
    for depth in DEPTHS:
        curve = np.asarray(
            xgboost.cv(
                _settings(depth, seed, threads),
                known,
                MAX_TREES,
                nfold=INNER_FOLDS,
                stratified=True,
                early_stopping_rounds=PATIENCE,
                as_pandas=False,
                seed=seed,
            )["test-logloss-mean"]
        )
        best = min(best, (float(curve.min()), depth, int(curve.argmin()) + 1))
    _, depth, n_trees = best
    model = xgboost.train(_settings(depth, seed, threads), known, n_trees)
    return np.asarray(model.predict(xgboost.DMatrix(later, nthread=threads), output_margin=True), np.float64)


def _settings(depth: int, seed: int, threads: int) -> dict[str, object]:
    own = {"objective": "binary:logistic", "eval_metric": "logloss", "tree_method": "hist"}
    return {**own, **SETTINGS, "max_depth": depth, "seed": seed, "nthread": threads}
