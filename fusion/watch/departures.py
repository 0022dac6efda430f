"""How far a figure of a period departs from what is usual, and how likely chance alone would bring it so far.

What is usual is what the earlier periods were, once there are ``ENOUGH`` of them, and until then the reference: a
difference to training that stands since the first day is no news a month later. Two things make a figure differ where
nothing changed. Rows are drawn by chance; an exact test of the counts says how far that goes. And periods differ, as
Mondays and Sundays do; how far they did so far is the history's own spread, against which the period is held by a t
test of as few degrees of freedom as there were periods. A departure is as likely as the likelier of the two says, so
that neither few rows nor uneven periods bring alarms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from scipy.special import chdtrc, stdtr
from scipy.stats import hypergeom, norm

from data_schemas.messages import Message, Number, Value, message, with_semicolons
from features.arrays import Flags, Floats, Ints
from fusion.validation.intervals import Z, rate
from fusion.validation.psi import psi_of_counts
from fusion.watch.signals import Check, RowRef, Signal, shares

ENOUGH = 8
"""Earlier periods from which on they are what is usual: with days as periods, a week and a day."""
LEAST = 3
"""Earlier periods without which nothing is usual where there is no reference."""
LONGEST = 60
"""Earlier periods that count, the latest."""
LEAST_EXPECTED = 3.0
"""Rows that chance must bring into a cell before it is tested by itself; rarer cells are tested together."""

Profile = TypeVar("Profile")


@dataclass(frozen=True)
class Baseline:
    """Counts that are usual, those of n_cells cells in each of n_periods periods.

    Attributes:
        counts: int64 (n_periods, n_cells).
        history: Whether they are of earlier periods; else of the reference, in one row.
    """

    counts: Ints
    history: bool

    @property
    def total(self) -> Ints:
        """int64 (n_cells,), of all periods."""
        found: Ints = self.counts.sum(axis=0)
        return found


@dataclass(frozen=True)
class Departure:
    """A figure beside what is usual.

    Attributes:
        now: The figure.
        low: Lower end of its 95 % interval.
        high: Upper end.
        usual: The figure that is usual.
        p: Chance that it departs as far where nothing changed.
    """

    now: float
    low: float
    high: float
    usual: float
    p: float


def usual_of(
    reference: Profile | None, history: Sequence[tuple[str, Profile]]
) -> tuple[tuple[tuple[str, Profile], ...], bool]:
    """What is usual, by period, the latest last, and whether it is the history; the reference's period is "".

    Nothing where there is neither a reference nor enough history.
    """
    if len(history) >= ENOUGH or (reference is None and len(history) >= LEAST):
        return tuple(history[-LONGEST:]), True
    return (() if reference is None else (("", reference),)), False


def share_departure(k: int, n: int, usual: Sequence[tuple[int, int]], history: bool) -> Departure | None:
    """A share, ``k`` of ``n`` rows, beside usual ones; None where either has no rows.

    Args:
        usual: Rows of the kind and all rows, by period.
        history: Whether these are earlier periods (``usual_of``).
    """
    counts = np.array([(own, every) for own, every in usual if every], dtype=np.int64).reshape(-1, 2)
    if not n or not len(counts):
        return None
    p = share_chances(np.array([k]), n, counts[:, :1], counts[:, 1], history)
    estimate = rate(k, n)
    total = counts.sum(axis=0)
    return Departure(estimate.value, estimate.low, estimate.high, float(total[0] / total[1]), float(p[0]))


def share_chances(k: Ints, n: int, usual: Ints, n_usual: Ints, history: bool) -> Floats:
    """Chance of shares as far from the usual ones, of many kinds of rows at once: float64 (n_kinds,).

    The test of the counts is Fisher's, doubled on its smaller side.

    Args:
        k: int64 (n_kinds,), rows of each kind among ``n``.
        usual: int64 (n_periods, n_kinds), such rows of the usual periods.
        n_usual: int64 (n_periods,), all their rows.
    """
    total, every = usual.sum(axis=0), int(n_usual.sum())
    drawn = hypergeom(n + every, k + total, n)
    p: Floats = np.minimum(1.0, 2 * np.minimum(drawn.cdf(k), drawn.sf(k - 1)))
    if not history:
        return p
    if len(usual) < LEAST:
        return np.ones_like(p)
    now = _signed_root(k, n, total, every)
    then = _signed_root(usual, n_usual[:, None], total - usual, (every - n_usual)[:, None])
    return np.maximum(p, spread_chance(now, then))


def _signed_root(k: Ints, n: int | Ints, other: Ints, n_other: int | Ints) -> Floats:
    """Signed root of the deviance of two shares from one: nearly standard normal where the shares are equal."""
    shape = np.broadcast_shapes(np.shape(k), np.shape(n))
    own, rest, both, every = (np.broadcast_to(np.asarray(x, dtype=np.float64), shape) for x in (k, other, n, n_other))
    pooled = (own + rest) / np.maximum(both + every, 1.0)
    deviance = np.zeros(shape)
    for observed, rows, share in (
        (own, both, pooled),
        (both - own, both, 1 - pooled),
        (rest, every, pooled),
        (every - rest, every, 1 - pooled),
    ):
        expected = rows * share
        deviance += 2 * np.where(
            observed > 0, observed * np.log(np.where(observed > 0, observed, 1) / np.maximum(expected, 1e-300)), 0
        )
    signed: Floats = np.sign(own - both * pooled) * np.sqrt(np.maximum(deviance, 0.0))
    return signed


def spread_chance(now: Floats, then: Floats) -> Floats:
    """Chance of figures as far from 0 on either side, float64 (n,), given those of earlier periods, (n_periods, n).

    The figures are nearly standard normal where chance alone moves them; their spread is that of the history, but no
    less than 1.
    """
    n = len(then)
    spread = np.sqrt(np.maximum(1.0, np.mean(np.square(then), axis=0)) * (1 + 1 / n))
    p: Floats = 2 * stdtr(n - 1, -np.abs(now) / spread)
    return p


def spread_chance_above(now: float, then: Floats) -> float:
    """Chance of a figure as high, given those of earlier periods (n_periods,); else as ``spread_chance``.

    The history's mean is usual, but no less than 0, the mean where chance alone moves the figure.
    """
    n = len(then)
    if n < LEAST:
        return 1.0
    spread = max(1.0, float(then.std(ddof=1))) * math.sqrt(1 + 1 / n)
    return float(stdtr(n - 1, (max(0.0, float(then.mean())) - now) / spread))


def psi_departure(now: Ints, usual: Baseline) -> Departure | None:
    """A PSI over cells, (n_cells,); None where there are no rows on either side.

    ``usual`` is the PSI that chance brings on average. The chance is that of the likelihood ratio, described by
    chi-squared. The interval is that of a noncentral chi-squared, whose root is nearly normal with variance 1.
    """
    total = usual.total
    n, m = int(now.sum()), int(total.sum())
    if not (n and m):
        return None
    cells = [("", math.nan, math.nan)] * len(now)
    value = psi_of_counts(cells, total.astype(np.float64), now.astype(np.float64)).value
    both = 1 / n + 1 / m
    df = max(int(np.count_nonzero(now + total)) - 1, 0)
    root = math.sqrt(max(value, 0.0) / both)
    low, high = (max(0.0, max(0.0, root + side) ** 2 - df) * both for side in (-Z, Z))
    p, z = homogeneity(now, total)
    if usual.history:
        then = np.array([homogeneity(own, total - own)[1] for own in usual.counts if own.sum()])
        p = max(p, spread_chance_above(z, then))
    return Departure(value, min(low, value), max(high, value), df * both, p)


def homogeneity(one: Ints, other: Ints) -> tuple[float, float]:
    """Chance of counts by cell that differ as much, and a standard normal figure that rises as it falls.

    The figure is Wilson and Hilferty's (PNAS 1931) of the likelihood ratio. Cells that are too rare are one.
    """
    n, m = int(one.sum()), int(other.sum())
    if not (n and m):
        return 1.0, 0.0
    share = (one + other) / (n + m)
    common: Flags = min(n, m) * share >= LEAST_EXPECTED
    kept = np.stack([np.append(x[common], x[~common].sum()) for x in (one, other)]).astype(np.float64)
    expected = kept.sum(axis=0) * np.array([[n], [m]]) / (n + m)
    if min(n, m) * float(kept[:, -1].sum()) / (n + m) < LEAST_EXPECTED:
        kept, expected = kept[:, :-1], expected[:, :-1]
    df = kept.shape[1] - 1
    if df < 1:
        return 1.0, 0.0
    ratio = 2 * float(np.sum(kept * np.log(np.where(kept > 0, kept, 1) / expected)))
    if kept.sum() < n + m:  # what the rare cells hold is left out of the sum
        ratio = max(ratio - 2 * float(np.sum(kept - expected)), 0.0)
    return chi_squared_chance(ratio, df)


def chi_squared_chance(value: float, df: float) -> tuple[float, float]:
    """Upper tail of chi-squared, and Wilson and Hilferty's standard normal figure of it."""
    z = ((max(value, 0.0) / df) ** (1 / 3) - (1 - 2 / (9 * df))) / math.sqrt(2 / (9 * df))
    return float(chdtrc(df, value)), z


