"""Principal reasons of a decision: the contributions of an explanation, summed by reason code.

Columns count under their reason code, and so do sentences under that of their concept; of what was written and matches
no concept the worst sentence counts under its narrative's own code. Nothing is dropped: a reason that may not be
disclosed keeps its place and is marked, and two different reasons never become one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from data_schemas.contract import Schema
from data_schemas.fields import Derived, Field
from data_schemas.reasons import Reason
from features.arrays import Flags, Floats, Ints
from fusion.config import Config, ScaleConfig
from fusion.explain.explanation import Explanation, to_points

VISIBLE_POINTS = 0.05  # points: less is written as 0.0

NO_WORDING = "[no wording]"
"""Begins the wording of a reason that the schema does not word; its column's title follows."""


@dataclass(frozen=True)
class ReasonBook:
    """Every reason that a model can give.

    Attributes:
        reasons: one per code.
        column: int64 (n_columns,), place of each column in ``reasons``.
        concept: int64 (n_narratives, n_concepts), place of each concept in ``reasons``, by the narrative that speaks of
            it: in one that is made of records its reason begins with the wording of their source.
        narrative: int64 (n_narratives,), place of each narrative in ``reasons``, for its sentences that match no
            concept.
    """

    reasons: tuple[Reason, ...]
    column: Ints
    concept: Ints
    narrative: Ints

    @staticmethod
    def of(schema: Schema, column_names: Sequence[str], narrative_names: Sequence[str]) -> ReasonBook:
        """The reasons of a schema; a column without one gets one that names it and is not worded (``default_reasons``).

        Raises:
            ValueError: where two different reasons have the same code.
        """
        stated = _stated(schema)
        reasons = stated | default_reasons(
            schema, [name for name in (*column_names, *narrative_names) if name not in stated]
        )
        concepts = [concept.reason for concept in schema.concepts]
        taken = {reason.code for reason in (*reasons.values(), *concepts)}
        spoken = {name: _spoken(schema, schema[name], taken) for name in narrative_names}
        given = [
            [reasons[name] for name in column_names],
            concepts,
            [reasons[name] for name in narrative_names],
            *spoken.values(),
        ]
        book = {reason.code: reason for group in given for reason in group}
        for reason in (reason for group in given for reason in group):
            if reason != book[reason.code]:
                raise ValueError(f"two reasons of code {reason.code}: {reason}, {book[reason.code]}")
        place = {code: at for at, code in enumerate(book)}
        column, _, narrative, *by_narrative = (np.array([place[r.code] for r in group], np.int64) for group in given)
        concept = np.array(by_narrative, dtype=np.int64).reshape(len(spoken), len(concepts))
        return ReasonBook(tuple(book.values()), column, concept, narrative)

    def of_sentences(self, explanation: Explanation, concept: Ints) -> Ints:
        """int64 (n_sentences,): place in ``reasons`` of each sentence, by its concept or else by its narrative.

        Sentences that match no concept are about different things, which a sum would mix: only the most adverse of them
        stands for its narrative; the others have the place -1.

        Args:
            concept: int64 (n_sentences,), place of each sentence's concept among the schema's, -1 for none.
        """
        block = explanation.block
        place = np.full(len(block), -1, dtype=np.int64)
        matched = concept >= 0
        place[matched] = self.concept[block.narrative[matched], concept[matched]]
        unnamed = np.flatnonzero(~matched)
        worst_first = np.round(-explanation.sentences[unnamed], 9)
        unnamed = unnamed[np.lexsort((worst_first, block.narrative[unnamed], block.row[unnamed]))]
        first = np.ones(len(unnamed), dtype=np.bool_)
        first[1:] = (np.diff(block.row[unnamed]) != 0) | (np.diff(block.narrative[unnamed]) != 0)
        place[unnamed[first]] = self.narrative[block.narrative[unnamed[first]]]
        return place


@dataclass(frozen=True)
class Reasons:
    """The strongest adverse reasons of every row, the strongest first.

    Attributes:
        book: the reasons.
        which: int64 (n, n_reasons), places in ``book.reasons``, -1 where there are no more.
        points: float64 (n, n_reasons), points that each takes from the score, negative; 0 where there are no more.
        narrative_points: float64 (n,), points that the narratives add to the score in all.
        not_approved: bool (n,), whether the application is referred or declined.
    """

    book: ReasonBook
    which: Ints
    points: Floats
    narrative_points: Floats
    not_approved: Flags

    def of(self, row: int) -> list[tuple[Reason, float]]:
        """The reasons of one row with their points."""
        pairs = zip(self.which[row].tolist(), self.points[row].tolist(), strict=True)
        return [(self.book.reasons[at], points) for at, points in pairs if at >= 0]


