"""The page of a document: a validation, a comparison, a model card or the report of a sweep."""

from __future__ import annotations

from markupsafe import Markup

from experiments.reporting.document import Cell, Column, Document, Gap, Grade, Interval, Table
from experiments.reporting.language import NARROW_SPACE, current_language, gettext, gettext_noop
from experiments.reporting.page import render
from experiments.reporting.parts import MarkedText
from experiments.reporting.svg import address
from experiments.reporting.words import marked_text, number, percent, shown, signed

GRADES: dict[Grade, str] = {
    "good": gettext_noop("in order"),
    "note": gettext_noop("to know"),
    "concern": gettext_noop("look into"),
    "alarm": gettext_noop("do not rely on"),
}
WATCH_GRADES: dict[Grade, str] = {**GRADES, "concern": gettext_noop("warning"), "alarm": gettext_noop("alarm")}
"""On the page of a watch, where what departs may be the applicants rather than the model."""
LONG_TABLE = 30  # rows; a longer table is folded away on the screen
MOST_GRAVE, MOST_NOTES = 8, 6  # findings on the first pages, which have to stay two in print
LONG_TEXT = 30  # characters
UNBROKEN_TABLE = 16  # rows; a shorter one stays on one printed page
PLAIN_TABLE = 6  # columns; a wider one scrolls on narrow screens


def document_html(document: Document) -> str:
    """The page of a document, in the language in which documents are being made.

    Raises ValueError for a plot that has neither a drawing nor a gap.
    """
    for section in document.sections:
        for plot in section.plots:
            if not (plot.gap or plot.drawing):
                raise ValueError(f"section {section.key!r}: plot {plot.key!r} is not drawn, and no gap says why")
    findings, plots = document.findings(), {plot.key: plot for plot in document.plots()}
    grave = [finding for finding in findings if finding.grade in ("alarm", "concern")]
    notes = [finding for finding in findings if finding.grade == "note"]
    extra = {
        "address": address,
        "grades": WATCH_GRADES if document.report == "watch" else GRADES,
        "cell": cell,
        "for_people": for_people,
        "grave": grave,
        "notes": notes,
        "most_grave": MOST_GRAVE,
        "most_notes": MOST_NOTES,
        "front": [plots[key] for key in document.front if not plots[key].gap],
        "n_good": sum(finding.grade == "good" for finding in findings),
        "place": {finding.key: section.key for section in document.sections for finding in section.findings},
        "long_table": LONG_TABLE,
        "plain_table": PLAIN_TABLE,
        "unbroken_table": UNBROKEN_TABLE,
        "long_texts": long_texts,
    }
    return render("document.html.j2", document, extra, images=True, language=current_language())


def for_people(table: Table) -> Table:
    """The table without the columns that are for machines."""
    kept = [at for at, column in enumerate(table.columns) if column.form != "key"]
    if len(kept) == len(table.columns):
        return table
    columns = tuple(table.columns[at] for at in kept)
    return table.model_copy(
        update={"columns": columns, "rows": tuple(tuple(row[at] for at in kept) for row in table.rows)}
    )


def long_texts(table: Table) -> set[str]:
    """The columns that hold sentences, which need some width where a table is moved under a narrow window."""
    return {
        column.key
        for at, column in enumerate(table.columns)
        if any(isinstance(one, str) and len(one) > LONG_TEXT for one in (row[at] for row in table.rows))
    }


def cell(found: Cell, column: Column) -> Markup:
    """A table's cell as people read it."""
    if found is None:
        return Markup("")
    if isinstance(found, Gap):
        return Markup('<span class="absent">{}</span>').format(shown(found.gap, 120))
    if isinstance(found, str):
        return shown(found, 400)
    if isinstance(found, MarkedText):
        return marked_text(found)
    if isinstance(found, Interval):
        low, high = bare_figure(found.low, column), bare_figure(found.high, column)
        return Markup("{}<small>{}</small>").format(
            figure(found.value, column), gettext("{low} to {high}").format(low=low, high=high)
        )
    return Markup(figure(found, column))


def figure(value: float, column: Column) -> str:
    """A number in its column's form."""
    if column.form == "percent":
        return percent(value, column.digits)
    if column.form == "signed":
        return signed(value, column.digits)
    if column.form == "p":
        return f"<{NARROW_SPACE}0.001" if value < 0.001 else number(value, 3)
    return number(value, column.digits)


def bare_figure(value: float, column: Column) -> str:
    """The same without its percent sign, for the ends of an interval."""
    return figure(value, column).replace(f"{NARROW_SPACE}%", "").replace("%", "")