def mean_departure(
    now: tuple[float, float, int], usual: Sequence[tuple[float, float, int]], history: bool
) -> Departure | None:
    """A mean beside usual ones, each with its variance of single rows and its number of rows; None without rows."""
    mean, variance, n = now
    periods = np.array([one for one in usual if one[2] > 1], dtype=np.float64).reshape(-1, 3)
    if n < 2 or not len(periods):
        return None
    every = float(periods[:, 2].sum())
    common = float((periods[:, 0] * periods[:, 2]).sum() / every)
    within = float((periods[:, 1] * periods[:, 2]).sum() / every)
    error = math.sqrt(variance / n)
    z = _z(mean - common, variance / n + within / every)
    p = 2 * float(norm.sf(abs(z)))
    if history and len(periods) < LEAST:
        p = 1.0
    elif history:
        others = (common * every - periods[:, 0] * periods[:, 2]) / np.maximum(every - periods[:, 2], 1.0)
        parts = zip(periods[:, 0] - others, periods[:, 1] / periods[:, 2] + within / every, strict=True)
        then = np.array([[_z(apart, squared)] for apart, squared in parts])
        p = max(p, float(spread_chance(np.array([z]), then)[0]))
    return Departure(mean, mean - Z * error, mean + Z * error, common, p)


