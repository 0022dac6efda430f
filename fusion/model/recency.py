"""How much a row counts in training: its own weight, times what its age leaves of it."""

from __future__ import annotations

import numpy as np

from features.arrays import Dates, Floats
from fusion.metrics import relative_weight

DAYS_PER_YEAR = 365.25


def row_weight(decision_date: Dates | None, n: int, half_life_years: float, weight: Floats | None = None) -> Floats:
    """float64 (n,), mean 1: of two rows with one ``weight`` that which was decided ``half_life_years`` earlier counts
    half as much.

    Ages move weight among the rows with a date, and none between these and the others. Without decision dates, or with
    an infinite half-life, all is as ``weight`` has it; None: all rows have one weight.
    """
    count = relative_weight(weight, n)
    if decision_date is None or np.isnat(decision_date).all():
        return count
    dated = ~np.isnat(decision_date)
    days = decision_date[dated].astype("datetime64[D]").astype(np.float64)
    decayed = 0.5 ** ((days.max() - days) / (DAYS_PER_YEAR * half_life_years))
    count[dated] *= decayed / np.average(decayed, weights=count[dated])
    return count
