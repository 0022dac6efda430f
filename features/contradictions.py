"""Where narratives contradict the columns beside them: what is stated in words and what is given as a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
        stated: its value in the column's unit.
        apart: how far the two lie apart, as a share of the greater.
    """

    contradiction: Contradiction
    given: float
    statement: Statement
    stated: float
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
    values = [float(statement.value) for statement in found]
    together = [math.fsum(values)] if KINDS[one.wanted.kind].per else []
    if any(_apart(value, given) <= one.tolerance for value in (*values, *together)):
        return None
    at = min(range(len(values)), key=lambda place: _apart(values[place], given))
    return Conflict(one, given, found[at], values[at], _apart(values[at], given))


def _apart(left: float, right: float) -> float:
    greater = max(abs(left), abs(right))
    return abs(left - right) / greater if greater else 0.0
