"""The letter to the applicant."""

from __future__ import annotations

from datetime import date
from typing import Literal, Self

from pydantic import Field, model_validator

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
        decision: ``refer``: a person is looking at the application, nothing is decided yet, and the letter is no notice
            of adverse action.
        reasons: Only those that may be disclosed; of an approved application none but where they were asked for, of a
            referred one none.
        not_mentioned: Subjects of a declined application that nothing written is about, although they often help.
        needed: What of a referred application is not clear or not there, so that the applicant may be asked for it.
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
    not_mentioned: tuple[Text, ...] = ()
    needed: tuple[Text, ...] = ()
    needs_review: bool

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.decision == "refer" and (self.reasons or self.suggestions):
            raise ValueError("a referral is no adverse decision: its letter gives no reasons")
        if self.decision != "refer" and self.needed:
            raise ValueError("only of who is referred something may be needed")
        if self.decision == "decline" and not self.reasons and not self.needs_review:
            raise ValueError("a decline without a reason is for a person")
        return self
