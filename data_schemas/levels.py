"""Levels of text columns: codes that are no words, and spellings that differ by the program that wrote the file.

A flag is True in one file, TRUE in another, 1 in a third and 1.0 where a cell of its column was once empty.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

_WHOLE = re.compile(r"([+-]?\d+)\.0{1,2}")  # with three zeros it may be a group of thousands
_SAME = {"true": "1", "1": "true", "false": "0", "0": "false"}
_CODE = re.compile(r"(?!(?:19|20)\d\d$|[YyNn]$)(?:[^\W\d_]{0,3}[-_.]?\d+(?:\.0+)?|[A-Za-z])")
TRUTHS = frozenset({"true", "false"})
"""Keys of the words for a flag."""
FLAGS = frozenset(_SAME)
"""Keys of all that is written for a flag."""


def is_code(level: str) -> bool:
    """Whether a level is a code that only a codebook explains, such as ``A14``, ``3`` or ``E``; a year is none, nor is
    Y or N.
    """
    return _CODE.fullmatch(level) is not None


def level_key(level: str) -> str:
    """What the spellings of one level share: ``true`` and ``false`` in lower case, a whole number without decimals."""
    if (word := level.lower()) in TRUTHS:
        return word
    whole = _WHOLE.fullmatch(level)
    return whole[1] if whole else level


def is_flag(levels: Iterable[str]) -> bool:
    """Whether all levels are true, false, 1 or 0; not where there are none."""
    keys = {level_key(level) for level in levels}
    return bool(keys) and keys <= FLAGS


def by_spelling(levels: Collection[str]) -> Mapping[str, str]:
    """The level that each key stands for; none for a key that two levels share.

    Where all levels are flags, 1 is another spelling of true, and 0 of false.
    """
    keys = [level_key(level) for level in levels]
    found = {key: level for key, level in zip(keys, levels, strict=True) if keys.count(key) == 1}
    if is_flag(levels):
        found |= {_SAME[key]: level for key, level in found.items() if _SAME[key] not in keys}
    return found
