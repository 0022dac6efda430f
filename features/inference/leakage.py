"""Signs of leakage: a column that predicts the outcome too well alone, or was filled in after the decision.

A figure is believed by its lower confidence bound, so that chance makes no leak; and whether a cell is filled is told
apart from what stands in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data_schemas.fields import FieldType
from features.arrays import Flags, Floats, Ints
from features.inference.profile import ColumnProfile

MAX_AUC = 0.8
"""A single column known at the decision rarely ranks outcomes better than this; a bureau score reaches 0.65 to 0.75."""

CERTAIN_AUC = 0.95
"""What no column known at the decision has ever reached on any data set here."""

MIN_ROWS = 30
_Z = 1.645  # one-sided, 95 %
_FEW_VALUES = 200  # numbers that may be codes
_PURE = 0.1  # of the other outcome's usual share, which at most is left among rows that a leak picks out


@dataclass(frozen=True)
class LeakSign:
    """A column that knows more about the outcome than an application can.

    Attributes:
        certain: whether only a leak explains it; else a strong predictor may.
        why: with figures, in words.
    """

    certain: bool
    why: str


def leak_by_outcome(column: ColumnProfile, outcome: Floats) -> LeakSign | None:
    """Why a column may be filled in after the outcome is known; None where nothing suggests it.

    Args:
        outcome: float64 (n,), 1 and 0 for the two outcomes, NaN for rows without one.
    """
    known = np.isfinite(outcome)
    if known.sum() < MIN_ROWS or not 0 < np.nanmean(outcome) < 1:
        return None
    y, filled = outcome[known], column.present[known]
    if sign := one_sided(filled, y, "it is filled for"):
        return sign
    usual = column.levels[0] if column.levels else ""
    unusual = filled & ~_stands_in(column, usual)[known]
    if column.values is not None and (sign := one_sided(unusual, y, f"it differs from {usual} for")):
        return sign
    return _strong_values(column, outcome, known & column.present) or _strong_filling(filled, y)


def single_auc(column: ColumnProfile, outcome: Floats) -> float:
    """AUC with which the column's present cells alone rank the outcomes, in the better direction, from 0.5 to 1.

    Numbers and dates rank by value; texts, and numbers of few values, by the share of one outcome at their level in the
    other half of the rows, so that levels that occur once carry no information.

    Args:
        outcome: float64 (n,), 1 and 0, NaN unknown.
    """
    known = np.isfinite(outcome) & column.present
    if column.values is not None:
        known &= np.isfinite(column.values)
    y = outcome[known]
    if not len(y):
        return 0.5
    if column.values is None or column.type is FieldType.STRING:
        return _auc_by_level(column.places[known], y)
    by_value = _auc(y, column.values[known])
    return max(by_value, _auc_by_level(column.places[known], y)) if len(column.levels) <= _FEW_VALUES else by_value


def _stands_in(column: ColumnProfile, text: str) -> Flags:
    """bool (n,): the cells that hold this text."""
    return np.append(column.texts.texts == text, not text)[column.places]


def _auc_by_level(places: Ints, y: Floats) -> float:
    n_levels = int(places.max()) + 1
    rates = np.empty(len(y))
    half = np.random.default_rng(0).permutation(len(y)) % 2 == 0
    for learn, apply in ((half, ~half), (~half, half)):
        counts = np.bincount(places[learn], minlength=n_levels)
        n_high = np.bincount(places[learn], y[learn], minlength=n_levels)
        rates[apply] = ((n_high + 10 * y.mean()) / (counts + 10))[places[apply]]  # shrunk towards the mean
    return _auc(y, rates)


def lower_bound(auc: float, y: Floats) -> float:
    """The least AUC that goes with the one found, at 95 % confidence.

    The score bound of E. B. Wilson (Journal of the American Statistical Association 22, 1927) with as many trials as
    the rarer outcome has rows: wider than that of Hanley and McNeil, and sound where the AUC is 1.
    """
    n = max(min(float(y.sum()), float(len(y) - y.sum())), 1.0)
    centre = auc + _Z**2 / (2 * n)
    spread = _Z * np.sqrt(auc * (1 - auc) / n + _Z**2 / (4 * n**2))
    return float((centre - spread) / (1 + _Z**2 / n))


def after_decision(column: ColumnProfile, decided: ColumnProfile) -> str:
    """Why this date lies after the decision; "" when it does not, or is no date."""
    if column.type is not FieldType.DATE or column.values is None or decided.values is None:
        return ""
    both = column.present & decided.present
    share = float(np.mean(column.values[both] > decided.values[both])) if both.any() else 0.0
    return f"it lies after {decided.name} in {share:.0%} of the rows" if share > 0.05 else ""


def _strong_values(column: ColumnProfile, outcome: Floats, rows: Flags) -> LeakSign | None:
    """What stands in the cells ranks the outcomes of these rows better than an application's data do."""
    if column.values is not None:
        rows = rows & np.isfinite(column.values)
    y = outcome[rows]
    if len(y) < MIN_ROWS or y.min() == y.max():
        return None
    auc = single_auc(column, outcome)
    least = lower_bound(auc, y)
    if least < MAX_AUC:
        return None
    part = "" if rows.sum() == np.isfinite(outcome).sum() else f" in the {len(y):,} rows where it is filled"
    if column.values is not None and column.type is not FieldType.STRING:
        certain = lower_bound(_auc(y, column.values[rows]), y) >= CERTAIN_AUC  # by their order, and not as codes
    else:
        certain = len(column.levels) <= _FEW_VALUES and least >= CERTAIN_AUC  # repeated long texts prove little
    return LeakSign(
        certain,
        f"alone its values separate the outcomes with an AUC of {auc:.2f}{part} (at least {least:.2f})",
    )


