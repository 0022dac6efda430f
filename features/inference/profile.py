"""Facts about the columns of an unknown table, read off a sample of its rows as text.

``features.inference.draft`` makes its guesses from these; nothing here knows what a column is for.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data_schemas.dates import DEFAULT, has_short_year
from data_schemas.fields import FieldType
from features.arrays import Flags, Floats, Ints
from features.inference.column_names import hints
from features.inference.dates import numbers_as_dates, placeholders, read_as_dates
from features.inference.notation import Notation, Texts, distinct_texts
from features.inference.numbers import decimal_mark, read_as_numbers
from features.inference.special_codes import Codes, NumberColumn, special_codes
from features.tables.missing_words import SHORT, SPREADSHEET_ERRORS
from features.text.scripts import n_words

MISSING_WORDS = frozenset({
    *SHORT,
    *(f"{word}." for word in SHORT if "." in word),
    *("<na>", "-", "--", "?", "\\n"),
    *SPREADSHEET_ERRORS,
    *(f".{letter}" for letter in ("", "_", *string.ascii_lowercase)),
})  # fmt: skip
"""Cells, in lower case, that mean "missing" in most exports: words, errors of spreadsheets, codes of SAS and Stata.

"none" and "unknown" are often levels, and not here; but see ``_stands_for_none``.
"""

_YEAR, _FEW_YEARS, _CENTURY = 365.25, 10 * 365.25, 36_525.0  # days
_OFTEN = 0.05  # share of the rows
_MISSING_WORDS = pa.array(sorted(MISSING_WORDS))
_LEADING_ZERO = r"^0\d+$"
_NONE = "None"  # as Python writes it; other spellings are words of people, and levels
_CODE = re.compile(r"[A-Z0-9]{1,3}")
_FEWEST_CODES = 5
_NUMBERS = (FieldType.INTEGER, FieldType.NUMBER)


@dataclass(frozen=True)
class ColumnProfile:
    """What the sampled cells of one column look like.

    Attributes:
        name: the column.
        texts: the distinct ones of its n cells, stripped.
        places: int64 (n,), of the cells among them, -1 where one is empty.
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
    texts: Texts
    places: Ints
    present: Flags
    missing_codes: tuple[str, ...]
    type: FieldType
    notation: Notation
    values: Floats | None
    levels: tuple[str, ...]
    words: float

    @cached_property
    def cells(self) -> pd.Series[str]:
        """The n texts, stripped, categorical; made when they are asked for, since many texts take a while."""
        empty = self.places < 0
        levels = pd.Index([*self.texts.texts, ""] if empty.any() else self.texts.texts, dtype=object)
        among = np.where(empty, len(self.texts), self.places)
        return pd.Series(pd.Categorical.from_codes(among, levels, validate=False))

    @cached_property
    def n_present(self) -> int:
        """Cells that are not missing."""
        return int(self.present.sum())

    @property
    def is_key(self) -> bool:
        """Whether every row has a value that no other row has."""
        return bool(self.present.all()) and len(self.levels) == len(self.places)

    @property
    def format(self) -> str:
        """The notation of dates, "" for other columns."""
        return str(self.notation.field_keys.get("format", DEFAULT)) if self.type is FieldType.DATE else ""


@dataclass(frozen=True)
class _Look:
    """One column before the others are looked at.

    Attributes:
        texts: distinct ones, stripped.
        places: int64 (n,), of the cells among them, -1 for empty.
        words: bool (k,), the texts that are words for "missing".
        type: of the other texts.
        notation: of their values.
    """

    texts: Texts
    places: Ints
    words: Flags
    type: FieldType
    notation: Notation


class _Split(NamedTuple):
    """The distinct texts of a column, stripped; the cells' places among them; which are words for "missing"; the texts
    that are none.
    """

    texts: Texts
    places: Ints
    words: Flags
    known: Texts


def profiles(sample: pd.DataFrame | pa.Table, notations: Mapping[str, str] | None = None) -> dict[str, ColumnProfile]:
    """The facts about all columns of a sample of texts, by name: marks of numbers and codes for "missing" are told by
    all columns together.

    Args:
        notations: of columns that several readings fit, the one that is meant, by its name in ``Notation.readings``.
    """
    table = sample if isinstance(sample, pa.Table) else pa.table({str(name): cells for name, cells in sample.items()})
    split = {name: _split(name, table[name]) for name in table.column_names}
    marks = Counter(filter(None, (decimal_mark(one.known) for one in split.values())))
    mark = next(iter(marks)) if len(marks) == 1 else ""
    looks = {name: _look(one, mark) for name, one in split.items()}
    with_none = [name for name, look in looks.items() if (look.texts.texts == _NONE).any()]
    if any(_stands_for_none(looks[name]) for name in with_none):
        looks |= {name: _look(_without_none(split[name]), mark) for name in with_none}
    for name, meant in (notations or {}).items():
        looks[name] = _read_as(looks[name], meant)
    numbers = {
        name: NumberColumn(look.notation.values, look.texts.counts)
        for name, look in looks.items()
        if look.type in _NUMBERS and len(look.texts) < len(look.places)  # a key has no codes
    }
    codes = special_codes(numbers)
    return {name: _profile(name, look, codes.get(name, Codes())) for name, look in looks.items()}


