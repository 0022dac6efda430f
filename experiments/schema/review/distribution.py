"""How a column's cells are distributed, for a small plot on its card."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import numpy as np

from data_schemas.fields import FieldType
from experiments.reporting.language import gettext
from experiments.reporting.words import number, percent
from experiments.schema.review.content import Bar, Distribution
from features.arrays import Floats, Ints
from features.inference.profile import ColumnProfile

N_BINS = 24
N_LEVELS = 8
LEAST_QUOTED = 3  # rows that a level needs to be quoted: a rarer one may be somebody's own words
FEW_VALUES = 16  # numbers of so few values get a bar each
NAMED_VALUES = 6  # of so few a line each, as levels have
LEAST_ROWS = 20  # with an outcome, for a bad rate


def distribution(column: ColumnProfile, bad: Floats) -> Distribution | None:
    """Bins of numbers and dates, the commonest levels of anything else; None for a column without a value.

    Args:
        column: its profile.
        bad: float64 (n,), 1 bad, 0 good, NaN unknown.
    """
    if not column.n_present:
        return None
    if column.type is FieldType.DATE and column.values is not None:
        return _bins(column.values, bad, lambda days: str(np.datetime64(int(days), "D")))
    if column.type in (FieldType.INTEGER, FieldType.NUMBER) and column.values is not None:
        return _bins(column.values, bad, plain)
    return _levels(column, bad)


def lengths(column: ColumnProfile, bad: Floats) -> Distribution | None:
    """Of texts that are not to be quoted: how many characters they have."""
    if not column.n_present:
        return None
    characters = column.cells.str.len().to_numpy(dtype=np.float64)
    return _bins(
        np.where(column.present, characters, np.nan),
        bad,
        lambda value: gettext("{n} characters").format(n=number(value)),
    )


def plain(value: float) -> str:
    """A number with as many digits as it takes to know it."""
    if value == round(value) or abs(value) >= 1000:
        return number(value)
    return number(value, max(0, 2 - int(np.floor(np.log10(abs(value))))) if abs(value) < 100 else 1)


def _bins(values: Floats, bad: Floats, words: Callable[[float], str]) -> Distribution:
    is_finite = np.isfinite(values)
    finite = values[is_finite]
    distinct = np.unique(finite)
    if len(distinct) <= FEW_VALUES:
        middles = (distinct[1:] + distinct[:-1]) / 2
        labels = [words(value) for value in distinct]
    else:
        low, high = np.quantile(finite, (0.01, 0.99))
        low, high = (low, high) if low < high else (float(finite.min()), float(finite.max()))
        edges = np.linspace(low, high, N_BINS + 1)
        middles = edges[1:-1]
        labels = [gettext("{low} to {high}").format(low=words(a), high=words(b)) for a, b in pairwise(edges)]
        distinct = edges
    place = np.searchsorted(middles, finite, side="right")
    bars = _bars(place.astype(np.int64), len(labels), bad[is_finite], labels)
    alt = gettext("Values from {low} to {high}, median {median}.").format(
        low=words(float(finite.min())), high=words(float(finite.max())), median=words(float(np.median(finite)))
    )
    kind: Literal["bins", "levels"] = "levels" if len(labels) <= NAMED_VALUES else "bins"
    return Distribution(kind=kind, bars=bars, low=words(float(distinct[0])), high=words(float(distinct[-1])), words=alt)


def _levels(column: ColumnProfile, bad: Floats) -> Distribution | None:
    counts = column.cells.value_counts()
    shown = [level for level in column.levels[:N_LEVELS] if counts[level] >= LEAST_QUOTED]
    if not shown:
        return None
    places = {level: at for at, level in enumerate(shown)}
    place = np.array([places.get(cell, len(shown)) for cell in column.cells], dtype=np.int64)
    n_others = len(column.levels) - len(shown)
    labels = [*shown, *([gettext("{n} more").format(n=number(n_others))] if n_others else [])]
    bars = _bars(place[column.present], len(labels), bad[column.present], labels)
    return Distribution(
        kind="levels",
        bars=bars,
        words=gettext("{level} in {share} of the rows that have a value.").format(
            level=shown[0], share=percent(bars[0].share)
        ),
    )


def _bars(place: Ints, n: int, bad: Floats, labels: list[str]) -> tuple[Bar, ...]:
    known = np.isfinite(bad)
    counts = np.bincount(place, minlength=n)
    n_known = np.bincount(place[known], minlength=n)
    n_bad = np.bincount(place[known], bad[known], minlength=n)
    return tuple(
        Bar(
            label=label,
            share=float(counts[at] / len(place)),
            bad_rate=float(n_bad[at] / n_known[at]) if n_known[at] >= LEAST_ROWS else None,
        )
        for at, label in enumerate(labels)
    )
