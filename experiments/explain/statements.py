"""What narratives state, as reports show it: sentences with a passage marked, and what contradicts a column."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from data_schemas.fields import Derived, Field
from experiments.explain.cases import Case
from experiments.reporting.parts import Disagreement, Fact, MarkedText, Passage, Statement
from features.arrays import Floats


def statements_of(case: Case, points: Callable[[Floats], list[float]]) -> dict[str, tuple[Statement, ...]]:
    """By column, the sentences that state its value; points: contributions in log-odds as points."""
    schema, block = case.application.schema, case.explanation.block
    found: dict[str, list[Statement]] = {}
    values = points(np.array([part.log_odds for part in case.stated], dtype=np.float64))
    for part, value in zip(case.stated, values, strict=True):
        number, text = int(block.narrative[part.sentence]), block.text[part.sentence]
        title = schema[case.explanation.narrative_names[number]].title
        place = int(np.flatnonzero(block.narrative == number).tolist().index(part.sentence)) + 1
        statement = Statement(narrative=title, place=place, text=marked_text(text, part.start, part.end), points=value)
        found.setdefault(case.explanation.column_names[part.column], []).append(statement)
    return {name: tuple(own) for name, own in found.items()}


def stating_sentences(case: Case, column: str) -> Sequence[int]:
    """Places of the sentences that state a column's value, the one that gives most to its points first."""
    names = case.explanation.column_names
    mine = [part for part in case.stated if names[part.column] == column]
    return [part.sentence for part in sorted(mine, key=lambda part: -abs(part.log_odds))]


def disagreements(case: Case) -> tuple[Disagreement, ...]:
    """The contradictions between narratives and columns, with both places."""
    schema = case.application.schema
    columns: tuple[Field | Derived, ...] = (*schema.fields, *schema.derived)
    titles = {column.name: (column.title, column.unit) for column in columns}
    found = []
    for one in case.contradictions:
        declared, fact = one.contradiction, one.statement.fact
        title, unit = titles[declared.against]
        (start, end), text = fact.sentence, read_text(case, declared.wanted.narrative)
        found.append(
            Disagreement(
                name=declared.name,
                wording=declared.wording,
                given=Fact(title=title, value=one.given, unit=unit),
                stated=Fact(title=f"{title}, as stated", value=one.statement.number, unit=unit),
                narrative=titles[declared.wanted.narrative][0],
                text=marked_text(text[start:end], fact.start - start, fact.end - start),
            )
        )
    return tuple(found)


def read_text(case: Case, narrative: str) -> str:
    """A narrative as the model read it."""
    number, block = case.explanation.narrative_names.index(narrative), case.explanation.block
    return "".join(block.text[at] for at in np.flatnonzero(block.narrative == number))


def marked_text(text: str, start: int, end: int) -> MarkedText:
    """A text with one stretch marked."""
    parts = ((text[:start], False), (text[start:end], True), (text[end:].rstrip(), False))
    return MarkedText(passages=tuple(Passage(text=part, marked=flag) for part, flag in parts if part))
