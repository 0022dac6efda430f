"""The training's narratives in aggregates against scikit-learn, and drift where it was put in and where it was not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load, save
from scipy import sparse
from scipy.spatial.distance import cosine
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from features.design import TextBlock, no_style
from fusion.validation.psi import psi_of
from fusion.validation.text_drift import (
    MAX_COMPONENTS,
    MIN_NARRATIVES,
    Reference,
    TextDrift,
    describe_texts,
    distances,
    drift,
)
from tests.support.designs import Shape, make_design, silent, without_narratives

SHAPE = Shape(n_narratives=2, dim=24)


def texts(n: int, seed: int = 0, shape: Shape = SHAPE) -> TextBlock:
    return make_design(n, seed, shape).text


def block(vectors: npt.NDArray[np.floating], n_words: int = 3) -> TextBlock:
    """One column in which everybody wrote."""
    words = np.zeros((len(vectors), 20), dtype=np.float32)
    words[:, :n_words] = 1
    wrote = np.ones((len(vectors), 1), dtype=np.bool_)
    return TextBlock(vectors[:, None].astype(np.float32), wrote, sparse.csr_matrix(words), ("note",), no_style(wrote))


def reference(text: TextBlock) -> Reference:
    return describe_texts(text, np.arange(len(text)))


def drifted(then: TextBlock, now: TextBlock) -> TextDrift:
    return drift(reference(then), now)[0]


def test_components_are_those_of_scikit_learn() -> None:
    text = texts(3000)
    for at, own in enumerate(reference(text).texts):
        vectors = text.x_text[text.has_text[:, at], at].astype(np.float64)
        fitted = PCA(MAX_COMPONENTS, svd_solver="full").fit(vectors)
        alike = np.abs(np.sum(fitted.components_ * own.components, axis=1))
        np.testing.assert_allclose(alike, 1, atol=1e-6)
        np.testing.assert_allclose(own.mean, fitted.mean_, atol=1e-6)
        variances = np.linalg.eigvalsh(np.cov(vectors.T, ddof=0))
        assert own.spread == pytest.approx(math.sqrt(variances.sum()), abs=1e-6)
        assert own.effective_dim == pytest.approx(variances.sum() ** 2 / (variances**2).sum(), abs=1e-6)
        greatest = np.take_along_axis(own.components, np.abs(own.components).argmax(1)[:, None], 1)
        assert (greatest > 0).all()
        assert (own.n_rows, own.n_written) == (3000, len(vectors))
        assert (own.counts.sum(axis=1) == len(vectors)).all()
        assert own.word_counts.sum() == len(vectors)


def test_the_same_rows_give_the_same_bytes_on_any_number_of_threads() -> None:
    text = texts(5000)
    once = save(reference(text).to_arrays())
    with threadpool_limits(2):
        assert save(reference(text).to_arrays()) == once


def test_only_the_rows_asked_for_are_described() -> None:
    text, rows = texts(600), np.arange(0, 600, 3)
    assert save(describe_texts(text, rows).to_arrays()) == save(reference(text.take(rows)).to_arrays())


def test_distances_are_cosine_distances_of_the_mean_vector_row_by_row() -> None:
    text = texts(6000)
    known = reference(text)
    apart = distances(known, text)
    assert apart.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(apart), ~text.has_text)
    for row, at in zip(*np.nonzero(text.has_text[:20]), strict=True):
        assert apart[row, at] == pytest.approx(cosine(text.x_text[row, at], known.texts[at].mean), abs=1e-6)
    some = np.array([5999, 17, 4096, 3])
    np.testing.assert_array_equal(distances(known, text.take(some)), apart[some])
    assert np.isnan(distances(reference(texts(40)), text)).all()


@pytest.mark.parametrize("text", [texts(300), texts(40), without_narratives(make_design(9)).text], ids=len)
def test_it_comes_back_from_a_file(text: TextBlock) -> None:
    known = reference(text)
    again = Reference.from_arrays(load(save(known.to_arrays())), text.names)
    assert again.names == known.names
    np.testing.assert_equal(again.to_arrays(), known.to_arrays())
    assert len(drift(again, text)) == len(text.names)


def test_a_schema_with_other_narratives_is_refused() -> None:
    arrays = reference(texts(60)).to_arrays()
    with pytest.raises(ValueError, match="has 2 narratives, the schema 1"):
        Reference.from_arrays(arrays, ("note",))
    with pytest.raises(ValueError, match="beside a reference of"):
        drift(Reference.from_arrays(arrays, ("a", "b")), texts(60))


def test_the_same_rows_have_not_drifted() -> None:
    text = texts(2000)
    for found in drift(reference(text), text):
        assert found.written.value == found.words.value == found.greatest == found.mean == 0
        assert found.cosine == pytest.approx(0, abs=1e-12)
        assert found.distance == pytest.approx(0, abs=1e-12)


def test_psi_of_a_component_is_that_of_its_coordinates() -> None:
    """The bins stand a hundredth of a standard deviation beside the quantiles, hence so near and no nearer."""
    then, now = texts(4000), texts(900, 1)
    known = reference(then).texts[0]
    found = drift(reference(then), now)[0]
    for component, psi in zip(known.components, found.components, strict=True):
        one, other = (
            (some.x_text[some.has_text[:, 0], 0].astype(np.float64) - known.mean) @ component for some in (then, now)
        )
        assert psi.value == pytest.approx(psi_of(one, other).value, abs=0.01)


def test_a_moved_mean_is_measured_in_spreads() -> None:
    random = np.random.default_rng(3)
    vectors = random.normal(size=(4000, 8)) + 5
    moved = random.normal(size=(3000, 8)) + 5 + np.eye(8)[0] * 2
    found = drifted(block(vectors), block(moved))
    apart = moved.astype(np.float32).mean(0, dtype=float) - vectors.astype(np.float32).mean(0, dtype=float)
    spread = math.sqrt(vectors.var(axis=0).sum())
    assert found.distance == pytest.approx(np.linalg.norm(apart) / spread, abs=1e-6)
    assert found.cosine == pytest.approx(cosine(vectors.mean(axis=0), moved.mean(axis=0)), abs=1e-6)
    assert found.distance > 5 * found.distance_chance
    assert found.greatest > found.greatest_chance


def test_fewer_and_longer_narratives_are_detected() -> None:
    vectors = np.random.default_rng(4).normal(size=(2000, 8))
    then, now = block(vectors), block(vectors, n_words=9)
    quiet = replace(now, has_text=(np.arange(2000) % 4 == 0)[:, None])
    found = drift(reference(then), quiet)[0]
    assert [cell.actual for cell in found.written.cells] == [0.75, 0.25]
    assert found.written.verdict == "shifted"
    assert found.words.value == 0  # all had three words, so that there is one bin
    mixed = replace(then, x_lex=sparse.vstack([then.x_lex[:1000], now.x_lex[1000:]]).tocsr())
    assert drifted(mixed, now).words.verdict == "shifted"


def test_chance_is_exceeded_one_time_in_twenty() -> None:
    """Directions of very different variance, as embeddings have; the greatest PSI's value is a little cautious."""
    scale = 0.8 ** np.arange(40)
    then = reference(block(np.random.default_rng(5).normal(size=(4000, 40)) * scale))
    over = []
    for seed in range(400):
        found = drift(then, block(np.random.default_rng([6, seed]).normal(size=(500, 40)) * scale))[0]
        over.append(
            [
                found.distance > found.distance_chance,
                found.mean > found.mean_chance,
                found.greatest > found.greatest_chance,
            ]
        )
    rates = np.mean(over, axis=0)
    assert (rates > 0.01).all()
    assert (rates < 0.11).all()


