"""Which notation of dates an unknown column follows, told by all its texts; where several do, it is not guessed."""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_schemas.dates import DEFAULT, ISO, LANGUAGES, SERIALS, either_of, is_compact, read_date, write_date
from features.arrays import Flags, Floats
from features.inference.notation import Notation, Texts

_DAYS_FIRST = ("%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y", "%y-%m-%d")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p")
_NUMERIC = tuple(
    day.replace("-", mark) + time for mark, time in itertools.product("-/. ", _TIMES) for day in _DAYS_FIRST
)
_MONTHS = ("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%Y.%m", "%m.%Y", "%Y %m")
_LIKE_NUMBERS = ("%Y.%m", "%m.%Y", "%Y %m")
_NAMED_MONTHS = (
    "%b-%Y", "%b-%y", "%b %Y", "%b %y", "%b/%Y", "%b/%y", "%b, %Y", "%b. %Y", "%b%Y", "%b%y", "%Y-%b", "%Y %b",
    "%b de %Y",
    "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %b %y", "%d/%b/%Y", "%d.%b.%Y", "%d. %b %Y", "%d. %b. %Y", "%d%b%Y",
    "%d%b%y", "%d-%b.-%Y", "%d de %b de %Y", "%b %d, %Y", "%b %d %Y", "%b. %d, %Y", "%Y-%b-%d", "%d%b%Y:%H:%M:%S",
    "%d%b%Y:%H:%M:%S.%f", "%d%b%y:%H:%M:%S", "%d %b %Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%a, %d %b %Y", "%a %b %d %Y",
)  # fmt: skip
_CHINESE = ("%Y年%m月%d日", "%Y年%m月", "%Y年", "%Y년 %m월 %d일", "%Y년 %m월", "%Y年%m月%d日 %H:%M:%S")
_COMPACT = ("%Y%m%d", "%Y%m", "%Y%m%d%H%M%S")  # the year first: they win over the others
_COMPACT_ELSE = ("%d%m%Y", "%m%d%Y", "%m%Y", "%y%m%d", "%d%m%y", "%m%d%y")
_TEXT_FORMS = (*_NUMERIC, "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", *_MONTHS, *_NAMED_MONTHS, *_CHINESE)

_N_SHAPES = 50  # of the commonest texts; most columns hold no dates, and these show it quickly
_MANY = 500  # texts from which pandas reads them faster than one by one
_MAX_LOST = 0.005  # share of the cells that may be no dates, as a 31st of June
_FEW_MONTHS = 6  # distinct numbers that all happen to be months without being dates
_PLACEHOLDER_DAYS = {  # what systems write for "no date", as days since 1970-01-01
    float((np.datetime64(day) - np.datetime64("1970-01-01")).astype(int))
    for day in ("1753-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1901-01-01", "1970-01-01", "2099-12-31")
}
_NEVER = re.compile(
    r"\D*0{1,4}\D0+\D0{1,4}\b.*|\D*(0001|9999|9998|2999|3000)\D.*|.*\D(0001|9999|9998|2999)(\D.*)?|9999\d{4}|0{6,8}"
)
_DATE_WORDS = re.compile(
    r"date|dates|dt|dte|day|datum|fecha|data|datetime|time|timestamp|ts|month|mth|yyyymm|yyyymmdd|period|vintage|cohort|"
    r"opened|since|issued|issue|birth|birthday|born|dob|maturity|applied|decided|booked|granted|disbursed|submitted|d|on|at"
)
_AMOUNT_WORDS = re.compile(
    r"amount|amnt|amt|sum|balance|bal|value|price|income|inc|salary|limit|payment|pymnt|principal|rate|score|id|no|nr|"
    r"number|count|n|num|fee|cost|debt|days|months|years|age"
)
_YEAR_WORDS = re.compile(r"year|yr|vintage|jahr|año|ano|annee|année|anno|cohort|born|birth|built")
_LETTERS_OF_DATES = re.compile(r"日期|时间|時間|年月|月份|年份|生日|fecha|datum|date|_dt$|^dt_")
_MONTH_LETTERS = (
    r"jan|feb|f[eé]v|mar|mär|mrt|mrz|apr|avr|abr|ma[iyj]|jun|juin|jul|juil|aug|août|ago|sep|set|o[ck]t|out|nov|de[czs]|ene|"
    r"gen|mag|giu|lug|ott|dic"
)
_UNREAD = re.compile(  # a quarter, half or week of a year; years of an era; a month beside numbers; a day with its year
    r"^\D{0,6}\d{2,4}[ -]?[QHTSWM][1-4]?\d\b|\d{4}-?W[0-5]\d|\b[QHTS][1-4][ /-]?\d{4}$|\d\s*年\s*\d|年.*月|^/Date\(|"
    rf"\d(?:st|nd|rd|th|er|\.)?[ -]?(?:de )?(?:{_MONTH_LETTERS})[^\W\d_]*\.?[ -]?(?:de )?\d{{2,4}}|"
    rf"\b(?:{_MONTH_LETTERS})[^\W\d_]*\.? +\d{{1,2}},? +\d{{4}}|"
    r"(?<!\d)[12]\d{3}([-/.] ?)[01]?\d\1[0-3]?\d(?!\d)|(?<!\d)[0-3]?\d([-/.])[0-3]?\d\2[12]\d{3}(?!\d)",
    re.IGNORECASE,
)
_UNREAD_OF_A_NAME = re.compile(r"\d([-/. ])\d+\1\d|^\d{5}$|^\d{1,4}[-/.][^\W_]{1,4}$|\d{4}[^\W\d_]\d{1,2}$")
_FEWEST_DIGITS = 5  # of a date that is written as a number
_MOST = 0.9  # of the texts
_JOINTS = re.compile(r"[\W_\d]+|(?<=[a-z])(?=[A-Z])")


