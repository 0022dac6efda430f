from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from features.narratives.reader import TextReader
from features.tables.reader import ReadOptions, read_all
from features.text.hashed_words import hashed_words
from tests.support.small import applications, row, small_schema, write_csv
from tests.support.stand_in import RecordingEncoder


def length_encoder() -> RecordingEncoder:
    """Its vector says how long the text is."""
    return RecordingEncoder(
        lambda texts: np.array([[len(text), 1] for text in texts], np.float32).reshape(len(texts), 2), 2
    )


def test_narratives_become_arrays(tmp_path: Path) -> None:
    encoder = length_encoder()
    notes = ["a  car", "", " \t ", "roof", "a car"]
    rows = applications(tmp_path, [row(id=str(n), note=note) for n, note in enumerate(notes)])
    progress: list[int] = []
    block = TextReader(small_schema(), encoder, n_buckets=32, ngrams=2).read(rows, progress.append)
    assert block.names == ("note",)
    assert block.has_text[:, 0].tolist() == [True, False, False, True, True]
    assert block.x_text[:, 0].tolist() == [[5, 1], [0, 0], [0, 0], [4, 1], [5, 1]]
    assert encoder.asked == ["a car", "roof"]
    assert progress == [2]
    expected = hashed_words(["a car", "", "", "roof", "a car"], 32, 2)
    np.testing.assert_array_equal(block.x_lex.toarray(), expected.toarray())


def test_no_rows(tmp_path: Path) -> None:
    rows = applications(tmp_path, [row()]).take(np.zeros(0, np.intp))
    block = TextReader(small_schema(), length_encoder(), n_buckets=32, ngrams=1).read(rows)
    assert block.x_text.shape == (0, 1, 2)
    assert block.x_lex.shape == (0, 32)


def test_rows_are_read_independently(tmp_path: Path) -> None:
    rows = applications(tmp_path, [row(id=str(n), note=note) for n, note in enumerate(["x", "yy zz", ""])])
    reader = TextReader(small_schema(), length_encoder(), n_buckets=32, ngrams=2)
    together = reader.read(rows)
    for n in range(3):
        alone = reader.read(rows.take(np.array([n], np.intp)))
        np.testing.assert_array_equal(alone.x_text, together.x_text[[n]])
        np.testing.assert_array_equal(alone.x_lex.toarray(), together.x_lex[[n]].toarray())


def test_sentences_come_with_the_same_narratives(tmp_path: Path) -> None:
    encoder = length_encoder()
    notes = ["A  car. For work!", "", "roof", "A car. For work!"]
    rows = applications(tmp_path, [row(id=str(n), note=note) for n, note in enumerate(notes)])
    reader = TextReader(small_schema(), encoder, n_buckets=32, ngrams=2)
    progress: list[int] = []
    block, sentences = reader.read_sentences(rows, progress.append)
    assert encoder.asked[:3] == ["A car. For work!", "roof", "A car. "]
    assert progress[-1] == 2
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
def test_empty_narratives_have_no_sentences(tmp_path: Path, notes: list[str]) -> None:
    rows = applications(tmp_path, [row(id=str(n), note=note) for n, note in enumerate(notes or [""])])
    rows = rows.take(np.arange(len(notes)))
    block, sentences = TextReader(small_schema(), length_encoder(), n_buckets=32, ngrams=1).read_sentences(rows)
    assert block.x_text.shape == (len(notes), 1, 2)
    assert len(sentences) == 0
    assert sentences.x_sentence.shape == (0, 2)
    assert sentences.x_lex.shape == (0, 32)


def test_a_schema_without_narratives(tmp_path: Path) -> None:
    rows = applications(tmp_path, [row(), row(id="2")])
    schema = replace(small_schema(), fields=tuple(f for f in small_schema().fields if f.name != "note"))
    block, sentences = TextReader(schema, length_encoder(), n_buckets=32, ngrams=1).read_sentences(rows)
    assert block.x_text.shape == (2, 0, 2)
    assert len(sentences) == 0


def test_single_texts_are_read_as_narratives(tmp_path: Path) -> None:
    texts = ["A car.", "", "roof", "A car."]
    reader = TextReader(small_schema(), length_encoder(), n_buckets=32, ngrams=2)
    vectors, words = reader.read_texts(texts)
    block = reader.read(applications(tmp_path, [row(id=str(n), note=text) for n, text in enumerate(texts)]))
    np.testing.assert_array_equal(vectors, block.x_text[:, 0])
    np.testing.assert_array_equal(words.toarray(), block.x_lex.toarray())
    nothing, no_words = reader.read_texts([])
    assert nothing.shape == (0, 2)
    assert no_words.shape == (0, 32)


def two_narratives() -> Schema:
    """The small schema with a second narrative, and marks to strip."""
    document = json.loads(small_schema().source)
    for field in document["fields"]:
        if field["name"] == "town":
            field["creditfusion"] = {"role": "narrative"}
    document["creditfusion"]["strip"] = [{"pattern": "<br>", "why": "markup"}]
    return parse_schema(json.dumps(document), "two")


def test_style_is_read_of_every_narrative_where_it_is_asked_for(tmp_path: Path) -> None:
    rows = [
        row(id="1", note="A car.<br>", town="ulm"),
        row(id="2", note="", town="ULM"),
        row(id="3", note="x", town=""),
    ]
    rows_as_read = read_all(write_csv(tmp_path / "rows.csv", rows), two_narratives(), ReadOptions()).applications
    reader = TextReader(rows_as_read.schema, length_encoder(), n_buckets=32, ngrams=1, style=True)
    block, _ = reader.read_sentences(rows_as_read)
    assert block.names == ("town", "note")
    assert block.x_style.dtype == np.float32
    nothing = [np.nan] * 4
    expected = [[[3, 0, 1, 0], [6, 0.25, 0, 1]], [[3, 1, 0, 0], nothing], [nothing, [1, 0, 1, 0]]]
    np.testing.assert_array_equal(block.x_style, np.array(expected, np.float32))
    np.testing.assert_array_equal(reader.read(rows_as_read).x_style, block.x_style)
    for at in range(3):
        alone = reader.read(rows_as_read.take(np.array([at])))
        np.testing.assert_array_equal(alone.x_style, block.x_style[[at]])
    assert reader.read(rows_as_read.take(np.zeros(0, np.intp))).x_style.shape == (0, 2, 4)
    plain = replace(reader, style=False).read(rows_as_read)
    assert plain.x_style.shape == (3, 2, 0)
    np.testing.assert_array_equal(plain.x_text, block.x_text)


def test_without_narratives_there_is_no_style(tmp_path: Path) -> None:
    schema = replace(small_schema(), fields=tuple(f for f in small_schema().fields if f.name != "note"))
    reader = TextReader(schema, length_encoder(), n_buckets=32, ngrams=1, style=True)
    assert reader.read(applications(tmp_path, [row()])).x_style.shape == (1, 0, 0)
