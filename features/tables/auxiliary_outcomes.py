"""Auxiliary outcomes: what became known only after the decision, as numbers that are higher where risk is.

A member of the model that learns them beside the target is taught by more than one bit per loan, and needs none of them
to score: learning with privileged information (Vapnik and Vashist, 2009).
"""

from __future__ import annotations

import numpy as np

from data_schemas.fields import Direction, Field, NumericOutcome, OrderedOutcome, Role, TimeUntilEvent
from features.arrays import Floats
from features.tables.applications import Applications

MONTH = 365.25 / 12  # days

_AT_ONCE, _MOST = 1.5, 1.2  # severity less the share of the horizon that passed, and its bound


def auxiliary_outcomes(applications: Applications, y: Floats) -> dict[str, Floats]:
    """Every auxiliary outcome that the rows carry, by the name of its column.

    Args:
        applications: read with their outcome (``ReadOptions.need_target``); others carry none.
        y: float64 (n,), 1 bad, 0 good.

    Returns:
        float64 (n,) per column, in the order of the schema: higher is riskier, NaN where it is unknown.
    """
    fields = [field for field in applications.schema.fields_of(Role.AUXILIARY) if field.name in applications.frame]
    return {field.name: _outcome(applications, field, y) for field in fields}


def _outcome(applications: Applications, field: Field, y: Floats) -> Floats:
    cells = applications.frame[field.name]
    match field.auxiliary:
        case NumericOutcome(direction):
            values: Floats = cells.to_numpy(dtype=np.float64, copy=True)
            return values if direction is Direction.RISING else -values
        case OrderedOutcome(levels):
            place = {level: float(at) for at, level in enumerate(levels)}
            return np.array([place.get(cell, np.nan) for cell in cells], dtype=np.float64)
        case TimeUntilEvent(horizon):
            return np.where(y == 1.0, _severity(applications, field, horizon), 0.0)
    raise ValueError(f"the auxiliary column {field.name!r} has no mapping to an outcome")


def _severity(applications: Applications, field: Field, horizon: float | str) -> Floats:
    """float64 (n,): how early the event came, for bad rows; NaN without one of the two days or a horizon above 0."""
    decided = applications.decision_date()
    if decided is None:
        return np.full(len(applications), np.nan)
    days = (applications.frame[field.name].to_numpy(dtype="datetime64[s]") - decided) / np.timedelta64(1, "D")
    months = applications.frame[horizon].to_numpy(dtype=np.float64) if isinstance(horizon, str) else horizon
    term = np.where(np.asarray(months) > 0.0, months, np.nan)
    severity: Floats = np.clip(_AT_ONCE - days / MONTH / term, 0.0, _MOST)
    return severity
