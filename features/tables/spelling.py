"""One level written in several ways: in capitals, with other spaces, as 1.0 for 1, in another Unicode form."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data_schemas.contract import Schema
from data_schemas.fields import Field, Role
from data_schemas.levels import by_spelling, is_flag, level_key
from features.arrays import Codes

UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0]"
)
"""Characters that are not seen: joiners, marks of direction, fillers."""

_JOINT = re.compile(r"(?<=[^\W_])[\s_-]+(?=[^\W_])")
_WHOLE = re.compile(r"([+-]?\d+)[.,](?!000$)0*")  # three zeros may be a group of thousands


def composed(text: pa.Array) -> pa.Array:
    """Strings in Unicode's composed form (NFC), in which a letter and its accent are one character."""
    if pc.all(pc.string_is_ascii(text)).as_py() is not False:
        return text
    return pc.utf8_normalize(text, form="NFC")


def loose_key(level: str) -> str:
    """What the spellings of one level have in common: its letters and digits in one case and width, with one space
    where white space, a hyphen or an underscore joins them, and a whole number without its ``.0``; ``1,000`` and
    ``1.000``, which may be a thousand, are no spellings of 1.
    """
    text = unicodedata.normalize("NFKC", UNSEEN.sub("", unicodedata.normalize("NFKC", level).casefold()))
    text = _JOINT.sub(" ", text.strip())
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def by_loose_key(levels: Iterable[str]) -> Mapping[str, str]:
    """Each level by its loose key; levels that share one are left out, since a spelling does not tell them apart."""
    found: dict[str, str] = {}
    shared = set[str]()
    for level in levels:
        key = loose_key(level)
        if found.setdefault(key, level) != level:
            shared.add(key)
    return {key: level for key, level in found.items() if key not in shared}


def as_listed(field: Field, schema: Schema, cells: Sequence[str]) -> list[str]:
    """The cells, each in the schema's own spelling of its level where it is another spelling of one.

    Flags are found in all their spellings, levels of an outcome also as 1.0; others where the field is matched loosely.
    """
    listed = list(field.categories or field.allowed)
    is_target = field.role is Role.TARGET
    if is_target:
        listed = [level for level in (*schema.bad_values, *schema.good_values, *schema.undecided_values) if level]
    known: dict[str, str] = {}
    if is_target or is_flag(listed):
        spelled = by_spelling(listed)
        known |= {cell: spelled.get(level_key(cell), cell) for cell in cells}
    elif field.loose and listed:
        loose = by_loose_key(listed)
        known |= {cell: loose.get(loose_key(cell), cell) for cell in cells}
    exact = set(listed)
    return [cell if cell in exact else known.get(cell, cell) for cell in cells]


def level_codes(field: Field, cells: Sequence[str], levels: Sequence[str]) -> Codes:
    """int32 (n,) of the cells of a text feature: 1 and up for the known levels in their order, 0 for the others; where
    the field is matched loosely, a cell that only one level is another spelling of has its code. So have other
    spellings of a flag (``data_schemas.levels``) wherever the levels are one.
    """
    codes = {level: code for code, level in enumerate(levels, 1)}
    if is_flag(levels):
        spelled = by_spelling(levels)
        for cell in set(cells).difference(codes):
            codes[cell] = codes.get(spelled.get(level_key(cell), ""), 0)
    if field.loose:
        known = by_loose_key(levels)
        for cell in set(cells).difference(codes):
            codes[cell] = codes.get(known.get(loose_key(cell), ""), 0)
    return np.array([codes.get(cell, 0) for cell in cells], dtype=np.int32)
