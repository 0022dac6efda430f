"""Facts in a narrative of any language that there are rules for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Protocol

from features.facts.english import rules
from features.facts.fact import Fact


class FactFinder(Protocol):
    """The rules of one language."""

    def __call__(self, text: str, today: date | None) -> tuple[Fact, ...]:
        """The facts of a text in order of their places, in time linear in its length."""


FINDERS: Mapping[str, FactFinder] = MappingProxyType({"en": rules.find})
"""The rules by language code (ISO 639-1)."""


def find_facts(text: str, language: str = "en", today: date | None = None) -> tuple[Fact, ...]:
    """The facts that a narrative states, in order of their places.

    Args:
        text: the narrative; places are counted in it as it is given.
        language: ISO 639-1 code; a language without rules gives no facts.
        today: the day on which it was written, for what is stated in relation to it ("last June", "since 2009").
    """
    finder = FINDERS.get(language)
    return finder(text, today) if finder else ()
