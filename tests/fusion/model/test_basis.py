"""The head's inputs: bounded, centred, each row by itself."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from features.design import Design
from fusion.model.basis import MIN_DOCUMENTS, Basis, HeadInputs
from tests.support.designs import (
    LEVELS,
    Shape,
    free_basis,
    make_design,
    silent,
    with_column,
    with_levels,
    with_numbers,
    with_text_of,
)

N_BINS = 4
DESIGN = make_design(300)
BASIS = free_basis(DESIGN, N_BINS)
ONE_NUMBER = Shape(n_num=1, n_cat=0, n_narratives=1)


def numbers(values: list[float]) -> Design:
    """A design of one numeric column."""
    column = np.array(values, dtype=np.float32)[:, None]
    return with_numbers(make_design(len(values), shape=ONE_NUMBER), column)


def codes(basis: Basis, values: list[float]) -> np.ndarray:
    """What these values become, before centring; float64 (n, n_bins + 1), the last the flag for "missing"."""
    return basis.inputs(numbers(values)).x_columns.astype(np.float64) + basis.centre


def assert_same(one: HeadInputs, other: HeadInputs) -> None:
    """Equal to the bit."""
    np.testing.assert_array_equal(one.x_columns, other.x_columns)
    np.testing.assert_array_equal(one.x_text, other.x_text)
    np.testing.assert_array_equal(one.x_absent, other.x_absent)
    np.testing.assert_array_equal(one.x_words.toarray(), other.x_words.toarray())


def test_shapes_and_types() -> None:
    inputs = BASIS.inputs(DESIGN)
    assert inputs.x_columns.shape == (300, 4 * (N_BINS + 1) + sum(LEVELS))
    assert inputs.x_text.shape == (300, 2, 6)
    assert inputs.x_absent.shape == (300, 2)
    assert inputs.x_words.shape == (300, 48)
    assert inputs.direction.shape == inputs.x_columns.shape[1:]
    values = [array for name, array in vars(inputs).items() if name != "direction"]
    assert {array.dtype for array in values} == {np.dtype(np.float32)}


def test_a_number_fills_its_bins_one_after_the_other() -> None:
    basis = free_basis(numbers([0, 1, 2, 3, 4]), N_BINS)
    assert basis.edges.tolist() == [[0, 1, 2, 3, 4]]
    found = codes(basis, [0, 0.5, 2, 3.25, 4])
    wanted = np.array([[0, 0, 0, 0, 0], [0.5, 0, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0.25, 0], [1, 1, 1, 1, 0]])
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_beyond_the_training_range_is_its_border() -> None:
    basis = free_basis(numbers([0, 1, 2, 3, 4]), N_BINS)
    np.testing.assert_array_equal(codes(basis, [-1e30, 1e30]), codes(basis, [0, 4]))


def test_missing_is_a_flag_and_nothing_else() -> None:
    basis = free_basis(numbers([0, 1, 2, 3, float("nan")]), N_BINS)
    np.testing.assert_allclose(codes(basis, [float("nan")]), [[0, 0, 0, 0, 1]], atol=1e-6)


@pytest.mark.parametrize("value", [3.5, float("nan")], ids=["constant", "all_missing"])
def test_a_constant_column_adds_nothing(value: float) -> None:
    basis = free_basis(numbers([value] * 5), N_BINS)
    np.testing.assert_array_equal(basis.inputs(numbers([value, value])).x_columns, np.zeros((2, N_BINS + 1)))
    assert np.abs(basis.inputs(numbers([-1e30, 1e30, float("nan")])).x_columns).max() <= 1.0


def test_few_distinct_values_leave_empty_bins_empty() -> None:
    basis = free_basis(numbers([0, 0, 0, 0, 1, 1]), 8)
    assert len(np.unique(basis.edges)) < 9
    found = codes(basis, [0, 1])
    np.testing.assert_allclose(found[0], 0, atol=1e-6)
    np.testing.assert_allclose(found[1].max(), 1, atol=1e-6)


def test_training_inputs_are_centred() -> None:
    inputs = BASIS.inputs(DESIGN)
    np.testing.assert_allclose(inputs.x_columns.mean(axis=0), 0, atol=1e-6)
    for number in range(2):
        written = inputs.x_text[DESIGN.text.has_text[:, number], number]
        np.testing.assert_allclose(written.mean(axis=0), 0, atol=1e-5)
        assert written.std(axis=0).mean() == pytest.approx(1, abs=1e-5)


def test_an_absent_narrative_sets_only_the_absence_input() -> None:
    inputs = BASIS.inputs(DESIGN)
    np.testing.assert_array_equal(inputs.x_absent, ~DESIGN.text.has_text)
    assert not inputs.x_text[~DESIGN.text.has_text].any()
    nothing = BASIS.inputs(silent(DESIGN))
    assert not nothing.x_text.any()
    assert nothing.x_words.nnz == 0
    assert nothing.x_absent.all()


def test_codes_of_no_known_level_match_no_indicator() -> None:
    indicators = 4 * (N_BINS + 1)
    raw = BASIS.inputs(with_levels(DESIGN, 99)).x_columns + BASIS.centre
    np.testing.assert_allclose(raw[:, indicators:], 0, atol=1e-6)
    unknown = BASIS.inputs(with_levels(DESIGN, 0)).x_columns + BASIS.centre
    np.testing.assert_allclose(unknown[:, indicators:].sum(axis=1), len(LEVELS), atol=1e-5)


@pytest.mark.parametrize("n_rows", [1, 2, 60])
def test_equal_narratives_keep_their_vector_in_proportion(n_rows: int) -> None:
    """Where all training narratives are equal there is no spread to divide by."""
    design = make_design(n_rows, shape=ONE_NUMBER)
    text = design.text
    vectors = np.broadcast_to(np.array([0.1, -0.7, 0.3, 0.9, 1 / 3, 1e-3], np.float32), text.x_text.shape)
    alike = replace(text, x_text=np.array(vectors), has_text=np.ones_like(text.has_text))
    basis = free_basis(Design(design.tabular, alike), N_BINS)
    other = replace(alike, x_text=np.array(vectors) + np.float32(1))
    assert np.abs(basis.inputs(Design(design.tabular, other)).x_text).max() < 10


def test_rare_words_weigh_nothing() -> None:
    shown = np.zeros((10, 3), dtype=np.float32)
    shown[: MIN_DOCUMENTS - 1, 0] = shown[:MIN_DOCUMENTS, 1] = shown[:, 2] = 1
    design = make_design(10, shape=Shape(n_narratives=1, n_buckets=3))
    design = Design(design.tabular, replace(design.text, x_lex=sparse.csr_matrix(shown)))
    weight = free_basis(design, N_BINS).word_weight
    assert weight[0] == 0
    assert weight[1] > weight[2] > 0


def test_words_of_each_narrative_have_length_one() -> None:
    words = BASIS.inputs(DESIGN).x_words.toarray().reshape(300, 2, 24)
    length = np.sqrt((words.astype(np.float64) ** 2).sum(axis=2))
    spoken = DESIGN.text.x_lex.toarray().reshape(300, 2, 24).any(axis=2)
    np.testing.assert_allclose(length[spoken], 1, atol=1e-6)
    assert not length[~spoken].any()


@pytest.mark.parametrize(
    "shape", [Shape(n_narratives=0), Shape(n_num=0), Shape(n_cat=0), Shape(n_num=0, n_cat=0)], ids=str
)
@pytest.mark.parametrize("n_rows", [0, 1, 20])
def test_any_set_of_columns_and_any_number_of_rows(shape: Shape, n_rows: int) -> None:
    design = make_design(n_rows, shape=shape)
    inputs = free_basis(design, N_BINS).inputs(make_design(5, seed=3, shape=shape))
    for array in (inputs.x_columns, inputs.x_text, inputs.x_absent, inputs.x_words.toarray()):
        assert len(array) == 5
        assert np.isfinite(array).all()


@settings(max_examples=40)
@given(st.lists(st.integers(0, len(DESIGN) - 1), max_size=40))
def test_each_row_by_itself(rows: list[int]) -> None:
    index = np.array(rows, dtype=np.intp)
    whole = BASIS.inputs(DESIGN)
    taken = HeadInputs(
        whole.x_columns[index], whole.x_text[index], whole.x_absent[index], whole.x_words[index], whole.direction
    )
    assert_same(BASIS.inputs(DESIGN.take(index)), taken)
    assert_same(whole.take(index), taken)
    assert len(taken) == len(rows)


def test_without_text_nothing_of_the_narratives_is_left() -> None:
    inputs = BASIS.inputs(DESIGN)
    plain = inputs.without_text()
    np.testing.assert_array_equal(plain.x_columns, inputs.x_columns)
    assert (plain.x_text.shape, plain.x_absent.shape, plain.x_words.shape) == ((300, 0, 6), (300, 0), (300, 0))
    assert plain.x_words.nnz == 0
    assert_same(BASIS.inputs(with_text_of(DESIGN, make_design(300, seed=9))).without_text(), plain)
    assert_same(BASIS.inputs(silent(DESIGN)).without_text(), plain)


def test_without_columns_nothing_but_the_narratives_is_left() -> None:
    inputs = BASIS.inputs(DESIGN)
    without_columns = inputs.without_columns()
    assert without_columns.x_columns.shape == (300, 0)
    np.testing.assert_array_equal(without_columns.x_text, inputs.x_text)
    np.testing.assert_array_equal(without_columns.x_absent, inputs.x_absent)
    np.testing.assert_array_equal(without_columns.x_words.toarray(), inputs.x_words.toarray())
    assert_same(BASIS.inputs(with_text_of(make_design(300, seed=9), DESIGN)).without_columns(), without_columns)


@settings(max_examples=40)
@given(st.floats(width=32), st.integers(0, 3))
def test_no_number_breaks_the_inputs(value: float, column: int) -> None:
    assert np.isfinite(BASIS.inputs(with_column(DESIGN.take(np.arange(3)), column, value)).x_columns).all()


def test_inputs_change_nothing_of_the_design() -> None:
    before = DESIGN.text.x_lex.copy(), DESIGN.text.x_text.copy(), DESIGN.tabular.x_num.copy()
    BASIS.inputs(DESIGN)
    np.testing.assert_array_equal(DESIGN.text.x_lex.toarray(), before[0].toarray())
    np.testing.assert_array_equal(DESIGN.text.x_text, before[1])
    np.testing.assert_array_equal(DESIGN.tabular.x_num, before[2])


def test_equal_rows_equal_basis() -> None:
    again = free_basis(make_design(300), N_BINS)
    for field in fields(Basis):
        np.testing.assert_array_equal(getattr(again, field.name), getattr(BASIS, field.name))
