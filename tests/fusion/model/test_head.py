"""The joint head: it can learn, it repeats itself, and no row hears of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load, save
from scipy.special import expit

from features.arrays import Floats, Floats32
from features.design import Design, TabularBlock
from fusion.config import Config, HeadConfig
from fusion.metrics import auc, base_log_odds, log_loss
from fusion.model.basis import Basis, HeadInputs
from fusion.model.head import Head, HeadOutput
from fusion.model.head_fitting import fit_head
from fusion.model.lesson import Lesson
from tests.support.designs import (
    SMALL,
    Shape,
    chunks,
    free_basis,
    make_design,
    outcome,
    silent,
    with_column,
    with_levels,
    with_text_of,
    without_narratives,
)

CPU = torch.device("cpu")
CONFIG = SMALL.head
DESIGN = make_design(600)
Y = outcome(DESIGN)
BASIS = free_basis(DESIGN, CONFIG.n_bins)
INPUTS = BASIS.inputs(DESIGN)
WEAK = HeadConfig(column_penalty=1e-3, text_penalty=1e-3, word_penalty=1e-3, steps=80)


@cache
def the_head() -> Head:
    """A head of 600 rows."""
    return fit_head(INPUTS, Lesson(Y), CONFIG, CPU)


def own_inputs(design: Design, n_bins: int = CONFIG.n_bins) -> HeadInputs:
    """A design on a basis of its own."""
    return free_basis(design, n_bins).inputs(design)


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
def test_overfits_one_batch(shape: Shape) -> None:
    inputs = own_inputs(make_design(32, shape=shape), n_bins=8)
    coin = np.random.default_rng(5).integers(0, 2, 32).astype(np.float64)
    head = fit_head(inputs, Lesson(coin), WEAK, CPU)
    assert log_loss(coin, head.output(inputs).margin) < 0.05


def test_strong_penalties_leave_the_base_rate() -> None:
    strong = HeadConfig(column_penalty=1e9, text_penalty=1e9, word_penalty=1e9, steps=50)
    head = fit_head(INPUTS, Lesson(Y), strong, CPU)
    np.testing.assert_allclose(head.output(INPUTS).margin, base_log_odds(Y), atol=0.01)


def test_generalises_to_new_rows() -> None:
    fresh = make_design(600, seed=1)
    assert auc(outcome(fresh), the_head().output(BASIS.inputs(fresh)).margin) > 0.8


def test_scoring_is_the_model_that_was_trained() -> None:
    """At the optimum of a free bias the mean PD is the bad rate; scoring and training are separate code."""
    head = fit_head(INPUTS, Lesson(Y), CONFIG.model_copy(update={"steps": 150}), CPU)
    assert expit(head.output(INPUTS).margin).mean() == pytest.approx(Y.mean(), abs=1e-4)


def test_equal_rows_equal_bits() -> None:
    assert to_bytes(fit_head(own_inputs(make_design(600)), Lesson(outcome(make_design(600))), CONFIG, CPU)) == to_bytes(
        the_head()
    )
    assert to_bytes(fit_head(INPUTS.take(np.arange(599)), Lesson(Y[:599]), CONFIG, CPU)) != to_bytes(the_head())


@pytest.mark.usefixtures("threads")
def test_the_number_of_threads_is_irrelevant_to_scoring() -> None:
    torch.set_num_threads(1)
    one = the_head().output(INPUTS)
    torch.set_num_threads(2)
    assert_same(the_head().output(INPUTS), one)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("n_rows", [600, 33_000], ids=["products", "sums"])
def test_the_number_of_threads_is_irrelevant_to_training(n_rows: int) -> None:
    """On Intel processors torch splits products of any size between threads, on all processors sums of 32,768."""
    rows = np.arange(n_rows) % len(DESIGN)
    heads = set()
    for number in (1, 2, 3):
        torch.set_num_threads(number)
        heads.add(to_bytes(fit_head(INPUTS.take(rows), Lesson(Y[rows]), CONFIG, CPU)))
    assert len(heads) == 1


def test_where_inputs_lie_in_memory_is_irrelevant_to_training() -> None:
    def moved(x: Floats32, n_bytes: int) -> Floats32:
        room = np.zeros(x.nbytes + 128, np.uint8)
        start = -room.ctypes.data % 64 + n_bytes
        copy = room[start : start + x.nbytes].view(x.dtype).reshape(x.shape)
        copy[...] = x
        return copy

    for n_bytes in (0, 4, 16):
        inputs = replace(INPUTS, x_columns=moved(INPUTS.x_columns, n_bytes), x_text=moved(INPUTS.x_text, n_bytes))
        assert to_bytes(fit_head(inputs, Lesson(Y), CONFIG, CPU)) == to_bytes(the_head())


def test_the_random_state_of_the_process_is_irrelevant() -> None:
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    assert to_bytes(fit_head(INPUTS, Lesson(Y), CONFIG, CPU)) == to_bytes(the_head())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("size", [1, 7, 256, 599])
def test_chunk_size_is_irrelevant(size: int) -> None:
    assert_same(
        joined([the_head().output(BASIS.inputs(chunk)) for chunk in chunks(DESIGN, size)]), the_head().output(INPUTS)
    )


@settings(max_examples=25)
@given(st.permutations(range(len(DESIGN))), st.integers(0, len(DESIGN)))
def test_rows_are_independent_and_order_is_irrelevant(order: list[int], n_rows: int) -> None:
    whole, index = the_head().output(INPUTS), np.array(order[:n_rows], dtype=np.intp)
    assert_same(
        the_head().output(BASIS.inputs(DESIGN.take(index))), HeadOutput(whole.columns[index], whole.text[index])
    )


@pytest.mark.parametrize("n_rows", [0, 1])
def test_no_row_and_one_row(n_rows: int) -> None:
    output = the_head().output(BASIS.inputs(DESIGN.take(np.arange(n_rows))))
    assert output.columns.shape == (n_rows,)
    assert output.text.shape == (n_rows, 2)
    assert output.columns.dtype == output.text.dtype == np.float64


def test_without_narrative_columns() -> None:
    plain = own_inputs(without_narratives(DESIGN))
    output = fit_head(plain, Lesson(Y), CONFIG, CPU).output(plain)
    assert output.text.shape == (len(DESIGN), 0)
    assert auc(Y, output.columns) > 0.6


def test_without_any_narrative_all_text_log_odds_are_equal() -> None:
    text = the_head().output(BASIS.inputs(silent(DESIGN))).text
    np.testing.assert_array_equal(text, np.broadcast_to(the_head().absent, text.shape))
    quiet = own_inputs(silent(DESIGN))
    output = fit_head(quiet, Lesson(Y), CONFIG, CPU).output(quiet)
    assert np.ptp(output.text, axis=0).max() == 0
    assert np.isfinite(output.margin).all()


def test_absence_of_a_narrative_is_learned() -> None:
    written = DESIGN.text.has_text[:, 0]
    coin = np.random.default_rng(3).random(len(DESIGN))
    y = (coin < np.where(written, 0.1, 0.6)).astype(np.float64)
    assert fit_head(INPUTS, Lesson(y), CONFIG, CPU).absent[0] > 0.3


def test_narratives_and_columns_are_additive() -> None:
    other = make_design(len(DESIGN), seed=9)
    whole, mixed = the_head().output(INPUTS), the_head().output(BASIS.inputs(with_text_of(DESIGN, other)))
    np.testing.assert_array_equal(mixed.columns, whole.columns)
    np.testing.assert_array_equal(mixed.text, the_head().output(BASIS.inputs(other)).text)


@pytest.mark.parametrize("column", [0, 3])
def test_column_contributions_do_not_depend_on_other_columns(column: int) -> None:
    moved = (BASIS.inputs(with_column(DESIGN, column, value)) for value in (-1.0, 1.5))
    low, high = (the_head().output(inputs).margin for inputs in moved)
    assert abs((high - low).mean()) > 0.01
    np.testing.assert_allclose(high - low, (high - low).mean(), rtol=0, atol=1e-6)


def test_the_mean_head_gives_the_mean_of_the_heads_log_odds() -> None:
    heads = [the_head(), *(fit_head(INPUTS.take(np.arange(n)), Lesson(Y[:n]), CONFIG, CPU) for n in (300, 400))]
    found, parts = Head.mean(heads).output(INPUTS), [head.output(INPUTS) for head in heads]
    assert (parts[0].margin != parts[1].margin).all()
    np.testing.assert_allclose(found.columns, sum(part.columns for part in parts) / 3, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.text, sum(part.text for part in parts) / 3, rtol=0, atol=1e-12)
    assert_same(Head.mean(heads[:1]).output(INPUTS), parts[0])


def test_a_head_without_text_ignores_the_narratives() -> None:
    other = BASIS.inputs(with_text_of(DESIGN, make_design(len(DESIGN), seed=9)))
    head = fit_head(INPUTS.without_text(), Lesson(Y), CONFIG, CPU)
    assert to_bytes(fit_head(other.without_text(), Lesson(Y), CONFIG, CPU)) == to_bytes(head)
    assert to_bytes(fit_head(other, Lesson(Y), CONFIG, CPU)) != to_bytes(the_head())
    assert [array.size for array in (head.text, head.absent, head.words)] == [0, 0, 0]
    output = head.output(INPUTS.without_text())
    assert_same(head.output(other.without_text()), output)
    assert auc(Y, output.margin) > 0.6


def test_a_head_without_columns_ignores_the_columns() -> None:
    other = BASIS.inputs(with_text_of(make_design(len(DESIGN), seed=9), DESIGN))
    head = fit_head(INPUTS.without_columns(), Lesson(Y), CONFIG, CPU)
    assert to_bytes(fit_head(other.without_columns(), Lesson(Y), CONFIG, CPU)) == to_bytes(head)
    assert to_bytes(fit_head(other, Lesson(Y), CONFIG, CPU)) != to_bytes(the_head())
    assert head.columns.size == 0
    output = head.output(INPUTS.without_columns())
    assert_same(head.output(other.without_columns()), output)
    np.testing.assert_array_equal(output.columns, np.full(len(DESIGN), head.bias[0]))
    assert auc(Y, output.margin) > 0.6


def test_weights_count_against_the_penalties() -> None:
    """Every row twice is half of every penalty, where the summed log-likelihood is what is weighed against them."""
    assert to_bytes(fit_head(INPUTS, Lesson(Y, np.ones(600)), CONFIG, CPU)) == to_bytes(the_head())
    half = {name: value / 2 for name, value in CONFIG.model_dump().items() if name.endswith("_penalty")}
    assert len(half) == 3
    long = CONFIG.model_copy(update={"steps": 300})
    twice = fit_head(INPUTS, Lesson(Y, np.full(600, 2.0)), long, CPU).output(INPUTS).margin
    halved = fit_head(INPUTS, Lesson(Y), long.model_copy(update=half), CPU).output(INPUTS).margin
    np.testing.assert_allclose(twice, halved, rtol=0, atol=1e-2)
    assert np.abs(twice - fit_head(INPUTS, Lesson(Y), long, CPU).output(INPUTS).margin).max() > 0.1


def test_rows_of_zero_weight_have_no_effect() -> None:
    counts, long = np.tile([1.0, 0.0], 300), CONFIG.model_copy(update={"steps": 300})
    found = [
        fit_head(INPUTS, Lesson(np.where(counts > 0, Y, filling), counts), long, CPU).output(INPUTS).margin
        for filling in (0.0, 1.0)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-2)


@pytest.mark.parametrize("value", [float("nan"), 7.0], ids=["all_missing", "constant"])
def test_a_constant_column(value: float) -> None:
    blank = with_column(DESIGN, 0, value)
    basis = free_basis(blank, CONFIG.n_bins)
    head = fit_head(basis.inputs(blank), Lesson(Y), CONFIG, CPU)
    found = head.output(basis.inputs(blank)).margin
    assert np.isfinite(found).all()
    for later in (float("nan"), 7.0, -1e30, 1e30):
        moved = basis.inputs(with_column(DESIGN, 0, later))
        np.testing.assert_allclose(head.output(moved).margin, found, atol=0.5)


def test_missing_and_unknown_everywhere() -> None:
    design: Design = with_levels(silent(DESIGN), 0)
    for column in range(4):
        design = with_column(design, column, float("nan"))
    found = the_head().output(BASIS.inputs(design)).margin
    assert np.isfinite(found).all()
    assert np.ptp(found) == 0
    assert np.isfinite(the_head().output(BASIS.inputs(with_levels(DESIGN, 99))).margin).all()


@pytest.mark.parametrize("y", [np.zeros(5), np.ones(5)], ids=["all_good", "all_bad"])
def test_one_class_gives_finite_log_odds(y: Floats) -> None:
    inputs = own_inputs(make_design(5))
    found = fit_head(inputs, Lesson(y), CONFIG, CPU).output(inputs).margin
    assert np.isfinite(found).all()
    assert (np.sign(found) == np.sign(y - 0.5)).all()


def test_saving_and_loading_is_exact() -> None:
    again = Head.from_arrays(load(to_bytes(the_head())))
    assert to_bytes(again) == to_bytes(the_head())
    assert_same(again.output(INPUTS), the_head().output(INPUTS))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_gpu_finds_the_same_model() -> None:
    head = fit_head(INPUTS, Lesson(Y), CONFIG, torch.device("cuda"))
    np.testing.assert_allclose(head.output(INPUTS).margin, the_head().output(INPUTS).margin, atol=0.02)


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_monotone_columns_keep_their_sign(seed: int) -> None:
    """With outcomes that are pure noise half the free slopes would have the wrong sign."""
    y = np.random.default_rng(seed).integers(0, 2, 200).astype(np.float64)
    rows = make_design(200, seed=seed)
    signs = [(-1, 1, 0)[i % 3] for i in range(len(rows.tabular.num_names))]
    basis = Basis.fit(rows, Config(head=CONFIG), signs)
    head = fit_head(basis.inputs(rows), Lesson(y), CONFIG, CPU)
    for i, sign in enumerate(signs):
        sweep = np.repeat(rows.tabular.x_num[:1], 50, axis=0)
        sweep[:, i] = np.linspace(-4, 4, 50)
        swept = replace(rows.take(np.zeros(50, dtype=np.intp)), tabular=replace(tabular_of(rows, 50), x_num=sweep))
        steps = np.diff(head.output(basis.inputs(swept)).margin)
        assert (steps * sign >= -1e-12).all()
    free = fit_head(basis.inputs(rows), Lesson(y), CONFIG.model_copy(update={"monotone": False}), CPU)
    assert (free.columns * basis.direction < 0).any()


def tabular_of(design: Design, n: int) -> TabularBlock:
    """The columns of the first row, ``n`` times."""
    return design.tabular.take(np.zeros(n, dtype=np.intp))
