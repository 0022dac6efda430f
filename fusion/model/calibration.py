"""Blend and calibration, affine in log-odds, and the points that a score is quoted in.

margin = sum of w_i * output_i + b over the members of the blend, w_i >= 0. Because the map is affine, what a member's
part adds to the margin, and with it to the score, is a multiple of what it adds to the member's own output.

Rows may have weights, as in ``fusion.metrics``; a likelihood is then that of as many rows of one weight as tell as much
(``effective_rows``), so that a few heavy rows do not pass a test by their weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from features.arrays import Flags, Floats
from fusion.config import ScaleConfig
from fusion.metrics import base_log_odds, both_classes, effective_rows, log_loss, relative_weight

CRITICAL = 6.63
"""Twice the log-likelihood by which outputs must beat the base rate: the 1 % point of chi-squared with one degree of
freedom (Wilks, Annals of Mathematical Statistics 1938)."""
AKAIKE = 2.0
"""Twice the log-likelihood that an optional member must add to the others (Akaike, IEEE Transactions on Automatic
Control 1974: one parameter)."""
RIDGE = 1e-6  # on weights of standardised outputs: keeps them finite where outcomes are perfectly separated
MAX_WEIGHT = 50.0  # of a standardised output, for the same reason


@dataclass(frozen=True)
class Blend:
    """The affine map from the members' outputs to the calibrated margin.

    Attributes:
        weights: one per member, 0 or more; 0: the member is left out.
        intercept: log-odds that no member adds.

    Raises:
        ValueError: where the margin would fall with a member's output.
    """

    weights: tuple[float, ...]
    intercept: float

    def __post_init__(self) -> None:
        if not (all(0.0 <= weight < math.inf for weight in self.weights) and math.isfinite(self.intercept)):
            raise ValueError(f"not a monotone blend: {self}")

    def margin(self, outputs: Floats) -> Floats:
        """Calibrated log-odds of bad, float64 (n,), of ``outputs`` (n, n_members)."""
        margin = np.full(len(outputs), self.intercept)
        for output, weight in zip(outputs.T, self.weights, strict=True):
            if weight:
                margin += weight * output
        return margin


def says_something(y: Floats, output: Floats, weight: Floats | None = None) -> bool:
    """Whether an output, float64 (n,), rises with the outcome beyond chance, by a likelihood-ratio test."""
    if not both_classes(y) or np.ptp(output) == 0.0:
        return False
    flat = _summed_loss(y, np.full(len(y), base_log_odds(y, weight)), weight)
    return 2.0 * (flat - _fit(y, output[:, None], [0], weight)[1]) >= CRITICAL


def fit_blend(y: Floats, outputs: Floats, optional: Flags, weight: Floats | None = None) -> Blend:
    """The blend with the least out-of-fold log-loss, of the members that earn their place.

    Outputs that together do not say more than the base rate, by a likelihood-ratio test, get no weight at all. An
    optional member must pass that test alone, and then add to the others what its weight costs.

    Args:
        y: float64 (n,), outcomes, 1 bad.
        outputs: float64 (n, n_members), out of fold.
        optional: bool (n_members,), members that are kept only where they help.
        weight: float64 (n,), of the rows; None: all alike.
    """
    nothing = Blend((0.0,) * outputs.shape[1], base_log_odds(y, weight))
    flat = _summed_loss(y, np.full(len(y), nothing.intercept), weight)

    varied = [member for member in range(outputs.shape[1]) if np.ptp(outputs[:, member]) > 0.0]
    if not both_classes(y) or not varied:
        return nothing
    kept = [member for member in varied if not optional[member] or says_something(y, outputs[:, member], weight)]
    best, loss = _fit(y, outputs, kept, weight) if kept else (nothing, flat)
    while extra := [member for member in kept if optional[member]]:
        without = {one: _fit(y, outputs, [other for other in kept if other != one], weight) for one in extra}
        least = min(extra, key=lambda member: without[member][1])
        if 2.0 * (without[least][1] - loss) >= AKAIKE:
            break
        kept.remove(least)
        best, loss = without[least]
    return best if 2.0 * (flat - loss) >= CRITICAL else nothing


def _summed_loss(y: Floats, margin: Floats, weight: Floats | None) -> float:
    return effective_rows(weight, len(y)) * log_loss(y, margin, weight)


def _fit(y: Floats, outputs: Floats, kept: list[int], weight: Floats | None) -> tuple[Blend, float]:
    """Non-negative logistic regression on some members' outputs, and its summed log-loss."""
    own = outputs[:, kept]
    mean, spread = own.mean(axis=0), own.std(axis=0)
    z = (own - mean) / spread
    count = relative_weight(weight, len(y))

    def loss_and_gradient(theta: Floats) -> tuple[float, Floats]:
        margin = z @ theta[1:] + theta[0]
        error = count * (expit(margin) - y)
        likelihood = (count * np.logaddexp(0.0, margin)).sum() - (count * y) @ margin
        loss = float(likelihood + 0.5 * RIDGE * theta[1:] @ theta[1:])
        return loss / len(y), np.concatenate([[error.sum()], z.T @ error + RIDGE * theta[1:]]) / len(y)

    start = np.concatenate([[base_log_odds(y, weight)], np.full(len(kept), 0.1)])
    from scipy.optimize import Bounds, minimize  # only fitting needs it

    bounds = Bounds([-np.inf, *[0.0] * len(kept)], [np.inf, *[MAX_WEIGHT] * len(kept)])
    found = minimize(
        loss_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 500, "ftol": 1e-15, "gtol": 1e-10},
    ).x
    weights = np.zeros(outputs.shape[1])
    weights[kept] = found[1:] / spread
    blend = Blend(tuple(weights.tolist()), float(found[0] - found[1:] @ (mean / spread)))
    return blend, _summed_loss(y, blend.margin(outputs), weight)


def to_score(margin: Floats, scale: ScaleConfig) -> Floats:
    """Points of calibrated log-odds of bad: higher is safer, ``pdo`` points double the good:bad odds."""
    factor = scale.pdo / math.log(2.0)
    return scale.base_score - factor * (margin + math.log(scale.base_odds))