def _z(difference: float, variance: float) -> float:
    if variance > 0:
        return difference / math.sqrt(variance)
    return 0.0 if abs(difference) < 1e-12 else math.copysign(1e6, difference)


def moved_cells(now: Ints, usual: Ints, most: int = 2) -> list[tuple[int, float, float]]:
    """The cells that add most to a PSI, the most first: place, usual share and share now."""
    then, here = shares(usual.astype(np.float64), usual.sum()), shares(now.astype(np.float64), now.sum())
    floor_then, floor_here = 0.5 / max(int(usual.sum()), 1), 0.5 / max(int(now.sum()), 1)
    part = (here - then) * np.log(np.maximum(here, floor_here) / np.maximum(then, floor_then))
    order = np.argsort(-part, kind="stable")[:most]
    return [(at, float(then[at]), float(here[at])) for at in order.tolist() if part[at] > 0]


def psi_words(name: Value, departure: Departure, now: Ints, usual: Ints, cell: Callable[[int], Value]) -> Message:
    """The PSI of what has this name, with the cells that moved most; cell: the name of each."""
    psi = Number(departure.now, ".3f")
    moved = [
        message("{cell}: {then} → {now}", cell=cell(at), then=Number(then, ".1%"), now=Number(here, ".1%"))
        for at, then, here in moved_cells(now, usual)
    ]
    if not moved:
        return message("{name}: PSI {psi}", name=name, psi=psi)
    return message("{name}: PSI {psi}, most moved: {cells}", name=name, psi=psi, cells=with_semicolons(moved))


def bound(value: float) -> Number:
    """The upper bound of a bin: four digits that count, and all those ahead of the point."""
    return Number(value, ",.4g" if abs(value) < 1000.0 else ",.0f")


def range_words(edges: Sequence[Number], at: int) -> Message:
    """The range of the bin at this place, between upper bounds of bins as they are shown."""
    if not edges:
        return message("any")
    if at == 0:
        return message("up to {value}", value=edges[0])
    if at == len(edges):
        return message("above {value}", value=edges[-1])
    return message("above {low} to {high}", low=edges[at - 1], high=edges[at])


@dataclass(frozen=True)
class Figure:
    """Which figure of which period a signal is about.

    Attributes:
        period: The period.
        check: Which figure.
        subject: Of what; "" for the whole.
        n_rows: Rows that it rests on.
    """

    period: str
    check: Check
    subject: str
    n_rows: int

    def signal(self, departure: Departure, value: float, words: Message, rows: tuple[RowRef, ...] = ()) -> Signal:
        """The signal of a departure of this size, with the first rows concerned."""
        return Signal(
            period=self.period,
            check=self.check,
            subject=self.subject,
            value=value,
            now=departure.now,
            low=departure.low,
            high=departure.high,
            usual=departure.usual,
            p=departure.p,
            words=words,
            rows=rows,
            n_rows=self.n_rows,
        )
