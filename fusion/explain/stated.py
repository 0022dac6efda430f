"""From a column that a narrative states back to its sentences: what of the column's contribution each of them gives.

The column is one player, like any other. What it contributes belongs to the sentences that state its value: of a
greatest or a last value to the one that states it, of a sum in proportion to its parts, of a number of statements to
all alike. The narrative as a player, and its sentences, are as they are without the column.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from features.tables.applications import Applications
from features.tables.stated import facts_in, made_of, shares
from fusion.explain.explanation import Explanation


@dataclass(frozen=True)
class StatedPart:
    """What a sentence gives through a column that it states.

    Attributes:
        row: of the explanation.
        column: place among its columns.
        sentence: place in its block, of the sentence in which the statement begins.
        start: where the statement begins in that sentence.
        end: where it ends there.
        log_odds: contribution; those of one row and column sum to the column's.
    """

    row: int
    column: int
    sentence: int
    start: int
    end: int
    log_odds: float


def stated_parts(explanation: Explanation, applications: Applications) -> tuple[StatedPart, ...]:
    """The parts of all columns that narratives state, row by row; none of a column where nothing is stated.

    Args:
        explanation: of the rows.
        applications: the rows as the model read them.
    """
    block, found = explanation.block, list[StatedPart]()
    for one in applications.schema.facts:
        column = explanation.column_names.index(one.name)
        number = explanation.narrative_names.index(one.wanted.narrative)
        for row, facts in enumerate(facts_in(applications, one.wanted.narrative)):
            stated = made_of(one, facts or ())
            if not stated:
                continue
            mine = np.flatnonzero((block.row == row) & (block.narrative == number)).tolist()
            begins = [0, *accumulate(len(block.text[at]) for at in mine[:-1])]
            for statement, share in zip(stated, shares(stated, one.of), strict=True):
                if share:
                    start, end = statement.fact.start, statement.fact.end
                    place = bisect_right(begins, start) - 1
                    at, log_odds = mine[place], share * float(explanation.columns[row, column])
                    end = min(end - begins[place], len(block.text[at]))
                    found.append(StatedPart(row, column, at, start - begins[place], end, log_odds))
    return tuple(sorted(found, key=lambda part: (part.row, part.column, part.sentence, part.start)))
