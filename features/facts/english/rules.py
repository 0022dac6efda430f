"""Facts in English narratives, found by rules sentence by sentence.

A number is found first and told apart by what stands around it; so every rule looks at a bounded stretch of text, and
the whole takes time linear in its length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from features.facts.english.counts import find_counts
from features.facts.english.money import find_money
from features.facts.english.passage import Passage, passages
from features.facts.english.purposes import find_purposes
from features.facts.english.rates import find_rates
from features.facts.english.times import Day, find_dates, find_days, find_durations
from features.facts.english.work import find_work
from features.facts.fact import Fact


def find(text: str, today: date | None) -> tuple[Fact, ...]:
    """The facts of an English text in order of their places."""
    found = (fact for passage in passages(text, today) for fact in _of_sentence(passage))
    return tuple(sorted(found, key=lambda fact: (fact.start, fact.end, fact.kind)))


def _of_sentence(passage: Passage) -> Iterator[Fact]:
    days = list(find_days(passage))
    taken = _places(days)
    rates = [fact for fact in find_rates(passage) if fact.start not in taken]
    counts = [fact for fact in find_counts(passage) if fact.start not in taken]
    durations = list(find_durations(passage, taken))
    yield from find_dates(passage, days)
    yield from (*rates, *counts, *durations)
    yield from find_money(passage, taken | _places([*rates, *counts, *durations]))
    yield from find_work(passage)
    yield from find_purposes(passage)


def _places(found: Sequence[Day | Fact]) -> set[int]:
    """All places inside of what was found."""
    return {at for one in found for at in range(one.start, one.end)}
