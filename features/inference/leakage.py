"""Signs of leakage: a column that predicts the outcome too well alone, or was filled in after the decision."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from data_schemas.contract import FieldType
from features.arrays import Flags, Floats
from features.inference.profile import ColumnProfile

MAX_AUC = 0.8
"""A single column known at the decision rarely ranks outcomes better than this; a bureau score reaches 0.65 to 0.75."""

MIN_ROWS = 30
_PURE = 0.99  # share of one outcome among rows that makes them suspect
_CHANCE = 1e-6  # by which the other outcome would be absent among so many rows if the column knew nothing


def leak_by_outcome(column: ColumnProfile, bad: Floats) -> str:
    """Why a column may be filled in after the outcome is known, with figures; "" where nothing suggests it.

    Args:
        bad: float64 (n,), 1 bad, 0 good, NaN unknown.
    """
    known = np.isfinite(bad)
    if known.sum() < MIN_ROWS or not 0 < np.nanmean(bad) < 1:
        return ""
    outcome, present = bad[known], column.present[known]
    auc = single_auc(column, bad)
    if auc >= MAX_AUC:
        return f"alone it separates the outcomes with an AUC of {auc:.2f}"
    if why := _one_sided(present, outcome):
        return f"it is filled for {why}"
    usual = column.levels[0] if column.levels else ""
    unusual = present & (column.cells != usual).to_numpy(dtype=np.bool_)[known]
    if column.values is not None and (why := _one_sided(unusual, outcome)):
        return f"it differs from {usual} for {why}"
    return ""


def single_auc(column: ColumnProfile, bad: Floats) -> float:
    """AUC with which the column alone ranks the outcomes, in the better direction, from 0.5 to 1.

    Numbers and dates rank by value, missing as one more value at either end; texts by the share of bad of their level
    in the other half of the rows, so that levels that occur once carry no information.
    """
    known = np.isfinite(bad)
    outcome = bad[known]
    if column.values is not None and column.type is not FieldType.STRING:
        values = column.values[known]
        ends = (np.nanmin(values) - 1, np.nanmax(values) + 1) if np.isfinite(values).any() else (0.0, 0.0)
        return max(_auc(outcome, np.nan_to_num(values, nan=end)) for end in ends)
    _, codes = np.unique(column.cells.to_numpy()[known].astype(str), return_inverse=True)
    rates = np.empty(len(outcome))
    half = np.random.default_rng(0).permutation(len(outcome)) % 2 == 0
    for learn, apply in ((half, ~half), (~half, half)):
        counts = np.bincount(codes[learn], minlength=codes.max() + 1)
        n_bad = np.bincount(codes[learn], outcome[learn], minlength=codes.max() + 1)
        rates[apply] = ((n_bad + 10 * outcome.mean()) / (counts + 10))[codes[apply]]  # shrunk towards the mean
    return _auc(outcome, rates)


def after_decision(column: ColumnProfile, decided: ColumnProfile) -> str:
    """Why this date lies after the decision; "" when it does not, or is no date."""
    if column.type is not FieldType.DATE or column.values is None or decided.values is None:
        return ""
    both = column.present & decided.present
    share = float(np.mean(column.values[both] > decided.values[both])) if both.any() else 0.0
    return f"it lies after {decided.name} in {share:.0%} of the rows" if share > 0.05 else ""


def _auc(outcome: Floats, values: Floats) -> float:
    if outcome.min() == outcome.max():
        return 0.5
    auc = float(roc_auc_score(outcome, values))
    return max(auc, 1 - auc)


def _one_sided(chosen: Flags, outcome: Floats) -> str:
    """That the chosen rows have nearly all one outcome, more often than chance allows; "" otherwise."""
    n = int(chosen.sum())
    if n < MIN_ROWS or n == len(chosen):
        return ""
    for share, base, what in (
        (float(outcome[chosen].mean()), float(outcome.mean()), "bad"),
        (1 - float(outcome[chosen].mean()), 1 - float(outcome.mean()), "good"),
    ):
        if share >= _PURE and n * np.log(base) < np.log(_CHANCE):
            return f"{n} rows, {share:.1%} of them {what}"
    return ""
