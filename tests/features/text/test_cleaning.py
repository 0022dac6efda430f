from __future__ import annotations

import itertools
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.contract import StripRule
from features.text import cleaning
from features.text.cleaning import (
    LONGEST_SPACELESS,
    MAX_PASSAGES,
    STRIP_BLOCK,
    STRIP_REACH,
    clean,
    covering_sentences,
    n_stripped,
    passages,
    sentences,
)
from tests.support.work import is_linear

RULES = (StripRule(r"(?i)<br\s*/?>", "markup"), StripRule(r"\d+ added on \d\d/\d\d/\d\d >", "holds a key"))
MESSY = st.text(
    st.one_of(
        st.sampled_from(list("ab. \n\t贷款，。Ａ９ｶﾞ\x00\ufeff\u00a0\u200d;!&<>")),
        st.characters(exclude_categories=()),
    )
)
MARKS = st.sampled_from(["<br>", "&amp;", "&nbsp;", "&#33;", "12 added on 01/02/03 >"])
PIECES = st.lists(st.one_of(MESSY, MARKS)).map("".join)


def test_clean_strips_unescapes_and_collapses() -> None:
    raw = "  12 added on 01/02/03 > Tom &amp; I<br/>  pay \t our\x00 rent  "
    assert clean(raw, RULES).text == "Tom & I\npay our rent"


def test_a_key_behind_entities_is_cut_too() -> None:
    assert clean("12 added on 01/02/03 &gt; rent", RULES).text == "rent"


@pytest.mark.parametrize(
    ("raw", "n"),
    [
        ("", 0),
        ("rent", 0),
        ("<br>a<br/>", 2),
        ("12 added on 01/02/03 &gt; a 12 added on 01/02/03 > b", 2),
        ("1" * 9000, 0),
    ],
)
def test_what_is_stripped_is_counted(raw: str, n: int) -> None:
    assert n_stripped(raw, RULES) == n


@pytest.mark.parametrize("raw", ["", " ", "\n\x00\t", "<br><br>", "&nbsp;"])
def test_nothing_to_read_is_empty(raw: str) -> None:
    cleaned = clean(raw, RULES)
    assert cleaned.text == ""
    assert sentences(cleaned.text) == []


def test_plain_text_is_left_alone() -> None:
    cleaned = clean("i pay my rent on time", RULES)
    assert cleaned.text == "i pay my rent on time"
    assert cleaned.stages == ()


@pytest.mark.parametrize("raw", ["日本語のテキスト。次の文。", "👩‍👩‍👧 family", "مرحبا بالعالم"])
def test_scripts_survive(raw: str) -> None:
    assert clean(raw, RULES).text == raw


def test_half_a_surrogate_pair_is_removed() -> None:
    assert clean("a\ud800b", RULES).text == "ab"


@given(PIECES)
def test_every_character_comes_from_its_raw_place(raw: str) -> None:
    cleaned = clean(raw, RULES)
    last = 0
    for at, character in enumerate(cleaned.text):
        start, end = cleaned.to_raw(at, at + 1)
        assert last <= start < end <= len(raw)
        last = start
        if end == start + 1 and not character.isspace():
            assert character in (raw[start], unicodedata.normalize("NFKC", raw[start]))


@given(PIECES, st.data())
def test_a_span_goes_back_to_the_hull_of_its_characters(raw: str, data: st.DataObject) -> None:
    cleaned = clean(raw, RULES)
    if not cleaned.text:
        return
    start = data.draw(st.integers(0, len(cleaned.text) - 1))
    end = data.draw(st.integers(start + 1, len(cleaned.text)))
    first, last = cleaned.to_raw(start, start + 1), cleaned.to_raw(end - 1, end)
    assert cleaned.to_raw(start, end) == (first[0], last[1])


@given(PIECES)
def test_cleaned_text_has_no_gap_to_collapse(raw: str) -> None:
    text = clean(raw, ()).text
    assert text == text.strip()
    assert all(not (a.isspace() and b.isspace()) for a, b in itertools.pairwise(text))
    assert all(c in " \n" for c in text if c.isspace())


