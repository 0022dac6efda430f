"""The index of the reports that one run made."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from experiments.reporting.parts import Count, ReportModel, Result, Text

FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]*$", description="in the folder of the index")]


class Link(ReportModel):
    """A file beside the index."""

    words: Text
    file: FileName


class IndexEntry(ReportModel):
    """One reported application.

    Attributes:
        top_reason: Wording of the strongest adverse reason, "" without one.
    """

    id: Text
    row: int = Field(ge=1)
    result: Result
    top_reason: Text
    needs_review: bool
    links: tuple[Link, ...]


class RejectedRow(ReportModel):
    """A row of the file that broke the data contract, so that it could not be scored: ``id`` "" where none is to be
    read in it, and in words which column, which rule and the remedy.
    """

    row: int = Field(ge=1)
    id: Text
    words: Text


class IndexPage(ReportModel):
    """The reported applications of one run, in the order they are to be read.

    Attributes:
        model_name: As of ``Subject``.
        chosen: How they were chosen, in words.
        n_left_out: Those that were chosen too and are beyond the limit.
        rejected: The first of the ``n_rejected`` rows that broke the contract; where applications were chosen by id,
            those of them.
    """

    report: Literal["index"] = "index"
    version: Literal[1] = 1
    file: Text
    product: Text
    model: Text
    model_name: Text = ""
    made_on: date
    entries: tuple[IndexEntry, ...]
    n_approved: Count
    n_declined: Count
    n_review: Count
    n_referred: Count = 0
    chosen: Text = ""
    n_left_out: Count = 0
    n_rejected: Count = 0
    rejected: tuple[RejectedRow, ...] = ()

    @model_validator(mode="after")
    def _counts(self) -> Self:
        found = (
            sum(entry.result.decision == "approve" for entry in self.entries),
            sum(entry.result.decision == "decline" for entry in self.entries),
            sum(entry.needs_review for entry in self.entries),
            sum(entry.result.decision == "refer" for entry in self.entries),
        )
        if found != (self.n_approved, self.n_declined, self.n_review, self.n_referred):
            raise ValueError(f"counts of approved, declined, to be reviewed and referred must be {found}")
        return self
