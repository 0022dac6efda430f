"""What a join gives: the columns that are made of the records of sources, by row of a file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from data_schemas.contract import Schema
from features.arrays import Flags, Floats, Index, Ints
from features.sources.known import Tables
from features.sources.loading import REJECT_COLUMNS, REJECTS, row_numbers
from features.sources.report import SourceReport
from features.tables.csv_writer import write_header, write_rows

if TYPE_CHECKING:
    import duckdb

_REJECTS_AT_A_TIME = 100_000


@dataclass(frozen=True)
class JoinedSources:
    """Sources joined with the applications of some files (``features.tables.joined.Joined``).

    Attributes:
        reports: what was found in each source, in the order of the schema.
    """

    reports: tuple[SourceReport, ...]
    _schema: Schema
    _tables: tuple[Tables, ...]
    _before: Mapping[str, int]
    _connection: duckdb.DuckDBPyConnection

    @property
    def digest(self) -> str:
        """Names all that is made of the records, by row of the files; the same whatever their order."""
        parts = []
        for tables in self._tables:
            fields = self._schema.fields_from(tables.source.name)
            made = [f"m{i}" if field.is_numeric else f"md5(m{i})" for i, field in enumerate(fields)]
            rows = f"md5_number(CAST(row({', '.join(['app', *made])}) AS VARCHAR))"
            with self._connection.cursor() as cursor:
                parts.append(cursor.execute(f"SELECT count(*), bit_xor({rows}) FROM {tables.made}").fetchone())
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    @property
    def row_counts(self) -> Mapping[str, int]:
        """Rows of each file that may have records: none behind the last application that could be read."""
        with self._connection.cursor() as cursor:
            found = cursor.execute("SELECT coalesce(max(app), 0) FROM applications").fetchone()
        before, total = sorted(self._before.items(), key=lambda one: one[1]), int(found[0]) if found else 0
        ends = [*(first for _, first in before[1:]), max(total, before[-1][1] if before else 0)]
        return {name: end - first for (name, first), end in zip(before, ends, strict=True)}

    def columns(self, origin: Path | str, row_number: Ints) -> Mapping[str, npt.NDArray[np.generic]]:
        """What is made of the records of the applications in these rows of a file, as ``Joined.columns`` has it.

        Raises ValueError for a file that was not joined.
        """
        numbers = row_numbers(self._before, origin, row_number)
        columns: dict[str, npt.NDArray[np.generic]] = {}
        for tables in self._tables:
            columns |= self._made(tables, numbers)
        return columns

    def _made(self, tables: Tables, numbers: Ints) -> dict[str, npt.NDArray[np.generic]]:
        fields = self._schema.fields_from(tables.source.name)
        if not fields:
            return {}
        low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, -1)
        query = f"SELECT * FROM {tables.made} WHERE app BETWEEN {low} AND {high} ORDER BY app"
        with self._connection.cursor() as cursor:
            found = cursor.sql(query).to_arrow_table()
        apps = found.column("app").to_numpy()
        at = np.searchsorted(apps, numbers)
        has = np.isin(numbers, apps)
        return {
            field.name: _numbers(found.column(f"m{i}"), at, has, 0.0 if field.name in tables.source.zeros else np.nan)
            if field.is_numeric
            else _texts(found.column(f"m{i}"), at, has)
            for i, field in enumerate(fields)
        }

    def write_rejects(self, path: Path) -> None:
        """Write every rejected record as CSV: source, row, column, rule, message; raises OSError."""
        with self._connection.cursor() as cursor, path.open("w", newline="", encoding="utf-8") as file:
            write_header(file, REJECT_COLUMNS)
            cursor.execute(f"SELECT * FROM {REJECTS} ORDER BY ALL")
            while rows := cursor.fetchmany(_REJECTS_AT_A_TIME):
                write_rows(file, pd.DataFrame(rows, columns=list(REJECT_COLUMNS)))


def _numbers(values: pa.ChunkedArray, at: Index, has: Flags, of_none: float) -> Floats:
    found = np.full(len(has), of_none)
    found[has] = values.cast(pa.float64()).to_numpy()[at[has]]  # null becomes NaN
    return found


def _texts(values: pa.ChunkedArray, at: Index, has: Flags) -> npt.NDArray[np.object_]:
    found = np.full(len(has), "", dtype=object)
    found[has] = values.fill_null("").to_numpy()[at[has]]
    return found
