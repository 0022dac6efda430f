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


class ScoreDisclosure(ReportModel):
    """A credit bureau's score that was used.

    Attributes:
        lowest: The least that a score of this kind can be.
        highest: The most.
        made_on: The day of the score; None where it is not known.
        agency: Whose score it is.
        key_factors: Where the bureau's own key factors of the score are to be read; blank where that is not known.
    """

    score: float
    lowest: float
    highest: float
    made_on: date | None
    agency: Text
    key_factors: Text = ""


class Disclosure(ReportModel):
    """A part of the letter that its rules want.

    Attributes:
        key: Its name among the rule set's.
    """

    key: str = Field(pattern="^[a-z_]+$")
    title: Text
    paragraphs: tuple[Text, ...]


class ApplicantNotice(ReportModel):
    """The letter: no points, no PD, nothing of the model.

    Attributes:
        lender: For the letterhead; blank where the lender adds its own.
        address: The lender's.
        contact: For questions; blank where the lender adds its own.
        language: Of all texts, as a page's ``lang`` has it.
        rules: The rule set by which the letter was written.
        score: The bureau score that was used for a decline, where the schema names one.
        disclosures: What the rule set adds.
        decision: ``refer``: a person is looking at the application, nothing is decided yet, and the letter is no notice
            of adverse action.
        reasons: Only those that may be disclosed; of an approved application none but where they were asked for, of a
            referred one none.
        not_mentioned: Subjects of a declined application that nothing written is about, although they often help.
        needed: What of a referred application is not clear or not there, so that the applicant may be asked for it.
        needs_review: See UnderwriterReport; a person must look before this is sent.
        review_causes: Why, in sentences for the lender, with what mends it.
    """

    report: Literal["applicant"] = "applicant"
    version: Literal[1] = 1
    id: Text
    product: Text
    made_on: date
    lender: Text = ""
    address: Text = ""
    contact: Text = ""
    language: Text = "en"
    rules: Literal["plain", "us", "eu", "cn"] = "plain"
    decision: Decision
    reasons: tuple[PlainReason, ...] = Field(max_length=4)
    suggestions: tuple[Suggestion, ...]
    score: ScoreDisclosure | None = None
    disclosures: tuple[Disclosure, ...] = ()
    not_mentioned: tuple[Text, ...] = ()
    needed: tuple[Text, ...] = ()
    needs_review: bool
    review_causes: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.decision == "refer" and (self.reasons or self.suggestions):
            raise ValueError("a referral is no adverse decision: its letter gives no reasons")
        if self.decision != "refer" and self.needed:
            raise ValueError("only of who is referred something may be needed")
        if self.decision == "decline" and not self.reasons and not self.needs_review:
            raise ValueError("a decline without a reason is for a person")
        return self
