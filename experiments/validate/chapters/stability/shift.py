"""How far applicants have moved from those that the model learned from: figures of the chapter on stability."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from data_schemas.fields import Field, FieldType
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.lower_floors import level_words
from experiments.reporting.words import in_words, percent
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import Cut
from features.tabular import Column
from fusion.validation.bins import bin_of, quantile_edges
from fusion.validation.psi import MISSING, Cell, Psi, StabilityIndex, psi_of, psi_of_levels
from fusion.validation.text_drift import TextDrift, drift

N_BINS = 10
UNKNOWN_LEVEL = gettext_noop("missing or unknown")


@dataclass(frozen=True)
class Shift:
    """How one thing moved.

    Attributes:
        key: for machines.
        title: what moved.
        index: over all rows.
        weight: its share of all movement of the training scores; NaN for what is no column.
        what: where it moved most, in words.
        months: its index of each month.
    """

    key: str
    title: str
    index: StabilityIndex
    weight: float
    what: str
    months: tuple[StabilityIndex, ...]


@dataclass(frozen=True)
class NarrativeShift:
    """How the narratives of one column moved.

    Attributes:
        title: of the column.
        drift: all figures.
        written: whether there is a narrative.
        content: what is in it, along the principal component that moved most.
        length: how many distinct words it has.
    """

    title: str
    drift: TextDrift
    written: Shift
    content: Shift
    length: Shift


@dataclass(frozen=True)
class Shifts:
    """How everything moved.

    Attributes:
        score: that of the score.
        score_psi: its cells, bounds in log-odds.
        columns: the furthest moved first.
        narratives: in the schema's order.
    """

    score: Shift
    score_psi: Psi
    columns: tuple[Shift, ...]
    narratives: tuple[NarrativeShift, ...]

    @property
    def texts(self) -> tuple[Shift, ...]:
        """Those of the narratives."""
        return tuple(shift for one in self.narratives for shift in (one.written, one.content, one.length))

    @property
    def all(self) -> tuple[Shift, ...]:
        """The score, the columns and the narratives."""
        return (self.score, *self.columns, *self.texts)


def shifts(scored: ScoredOutcomes, months: Cut | None) -> Shifts:
    """All of them, against the training applicants in the model's bundle."""
    rows = [np.flatnonzero(part.rows) for part in months.slices] if months else []
    margin, now = scored.model.bundle.population.margin, scored.margin
    score = psi_of(margin, now)
    what = _most(score, [pd_range(cell.low, cell.high) for cell in score.cells])
    own = Shift("score", gettext("Score"), score.index, math.nan, what, _number_by_month(margin, now, rows))
    columns = sorted(_columns(scored, rows), key=lambda one: (-one.index.value, one.title))
    return Shifts(own, score, tuple(columns), tuple(_narratives(scored, rows)))


def pd_range(low: float, high: float) -> str:
    """Margins as PDs: ``up to 4.1 %``."""
    lowest, highest = percent(float(expit(low))), percent(float(expit(high)))
    if math.isinf(low):
        return gettext("any") if math.isinf(high) else gettext("up to {high}").format(high=highest)
    if math.isinf(high):
        return gettext("above {low}").format(low=lowest)
    return gettext("above {low} to {high}").format(low=lowest, high=highest)


def _columns(scored: ScoredOutcomes, rows: Sequence[npt.NDArray[np.intp]]) -> list[Shift]:
    bundle = scored.model.bundle
    then, now = bundle.population.columns, scored.design.tabular
    moved = np.abs(bundle.population.contributions.astype(np.float64)).mean(axis=0)
    weights = moved / moved.sum() if moved.sum() > 0 else np.full(len(moved), math.nan)
    found = []
    for at, column in enumerate(bundle.tabular.numeric):
        one, other = then.x_num[:, at], now.x_num[:, at]
        psi = psi_of(one, other)
        by_month = _number_by_month(one.astype(np.float64), other.astype(np.float64), rows)
        found.append(
            (column.name, gettext(column.title), psi, _most(psi, [_bin(cell, column) for cell in psi.cells]), by_month)
        )
    for at, name in enumerate(now.cat_names):
        levels = (gettext(UNKNOWN_LEVEL), *map(level_words, bundle.tabular.levels[name]))
        one_code, other_code = then.x_cat[:, at], now.x_cat[:, at]
        psi = psi_of_levels(one_code, other_code, levels)
        by_month = tuple(psi_of_levels(one_code, other_code[part]).index for part in rows)
        found.append(
            (
                name,
                gettext(bundle.schema[name].title),
                psi,
                _most(psi, [cell.label for cell in psi.cells]),
                by_month,
            )
        )
    return [
        Shift(name, title, psi.index, float(weights[at]), what, by_month)
        for at, (name, title, psi, what, by_month) in enumerate(found)
    ]


