"""What narratives state: the columns that are made of it, and where it contradicts other columns.

Facts are read from the clean text, as the model reads it: what is cut from a narrative states nothing. The columns are
computed here alone, wherever applications are read or their narratives change.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from data_schemas.contract import Field, Schema, StripRule
from data_schemas.statements import ANY_KIND, Of, StatedColumn, Wanted
from features.facts.fact import Fact
from features.facts.find import find_facts
from features.tables.applications import Applications
from features.text.cleaning import clean

Value = float | str

REMEMBERED = 2**15
"""Narratives whose facts are kept: those of a chunk of rows, which columns, contradictions and a watch all need."""


@dataclass(frozen=True)
class Statement:
    """A fact that counts.

    Attributes:
        fact: as it stands in the clean narrative.
        value: in the unit that is wanted.
    """

    fact: Fact
    value: Value


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
        frame[one.name] = pd.Series(cells, index=frame.index)
    return replace(applications, frame=frame)


def with_facts_of(applications: Applications, others: Applications) -> Applications:
    """The applications with the columns that the narratives of ``others``, the same rows, state."""
    names = [one.name for one in applications.schema.facts]
    return replace(applications, frame=applications.frame.assign(**others.frame[names])) if names else applications


def facts_in(applications: Applications, narrative: str) -> list[tuple[Fact, ...] | None]:
    """What each row of a narrative states, in the order of its text; None where nothing is written."""
    strip, raws = applications.schema.strip, applications.narrative(narrative)
    known = {raw: _facts(raw, strip) for raw in set(raws)}
    return [known[raw] for raw in raws]


def statements(facts: Sequence[Fact], wanted: Wanted) -> tuple[Statement, ...]:
    """Those of the facts that are wanted, in their order."""
    mine = (fact for fact in facts if fact.kind == wanted.kind and fact.confidence >= wanted.least_confidence)
    values = ((fact, converted(fact, wanted)) for fact in mine)
    return tuple(Statement(fact, value) for fact, value in values if value is not None)


def combined(found: Sequence[Statement], of: Of) -> Value | None:
    """The one value of a narrative's statements; None where there is none and it is not their number."""
    if of is Of.COUNT:
        return float(len(found))
    if of is Of.ANY:
        return float(bool(found))
    if not found:
        return None
    return sum(float(one.value) for one in found) if of is Of.SUM else found[_chosen(found, of)].value


def shares(found: Sequence[Statement], of: Of) -> list[float]:
    """The part of a column's value that each of the statements gives; they sum to 1 where there is one.

    A sum is shared in proportion to its parts, a number of statements evenly; otherwise one statement gives all.
    """
    if not found:
        return []
    if of is Of.SUM:
        sizes = [abs(float(one.value)) for one in found]
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
    return best(places, key=lambda at: found[at].value)


def _column(one: StatedColumn, field: Field, rows: Sequence[tuple[Fact, ...] | None]) -> pd.Series:
    values = [None if facts is None else combined(statements(facts, one.wanted), one.of) for facts in rows]
    if field.is_numeric:
        return pd.Series([np.nan if value is None else value for value in values], dtype="float64")
    return pd.Series(["" if value is None else value for value in values], dtype=object)


def _read_narratives(schema: Schema) -> list[str]:
    return list(dict.fromkeys(one.wanted.narrative for one in schema.facts))


@functools.lru_cache(maxsize=REMEMBERED)
def _facts(raw: str, strip: tuple[StripRule, ...]) -> tuple[Fact, ...] | None:
    text = clean(raw, strip).text
    return find_facts(text) if text else None


_PER_YEAR = {"day": 365.25, "week": 365.25 / 7, "month": 12.0, "year": 1.0}
_IN_YEARS = {"days": 1 / 365.25, "weeks": 7 / 365.25, "months": 1 / 12, "years": 1.0}


def converted(fact: Fact, wanted: Wanted) -> Value | None:
    """The value of a fact in the unit that is wanted; None where it cannot be converted."""
    value = fact.value
    if value is None or isinstance(value, str):
        return value
    if wanted.per and fact.per not in _PER_YEAR:
        return None
    if wanted.per:
        value *= _PER_YEAR[fact.per] / _PER_YEAR[wanted.per]
    if wanted.unit in _IN_YEARS:
        return value * _IN_YEARS[fact.unit] / _IN_YEARS[wanted.unit] if fact.unit in _IN_YEARS else None
    return value if not wanted.unit or fact.unit in ("", wanted.unit) else None