def test_repeated_narratives_do_not_fall_between_two_bins() -> None:
    """Rounding that moves a vector a little must not carry a mass of equal narratives over an edge."""
    random = np.random.default_rng(7)
    few = random.normal(size=(5, 12))
    vectors = few[random.integers(0, 5, 3000)]
    found = drifted(block(vectors), block(vectors * (1 + 1e-5)))
    assert found.greatest < 1e-9
    assert len(found.components) == 4


def test_narratives_that_are_all_alike() -> None:
    found = drifted(block(np.ones((80, 6))), block(np.ones((70, 6)) * [1, 1, 1, 1, 1, 0]))
    assert found.components == ()
    assert math.isnan(found.mean)
    assert math.isnan(found.distance)
    assert found.cosine == pytest.approx(1 - math.sqrt(5 / 6))
    assert found.words.value == 0


@pytest.mark.parametrize("n", [0, 1, MIN_NARRATIVES - 1])
def test_few_narratives_are_not_compared(n: int) -> None:
    many, few = block(np.ones((60, 3))), block(np.ones((n, 3)))
    for then, now in ((many, few), (few, many), (few, few)):
        found = drifted(then, now)
        figures = (found.cosine, found.distance, found.distance_chance, found.mean, found.greatest, found.words.value)
        assert all(map(math.isnan, figures))
        assert math.isnan(found.written.value) == (len(then) * len(now) == 0)
    kept = reference(few).texts[0]
    assert not kept.described
    assert not kept.mean.any()
    assert not kept.components.size


def test_nobody_wrote() -> None:
    design = make_design(100)
    for found in drift(reference(silent(design).text), silent(design).text):
        assert found.written.value == 0
        assert found.n_written == 0
