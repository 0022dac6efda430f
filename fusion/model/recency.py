"""How much an old decision still counts in training."""

from __future__ import annotations

import numpy as np

from features.arrays import Dates, Floats

DAYS_PER_YEAR = 365.25


def recency_weight(decision_date: Dates | None, n: int, half_life_years: float) -> Floats:
    """float64 (n,), mean 1: a row decided ``half_life_years`` before the newest one weighs half of it.

    Without decision dates, or with an infinite half-life, every row weighs 1; a row without a date weighs 1 beside rows
    that have one.
    """
    weight = np.ones(n)
    if decision_date is None or np.isnat(decision_date).all():
        return weight
    dated = ~np.isnat(decision_date)
    days = decision_date[dated].astype("datetime64[D]").astype(np.float64)
    decayed = 0.5 ** ((days.max() - days) / (DAYS_PER_YEAR * half_life_years))
    weight[dated] = decayed / decayed.mean()
    return weight
