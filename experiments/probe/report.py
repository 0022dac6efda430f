"""The report on protected attributes, as data: how well each can be told from what the model sees.

JSON is the canonical form (``report.model_dump_json()``); the page is made from it alone
(``experiments.reporting.protected``). Run as a module, this prints the JSON Schema, which is published as
``docs/protected.schema.json``.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from experiments.reporting.parts import Count, Fraction, ReportModel, Text

Source = Literal["narratives", "written", "words", "columns", "both", "score"]
"""What the attribute was to be told from.

narratives: the vectors of all narratives, and which of them were written at all. written: the same among applicants who
wrote something. words: the single words that the model counts. columns: the structured columns. both: columns and
vectors. score: the model's score alone.
"""

Verdict = Literal["chance", "unsure", "hardly", "somewhat", "clearly", "well"]
SOMEWHAT, CLEARLY, WELL = 0.55, 0.65, 0.80  # AUCs from which the words of that name are used


def verdict(auc: float, low: float, high: float) -> Verdict:
    """The word for an AUC with its 95 % interval.

    chance: the interval begins at .5 or below and ends below SOMEWHAT. unsure: it begins there and ends above, so there
    are too few rows to say. Else the AUC itself decides.
    """
    if low <= 0.5:
        return "chance" if high < SOMEWHAT else "unsure"
    if auc < SOMEWHAT:
        return "hardly"
    if auc < CLEARLY:
        return "somewhat"
    return "clearly" if auc < WELL else "well"


class Group(ReportModel):
    """A group of applicants. judged: whether it is large enough to be told from the others."""

    label: Text
    n: int = Field(ge=1)
    judged: bool


class GroupArea(ReportModel):
    """How well one group is told from the rest. low, high: 95 % interval."""

    label: Text
    auc: Fraction
    low: Fraction
    high: Fraction


class Reading(ReportModel):
    """How well an attribute can be told from one source.

    n: rows. auc: the mean over the groups of the AUC of one against the rest, out of fold; 0.5 is chance. low, high:
    95 % interval. groups: each group by itself where there are more than two.
    """

    source: Source
    n: int = Field(ge=1)
    auc: Fraction
    low: Fraction
    high: Fraction
    verdict: Verdict
    groups: tuple[GroupArea, ...] = ()

    @model_validator(mode="after")
    def _word_fits(self) -> Self:
        if not self.low <= self.auc <= self.high or verdict(self.auc, self.low, self.high) != self.verdict:
            raise ValueError(f"{self.source}: {self.verdict!r} does not fit {self.auc} ({self.low} to {self.high})")
        return self


class Gap(ReportModel):
    """A source that an attribute could not be told from, and why."""

    source: Source
    why: Text


class Added(ReportModel):
    """What narratives add to what columns tell: AUC of both minus that of columns, with its 95 % interval."""

    difference: float
    low: float
    high: float


class Attribute(ReportModel):
    """One protected column.

    split: how numbers became groups, "" for a column whose values are the groups. n_missing: rows without a value, left
    out. groups: the largest first. not_judged: why nothing could be judged, "" when it could.
    """

    name: Text
    title: Text
    split: Text = ""
    n_missing: Count
    groups: tuple[Group, ...]
    not_judged: Text = ""
    readings: tuple[Reading, ...] = ()
    gaps: tuple[Gap, ...] = ()
    added: Added | None = None

    @property
    def n_groups(self) -> int:
        """Groups that are told apart."""
        return sum(group.judged for group in self.groups)

    @property
    def why_not(self) -> str:
        """Why it could not be told from anything; "" when it could from something."""
        return "" if self.readings else self.not_judged or "; ".join(dict.fromkeys(gap.why for gap in self.gaps))


class ProtectedReport(ReportModel):
    """How well protected attributes can be told from what a model sees of the applicants of a file.

    n_rows: data rows of the file. n_rejected: those that broke the contract. n_read: those looked at; fewer than the
    rest where only some were drawn. masked: kinds of private life whose sentences are cut before the model reads.
    """

    report: Literal["protected"] = "protected"
    version: Literal[1] = 1
    file: Text
    product: Text
    model: Text
    made_on: date
    n_rows: Count
    n_rejected: Count
    n_read: Count
    masked: tuple[Text, ...] = ()
    least_rows: Annotated[int, Field(ge=1, description="a smaller group is not judged")]
    n_folds: int = Field(ge=2)
    seed: Count
    attributes: tuple[Attribute, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if self.n_read > self.n_rows - self.n_rejected:
            raise ValueError("more rows were read than the file holds")
        for attribute in self.attributes:
            if attribute.n_missing + sum(group.n for group in attribute.groups) != self.n_read:
                raise ValueError(f"{attribute.name}: the groups and the rows without a value must sum to n_read")
        return self


def json_schema() -> str:
    """The JSON Schema of the report, as published."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(head | ProtectedReport.model_json_schema(mode="serialization"), indent=1) + "\n"


if __name__ == "__main__":
    print(json_schema(), end="")
