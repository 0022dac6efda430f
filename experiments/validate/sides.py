"""The models that a chapter shows: one by itself, or two side by side on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from experiments.reporting.cells import P_VALUE
from experiments.reporting.charts import BLUE
from experiments.reporting.document import Cell, Column, Form, Row
from experiments.validate.scored_outcomes import ScoredOutcomes


@dataclass(frozen=True)
class Side:
    """A model that a chapter shows.

    Attributes:
        key: of its column.
        title: of its column.
        label: what plots call it.
        colour: of its line.
        scored: the rows as it scored them.
    """

    key: str
    title: str
    label: str
    colour: str
    scored: ScoredOutcomes


Sides = Sequence[Side]
"""One model, or the one in use and the one that may replace it."""

Named = Sequence[tuple[str, Cell]]
"""Figures by name."""


def alone(scored: ScoredOutcomes) -> Sides:
    """One model by itself."""
    return (Side("value", "Value", "the model", BLUE, scored),)


def figure_columns(sides: Sides, form: Form, digits: int) -> tuple[Column, ...]:
    """A column of names, one for each model, and of two also by how much the second is better, with p."""
    columns = [Column(key="figure", title="Figure")]
    columns += [Column(key=side.key, title=side.title, form=form, digits=digits) for side in sides]
    if len(sides) == 2:
        columns.append(Column(key="difference", title=f"{sides[1].title} better by", form="signed", digits=digits))
        columns.append(P_VALUE)
    return tuple(columns)


def figure_rows(
    sides: Sides, figures: Callable[[ScoredOutcomes], Named], gains: Mapping[str, tuple[Cell, Cell]]
) -> tuple[Row, ...]:
    """The rows beneath ``figure_columns``.

    Args:
        sides: the models.
        figures: names and cells of one model, the same names in the same order for every model.
        gains: difference and p by name of the figure, where there are two models; others have neither.
    """
    found = [figures(side.scored) for side in sides]
    return tuple(
        (name, *(named[at][1] for named in found), *(gains.get(name, (None, None)) if len(sides) == 2 else ()))
        for at, (name, _) in enumerate(found[0])
    )
