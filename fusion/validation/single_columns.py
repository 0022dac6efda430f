"""One structured column by itself: how well it ranks outcomes, and how often it is missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from features.arrays import Floats
from features.design import TabularBlock
from fusion.metrics import both_classes

PRIOR_ROWS = 10  # by which the bad rate of a level is drawn towards that of all


def missing_share(block: TabularBlock, at: int) -> float:
    """Share of the rows in which column ``at`` is missing, or holds an unknown level; NaN for no rows."""
    n_num = len(block.num_names)
    gone = np.isnan(block.x_num[:, at]) if at < n_num else block.x_cat[:, at - n_num] == 0
    return float(gone.mean()) if len(gone) else float("nan")


def column_auc(block: TabularBlock, y: Floats, at: int, training: TabularBlock, training_y: Floats) -> float:
    """AUC of a column by itself, turned so that it is 0.5 or more; NaN for one class.

    Args:
        block: the rows to rank.
        y: float64 (n,), their outcomes, 1 for bad.
        at: place of the column, numbers before categories.
        training: the rows that the model learned from; levels are ranked by their bad rate there.
        training_y: float64 (m,), outcomes of these.
    """
    if not both_classes(y):
        return float("nan")
    n_num = len(block.num_names)
    if at >= n_num:
        rates = _level_rates(training.x_cat[:, at - n_num], training_y, training.n_levels[at - n_num])
        return _turned(y, rates[block.x_cat[:, at - n_num]])
    values = block.x_num[:, at].astype(np.float64)
    if np.isnan(values).all():
        return 0.5
    ends = (np.nanmin(values) - 1, np.nanmax(values) + 1)  # the missing ones at either end
    return max(_turned(y, np.where(np.isnan(values), end, values)) for end in ends)


def _turned(y: Floats, values: Floats) -> float:
    area = float(roc_auc_score(y, values))
    return max(area, 1 - area)


def _level_rates(codes: npt.NDArray[np.int32], bad: Floats, n_levels: int) -> Floats:
    """Bad rate of every level, float64 (n_levels,)."""
    overall = float(bad.mean())
    n, n_bad = np.bincount(codes, minlength=n_levels), np.bincount(codes, weights=bad, minlength=n_levels)
    rates: Floats = (n_bad + PRIOR_ROWS * overall) / (n + PRIOR_ROWS)
    return rates
