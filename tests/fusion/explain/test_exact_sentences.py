from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from features.arrays import Floats, Floats32
from features.design import Design
from features.narratives.sentences import SentenceBlock
from fusion.explain import exact_sentences as exact
from fusion.explain.attribution import Explainer
from fusion.explain.exact_sentences import explain_exactly
from fusion.model.training import fit
from tests.support.designs import MONOTONE, SMALL, WITH_COMPONENTS, Shape, outcome, sample_of
from tests.support.logged import make_with_sentences
from tests.support.shapley_values import shapley

SHAPE = Shape(n_num=2, n_cat=1)
Loose = tuple[Floats32, sparse.csr_matrix]


@pytest.fixture(scope="module")
def with_sentences() -> tuple[Design, SentenceBlock]:
    return make_with_sentences(300, shape=SHAPE, most_sentences=5)


@pytest.fixture(scope="module", params=[SMALL, WITH_COMPONENTS], ids=["plain", "components"])
def explainer(with_sentences: tuple[Design, SentenceBlock], request: pytest.FixtureRequest) -> Explainer:
    y = outcome(with_sentences[0])
    model, _ = fit(sample_of(with_sentences[0], y, MONOTONE[: SHAPE.n_num]), request.param)
    return Explainer.of(model, with_sentences[0].tabular)


def read_texts(texts: Sequence[str]) -> Loose:
    """An encoder for which a text is more than its sentences: vectors and words hang on the whole text."""
    vectors, words = np.zeros((len(texts), SHAPE.dim), np.float32), np.zeros((len(texts), SHAPE.n_buckets), np.float32)
    for i, text in enumerate(texts):
        random = np.random.default_rng(list(text.encode()))
        vectors[i] = random.normal(size=SHAPE.dim)
        words[i] = random.random(SHAPE.n_buckets) < 0.2
    return vectors, sparse.csr_matrix(words)


def owen_values(explainer: Explainer, with_sentences: tuple[Design, SentenceBlock], begin: int, end: int) -> Floats:
    """By the definition, each part of the narrative read by ``read_texts``."""
    design, block = with_sentences
    row, narrative = int(block.row[begin]), int(block.narrative[begin])
    own = design.take(np.array([row]))
    n_buckets = SHAPE.n_buckets

    def worth(coalition: frozenset[int]) -> float:
        x_text, has_text, words = own.text.x_text.copy(), own.text.has_text.copy(), own.text.x_lex.toarray()
        span = slice(narrative * n_buckets, (narrative + 1) * n_buckets)
        if not coalition:
            x_text[0, narrative], has_text[0, narrative], words[0, span] = 0.0, False, 0.0
        elif len(coalition) < end - begin:
            vectors, loose = read_texts(["".join(block.text[begin + i] for i in sorted(coalition)).strip()])
            x_text[0, narrative], words[0, span] = vectors[0], loose.toarray()[0]
        text = replace(own.text, x_text=x_text, has_text=has_text, x_lex=sparse.csr_matrix(words))
        return float(explainer.explain(Design(own.tabular, text), SentenceBlock.empty(text)).narratives[0, narrative])

    return shapley(end - begin, worth)


def test_short_narratives_are_read_in_every_combination(
    explainer: Explainer, with_sentences: tuple[Design, SentenceBlock]
) -> None:
    design, block = with_sentences
    explanation = explain_exactly(explainer, design, block, read_texts)
    several = [(a, b) for a, b in itertools.pairwise(block.bounds().tolist()) if b - a > 1]
    for begin, end in several[::60]:
        wanted = owen_values(explainer, with_sentences, begin, end)
        np.testing.assert_allclose(explanation.sentences[begin:end], wanted, rtol=0, atol=1e-9)
    assert explanation.exact.all()
    assert (explanation.sentence_error == 0.0).all()
    fast = explainer.explain(design, block)
    np.testing.assert_array_equal(explanation.narratives, fast.narratives)
    assert np.abs(explanation.sentences - fast.sentences).max() > 0.01


def test_long_narratives_are_corrected_along_sampled_orders(
    explainer: Explainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    design, block = make_with_sentences(40, seed=2, shape=SHAPE, most_sentences=8)
    wanted = explain_exactly(explainer, design, block, read_texts)
    monkeypatch.setattr(exact, "REENCODED_CHARACTERS", 6000)
    sampled = explain_exactly(explainer, design, block, read_texts)
    guessed = sampled.sentence_error > 0
    assert guessed.any()
    assert (sampled.orders[guessed] >= 2 * exact.MIN_PAIRS).all()
    assert (sampled.orders[~guessed & sampled.exact] == 0).all()
    z = (sampled.sentences - wanted.sentences)[guessed] / sampled.sentence_error[guessed]
    assert 0.5 < float(np.sqrt(np.median(z**2))) < 1.5
    summed = np.zeros_like(sampled.narratives)
    np.add.at(summed, (block.row, block.narrative), sampled.sentences)
    np.testing.assert_allclose(summed, sampled.narratives, rtol=0, atol=1e-9)


def test_narratives_too_long_to_encode_again_keep_their_fast_values(
    explainer: Explainer, with_sentences: tuple[Design, SentenceBlock], monkeypatch: pytest.MonkeyPatch
) -> None:
    design, block = with_sentences
    monkeypatch.setattr(exact, "REENCODED_CHARACTERS", 1)
    explanation = explain_exactly(explainer, design, block, read_texts)
    size = np.repeat(np.diff(block.bounds()), np.diff(block.bounds()))
    np.testing.assert_array_equal(explanation.exact, size == 1)
    np.testing.assert_array_equal(explanation.sentences, explainer.explain(design, block).sentences)


def test_narratives_of_one_sentence_need_no_reading(explainer: Explainer) -> None:
    design, block = make_with_sentences(20, seed=9, shape=SHAPE, most_sentences=1)

    def never(texts: Sequence[str]) -> Loose:
        raise AssertionError(texts)

    explanation = explain_exactly(explainer, design, block, never)
    np.testing.assert_array_equal(explanation.sentences, explanation.narratives[block.row, block.narrative])
    assert explanation.exact.all()
