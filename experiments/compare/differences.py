"""Differences between champion and challenger that chance explains, or does not."""

from __future__ import annotations

import math

from experiments.reporting.document import Grade
from fusion.metrics import Gain


def graded(low: float, high: float, titles: tuple[str, str, str]) -> tuple[Grade, str]:
    """The grade of a difference that is above 0 where the challenger is better, and its title of those for better,
    worse and neither.
    """
    if low > 0:
        return "good", titles[0]
    return ("concern", titles[1]) if high < 0 else ("note", titles[2])


def is_known(gain: Gain) -> bool:
    """Whether a difference has an interval and p."""
    return not math.isnan(gain.p)
