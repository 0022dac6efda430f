"""What is made of the records of further sources, put beside the columns of the table itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_schemas.errors import ContractError
from features.arrays import Ints
from features.tables.applications import Applications


class Joined(Protocol):
    """Sources joined with the applications of some files (``features.sources``)."""

    @property
    def digest(self) -> str:
        """Names all that is made of the records, by row of the files."""
        ...

    def columns(self, origin: Path | str, row_number: Ints) -> Mapping[str, npt.NDArray[np.generic]]:
        """What is made of the records of the applications in these rows of a file.

        Args:
            origin: the file, or another name of the table.
            row_number: int64 (n,), rising, 1-based among its data rows.

        Returns:
            Each column of the schema that has a source: float64 or str objects (n,), NaN and "" where missing.
        """
        ...


def with_sources(applications: Applications, joined: Joined | None, origin: Path | str) -> Applications:
    """The applications with all that is made of sources; raises ContractError where they lack it and none is joined."""
    wanted = [field for field in applications.schema.fields if field.source and field.name not in applications.frame]
    if not wanted:
        return applications
    if joined is None:
        names = list(dict.fromkeys(field.source for field in wanted))
        what = f"{origin}: the schema reads the sources {', '.join(names)} beside the applications, which are not given"
        remedy = f"Give each, as in --source {names[0]}=FILE; in Python as in sources={{{names[0]!r}: frame}}."
        raise ContractError(what, remedy)
    found = joined.columns(origin, applications.row_number)
    made = {
        field.name: pd.Series(found[field.name], dtype="float64" if field.is_numeric else object) for field in wanted
    }
    frame = pd.concat([applications.frame, pd.DataFrame(made, index=applications.frame.index)], axis=1)
    return Applications(applications.schema, frame, applications.row_number)
