"""The models that a chapter shows: one by itself, or two side by side on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from experiments.reporting.cells import P_VALUE
from experiments.reporting.charts import BLUE, Dashes
from experiments.reporting.document import Cell, Column, Form, Row
from experiments.reporting.language import gettext
from experiments.validate.scored_outcomes import ScoredOutcomes


@dataclass(frozen=True)
class Side:
    """A model that a chapter shows.

    Attributes:
        key: of its column.
        title: of its column.
        label: what plots call it.
        colour: of its line.
        dashes: of its line.
        scored: the rows as it scored them.
    """

    key: str
    title: str
    label: str
    colour: str
    dashes: Dashes
    scored: ScoredOutcomes


Sides = Sequence[Side]
"""One model, or the one in use and the one that may replace it."""

Named = Sequence[tuple[str, Cell]]
"""Figures by name."""


def alone(scored: ScoredOutcomes) -> Sides:
    """One model by itself."""
    return (Side("value", gettext("Value"), gettext("the model"), BLUE, "-", scored),)


Gains = Mapping[str, tuple[Cell, Cell]]
"""By how much the second of two models is better, and p, by name of the figure."""


def figure_columns(sides: Sides, form: Form, digits: int, gains: Gains | None = None) -> tuple[Column, ...]:
    """A column of names, one for each model, and where there are gains also one for them and one for p."""
    columns = [Column(key="figure", title=gettext("Figure"))]
    columns += [Column(key=side.key, title=side.title, form=form, digits=digits) for side in sides]
    if gains is not None:
        columns.append(
            Column(
                key="difference",
                title=gettext("{title} better by").format(title=sides[1].title),
                form="signed",
                digits=digits,
            )
        )
        columns.append(P_VALUE)
    return tuple(columns)


def figure_rows(
    sides: Sides, figures: Callable[[ScoredOutcomes], Named], gains: Gains | None = None
) -> tuple[Row, ...]:
    """The rows beneath ``figure_columns``.

    Args:
        sides: the models.
        figures: names and cells of one model, the same names in the same order for every model.
        gains: of the figures that have any.
    """
    found = [figures(side.scored) for side in sides]
    return tuple(
        (name, *(named[at][1] for named in found), *(gains.get(name, (None, None)) if gains is not None else ()))
        for at, (name, _) in enumerate(found[0])
    )
