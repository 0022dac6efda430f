"""The language of letters and pages: its messages, and how numbers, money and days are written in it.

Messages are English in code, templates and schemas; a catalogue (gettext) has them in another language. What a
catalogue lacks stays English. Reports on single decisions are given their language; documents, whose words are made in
many places, are made within ``speaking``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from gettext import NullTranslations

from babel import Locale
from babel.core import get_global
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from data_schemas.messages import Number

MINUS = "−"
NARROW_SPACE = "\u202f"  # between a number and %, never broken
_FIGURE = re.compile(r"([+-]?)([\d,]+)(?:\.(\d+))?(%?)")
UNSPACED = frozenset({"ja", "yue", "zh"})  # languages whose sentences follow each other without a space
_MARKS = re.compile("[\u061c\u200e\u200f]")


@dataclass(frozen=True)
class Language:
    """One language.

    Attributes:
        locale: Formats, and the direction of writing.
        translations: Messages.
    """

    locale: Locale
    translations: NullTranslations

    @property
    def code(self) -> str:
        """As a page's ``lang`` has it: ``en``, ``zh``, ``pt-BR``."""
        return str(self.locale).replace("_", "-")

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``, as a page's ``dir`` has it."""
        return str(self.locale.text_direction)

    @property
    def gap(self) -> str:
        """What stands between two sentences: nothing where full stops are as wide as a letter."""
        return "" if self.locale.language in UNSPACED else " "

    @property
    def is_english(self) -> bool:
        """Whether numbers are written as this project writes them in English."""
        return self.locale.language == "en"

    def gettext(self, message: str) -> str:
        """A message in this language."""
        return self.translations.gettext(message) if message else ""

    def composed(self, message: str) -> str:
        """A reason's sentence in this language; where it begins with the wording of a source, both parts by themselves
        (the catalogue has them so).
        """
        found = self.gettext(message)
        source, colon, rest = message.partition(": ")
        if found != message or not colon:
            return found
        parts = self.gettext(source), self.gettext(rest)
        if parts == (source, rest):
            return message
        both = self.pgettext("a source, and what is known from it", "{source}: {reason}")
        return both.replace("{source}", parts[0]).replace("{reason}", parts[1])

    def ngettext(self, one: str, many: str, n: int) -> str:
        """A message about ``n`` things."""
        return self.translations.ngettext(one, many, n)

    def pgettext(self, context: str, message: str) -> str:
        """A message that means this only in its context."""
        return self.translations.pgettext(context, message) if message else ""

    def number(self, value: float, digits: int) -> str:
        """A number with so many decimals, without its sign."""
        text = f"{abs(value):,.{digits}f}"
        if self.is_english:
            return text
        pattern = with_decimals(self.locale.decimal_formats[None].pattern, digits)
        return without_marks(format_decimal(Decimal(text.replace(",", "")), pattern, self.locale))

    def percent(self, number: str) -> str:
        """A number of percent, as ``number`` writes it, with its sign."""
        if self.is_english:
            return f"{number}{NARROW_SPACE}%"
        pattern = self.locale.percent_formats[None]
        return without_marks(f"{pattern.prefix[0]}{number}{pattern.suffix[0]}")

    def as_written(self, number: Number) -> str:
        """A number without its unit, with the decimals, grouping and sign that it has in English."""
        found = _FIGURE.fullmatch(number.figure)
        if found is None:  # a power of ten, or no number
            return number.figure
        sign, whole, decimals, percent = found.groups()
        pattern = with_decimals(self.locale.decimal_formats[None].pattern, len(decimals or ""))
        amount = Decimal(f"{whole.replace(',', '')}.{decimals or 0}")
        text = without_marks(format_decimal(amount, pattern, self.locale, group_separator="," in number.form))
        return sign.replace("-", MINUS) + (self.percent(text) if percent else text)

    def money(self, value: float, currency: str, digits: int) -> str:
        """An amount in a currency by its ISO 4217 code, without its sign: ``$18,500``."""
        pattern = with_decimals(self.locale.currency_formats["standard"].pattern, digits)
        amount = Decimal(f"{abs(value):.{digits}f}")
        text: str = format_currency(amount, currency, pattern, self.locale, currency_digits=False)
        return without_marks(text)

    def day(self, value: date) -> str:
        """``3 February 2026``."""
        return f"{value.day} {value:%B %Y}" if self.is_english else format_date(value, "long", self.locale)


def with_decimals(pattern: str, digits: int) -> str:
    """A number pattern of CLDR with so many decimals."""
    return re.sub(r"\.[0#]+", f".{'0' * digits}" if digits else "", pattern)


def without_marks(text: str) -> str:
    """A formatted number without direction marks: pages isolate every value instead."""
    return _MARKS.sub("", text)


def gettext_noop(message: str) -> str:
    """Marks a message for the catalogues; it is put into a language where it is used."""
    return message


ENGLISH = Language(Locale("en"), NullTranslations())
_CURRENT = ContextVar("language", default=ENGLISH)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Within it documents, their tables and their plots are made in this language; outside, in English."""
    token = _CURRENT.set(language)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current_language() -> Language:
    """The language in which documents are being made."""
    return _CURRENT.get()


def gettext(message: str) -> str:
    """A message in the language in which documents are being made."""
    return current_language().gettext(message)


def ngettext(one: str, many: str, n: int) -> str:
    """The same of a message about ``n`` things."""
    return current_language().ngettext(one, many, n)


def pgettext(context: str, message: str) -> str:
    """The same of a message that means this only in its context."""
    return current_language().pgettext(context, message)


@cache
def currencies() -> frozenset[str]:
    """The ISO 4217 codes of all currencies."""
    return frozenset(get_global("all_currencies"))
