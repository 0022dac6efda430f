"""Whether a population has shifted: the population stability index (PSI) of numbers and categories.

PSI = sum over cells of (actual - expected) ln(actual / expected), shares of the compared rows and of a reference
(Siddiqi, Credit Risk Scorecards, 2006); it is the Jeffreys divergence of the two, symmetric and >= 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from data_schemas.messages import Message, message
from features.arrays import Floats
from fusion.validation.bins import bin_of, quantile_edges

MODERATE, SHIFTED = 0.1, 0.25
MISSING = "missing"

PsiVerdict = Literal["stable", "within chance", "moderate", "shifted", "unknown"]
VERDICT_WORDS: Mapping[PsiVerdict, Message] = {
    "stable": message("stable"),
    "within chance": message("within chance"),
    "moderate": message("moderate"),
    "shifted": message("shifted"),
    "unknown": message("unknown"),
}
"""For people."""


@dataclass(frozen=True)
class Cell:
    """A bin of a number, a category, or the missing values.

    Attributes:
        label: the category, ``missing``, or empty for a bin of numbers.
        low: lower bound of a bin, exclusive, -inf at the end; NaN for other cells.
        high: upper bound of a bin, inclusive, inf at the end; NaN for other cells.
        expected: share of the reference's rows.
        actual: share of the compared rows.
    """

    label: str
    low: float
    high: float
    expected: float
    actual: float


@dataclass(frozen=True)
class StabilityIndex:
    """A PSI and its chance value.

    Attributes:
        value: the index; NaN where either side has no rows.
        chance: its 95 % quantile when nothing has moved.
    """

    value: float
    chance: float

    @property
    def verdict(self) -> PsiVerdict:
        """``psi_verdict`` of its value."""
        return psi_verdict(self.value, self.chance)

    @property
    def verdict_of_many(self) -> PsiVerdict:
        """The verdict where many indices are looked at: twice the chance of a single one."""
        return psi_verdict(self.value, 2 * self.chance)


@dataclass(frozen=True)
class Psi:
    """A PSI and its cells.

    Attributes:
        value: the index; NaN where either side has no rows.
        cells: those with rows on either side.
        chance: 95 % quantile of the PSI of two samples of these sizes from one population.
    """

    value: float
    cells: tuple[Cell, ...]
    chance: float

    @property
    def index(self) -> StabilityIndex:
        """The index without its cells."""
        return StabilityIndex(self.value, self.chance)

    @property
    def verdict(self) -> PsiVerdict:
        """``psi_verdict`` of its value."""
        return self.index.verdict


def _divergence(expected: Floats, actual: Floats) -> float:
    """The sum itself, of shares above 0."""
    return float(np.sum((actual - expected) * np.log(actual / expected)))


def chance_psi(n_expected: int, n_actual: int, n_cells: int, level: float = 0.95) -> float:
    """PSI that two samples of one population stay below with chance ``level``.

    Asymptotically PSI is (1/n + 1/m) times chi-squared with one degree of freedom fewer than cells (Yurdakul and
    Naranjo, Journal of Risk Model Validation 2020). 0 for one cell, NaN without rows on either side.
    """
    if not (n_expected and n_actual):
        return math.nan
    from scipy.stats import chi2  # takes half a second, and no score needs it

    return float(chi2.ppf(level, n_cells - 1)) * (1 / n_expected + 1 / n_actual) if n_cells > 1 else 0.0


def psi_verdict(value: float, chance: float = 0.0) -> PsiVerdict:
    """The customary reading of a PSI: below 0.1 stable, to 0.25 moderate, above shifted.

    ``within chance`` for one of 0.1 or more that is no larger than ``chance``: the rows are too few to show a shift.
    """
    if math.isnan(value):
        return "unknown"
    if value < MODERATE:
        return "stable"
    if value <= chance:
        return "within chance"
    return "moderate" if value <= SHIFTED else "shifted"


def psi_of(reference: npt.NDArray[np.floating], values: npt.NDArray[np.floating], n_bins: int = 10) -> Psi:
    """PSI of a number, float (n,) and (m,), NaN = missing, over quantile bins of the reference.

    Missing values are a cell of their own; equal values share a bin; what lies beyond the reference falls into its end
    bins. A cell empty on one side counts as half a row there.
    """
    then, now = reference.astype(np.float64), values.astype(np.float64)
    known = then[~np.isnan(then)]
    edges = quantile_edges(known, n_bins)
    bounds = [-math.inf, *edges.tolist(), math.inf]
    names = [("", bounds[k], bounds[k + 1]) for k in range(len(bounds) - 1)] + [(MISSING, math.nan, math.nan)]
    return psi_of_counts(names, _counts(then, edges), _counts(now, edges))


def _counts(values: Floats, edges: Floats) -> Floats:
    """Rows by bin, the missing ones last."""
    numbers = np.where(np.isnan(values), len(edges) + 1, bin_of(values, edges))
    return np.bincount(numbers, minlength=len(edges) + 2).astype(np.float64)


def psi_of_levels(reference: npt.NDArray[np.integer], codes: npt.NDArray[np.integer], names: Sequence[str] = ()) -> Psi:
    """PSI of a category, codes >= 0 (n,) and (m,); ``names`` by code, the code itself where there is none.

    A level empty on one side counts as half a row there.
    """
    n_levels = 1 + max((int(some.max()) for some in (reference, codes) if len(some)), default=-1)
    labels = [(names[k] if k < len(names) else str(k), math.nan, math.nan) for k in range(n_levels)]
    then, now = (np.bincount(some, minlength=n_levels).astype(np.float64) for some in (reference, codes))
    return psi_of_counts(labels, then, now)


def psi_of_counts(names: Sequence[tuple[str, float, float]], then: Floats, now: Floats) -> Psi:
    """PSI of rows counted by cell (n_cells,), cells named by label, low and high bound as in ``Cell``.

    A cell empty on one side counts as half a row there.
    """
    n, m = int(then.sum()), int(now.sum())
    if not (n and m):
        return Psi(math.nan, (), math.nan)
    used = np.flatnonzero(then + now).tolist()
    cells = tuple(_cell(names[k], float(then[k] / n), float(now[k] / m)) for k in used)
    value = _divergence(np.maximum(then[used], 0.5) / n, np.maximum(now[used], 0.5) / m)
    return Psi(value, cells, chance_psi(n, m, len(used)))


def _cell(name: tuple[str, float, float], expected: float, actual: float) -> Cell:
    return Cell(*name, expected, actual)
