"""How many applications came in a period, beside how many came before."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import numpy as np
from scipy.stats import t

from data_schemas.messages import Message, Number, message
from features.arrays import Floats
from fusion.validation.intervals import Z
from fusion.watch.departures import LEAST, LONGEST, Departure, Figure
from fusion.watch.signals import Signal

WEEKS = 3
"""Weeks of days from which on a day is held against the same days of the week."""


def volume_signal(period: str, n: int, history: Sequence[tuple[str, int]], ended: bool = True) -> tuple[Signal, ...]:
    """The number of applications beside that of earlier periods, by their names; none with fewer than ``LEAST``.

    Logarithms of the numbers are held against their mean by a t test; for days, once there are ``WEEKS`` weeks, against
    the mean of the same day of the week, with the spread about these means. The spread is no less than chance brings to
    a number of applications that come independently (Poisson's).
    """
    earlier = [(name, rows) for name, rows in history[-LONGEST:] if rows]
    if not n or len(earlier) < LEAST:
        return ()
    logs = np.log([rows for _, rows in earlier])
    group, mine = _groups(period, [name for name, _ in earlier])
    own = logs[group == mine]
    residuals = logs - np.array([logs[group == one].mean() for one in group.tolist()])
    df = len(logs) - len(set(group.tolist()))
    usual = math.exp(float(own.mean()))
    variance = max(float(np.sum(np.square(residuals))) / df, 1 / usual)
    error = math.sqrt(variance * (1 + 1 / len(own)))
    p = 2 * float(t.sf(abs(math.log(n) - math.log(usual)) / error, df))
    chance = math.sqrt(1 / n)
    words = _words(Number(n, ","), Number(usual, ",.0f"), by_weekday=bool(mine))
    more = n / usual - 1
    value = abs(more) if ended else max(more, 0.0)
    departure = Departure(float(n), n * math.exp(-Z * chance), n * math.exp(Z * chance), usual, p)
    return (Figure(period, "volume", "", n).signal(departure, value, words),)


def _words(n: Number, usual: Number, by_weekday: bool) -> Message:
    if by_weekday:
        return message("{n} applications, usually {usual} on this day of the week", n=n, usual=usual)
    return message("{n} applications, usually {usual}", n=n, usual=usual)


def _groups(period: str, names: Sequence[str]) -> tuple[Floats, float]:
    """Which periods are alike, by a number for each, and that of the period itself: days of the week, 1 and up, where
    there are ``WEEKS`` of each; else 0 for all.
    """
    days = [_weekday(name) for name in (*names, period)]
    group = np.array(days, dtype=np.float64)
    known = [np.count_nonzero(group[:-1] == day) for day in set(days)]
    if min(days) > 0 and min(known) >= WEEKS:
        return group[:-1], group[-1]
    return np.zeros(len(names)), 0.0


def _weekday(name: str) -> int:
    """1 for Monday to 7 for Sunday; 0 for what is no day."""
    try:
        return date.fromisoformat(name).isoweekday() if len(name) == 10 else 0
    except ValueError:
        return 0
