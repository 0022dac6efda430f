from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from features.lexical import hashed_words
from features.text import TextReader
from tests.small import applications, row, small_schema


class LengthEncoder:
    """A stand-in whose vector says how long the text is; remembers what it was asked."""

    digest = "00"
    dim = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None) -> npt.NDArray[np.float32]:
        self.asked += texts
        if on_progress is not None:
            on_progress(len(texts))
        return np.array([[len(text), 1] for text in texts], np.float32).reshape(len(texts), 2)


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
