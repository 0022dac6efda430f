"""Data frames as applications: what a notebook holds where the commands read a file.

Every cell is checked as the same cell of a file would be, so both give the same applications.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from data_schemas.contract import Schema
from data_schemas.dates import write_date
from data_schemas.errors import ContractError
from data_schemas.fields import Field, FieldType
from data_schemas.reader import parse_schema
from features.arrays import Ints
from features.tables.applications import Applications
from features.tables.cell_checks import check, typed_frame
from features.tables.duplicate_ids import DuplicateIds
from features.tables.header import column_positions
from features.tables.joined import Joined, with_sources
from features.tables.number_cells import as_written
from features.tables.reader import checked
from features.tables.stated import with_facts
from features.tables.text_rows import TextRows, as_text, csv_line

ORIGIN = "the data frame"

Records = pd.DataFrame | Sequence[Mapping[Any, Any]] | Mapping[Any, Any]
"""Rows by column name: a data frame, a list of dicts, or one dict for a single row."""

# Kinds of cells as pandas.api.types.infer_dtype names them.
_NUMBERS = frozenset({"integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"})
_DATES = frozenset({"date", "datetime", "datetime64"})


def plain_schema(frame: pd.DataFrame, narratives: Sequence[str]) -> Schema:
    """A schema from nothing but the columns' types.

    Numbers and booleans are numeric features, and so are dates, as days since 1970-01-01; ``narratives`` are
    narratives, and all else are categories. The id is the row's position.
    Raises ContractError when a narrative is no column, or a column has a name that no schema may have.
    """
    if missing := [name for name in narratives if name not in frame]:
        raise ContractError(
            f"{ORIGIN} has no column {missing[0]!r} to read as a narrative", f"Its columns: {', '.join(frame.columns)}."
        )
    key = "row"
    while key in frame:
        key += "_"
    identity = {"name": key, "type": "string", "creditfusion": {"role": "id"}}
    fields = [_plain_field(frame[name], str(name), name in narratives) for name in frame.columns]
    document = {"fields": [identity, *fields], "creditfusion": {"version": 1, "name": "frame"}}
    return parse_schema(json.dumps(document), f"the schema of {ORIGIN}")


@dataclass(frozen=True)
class FrameRows:
    """The rows of a data frame, checked: each is an application or a reject.

    Attributes:
        applications: The rows that keep the contract; their row numbers are 1-based positions in the frame.
        index: Their labels in the frame.
        rejects: The other rows, with their labels in the frame: the columns of ``Rejects``.
    """

    applications: Applications
    index: pd.Index
    rejects: pd.DataFrame


def read_frame(rows: Records, schema: Schema, joined: Joined | None = None, *, ids_again: bool = False) -> FrameRows:
    """The rows of a data frame whose column names are texts, of a list of dicts, or one dict; the target and auxiliary
    columns are not read. Without an id column the id is the row's position.

    ``joined`` is what is made of the schema's further sources, where the frame does not have it. An id may occur once,
    as in a file, unless ``ids_again`` is set. Raises ContractError when a column is missing or stands twice.
    """
    given = _given(rows)
    chunk = checked(_text_rows(given, schema), schema, None if ids_again else DuplicateIds())
    rejects = chunk.rejects.frame
    return FrameRows(
        with_facts(with_sources(chunk.applications, joined, ORIGIN)),
        given.index[chunk.applications.row_number - 1],
        rejects.set_index(given.index[rejects["row"].to_numpy() - 1]),
    )


def written_cells(rows: Records, contract: Schema, origin: str) -> dict[str, pa.Array]:
    """The columns that a contract reads, as the text that a file of it would have.

    Raises ContractError, naming the origin, when a column is missing or stands twice.
    """
    given = _given(rows)
    where = column_positions(given.names, contract, need_target=False, origin=origin)
    return {name: _cells(given.columns[name], contract[name]) for name in where}


def applications_of(frame: pd.DataFrame, schema: Schema, row_number: Ints | None = None) -> Applications:
    """The rows of a frame, as ``read_frame`` reads them, where an id may occur again.

    Args:
        row_number: int64 (n,), what errors call the rows; None: their positions, from 1.

    Raises ContractError when a column is missing or stands twice, and for the first cell that breaks the contract.
    """
    rows = _text_rows(_given(frame), schema)
    columns, breaches, *_ = check(rows.cells, schema)
    if breaches:
        position, name, rule, message = breaches[0]
        what, _, remedy = message.rpartition(". ")
        more = f" (and {len(breaches) - 1:,} more rows break the contract)" if len(breaches) > 1 else ""
        number = position + 1 if row_number is None else int(row_number[position])
        place = f"row {number:,} of {ORIGIN}, column {name!r}, rule {rule}"
        raise ContractError(f"{place}: {what}{more}", f"{remedy}.")
    keep = np.ones(len(frame), dtype=np.bool_)
    numbers = rows.row_number if row_number is None else row_number
    return with_facts(with_sources(Applications(schema, typed_frame(columns, keep), numbers), None, ORIGIN))


@dataclass(frozen=True)
class _Given:
    """Rows by column, whatever they came as; a single row must not cost a data frame.

    Attributes:
        columns: Cells by name; names that stand twice in a frame are in ``names`` alone.
        names: Of all columns, in order.
        index: The rows' labels.
    """

    columns: Mapping[str, pd.Series | Sequence[object]]
    names: list[str]
    index: pd.Index


def _given(rows: Records) -> _Given:
    if isinstance(rows, pd.DataFrame):
        return _Given(
            {str(name): rows.iloc[:, at] for at, name in enumerate(rows.columns)}, list(rows.columns), rows.index
        )
    records = [rows] if isinstance(rows, Mapping) else list(rows)
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {name: [record.get(name) for record in records] for name in names}
    return _Given(columns, names, pd.RangeIndex(len(records)))


def _text_rows(given: _Given, schema: Schema) -> TextRows:
    """The columns that are read, as the text that a file of this contract would have."""
    n, columns, names = len(given.index), dict(given.columns), given.names
    if schema.id.name not in columns:
        columns[schema.id.name], names = range(1, n + 1), [*names, schema.id.name]
    where = column_positions(names, schema, need_target=False, origin=ORIGIN)
    return TextRows(
        cells={name: _cells(columns[name], schema[name]) for name in where},
        row_number=np.arange(1, n + 1, dtype=np.int64),
        original=lambda position: csv_line([_cell(column, position) for column in given.columns.values()]),
        rejects=[],
        passthrough={},
    )


def _cell(column: pd.Series | Sequence[object], position: int) -> object:
    cell = column.iloc[position] if isinstance(column, pd.Series) else column[position]
    return "" if cell is None else cell


def _plain_field(column: pd.Series, name: str, is_narrative: bool) -> dict[str, object]:
    if is_narrative:
        return {"name": name, "type": "string", "creditfusion": {"role": "narrative"}}
    kind = _kind(column)
    own = {"role": "feature"} | ({"unit": "days since 1970-01-01"} if kind in _DATES else {})
    return {"name": name, "type": "number" if kind in _NUMBERS | _DATES else "string", "creditfusion": own}


def _kind(column: pd.Series) -> str:
    return str(pd.api.types.infer_dtype(column, skipna=True))


def _cells(column: pd.Series | Sequence[object], field: Field) -> pa.Array:
    """The column as the strings that a file of this contract would have, null where a cell is missing."""
    if not isinstance(column, pd.Series):
        if all(isinstance(cell, str) for cell in column):
            return as_text(pa.array(column, pa.string()), field, ORIGIN)
        if field.is_numeric and all(type(cell) in (int, float) for cell in column):
            return as_text(pa.array(column, pa.float64()), field, ORIGIN)
        column = pd.Series(list(column), dtype=object)
    kind = _kind(column)
    if field.is_numeric and kind in _DATES:
        since = pd.to_datetime(column, utc=True) - pd.Timestamp(0, tz="UTC")
        array = pa.array(since.dt.total_seconds() / 86_400, from_pandas=True)
    elif kind in _NUMBERS and (field.is_numeric or kind == "empty"):
        array = pa.array(column.to_numpy(dtype=np.float64, na_value=np.nan), from_pandas=True)
    else:
        array = _array(column, field)
    return as_text(array, field, ORIGIN)


def _array(column: pd.Series, field: Field) -> pa.Array:
    try:
        array = pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # cells of several types
        cells = [
            None if missing else _written(cell, field) for cell, missing in zip(column, column.isna(), strict=True)
        ]
        array = pa.array(cells, pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _written(cell: object, field: Field) -> str:
    """One cell among cells of several types, as a file of this contract would have it."""
    if isinstance(cell, str):
        return cell
    if field.type is FieldType.DATE and isinstance(cell, dt.date):
        moment = cell if isinstance(cell, dt.datetime) else dt.datetime.combine(cell, dt.time())
        return write_date(moment.replace(tzinfo=None), field.date_format, field.date_language)
    return str(as_written(pa.array([str(cell)]), field)[0])
