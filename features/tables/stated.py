"""What narratives state: the columns that are made of it, and where it contradicts other columns.

Facts are read from the clean text, as the model reads it: what is cut from a narrative states nothing. The columns are
computed here alone, wherever applications are read or their narratives change.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from data_schemas.contract import Schema, StripRule
from data_schemas.fields import Field
from data_schemas.statements import ANY_KIND, KINDS, Of, StatedColumn, Value, Wanted
from features.facts.fact import PER_YEAR, Fact
from features.facts.find import find_facts
from features.tables.applications import Applications
from features.text.cleaning import clean

DAYS = {"day": 1.0, "days": 1.0, "weeks": 7.0, "month": 365.25 / 12, "months": 365.25 / 12, "years": 365.25}
"""Days in each unit of time."""

REMEMBERED = 2**15
"""Narratives whose facts are kept: those of a chunk of rows, which columns, contradictions and a watch all need."""


@dataclass(frozen=True)
class Statement:
    """A fact that counts, in the unit that is wanted.

    Attributes:
        fact: as it stands in the clean narrative.
        value: its number or words; None where it is only counted.
        spread: half the width of a range of numbers.
    """

    fact: Fact
    value: float | str | None
    spread: float = 0.0

    @property
    def number(self) -> float:
        """The value of a statement of numbers; raises ValueError for another."""
        if not isinstance(self.value, float):
            raise ValueError(f"a statement of the kind {self.fact.kind} has no number")
        return self.value


def with_facts(applications: Applications) -> Applications:
    """The applications with the columns that their narratives state, in place of any that they have."""
    schema = applications.schema
    if not schema.facts:
        return applications
    found = {name: facts_in(applications, name) for name in _read_narratives(schema)}
    made = {one.name: _column(one, schema[one.name], found[one.wanted.narrative]) for one in schema.facts}
    frame = applications.frame.drop(columns=list(made), errors="ignore")
    return replace(applications, frame=pd.concat([frame, pd.DataFrame(made, index=frame.index)], axis=1))


def with_facts_again(applications: Applications, before: Applications) -> Applications:
    """``with_facts`` for rows whose columns hold what their narratives stated ``before`` some of these changed."""
    schema, frame = applications.schema, applications.frame
    changed = np.zeros(len(applications), dtype=np.bool_)
    for name in _read_narratives(schema):
        changed |= frame[name].to_numpy() != before.frame[name].to_numpy()
    if not changed.any():
        return applications
    again, frame = with_facts(applications.take(changed)).frame, frame.copy()
    for one in schema.facts:
        cells = frame[one.name].to_numpy(copy=True)
        cells[changed] = again[one.name].to_numpy()
        frame[one.name] = pd.Series(cells, index=frame.index, dtype=frame[one.name].dtype)
    return replace(applications, frame=frame)


def without_narratives(applications: Applications) -> Applications:
    """The applications as they were if nothing had been written, and so nothing stated."""
    empty = pd.Series([""] * len(applications), index=applications.frame.index, dtype=object)
    names = [field.name for field in applications.schema.narratives]
    return with_facts(replace(applications, frame=applications.frame.assign(**dict.fromkeys(names, empty))))


def with_facts_of(applications: Applications, others: Applications) -> Applications:
    """The applications with the columns that the narratives of ``others``, the same rows, state."""
    names = [one.name for one in applications.schema.facts]
    return replace(applications, frame=applications.frame.assign(**others.frame[names])) if names else applications


def facts_in(applications: Applications, narrative: str) -> list[tuple[Fact, ...] | None]:
    """What each row of a narrative states, in the order of its text; None where nothing is written."""
    strip, dates = applications.schema.strip, applications.decision_date()
    days = [None] * len(applications) if dates is None else dates.astype("datetime64[D]").tolist()
    return [_facts(raw, strip, day) for raw, day in zip(applications.narrative(narrative), days, strict=True)]


def statements(facts: Sequence[Fact], wanted: Wanted) -> tuple[Statement, ...]:
    """Those of the facts that are wanted and can be converted, in their order."""
    return tuple(filter(None, (_converted(fact, wanted) for fact in _mine(facts, wanted))))


def made_of(one: StatedColumn, facts: Sequence[Fact]) -> tuple[Statement, ...]:
    """The statements that a column is made of; where they are only counted, each kind of value will do."""
    if one.of in ANY_KIND:
        return tuple(Statement(fact, None) for fact in _mine(facts, one.wanted))
    return statements(facts, one.wanted)


def _mine(facts: Sequence[Fact], wanted: Wanted) -> Iterator[Fact]:
    return (
        fact
        for fact in facts
        if fact.kind == wanted.kind
        and fact.confidence >= wanted.least_confidence
        and (not wanted.basis or fact.text in ("", wanted.basis))
    )


def _converted(fact: Fact, wanted: Wanted) -> Statement | None:
    if KINDS[wanted.kind].value is Value.WORDS:
        return Statement(fact, fact.text) if fact.text else None
    factor = _factor(fact, wanted)
    if fact.value is None or factor is None:
        return None
    return Statement(fact, fact.value * factor, fact.spread * factor)


def _factor(fact: Fact, wanted: Wanted) -> float | None:
    """By which a fact's number is multiplied; None where it cannot be converted."""
    if wanted.unit in DAYS:
        return DAYS[fact.unit] / DAYS[wanted.unit] if fact.unit in DAYS else None
    if fact.unit == "percent":
        return 0.01 if wanted.unit == "fraction" else 1.0
    if not KINDS[wanted.kind].has_unit:
        return 1.0
    if bool(fact.per) != bool(wanted.per) or (wanted.unit and fact.unit not in ("", wanted.unit)):
        return None
    return PER_YEAR[fact.per] / PER_YEAR[wanted.per] if wanted.per else 1.0


