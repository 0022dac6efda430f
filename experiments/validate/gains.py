"""How much better one model is than another on the same rows: on all of them, and slice by slice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.reporting.cells import BAD_RATE, BADS, NUMBER, figure, interval
from experiments.reporting.document import Cell, Column, Gap, Row, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.validate.slices import Slice, enough, too_few
from features.arrays import Floats
from fusion.metrics import Gain, auc, brier_gain, delong
from fusion.validation.intervals import Estimate, rate

NO_ROW = gettext_noop("no row")
NO_VARIANCE = gettext_noop("the difference does not vary")


@dataclass(frozen=True)
class SliceGain:
    """What a model gains over another on the rows of a slice.

    Attributes:
        name: of the slice.
        n: rows.
        n_bad: bads.
        areas: AUC of each model that is shown; None where goods or bads are too few.
        auc: by how much the AUC is higher; None where goods or bads are too few.
        brier: by how much the Brier score is lower; None for fewer than two rows.
    """

    name: str
    n: int
    n_bad: int
    areas: tuple[float, ...] | None
    auc: Gain | None
    brier: Gain | None


@dataclass(frozen=True)
class Contest:
    """A model against another, and the models whose AUC is shown.

    Attributes:
        y: float64 (n,), 1 for bad.
        model: float64 (n,), margin of the model that may be the better one.
        rival: float64 (n,), margin of the one that it is compared with.
        shown: titles and margins of the models whose AUC is shown, by the key of their column.
    """

    y: Floats
    model: Floats
    rival: Floats
    shown: dict[str, tuple[str, Floats]]

    def on(self, part: Slice) -> SliceGain:
        """The gain on the rows of a slice."""
        y, model, rival = self.y[part.rows], self.model[part.rows], self.rival[part.rows]
        areas, gain = None, None
        if enough(y):
            areas = tuple(auc(y, margin[part.rows]) for _, margin in self.shown.values())
            gain = _known(delong(y, model, rival))
        return SliceGain(part.name, len(y), int(y.sum()), areas, gain, _known(brier_gain(y, model, rival)))

    def table(self, heading: tuple[str, str, str], found: Sequence[SliceGain], bad_rates: bool = False) -> Table:
        """Gains as a table.

        Args:
            heading: key, title and note of the table.
            found: a row each.
            bad_rates: whether there is a column for the bad rate.
        """
        key, title, note = heading
        counts = (
            Column(key="rows", title=gettext("Rows")),
            NUMBER,
            BADS,
        )
        rates = (BAD_RATE,) if bad_rates else ()
        return Table(
            key=key,
            title=title,
            note=note.strip(),
            columns=(
                *counts,
                *rates,
                *(Column(key=key, title=title, form="number", digits=3) for key, (title, _) in self.shown.items()),
                Column(key="auc_gain", title=gettext("Gain in AUC"), form="signed", digits=4),
                Column(key="auc_p", title=gettext("p"), form="p"),
                Column(key="brier_gain", title=gettext("Gain in Brier score"), form="signed", digits=5),
                Column(key="brier_p", title=gettext("p of it"), form="p"),
            ),
            rows=tuple(self._row(one, bad_rates) for one in found),
        )

    def _row(self, one: SliceGain, bad_rates: bool) -> Row:
        few = too_few() if one.n else gettext(NO_ROW)
        return (
            one.name,
            one.n,
            one.n_bad,
            *((interval(rate(one.n_bad, one.n), gettext(NO_ROW)),) if bad_rates else ()),
            *(one.areas or [Gap(gap=few)] * len(self.shown)),
            *gain_cells(one.auc, few),
            *gain_cells(one.brier, few),
        )


def gain_cells(gain: Gain | None, few: str) -> tuple[Cell, Cell]:
    """A difference with its interval, and its p. few: why there is none, where there is none."""
    if gain is None or math.isnan(gain.difference):
        return Gap(gap=few), Gap(gap=few)
    return interval(estimate(gain)), figure(gain.p, gettext(NO_VARIANCE))


def estimate(gain: Gain) -> Estimate:
    """A difference with its interval."""
    return Estimate(gain.difference, gain.low, gain.high)


def _known(gain: Gain) -> Gain | None:
    return gain if math.isfinite(gain.difference) else None
