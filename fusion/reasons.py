"""Principal reasons: the contributions of an explanation, summed by what an applicant would be told.

Columns count under their reason code, and so do sentences under that of their concept; what was written and matches no
concept counts under its narrative's own code. Nothing is dropped: a reason that may not be disclosed keeps its place
and is marked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from data_schemas.contract import Derived, Field, Reason, Schema
from fusion.config import ScaleConfig
from fusion.explanation import Explanation, to_points

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ReasonBook:
    """Every reason that a model can give.

    reasons: one per code. column, concept, narrative: int64, place in ``reasons`` of each column, each concept and each
    narrative (for its sentences that match no concept).
    """

    reasons: tuple[Reason, ...]
    column: Ints
    concept: Ints
    narrative: Ints

    @staticmethod
    def of(schema: Schema, column_names: Sequence[str], narrative_names: Sequence[str]) -> ReasonBook:
        """The reasons of a schema; a column without one is told by its title, under its name as code."""
        columns: list[Field | Derived] = [*schema.fields, *schema.derived]
        known = {column.name: column for column in columns}
        given = [
            [reason_of(known[name]) for name in column_names],
            [concept.reason for concept in schema.concepts],
            [reason_of(known[name]) for name in narrative_names],
        ]
        book = {reason.code: reason for group in given for reason in group}
        place = {code: at for at, code in enumerate(book)}
        column, concept, narrative = (np.array([place[r.code] for r in group], dtype=np.int64) for group in given)
        return ReasonBook(tuple(book.values()), column, concept, narrative)


@dataclass(frozen=True)
class Reasons:
    """The strongest adverse reasons of every row, the strongest first.

    book: what can be told. which: int64 (n, n_reasons), places in it, -1 where there are no more. points: float64
    (n, n_reasons), what each takes from the score, negative; 0 where there are no more. narrative_points: float64 (n,),
    what the narratives gave or took in all.
    """

    book: ReasonBook
    which: Ints
    points: Floats
    narrative_points: Floats

    def of(self, row: int) -> list[tuple[Reason, float]]:
        """The reasons of one row with their points."""
        told = zip(self.which[row].tolist(), self.points[row].tolist(), strict=True)
        return [(self.book.reasons[at], points) for at, points in told if at >= 0]


def reason_of(column: Field | Derived) -> Reason:
    """The column's reason, or one made of its title."""
    if column.reason is not None:
        return column.reason
    code = re.sub(r"[^A-Z0-9]+", "_", column.name.upper()).strip("_")
    return Reason(code if code[:1].isalpha() else f"COLUMN_{code}", f"{column.title}.")


def principal_reasons(
    explanation: Explanation, concept: Ints, book: ReasonBook, scale: ScaleConfig, most: int, min_points: float
) -> Reasons:
    """At most ``most`` reasons per row, each taking ``min_points`` or more.

    concept: int64 (n_sentences,), place of each sentence's concept among the schema's, -1 for none.
    """
    points = reason_points(explanation, concept, book, scale)
    n, n_reasons = points.shape
    most = min(most, n_reasons)
    which = np.argsort(np.round(points, 9), axis=1, kind="stable")[:, :most]
    taken = np.take_along_axis(points, which, axis=1)
    adverse = (taken < 0.0) & (taken <= -min_points)
    return Reasons(
        book,
        np.where(adverse, which, -1),
        np.where(adverse, taken, 0.0),
        to_points(explanation.narratives.sum(axis=1), scale).reshape(n),
    )


def reason_points(explanation: Explanation, concept: Ints, book: ReasonBook, scale: ScaleConfig) -> Floats:
    """float64 (n, len(book.reasons)): points that every reason gives or takes; a row sums to all its contributions."""
    log_odds = np.zeros((len(explanation), len(book.reasons)))
    for at, column in zip(book.column, explanation.columns.T, strict=True):
        log_odds[:, at] += column
    block = explanation.block
    place = book.narrative[block.narrative]
    matched = concept >= 0
    place[matched] = book.concept[concept[matched]]
    np.add.at(log_odds, (block.row, place), explanation.sentences)
    return to_points(log_odds, scale)
