"""Rows of an export that are no applications: lines of totals, and rows that hold nothing but an id."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_schemas.contract import Schema
from features.arrays import Flags


class Fault(NamedTuple):
    """Why a row is no application.

    Attributes:
        rule: name of the rule that it breaks.
        message: what is wrong and what to do.
    """

    rule: str
    message: str


_WORDS = (
    "total totals subtotal sub_total grand_total sum sums count row_count average mean gesamt gesamtsumme "
    "gesamtergebnis summe zwischensumme "
    "insgesamt anzahl durchschnitt mittelwert somme moyenne suma soma subtotales totales totale totali somma media "
    "média totaal subtotaal som totalt summa sammanlagt yhteensä razem ogółem celkem součet spolu összesen összeg "
    "toplam итого итог всего сумма разом всього общо σύνολο jumlah المجموع الإجمالي סהכ"
)
_JOINED = "合计 合計 总计 總計 小计 小計 总和 總和 共计 共計 总数 總數 平均 計 합계 총계 소계 총합 รวม ยอดรวม कुल tổng"
_LABEL = "".join(
    (
        r"^[^\pL\pN]*(?:(?i:",
        "|".join(_WORDS.split()).replace("_", "[ -]"),
        r")(?:[^\pL]|$)|(?:",
        "|".join(_JOINED.split()),
        "))",
    )
)
_SIGNS = re.compile(r"[\W_]+")
_WHOLE = frozenset(_SIGNS.sub("", word.casefold()) for word in (*_WORDS.split(), *_JOINED.split()))

TOTALS = Fault("totals", "the row is a line of totals, no application. Take such lines out of the export")
EMPTY = Fault("empty", "the row holds nothing but its id. Fill its cells in, or take it out of the export")


def totals_lines(cells: Mapping[str, pa.Array], columns: Mapping[str, npt.NDArray[Any]], schema: Schema) -> Flags:
    """bool (n,): rows whose id, or whose first cell in the contract's order, begins with a word for a total, a count
    or a mean, and that hold no date, level or text besides; an id of that word alone needs no more.

    Args:
        cells: text of each column.
        columns: the same, typed.
    """
    own, first = schema.id.name, next(iter(cells))
    label = _labels(cells[own]) | _labels(cells[first])
    for at in np.flatnonzero(label).tolist():
        label[at] = _is_word(cells[own][at].as_py()) or _numbers_alone(columns, schema, at, {own, first})
    return label


def empty_rows(columns: Mapping[str, npt.NDArray[Any]], schema: Schema) -> Flags:
    """bool (n,): rows that hold an id and nothing else; none where there is no other column."""
    others = [values for name, values in columns.items() if name != schema.id.name]
    empty = ~missing_cells(columns[schema.id.name]) & bool(others)
    for values in others:
        if not empty.any():
            break
        empty &= missing_cells(values)
    return empty


def missing_cells(values: npt.NDArray[Any]) -> Flags:
    """bool (n,): the missing cells of a typed column: NaN, NaT or ""."""
    if values.dtype == object:
        return np.asarray(values == "", dtype=np.bool_)
    return np.asarray(np.isnat(values) if values.dtype.kind == "M" else np.isnan(values), dtype=np.bool_)


def _labels(text: pa.Array) -> Flags:
    found: Flags = pc.fill_null(pc.match_substring_regex(text, _LABEL), False).to_numpy(zero_copy_only=False)
    return found.copy()


def _is_word(cell: str | None) -> bool:
    word = _SIGNS.sub("", unicodedata.normalize("NFC", cell or "").casefold())
    return word in _WHOLE


def _numbers_alone(columns: Mapping[str, npt.NDArray[Any]], schema: Schema, at: int, label: set[str]) -> bool:
    """Whether a row has no date, level or text beside its label; of a table of numbers, fewer than half of them."""
    others = {name: values[at : at + 1] for name, values in columns.items() if name not in label}
    wordy = [values for name, values in others.items() if not schema[name].is_numeric]
    if wordy:
        return all(missing_cells(values).all() for values in wordy)
    return 2 * sum(bool(missing_cells(values).all()) for values in others.values()) > len(others)
