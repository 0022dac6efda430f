"""Numbers that are codes for "missing" or for a reason why a value is missing, found over all columns together.

Bureaus and surveys write such codes in families: -7, -8 and -9 for kinds of missing values, 96 to 99, 999 and 9999.
A code that stands far from all values of one column is a code in others too, where the sample shows it once or never.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features.arrays import Floats, Ints

_NINES = [float("9" * n) for n in range(2, 11)]
_NEGATIVE = {*(-float(n) for n in range(1, 10)), *(-one for one in _NINES), *(-float(str(n) * 3) for n in range(1, 9))}
_POSITIVE = {
    365_243.0,  # 1000 years in days
    *_NINES,
    *(one - back for one in _NINES for back in (1, 2, 3)),
    *(float(str(n) * length) for n in (7, 8) for length in (2, 3, 4, 5, 6)),
}
_MIN_FAMILY = 2  # columns that show codes for them to be a family of the table


@dataclass(frozen=True)
class NumberColumn:
    """The distinct numbers of one column.

    Attributes:
        values: float64 (k,), NaN for texts that are no number.
        counts: int64 (k,), how often each occurs.
    """

    values: Floats
    counts: Ints


@dataclass(frozen=True)
class Codes:
    """The special codes of one column.

    Attributes:
        values: ascending; those of the table's families too that the column does not show.
        note: why they are taken for codes, "" without any.
    """

    values: tuple[float, ...] = ()
    note: str = ""


def special_codes(columns: Mapping[str, NumberColumn]) -> dict[str, Codes]:
    """The special codes of each column of numbers, by its name."""
    own = {name: _own_codes(column) for name, column in columns.items()}
    negative = _family(own, below_zero=True)
    positive = _family(own, below_zero=False)
    return {name: _codes_of(column, own[name], negative, positive) for name, column in columns.items()}


def _family(own: Mapping[str, set[float]], below_zero: bool) -> set[float]:
    """The codes of one sign that at least two columns show, with all that stand beside one of them."""
    shown = [{code for code in codes if (code < 0) == below_zero} for codes in own.values()]
    common = {code for codes in shown for code in codes if sum(code in others for others in shown) >= _MIN_FAMILY}
    return set().union(*(codes for codes in shown if codes & common)) if common else set()


def _codes_of(column: NumberColumn, own: set[float], negative: set[float], positive: set[float]) -> Codes:
    codes, further = set(own), set()
    given = column.values[np.isfinite(column.values)]
    rest = given[~np.isin(given, [*own, *negative])]
    if negative and len(rest) and rest.min() >= 0:
        further |= negative
    for code in positive - own:  # shown by this column beyond all its values, though not far enough alone
        others = given[~np.isin(given, [*own, *positive])]
        if code in given and len(others) and code > others.max():
            further.add(code)
    codes |= further
    if not codes:
        return Codes()
    listed = ", ".join(f"{code:.0f}" for code in sorted(codes))
    where = " (the same family in other columns)" if (codes & (negative | positive)) else ""
    return Codes(tuple(sorted(codes)), f"codes for missing? {listed}{where}")


def _own_codes(column: NumberColumn) -> set[float]:
    """Codes that one column shows by itself: repeated, and far from all its other values."""
    finite = np.isfinite(column.values)
    values, counts = column.values[finite], column.counts[finite]
    codes: set[float] = set()
    low = np.isin(values, list(_NEGATIVE))
    if low.any():
        rest = values[~low & ~np.isin(values, list(_POSITIVE))]
        if len(rest):
            codes |= _negative_codes(values[low], counts[low], rest)
    high = np.isin(values, list(_POSITIVE)) & ~np.isin(values, list(codes))
    for value in np.sort(values[high]):  # the lowest first: one that is a value widens the range of the others
        rest = values[~np.isin(values, list(codes)) & ~(high & (values >= value))]
        if not len(rest):
            continue
        span = float(rest.max() - rest.min())
        if value > rest.max() + 2 * span + 1 and counts[high & (values >= value)].sum() >= 2:
            codes.add(float(value))
    return codes


def _negative_codes(low: Floats, counts: Ints, rest: Floats) -> set[float]:
    """Negative codes beside values that are never negative, or far below values that are.

    Changes and balances count down from zero: -1, -2, -3 beside small numbers are values.
    """
    if rest.min() < 0:
        far = low < rest.min() - 2 * float(rest.max() - rest.min()) - 1
        return {float(value) for value in low[far]} if counts[far].sum() >= 2 else set()
    if counts.sum() < 2:
        return set()
    is_code = (len(low) == 1 or rest.min() >= 10) if low.max() == -1 else (low <= -7).any()
    return {float(value) for value in low} if is_code else set()
