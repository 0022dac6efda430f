"""A sentence as the rules read it: folded to plain small letters, place by place."""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

from features.facts.english.numbers import Number, find_numbers
from features.text.cleaning import sentences

CLAUSE_END = re.compile(r"[,;|\n]|\b(?:and|but|while|plus)\b")
_RUPEES = re.compile(r"\brs\.\Z")
_QUOTE = re.compile('"')
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[^\sa-z]")


@dataclass(frozen=True)
class Passage:
    """One sentence of a narrative.

    Attributes:
        text: the whole narrative.
        plain: the same, every character folded to one: ASCII digits, dashes, spaces, quotes and small Latin letters.
        start: where the sentence begins.
        end: where it ends.
        today: the day on which it was written, if known.
    """

    text: str
    plain: str
    start: int
    end: int
    today: date | None

    @cached_property
    def numbers(self) -> list[Number]:
        """Numbers and ranges of the sentence, in order."""
        return find_numbers(self.plain, self.start, self.end)

    @cached_property
    def without_capitals(self) -> bool:
        """Whether its writer uses small letters alone, but for "I", or capitals alone."""
        written = self.text[self.start : self.end]
        return written.isupper() or not any(character.isupper() for character in written.replace("I", ""))

    @cached_property
    def _quotes(self) -> list[int]:
        return [mark.start() for mark in _QUOTE.finditer(self.plain, self.start, self.end)]

    def is_quoted(self, at: int) -> bool:
        """Whether a place is between quotation marks."""
        return bisect_left(self._quotes, at) % 2 == 1

    def before(self, at: int, length: int, since: int = 0) -> str:
        """At most ``length`` characters before a place, from ``since`` on."""
        return self.plain[max(self.start, since, at - length) : at]

    def after(self, at: int, length: int, until: int = sys.maxsize) -> str:
        """At most ``length`` characters after a place, up to ``until``."""
        return self.plain[at : min(self.end, until, at + length)]

    def clause_after(self, at: int, length: int, until: int = sys.maxsize) -> str:
        """The same, up to the end of the clause."""
        following = self.after(at, length, until)
        border = CLAUSE_END.search(following)
        return following[: border.start()] if border else following

    @property
    def place(self) -> tuple[int, int]:
        """Begin and end of the sentence."""
        return self.start, self.end


def passages(text: str, today: date | None) -> Iterator[Passage]:
    """The sentences of a narrative."""
    plain, since = fold(text), -1
    for start, end in sentences(text):
        start, since = (since, -1) if since >= 0 else (start, -1)
        if _RUPEES.search(plain, max(start, end - 4), end):
            since = start  # the point of "Rs." ends no sentence
        else:
            yield Passage(text, plain, start, end, today)
    if since >= 0:
        yield Passage(text, plain, since, len(text), today)


def vocabulary(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


def words(plain: str) -> list[str]:
    """Words and marks of folded text."""
    return _WORD.findall(plain)


def fold(text: str) -> str:
    """The text with each character replaced by one plain one, so that places stay."""
    return text.translate(_table())


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    """What each character that the rules look at is folded to."""
    table = {code: chr(code).lower() for code in range(ord("A"), ord("Z") + 1)}
    for code in range(128, 0x20000):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Nd":
            table[code] = str(unicodedata.digit(character))
        elif category == "Pd" or character == "\u2212":
            table[code] = "-"
        elif category == "Zs":
            table[code] = " "
        elif character in "‘’ʼ′＇":
            table[code] = "'"
        elif character in "“”„«»＂":
            table[code] = '"'
        elif 0xFF01 <= code <= 0xFF5E:
            table[code] = chr(code - 0xFEE0).lower()
    return table | {ord("￡"): "£", ord("￥"): "¥", ord("\t"): " "}
