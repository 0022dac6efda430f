"""The carrier of checked rows: ``Applications``, and its twin for rows that failed, ``Rejects``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from data_schemas.fields import FieldType, Role
from features.arrays import Dates, Flags, Floats, Index, Ints, Texts

REJECT_COLUMNS = ("row", "column", "rule", "message", "original")


@dataclass(frozen=True)
class Applications:
    """Checked rows of a table.

    Attributes:
        schema: the contract that they meet.
        frame: one column per schema field that the source had (ignored ones left out, and auxiliary ones unless the
            outcome was read), typed: numbers, integers and booleans float64 with NaN = missing; dates
            ``datetime64[s]`` with NaT = missing; all else Python ``str`` in object dtype with "" = missing
            (narratives raw, as written). RangeIndex.
        row_number: int64 (n,), 1-based number of each row among the data rows of its source.

    Raises:
        ValueError: when the parts do not fit each other.
    """

    schema: Schema
    frame: pd.DataFrame
    row_number: Ints

    def __post_init__(self) -> None:
        if self.row_number.dtype != np.int64 or self.row_number.shape != (len(self.frame),):
            raise ValueError(f"row_number must be int64 ({len(self.frame)},), got {self.row_number.shape}")
        for name, dtype in self.frame.dtypes.items():
            field = self.schema[str(name)]
            wanted = "float64" if field.is_numeric else "datetime64[s]" if field.type is FieldType.DATE else "object"
            if str(dtype) != wanted:
                raise ValueError(f"column {name!r} must be {wanted}, got {dtype}")

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def ids(self) -> list[str]:
        """The applications' ids, as text."""
        return list(self.frame[self.schema.id.name])

    def narrative(self, name: str) -> list[str]:
        """Raw text of one narrative column, "" where there is none."""
        return list(self.frame[name])

    def outcome(self) -> Floats:
        """float64 (n,): 1 bad, 0 good. Raises ValueError when the rows carry no target column."""
        field = self.schema.field_of(Role.TARGET)
        if field is None or field.name not in self.frame:
            raise ValueError("these applications carry no outcome; read them with need_target=True")
        cells, bad_if = self.frame[field.name], self.schema.bad_if
        bad = cells.isin(self.schema.bad_values) if bad_if is None else bad_if.met(cells.to_numpy(dtype=np.float64))
        return np.asarray(bad, dtype=np.float64)

    def decision_date(self) -> Dates | None:
        """datetime64[s] (n,), or None when the rows carry no decision date."""
        field = self.schema.field_of(Role.DECISION_DATE)
        if field is None or field.name not in self.frame:
            return None
        return self.frame[field.name].to_numpy(dtype="datetime64[s]")

    def take(self, index: Index | Flags) -> Applications:
        """The rows at these positions, or where this mask is true."""
        frame = self.frame.iloc[np.flatnonzero(index) if index.dtype == np.bool_ else index].reset_index(drop=True)
        return Applications(self.schema, frame, self.row_number[index])

    @staticmethod
    def concat(parts: Sequence[Applications]) -> Applications:
        """The rows of all parts, which share one schema; raises ValueError for no parts.

        An auxiliary column that only some parts have is missing in the rows of the others.
        """
        if not parts:
            raise ValueError("no parts to join")
        schema = parts[0].schema
        frame = pd.concat([part.frame for part in parts], ignore_index=True)
        ordered = [field.name for field in schema.fields_of(Role.AUXILIARY) if field.type is FieldType.STRING]
        frame = frame.fillna({name: "" for name in ordered if name in frame})
        return Applications(schema, frame, np.concatenate([part.row_number for part in parts]))


@dataclass(frozen=True)
class Rejects:
    """Rows that broke the contract, one line per row with its first broken rule.

    Attributes:
        frame: columns ``row`` (1-based number among the data rows), ``column``, ``rule``, ``message`` (with the remedy)
            and ``original`` (the row as it stood in the file).
    """

    frame: pd.DataFrame

    def __post_init__(self) -> None:
        if tuple(self.frame.columns) != REJECT_COLUMNS:
            raise ValueError(f"rejects have the columns {REJECT_COLUMNS}, got {tuple(self.frame.columns)}")

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True)
class Chunk:
    """What one step of reading gives: the rows that keep the contract and those that do not.

    Attributes:
        applications: the rows that keep it.
        rejects: those that do not.
        unreadable: cells of these applications, by auxiliary column, that break the contract and so count as missing.
        n_undecided: sound rows left out because they have no outcome yet; 0 where no outcome is read.
        passthrough: cells of these applications, as they are written, by column that is passed through.
    """

    applications: Applications
    rejects: Rejects
    unreadable: Mapping[str, int]
    n_undecided: int = 0
    passthrough: Mapping[str, Texts] = field(default_factory=dict)

    @property
    def n_rows(self) -> int:
        """Input rows in this chunk: each is an application, rejected or undecided."""
        return len(self.applications) + len(self.rejects) + self.n_undecided
