"""What one member of the model is to learn from its rows."""

from __future__ import annotations

from dataclasses import dataclass

from features.arrays import Floats


@dataclass(frozen=True)
class Lesson:
    """Targets and weights of the rows that a head or a booster learns from.

    Attributes:
        y: float64 (n,), outcomes, 1 bad and 0 good; or numbers.
        weight: float64 (n,), how much each row counts; None: all alike.
        squared: numbers are fitted by least squares instead of log-odds of an outcome.
    """

    y: Floats
    weight: Floats | None = None
    squared: bool = False
