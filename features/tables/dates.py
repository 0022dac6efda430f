"""Dates of a table's columns: which century a two-digit year means, and typed dates as the cells of a file."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_schemas.contract import Field
from data_schemas.dates import NAMED, write_date

Days = npt.NDArray[np.datetime64]
"""datetime64[s] (n,), NaT = missing."""

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
