"""How well PDs rank and come true by period: estimated while no outcome is known, and measured once there are some."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import binom, norm

from data_schemas.messages import Number, message
from fusion.validation.intervals import rate
from fusion.watch.departures import LEAST, Departure, Figure, spread_chance, usual_of
from fusion.watch.part import Watched
from fusion.watch.ranking import Area
from fusion.watch.score_profile import NANO, Outcomes, ScoreProfile
from fusion.watch.signals import Signal

LEAST_DECIDED = 30
"""Outcomes without which nothing is said of how the PDs come true."""


def estimated_signals(
    period: str, now: ScoreProfile, then: Sequence[ScoreProfile], history: bool
) -> tuple[Signal, ...]:
    """The AUC that is to be expected of rows without outcomes."""
    area = now.expected_area
    usual = [one for one in (profile.expected_area for profile in then) if one is not None]
    if area is None or not usual:
        return ()
    departure = _area_departure(area, usual, history)
    words = message(
        "estimated AUC {area} ({low} to {high}), usually {usual}: if the PDs are right for these applicants, which "
        "outcomes alone can show",
        area=Number(departure.now, ".3f"),
        low=Number(departure.low, ".3f"),
        high=Number(departure.high, ".3f"),
        usual=Number(departure.usual, ".3f"),
    )
    if (misses := [miss for miss in map(estimate_miss, then) if miss is not None]) and history:
        words = message(
            "{words}; where outcomes are known by now it was off by {miss} on average",
            words=words,
            miss=Number(float(np.mean(misses)), ".3f"),
        )
    value = max(0.0, departure.usual - departure.now)
    return (Figure(period, "auc", "estimated", now.rows).signal(departure, value, words),)


def estimate_miss(profile: ScoreProfile) -> float | None:
    """How far the estimated AUC of the rows with outcomes is from the one that they have; None for too few."""
    outcomes = profile.outcomes
    if outcomes.n < LEAST_DECIDED:
        return None
    observed, expected = outcomes.area, outcomes.expected_area
    return None if observed is None or expected is None else abs(observed.estimate.value - expected.estimate.value)


def _area_departure(area: Area, usual: Sequence[Area], history: bool) -> Departure:
    """An area beside usual ones, weighted by their precision; the chance is of one as much lower."""
    weights = np.array([1 / max(one.error, 1e-9) ** 2 for one in usual])
    values = np.array([one.estimate.value for one in usual])
    common = float(weights @ values / weights.sum())
    z = (area.estimate.value - common) / math.sqrt(area.error**2 + 1 / float(weights.sum()))
    p = float(norm.cdf(z))
    if history and len(usual) < LEAST:
        p = 1.0
    elif history:
        then = (values - common) * np.sqrt(weights)
        apart = float(spread_chance(np.array([z]), then[:, None])[0])
        p = max(p, apart / 2 if z < 0 else 1 - apart / 2)
    estimate = area.estimate
    return Departure(estimate.value, estimate.low, estimate.high, common, p)


def known_signals(watched: Watched[ScoreProfile]) -> tuple[Signal, ...]:
    """AUC and calibration of the rows whose outcome is known."""
    outcomes, period = watched.profile.outcomes, watched.period
    if outcomes.n < LEAST_DECIDED:
        return ()
    decided = [(name, one) for name, one in watched.history if one.outcomes.n >= LEAST_DECIDED]
    usual, history = usual_of(watched.reference, decided)
    then = [profile.outcomes for _, profile in usual]
    found = [_calibration(period, outcomes, then, history)]
    areas = [area for area in (one.area for one in then) if area is not None]
    if (area := outcomes.area) is not None and areas:
        departure = _area_departure(area, areas, history)
        words = message(
            "AUC {area} ({low} to {high}) of {n} rows with outcomes, usually {usual}",
            area=Number(departure.now, ".3f"),
            low=Number(departure.low, ".3f"),
            high=Number(departure.high, ".3f"),
            n=Number(outcomes.n, ","),
            usual=Number(departure.usual, ".3f"),
        )
        value = max(0.0, departure.usual - departure.now)
        found.append(Figure(period, "auc", "", outcomes.n).signal(departure, value, words))
    return tuple(found)


def _calibration(period: str, outcomes: Outcomes, then: Sequence[Outcomes], history: bool) -> Signal:
    """Bad rate over mean PD, beside 1 or, where there is history, the history's ratio.

    The chance is that of a binomial test, doubled on its smaller side; PDs that differ between rows make the number of
    bad rows vary less than that.
    """
    n, n_bad, expected = outcomes.n, outcomes.n_bad, max(outcomes.pd / NANO, 1e-9)
    usual = 1.0
    if history:
        usual = sum(one.n_bad for one in then) / max(sum(one.pd for one in then) / NANO, 1e-9)
    share = min(usual * expected / n, 1.0)
    p = min(1.0, 2 * float(min(binom.cdf(n_bad, n, share), binom.sf(n_bad - 1, n, share))))
    if history:
        roots = np.array([_miss(one, usual) for one in (outcomes, *then)])
        p = max(p, float(spread_chance(roots[:1], roots[1:, None])[0]))
    bad_rate = rate(n_bad, n)
    ratio = n / expected
    departure = Departure(bad_rate.value * ratio, bad_rate.low * ratio, bad_rate.high * ratio, usual, p)
    words = message(
        "bad rate {share} of {n} rows with outcomes, mean PD {mean}: {ratio} times, usually {usual}",
        share=Number(bad_rate.value, ".1%"),
        n=Number(n, ","),
        mean=Number(expected / n, ".1%"),
        ratio=Number(departure.now, ".2f"),
        usual=Number(usual, ".2f"),
    )
    return Figure(period, "calibration", "", n).signal(departure, abs(departure.now / max(usual, 1e-9) - 1), words)


def _miss(outcomes: Outcomes, usual: float) -> float:
    """Bad rows beyond those expected, in standard deviations."""
    expected = usual * outcomes.pd / NANO
    good = 1 - min(expected / outcomes.n, 0.999)
    return (outcomes.n_bad - expected) / math.sqrt(max(expected * good, 1e-9))
