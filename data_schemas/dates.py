"""Dates as the cells of a file write them: one reader and one writer for every notation that a contract can name.

A notation is a ``strptime`` pattern, with the month names of some language, or one of the names in ``NAMED``.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

DEFAULT = "%Y-%m-%d"
ISO = "iso"
"""ISO 8601: a day, or a day and a time with or without a fraction and a zone; the day is read as it is written."""

SERIALS: Mapping[str, tuple[dt.datetime, dt.timedelta]] = {
    "excel": (dt.datetime(1899, 12, 30), dt.timedelta(days=1)),
    "sas": (dt.datetime(1960, 1, 1), dt.timedelta(days=1)),
    "unix_days": (dt.datetime(1970, 1, 1), dt.timedelta(days=1)),
    "unix": (dt.datetime(1970, 1, 1), dt.timedelta(seconds=1)),
    "unix_ms": (dt.datetime(1970, 1, 1), dt.timedelta(milliseconds=1)),
}
"""Dates that are written as a number: the moment that 0 stands for, and the length of a unit."""

NAMED = (ISO, *SERIALS)
"""Notations that have a name instead of a pattern."""

_MONTHS = {
    "en": "january february march april may june july august september october november december",
    "de": "januar februar märz april mai juni juli august september oktober november dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}
_FURTHER_NAMES = {
    "de": {"jänner": 1, "feber": 2, "mrz": 3, "mär": 3, "mai": 5, "juno": 6, "julei": 7},
    "es": {"setiembre": 9, "set": 9},
    "fr": {"janv": 1, "févr": 2, "avr": 4, "juil": 7, "juill": 7, "sept": 9},
    "nl": {"mrt": 3},
}
LANGUAGES = tuple(_MONTHS)
"""Languages whose month names can be read; ``en`` where a contract names none."""

Precision = Literal["day", "month", "year"]

_DIRECTIVE = re.compile(r"%(.)", re.DOTALL)
_ISO_TEXT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d+)?)?\s*(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_SERIAL_TEXT = re.compile(r"[+-]?\d{1,15}(\.\d*)?", re.ASCII)


def _bare(word: str) -> str:
    """The word in lower case and without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", word.casefold()) if not unicodedata.combining(c))


def _month_numbers(language: str) -> dict[str, int]:
    """The month that each name and abbreviation stands for; an abbreviation of two months stands for neither."""
    names = [_bare(name) for name in _MONTHS[language].split()]
    found = {_bare(name): number for name, number in _FURTHER_NAMES.get(language, {}).items()}
    for number, name in enumerate(names, 1):
        for length in range(3, len(name) + 1):
            prefix = name[:length]
            if sum(other.startswith(prefix) for other in names) == 1:
                found.setdefault(prefix, number)
    return found


_NUMBERS = {language: _month_numbers(language) for language in _MONTHS}
_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@functools.lru_cache(maxsize=100_000)  # a file repeats few dates, and strptime is slow
def read_date(text: str, form: str, language: str = "en") -> dt.datetime | None:
    """The day, and the time where one is written, of one cell; None where it is no date of this form.

    A zone is read and left out: the day and the time are those that are written.
    """
    if form in SERIALS:
        return _from_serial(text, form)
    if form == ISO:
        return _from_iso(text)
    if language != "en":
        return _by_pattern(_with_english_months(text, language), form.replace("%B", "%b"), text)
    day = _by_pattern(text, form, text)
    if day is None and ("%b" in form or "%B" in form):  # such as Sept, or a name in full where the form has the short
        day = _by_pattern(_with_english_months(text, "en"), form.replace("%B", "%b"), text)
    return day


def write_date(day: dt.datetime, form: str, language: str = "en") -> str:
    """The cell of a day; ``read_date`` reads it back as precisely as the form is."""
    if form in SERIALS:
        since, unit = SERIALS[form]
        return f"{(day - since) / unit:.13g}"
    if form == ISO:
        return day.strftime("%Y-%m-%d" if day.time() == dt.time() else "%Y-%m-%dT%H:%M:%S")
    return _DIRECTIVE.sub(lambda found: _written(day, found[1], language), form)


