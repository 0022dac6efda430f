"""The benchmarks of languages: their sentences are held out, and they run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.benchmarks.languages import chinese_concepts, segmentation
from features.text.scripts import language_of

ROOT = Path(__file__).parents[3]


def test_held_out_sentences_are_no_statements_and_cover_every_concept() -> None:
    concepts = chinese_concepts.chinese_concepts()
    sentences, truth = chinese_concepts.held_out(concepts)
    assert set(truth.tolist()) == set(range(-1, len(concepts)))
    assert len(set(sentences)) == len(sentences)
    assert not set(sentences) & {one for concept in concepts for one in concept.statements}
    assert all(language_of(sentence) == "Chinese" for sentence in sentences)


def test_concepts_are_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(chinese_concepts, "find_spec", lambda _name: None)
    chinese_concepts.main(["--json"])
    found = json.loads(capsys.readouterr().out)
    assert float(found["characters and pairs"][0]["nearest is right"]) > 0.75
    assert len(found["Sensitive kinds, characters and pairs"]) == 9


def test_words_are_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(segmentation, "SIZES", (200,))
    monkeypatch.setattr(segmentation, "SEEDS", (0,))
    monkeypatch.setattr(segmentation, "N_TEST", 400)
    monkeypatch.setattr(segmentation, "find_spec", lambda _name: None)
    segmentation.main(["--json", "--source", str(ROOT)])
    found = {one["words"]: float(one["AUC"]) for one in json.loads(capsys.readouterr().out)["words"]}
    assert found["pairs, as shipped (200 rows)"] > 0.55
    assert len(found) == 6