def _strong_filling(filled: Flags, y: Floats) -> LeakSign | None:
    """Whether a cell is filled ranks the outcomes better than an application's data do."""
    auc = 0.5 + abs(float(filled[y == 1].mean()) - float(filled[y == 0].mean())) / 2  # of a column of two values
    least = lower_bound(auc, y)
    if least < MAX_AUC:
        return None
    return LeakSign(
        least >= CERTAIN_AUC,
        f"whether it is filled separates the outcomes with an AUC of {auc:.2f} (at least {least:.2f})",
    )


def _auc(y: Floats, values: Floats) -> float:
    """AUC in the better direction: the share of pairs in one order, ties counting half."""
    high, low = np.sort(values[y == 1]), np.sort(values[y == 0])  # a tenth of the time of ranks, which need an argsort
    n_pairs = len(high) * len(low)
    if not n_pairs:
        return 0.5
    few, many = (high, low) if len(high) < len(low) else (low, high)
    below, through = (int(np.searchsorted(many, few, side).sum()) for side in ("left", "right"))
    auc = (below + through) / 2 / n_pairs
    return max(auc, 1 - auc)


def one_sided(chosen: Flags, y: Floats, begin: str) -> LeakSign | None:
    """Whether the chosen rows have nearly all one outcome, far beyond its usual share.

    Only a leak picks out the rarer outcome; the commoner one may be picked out by a strong predictor.
    """
    n = int(chosen.sum())
    if n < MIN_ROWS or n == len(chosen):
        return None
    high = float(y[chosen].mean())
    for share, usual in ((high, float(y.mean())), (1 - high, 1 - float(y.mean()))):
        others = 1 - lower_bound(share, np.repeat((1.0, 0.0), n))  # share of the other outcome, at most
        if others <= _PURE * (1 - usual):
            alike = f"{share:.1%} of them with one and the same outcome, which {usual:.1%} of all have"
            return LeakSign(usual <= 0.5, f"{begin} {n:,} rows, {alike}")
    return None
