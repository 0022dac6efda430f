"""A document: sections of words, findings, tables and plots; what a validation, a comparison, a
model card and the report of a sweep are.

Tables hold numbers as they were computed, never as they are shown: a reader of the JSON can recompute with them. A
figure that does not exist is a ``Gap`` that says why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictFloat, StrictInt, field_validator, model_validator

from experiments.reporting.language import current_language, gettext
from experiments.reporting.parts import Count, MarkedText, ReportModel, Text


def _in_language(text: str) -> str:
    """A text that is a message as a whole, in the language in which the document is made; any other as it is.

    Sentences that were put one behind the other have no spaces between them where the language has none.
    """
    text = gettext(text)
    if current_language().locale.language not in _WITHOUT_SPACES or not _EAST_ASIAN.search(text):
        return text
    return _SPACE.sub("", _STOP.sub(lambda stop: _STOPS[stop[0].strip()], text))


_WITHOUT_SPACES = ("zh", "ja")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
_STOPS = {".": "。", ",": "，", ";": "；", ":": "：", "?": "？"}
_STOP = re.compile(r"(?<=[\w%）”])[.,;:?](?:\s+|$)")
_SPACE = re.compile("(?<=[。，；：！？、（）]) +| +(?=[。，；：！？、（）])")
Words = Annotated[Text, AfterValidator(_in_language)]
"""A text of ours: a message, or one or several that hold values."""

Form = Literal["text", "key", "count", "number", "signed", "percent", "p"]
"""How a column's figures read: counts and numbers, with their sign, fractions of 1 as percentages, p-values.

A key names its row for machines, alike in every language; pages leave it out."""

Grade = Literal["good", "note", "concern", "alarm"]
"""What a finding asks of its reader: nothing, to know it, to look into it, not to use the model as it is."""

DocumentKind = Literal[
    "validation", "comparison", "card", "protected", "sweep", "pretraining", "augmentation", "tuning", "watch"
]


class Interval(ReportModel):
    """A figure with its 95 % interval.

    Attributes:
        value: the figure.
        low: lower end.
        high: upper end.
    """

    value: float
    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} does not lie within {self.low} to {self.high}")
        return self


class Gap(ReportModel):
    """In the place of a figure: why there is none."""

    gap: Words


Cell = Interval | Gap | MarkedText | StrictInt | StrictFloat | Text | None
"""None: nothing belongs there."""

Row = tuple[Cell, ...]


class Column(ReportModel):
    """A column of a table.

    Attributes:
        key: for machines.
        title: its heading.
        form: how its figures read.
        digits: decimals worth showing.
    """

    key: Text
    title: Words
    form: Form = "text"
    digits: Count = 0


class Table(ReportModel):
    """A table; its first column that is no key names the rows.

    Attributes:
        key: for machines.
        title: its heading.
        note: what a reader must know to read it.
        columns: at least one.
        rows: as many cells each as there are columns.
    """

    key: Text
    title: Words
    note: Words = ""
    columns: tuple[Column, ...] = Field(min_length=1)
    rows: tuple[Row, ...]

    @field_validator("columns")
    @classmethod
    def _titled(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        """Columns that were made once, for all tables, have English titles."""
        return tuple(column.model_copy(update={"title": gettext(column.title)}) for column in columns)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.key!r}: a row has as many cells as there are columns, {len(self.columns)}")
        for row in self.rows:
            for column, cell in zip(self.columns, row, strict=True):
                if column.form in ("text", "key") and isinstance(cell, Interval):
                    raise ValueError(f"table {self.key!r}: column {column.key!r} holds text, not intervals")
                if column.form not in ("text", "key") and isinstance(cell, str | MarkedText):
                    raise ValueError(f"table {self.key!r}: column {column.key!r} holds figures, not {cell!r}")
        return self


def key_figure_table(rows: Sequence[tuple[str, str, str]]) -> Table:
    """The few figures to see first: name, value and what stands under it, of each."""
    columns = (
        Column(key="name", title=gettext("Figure")),
        Column(key="value", title=gettext("Value")),
        Column(key="under", title=""),
    )
    return Table(key="key_figures", title=gettext("Key figures"), columns=columns, rows=tuple(rows))


class Plot(ReportModel):
    """A plot: in words for the JSON, and drawn for the page.

    Attributes:
        key: for machines.
        title: its heading.
        words: what it shows.
        alt: what is drawn, for those who cannot see it.
        gap: why it is not drawn, "" where it is.
        wide: whether it takes the page's whole width.
        drawing: SVG text; not part of the JSON, and so "" in a document that was read from it.
    """

    key: Text
    title: Words
    words: Words
    alt: Words
    gap: Words = ""
    wide: bool = False
    drawing: str = Field(default="", exclude=True, repr=False)


def _sentence(text: str) -> str:
    """Titles of findings are read one after the other."""
    return text if text.endswith((".", "?", "!", "。", "？", "！")) else _in_language(f"{text}.")


class Finding(ReportModel):
    """What a section comes to, in words for a manager.

    Attributes:
        key: for machines.
        grade: what it asks of its reader.
        title: a sentence.
        words: what it rests on.
        action: what to do about it, "" where that is in ``words`` or nothing is to be done.
    """

    key: Text
    grade: Grade
    title: Annotated[Words, AfterValidator(_sentence)]
    words: Words
    action: Words = ""


class Section(ReportModel):
    """A chapter of a document.

    Attributes:
        key: for machines.
        title: its heading.
        words: paragraphs.
        command: a command line to paste behind them, "" for none.
        findings: what it comes to.
        tables: figures.
        plots: figures, drawn.
    """

    key: Text
    title: Words
    words: tuple[Words, ...] = ()
    command: Text = ""
    findings: tuple[Finding, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()


class Document(ReportModel):
    """A report made of sections.

    Attributes:
        report: its kind.
        version: of the format.
        title: what it is about.
        kicker: what kind of report it is, for people.
        made_on: the day it was made.
        facts: what it is about, by name.
        headline: the whole in a few sentences.
        key_figures: a few figures to see first.
        front: keys of the plots that stand before all chapters, on the first pages, which hold what a manager must
            know; the chapters are then an appendix. Empty for a document without such pages.
        sections: its chapters.
        origin: versions and digests by name.
    """

    report: DocumentKind
    version: Literal[1] = 1
    title: Words
    kicker: Words
    made_on: date
    facts: dict[Words, Words]
    headline: tuple[Words, ...]
    key_figures: Table | None = None
    front: tuple[Text, ...] = ()
    sections: tuple[Section, ...]
    origin: dict[Words, Text]

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        for kind, keys in (
            ("section", [section.key for section in self.sections]),
            ("table", [table.key for section in self.sections for table in section.tables]),
            ("plot", [plot.key for section in self.sections for plot in section.plots]),
            ("finding", [finding.key for section in self.sections for finding in section.findings]),
        ):
            if twice := {key for key in keys if keys.count(key) > 1}:
                raise ValueError(f"two {kind}s have the key {min(twice)!r}")
        if lacking := set(self.front) - {plot.key for plot in self.plots()}:
            raise ValueError(f"no plot has the key {min(lacking)!r}")
        return self

    def plots(self) -> tuple[Plot, ...]:
        """All plots, in their order."""
        return tuple(plot for section in self.sections for plot in section.plots)

    def findings(self) -> tuple[Finding, ...]:
        """All findings, the gravest first."""
        order: tuple[Grade, ...] = ("alarm", "concern", "note", "good")
        every = [finding for section in self.sections for finding in section.findings]
        return tuple(sorted(every, key=lambda finding: order.index(finding.grade)))
