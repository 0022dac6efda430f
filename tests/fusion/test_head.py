"""The joint head: it can learn, it repeats itself, and no row hears of another."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
import torch
from designs import (
    LEVELS,
    SMALL,
    Floats,
    Shape,
    chunks,
    make_design,
    outcome,
    silent,
    with_column,
    with_levels,
    with_text_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from scipy.special import expit

from features.design import Design
from fusion.config import HeadConfig
from fusion.head import Head, HeadOutput, fit_head
from fusion.metrics import auc, base_log_odds, log_loss

CPU = torch.device("cpu")
CONFIG = SMALL.head
DESIGN = make_design(600)
Y = outcome(DESIGN)
WEAK = HeadConfig(
    n_bins=8, width=8, column_penalty=1e-3, network_penalty=1e-3, text_penalty=1e-3, word_penalty=1e-3, steps=80
)


@cache
def the_head() -> Head:
    """A head of 600 rows."""
    return fit_head(DESIGN, Y, CONFIG, 0, CPU)


def margin(output: HeadOutput) -> Floats:
    """Log-odds of the whole."""
    found: Floats = output.columns + output.text.sum(axis=1)
    return found


def joined(outputs: list[HeadOutput]) -> HeadOutput:
    """The outputs one after the other."""
    return HeadOutput(np.concatenate([o.columns for o in outputs]), np.concatenate([o.text for o in outputs]))


def assert_same(one: HeadOutput, other: HeadOutput) -> None:
    """Equal to the bit."""
    np.testing.assert_array_equal(one.columns, other.columns)
    np.testing.assert_array_equal(one.text, other.text)


def to_bytes(head: Head) -> bytes:
    """The head as it stands in a bundle."""
    return save(head.to_arrays())


@pytest.fixture
def threads() -> Iterator[None]:
    """Put the number of torch threads back afterwards."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "shape",
    [Shape(), Shape(n_narratives=0), Shape(n_num=0, n_cat=0, dim=48)],
    ids=["all", "columns_only", "narratives_only"],
)
def test_it_can_learn_one_batch_by_heart(shape: Shape) -> None:
    design = make_design(32, shape=shape)
    coin = np.random.default_rng(5).integers(0, 2, 32).astype(np.float64)
    head = fit_head(design, coin, WEAK, 0, CPU)
    assert log_loss(coin, margin(head.output(design))) < 0.05


@pytest.mark.parametrize("width", [0, 1, 8])
def test_the_network_may_have_any_width(width: int) -> None:
    head = fit_head(DESIGN, Y, CONFIG.model_copy(update={"width": width}), 0, CPU)
    assert head.weights.hidden.shape == (4 * 5 + sum(LEVELS), width)
    assert auc(Y, margin(head.output(DESIGN))) > 0.8
    assert to_bytes(Head.from_arrays(load(to_bytes(head)))) == to_bytes(head)


def test_strong_penalties_leave_the_base_rate() -> None:
    strong = HeadConfig(column_penalty=1e9, network_penalty=1e9, text_penalty=1e9, word_penalty=1e9, steps=50)
    head = fit_head(DESIGN, Y, strong, 0, CPU)
    np.testing.assert_allclose(margin(head.output(DESIGN)), base_log_odds(Y), atol=0.01)


def test_it_learns_what_holds_for_others() -> None:
    fresh = make_design(600, seed=1)
    assert auc(outcome(fresh), margin(the_head().output(fresh))) > 0.8


def test_scoring_is_the_model_that_was_trained() -> None:
    """At the optimum of a free bias the mean PD is the bad rate; scoring and training are separate code."""
    head = fit_head(DESIGN, Y, CONFIG.model_copy(update={"steps": 150}), 0, CPU)
    assert expit(margin(head.output(DESIGN))).mean() == pytest.approx(Y.mean(), abs=1e-4)


def test_equal_seed_equal_bits() -> None:
    assert to_bytes(fit_head(DESIGN, Y, CONFIG, 0, CPU)) == to_bytes(the_head())
    assert to_bytes(fit_head(DESIGN, Y, CONFIG, 1, CPU)) != to_bytes(the_head())


@pytest.mark.usefixtures("threads")
def test_the_number_of_threads_is_irrelevant_to_scoring() -> None:
    torch.set_num_threads(1)
    one = the_head().output(DESIGN)
    torch.set_num_threads(2)
    assert_same(the_head().output(DESIGN), one)


@pytest.mark.usefixtures("threads")
def test_the_number_of_threads_is_irrelevant_to_training() -> None:
    heads = []
    for number in (1, 2):
        torch.set_num_threads(number)
        heads.append(to_bytes(fit_head(DESIGN, Y, CONFIG, 0, CPU)))
    assert heads[0] == heads[1]