def read_as_dates(known: Texts) -> Notation | None:
    """The notation of a column of dates, or several with the question which; None for a column of no dates.

    Texts that stand for "no date", such as 9999-12-31 or 00.00.0000, have no value. A few cells that no notation reads,
    such as a 31st of June, do not make dates text.
    """
    shapes = {_shape(text) for text in known.texts[:_N_SHAPES]}
    fitting, strict = _fitting(known, _candidates(known.column, shapes))
    if not fitting:
        return None
    if len(fitting) > 1:
        return _in_doubt(known, fitting)
    form, language, values = fitting[0]
    n_lost = 0 if strict else int(known.counts[np.isnan(values) & ~_never(known.texts)].sum())
    notes = (f"{n_lost} cells are no dates of this form, and their rows will be rejected",) if n_lost else ()
    return _one_way(form, language, values, notes)


def numbers_as_dates(known: Texts, numbers: Floats) -> Notation | None:
    """Whole numbers that are dates: 201001, 20100131, serials of Excel, SAS or Unix, years; None for other numbers.

    Serials and years are told from counts and amounts by the column's name as well.
    """
    whole = numbers[np.isfinite(numbers)]
    if not len(whole) or (whole < 0).any():
        return None
    if known.fits(numbers) and (whole == np.floor(whole)).all():
        width = max(len(text.split(".")[0]) for text in known.texts[np.isfinite(numbers)][:_N_SHAPES])
        for form in _COMPACT:
            telling = form.startswith("%Y%m%d") or (form == "%Y%m" and len(whole) >= _FEW_MONTHS)
            if len(_example(form)) == width and (telling or _is_named(known.column)):
                values = _values(known, form, "en")
                if values is not None:
                    return Notation(values, _format(form))
        if _is_named(known.column):
            forms = [(form, "en") for form in _COMPACT_ELSE if len(_example(form)) == width]
            if compact := _fitting(known, forms)[0]:
                return _one_way(*compact[0]) if len(compact) == 1 else _in_doubt(known, compact)
        if _YEAR_WORDS.search(" ".join(_words(known.column))) and whole.min() >= 1900 and whole.max() <= 2100:
            values = _values(known, "%Y", "en")
            return None if values is None else Notation(values, _format("%Y"))
    if not _is_named(known.column) or any(_AMOUNT_WORDS.fullmatch(word) for word in _words(known.column)):
        return None
    fitting = [(form, "en", days) for form in SERIALS if (days := _serial_days(known, numbers, form)) is not None]
    if not fitting:
        return None
    form, _, values = fitting[0]
    notes = ("read as time since 1970; SAS and Stata count from 1960",) if form in ("unix", "unix_ms") else ()
    return _one_way(form, "en", values, notes) if len(fitting) == 1 else _in_doubt(known, fitting)