def test_span_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="outside a text of 3"):
        clean("abc", ()).to_raw(1, 4)


def test_empty_span_maps_to_a_point() -> None:
    assert clean("  abc", ()).to_raw(1, 1) == (3, 3)


@pytest.mark.parametrize("piece", ["<", " ", "&", "a&#1;", "word. "])
def test_the_work_of_cleaning_grows_with_the_text_and_no_faster(piece: str) -> None:
    assert is_linear(lambda text: clean(text, RULES), piece)


def test_a_rule_never_searches_more_than_a_block_of_a_long_text(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []

    class Recorded:
        """A pattern that finds nothing."""

        def finditer(self, text: str, start: int, end: int) -> Iterator[re.Match[str]]:
            searched.append(min(end, len(text)) - start)
            return iter(())

    monkeypatch.setattr(cleaning, "_compiled", lambda _: Recorded())
    clean("<" * 100_000, (StripRule(r"<[^>]*>", "markup, quadratic by nature"),))
    assert max(searched) <= STRIP_BLOCK + STRIP_REACH
    assert sum(searched) <= 100_000 * (1 + STRIP_REACH / STRIP_BLOCK)


def test_long_texts_are_stripped_like_short_ones() -> None:
    raw = ("rent is due <br> " + "x" * 77) * 2_000
    assert "<br" not in clean(raw, RULES).text
    assert clean(raw, RULES).text.count("\n") == 2_000


@given(PIECES)
@settings(max_examples=200)
def test_sentences_cover_all_text_in_order(raw: str) -> None:
    text = clean(raw, RULES).text
    spans = sentences(text)
    at = 0
    for start, end in spans:
        assert text[at:start].strip() == ""
        assert text[start:end] == text[start:end].strip() != ""
        at = end
    assert text[at:].strip() == ""


def test_sentences_of_careless_writing() -> None:
    text = "i need 3.5k for dr. smith; my car broke! i pay on time... thanks\nbob"
    parts = [text[a:b] for a, b in sentences(text)]
    assert parts == ["i need 3.5k for dr. smith;", "my car broke!", "i pay on time...", "thanks", "bob"]


def test_sentences_of_chinese() -> None:
    text = "我需要贷款。我会按时还款！谢谢"
    assert [text[a:b] for a, b in sentences(text)] == ["我需要贷款。", "我会按时还款！", "谢谢"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("我失业了!现在没钱.想借款", ["我失业了!", "现在没钱.", "想借款"]),
        ("后来公司倒闭……我还在找工作", ["后来公司倒闭……", "我还在找工作"]),
        ("他说：“没有逾期。”我也是", ["他说：“没有逾期。”", "我也是"]),
        ("利率是5.5%，不高", ["利率是5.5%，不高"]),
        ("カードの借金です｡返済します", ["カードの借金です｡", "返済します"]),
        ("I pay 5.5.No gap here", ["I pay 5.5.No gap here"]),
    ],
)
def test_stops_of_scripts_without_spaces(text: str, parts: list[str]) -> None:
    assert [text[a:b] for a, b in sentences(text)] == parts


def test_a_long_sentence_without_spaces_is_cut_at_its_commas() -> None:
    clause = "我在这家公司已经工作了八年一直没有换过，"
    parts = [clause * 3, clause * 3, clause * 2 + "谢谢"]
    text = "".join(parts)
    assert [text[a:b] for a, b in sentences(text)] == parts


def test_a_stretch_without_any_stop_is_cut_between_its_characters() -> None:
    text = "想借钱" * 19 + "loan12345" + "想借钱" * 50
    parts = [text[a:b] for a, b in sentences(text)]
    assert "".join(parts) == text
    assert parts[0] == "想借钱" * 19  # no word of letters is cut
    assert {len(part) for part in parts[1:-1]} == {LONGEST_SPACELESS}
    assert len(sentences("a loan to pay my cards, " * 50 + "谢谢")) == 1  # little of it is Chinese


