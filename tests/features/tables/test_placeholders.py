"""What programs and clerks write where nothing was written is no narrative."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.inference.profile import MISSING_WORDS
from features.tables.data_quality import data_quality
from features.tables.missing_words import SHORT, SPREADSHEET_ERRORS
from features.tables.placeholders import is_placeholder, placeholders
from tests.support.small import applications, row

NOTHING = [
    "nan", "NaN", "NULL", "None", "N/A", "n.a.", "#N/A", "<NA>", "(blank)", "[null]", "-", "--", "...", "?", "0",
    "undefined", "nan nan", "not available", "keine Angabe", "k.A.", "sin datos", "non renseigné", "não informado",
    "нет данных", "无", "暂无", "なし", "없음", "لا يوجد", "không có", "\u200b\u200d", "\xa0\xa0", "\u3164", "\u2800",
    "\x00\x1b[31m\x1b[0m", "\u202e", "<br><br>&nbsp;", "<p>null</p>", "<!-- empty -->", "&nbsp;", "ＮＵＬＬ",
]  # fmt: skip
SOMETHING = [
    "None of my cards is late.", "Nana needs a car.", "no", "NA meeting", "我想借钱", "🙏", "<b>car</b>", "ok",
    "null und nichtig", "Value", "Name?", "Wert!", "a < b and b > c", "Total of 3 debts",
]  # fmt: skip


@pytest.mark.parametrize("text", NOTHING)
def test_a_placeholder_counts_as_not_written(tmp_path: Path, text: str) -> None:
    assert is_placeholder(text)
    if "\x00" not in text:
        rows = applications(tmp_path, [row(id="1", note=text), row(id="2", note="")])
        assert rows.narrative("note") == ["", ""]
        assert data_quality(rows, {"home": ("own", "rent"), "town": ("Ulm",)}) == ["no_narrative"] * 2


@pytest.mark.parametrize("text", SOMETHING)
def test_a_text_that_says_something_is_none(tmp_path: Path, text: str) -> None:
    assert not is_placeholder(text)
    assert applications(tmp_path, [row(note=text)]).narrative("note") == [text]


@pytest.mark.parametrize("word", sorted(SHORT | SPREADSHEET_ERRORS))
def test_what_drafts_take_for_missing_in_every_column_is_no_narrative(word: str) -> None:
    assert is_placeholder(word)
    assert is_placeholder(f" {word.upper()} ")
    assert word in MISSING_WORDS


@given(st.lists(st.one_of(st.none(), st.text(max_size=60), st.sampled_from(NOTHING), st.sampled_from(SOMETHING))))
def test_a_column_is_looked_at_cell_by_cell(texts: list[str | None]) -> None:
    array = pa.array([text and text.encode("utf-8", "replace").decode() for text in texts], pa.string())
    assert placeholders(array).tolist() == [text is not None and is_placeholder(text) for text in array.to_pylist()]


@given(st.sampled_from(NOTHING), st.text(alphabet=" \t\u200b.-\xa0", max_size=5), st.booleans())
def test_signs_spaces_and_case_do_not_matter(text: str, around: str, loud: bool) -> None:
    assert is_placeholder(around + (text.upper() if loud and text[0] not in "&<\x00" else text) + around)
