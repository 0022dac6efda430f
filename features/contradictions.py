"""Where narratives contradict the columns beside them: what is stated in words and what is given as a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from data_schemas.statements import KINDS, Contradiction
from features.facts.fact import Fact
from features.tables.applications import Applications
from features.tables.stated import Statement, facts_in, statements
from features.tabular import numeric_values


@dataclass(frozen=True)
class Conflict:
    """A statement that disagrees with a column.

    Attributes:
        contradiction: which of the schema's.
        given: value of the column.
        statement: what is stated, with its place in the clean narrative; the one of several that is nearest.
        apart: how far the two lie apart, as a share of the greater.
    """

    contradiction: Contradiction
    given: float
    statement: Statement
    apart: float


def conflicts(applications: Applications) -> list[tuple[Conflict, ...]]:
    """The contradictions of each row, in the order of the schema; none where a column or a statement is missing."""
    rows: list[list[Conflict]] = [[] for _ in range(len(applications))]
    declared = applications.schema.contradictions
    values = numeric_values(applications) if declared else {}
    for one in declared:
        facts = facts_in(applications, one.wanted.narrative)
        for row, (given, found) in enumerate(zip(values[one.against].tolist(), facts, strict=True)):
            conflict = conflict_of(one, given, found or ())
            if conflict is not None:
                rows[row].append(conflict)
    return [tuple(row) for row in rows]


def conflict_of(one: Contradiction, given: float, facts: Sequence[Fact]) -> Conflict | None:
    """The contradiction of a column's value with the facts of a narrative, where there is one.

    Nothing is contradicted while one statement agrees with the column, or where sums of a period, such as two incomes,
    agree with it together.
    """
    found = statements(facts, one.wanted)
    if not found or math.isnan(given):
        return None
    distances = [_apart(statement, given) for statement in found]
    if KINDS[one.wanted.kind].per:
        total, spread = math.fsum(part.number for part in found), math.fsum(part.spread for part in found)
        distances.append(_apart(replace(found[0], value=total, spread=spread), given))
    if min(distances) <= one.tolerance:
        return None
    at = min(range(len(found)), key=lambda place: distances[place])
    return Conflict(one, given, found[at], distances[at])


def _apart(statement: Statement, given: float) -> float:
    """How far a number lies from a range that is stated, as a share of the greater; 0 within it."""
    low, high = statement.number - statement.spread, statement.number + statement.spread
    nearest = min(max(given, low), high)
    greater = max(abs(nearest), abs(given))
    return abs(nearest - given) / greater if greater else 0.0
