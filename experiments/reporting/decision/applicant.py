"""The letter to the applicant."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from experiments.reporting.parts import Decision, MarkedText, Move, ReportModel, Text


class PlainReason(ReportModel):
    """A reason as the applicant reads it.

    Attributes:
        wording: As the schema has it, short.
        sentence: As the letter has it, with the applicant's own value and words marked.
    """

    wording: Text
    sentence: MarkedText


class Suggestion(ReportModel):
    """What would have changed the decision; all its moves together."""

    moves: tuple[Move, ...] = Field(min_length=1)


class ApplicantNotice(ReportModel):
    """The letter: no points, no PD, nothing of the model.

    Attributes:
        lender: For the letterhead; blank where the lender adds its own.
        contact: For questions; blank where the lender adds its own.
        reasons: Only those that may be disclosed.
        needs_review: See UnderwriterReport; a person must look before this is sent.
    """

    report: Literal["applicant"] = "applicant"
    version: Literal[1] = 1
    id: Text
    product: Text
    made_on: date
    lender: Text = ""
    contact: Text = ""
    decision: Decision
    reasons: tuple[PlainReason, ...] = Field(max_length=4)
    suggestions: tuple[Suggestion, ...]
    needs_review: bool
