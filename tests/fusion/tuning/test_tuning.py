"""Supervised tuning of an encoder, on tiny encoders of random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from features.encoders.encoder import BertEncoder
from features.encoders.opening import open_encoder
from features.encoders.windows import cut_windows
from fusion.config import EncoderConfig, TuningConfig
from fusion.metrics import auc
from fusion.tuning import tuning
from fusion.tuning.fold import Epoch, News, Way, train_fold
from fusion.tuning.lower_layers import Tokens, text_inputs
from fusion.tuning.network import Pieces, open_network
from fusion.tuning.reading import Reading, TuningRows
from fusion.tuning.tuning import Trained, Tuned, tune
from tests.support.tiny_bert import tiny_bert

N = 160
LEARNING = TuningConfig(n_layers=1, epochs=3, patience=3, batch_rows=8, learning_rate=2e-3, window=16, dropout=0.0)
Method = Literal["head-layers", "lora", "full"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("encoder"))


def settings(source: Path, method: Method = "head-layers") -> EncoderConfig:
    return EncoderConfig(source=str(source), window=16, tuning=method, precision="fp32")


def opened(source: Path) -> BertEncoder:
    return open_encoder(str(source), precision="fp32", window=16)


def make_rows(source: Path, seed: int = 0) -> TuningRows:
    """Rows whose outcome hangs on the order of two words: their mean says nothing of it. Some write nothing."""
    draw = np.random.default_rng(seed)
    first = draw.random(N) < 0.5
    texts = tuple("" if n % 10 == 9 else ("loan paid late" if one else "late paid loan") for n, one in enumerate(first))
    titles = tuple("car " * (1 + n % 30) for n in range(N))
    y = np.where(draw.random(N) < 0.1, ~first, first).astype(np.float64)
    encoder = opened(source)
    x_text = np.stack([encoder.encode(texts), encoder.encode(titles)], axis=1)
    x_text[[not text for text in texts], 0] = 0.0
    return TuningRows((texts, titles), x_text, y, np.ones(N), np.zeros(N), np.arange(N) % 2)


@pytest.fixture(scope="module")
def rows(source: Path) -> TuningRows:
    return make_rows(source)


@pytest.fixture(scope="module", params=["head-layers", "lora", "full"])
def tuned(request: pytest.FixtureRequest, source: Path, rows: TuningRows) -> Tuned:
    return tune(rows, source, settings(source, request.param), LEARNING)


def test_what_is_learned_shows_in_vectors_out_of_fold(tuned: Tuned, rows: TuningRows) -> None:
    written = np.array([bool(text) for text in rows.texts[0]])
    x, y = tuned.x_text[:, 0], rows.y
    axis = x[written & (y == 1)].mean(axis=0) - x[written & (y == 0)].mean(axis=0)
    assert auc(y[written], (x @ axis)[written].astype(np.float64)) > 0.8
    assert not x[~written].any()
    assert np.array_equal(tuned.x_text, tuned.x_text.astype(np.float16).astype(np.float32))


def test_the_training_loss_falls(tuned: Tuned) -> None:
    for fold in (0, 1):
        own = [epoch for epoch in tuned.epochs if epoch.fold == fold]
        assert own[-1].train_loss < own[1].train_loss
        assert sum(epoch.taken for epoch in own) == 1


def test_equal_rows_and_seed_give_equal_bits_on_any_number_of_threads(source: Path, rows: TuningRows) -> None:
    n_threads = torch.get_num_threads()
    found = []
    for n in (1, 2):
        torch.set_num_threads(n)
        found.append(tune(rows, source, settings(source), learning_for(1)))
    torch.set_num_threads(n_threads)
    one, other = found
    assert np.array_equal(one.x_text, other.x_text)
    assert all(np.array_equal(one.tensors[name], other.tensors[name]) for name in one.tensors)
    assert [replace(epoch, seconds=0.0) for epoch in one.epochs] == [
        replace(epoch, seconds=0.0) for epoch in other.epochs
    ]
    reseeded = tune(rows, source, settings(source), learning_for(1), seed=1)
    assert not np.array_equal(one.x_text, reseeded.x_text)


@pytest.mark.parametrize("method", ["head-layers", "lora", "full"])
def test_what_is_computed_in_bf16_learns_and_has_equal_bits(source: Path, rows: TuningRows, method: Method) -> None:
    in_bf16 = settings(source, method).model_copy(update={"precision": "bf16"})
    one, other = (tune(rows, source, in_bf16, learning_for(2)) for _ in range(2))
    assert np.array_equal(one.x_text, other.x_text)
    own = [epoch for epoch in one.epochs if epoch.fold == 0]
    assert own[-1].train_loss < own[1].train_loss
    in_fp32 = tune(rows, source, settings(source, method), learning_for(2))
    assert [epoch.train_loss for epoch in one.epochs] != [epoch.train_loss for epoch in in_fp32.epochs]
    assert all(value.dtype == np.float32 for value in one.tensors.values())


def test_with_int8_it_learns_as_with_auto_because_eight_bits_learn_nothing(source: Path, rows: TuningRows) -> None:
    updates = ({"precision": "int8", "engine": "openvino"}, {"precision": "auto"})
    one, other = (tune(rows, source, settings(source).model_copy(update=own), learning_for(1)) for own in updates)
    assert np.array_equal(one.x_text, other.x_text)
    assert one.tensors.keys() == other.tensors.keys()
    assert all(np.array_equal(value, other.tensors[name]) for name, value in one.tensors.items())


def learning_for(n_epochs: int) -> TuningConfig:
    return LEARNING.model_copy(update={"epochs": n_epochs, "dropout": 0.1})


def test_only_layers_that_learn_have_tensors(source: Path, rows: TuningRows) -> None:
    n_layers = len(opened(source).bert.layers)
    top = tune(rows, source, settings(source), LEARNING).tensors
    assert {name.split(".")[2] for name in top} == {str(n_layers - 1)}
    assert all(value.ndim == 2 for value in tune(rows, source, settings(source, "lora"), LEARNING).tensors.values())
    everything = tune(rows, source, settings(source, "full"), LEARNING).tensors
    assert "embeddings.word_embeddings.weight" in everything


def test_a_row_is_encoded_without_learning_from_its_outcome(source: Path, rows: TuningRows) -> None:
    own = rows.fold == 0
    turned = replace(rows, y=np.where(own, 1.0 - rows.y, rows.y))
    before = tune(rows, source, settings(source), LEARNING)
    after = tune(turned, source, settings(source), LEARNING)
    assert np.array_equal(before.x_text[own], after.x_text[own])
    assert not np.array_equal(before.x_text[~own], after.x_text[~own])


@pytest.mark.parametrize("prefix", ["", "query: "])
def test_lower_layers_from_disk_lead_to_the_vectors_of_the_whole_encoder(source: Path, prefix: str) -> None:
    encoder = open_encoder(str(source), precision="fp32", window=64, prefix=prefix)
    texts = ["late", "loan paid late again", ""]
    generator = torch.Generator().manual_seed(0)
    network = open_network(source, encoder, settings(source), LEARNING, 1, generator).eval()
    with text_inputs(texts, encoder, LEARNING.n_layers) as inputs, torch.no_grad():
        found = network.vectors(pieces([inputs[at] for at in range(3)]))
    assert np.abs(found.numpy() - encoder.encode(texts)).max() < 5e-3  # both are rounded to float16 on the way


def pieces(tokens: Sequence[Tokens]) -> Pieces:
    return Pieces([own[np.arange(len(own))] for own in tokens], range(len(tokens)), [0] * len(tokens), len(tokens))


def test_a_long_text_keeps_all_its_tokens_in_their_order(source: Path) -> None:
    encoder = opened(source)
    text = " ".join(["loan paid late car"] * 20)
    whole = cut_windows(encoder.tokenizer, 10**9, [text], [()])[0].ids
    with text_inputs([text, "late"], encoder, 10**3) as inputs:  # no layer below: the embeddings alone
        found = np.array(inputs[0])
        short = np.array(inputs[1])
    assert found.shape == (len(whole), encoder.dim)
    assert np.isfinite(found).all()
    assert found.any(axis=1).all()
    assert np.array_equal(short[0], found[0])  # the first special token stands at the first place


def test_every_epoch_and_row_is_reported(source: Path, rows: TuningRows) -> None:
    epochs: list[Epoch] = []
    steps: list[int] = []
    found = tune(rows, source, settings(source), learning_for(2), epochs.append, steps.append)
    assert [replace(epoch, taken=False) for epoch in sorted(epochs, key=lambda one: (one.fold, one.number))] == [
        replace(epoch, taken=False) for epoch in found.epochs
    ]
    assert sum(steps) == 2 * 2 * int(0.9 * N / 2)


def test_the_encoder_stays_as_it_came_where_no_epoch_is_better(source: Path, rows: TuningRows) -> None:
    harmful = learning_for(1).model_copy(update={"learning_rate": 1.0})
    found = tune(rows, source, settings(source), harmful)
    assert not found.tensors
    assert np.array_equal(found.x_text, rows.x_text)
    assert [epoch.number for epoch in found.epochs if epoch.taken] == [0, 0]


def test_an_interruption_ends_all_folds_at_their_next_step(source: Path, rows: TuningRows) -> None:
    steps: list[int] = []

    def interrupt(n: int) -> None:
        steps.append(n)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        tune(rows, source, settings(source), learning_for(100), advance=interrupt)
    assert len(steps) == 1


def test_a_fold_that_fails_ends_the_others_and_says_why(
    source: Path, rows: TuningRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(reading: Reading, fold: int, way: Way, tell: News) -> Trained:
        if fold == 1:
            raise RuntimeError("out of memory")
        return train_fold(reading, fold, way, tell)

    monkeypatch.setattr(tuning, "train_fold", broken)
    epochs: list[Epoch] = []
    with pytest.raises(RuntimeError, match="out of memory"):
        tune(rows, source, settings(source), learning_for(100), epochs.append)
    assert len(epochs) < 100
