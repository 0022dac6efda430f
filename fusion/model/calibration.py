"""Blend and calibration, both affine in log-odds, and the points that a score is quoted in.

margin = a * (w * stacker + (1 - w) * head) + b. Because every step is affine, what a part adds to the margin, and with
it to the score, is a multiple of what it adds to its own log-odds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from features.arrays import Floats
from fusion.config import BlendConfig, ScaleConfig
from fusion.metrics import base_log_odds, both_classes, fit_logistic_line, log_loss


@dataclass(frozen=True)
class Blend:
    """The affine map from the two parts' log-odds to the calibrated margin.

    Attributes:
        weight: the stacker's share w, in [0, 1].
        slope: a, above 0.
        intercept: b.

    Raises:
        ValueError: where the map would not rise with both parts.
    """

    weight: float
    slope: float
    intercept: float

    def __post_init__(self) -> None:
        if not (0.0 <= self.weight <= 1.0 and self.slope > 0.0 and math.isfinite(self.intercept)):
            raise ValueError(f"not a monotone blend: {self}")

    def margin(self, stacker: Floats, head: Floats) -> Floats:
        """Calibrated log-odds of bad, float64 (n,)."""
        return self.slope * (self.weight * stacker + (1.0 - self.weight) * head) + self.intercept


def fit_blend(y: Floats, stacker: Floats, head: Floats, config: BlendConfig) -> Blend:
    """The blend with the least out-of-fold log-loss: for each weight its own best line, then the best weight (or a
    half, if ``config`` says so).

    ``stacker`` and ``head`` must be out-of-fold. With one class, or parts that say nothing, the parts keep their own
    log-odds.
    """

    def line(weight: float) -> tuple[float, float]:
        return fit_logistic_line(y, weight * stacker + (1.0 - weight) * head)

    def loss(weight: float) -> float:
        slope, intercept = line(weight)
        mixed = weight * stacker + (1.0 - weight) * head
        return log_loss(y, slope * mixed + intercept) if slope > 0 else flat

    flat = log_loss(y, np.full(len(y), base_log_odds(y)))  # the best that a line which must not fall can do there
    if not both_classes(y):
        return Blend(0.5, 1.0, 0.0)
    weight = 0.5
    if config.weight == "fitted":
        best = minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-4})
        weight = min((0.0, float(best.x), 1.0), key=loss)
    slope, intercept = line(weight)
    if not slope > 0:
        return Blend(0.5, 1.0, 0.0)
    return Blend(weight, slope, intercept)


def to_score(margin: Floats, scale: ScaleConfig) -> Floats:
    """Points of calibrated log-odds of bad: higher is safer, ``pdo`` points double the good:bad odds."""
    factor = scale.pdo / math.log(2.0)
    return scale.base_score - factor * (margin + math.log(scale.base_odds))
