"""Short answers to what applicants ask, for one application."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from experiments.reporting.parts import Decision, ReportModel, Text


class Answer(ReportModel):
    """A question with its answer.

    Attributes:
        key: Of the question.
        paragraphs: The answer.
    """

    key: str = Field(pattern="^[a-z_]+$")
    question: Text
    paragraphs: tuple[Text, ...] = Field(min_length=1)


class AnswerSheet(ReportModel):
    """The answers to one applicant.

    Attributes:
        needs_review: As of the letter: a person must look before this is sent.
    """

    report: Literal["answers"] = "answers"
    version: Literal[1] = 1
    id: Text
    product: Text
    made_on: date
    lender: Text = ""
    language: Text = "en"
    decision: Decision
    answers: tuple[Answer, ...] = Field(min_length=1)
    needs_review: bool
