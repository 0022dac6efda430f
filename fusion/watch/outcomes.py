"""Which applications of a batch have an outcome already."""

from __future__ import annotations

import numpy as np

from data_schemas.fields import Role
from features.arrays import Flags
from features.tables.applications import Applications


def known_outcomes(applications: Applications) -> tuple[Flags, Flags]:
    """Whether each application has an outcome, and whether it is bad, bool (n,) each; none has where their file has no
    such column. Undecided ones have none.
    """
    none = np.zeros(len(applications), dtype=np.bool_)
    schema = applications.schema
    field = schema.field_of(Role.TARGET)
    if field is None or field.name not in applications.frame:
        return none, none
    cells = applications.frame[field.name]
    if cells.dtype == object:
        known = ~cells.isin(["", *schema.undecided_values]).to_numpy(dtype=np.bool_)
    else:
        known = ~np.isnan(cells.to_numpy(dtype=np.float64))
    return known, known & (applications.outcome() > 0.5)
