"""How much an old decision still counts in training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DAYS_PER_YEAR = 365.25


def recency_weight(
    decision_date: npt.NDArray[np.datetime64] | None, n: int, half_life_years: float
) -> npt.NDArray[np.float64]:
    """float64 (n,), mean 1: a row decided ``half_life_years`` before the newest one weighs half of it.

    Without decision dates, or with an infinite half-life, every row weighs 1.
    """
    if decision_date is None or not n:
        return np.ones(n)
    days = decision_date.astype("datetime64[D]").astype(np.float64)
    weight = 0.5 ** ((days.max() - days) / (DAYS_PER_YEAR * half_life_years))
    return np.asarray(weight / weight.mean(), dtype=np.float64)