def look_like_dates(column: str, levels: Sequence[str], are_numbers: bool) -> bool:
    """Whether values that no notation reads are dates all the same, such as ``2010Q3``, ``H27.04.01`` or ``29th June``.

    Args:
        levels: distinct texts, the commonest first.
        are_numbers: whether they were read as numbers; their name alone tells these.
    """
    first = [unicodedata.normalize("NFKC", text) for text in levels[:_N_SHAPES]]
    if not first:
        return False
    words = _words(column)
    named = _is_named(column) and not any(_AMOUNT_WORDS.fullmatch(word) for word in words)
    if are_numbers:
        return named and all(text.isdigit() and len(text) >= _FEWEST_DIGITS for text in first)
    patterns = (_UNREAD, _UNREAD_OF_A_NAME) if named else (_UNREAD,)
    return sum(any(one.search(text) for one in patterns) for text in first) >= _MOST * len(first)


def placeholders(known: Texts, days: Floats) -> Flags:
    """Which texts stand for "no date": days that cannot be, or that systems write so, decades from all other dates.

    Args:
        days: float64 (k,), days since 1970-01-01, NaN where a text is no day of 1900 to 2100.
    """
    unread, suspect = np.isnan(days), np.isin(days, list(_PLACEHOLDER_DAYS))
    found = np.zeros(len(known), dtype=np.bool_)
    found[unread] = _never(known.texts[unread])
    rest = days[~unread & ~suspect]
    for at in np.flatnonzero(suspect) if len(rest) else ():
        found[at] = float(np.abs(rest - days[at]).min()) > 10 * 365.25
    return found


def _fitting(known: Texts, forms: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str, Floats]], bool]:
    """The forms that read the texts, with their days, of equal readings the first; and whether they read every text."""
    readings = [
        (form, language, values) for form, language in forms if (values := _values(known, form, language)) is not None
    ]
    strict = [one for one in readings if _is_whole(known, one[2])]
    fitting: list[tuple[str, str, Floats]] = []
    for one in strict or readings:
        if not any(np.array_equal(one[2], other, equal_nan=True) for *_, other in fitting):
            fitting.append(one)
    return fitting, bool(strict)


def _format(form: str) -> dict[str, str]:
    return {} if form == DEFAULT else {"format": form}


def _in_doubt(known: Texts, fitting: Sequence[tuple[str, str, Floats]]) -> Notation:
    """Several notations that fit all texts and give different days."""
    differing = np.zeros(len(known), dtype=np.bool_)
    for *_, values in fitting[1:]:
        differing |= values != fitting[0][2]
    at = int(np.flatnonzero(differing & np.isfinite(fitting[0][2]))[0])
    readings = []
    for form, _, values in fitting:
        days = values[np.isfinite(values)].astype(np.int64).astype("datetime64[D]")
        n_months = len(np.unique(days.astype("datetime64[M]")))
        this = np.datetime64(int(values[at]), "D")
        readings.append(f"{form} makes it {this}, and all from {days.min()} to {days.max()} in {n_months} months")
    question = (
        f"the dates of {known.column!r}, such as {known.texts[at]!r}, fit {len(fitting)} forms: {'; '.join(readings)}. "
        "Find out which is meant, and write it as the column's format"
    )
    form = either_of([form for form, *_ in fitting])
    each = {form: _one_way(form, language, values) for form, language, values in fitting}
    return Notation(np.full(len(known), np.nan), {"format": form}, question=question, readings=each)


def _one_way(form: str, language: str, values: Floats, notes: tuple[str, ...] = ()) -> Notation:
    """The notation of dates of one form."""
    return Notation(values, _format(form), {} if language == "en" else {"language": language}, notes)


def _candidates(column: str, shapes: set[str]) -> Iterable[tuple[str, str]]:
    """Forms with a language that texts of these shapes may follow, the likeliest first."""
    if any(re.fullmatch(r"9-9-9[T ].*9.*", shape) for shape in shapes):
        yield ISO, "en"
    for form in _TEXT_FORMS:
        if _example_shape(form) in shapes and (form not in _LIKE_NUMBERS or _is_named(column)):
            for language in LANGUAGES if "%b" in form or "%B" in form else ("en",):
                yield form, language


