"""Invented narratives with their facts marked by hand, and how well found facts agree with them.

A line of ``marked.txt`` is a narrative, ``\\n`` standing for a line break. A stretch that is a
fact is written ``{kind value unit per|stretch}``: the value is a number, ``middle~half width`` for a range, an ISO
date, or ``-`` where there is none; after ``-`` may stand the begin of "since 2009". Employers and jobs have the stretch
itself as their text, purposes the word after the kind. What was marked, and why, is in ``docs/facts.md``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.facts.fact import PER_YEAR, Fact, FactKind

MARKED = Path(__file__).with_name("marked.txt")
_MARK = re.compile(r"\{(\w+) ?([^|{}]*)\|([^{}]+)\}")


@dataclass(frozen=True)
class Marked:
    """A narrative and the facts that it states.

    Attributes:
        text: the narrative.
        facts: the facts, as the finder should find them; sentences and confidences are not marked.
    """

    text: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Agreement:
    """How many facts of one kind were found.

    Attributes:
        n_marked: marked by hand.
        n_found: found by the rules.
        n_right: found where they are marked, with the same value, unit and period.
        n_exact: of these, with the very same begin and end.
    """

    n_marked: int = 0
    n_found: int = 0
    n_right: int = 0
    n_exact: int = 0

    def __add__(self, other: Agreement) -> Agreement:
        return Agreement(
            self.n_marked + other.n_marked,
            self.n_found + other.n_found,
            self.n_right + other.n_right,
            self.n_exact + other.n_exact,
        )

    @property
    def precision(self) -> float:
        """The share of found facts that are right; 1 where none is found."""
        return self.n_right / self.n_found if self.n_found else 1.0

    @property
    def recall(self) -> float:
        """The share of marked facts that are found; 1 where none is marked."""
        return self.n_right / self.n_marked if self.n_marked else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.n_marked + self.n_found
        return 2 * self.n_right / total if total else 1.0


def read_marked(path: Path = MARKED) -> list[Marked]:
    """All marked narratives; the odd lines (1, 3, ...) are for tuning rules, the even ones for measuring them."""
    return [marked(line) for line in path.read_text(encoding="utf-8").splitlines()]


def marked(line: str) -> Marked:
    """The narrative of one line; raises ValueError where a mark cannot be read."""
    line = line.replace("\\n", "\n")
    text, facts, at = "", list[Fact](), 0
    for mark in _MARK.finditer(line):
        text += line[at : mark.start()]
        facts.append(_fact(FactKind(mark[1]), mark[2].split(), mark[3], len(text)))
        text += mark[3]
        at = mark.end()
    text += line[at:]
    if "{" in text or "}" in text:
        raise ValueError(f"a mark cannot be read: {line}")
    return Marked(text, tuple(facts))


def agreement(marked: Sequence[Fact], found: Sequence[Fact]) -> dict[FactKind, Agreement]:
    """How the facts found in one narrative agree with those marked, by kind; each is counted once."""
    left, counts = list(marked), Counter[tuple[str, FactKind]]()
    for fact in found:
        match = next((other for other in left if _same(fact, other)), None)
        counts["found", fact.kind] += 1
        if match is not None:
            left.remove(match)
            counts["right", fact.kind] += 1
            counts["exact", fact.kind] += (fact.start, fact.end) == (match.start, match.end)
    of_kind = Counter(fact.kind for fact in marked)
    return {
        kind: Agreement(of_kind[kind], counts["found", kind], counts["right", kind], counts["exact", kind])
        for kind in FactKind
    }


def total(agreements: Iterable[dict[FactKind, Agreement]]) -> dict[FactKind, Agreement]:
    """The sum over narratives."""
    sums = dict.fromkeys(FactKind, Agreement())
    for one in agreements:
        sums = {kind: sums[kind] + one[kind] for kind in FactKind}
    return sums


def _same(found: Fact, marked: Fact) -> bool:
    return (
        found.kind == marked.kind
        and max(found.start, marked.start) < min(found.end, marked.end)
        and _near(found.value, marked.value)
        and _near(found.spread, marked.spread)
        and (found.text, found.unit, found.per) == (marked.text, marked.unit, marked.per)
    )


def _near(a: float | None, b: float | None) -> bool:
    return a == b if a is None or b is None else abs(a - b) < 1e-6 * max(1.0, abs(b))


def _fact(kind: FactKind, words: list[str], stretch: str, start: int) -> Fact:
    place = (start, start + len(stretch))
    sentence = place
    if kind in (FactKind.EMPLOYER, FactKind.JOB):
        return Fact(kind, *place, sentence, text=" ".join(stretch.lower().split()))
    if kind == FactKind.PURPOSE:
        return Fact(kind, *place, sentence, text=words[0])
    if kind == FactKind.DATE:
        stated = "" if words[0] == "-" else words[0]
        return Fact(kind, *place, sentence, _days(stated) if stated else None, text=stated)
    if words[0] == "-":
        return Fact(kind, *place, sentence, text=" ".join(words[1:]))
    middle, _, half = words[0].partition("~")
    text = " ".join(word for word in words if word in ("net", "gross"))
    per = " ".join(word for word in words[1:] if word in PER_YEAR and kind not in (FactKind.DURATION, FactKind.TENURE))
    unit = " ".join(word for word in words[1:] if word not in (text, per))
    return Fact(kind, *place, sentence, float(middle), float(half or 0), text, unit, per)


def _days(stated: str) -> float:
    year, month, day = (*map(int, stated.split("-")), 1, 1)[:3]
    return float(date(year, month, day).toordinal() - date(1970, 1, 1).toordinal())
