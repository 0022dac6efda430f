"""Narratives that the encoder cannot read count as not written."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.encoders.opening import open_encoder
from features.encoders.vocabulary import Vocabulary
from features.narratives.legibility import READS_ALL, Legibility, languages
from tests.support.small import applications, row
from tests.support.tiny_bert import tiny_bert


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    return Vocabulary(lambda: open_encoder(str(tiny_bert(tmp_path_factory.mktemp("tiny"))), window=64).tokenizer)


def test_what_cannot_be_read_becomes_an_empty_cell(tmp_path: Path, vocabulary: Vocabulary) -> None:
    notes = ["A car.", "我想借钱", "", "Я хочу", "借 for a car", "&#25105;&#24819;", "12 cars!"]
    rows = applications(tmp_path, [row(id=str(at), note=note) for at, note in enumerate(notes)])
    kept, unread = Legibility(vocabulary, 0.5).without_unread(rows)
    assert unread[:, 0].tolist() == [False, True, False, True, False, True, False]
    assert kept.narrative("note") == ["A car.", "", "", "", "借 for a car", "", "12 cars!"]
    assert rows.narrative("note") == notes
    found = languages(rows, unread)
    assert found.written == {"Chinese": 2, "Latin script": 3, "Cyrillic script": 1}
    assert found.unread == {"Chinese": 2, "Cyrillic script": 1}
    assert (found.n_written, found.n_unread) == (6, 3)


@pytest.mark.parametrize("least", [0.0, 0.5])
def test_nothing_changes_where_everything_is_read(tmp_path: Path, vocabulary: Vocabulary, least: float) -> None:
    rows = applications(tmp_path, [row(id="1", note="A car." if least else "我想借钱"), row(id="2", note="")])
    for legibility in (READS_ALL, Legibility(vocabulary, least)):
        kept, unread = legibility.without_unread(rows)
        assert kept is rows
        assert not unread.any()


@given(text=st.text(max_size=60))
def test_a_share_is_one_of_letters(vocabulary: Vocabulary, text: str) -> None:
    (share,) = vocabulary.share_read([text]).tolist()
    assert 0.0 <= share <= 1.0
    if not any(map(str.isalpha, text)):
        assert share == 1.0