@given(st.text(st.sampled_from(list("贷款还清，。 .!ab1\n…ที่รัก"))))
def test_parts_of_texts_without_spaces_are_short(raw: str) -> None:
    text = clean(raw, ()).text
    for a, b in sentences(text):
        assert b - a <= LONGEST_SPACELESS or 2 * sum("一" <= c <= "鿿" or "ก" <= c <= "๛" for c in text[a:b]) <= b - a


def test_full_width_letters_get_their_usual_width_and_chinese_stops_stay() -> None:
    cleaned = clean("ＬＯＡＮ １２．５％，还款！ｶｰﾄﾞ", ())
    assert cleaned.text == "LOAN 12.5%，还款！カード"
    assert cleaned.to_raw(11, 14) == (11, 14)
    assert cleaned.to_raw(15, 16) == (14, 18)


def joined(text: str) -> list[str]:
    """The passages, checked to cover the text and to consist of whole sentences."""
    spans, whole = passages(text), covering_sentences(text)
    for cover in (spans, whole):
        assert [start for start, _ in cover] == [0, *(end for _, end in cover)][: len(cover)]
        assert all(start < end for start, end in cover)
        assert "".join(text[a:b] for a, b in cover) == text
    assert spans == whole or len(spans) == MAX_PASSAGES < len(whole)
    assert {start for start, _ in spans} <= {start for start, _ in whole}
    return [text[a:b] for a, b in spans]


@given(st.one_of(PIECES, st.lists(st.sampled_from(["a. ", "(b) c; ", "...", " ", "\n", "ü!", ") "])).map("".join)))
def test_passages_cover_the_whole_text(raw: str) -> None:
    for text in (raw, clean(raw, RULES).text):
        parts = joined(text)
        assert len(parts) <= MAX_PASSAGES
        if len(parts) > 1:
            assert all(any(c.isalnum() for c in part) for part in parts)


@given(st.lists(st.integers(1, 400), min_size=41, max_size=200))
def test_too_many_sentences_are_joined_to_exactly_forty(lengths: list[int]) -> None:
    text = "".join("a" * length + "; " for length in lengths)
    assert len(joined(text)) == MAX_PASSAGES


def test_passages_of_even_sentences_are_even() -> None:
    sizes = [len(part) for part in joined("It rains. " * 1000)]
    assert sizes == [250] * MAX_PASSAGES
    assert {len(part) for part in joined("It rains. " * 100)} == {20, 30}


def test_passages_are_sentences_with_the_space_after_them() -> None:
    assert joined("I pay (on time). ) ... And\nI save. ") == ["I pay (on time). ) ... ", "And\n", "I save. "]
    assert joined("... Well. Yes") == ["... Well. ", "Yes"]
    assert joined("only this") == ["only this"]
    assert joined(" ?! ") == [" ?! "]
    assert joined("") == []


UNITS = ["a;", "word ", "A sentence of some length. ", "; ", "...", ".'", "贷款", "贷，", "贷.款…"]


@pytest.mark.parametrize("unit", UNITS)
def test_the_work_of_cutting_grows_with_the_text_and_no_faster(unit: str) -> None:
    assert is_linear(passages, unit)
    assert len(joined(unit * 30_000)) <= MAX_PASSAGES


def test_no_text_makes_a_pattern_try_again_and_again() -> None:
    """What a pattern does cannot be counted; one that is quadratic needs an hour for these texts, others a second."""
    program = (
        "import sys; from features.text.cleaning import clean, passages\n"
        "for unit in sys.argv[1:]: assert passages(clean(unit * (300_000 // len(unit)) + 'x', ()).text)"
    )
    units = [*UNITS, "<", " ", "&", "a&#1;", ".", "…", "!?", "。", "贷.", "贷…", "１．", ".)", "\n"]
    done = subprocess.run([sys.executable, "-c", program, *units], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