def profile(name: str, cells: pd.Series[str]) -> ColumnProfile:
    """The facts about one column of texts, looked at alone."""
    return profiles(pd.DataFrame({name: cells}, dtype=object))[name]


def before_decision(column: ColumnProfile, decided: ColumnProfile | None) -> ColumnProfile:
    """A column of dates with two-digit years as the contract reads it: never after the year of the decision.

    Where many of its dates lie a few years after the decision, they are what they are: filled in later.
    """
    values = column.values
    if column is decided or values is None or not has_short_year(column.format):
        return column
    if decided is None or decided.values is None:
        return column
    with np.errstate(invalid="ignore"):
        ahead = values - decided.values
    if np.nanmean((ahead > 0) & (ahead < _FEW_YEARS)) > _OFTEN:
        return column
    return replace(column, values=np.where(ahead > _YEAR, values - _CENTURY, values))


def _split(name: str, cells: pa.ChunkedArray) -> _Split:
    texts, places = distinct_texts(name, cells)
    words = pc.is_in(pc.utf8_lower(texts.arrow), _MISSING_WORDS).to_numpy(zero_copy_only=False)
    return _Split(texts, places, words, texts.where(~words))


def _stands_for_none(look: _Look) -> bool:
    """Whether ``None`` can be no level of this column, because all else in it are numbers, dates or short codes. It
    then stands for a missing value in every column, since one program has written them all.
    """
    others = look.texts.texts[look.texts.texts != _NONE]
    if look.type is not FieldType.STRING:
        return True
    return len(others) >= _FEWEST_CODES and all(_CODE.fullmatch(text) for text in others)


def _without_none(split: _Split) -> _Split:
    words = split.words | (split.texts.texts == _NONE)
    return split._replace(words=words, known=split.texts.where(~words))


def _read_as(look: _Look, meant: str) -> _Look:
    """The column in one of several readings; as it was, where it has no reading of that name."""
    reading = look.notation.readings.get(meant)
    if reading is None:
        return look
    values = np.full(len(look.texts), np.nan)
    values[~look.words] = reading.values
    return replace(look, notation=replace(reading, values=values))


def _look(split: _Split, file_decimal: str) -> _Look:
    kind, notation = _type(split.known, file_decimal)
    values = np.full(len(split.texts), np.nan)
    values[~split.words] = notation.values
    return _Look(split.texts, split.places, split.words, kind, replace(notation, values=values))


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
    if plain and _any_begins_with_zero(known):
        return text  # a code, not a number
    whole = numbers.values[np.isfinite(numbers.values)]
    is_integer = bool((whole == np.floor(whole)).all()) and not any(
        "e" in one.lower() for one in known.texts[:50] if plain
    )
    if plain and is_integer and hints(known.column, "code"):
        return text
    if is_integer and "decimalChar" not in numbers.field_keys:
        return FieldType.INTEGER, numbers
    if numbers.field_keys.get("groupChar") == ".":
        numbers = replace(numbers, field_keys={"decimalChar": ",", **numbers.field_keys})
    return FieldType.NUMBER, numbers


def _any_begins_with_zero(known: Texts) -> bool:
    """Whether any text is a number of several digits that begins with a zero."""
    with_zero = known.arrow.filter(pc.starts_with(known.arrow, "0"))
    return bool(pc.any(pc.match_substring_regex(with_zero, _LEADING_ZERO)).as_py())


def _profile(name: str, look: _Look, codes: Codes) -> ColumnProfile:
    values, texts = look.notation.values.copy(), look.texts
    is_code, notes = look.words.copy(), look.notation.notes
    further: list[str] = []
    if look.type is not FieldType.STRING and not look.notation.question:
        is_code |= np.isnan(values)
    if look.type is FieldType.DATE and not look.notation.question:
        for at in np.flatnonzero(is_code & ~look.words):
            is_code[at] = not any(map(str.isdigit, texts.texts[at]))
        is_code |= placeholders(texts, values) & ~look.words
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
    is_text = look.type is FieldType.STRING
    n_of_words = np.array([n_words(text) for text in levels]) if is_text else np.ones(len(levels))
    return ColumnProfile(
        name=name,
        texts=texts,
        places=look.places,
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