def combined(found: Sequence[Statement], of: Of) -> float | str | None:
    """The one value of a narrative's statements; None where there is none and it is not their number."""
    if of is Of.COUNT:
        return float(len(found))
    if of is Of.ANY:
        return float(bool(found))
    if not found:
        return None
    return math.fsum(one.number for one in found) if of is Of.SUM else found[_chosen(found, of)].value


def shares(found: Sequence[Statement], of: Of) -> list[float]:
    """The part of a column's value that each of the statements gives; they sum to 1 where there is one.

    A sum is shared in proportion to its parts, a number of statements evenly; otherwise one statement gives all.
    """
    if not found:
        return []
    if of is Of.SUM:
        sizes = [abs(one.number) for one in found]
        if total := math.fsum(sizes):
            return [size / total for size in sizes]
    if of in (Of.SUM, *ANY_KIND):
        return [1.0 / len(found)] * len(found)
    chosen = _chosen(found, of)
    return [float(at == chosen) for at in range(len(found))]


def _chosen(found: Sequence[Statement], of: Of) -> int:
    """The place of the statement that gives the value; the first of several that are equal."""
    places = range(len(found))
    if of in (Of.FIRST, Of.LAST):
        return places[0 if of is Of.FIRST else -1]
    best = max if of is Of.MAX else min
    return best(places, key=lambda at: found[at].number)


def _column(one: StatedColumn, field: Field, rows: Sequence[tuple[Fact, ...] | None]) -> pd.Series:
    values = [None if facts is None else combined(made_of(one, facts), one.of) for facts in rows]
    if field.is_numeric:
        return pd.Series([np.nan if value is None else value for value in values], dtype="float64")
    return pd.Series(["" if value is None else value for value in values], dtype=object)


def _read_narratives(schema: Schema) -> list[str]:
    return list(dict.fromkeys(one.wanted.narrative for one in schema.facts))


@functools.lru_cache(maxsize=REMEMBERED)
def _facts(raw: str, strip: tuple[StripRule, ...], today: date | None) -> tuple[Fact, ...] | None:
    text = clean(raw, strip).text if raw else ""
    return find_facts(text, today=today) if text else None
