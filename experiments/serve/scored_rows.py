"""Answers of the scorer, row by row, as the service gives them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from experiments.serve.answers import ReasonGiven, Scored
from experiments.serve.records import Row
from experiments.serve.routing import Route
from fusion.answers import Answer, RowReasons
from fusion.policy.policy import Seconds
from fusion.scorer import Scorer

NO_REASONS = RowReasons((), math.nan, {})


def scored_rows(scorer: Scorer, route: Route, rows: Sequence[Row], answer: Answer, seconds: Seconds) -> list[Scored]:
    """Every row of an answer with all its digits; ``rows`` are those that were answered."""
    scores, decisions = answer.scores, answer.decisions
    found = []
    for at, row in enumerate(rows):
        why = answer.reasons[at] if answer.reasons is not None else NO_REASONS
        found.append(
            Scored(
                row=row.position,
                id=row.id,
                model=scorer.model_id,
                route="challenger" if route == "challenger" else "champion",
                pd=float(scores.pd[at]),
                score=float(scores.score[at]),
                decision=decisions.decision[at],
                refer_reason=decisions.refer_reason[at],
                data_quality=answer.quality[at],
                reasons=reasons_given(why),
                narrative_points=None if math.isnan(why.narrative_points) else why.narrative_points,
                source_points=dict(why.source_points),
                reason_flags=why.flags,
                probabilities={name: _known(float(own[at])) for name, own in seconds.items()},
            )
        )
    return found


def reasons_given(why: RowReasons) -> list[ReasonGiven]:
    """The reasons of a row."""
    return [
        ReasonGiven(code=reason.code, wording=reason.wording, points=points, disclosable=reason.disclosable)
        for reason, points in why.reasons
    ]


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
