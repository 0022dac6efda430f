"""What the trees hear of narratives beside their log-odds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from fusion.model.basis import HeadInputs
from fusion.model.text_components import TextComponents
from tests.support.designs import Shape, free_basis, make_design, silent, without_narratives

K = 4
ORDINARY = Shape()


def inputs_of(n: int, seed: int = 0, shape: Shape = ORDINARY) -> HeadInputs:
    design = make_design(n, seed, shape)
    return free_basis(make_design(300, 0, shape), 4).inputs(design)


def equal(one: TextComponents, other: TextComponents) -> bool:
    return all(np.array_equal(array, other.to_arrays()[name]) for name, array in one.to_arrays().items())


@pytest.fixture(scope="module")
def inputs() -> HeadInputs:
    return inputs_of(300)


@pytest.fixture(scope="module")
def components(inputs: HeadInputs) -> TextComponents:
    return TextComponents.fit(inputs, K, seed=0)


def test_equal_input_equal_components(inputs: HeadInputs, components: TextComponents) -> None:
    assert equal(components, TextComponents.fit(inputs, K, seed=0))
    assert components.n_components == 2 * K
    assert components.vectors.dtype == components.words.dtype == np.float32


def test_axes_are_orthonormal_and_the_first_varies_most(inputs: HeadInputs, components: TextComponents) -> None:
    for number in range(2):
        for axes in (components.vectors[number], components.words[number]):
            np.testing.assert_allclose(axes @ axes.T, np.eye(K), rtol=0, atol=1e-5)
        written = inputs.x_absent[:, number] == 0.0
        spread = components.values(inputs)[written, number, :K].std(axis=0)
        assert (np.diff(spread) <= 1e-9).all()
        total = inputs.x_text[written, number].astype(np.float64).var(axis=0)
        assert spread[0] ** 2 >= total.max() - 1e-9


def test_the_greatest_coordinate_of_a_vectors_axis_is_positive(components: TextComponents) -> None:
    for axes in components.vectors:
        assert (axes[np.arange(K), np.abs(axes).argmax(axis=1)] > 0).all()


def test_values_are_missing_exactly_where_nothing_is_written(inputs: HeadInputs, components: TextComponents) -> None:
    values = components.values(inputs)
    assert values.shape == (300, 2, 2 * K)
    assert values.dtype == np.float64
    np.testing.assert_array_equal(np.isnan(values), np.repeat(inputs.x_absent[:, :, None] > 0, 2 * K, axis=2))


def test_values_are_products_with_the_axes(inputs: HeadInputs, components: TextComponents) -> None:
    values, words = components.values(inputs), inputs.x_words.toarray().reshape(300, 2, -1)
    written = inputs.x_absent == 0.0
    vectors = np.einsum("nad,akd->nak", inputs.x_text.astype(np.float64), components.vectors)
    counted = np.einsum("nab,akb->nak", words, components.words)
    np.testing.assert_allclose(values[written], np.concatenate([vectors, counted], axis=2)[written], rtol=0, atol=1e-5)


def test_a_rows_digits_do_not_depend_on_its_company(inputs: HeadInputs, components: TextComponents) -> None:
    whole = components.values(inputs)
    order = np.random.default_rng(0).permutation(300)[:100]
    np.testing.assert_array_equal(components.values(inputs.take(order)), whole[order])
    alone = [components.values(inputs.take(np.array([row]))) for row in order[:20]]
    np.testing.assert_array_equal(np.concatenate(alone), whole[order[:20]])


def test_saving_and_loading_is_exact(components: TextComponents) -> None:
    again = TextComponents(**load(save(components.to_arrays())))
    assert equal(again, components)
    assert save(again.to_arrays()) == save(components.to_arrays())


@pytest.mark.parametrize("shape", [Shape(n_buckets=3), Shape(dim=2), Shape(n_buckets=1, dim=1)])
def test_too_few_words_or_coordinates_leave_the_last_components_zero(shape: Shape) -> None:
    few = inputs_of(300, shape=shape)
    found = TextComponents.fit(few, K, seed=0)
    assert found.vectors.shape == (2, K, shape.dim)
    assert found.words.shape == (2, K, shape.n_buckets)
    for axes, most in ((found.vectors, shape.dim), (found.words, shape.n_buckets)):
        assert axes[:, :most].any(axis=2).all()
        assert not axes[:, most:].any()
    values = found.values(few)[few.x_absent == 0.0]
    assert (values[:, K + shape.n_buckets :] == 0.0).all()


@pytest.mark.parametrize("n_rows", [0, 1])
def test_no_row_and_one_row(components: TextComponents, n_rows: int) -> None:
    few = inputs_of(300).take(np.arange(n_rows))
    assert components.values(few).shape == (n_rows, 2, 2 * K)
    found = TextComponents.fit(few, K, seed=0)
    assert not found.vectors.any()
    assert found.words.shape == components.words.shape
    assert np.isfinite(found.words).all()


def test_narratives_that_nobody_wrote_have_no_components() -> None:
    design = make_design(50)
    nothing = free_basis(design, 4).inputs(silent(design))
    found = TextComponents.fit(nothing, K, seed=0)
    assert not found.vectors.any()
    assert not found.words.any()
    assert np.isnan(found.values(nothing)).all()


def test_without_narrative_columns_there_is_nothing() -> None:
    design = without_narratives(make_design(50))
    nothing = free_basis(design, 4).inputs(design)
    found = TextComponents.fit(nothing, K, seed=0)
    assert found.values(nothing).shape == (50, 0, 2 * K)


def test_vectors_that_are_not_read_have_no_components(inputs: HeadInputs) -> None:
    found = TextComponents.fit(replace(inputs, x_text=np.zeros_like(inputs.x_text)), K, seed=0)
    assert not found.vectors.any()
    assert found.words.any()


def test_none_are_wanted(inputs: HeadInputs) -> None:
    found = TextComponents.fit(inputs, 0, seed=0)
    assert found.n_components == 0
    assert found.values(inputs).shape == (300, 2, 0)
    assert equal(found, TextComponents(**load(save(found.to_arrays()))))