def test_the_random_state_of_the_process_is_irrelevant() -> None:
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    assert to_bytes(fit_head(DESIGN, Y, CONFIG, 0, CPU)) == to_bytes(the_head())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("size", [1, 7, 256, 599])
def test_chunk_size_is_irrelevant(size: int) -> None:
    assert_same(joined([the_head().output(chunk) for chunk in chunks(DESIGN, size)]), the_head().output(DESIGN))


@settings(max_examples=25, deadline=None)
@given(st.permutations(range(len(DESIGN))), st.integers(0, len(DESIGN)))
def test_row_order_and_company_are_irrelevant(order: list[int], n_rows: int) -> None:
    whole, index = the_head().output(DESIGN), np.array(order[:n_rows], dtype=np.intp)
    assert_same(the_head().output(DESIGN.take(index)), HeadOutput(whole.columns[index], whole.text[index]))


@pytest.mark.parametrize("n_rows", [0, 1])
def test_no_row_and_one_row(n_rows: int) -> None:
    output = the_head().output(DESIGN.take(np.arange(n_rows)))
    assert output.columns.shape == (n_rows,)
    assert output.text.shape == (n_rows, 2)
    assert output.columns.dtype == output.text.dtype == np.float64


def test_without_narrative_columns() -> None:
    plain = DESIGN.without_text()
    output = fit_head(plain, Y, CONFIG, 0, CPU).output(plain)
    assert output.text.shape == (len(DESIGN), 0)
    assert auc(Y, output.columns) > 0.6


def test_where_nobody_writes_all_narratives_say_the_same() -> None:
    quiet = silent(DESIGN)
    said = the_head().output(quiet).text
    np.testing.assert_array_equal(said, np.broadcast_to(the_head().weights.absent, said.shape))
    output = fit_head(quiet, Y, CONFIG, 0, CPU).output(quiet)
    assert np.ptp(output.text, axis=0).max() == 0
    assert np.isfinite(margin(output)).all()


def test_silence_is_learned() -> None:
    written = DESIGN.text.has_text[:, 0]
    coin = np.random.default_rng(3).random(len(DESIGN))
    y = (coin < np.where(written, 0.1, 0.6)).astype(np.float64)
    assert fit_head(DESIGN, y, CONFIG, 0, CPU).weights.absent[0] > 0.3


def test_narratives_and_columns_speak_for_themselves() -> None:
    other = make_design(len(DESIGN), seed=9)
    whole, mixed = the_head().output(DESIGN), the_head().output(with_text_of(DESIGN, other))
    np.testing.assert_array_equal(mixed.columns, whole.columns)
    np.testing.assert_array_equal(mixed.text, the_head().output(other).text)


@pytest.mark.parametrize("value", [float("nan"), 7.0], ids=["all_missing", "constant"])
def test_a_column_that_says_nothing(value: float) -> None:
    blank = with_column(DESIGN, 0, value)
    head = fit_head(blank, Y, CONFIG, 0, CPU)
    found = margin(head.output(blank))
    assert np.isfinite(found).all()
    for later in (float("nan"), 7.0, -1e30, 1e30):
        np.testing.assert_allclose(margin(head.output(with_column(DESIGN, 0, later))), found, atol=0.5)


def test_missing_and_unknown_everywhere() -> None:
    design: Design = with_levels(silent(DESIGN), 0)
    for column in range(4):
        design = with_column(design, column, float("nan"))
    found = margin(the_head().output(design))
    assert np.isfinite(found).all()
    assert np.ptp(found) == 0
    assert np.isfinite(margin(the_head().output(with_levels(DESIGN, 99)))).all()


@pytest.mark.parametrize("y", [np.zeros(5), np.ones(5)], ids=["all_good", "all_bad"])
def test_one_class_gives_finite_log_odds(y: Floats) -> None:
    design = make_design(5)
    found = margin(fit_head(design, y, CONFIG, 0, CPU).output(design))
    assert np.isfinite(found).all()
    assert (np.sign(found) == np.sign(y - 0.5)).all()


def test_saving_loses_nothing() -> None:
    again = Head.from_arrays(load(to_bytes(the_head())))
    assert to_bytes(again) == to_bytes(the_head())
    assert_same(again.output(DESIGN), the_head().output(DESIGN))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_gpu_finds_the_same_model() -> None:
    head = fit_head(DESIGN, Y, CONFIG, 0, torch.device("cuda"))
    np.testing.assert_allclose(margin(head.output(DESIGN)), margin(the_head().output(DESIGN)), atol=0.02)