def _spoken(schema: Schema, narrative: Field, taken: Set[str]) -> list[Reason]:
    """The reasons of concepts that a narrative speaks of; of one that is made of records under codes of their own, none
    of them ``taken``, as a record speaks of them, with the wording of their source before it.
    """
    concepts = [concept.reason for concept in schema.concepts]
    source = next((one for one in schema.sources if one.name == narrative.source), None)
    if source is None or not narrative.match_concepts:
        return concepts
    ending = re.sub(r"[^A-Z0-9]+", "_", source.name.upper())
    while taken & {f"{reason.code}_{ending}" for reason in concepts}:
        ending += "_"
    return [
        replace(
            concept.reason,
            code=f"{concept.reason.code}_{ending}",
            wording=f"{source.wording}: {concept.reason.recorded or f'A note about you on {concept.name}.'}",
        )
        for concept in schema.concepts
    ]


def _columns(schema: Schema) -> list[Field | Derived]:
    return [*schema.fields, *schema.derived]


def _stated(schema: Schema) -> dict[str, Reason]:
    """The reasons that the schema states for its columns, by column."""
    return {column.name: column.reason for column in _columns(schema) if column.reason is not None}


def default_reasons(schema: Schema, names: Sequence[str]) -> dict[str, Reason]:
    """Reasons for columns of which the schema states none: ``[no wording]`` and the column's title, under a code made
    of its name.

    Where that gives no code, or one that another reason has, the code is the column's number among the schema's, from
    1: ``COLUMN_3``. No two of the codes are the same, nor is one that the schema states.
    """
    columns = _columns(schema)
    number = {column.name: at for at, column in enumerate(columns, 1)}
    codes = {name: re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") for name in names}
    asked = Counter(codes.values())
    stated = {reason.code for reason in (*_stated(schema).values(), *(c.reason for c in schema.concepts))}
    clean = {name for name, code in codes.items() if code[:1].isalpha() and asked[code] == 1 and code not in stated}
    taken = stated | {codes[name] for name in clean}
    found = {}
    for name in names:
        code = codes[name] if name in clean else f"COLUMN_{number[name]}"
        while name not in clean and code in taken:
            code += "_"
        taken.add(code)
        found[name] = Reason(code, f"{NO_WORDING} {columns[number[name] - 1].title}", worded=False)
    return found


def principal_reasons(
    explanation: Explanation,
    concept: Ints,
    book: ReasonBook,
    config: Config,
    most: int,
    not_approved: Flags | None = None,
) -> Reasons:
    """At most ``most`` reasons per row, the strongest first.

    A reason takes ``config.explain.min_points`` or more; where the application is not approved, every reason of a
    visible size counts (``VISIBLE_POINTS``), because a declined applicant must be given reasons, and a person who
    decides a referral must know them.

    Args:
        concept: see ``ReasonBook.of_sentences``.
        not_approved: bool (n,), whether each row is not approved; by default by the model's own cut-off.
    """
    points = reason_points(explanation, concept, book, config.scale)
    n, n_reasons = points.shape
    which = np.argsort(np.round(points, 9), axis=1, kind="stable")[:, : min(most, n_reasons)]
    taken = np.take_along_axis(points, which, axis=1)
    if not_approved is None:
        not_approved = np.asarray(expit(explanation.margin) > config.decision.max_pd, dtype=np.bool_)
    least = np.where(not_approved, min(VISIBLE_POINTS, config.explain.min_points), config.explain.min_points)
    adverse = (taken < 0.0) & (taken <= -least[:, None])
    return Reasons(
        book,
        np.where(adverse, which, -1),
        np.where(adverse, taken, 0.0),
        to_points(explanation.narratives.sum(axis=1), config.scale).reshape(n),
        not_approved,
    )


def reason_points(explanation: Explanation, concept: Ints, book: ReasonBook, scale: ScaleConfig) -> Floats:
    """float64 (n, len(book.reasons)): points that every reason gives or takes; a row sums to all its contributions but
    those of the sentences that stand for no reason (``ReasonBook.of_sentences``).
    """
    log_odds = np.zeros((len(explanation), len(book.reasons)))
    for at, column in zip(book.column, explanation.columns.T, strict=True):
        log_odds[:, at] += column
    place = book.of_sentences(explanation, concept)
    counted = place >= 0
    np.add.at(log_odds, (explanation.block.row[counted], place[counted]), explanation.sentences[counted])
    return to_points(log_odds, scale)
