"""Facts about the columns of an unknown table, read off a sample of its rows as text.

``features.inference.draft`` makes its guesses from these; nothing here knows what a column is for.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from data_schemas.contract import FieldType
from data_schemas.dates import DEFAULT
from features.arrays import Flags, Floats, Ints
from features.inference.dates import is_placeholder, numbers_as_dates, read_as_dates
from features.inference.notation import Notation, Texts, distinct_texts
from features.inference.numbers import decimal_mark, read_as_numbers
from features.inference.special_codes import Codes, NumberColumn, special_codes
from features.text.scripts import n_words

MISSING_WORDS = frozenset({"na", "n/a", "#n/a", "<na>", "nan", "null", "nil", "missing", "-", "--", "?", "."})
"""Cells, in lower case, that mean "missing" in most exports; "none" and "unknown" are often levels, and not here."""

_NUMBERS = (FieldType.INTEGER, FieldType.NUMBER)


@dataclass(frozen=True)
class ColumnProfile:
    """What the sampled cells of one column look like.

    Attributes:
        name: the column.
        cells: its n texts, stripped.
        present: bool (n,), false where the cell is empty or a missing code.
        missing_codes: texts that look like codes for "missing".
        type: of the present cells.
        notation: how its numbers or dates are written.
        values: float64 (n,) for numbers, booleans and dates (days since 1970-01-01), NaN = missing; None for text, and
            for dates whose notation is an open question.
        levels: distinct present texts, the commonest first.
        words: mean number of words per present cell.
    """

    name: str
    cells: pd.Series[str]
    present: Flags
    missing_codes: tuple[str, ...]
    type: FieldType
    notation: Notation
    values: Floats | None
    levels: tuple[str, ...]
    words: float

    @property
    def n_present(self) -> int:
        """Cells that are not missing."""
        return int(self.present.sum())

    @property
    def is_key(self) -> bool:
        """Whether every row has a value that no other row has."""
        return bool(self.present.all()) and len(self.levels) == len(self.cells)

    @property
    def format(self) -> str:
        """The notation of dates, "" for other columns."""
        return str(self.notation.field_keys.get("format", DEFAULT)) if self.type is FieldType.DATE else ""


@dataclass(frozen=True)
class _Look:
    """One column before the others are looked at.

    Attributes:
        cells: stripped.
        texts: distinct ones.
        places: int64 (n,), of the cells among them, -1 for empty.
        words: bool (k,), the texts that are words for "missing".
        type: of the other texts.
        notation: of their values.
    """

    cells: pd.Series[str]
    texts: Texts
    places: Ints
    words: Flags
    type: FieldType
    notation: Notation


def profiles(sample: pd.DataFrame) -> dict[str, ColumnProfile]:
    """The facts about all columns of a sample of texts, by name: marks of numbers and codes for "missing" are told by
    all columns together.
    """
    split = {str(name): _split(str(name), sample[name]) for name in sample.columns}
    marks = Counter(filter(None, (decimal_mark(known) for _, _, known in split.values())))
    mark = next(iter(marks)) if len(marks) == 1 else ""
    looks = {name: _look(cells, texts, places, mark) for name, (cells, (texts, places), _) in split.items()}
    numbers = {
        name: NumberColumn(look.notation.values, look.texts.counts)
        for name, look in looks.items()
        if look.type in _NUMBERS and len(look.texts) < len(look.cells)  # a key has no codes
    }
    codes = special_codes(numbers)
    return {name: _profile(name, look, codes.get(name, Codes())) for name, look in looks.items()}


def profile(name: str, cells: pd.Series[str]) -> ColumnProfile:
    """The facts about one column of texts, looked at alone."""
    return profiles(pd.DataFrame({name: cells}, dtype=object))[name]


def _split(name: str, cells: pd.Series[str]) -> tuple[pd.Series[str], tuple[Texts, Ints], Texts]:
    """Stripped cells, their distinct texts and places, and the texts that are no words for "missing"."""
    cells = pd.Series([cell.strip() for cell in cells], index=cells.index, dtype=object)
    texts, places = distinct_texts(name, cells)
    return cells, (texts, places), texts.where(~_missing_words(texts))


def _missing_words(texts: Texts) -> Flags:
    return np.array([text.lower() in MISSING_WORDS for text in texts.texts], dtype=np.bool_)


def _look(cells: pd.Series[str], texts: Texts, places: Ints, file_decimal: str) -> _Look:
    words = _missing_words(texts)
    known = texts.where(~words)
    kind, notation = _type(known, file_decimal)
    values = np.full(len(texts), np.nan)
    values[~words] = notation.values
    return _Look(cells, texts, places, words, kind, replace(notation, values=values))


def _type(known: Texts, file_decimal: str) -> tuple[FieldType, Notation]:
    """Type of the texts, and how they are written."""
    text = FieldType.STRING, Notation(np.full(len(known), np.nan))
    if not len(known):
        return text
    if {one.lower() for one in known.texts[:4]} == {"true", "false"} and len(known) <= 4:
        return FieldType.BOOLEAN, Notation(np.array([one.lower() == "true" for one in known.texts], dtype=np.float64))
    if dates := read_as_dates(known):
        return FieldType.DATE, dates
    numbers = read_as_numbers(known, file_decimal)
    if numbers is None:
        return text
    plain = not numbers.field_keys and not numbers.own_keys
    if plain and (dates := numbers_as_dates(known, numbers.values)):
        return FieldType.DATE, dates
    if plain and any(re.fullmatch(r"0[0-9]+", one) for one in known.texts):  # leading zeros: a code, not a number
        return text
    whole = numbers.values[np.isfinite(numbers.values)]
    is_integer = bool((whole == np.floor(whole)).all()) and not any(
        "e" in one.lower() for one in known.texts[:50] if plain
    )
    if is_integer and "decimalChar" not in numbers.field_keys:
        return FieldType.INTEGER, numbers
    if numbers.field_keys.get("groupChar") == ".":
        numbers = replace(numbers, field_keys={"decimalChar": ",", **numbers.field_keys})
    return FieldType.NUMBER, numbers


def _profile(name: str, look: _Look, codes: Codes) -> ColumnProfile:
    values, texts = look.notation.values.copy(), look.texts
    is_code, notes = look.words.copy(), look.notation.notes
    further: list[str] = []
    if look.type is not FieldType.STRING and not look.notation.question:
        is_code |= np.isnan(values)
    if look.type is FieldType.DATE and not look.notation.question:
        is_code &= look.words | ~np.array([any(map(str.isdigit, text)) for text in texts.texts], dtype=np.bool_)
        for at, text in enumerate(texts.texts):
            is_code[at] |= is_placeholder(text, values[at], np.delete(values, at))
    if codes.values:
        is_code |= np.isin(values, codes.values)
        notes = (*notes, codes.note)
        further = [text for code in codes.values if (text := _as_text(code, texts)) not in set(texts.texts[is_code])]
    values[is_code] = np.nan
    given = look.places >= 0
    present = given & ~np.append(is_code, True)[look.places]
    of_cells = None
    if look.type is not FieldType.STRING and not (look.type is FieldType.DATE and look.notation.question):
        of_cells = np.where(given, np.append(values, np.nan)[look.places], np.nan)
    levels, weights = texts.texts[~is_code], texts.counts[~is_code]
    n_of_words = np.array([n_words(text) for text in levels], dtype=np.float64)
    return ColumnProfile(
        name=name,
        cells=look.cells,
        present=present,
        missing_codes=(*texts.texts[is_code], *further),
        type=look.type,
        notation=replace(look.notation, values=values, notes=notes),
        values=of_cells,
        levels=tuple(levels),
        words=float(n_of_words @ weights / weights.sum()) if len(levels) else 0.0,
    )


def _as_text(code: float, texts: Texts) -> str:
    """A code as the column would write it."""
    pointed = sum(text.endswith(".0") for text in texts.texts[:50]) > min(len(texts), 50) / 2
    return f"{code:.0f}.0" if pointed else f"{code:.0f}"
