"""Documents as data and as pages."""

from __future__ import annotations

from datetime import date

import pytest
from matplotlib.axes import Axes
from pydantic import ValidationError

from experiments.reporting.cells import figure, interval
from experiments.reporting.charts import picture
from experiments.reporting.document import Cell, Column, Document, Finding, Form, Gap, Interval, Plot, Section, Table
from experiments.reporting.html import UNBROKEN_TABLE, cell, document_html, long_texts
from experiments.reporting.json_reports import parse_report
from experiments.reporting.parts import MarkedText, Passage
from experiments.reporting.words import listed
from fusion.validation.intervals import NO_ESTIMATE, Estimate
from tests.support.hostile import HOSTILE

DAY = date(2026, 3, 9)
PERCENT = Column(key="rate", title="Rate", form="percent", digits=1)
NAME = Column(key="name", title="Name")


def document(*sections: Section, title: str = "Loans") -> Document:
    return Document(
        report="validation",
        title=title,
        kicker="Validation",
        made_on=DAY,
        facts={"Model": "abc"},
        headline=("All is well.",),
        sections=sections,
        origin={"model": "abc"},
    )


def table(*rows: tuple[Cell, ...]) -> Table:
    return Table(key="rates", title="Rates", columns=(NAME, PERCENT), rows=rows)


@pytest.mark.parametrize(
    ("value", "column", "shown"),
    [
        (0.1234, PERCENT, "12.3\u202f%"),
        (Interval(value=0.2, low=0.1, high=0.3), PERCENT, "20.0\u202f%<small>10.0 to 30.0</small>"),
        (1234, Column(key="n", title="n", form="count"), "1,234"),
        (-0.5, Column(key="d", title="d", form="signed", digits=2), "−0.50"),
        (0.0004, Column(key="p", title="p", form="p"), "<\u202f0.001"),
        (0.0421, Column(key="p", title="p", form="p"), "0.042"),
        (None, PERCENT, ""),
        (
            MarkedText(passages=(Passage(text="a <b> "), Passage(text="car\x00", marked=True), Passage(text=" .\n"))),
            Column(key="t", title="t"),
            '<bdi>a &lt;b&gt; <mark>car<abbr class="code" title="control character">U+0000</abbr><wbr></mark> . </bdi>',
        ),
        (
            MarkedText(passages=(Passage(text="=1+"), Passage(text="1", marked=True))),
            Column(key="t", title="t"),
            "<bdi>“=1+<mark>1</mark>”</bdi>",
        ),
    ],
)
def test_cells_read_as_their_column_says(value: Cell, column: Column, shown: str) -> None:
    assert cell(value, column) == shown


