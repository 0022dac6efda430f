"""Periods: the day, week or month that a row is decided in; the file where rows have no dates."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

import numpy as np

from features.arrays import Dates, Index

PeriodKind = Literal["day", "week", "month"]

UNDATED = "undated"
"""The period of rows without a date among rows that have one."""


def period_names(dates: Dates, kind: PeriodKind) -> list[str]:
    """The period of each date: ``2026-11-28``, the ISO week ``2026-W48`` or ``2026-11``; names rise with time.

    dates: datetime64[s] (n,); NaT is ``UNDATED``.
    """
    days, place = np.unique(dates.astype("datetime64[D]"), return_inverse=True)
    names = np.array([_name(day.item(), kind) for day in days], dtype=object)
    return list(names[place])


def _name(day: date | None, kind: PeriodKind) -> str:
    if day is None:
        return UNDATED
    if kind == "day":
        return day.isoformat()
    if kind == "month":
        return f"{day.year:04d}-{day.month:02d}"
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def rows_by_period(names: list[str]) -> Iterator[tuple[str, Index]]:
    """Each period with the positions of its rows, in the order of their names."""
    found, place = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    order = np.argsort(place, kind="stable")
    bounds = np.searchsorted(place[order], np.arange(len(found) + 1))
    for at, name in enumerate(found.tolist()):
        yield name, order[bounds[at] : bounds[at + 1]]


def last_day(period: str) -> date | None:
    """The last day of a period; None for one that is no day, week or month."""
    try:
        if "W" in period:
            return date.fromisoformat(f"{period}-7")
        if len(period) == len("2026-11"):
            first = date.fromisoformat(f"{period}-01")
            return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return date.fromisoformat(period)
    except ValueError:
        return None
