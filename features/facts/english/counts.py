"""How many loans, debts and cards there are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from features.facts.english.passage import Passage
from features.facts.fact import Fact, FactKind

_KIND_OF = (
    r"(?:(?:other|different|separate|small|large|big|old|open|outstanding|existing|high|interest|maxed|"
    r"out|major|active|more|"
    r"credit|store|charge|department|gas|bank|visa|debit|retail|secured|payday|personal|student|car|auto|"
    r"home|title|instal+ment|private|federal|medical|"
    r"unsecured|online|current|consumer|nagging|little|unpaid|equity|revolving)[ -]){0,5}"
)
_COUNTED = re.compile(
    rf"[ -]{_KIND_OF}(?:(?P<card>cards?|visas|mastercards)|(?P<debt>loans?|debts?|creditors?|"
    rf"lines of credit|mortgages?|accounts in collections?|collections|loan companies))(?![a-z])"
)
_OTHER = r"(?:(?:other|outstanding|existing|current|additional|further|personal|open|credit|major) ){0,3}"
_NONE = re.compile(
    rf"\b(?:(?P<none>no|zero|any)|(?P<both>both))(?P<what> {_OTHER}(?:(?P<card>cards?)|"
    r"(?P<debt>loans?|debts?|creditors?)))(?![a-z])(?! (?:debts?|payments?|bills?))"
)
_ONE_GOAL = re.compile(r"(?:\b(?:into|in|to|just|only|with|get|want|under|for|form|as|make|through|the|this|than) )$")
_PAID_OFF = re.compile(r"\b(?:have|has|had|i|we|fully|already) (?:already )?paid (?:off|down) ")
_NO_COUNT_AFTER = re.compile(r" (?:payment|bill|at a time|asked)")
_NOT_ANY = re.compile(r"\b(?:without|(?:not|don't|dont|never|haven't|didn't) (?:\w+ )?(?:have|had|owe|carry|hold)) $")
_DENIED = re.compile(r"\b(?:with|there (?:is|are)|have|had|has|and|or|got|carry|owe|[,;:]) $|^\W*$")
_MOST = 99


def find_counts(passage: Passage) -> Iterator[Fact]:
    """Counts of loans and debts, and of cards; "no debts" is a count of 0."""
    for number in passage.numbers:
        counted = _COUNTED.match(passage.after(number.end, 70))
        before = passage.before(number.start, 12)
        if counted is None or number.value > _MOST or before.endswith(("$", "£", "€", "#", "-")):
            continue
        end = number.end + counted.end()
        if number.value == 1 and (_ONE_GOAL.search(before) or _NO_COUNT_AFTER.match(passage.after(end, 14))):
            continue
        if _PAID_OFF.search(passage.before(number.start, 40)):
            continue
        kind = FactKind.CARD_COUNT if counted["card"] else FactKind.DEBT_COUNT
        confidence = 0.9 if number.sure and number.value != 1 else 0.7
        yield Fact(kind, number.start, end, passage.place, number.value, number.spread, confidence=confidence)
    for match in _NONE.finditer(passage.plain, passage.start, passage.end):
        before = passage.before(match.start(), 24)
        if match["none"] and not (_NOT_ANY if match["none"] == "any" else _DENIED).search(before):
            continue
        kind = FactKind.CARD_COUNT if match["card"] else FactKind.DEBT_COUNT
        value = 2.0 if match["both"] else 0.0
        yield Fact(kind, *match.span(), passage.place, value, confidence=0.7)
