"""How far out a number lies among those of a sample, beyond the sample too.

Between its outermost hundredths a sample is described by its ranks. Beyond them its tail is taken to fall off
exponentially, with the mean excess that it has there (the generalised Pareto distribution of shape 0; Pickands, Annals
of Statistics 1975), so that of two numbers which the sample never reaches the farther one is the stranger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, ndtri_exp

from features.arrays import Floats

TAIL = 0.01
LEAST_TAIL = 20  # numbers that a tail is described by, where there are as many
LEAST_SCALE = 1e-3  # of the range: a tail of equal numbers falls off as fast


@dataclass(frozen=True)
class UpperTail:
    """The upper tail of a sample.

    Attributes:
        start: where it begins.
        scale: mean excess over the start.
        log_share: natural logarithm of the share of the sample beyond the start.
    """

    start: float
    scale: float
    log_share: float

    @staticmethod
    def of(ordered: Floats) -> UpperTail:
        """The tail of a sample, float64 (n,), in rising order; n is at least 2 and not all are equal."""
        n = len(ordered)
        k = min(max(math.ceil(TAIL * n), LEAST_TAIL), max(n // 4, 1))
        start = float(ordered[n - 1 - k])
        excess = float(np.mean(ordered[n - k :] - start))
        scale = max(excess, LEAST_SCALE * float(ordered[-1] - ordered[0]))
        return UpperTail(start, scale, math.log(k / n))

    def log_shares(self, values: Floats) -> Floats:
        """Logarithms of the shares beyond these values, float64 (n,); those below the start have that of the start."""
        found: Floats = self.log_share - np.maximum(values - self.start, 0.0) / self.scale
        return found


@dataclass(frozen=True)
class Sample:
    """A sample of numbers.

    Attributes:
        ordered: float64 (n,), in rising order.
        upper: its upper tail.
        lower: the upper tail of its negative.
    """

    ordered: Floats
    upper: UpperTail
    lower: UpperTail

    @staticmethod
    def of(values: Floats) -> Sample | None:
        """The sample of these values, float64 (n,), without the NaN among them; None where fewer than two differ."""
        ordered = np.sort(values[~np.isnan(values)])
        if len(ordered) < 2 or ordered[0] == ordered[-1]:
            return None
        return Sample(ordered, UpperTail.of(ordered), UpperTail.of(-ordered[::-1]))

    def normal_scores(self, values: Floats) -> Floats:
        """The standard normal number that lies as far out as each value, float64 (n,); 0 for NaN."""
        n = len(self.ordered)
        below, up_to = (np.searchsorted(self.ordered, values, side=side) for side in ("left", "right"))
        scores = ndtri(np.clip((below + up_to) / (2 * n), 0.5 / n, 1 - 0.5 / n))
        high, low = values > self.upper.start, values < -self.lower.start
        scores[high] = np.maximum(scores[high], -ndtri_exp(self.upper.log_shares(values[high])))
        scores[low] = np.minimum(scores[low], ndtri_exp(self.lower.log_shares(-values[low])))
        scores[np.isnan(values)] = 0.0
        return np.asarray(scores, dtype=np.float64)

    def rarity(self, values: Floats) -> Floats:
        """float64 (n,): -log10 of the share of the sample that is as great as each value, 3 for one of a thousand;
        0 for NaN.
        """
        n = len(self.ordered)
        as_great = n - np.searchsorted(self.ordered, values, side="left")
        logs = np.log((as_great + 0.5) / (n + 1))
        high = values > self.upper.start
        logs[high] = np.minimum(logs[high], self.upper.log_shares(values[high]))
        logs[np.isnan(values)] = 0.0
        found: Floats = -logs / math.log(10)
        return found
