"""A chapter of a validation or a comparison: its section, and the pictures of the section's plots."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from experiments.reporting.document import Cell, Gap, Interval, Section
from fusion.validation.intervals import Estimate

NO_FIGURE = "cannot be computed"


@dataclass(frozen=True)
class Chapter:
    """drawings: the SVG of every plot of the section that has no gap, by the plot's key."""

    section: Section
    drawings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        drawn = {plot.key for plot in self.section.plots if not plot.gap}
        if drawn != set(self.drawings):
            raise ValueError(f"section {self.section.key!r} has the plots {sorted(drawn)}, not {sorted(self.drawings)}")


def figure(value: float, why_not: str = NO_FIGURE) -> float | Gap:
    """A figure for a table's cell, or the gap that says why there is none."""
    return float(value) if math.isfinite(value) else Gap(gap=why_not)


def interval(estimate: Estimate, why_not: str = NO_FIGURE) -> Interval | float | Gap:
    """A figure for a table's cell, with its interval where that exists; a gap where there is no figure."""
    if not math.isfinite(estimate.value):
        return Gap(gap=why_not)
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return float(estimate.value)
    return Interval(value=float(estimate.value), low=float(estimate.low), high=float(estimate.high))


def listed(names: Sequence[str], most: int = 5) -> str:
    """``a, b and c``; beyond ``most`` the number of the others."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


Row = tuple[Cell, ...]