def precision_of(form: str) -> Precision:
    """How exact the dates of a form are."""
    if form in NAMED:
        return "day"
    directives = set(_DIRECTIVE.findall(form))
    if directives & set("djxcUW"):
        return "day"
    return "month" if directives & set("mbB") else "year"


def days_left_open(form: str) -> int:
    """Days by which a moment may lie later than the date that a form without days, or months, writes of it."""
    forms = alternatives(form) or ((form,) if form != "default" else ())
    return max(({"day": 0, "month": 31, "year": 366}[precision_of(one)] for one in forms), default=0)


def has_short_year(form: str) -> bool:
    """Whether a form writes the year with two digits, which leaves the century open."""
    return "y" in _DIRECTIVE.findall(form)


def is_compact(form: str) -> bool:
    """Whether a form is digits alone, as 20240131."""
    return form not in NAMED and not _DIRECTIVE.sub("", form) and not set(_DIRECTIVE.findall(form)) & set("bBaAp")


def works(form: str, language: str = "en") -> bool:
    """Whether a form writes dates that it reads again: their year, and their month unless it is of years alone."""
    if form in NAMED:
        return True
    day = dt.datetime(2001, 12, 1)
    try:
        again = read_date(write_date(day, form, language), form, language)
    except ValueError:
        return False
    if again is None or again.year != 2001:
        return False
    return again.month == 12 or not set(_DIRECTIVE.findall(form)) - {"Y", "y", "%"}


def alternatives(form: str) -> tuple[str, ...]:
    """The forms between which a draft leaves the choice, ``%d/%m/%Y or %m/%d/%Y``; none where it leaves none."""
    parts = form.split(" or ")
    return tuple(parts) if len(parts) > 1 else ()


def either_of(forms: Sequence[str]) -> str:
    """What a draft writes where several forms fit: a form that no contract may have, which ``alternatives`` splits."""
    return " or ".join(forms)


def _written(day: dt.datetime, directive: str, language: str) -> str:
    if directive == "%":
        return "%"
    if directive in "bB":
        name = _MONTHS[language].split()[day.month - 1] if language != "en" else ""
        if not name:
            return _ENGLISH[day.month - 1] if directive == "b" else day.strftime("%B")
        return name if directive == "B" else _short(name, language)
    return day.replace(tzinfo=dt.UTC).strftime(f"%{directive}")


def _short(name: str, language: str) -> str:
    """The least beginning of a month's name, from three letters on, that is no other month's."""
    names = _NUMBERS[language]
    return next(name[:length] for length in range(3, len(name) + 1) if _bare(name[:length]) in names)


def _with_english_months(text: str, language: str) -> str:
    """The text with each month's name of a language, with or without a full stop, in English."""
    numbers = _NUMBERS[language]

    def english(found: re.Match[str]) -> str:
        number = numbers.get(_bare(found[1]))
        return found[0] if number is None else _ENGLISH[number - 1]

    return re.sub(r"([^\W\d_]{3,})\.?(?![^\W\d_])", english, text)


def _by_pattern(text: str, form: str, original: str) -> dt.datetime | None:
    if is_compact(form):  # strptime would read 2010111 as the first of November
        text = re.sub(r"\.0+$", "", original)  # a column of numbers, some of them missing
    try:
        day = dt.datetime.strptime(text, form).replace(tzinfo=None)
    except ValueError:
        return None
    return None if is_compact(form) and write_date(day, form) != text else day


def _from_iso(text: str) -> dt.datetime | None:
    found = _ISO_TEXT.fullmatch(text)
    if found is None:
        return None
    try:
        return dt.datetime(*(int(part or 0) for part in found.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None


def _from_serial(text: str, form: str) -> dt.datetime | None:
    if not _SERIAL_TEXT.fullmatch(text):
        return None
    since, unit = SERIALS[form]
    try:
        return (since + float(text) * unit + dt.timedelta(milliseconds=500)).replace(microsecond=0)
    except OverflowError:
        return None