def _number_by_month(
    then: npt.NDArray[np.float64], now: npt.NDArray[np.float64], rows: Sequence[npt.NDArray[np.intp]]
) -> tuple[StabilityIndex, ...]:
    """``psi_of`` of each month; the rows are put into their cells once."""
    edges = quantile_edges(then[~np.isnan(then)], N_BINS)
    one, other = (np.where(np.isnan(some), len(edges) + 1, bin_of(some, edges)) for some in (then, now))
    return tuple(psi_of_levels(one, other[part]).index for part in rows)


def _narratives(scored: ScoredOutcomes, rows: Sequence[npt.NDArray[np.intp]]) -> list[NarrativeShift]:
    text, reference = scored.design.text, scored.model.bundle.reference
    monthly = [drift(reference, text.take(part)) for part in rows]
    titles = [gettext(scored.applications.schema[name].title) for name in reference.names]
    return [
        _narrative(titles[at], own, [month[at] for month in monthly]) for at, own in enumerate(drift(reference, text))
    ]


WRITTEN = {"no narrative": gettext_noop("no narrative"), "a narrative": gettext_noop("a narrative")}
KINDS = {
    "written": gettext_noop("Written: {title}"),
    "content": gettext_noop("Content: {title}"),
    "length": gettext_noop("Length: {title}"),
}


def _narrative(title: str, found: TextDrift, monthly: Sequence[TextDrift]) -> NarrativeShift:
    def shift(kind: str, index: Callable[[TextDrift], StabilityIndex], what: str = "") -> Shift:
        months = tuple(index(month) for month in monthly)
        return Shift(
            f"{found.name}:{kind}", gettext(KINDS[kind]).format(title=title), index(found), math.nan, what, months
        )

    share = _most(found.written, [gettext(WRITTEN[cell.label]) for cell in found.written.cells])
    return NarrativeShift(
        title=title,
        drift=found,
        written=shift("written", lambda one: one.written.index, share),
        content=shift("content", lambda one: StabilityIndex(one.greatest, one.greatest_chance)),
        length=shift("length", lambda one: one.words.index),
    )


def _most(found: Psi, names: Sequence[str]) -> str:
    """The cell whose share changed most: ``rent: 40.0 % → 52.0 %``; "" where none changed."""
    changes = [abs(cell.actual - cell.expected) for cell in found.cells]
    if not any(changes):
        return ""
    at = int(np.argmax(changes))
    return f"{names[at]}: {percent(found.cells[at].expected)} → {percent(found.cells[at].actual)}"


def _bin(cell: Cell, column: Column) -> str:
    """A bin of a number in words."""
    if cell.label == MISSING:
        return gettext("missing")
    if isinstance(column, Field) and column.type is FieldType.BOOLEAN:
        return gettext("no") if cell.high == 0 else gettext("yes") if cell.low == 0 else gettext("any")
    if math.isinf(cell.low) and math.isinf(cell.high):
        return gettext("any value")
    low, high = (_bound(bound, column.unit) for bound in (cell.low, cell.high))
    if math.isinf(cell.low):
        return gettext("up to {high}").format(high=high)
    if math.isinf(cell.high):
        return gettext("above {low}").format(low=low)
    return gettext("above {low} to {high}").format(low=low, high=high)


def _bound(value: float, unit: str) -> str:
    return "" if math.isinf(value) else in_words(value, unit)
