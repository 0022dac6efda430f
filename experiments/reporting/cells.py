"""Figures as the cells of a document's tables: a number, with its interval where it has one, or why there is none."""

from __future__ import annotations

import math

from experiments.reporting.document import Column, Gap, Interval
from fusion.validation.intervals import Estimate

NO_FIGURE = "cannot be computed"
NUMBER = Column(key="n", title="Number", form="count")
BADS = Column(key="n_bad", title="Bad", form="count")
BAD_RATE = Column(key="bad_rate", title="Bad rate", form="percent", digits=1)
MEAN_PD = Column(key="mean_pd", title="Mean PD", form="percent", digits=1)
P_VALUE = Column(key="p", title="p", form="p")


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
