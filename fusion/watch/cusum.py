"""Small departures that last: cumulative sums of figures that are standard normal where nothing changes.

A self-starting CUSUM (Hawkins, Journal of Quality Technology 1987) holds each period against all before it, so that it
needs no training periods, and nothing that is not in the profiles of the history. A sum grows by how far a figure lies
from 0 less ``ALLOWANCE``, and never falls below 0. Its chance is that of a sum at least as high at any one period of a
process where nothing changes (its stationary distribution), so that a sum of 5 has a chance of .4 % on one side; where
sums above 5 were alarms, a side would bring one every 930 periods (Montgomery, Introduction to Statistical Quality
Control, table of average run lengths).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from features.arrays import Flags, Floats, Ints

ALLOWANCE = 0.5
"""Half of the shift, in standard deviations, that is found soonest."""
LEAST = 3
"""Earlier figures without which the spread between periods is not known."""
CAP = 4.0
"""Most that a period counts, in standard deviations: one jump is for the test of one period, and should not linger."""
SHARED = 5.0
"""Periods that the spread of all figures together counts for beside the spread of a figure's own periods."""
_STEP, _TOP = 0.05, 15.0


@dataclass(frozen=True)
class Sums:
    """Cumulative sums at the last period, n_figures of them.

    Attributes:
        p: float64 (n_figures,), chance of a sum as high, on the side where it is higher, doubled.
        p_last: float64 (n_figures,), chance of the last period's departure alone, by the spread of those before.
        since: int64 (n_figures,), the period at which that sum began to rise.
    """

    p: Floats
    p_last: Floats
    since: Ints


def cumulative_sums(residuals: Floats) -> Sums:
    """CUSUM of n_figures figures over periods.

    Args:
        residuals: float64 (n_periods, n_figures), each period's departure from all before it, in units of what chance
            alone makes of it; NaN where it has none. Periods may differ by more than chance: the spread of those before
            counts, where it is more than 1, by a t test.
    """
    n_periods, n = residuals.shape
    squares, n_residuals = np.zeros(n), np.zeros(n)
    sums, since = np.zeros((2, n)), np.zeros((2, n), np.int64)
    p_last = np.ones(n)
    for at in range(n_periods):
        spread = _spread(squares, n_residuals)
        there: Flags = ~np.isnan(residuals[at]) & (n_residuals >= LEAST)
        ratio = np.where(there, residuals[at], 0.0) / np.sqrt(spread)
        tail = np.maximum(t.sf(np.abs(ratio), n_residuals + SHARED), 1e-300)
        p_last, z = 2.0 * tail, np.clip(-np.sign(ratio) * norm.ppf(tail), -CAP, CAP)
        for side, sign in enumerate((1.0, -1.0)):
            grown = np.where(there, np.maximum(0.0, sums[side] + sign * z - ALLOWANCE), sums[side])
            since[side] = np.where((sums[side] == 0.0) & (grown > 0.0), at, since[side])
            sums[side] = grown
        own = np.where(np.isnan(residuals[at]), 0.0, residuals[at])
        squares += np.minimum(np.square(own), CAP**2 * spread)
        n_residuals += ~np.isnan(residuals[at])
    higher = sums.argmax(axis=0)
    places = np.arange(n)
    return Sums(np.minimum(1.0, 2.0 * chance_of_sum(sums[higher, places])), p_last, since[higher, places])


def _spread(squares: Floats, n_residuals: Floats) -> Floats:
    """Mean square of each figure's earlier residuals, no less than 1, drawn to that of all figures: few periods alone
    know it badly (Smyth, Statistical Applications in Genetics and Molecular Biology 2004).
    """
    shared = max(1.0, float(squares.sum()) / max(float(n_residuals.sum()), 1.0))
    found: Floats = np.maximum(1.0, (squares + SHARED * shared) / (n_residuals + SHARED))
    return found


def chance_of_sum(sums: Floats) -> Floats:
    """float64: the chance that a one-sided sum is at least as high at a period where nothing changes."""
    grid, tail = _stationary()
    inside = np.exp(np.interp(sums, grid, np.log(tail)))
    beyond = tail[-1] * np.exp(-2.0 * ALLOWANCE * (sums - grid[-1]))  # the tail of a random walk's greatest value
    found: Floats = np.where(sums <= 0.0, 1.0, np.where(sums > grid[-1], beyond, inside))
    return found


@functools.cache
def _stationary() -> tuple[Floats, Floats]:
    """Heights, and the chance of a sum at least as high: the chain of Brook and Evans (Biometrika 1972), run until it
    settles.
    """
    grid = np.arange(0.0, _TOP, _STEP)
    edges = np.concatenate([[-np.inf], grid[1:] - _STEP / 2, [np.inf]])
    steps = np.diff(norm.cdf(edges[None, :] - grid[:, None] + ALLOWANCE), axis=1)
    while True:
        doubled = steps @ steps
        if np.abs(doubled - steps).max() < 1e-15:
            break
        steps = doubled / doubled.sum(axis=1, keepdims=True)
    share = steps[0]
    at_least = np.maximum(np.cumsum(share[::-1])[::-1], 1e-300)
    return np.maximum(grid - _STEP / 2, 0.0)[:240], at_least[:240]
