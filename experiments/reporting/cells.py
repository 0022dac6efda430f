"""Figures as the cells of a document's tables: a number, with its interval where it has one, or why there is none."""

from __future__ import annotations

import math

from data_schemas.messages import Value
from experiments.reporting.document import Column, Gap, Interval
from experiments.reporting.language import gettext_noop
from experiments.reporting.lower_floors import translated
from fusion.validation.intervals import Estimate

NO_FIGURE = gettext_noop("cannot be computed")
NUMBER = Column(key="n", title=gettext_noop("Number"), form="count")
BADS = Column(key="n_bad", title=gettext_noop("Bad"), form="count")
BAD_RATE = Column(key="bad_rate", title=gettext_noop("Bad rate"), form="percent", digits=1)
MEAN_PD = Column(key="mean_pd", title=gettext_noop("Mean PD"), form="percent", digits=1)
P_VALUE = Column(key="p", title=gettext_noop("p"), form="p")


def figure(value: float, why_not: Value = NO_FIGURE) -> float | Gap:
    """A number, or where it is NaN or infinite the gap that says why there is none."""
    return float(value) if math.isfinite(value) else Gap(gap=translated(why_not))


def interval(estimate: Estimate, why_not: Value | None = None) -> Interval | float | Gap:
    """A figure with its interval, alone where it has none; where there is no figure a gap that says why."""
    if not math.isfinite(estimate.value):
        return Gap(gap=translated(why_not or NO_FIGURE))
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return float(estimate.value)
    return Interval(value=float(estimate.value), low=float(estimate.low), high=float(estimate.high))
