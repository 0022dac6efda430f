"""What the page of a schema's review holds: a card for each column, with what is to be decided about it."""

from __future__ import annotations

from datetime import date
from typing import Literal

from experiments.reporting.document import Grade
from experiments.reporting.parts import Count, Fraction, ReportModel, Text

Reading = Literal["bad", "good", "undecided", "unknown"]
"""What a cell of the outcome counts as; unknown: a value that the schema does not name, which rejects its row."""


class Bar(ReportModel):
    """A bin or a level of a column.

    Attributes:
        label: the level, or the ends of the bin.
        share: of the column's cells that are not missing.
        bad_rate: of the rows there; None without outcomes, or with too few rows.
    """

    label: Text
    share: Fraction
    bad_rate: Fraction | None = None


class Distribution(ReportModel):
    """How a column's cells are distributed.

    Attributes:
        kind: bins in order of their values, or levels by how common they are.
        bars: of bins those between ``low`` and ``high``; of levels the commonest.
        low: beside the first bin.
        high: beside the last one.
        words: what is drawn, for those who cannot see it.
    """

    kind: Literal["bins", "levels"]
    bars: tuple[Bar, ...]
    low: Text = ""
    high: Text = ""
    words: Text


class Doubt(ReportModel):
    """Something to decide.

    Attributes:
        grade: how much depends on it.
        words: the question, and what follows from the answer.
    """

    grade: Grade
    words: Text


class ColumnReview(ReportModel):
    """The card of a column.

    Attributes:
        name: of the column.
        title: for reports.
        role: what it is for.
        form: how its cells are read: type, format, unit.
        note: the note of ``schema infer``, "" where there is none.
        reason: what an applicant is given where it counts against them, "" for none.
        facts: further figures by name.
        samples: cells as they are written; of texts and keys none, or masked ones.
        missing: share of the rows.
        strength: AUC with which the column alone ranks the outcomes, from 0.5 to 1; None where that says nothing.
        distribution: None where there is nothing to draw.
        doubts: what to decide, the gravest first.
    """

    name: Text
    title: Text
    role: Text
    form: Text
    note: Text
    reason: Text
    facts: dict[Text, Text]
    samples: tuple[Text, ...]
    missing: Fraction
    strength: float | None
    distribution: Distribution | None
    doubts: tuple[Doubt, ...]

    @property
    def grade(self) -> Grade:
        """That of its gravest doubt."""
        return self.doubts[0].grade if self.doubts else "good"


class OutcomeLevel(ReportModel):
    """A value of the outcome.

    Attributes:
        level: the cell.
        reading: what it counts as.
        rows: how many have it.
        share: of the rows looked at.
    """

    level: Text
    reading: Reading
    rows: Count
    share: Fraction


class SchemaReview(ReportModel):
    """A schema beside the file that it is for.

    Attributes:
        title: the schema's.
        schema_file: its name.
        data_file: name of the file.
        made_on: the day of the page.
        n_rows: rows of the file.
        n_sampled: rows that were looked at.
        outcome: values of the target, the commonest first; empty without a target.
        notices: what concerns the file as a whole.
        columns: the gravest doubts first, then in the order of the schema.
    """

    title: Text
    schema_file: Text
    data_file: Text
    made_on: date
    n_rows: Count
    n_sampled: Count
    outcome: tuple[OutcomeLevel, ...]
    notices: tuple[Doubt, ...]
    columns: tuple[ColumnReview, ...]
