"""The plain pipeline: it finds what there is to find, copes with what is not there, and gives equal digits."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from features.arrays import Floats
from features.design import TabularBlock
from fusion.metrics import auc
from fusion.validation.plain_pipeline import PlainRows, later_margin, plain_pipeline

N = 300


def block(x_num: Floats) -> TabularBlock:
    """Numbers alone."""
    names = tuple(f"number_{at}" for at in range(x_num.shape[1]))
    return TabularBlock(x_num.astype(np.float32), np.zeros((len(x_num), 0), np.int32), names, (), ())


def drawn(n: int = N, seed: int = 0) -> tuple[Floats, list[str], Floats]:
    """Numbers, texts and outcomes; the first number and one word raise the risk."""
    rng = np.random.default_rng(seed)
    x, word = rng.normal(size=(n, 3)), rng.random(n) < 0.4
    y = (rng.random(n) < 1 / (1 + np.exp(1.0 - 1.5 * x[:, 0] - 3.0 * word))).astype(np.float64)
    texts = [f"I need a car {'urgently ' if urgent else ''}for my work" for urgent in word]
    return x, texts, y


def folds(n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(n, dtype=np.int64) % 2


def test_columns_and_words_together_are_best_where_both_tell() -> None:
    x, texts, y = drawn()
    found = plain_pipeline(PlainRows(block(x), (texts,)), y, folds(N))
    assert found.kind == "columns and words"
    assert set(found.log_loss) == {"columns", "words", "columns and words"}
    assert found.log_loss[found.kind] == min(found.log_loss.values())
    assert auc(y, found.margin) > 0.75


@pytest.mark.parametrize("narratives", [(), ([""] * N,), (["I"] * N, [""] * N)])
def test_without_words_that_tell_the_columns_remain(narratives: tuple[list[str], ...]) -> None:
    x, _, y = drawn()
    found = plain_pipeline(PlainRows(block(x), narratives), y, folds(N))
    assert found.kind == "columns"
    assert auc(y, found.margin) > 0.6


def test_without_columns_the_words_remain() -> None:
    _, texts, y = drawn()
    found = plain_pipeline(PlainRows(block(np.zeros((N, 0))), (texts,)), y, folds(N))
    assert found.kind == "words"
    assert list(found.log_loss) == ["words"]
    assert auc(y, found.margin) > 0.6


@pytest.mark.parametrize("width", [0, 2])
def test_without_anything_to_learn_from_every_row_has_the_base_rate(width: int) -> None:
    _, _, y = drawn()
    found = plain_pipeline(PlainRows(block(np.ones((N, width))), ()), y, folds(N))
    assert found.kind == "columns"
    assert np.ptp(found.margin[folds(N) == 0]) == 0
    assert abs(1 / (1 + np.exp(-found.margin.mean())) - y.mean()) < 0.02


def test_a_dozen_rows_are_enough() -> None:
    x, texts, _ = drawn(12)
    y = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0] * 2)
    found = plain_pipeline(PlainRows(block(x), (texts,)), y, folds(12))
    assert np.isfinite(found.margin).all()


@pytest.mark.parametrize("columns", [True, False])
@pytest.mark.parametrize("words", [True, False])
def test_rows_that_took_no_part_are_ranked_as_well(columns: bool, words: bool) -> None:
    x, texts, y = drawn()
    new_x, new_texts, new_y = drawn(seed=1)

    def rows(x: Floats, texts: list[str]) -> PlainRows:
        return PlainRows(block(x if columns else x[:, :0]), (texts,) if words else ())

    found = plain_pipeline(rows(x, texts), y, folds(N))
    margin = later_margin(found, rows(x, texts), y, rows(new_x, new_texts))
    least = 0.6 if columns or words else 0.5
    assert auc(new_y, margin) >= least
    assert later_margin(found, rows(x, texts), y, rows(new_x[:0], [])).shape == (0,)


def test_any_number_of_threads_gives_equal_digits() -> None:
    x, texts, y = drawn()
    rows, n_threads = PlainRows(block(x), (texts,)), torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(plain_pipeline(rows, y, folds(N)).margin)
    finally:
        torch.set_num_threads(n_threads)
    np.testing.assert_array_equal(found[0], found[1])
