"""What applications are answered: score, decision, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from data_schemas.concepts import Sensitive
from data_schemas.contract import Schema
from data_schemas.errors import RunError
from data_schemas.reasons import Reason
from features.arrays import Floats, Ints
from features.narratives.concepts import ConceptMatches
from fusion.config import ScaleConfig
from fusion.explain.by_source import source_log_odds
from fusion.explain.explanation import Explanation, to_points
from fusion.explain.reasons import Reasons
from fusion.model.fusion_model import Scores
from fusion.policy.policy import Decisions

PROBABILITY = "_probability"
"""Ends the name of a column of probabilities by a second model, whose name goes before."""
SOURCE_POINTS = "source_points_"
"""Begins the name of a column of ``RowReasons.source_points``; the source's name follows."""


@dataclass(frozen=True)
class RowReasons:
    """Why one application has its score, in points of the score (higher is safer).

    Attributes:
        reasons: The strongest adverse reasons, the strongest first, each with its points, which are negative.
        narrative_points: What the narratives gave or took in all.
        sensitive: What the sentences about each kind of private life gave or took; only kinds that were written about.
        not_approved: Whether the application is not approved.
        source_points: What the application itself and each source of the schema gave or took; with the score of the
            background they add up to the score. Nothing for a schema without sources.
    """

    reasons: tuple[tuple[Reason, float], ...]
    narrative_points: float
    sensitive: Mapping[Sensitive, float]
    not_approved: bool = False
    source_points: Mapping[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """The sum of all points here; no finite number where one of them is none."""
        return sum((taken for _, taken in self.reasons), self.narrative_points) + sum(self.sensitive.values())

    @property
    def undisclosable(self) -> list[str]:
        """Codes of the reasons that may not be given as principal ones."""
        return [reason.code for reason, _ in self.reasons if not reason.disclosable]

    @property
    def unworded(self) -> list[str]:
        """Codes of the reasons that the schema does not word, so that no applicant may be given them."""
        return [reason.code for reason, _ in self.reasons if not reason.worded]

    @property
    def flags(self) -> str:
        """``no_reason`` (not approved, and nothing took points), ``no_wording:CODE``, ``not_disclosable:CODE``,
        ``sensitive:KIND:POINTS``, joined by ``;``; the kinds in alphabetical order.
        """
        unexplained = ["no_reason"] if self.not_approved and not self.reasons else []
        hidden = [f"no_wording:{code}" for code in self.unworded]
        hidden += [f"not_disclosable:{code}" for code in self.undisclosable]
        sensitive = [f"sensitive:{kind}:{points_text(points)}" for kind, points in sorted(self.sensitive.items())]
        return ";".join([*unexplained, *hidden, *sensitive])


@dataclass(frozen=True)
class Answer:
    """What some applications are answered, one entry per row in every attribute.

    Attributes:
        scores: Margin, PD and points.
        decisions: What the policy decides.
        quality: Data-quality flags (``features.tables.data_quality.data_quality``).
        reasons: Why each row has its score; None where no reasons were asked for.
    """

    scores: Scores
    decisions: Decisions
    quality: tuple[str, ...]
    reasons: tuple[RowReasons, ...] | None = None

    @staticmethod
    def concat(parts: Sequence[Answer]) -> Answer:
        """The rows of all parts, which either all have reasons or none has; raises ValueError for no parts."""
        if not parts:
            raise ValueError("no parts to join")
        columns = {
            name: np.concatenate([getattr(part.scores, name) for part in parts]) for name in ("margin", "pd", "score")
        }
        decisions = Decisions(
            tuple(one for part in parts for one in part.decisions.decision),
            tuple(one for part in parts for one in part.decisions.refer_reason),
        )
        with_reasons = parts[0].reasons is not None
        return Answer(
            Scores(columns["margin"], columns["pd"], columns["score"]),
            decisions,
            tuple(flags for part in parts for flags in part.quality),
            tuple(one for part in parts for one in part.reasons or ()) if with_reasons else None,
        )


def reasons_by_row(
    found: Reasons, explanation: Explanation, matches: ConceptMatches, schema: Schema, scale: ScaleConfig
) -> tuple[RowReasons, ...]:
    """The principal reasons of every row, with what its sentences about private life and its sources gave or took.

    Args:
        found: Principal reasons of the rows of ``explanation``.
        matches: Concepts of the explanation's sentences.
        schema: Whose sources are distinguished.
    """
    sensitive: list[dict[Sensitive, float]] = [{} for _ in range(len(explanation))]
    points = to_points(explanation.sentences, scale).tolist()
    for row, kinds, taken in zip(explanation.block.row.tolist(), matches.sensitive, points, strict=True):
        for kind in kinds:
            sensitive[row][kind] = sensitive[row].get(kind, 0.0) + taken
    moved, not_approved = found.narrative_points.tolist(), found.not_approved.tolist()
    by_source = {name: to_points(one, scale).tolist() for name, one in source_log_odds(explanation, schema).items()}
    return tuple(
        RowReasons(
            tuple(found.of(row)),
            moved[row],
            kinds,
            not_approved[row],
            {name: one[row] + 0.0 for name, one in by_source.items()},
        )
        for row, kinds in enumerate(sensitive)
    )


def check_finite(row_number: Ints, *values: Floats) -> None:
    """Raise RunError for a row of which something that was computed is no finite number.

    It stops the run instead of rejecting the row: cells are finite by then, so the fault is the machine's, and other
    rows may be wrong without showing it.

    Args:
        row_number: int64 (n,), names the rows.
        values: float64 (n,) or (n, k) each.
    """
    sound = np.ones(len(row_number), dtype=bool)
    for value in values:
        sound &= np.isfinite(value) if value.ndim == 1 else np.isfinite(value).all(axis=1)
    if not sound.all():
        first = int(row_number[int(np.argmin(sound))])
        raise RunError(
            f"the score of row {first:,} or its reasons are no finite numbers",
            "Score again with --no-cache; if it happens again, the text encoder or this machine computes wrongly.",
        )


def check_explained(row_number: Ints, explanation: Explanation) -> None:
    """Raise RunError, as ``check_finite`` does, for a row whose explanation holds what is no finite number.

    Args:
        row_number: int64 (n,), names the rows.
    """
    check_finite(row_number, explanation.margin, explanation.columns, explanation.narratives)
    check_finite(row_number[explanation.block.row], explanation.sentences)


def points_text(points: float) -> str:
    """Points with one decimal, never -0.0."""
    return f"{points:z.1f}"
