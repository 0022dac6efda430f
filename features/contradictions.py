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
class Comparison:
    """A statement beside the column that it must agree with.

    Attributes:
        contradiction: which of the schema's.
        given: value of the column.
        statement: what is stated, in the column's unit, with its place in the clean narrative; the one of several that
            is nearest.
        apart: how far the narrative lies from the column, as a share of the greater.
    """

    contradiction: Contradiction
    given: float
    statement: Statement
    apart: float

    @property
    def contradicts(self) -> bool:
        """Whether they lie farther apart than the contract tolerates."""
        return self.apart > self.contradiction.tolerance


def comparisons(applications: Applications) -> list[tuple[Comparison, ...]]:
    """What each row states beside its columns, in the order of the schema's contradictions; none where a column or a
    statement is missing.
    """
    rows: list[list[Comparison]] = [[] for _ in range(len(applications))]
    declared = applications.schema.contradictions
    values = numeric_values(applications) if declared else {}
    for one in declared:
        facts = facts_in(applications, one.wanted.narrative)
        for row, given, found in zip(rows, values[one.against].tolist(), facts, strict=True):
            compared = compare(one, given, found or ())
            if compared is not None:
                row.append(compared)
    return [tuple(row) for row in rows]


def conflicts(applications: Applications) -> list[tuple[Comparison, ...]]:
    """The contradictions of each row, in the order of the schema."""
    return [tuple(one for one in row if one.contradicts) for row in comparisons(applications)]


def compare(one: Contradiction, given: float, facts: Sequence[Fact]) -> Comparison | None:
    """A column's value beside the facts of a narrative; None where either is missing.

    The narrative is as near as its nearest statement, or, of sums of a period such as two incomes, as all together.
    """
    found = statements(facts, one.wanted)
    if not found or math.isnan(given):
        return None
    distances = [_apart(statement, given) for statement in found]
    nearest = min(range(len(found)), key=lambda place: distances[place])
    apart = distances[nearest]
    if KINDS[one.wanted.kind].per:
        total, spread = math.fsum(part.number for part in found), math.fsum(part.spread for part in found)
        apart = min(apart, _apart(replace(found[0], value=total, spread=spread), given))
    return Comparison(one, given, found[nearest], apart)


def _apart(statement: Statement, given: float) -> float:
    """How far a number lies from a range that is stated, as a share of the greater; 0 within it."""
    low, high = statement.number - statement.spread, statement.number + statement.spread
    nearest = min(max(given, low), high)
    greater = max(abs(nearest), abs(given))
    return abs(nearest - given) / greater if greater else 0.0