@functools.cache
def _example(form: str) -> str:
    return write_date(dt.datetime(2011, 10, 22, 10, 11, 12), form)


@functools.cache
def _example_shape(form: str) -> str:
    return _shape(_example(form))


def _shape(text: str) -> str:
    """The text with each run of digits as 9 and each run of letters as a; signs of Chinese dates stay."""
    text = re.sub(r"[^\W\d_年月日년월일T]+|(?<=[^\W\d_])T|T(?=[^\W\d_])", "a", text.strip())
    return re.sub(r"a+", "a", re.sub(r"[0-9]+", "9", text))


def _values(known: Texts, form: str, language: str) -> Floats | None:
    """Days since 1970-01-01 of each text; None where they do not all fit the form."""
    first = _read(known.texts[:_N_SHAPES], form, language)
    if np.isnan(first).sum() > min(8, len(first) - 1):
        return None
    values = (
        first if len(known) <= _N_SHAPES else np.concatenate([first, _read(known.texts[_N_SHAPES:], form, language)])
    )
    lost = np.isnan(values) & ~_never(known.texts)
    few = known.counts[lost].sum() <= _MAX_LOST * known.counts.sum()
    return values if few or _is_whole(known, values) else None


def _never(texts: npt.NDArray[np.object_]) -> Flags:
    """Which texts stand for "no date"."""
    return np.array([_NEVER.fullmatch(text) is not None for text in texts], dtype=np.bool_)


def _is_whole(known: Texts, values: Floats) -> bool:
    """Whether every text but codes for "missing" has a value."""
    strange = np.isnan(values)
    if strange.sum() > 20:
        return False
    kept = ~strange
    kept[strange] = ~_never(known.texts[strange])
    return known.where(kept).fits(values[kept])


def _read(texts: npt.NDArray[np.object_], form: str, language: str) -> Floats:
    """Days since 1970-01-01 of each text, NaN where it is no date of this form between 1900 and 2100."""
    if len(texts) > _MANY and language == "en" and not is_compact(form) and form not in SERIALS and "%z" not in form:
        series = pd.Series(texts, dtype=object)
        if form == ISO:
            wrong = ~series.str.fullmatch(ISO_TEXT)
            series, form = series.str[:10], "%Y-%m-%d"
            series[wrong] = None
        dates = pd.to_datetime(series, format=form, errors="coerce").to_numpy("datetime64[s]")
    else:
        dates = np.array([read_date(text, form, language) for text in texts], dtype="datetime64[s]")
    days = np.where(np.isnat(dates), np.nan, dates.astype(np.int64) / 86_400)
    years = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    days[~((years >= 1900) & (years <= 2100))] = np.nan
    return np.asarray(days, dtype=np.float64)


ISO_TEXT = r"\d{4}-\d\d-\d\d(?:[T ]\d\d:?\d\d(?::?\d\d(?:[.,]\d+)?)?\s*(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?"

# Days since 1970-01-01 between which the dates of a serial lie, if not from 1950 to 2040.
_PLAUSIBLE = {"unix": (3_652.0, 25_567.0), "unix_ms": (3_652.0, 25_567.0)}


def _serial_days(known: Texts, numbers: Floats, form: str) -> Floats | None:
    """Days since 1970-01-01, where all numbers are dates of this serial that a lender may have; else None."""
    since, unit = SERIALS[form]
    offset = (np.datetime64(since, "s") - np.datetime64("1970-01-01", "s")).astype(np.int64) / 86_400
    days = numbers * (unit.total_seconds() / 86_400) + offset
    low, high = _PLAUSIBLE.get(form, (-7_305.0, 25_567.0))
    if not known.fits(days):
        return None
    given = days[np.isfinite(days)]
    return days if given.min() >= low and given.max() <= high and numbers[np.isfinite(numbers)].min() > 5_000 else None


def _words(name: str) -> list[str]:
    return [word.lower() for word in _JOINTS.split(name) if word]


def _is_named(name: str) -> bool:
    """Whether the name of a column speaks of dates."""
    if _LETTERS_OF_DATES.search(name.lower()):
        return True
    return any(_DATE_WORDS.fullmatch(word) for word in _words(name))
