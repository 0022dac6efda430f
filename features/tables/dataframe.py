"""Data frames as applications: what a notebook holds where the commands read a file.

Every cell is checked as the same cell of a file would be, so both give the same applications.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from data_schemas.contract import Field, Schema
from data_schemas.errors import ContractError
from data_schemas.reader import parse_schema
from features.tables.applications import Applications
from features.tables.cell_checks import check, typed_frame
from features.tables.header import column_positions
from features.tables.sources import as_text

ORIGIN = "the data frame"

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


def applications_of(frame: pd.DataFrame, schema: Schema) -> Applications:
    """The rows of a frame, whose column names are texts; the target is not read. Without an id column the id is the
    row's position.

    Raises ContractError when a column is missing or stands twice, and for the first cell that breaks the contract.
    """
    if schema.id.name not in frame:
        frame = frame.assign(**{schema.id.name: np.arange(1, len(frame) + 1)})
    where = column_positions(list(frame.columns), schema, need_target=False, origin=ORIGIN)
    columns, breaches = check({name: _cells(frame.iloc[:, i], schema[name]) for name, i in where.items()}, schema)
    if breaches:
        position, name, rule, message = breaches[0]
        what, _, remedy = message.rpartition(". ")
        more = f" (and {len(breaches) - 1:,} more rows break the contract)" if len(breaches) > 1 else ""
        place = f"row {position + 1:,} of {ORIGIN}, column {name!r}, rule {rule}"
        raise ContractError(f"{place}: {what}{more}", f"{remedy}.")
    keep = np.ones(len(frame), dtype=np.bool_)
    return Applications(schema, typed_frame(columns, keep), np.arange(1, len(frame) + 1, dtype=np.int64))


def _plain_field(column: pd.Series, name: str, is_narrative: bool) -> dict[str, object]:
    if is_narrative:
        return {"name": name, "type": "string", "creditfusion": {"role": "narrative"}}
    kind = _kind(column)
    own = {"role": "feature"} | ({"unit": "days since 1970-01-01"} if kind in _DATES else {})
    return {"name": name, "type": "number" if kind in _NUMBERS | _DATES else "string", "creditfusion": own}


def _kind(column: pd.Series) -> str:
    return str(pd.api.types.infer_dtype(column, skipna=True))


def _cells(column: pd.Series, field: Field) -> pa.Array:
    """The column as the strings that a file of this contract would have, null where a cell is missing."""
    kind = _kind(column)
    if field.is_numeric and kind in _DATES:
        since = pd.to_datetime(column, utc=True) - pd.Timestamp(0, tz="UTC")
        array = pa.array(since.dt.total_seconds() / 86_400, from_pandas=True)
    elif kind in _NUMBERS and (field.is_numeric or kind == "empty"):
        array = pa.array(column.to_numpy(dtype=np.float64, na_value=np.nan), from_pandas=True)
    else:
        array = _array(column)
    return as_text(array, field, ORIGIN)


def _array(column: pd.Series) -> pa.Array:
    try:
        array = pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # cells of several types
        array = pa.array([None if missing else str(cell) for cell, missing in zip(column, column.isna(), strict=True)])
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