def test_a_gap_says_why() -> None:
    assert "no bad" in cell(Gap(gap="no bad"), PERCENT)
    assert figure(float("nan"), "no bad") == Gap(gap="no bad")
    assert interval(NO_ESTIMATE, "no bad") == Gap(gap="no bad")
    assert interval(Estimate(0.5, float("nan"), float("nan"))) == 0.5
    assert interval(Estimate(0.5, 0.4, 0.6)) == Interval(value=0.5, low=0.4, high=0.6)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((("a", float("nan")),), "finite number"),
        ((("a", float("inf")),), "finite number"),
        ((("a",),), "as many cells as there are columns"),
        ((("a", "12 %"),), "holds figures, not '12 %'"),
        (((Interval(value=1, low=0, high=2), 0.5),), "holds text, not intervals"),
        ((("a", MarkedText(passages=())),), "holds figures, not "),
    ],
)
def test_a_table_that_does_not_fit_is_refused(rows: tuple[tuple[Cell, ...], ...], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        table(*rows)


def test_an_interval_holds_its_figure() -> None:
    with pytest.raises(ValidationError, match="does not lie within"):
        Interval(value=3, low=0, high=2)


@pytest.mark.parametrize("form", ["text", "count"])
def test_cells_keep_their_type_in_json(form: Form) -> None:
    column = Column(key="x", title="x", form=form)
    values: tuple[Cell, ...] = ("0.712", "7") if form == "text" else (7, 0.712)
    whole = document(
        Section(key="a", title="A", tables=(Table(key="t", title="T", columns=(column, column), rows=(values,)),))
    )
    back = parse_report(whole.model_dump_json())
    assert isinstance(back, Document)
    assert back.sections[0].tables[0].rows[0] == values
    assert [type(one) for one in back.sections[0].tables[0].rows[0]] == [type(one) for one in values]
    assert back == whole


def test_keys_occur_once() -> None:
    section = Section(key="a", title="A")
    with pytest.raises(ValidationError, match="two sections have the key 'a'"):
        document(section, section)
    twice = Section(key="b", title="B", tables=(table(), table()))
    with pytest.raises(ValidationError, match="two tables have the key 'rates'"):
        document(twice)


def test_the_gravest_finding_comes_first() -> None:
    one = Finding(key="a", grade="good", title="Fine", words="")
    other = Finding(key="b", grade="alarm", title="Not fine.", words="")
    whole = document(Section(key="s", title="S", findings=(one, other)))
    assert [finding.key for finding in whole.findings()] == ["b", "a"]
    assert one.title == "Fine."
    page = document_html(whole)
    attention = page[page.index('id="document-attention"') : page.index('id="document-facts"')]
    assert "Not fine." in attention
    assert "Fine." not in attention


def test_a_plot_is_drawn_or_its_gap_says_why() -> None:
    plot = Plot(key="p", title="P", words="w", alt="a")

    def page(one: Plot) -> str:
        return document_html(document(Section(key="s", title="S", plots=(one,))))

    with pytest.raises(ValueError, match="section 's': plot 'p' is not drawn, and no gap says why"):
        page(plot)
    assert "no rows" in page(plot.model_copy(update={"gap": "no rows"}))
    assert 'src="data:image/svg+xml,%3Csvg/%3E"' in page(plot.model_copy(update={"drawing": "<svg/>"}))


def test_drawings_are_no_part_of_the_json() -> None:
    plot = Plot(key="p", title="P", words="w", alt="a", drawing="<svg/>")
    whole = document(Section(key="s", title="S", plots=(plot,)))
    assert "svg" not in whole.model_dump_json()
    back = parse_report(whole.model_dump_json())
    assert isinstance(back, Document)
    assert back.sections[0].plots == (plot.model_copy(update={"drawing": ""}),)


def test_pictures_of_equal_data_are_equal() -> None:
    def line(axes: Axes) -> None:
        axes.plot([0, 1], [2, 3])

    def draw() -> str:
        return picture(line)

    assert draw() == draw()
    assert draw().startswith("<svg ")


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_words_stay_words(name: str) -> None:
    text = HOSTILE[name]
    finding = Finding(key="f", grade="alarm", title=text, words=text)
    plot = Plot(key="p", title=text, words=text, alt=text, gap=text)
    rows = table((text, Gap(gap=text)))
    whole = document(
        Section(key="s", title=text, words=(text,), findings=(finding,), tables=(rows,), plots=(plot,)), title=text
    )
    page = document_html(whole)
    body = page[page.index("<body") :]
    assert "<script" not in body
    assert "<img" not in body
    assert 'href="javascript:' not in body


@pytest.mark.parametrize(
    ("names", "wanted"),
    [((), ""), (("a",), "a"), (("a", "b", "c"), "a, b and c"), (tuple("abcdefg"), "a, b, c, d, e and 2 more")],
)
def test_lists_in_words(names: tuple[str, ...], wanted: str) -> None:
    assert listed(names) == wanted


def test_a_column_of_sentences_keeps_some_width() -> None:
    short, long = table(("stable", 0.1)), table(("stable", 0.1), ("above 36 months, 29.1 % to 31.2 %", 0.2))
    assert long_texts(short) == set()
    assert long_texts(long) == {short.columns[0].key}


def test_a_short_table_stays_on_one_printed_page() -> None:
    short, long = table(*[("a", 0.1)] * UNBROKEN_TABLE), table(*[("a", 0.1)] * (UNBROKEN_TABLE + 1))
    pages = [document_html(document(Section(key="s", title="S", tables=(one,)))) for one in (short, long)]
    assert ['<div class="block keep">' in page for page in pages] == [True, False]
