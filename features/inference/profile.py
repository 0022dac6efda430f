"""Facts about the columns of an unknown table, read off a sample of its rows as text.

``features.inference.draft`` makes its guesses from these; nothing here knows what a column is for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data_schemas.contract import FieldType
from features.arrays import Flags, Floats
from features.text.scripts import n_words

MISSING_WORDS = frozenset({"na", "n/a", "#n/a", "<na>", "nan", "null", "nil", "missing", "-", "--", "?", "."})
"""Cells, in lower case, that mean "missing" in most exports; "none" and "unknown" are often levels, and not here."""

DATE_FORMATS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d", "%Y-%m",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d-%b-%Y", "%d %b %Y", "%b-%Y", "%b-%y", "%b %Y", "%B %Y",
)  # fmt: skip

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.0*)?")
_SENTINEL = re.compile(r"-9{1,9}|-1|9{3,9}|-9{3,9}")
_DRESSED = re.compile(r"[-+]?[$€£]?\s*[0-9][0-9,. ']*\s*[%$€£]?")
_MAX_STRAY_TOKENS = 5  # distinct texts among numbers that may still be codes for "missing"


@dataclass(frozen=True)
class ColumnProfile:
    """What the sampled cells of one column look like.

    Attributes:
        name: the column.
        cells: its n texts, stripped.
        present: bool (n,), false where the cell is empty or a missing code.
        missing_codes: non-empty texts that look like codes for "missing".
        type: of the present cells.
        format: of dates, "" otherwise.
        other_formats: further patterns that fit every cell.
        values: float64 (n,) for numbers, booleans and dates (days since 1970-01-01), NaN = missing; None for text.
        levels: distinct present texts, the commonest first.
        words: mean number of words per present cell.
        formatted: whether its texts are numbers with a unit or thousands separators, which the contract does not read.
    """

    name: str
    cells: pd.Series[str]
    present: Flags
    missing_codes: tuple[str, ...]
    type: FieldType
    format: str
    other_formats: tuple[str, ...]
    values: Floats | None
    levels: tuple[str, ...]
    words: float
    formatted: bool

    @property
    def n_present(self) -> int:
        """Cells that are not missing."""
        return int(self.present.sum())

    @property
    def is_key(self) -> bool:
        """Whether every row has a value that no other row has."""
        return bool(self.present.all()) and len(self.levels) == len(self.cells)


def profile(name: str, cells: pd.Series[str]) -> ColumnProfile:
    """The facts about one column of texts."""
    cells = cells.str.strip()
    distinct = cells[cells != ""].value_counts(sort=True)
    codes = [str(text) for text in distinct.index if str(text).lower() in MISSING_WORDS]
    kind, numbers = FieldType.STRING, pd.Series(dtype=np.float64)
    date_formats: list[str] = []
    known = distinct.drop(codes)
    if len(known):
        kind, date_formats, numbers, stray = _type(known)
        codes += stray
        if kind in (FieldType.INTEGER, FieldType.NUMBER):
            codes += _sentinels(numbers, known)
    present = ((cells != "") & ~cells.isin(codes)).to_numpy(dtype=np.bool_)
    levels = tuple(str(text) for text in distinct.index if text not in set(codes))
    values = None
    if kind is not FieldType.STRING:
        values = np.where(present, cells.map(numbers).to_numpy(dtype=np.float64, na_value=np.nan), np.nan)
    weights = distinct[list(levels)].to_numpy(dtype=np.float64)
    words = np.array([n_words(text) for text in levels], dtype=np.float64)
    return ColumnProfile(
        name=name,
        cells=cells,
        present=present,
        missing_codes=tuple(codes),
        type=kind,
        format=date_formats[0] if date_formats else "",
        other_formats=tuple(date_formats[1:]),
        values=values,
        levels=levels,
        words=float(words @ weights / weights.sum()) if len(levels) else 0.0,
        formatted=kind is FieldType.STRING and bool(levels) and all(_DRESSED.fullmatch(text) for text in levels[:1000]),
    )


def _type(known: pd.Series[int]) -> tuple[FieldType, list[str], pd.Series[float], list[str]]:
    """Type, date formats that fit, value per distinct text, and stray texts to take for missing codes.

    Args:
        known: how often each distinct text occurs.
    """
    texts = pd.Series(known.index.astype(str), index=known.index, dtype=object)
    if set(texts.str.lower()) == {"true", "false"}:
        return FieldType.BOOLEAN, [], texts.str.lower().eq("true").astype(np.float64), []
    few = texts.head(50)  # the commonest; most columns hold no dates, and these show it quickly
    likely = [form for form in DATE_FORMATS if _days(few, form).isna().sum() <= min(_MAX_STRAY_TOKENS, len(few) - 1)]
    dates = [form for form in likely if _fits(_days(texts, form), known)]
    if dates:
        days = _days(texts, dates[0])
        return FieldType.DATE, dates, days, list(texts[days.isna()])
    numbers = pd.to_numeric(texts, errors="coerce").astype(np.float64)
    numbers = numbers.where(np.isfinite(numbers))
    padded = texts.str.fullmatch(r"0[0-9]+").any()  # leading zeros: a code, not a number
    if padded or not _fits(numbers, known):
        return FieldType.STRING, [], numbers, []
    stray = list(texts[numbers.isna()])
    whole = texts[numbers.notna()].map(lambda text: _INTEGER.fullmatch(text) is not None).all()
    return FieldType.INTEGER if whole else FieldType.NUMBER, [], numbers, stray


def _fits(values: pd.Series[float], known: pd.Series[int]) -> bool:
    """Whether nearly all cells have a value, and the others are a few repeated texts such as codes for "missing"."""
    strange = values.isna()
    n_strange = int(strange.sum())
    if n_strange > _MAX_STRAY_TOKENS or 2 * n_strange >= len(known) or 2 * int(known[strange].sum()) > int(known.sum()):
        return False
    return not any(character.isdigit() for text in known.index[strange] for character in str(text))


def _days(texts: pd.Series[str], form: str) -> pd.Series[float]:
    """Days since 1970-01-01 of each text, NaN where it is no date of this format between 1900 and 2100."""
    if form == "%Y%m%d" and not texts.str.fullmatch(r"(19|20)[0-9]{6}").any():
        return pd.Series(np.nan, index=texts.index)
    dates = pd.to_datetime(texts, format=form, errors="coerce")
    days = (dates - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    return days.where(dates.dt.year.between(1900, 2100)).astype(np.float64)


def _sentinels(numbers: pd.Series[float], known: pd.Series[int]) -> list[str]:
    """Numbers that look like codes for "missing": -1 or all nines, repeated, and far from every other value."""
    codes: list[str] = []
    for text in [str(text) for text in known.index if _SENTINEL.fullmatch(str(text).removesuffix(".0"))]:
        value = numbers[text]
        rest = numbers.drop([text, *codes]).dropna()
        if known[text] < 2 or rest.empty:
            continue
        low, high = float(rest.min()), float(rest.max())
        negative_code = value < 0 <= low
        far_below, far_above = value < low - 2 * (high - low) - 1, value > high + 2 * (high - low) + 1
        if negative_code or far_below or far_above:
            codes.append(text)
    return codes
