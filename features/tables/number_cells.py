"""Cells of numbers in the notation of their column: read with Arrow's kernels, and written again."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_schemas.fields import Field
from data_schemas.numbers import PLAIN, Negative, NumberNotation
from features.arrays import Flags, Floats

_PLAIN = r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_SPACES = "[\u00a0\u2000-\u200a\u202f\u3000]"
_MINUS = "[\u2212\u2012\u2013\ufe63\uff0d]"
_QUOTES = "[\u2018\u2019\u02bc\u00b4]"


def read_numbers(present: pa.Array, notation: NumberNotation = PLAIN) -> Floats:
    """float64 (n,) of the cells, NaN where one is null or no number of this notation, infinite where it is too large.

    Args:
        present: strings, trimmed.
    """
    if notation == PLAIN:
        try:
            parsed = present.cast(pa.float64())
        except pa.ArrowInvalid:
            signed = pc.replace_substring_regex(present, f"^{_MINUS}", "-")
            parsed = pc.if_else(pc.match_substring_regex(signed, _PLAIN), signed, None).cast(pa.float64())
        return _floats(parsed)
    if len(present) == 0:
        return np.empty(0)
    coded = present.dictionary_encode()
    values = np.append(_read_marked(coded.dictionary, notation), np.nan)
    found: Floats = values[pc.fill_null(coded.indices, len(values) - 1).to_numpy(zero_copy_only=False)]
    return found


def _floats(parsed: pa.Array) -> Floats:
    return np.asarray(parsed.to_numpy(zero_copy_only=False), dtype=np.float64).copy()


def _read_marked(texts: pa.Array, notation: NumberNotation) -> Floats:
    """As ``read_numbers``, for distinct texts with marks, affixes and signs."""
    texts = plain_marks(texts)
    parts = pc.extract_regex(texts, _pattern(notation))
    digits = pc.struct_field(parts, "number")
    if notation.group:
        digits = pc.replace_substring(digits, _one_kind(notation.group), "")
    if notation.decimal != ".":
        digits = pc.replace_substring(digits, notation.decimal, ".")
    values = _floats(pc.if_else(pc.equal(digits, ""), None, digits).cast(pa.float64()))
    signs = [_given(parts, name, "-") for name in ("sign", "inner", "trailing")]
    opened, closed = _given(parts, "open", "("), _given(parts, "close", ")")
    n_signs = np.sum([*signs, opened], axis=0) + _given(parts, "sign", "+") + _given(parts, "inner", "+")
    values[(n_signs > 1) | (opened != closed)] = np.nan
    return np.where(np.logical_or.reduce([*signs, opened]), -values, values)


def _given(parts: pa.StructArray, name: str, text: str) -> Flags:
    mask: Flags = pc.fill_null(pc.equal(pc.struct_field(parts, name), text), False).to_numpy(zero_copy_only=False)
    return mask


def plain_marks(texts: pa.Array) -> pa.Array:
    """The texts with one kind of space, minus and apostrophe."""
    if pc.all(pc.string_is_ascii(texts)).as_py():
        return texts
    for marks, plain in ((_SPACES, " "), (_MINUS, "-"), (_QUOTES, "'")):
        texts = pc.replace_substring_regex(texts, marks, plain)
    return texts


def _pattern(notation: NumberNotation) -> str:
    """What a cell of this notation looks like, for RE2; a group mark stands between groups as one writes them."""
    decimal, group = re.escape(notation.decimal), re.escape(_one_kind(notation.group))
    whole = r"[0-9]+"
    if notation.group:  # groups of three, or as in India of two before the last
        whole = rf"(?:[0-9]{{1,3}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}}|[0-9]+)"
    number = rf"(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    words = "|".join(
        re.escape(_one_kind(word)).replace(r"\ ", r"\s+") for word in sorted(notation.affixes, key=len)[::-1]
    )
    affix = rf"(?i:{words})?" if words else ""
    opening, closing = (r"\(?", r"\)?") if notation.negative is Negative.PARENTHESES else ("", "")
    trailing = "-?" if notation.negative is Negative.TRAILING_MINUS else ""
    return (
        rf"^(?P<open>{opening})\s*(?P<sign>[+-]?)\s*{affix}\s*(?P<inner>[+-]?)\s*(?P<number>{number})"
        rf"\s*(?P<trailing>{trailing})\s*{affix}\s*(?P<close>{closing})$"
    )


def _one_kind(mark: str) -> str:
    mark = re.sub(_SPACES, " ", mark)
    return re.sub(_QUOTES, "'", re.sub(_MINUS, "-", mark))


def unit_of(cell: str) -> str:
    """What stands beside the one number of a cell that is otherwise a number, such as ``%``; "" for any other cell."""
    found = re.fullmatch(r"([^\d.,()+-]*)[+-]?\d[\d.,' ]*(?<=\d)([^\d.,]*)", cell.strip(), re.ASCII)
    parts = [part.strip() for part in found.groups()] if found else []
    return next((part for part in parts[::-1] if part and len(part) <= 20), "")


def as_written(numbers: pa.Array, field: Field) -> pa.Array:
    """Typed numbers, given as text, as a file of this contract would have them."""
    decimal = field.number.decimal if field.is_numeric else "."
    return numbers if decimal == "." else pc.replace_substring(numbers, ".", decimal)
