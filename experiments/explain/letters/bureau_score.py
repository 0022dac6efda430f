"""The bureau's score that a letter of decline discloses."""

from __future__ import annotations

import math

import pandas as pd

from experiments.explain.cases import Case
from experiments.explain.letters.lender import Lender
from experiments.reporting.decision.applicant import ScoreDisclosure


def disclosed_score(case: Case, lender: Lender) -> ScoreDisclosure | None:
    """The bureau's score of the applicant; None where the schema names none, or the applicant has none."""
    field, frame = case.application.schema.bureau_score, case.application.frame
    if field is None or field.bureau_score is None:
        return None
    score, about = float(frame[field.name].iloc[0]), field.bureau_score
    if not math.isfinite(score) or field.label(score):
        return None
    made_on = frame[about.dated].iloc[0] if about.dated in frame else pd.NaT
    return ScoreDisclosure(
        score=score,
        lowest=about.lowest,
        highest=about.highest,
        made_on=None if pd.isna(made_on) else pd.Timestamp(made_on).date(),
        agency=lender.bureau_name(about.agency),
        key_factors=lender.bureau(about.agency).key_factors,
    )
