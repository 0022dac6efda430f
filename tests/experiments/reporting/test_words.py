from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.reporting import words
from experiments.reporting.parts import Fact, Move
from tests.support.hostile import HOSTILE
from tests.support.work import calls, peak_bytes

PERCENT = "\u202f%"


@pytest.mark.parametrize(
    ("fraction", "digits", "text"),
    [
        (0.1234, 1, "12.3"),
        (0.0, 1, "0.0"),
        (1.0, 1, "100.0"),
        (0.0004, 1, "<\u202f0.1"),
        (0.9999, 1, ">\u202f99.9"),
        (0.5, 0, "50"),
        (0.004, 0, "<\u202f1"),
        (-0.1234, 1, "−12.3"),
    ],
)
def test_percent(fraction: float, digits: int, text: str) -> None:
    assert words.percent(fraction, digits) == text + PERCENT


@pytest.mark.parametrize(
    ("value", "text"), [(1234.4, "1,234"), (-1234567.0, "−1,234,567"), (-0.3, "0"), (0.0, "0"), (-0.0, "0")]
)
def test_number(value: float, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "text", "glyph"),
    [
        (14.2, "+14", "▲"),
        (-3.0, "−3", "▼"),
        (0.0, "0", "•"),
        (0.6, "+0.6", "▲"),
        (-0.06, "−0.1", "▼"),
        (0.01, "0", "•"),
        (-0.01, "0", "•"),
        (-1200.0, "−1,200", "▼"),
    ],
)
def test_points(value: float, text: str, glyph: str) -> None:
    assert words.points(value) == text
    assert words.glyph(text) == glyph


@given(st.floats(-1e6, 1e6))
def test_signs_are_never_lost_nor_invented(value: float) -> None:
    text = words.signed(value, 1)
    assert text.startswith("−") == (round(value, 1) < 0)
    assert text.startswith("+") == (round(value, 1) > 0)


def test_errors_dates_and_rounding_errors() -> None:
    assert [words.error(value) for value in (0.0, 0.31, 0.004)] == ["0", "±\u202f0.3", "<\u202f0.1"]
    assert words.day(date(2026, 3, 9)) == "9 March 2026"
    assert words.log_odds(-0.1234567) == "−0.123457"
    assert words.scientific(0.0) == "0"
    assert words.scientific(-3.14e-15) == "−3.1e−15"


@pytest.mark.parametrize(
    ("cell", "unit", "text"),
    [
        (0.4213, "fraction", "42.1" + PERCENT),
        (1.741, "fraction", "174.1" + PERCENT),
        (28.103, "fraction", "28.1 times"),
        (1.0, "inquiries", "1 inquiry"),
        (42.13, "percent", "42.1" + PERCENT),
        (18500.0, "USD", "$18,500"),
        (-3.0, "", "−3"),
        (1.0, "years", "1 year"),
        (2.0, "years", "2 years"),
        (1.0, "business", "1 business"),
        (7.25, "years", "7.25 years"),
        (1234.56, "USD", "$1,235"),
        (0.00123, "", "0.00123"),
        (True, "", "yes"),
        (False, "fraction", "no"),
        (None, "USD", "not given"),
        ("", "", "not given"),
        ("debt_consolidation", "", "debt_consolidation"),
        ("-2", "", "“-2”"),
        ("2019-04-01", "", "2019-04-01"),
    ],
)
def test_values_read_well(cell: bool | float | str | None, unit: str, text: str) -> None:
    fact = Fact(title="x", value=cell, unit=unit)
    assert plain(words.value(fact)) == text
    move = Move(name="x", title="x", before=cell, after=cell, unit=unit)
    assert plain(words.before(move)) == plain(words.after(move)) == text


def plain(markup: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", markup))


def test_texts_are_escaped_isolated_and_bare_of_controls() -> None:
    assert words.shown('<b "x">') == "<bdi>&lt;b &#34;x&#34;&gt;</bdi>"
    shown = words.shown("a\u202eb\x00c")
    assert plain(shown) == "aU+202EbU+0000c"
    assert 'title="right-to-left override"' in shown
    assert 'title="control character"' in shown
    assert plain(words.shown("one\n\n  two\u00a0three ")) == "one two three"
    assert plain(words.shown(" =1+1")) == "“=1+1”"
    assert plain(words.shown("")) == ""
    assert words.bare("a\u202eb" + "c" * 200) == "aU+202Eb" + "c" * 117 + "…"


@given(st.text(st.characters(codec="utf-8"), max_size=400))
def test_no_text_leaves_its_place(text: str) -> None:
    shown = words.shown(text)
    tags = set(re.findall(r"<(/?\w+)", shown))
    assert tags <= {"bdi", "/bdi", "abbr", "/abbr", "wbr", "span", "/span"}
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069]", shown + words.bare(text))


@given(st.text("ab ", max_size=60), st.integers(1, 20))
def test_what_is_left_out_is_counted(text: str, longest: int) -> None:
    shown = plain(words.shown(text, longest))
    kept, _, more = shown.partition(" … ")
    collapsed = " ".join(text.split())
    if more:
        assert collapsed.startswith(kept)
        assert int(more.removesuffix(" more characters").replace(",", "")) >= len(collapsed) - len(kept) > 0
    else:
        assert kept == collapsed


def test_a_megabyte_is_cut_before_it_is_cleaned() -> None:
    text = HOSTILE["megabyte"].strip()
    assert peak_bytes(lambda: words.shown(text)) < len(text) / 10
    assert calls(lambda: words.shown(text)) < 2000
    shown = words.shown(text)
    assert len(shown) < 2000
    assert f"{len(text) - 700:,}"[:-3] in shown


def test_what_stands_between_backticks_is_code() -> None:
    assert str(words.prose("see `creditfusion probe`.")) == "<bdi>see <code>creditfusion probe</code>.</bdi>"
    assert "<b>" not in words.prose("`<b>`")
