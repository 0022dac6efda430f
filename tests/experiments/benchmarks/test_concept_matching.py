"""The benchmark of concept matching: its arithmetic, and that its sentences are no statements of the set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from data_schemas.reader import load_schema
from experiments.benchmarks.attribution import concept_matching
from experiments.benchmarks.attribution.concept_matching import (
    HALVES,
    SENTENCES,
    WAYS,
    best_threshold,
    f_score,
    load_sentences,
    narratives_of,
    nearness_by,
    quality,
)
from features.encoders.opening import open_encoder
from features.narratives.concepts import NO_CONCEPT, ConceptMatcher
from tests.support.tiny_bert import tiny_bert


def test_figures_of_a_threshold() -> None:
    near = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.1], [0.4, 0.3], [0.6, 0.1]])
    truth = np.array([0, 1, 1, 0, NO_CONCEPT])
    found = quality(near, truth, 0.5)
    assert (found.precision, found.recall, found.f1, found.accuracy, found.nearest) == (0.5, 0.5, 0.5, 0.4, 0.75)
    strict = quality(near, truth, 0.75)
    assert (strict.precision, strict.recall, strict.accuracy) == (1.0, 0.5, 0.6)
    assert 0.70 < best_threshold(near, truth) < 0.80
    assert strict.f_half == pytest.approx(5 / 6)
    assert quality(near, truth, 1.0).f1 == 0.0
    assert f_score(0.0, 0.0, 1.0) == 0.0


def test_the_sentences_are_independent_of_the_statements() -> None:
    concepts = load_schema("demo").concepts
    says = {statement.lower() for concept in concepts for statement in concept.statements}
    labelled = json.loads(SENTENCES.read_text(encoding="utf-8"))
    names = {concept.name for concept in concepts} | {"none"}
    known: set[str] = set()
    for half in HALVES:
        assert set(labelled[half]) == names
        for own in labelled[half].values():
            lowered = {sentence.lower() for sentence in own}
            assert len(lowered) == len(own)
            assert not lowered & (says | known)
            known |= lowered
    for name in names - {"none"}:
        assert sum(len(labelled[half][name]) for half in HALVES) >= 8
    assert sum(len(labelled[half]["none"]) for half in HALVES) >= 130


def test_the_shipped_way_is_among_those_compared(tmp_path: Path) -> None:
    encoder = open_encoder(str(tiny_bert(tmp_path / "encoder")), precision="fp32", device="cpu", window=64)
    concepts = load_schema("demo").concepts[:3]
    matcher = ConceptMatcher.open(concepts, encoder)
    x = np.random.default_rng(0).normal(size=(9, encoder.dim))
    near = nearness_by(WAYS[-1], x, matcher.groups.statements, matcher.groups.starts)
    np.testing.assert_allclose(matcher.concept_similarity(x), near, atol=1e-6)


def test_narratives_hold_the_sentences_in_place(tmp_path: Path) -> None:
    encoder = open_encoder(str(tiny_bert(tmp_path / "encoder")), precision="fp32", device="cpu", window=64)
    sentences, truth = load_sentences("test", load_schema("demo").concepts)
    block, order = narratives_of(sentences[:40], encoder)
    assert len(truth) == len(sentences) > 200
    assert [text.strip().rstrip(".") for text in block.text] == [sentences[i].rstrip(".") for i in order]
    sizes = np.diff(block.bounds())
    assert (sizes.min(), sizes.max()) == (3, 6)


def test_the_script_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        concept_matching.main(["--help"])
    assert "python -m experiments.benchmarks.attribution.concept_matching --" in capsys.readouterr().out
    page = (Path(__file__).resolve().parents[3] / "docs" / "concepts.md").read_text(encoding="utf-8")
    assert "python -m experiments.benchmarks.attribution.concept_matching --" in page
