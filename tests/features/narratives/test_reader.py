from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.arrays import Floats32
from features.encoders.encoder import PartVectors, Progress
from features.encoders.windows import Spans
from features.narratives.reader import TextReader
from features.text.hashed_words import hashed_words
from tests.support.small import applications, row, small_schema
from tests.support.stand_in import parts_alone


class LengthEncoder:
    """A stand-in whose vector says how long the text is; remembers what it was asked."""

    digest = "00"
    dim = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        self.asked += texts
        if on_progress is not None:
            on_progress(len(texts))
        return np.array([[len(text), 1] for text in texts], np.float32).reshape(len(texts), 2)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        return parts_alone(self.encode, texts, spans, on_progress)


def test_narratives_become_arrays(tmp_path: Path) -> None:
    encoder = LengthEncoder()
    notes = ["a  car", "", " \t ", "roof", "a car"]
    rows = applications(tmp_path, [row(id=str(n), note=note) for n, note in enumerate(notes)])
    seen: list[int] = []
    block = TextReader(small_schema(), encoder, n_buckets=32, ngrams=2).read(rows, seen.append)
    assert block.names == ("note",)
    assert block.has_text[:, 0].tolist() == [True, False, False, True, True]
    assert block.x_text[:, 0].tolist() == [[5, 1], [0, 0], [0, 0], [4, 1], [5, 1]]
    assert encoder.asked == ["a car", "roof"]
    assert seen == [2]
    expected = hashed_words(["a car", "", "", "roof", "a car"], 32, 2)
    np.testing.assert_array_equal(block.x_lex.toarray(), expected.toarray())


def test_no_rows(tmp_path: Path) -> None:
    rows = applications(tmp_path, [row()]).take(np.zeros(0, np.intp))
    block = TextReader(small_schema(), LengthEncoder(), n_buckets=32, ngrams=1).read(rows)
    assert block.x_text.shape == (0, 1, 2)
    assert block.x_lex.shape == (0, 32)


def test_a_row_reads_the_same_alone(tmp_path: Path) -> None:
    rows = applications(tmp_path, [row(id=str(n), note=note) for n, note in enumerate(["x", "yy zz", ""])])
    reader = TextReader(small_schema(), LengthEncoder(), n_buckets=32, ngrams=2)
    together = reader.read(rows)
    for n in range(3):
        alone = reader.read(rows.take(np.array([n], np.intp)))
        np.testing.assert_array_equal(alone.x_text, together.x_text[[n]])
        np.testing.assert_array_equal(alone.x_lex.toarray(), together.x_lex[[n]].toarray())


def test_sentences_come_with_the_same_narratives(tmp_path: Path) -> None:
    encoder = LengthEncoder()
    notes = ["A  car. For work!", "", "roof", "A car. For work!"]
    rows = applications(tmp_path, [row(id=str(n), note=note) for n, note in enumerate(notes)])
    reader = TextReader(small_schema(), encoder, n_buckets=32, ngrams=2)
    seen: list[int] = []
    block, sentences = reader.read_sentences(rows, seen.append)
    assert encoder.asked[:3] == ["A car. For work!", "roof", "A car. "]
    assert seen[-1] == 2
    plain = reader.read(rows)
    np.testing.assert_array_equal(block.x_text, plain.x_text)
    np.testing.assert_array_equal(block.has_text, plain.has_text)
    np.testing.assert_array_equal(block.x_lex.toarray(), plain.x_lex.toarray())
    assert sentences.text == ("A car. ", "For work!", "roof", "A car. ", "For work!")
    assert sentences.row.tolist() == [0, 0, 2, 3, 3]
    assert sentences.narrative.tolist() == [0] * 5
    assert sentences.bounds().tolist() == [0, 2, 3, 5]
    assert sentences.x_sentence.tolist() == [[7, 1], [9, 1], [4, 1], [7, 1], [9, 1]]
    np.testing.assert_allclose(sentences.share, [7 / 16, 9 / 16, 1, 7 / 16, 9 / 16], atol=1e-3)
    np.testing.assert_array_equal(sentences.x_lex.toarray(), hashed_words(sentences.text, 32, 2).toarray())


@pytest.mark.parametrize("notes", [[], [""], ["", ""]])
def test_nothing_written_has_no_sentences(tmp_path: Path, notes: list[str]) -> None:
    rows = applications(tmp_path, [row(id=str(n), note=note) for n, note in enumerate(notes or [""])])
    rows = rows.take(np.arange(len(notes)))
    block, sentences = TextReader(small_schema(), LengthEncoder(), n_buckets=32, ngrams=1).read_sentences(rows)
    assert block.x_text.shape == (len(notes), 1, 2)
    assert len(sentences) == 0
    assert sentences.x_sentence.shape == (0, 2)
    assert sentences.x_lex.shape == (0, 32)


def test_a_schema_without_narratives(tmp_path: Path) -> None:
    rows = applications(tmp_path, [row(), row(id="2")])
    schema = replace(small_schema(), fields=tuple(f for f in small_schema().fields if f.name != "note"))
    block, sentences = TextReader(schema, LengthEncoder(), n_buckets=32, ngrams=1).read_sentences(rows)
    assert block.x_text.shape == (2, 0, 2)
    assert len(sentences) == 0


def test_loose_texts_are_read_as_narratives(tmp_path: Path) -> None:
    texts = ["A car.", "", "roof", "A car."]
    reader = TextReader(small_schema(), LengthEncoder(), n_buckets=32, ngrams=2)
    vectors, words = reader.read_texts(texts)
    block = reader.read(applications(tmp_path, [row(id=str(n), note=text) for n, text in enumerate(texts)]))
    np.testing.assert_array_equal(vectors, block.x_text[:, 0])
    np.testing.assert_array_equal(words.toarray(), block.x_lex.toarray())
    nothing, no_words = reader.read_texts([])
    assert nothing.shape == (0, 2)
    assert no_words.shape == (0, 32)
