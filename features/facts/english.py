"""Facts in English narratives, found by rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from features.facts.fact import Fact, FactKind
from features.text.cleaning import sentences

_DIGITS = r"(?<![\d.,])\d{1,3}(?:,\d{3}){1,4}(?:\.\d{1,2})?(?![\d,])|(?<![\d.,])\d{1,12}(?:\.\d{1,3})?(?!\d)"
_DOLLARS = re.compile(rf"\$ ?({_DIGITS})")
_PERCENT = re.compile(rf"({_DIGITS}) ?(?:%|percent\b|per cent\b)", re.IGNORECASE)


def find(text: str, today: date | None) -> tuple[Fact, ...]:  # noqa: ARG001
    """The facts of an English text in order of their places."""
    found = (fact for sentence in sentences(text) for fact in _of_sentence(text, sentence))
    return tuple(sorted(found, key=lambda fact: (fact.start, fact.end)))


def _of_sentence(text: str, sentence: tuple[int, int]) -> Iterator[Fact]:
    for match in _DOLLARS.finditer(text, *sentence):
        yield Fact(FactKind.AMOUNT, *match.span(), sentence, _number(match[1]), unit="USD")
    for match in _PERCENT.finditer(text, *sentence):
        yield Fact(FactKind.RATE, *match.span(), sentence, _number(match[1]), unit="percent")


def _number(digits: str) -> float:
    return float(digits.replace(",", ""))
