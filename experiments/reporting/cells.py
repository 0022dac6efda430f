"""Figures as the cells of a document's tables: a number, with its interval where it has one, or why there is none."""

from __future__ import annotations

import math

from experiments.reporting.document import Gap, Interval
from fusion.validation.intervals import Estimate

NO_FIGURE = "cannot be computed"


def figure(value: float, why_not: str = NO_FIGURE) -> float | Gap:
    """A number, or where it is NaN or infinite the gap that says why there is none."""
    return float(value) if math.isfinite(value) else Gap(gap=why_not)


def interval(estimate: Estimate, why_not: str = NO_FIGURE) -> Interval | float | Gap:
    """A figure with its interval, alone where it has none; a gap where there is no figure."""
    if not math.isfinite(estimate.value):
        return Gap(gap=why_not)
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return float(estimate.value)
    return Interval(value=float(estimate.value), low=float(estimate.low), high=float(estimate.high))
