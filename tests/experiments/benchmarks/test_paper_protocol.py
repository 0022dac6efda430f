"""The parts of the paper's protocol, on invented loans and a tiny encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import BertModel

from data_schemas.fields import Role
from data_schemas.reader import load_schema
from experiments.benchmarks.peers import paper_protocol
from experiments.benchmarks.peers.paper_bert import (
    BertScores,
    Classifier,
    Hidden,
    LastLayer,
    Tuning,
    choose,
    nested_scores,
)
from experiments.benchmarks.peers.paper_boosting import boosted, matrix
from features.arrays import Floats
from features.encoders.opening import open_encoder
from features.tabular import TabularEncoder
from fusion.metrics import Gain, auc
from tests.support.small import applications, row, small_schema, write_csv
from tests.support.tiny_bert import tiny_bert

TEXTS = ["a car", "", "a new roof, at last. " * 9, "debts"]
LONGEST = 40


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_bert(tmp_path_factory.mktemp("bert") / "tiny"))


def classifier_of(source: str, texts: list[str]) -> Classifier:
    return Classifier.open(source, open_encoder(source, precision="fp32", window=LONGEST), texts, LONGEST)


def texts_by_outcome(n: int) -> tuple[list[str], Floats]:
    """Texts of which one word tells the outcome, mostly."""
    random = np.random.default_rng(0)
    y = (random.random(n) < 0.4).astype(np.float64)
    noisy = np.where(random.random(n) < 0.9, y, 1 - y)
    return [("zzz zzz" if bad else "abc abc") + " loan" * int(random.integers(1, 4)) for bad in noisy], y


def test_the_frozen_layers_and_the_last_are_those_of_transformers(source: str) -> None:
    classifier = classifier_of(source, TEXTS)
    model = BertModel.from_pretrained(source, add_pooling_layer=False, attn_implementation="eager").train(False)
    tokenizer = open_encoder(source, window=LONGEST).tokenizer
    last = LastLayer(load_file(Path(source) / "model.safetensors"), classifier.shape, 0).eval()
    exact, at = [], [0]
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        if len(ids) > LONGEST:
            ids = [*ids[: LONGEST - 1], ids[-1]]
        with torch.inference_mode():
            layers = model(torch.tensor([ids]), output_hidden_states=True).hidden_states
        rows = np.arange(at[-1], at[-1] + len(ids))
        torch.testing.assert_close(classifier.hidden.tokens[rows].float(), layers[-2][0], rtol=0.01, atol=0.01)  # bf16
        exact.append((layers[-2][0], layers[-1][0, 0]))
        at.append(at[-1] + len(ids))
    assert classifier.hidden.start.tolist() == at
    hidden = Hidden(torch.cat([before for before, _ in exact]), np.array(at, np.int64))
    with torch.inference_mode():
        found = last.first_token(*hidden.padded(np.array([2, 0, 3, 1])))
    wanted = torch.stack([exact[i][1] for i in (2, 0, 3, 1)])
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)


def test_a_classifier_learns_and_equal_seeds_agree_for_any_threads(source: str) -> None:
    texts, y = texts_by_outcome(300)
    classifier = classifier_of(source, texts)
    train, test = np.arange(0, 300, 2), np.arange(1, 300, 2)
    tuning = choose(classifier, y, train, [Tuning(1e-9, 1), Tuning(1e-2, 12)], seed=0)
    assert tuning == Tuning(1e-2, 12)
    found = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(nested_scores(classifier, y, train, test, tuning, n_folds=3, seed=0))
    finally:
        torch.set_num_threads(before)
    one, two = found
    for name in ("own", "in_sample", "test"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert auc(y[test], one.test) > 0.75
    assert auc(y[train], one.own) > 0.75


def test_the_score_of_a_training_row_does_not_know_its_outcome(source: str) -> None:
    random = np.random.default_rng(1)
    texts = ["".join(random.choice(list("abcdefgh "), 30)) for _ in range(80)]
    y = (random.random(80) < 0.5).astype(np.float64)
    classifier, train = classifier_of(source, texts), np.arange(60)
    found: BertScores = nested_scores(classifier, y, train, np.arange(60, 80), Tuning(1e-2, 60), n_folds=3, seed=0)
    assert auc(y[train], found.in_sample) > 0.95
    assert auc(y[train], found.own) < 0.75


def test_a_reduced_schema_keeps_the_named_columns() -> None:
    schema = paper_protocol.reduced(load_schema("lending_club"), paper_protocol.FEATURES.split(","), "desc")
    assert sorted(found.name for found in schema.features) == sorted(paper_protocol.FEATURES.split(","))
    assert [found.name for found in schema.narratives] == ["desc"]
    assert schema.derived == ()
    assert schema.field_of(Role.TARGET) is not None
    assert schema.strip == load_schema("lending_club").strip


def test_columns_become_one_matrix(tmp_path: Path) -> None:
    rows = [row(id="1", home="own", income="10"), row(id="2", home="rent", income="NA"), row(id="3", home="")]
    schema = paper_protocol.reduced(small_schema(), ["income", "home"], "note")
    read = applications(tmp_path, rows)
    encoder = TabularEncoder.fit(read)
    assert encoder.cat_names[0] == "home"
    reduced_encoder = TabularEncoder(schema, {"home": ("own", "rent")}, {})
    np.testing.assert_array_equal(
        matrix(read, reduced_encoder, ["home"])[:, -1],
        [1.0, 0.0, np.nan],  # the schema lists rent first
    )
    np.testing.assert_array_equal(matrix(read, reduced_encoder, [])[:, -3:], [[0, 1, 0], [0, 0, 1], [1, 0, 0]])


def test_boosting_learns() -> None:
    pytest.importorskip("xgboost")
    random = np.random.default_rng(0)
    x = random.normal(size=(600, 3))
    y = (random.random(600) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(np.float64)
    found = boosted(x[:400], y[:400], x[400:], seed=0, threads=1)
    assert auc(y[400:], found) > 0.75
    np.testing.assert_array_equal(found, boosted(x[:400], y[:400], x[400:], seed=0, threads=1))


def test_tables_show_every_method_and_pair() -> None:
    figures = {
        name: paper_protocol.ProtocolFigures((0.6, 0.7), 0.65, 0.1, None if name == paper_protocol.SCORE else 3.0)
        for name in paper_protocol.METHODS
    }
    gain = Gain(0.01, -0.01, 0.03, 0.3)
    text = paper_protocol.tables(figures, [paper_protocol.ModelPair("a", "b", gain, gain, (gain, gain))])
    assert "| XGBoost, columns | 0.6500 | 0.6500 | 0.6000 | 0.7000 | 0.10000 | 3 |" in text
    assert "| BERT score alone | 0.6500 | 0.6500 | 0.6000 | 0.7000 | 0.10000 |  |" in text
    assert "| a against b | +0.0100 (-0.0100 to +0.0300) | 0.3 | +0.0100 | +0.0100 | +0.01000 (p 0.3) |" in text


@pytest.mark.slow
def test_the_whole_protocol(tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("xgboost")
    texts, y = texts_by_outcome(240)
    incomes = np.random.default_rng(2).integers(10, 99, 240)
    rows = [
        row(id=str(i), note=texts[i], income=str(incomes[i]), outcome="bad" if y[i] else "good") for i in range(240)
    ]
    data = write_csv(tmp_path / "rows.csv", [*rows, row(id="999", note="", outcome="bad")])
    (tmp_path / "small.json").write_text(small_schema().source, encoding="utf-8")
    where = ["--schema", str(tmp_path / "small.json"), "--data", str(data), "--encoder", source]
    what = ["--features", "income,home", "--ordered", "home", "--narrative", "note", "--longest", str(LONGEST)]
    before = torch.get_num_threads()
    try:
        paper_protocol.main([*where, *what, "--folds", "2", "--threads", "1", "--json"])
    finally:
        torch.set_num_threads(before)
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["bad"]) == (240, int(y.sum()))
    assert set(found["figures"]) == set(paper_protocol.METHODS)
    assert len(found["rates"]) == 2
    assert found["figures"][paper_protocol.OURS]["auc"] > 0.8
    assert all(len(pair["folds"]) == 2 for pair in found["pairs"])
