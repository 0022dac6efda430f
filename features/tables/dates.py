"""Dates of a table's columns: the century of a two-digit year, spans below zero, and typed dates as cells of a file."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data_schemas.contract import Schema
from data_schemas.dates import NAMED, precision_of, write_date
from data_schemas.fields import DerivedKind, Field
from features.arrays import Flags

Days = npt.NDArray[np.datetime64]
"""datetime64[s] (n,), NaT = missing."""

_UNITS = {"year": "Y", "month": "M", "day": "D"}
_CENTURY = 1200  # months
_KNOWN_TO_ARROW = re.compile(r"(%[YmdHMS]|[^%\W]|[ /.:-])*", re.ASCII)


def century_before(values: Days, decided: Days) -> Days:
    """The dates, a century earlier where their year lies after that of the decision, as a two-digit year cannot.

    29 February of a year that has none a century earlier becomes NaT.
    """
    later = values.astype("datetime64[Y]") > decided.astype("datetime64[Y]")  # false where one is NaT
    months = values[later].astype("datetime64[M]")
    earlier = (months - _CENTURY).astype("datetime64[s]") + (values[later] - months.astype("datetime64[s]"))
    earlier[earlier.astype("datetime64[M]") != months - _CENTURY] = np.datetime64("NaT")
    result = values.copy()
    result[later] = earlier
    return result


def negative_spans(frame: pd.DataFrame, schema: Schema) -> tuple[list[str], Flags]:
    """The names of the derived features that are years between two dates, and bool (n, n_names), where the first date
    lies after the second.

    Dates are compared as exactly as the less exact of the two is written, so that no day lies after its own month.
    """
    spans = [derived for derived in schema.derived if derived.kind is DerivedKind.YEARS_BETWEEN]
    table = np.zeros((len(frame), len(spans)), dtype=np.bool_)
    for i, derived in enumerate(spans):
        exact = {precision_of(schema[name].date_format) for name in derived.of}
        unit = next(unit for precision, unit in _UNITS.items() if precision in exact)
        first, second = (frame[name].to_numpy("datetime64[s]").astype(f"datetime64[{unit}]") for name in derived.of)
        table[:, i] = first > second  # false where one is missing
    return [derived.name for derived in spans], table


def dates_as_text(column: pa.Array, field: Field) -> pa.Array:
    """Typed dates (days or timestamps, with or without a zone) as a file of this contract would write them."""
    kind = column.type
    seconds = pa.timestamp("s", kind.tz if pa.types.is_timestamp(kind) else None)
    column = column.cast(seconds, safe=False)
    if seconds.tz is not None:
        column = pc.local_timestamp(column)
    if _KNOWN_TO_ARROW.fullmatch(field.date_format) and field.date_format not in NAMED:
        return pc.strftime(column, field.date_format)
    coded = column.dictionary_encode()
    cells = [write_date(day, field.date_format, field.date_language) for day in coded.dictionary.to_pylist()]
    return pa.DictionaryArray.from_arrays(coded.indices, pa.array(cells, pa.string())).dictionary_decode()
