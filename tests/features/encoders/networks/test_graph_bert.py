"""BERT through OpenVINO and ONNX Runtime: near our own forward pass, and equal digits whoever the neighbours are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from data_schemas.errors import ContractError
from features.arrays import Floats32
from features.encoders import devices
from features.encoders.encoder import BertEncoder
from features.encoders.networks import graph_bert
from features.encoders.opening import open_encoder
from features.encoders.parity import compare_vectors, probe_vectors
from features.encoders.source_files import EMBEDDED
from features.text.cleaning import passages
from tests.support.equal_bits import check_bits_in_any_company, words
from tests.support.tiny_bert import tiny_bert
from tests.support.tiny_encoders import tiny_encoder

Engine = Literal["openvino", "onnx"]
Precision = Literal["bf16", "fp32", "int8"]
BF16: tuple[tuple[Engine, Precision], ...] = (("openvino", "bf16"),) if graph_bert.has_bf16() else ()
WAYS: tuple[tuple[Engine, Precision], ...] = (
    ("openvino", "fp32"),
    *BF16,
    ("openvino", "int8"),
    ("onnx", "fp32"),
    ("onnx", "int8"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def kept() -> Floats32:
    return probe_vectors(open_encoder(EMBEDDED, precision="fp32", device="cpu"))


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def minilm(request: pytest.FixtureRequest) -> BertEncoder:
    engine, precision = request.param
    return open_encoder(EMBEDDED, engine=engine, precision=precision)


def test_bits_depend_neither_on_other_texts_nor_on_threads(minilm: BertEncoder) -> None:
    check_bits_in_any_company(minilm, words(30, 50, seed=1) + words(2, 400, seed=2), n_copies=40)


def test_an_engine_opened_anew_gives_the_same_bits(minilm: BertEncoder) -> None:
    engine = "onnx" if minilm.model.engine.startswith("onnx") else "openvino"
    again = open_encoder(EMBEDDED, engine=engine, precision=minilm.precision)  # type: ignore[arg-type]
    assert again.digest == minilm.digest
    np.testing.assert_array_equal(again.encode(["the roof leaks"]), minilm.encode(["the roof leaks"]))


def test_vectors_pass_parity_with_those_of_torch_in_their_own_precision(minilm: BertEncoder, kept: Floats32) -> None:
    found = probe_vectors(minilm)
    assert compare_vectors(kept, found, minilm.precision).holds
    assert compare_vectors(kept, found, "fp32").holds == (minilm.precision == "fp32")


def test_a_fault_of_a_thousandth_in_every_value_is_caught(minilm: BertEncoder, kept: Floats32) -> None:
    spoiled = probe_vectors(minilm) + np.float32(1e-3)
    assert not compare_vectors(kept, spoiled, minilm.precision).holds


def test_passages_have_their_vectors(minilm: BertEncoder) -> None:
    text = "the roof leaks. the rent is due in may. we pay."
    found = minilm.encode_parts([text], [passages(text)])
    assert np.diff(found.bounds).tolist() == [3]
    np.testing.assert_array_equal(found.whole, minilm.encode([text]))


def test_digests_tell_engines_apart_and_models_do_not(folder: Path) -> None:
    opened = [open_encoder(str(folder), precision="fp32", device="cpu", window=32)]
    opened += [open_encoder(str(folder), engine=engine, precision=way, window=32) for engine, way in WAYS]
    assert len({one.digest for one in opened}) == len(opened)
    assert len({one.model_digest for one in opened}) == 1


@pytest.mark.parametrize("engine", ["openvino", "onnx"])
def test_a_window_as_long_as_the_model_knows_is_read(folder: Path, engine: Engine) -> None:
    texts = ["a b c " * 40, "a b c " * 20 + "d"]
    found = open_encoder(str(folder), engine=engine, precision="fp32", window=64).encode(texts)
    expected = open_encoder(str(folder), precision="fp32", device="cpu", window=64).encode(texts)
    np.testing.assert_allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("engine", ["openvino", "onnx"])
def test_tuned_tensors_take_the_place_of_the_sources(folder: Path, engine: Engine) -> None:
    name = "encoder.layer.1.output.dense.bias"
    tuned = {name: torch.full((32,), 0.5)}
    found = open_encoder(str(folder), engine=engine, precision="fp32", window=32, replaced=tuned).encode(["a b"])
    expected = open_encoder(str(folder), precision="fp32", device="cpu", window=32, replaced=tuned).encode(["a b"])
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_auto_is_torch(folder: Path) -> None:
    own = open_encoder(str(folder), precision="fp32", device="cpu", window=32)
    assert own.digest == open_encoder(str(folder), engine="torch", precision="fp32", device="cpu", window=32).digest
    assert own.model.engine == ""


def test_what_an_engine_cannot_do_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"torch does not compute .* int8.*encoder\.engine to openvino"):
        open_encoder(str(folder), precision="int8", window=32)
    with pytest.raises(ContractError, match=r"ONNX Runtime does not compute in bf16"):
        open_encoder(str(folder), engine="onnx", precision="bf16", window=32)
    with pytest.raises(ContractError, match=r"openvino computes on the CPU alone"):
        open_encoder(str(folder), engine="openvino", device="cuda", window=32)
    with pytest.raises(ContractError, match=r"onnx runs plain BERT encoders alone.*engine to torch"):
        open_encoder(str(tiny_encoder(tmp_path / "other", "roberta")), engine="onnx", window=32)
    with pytest.raises(ContractError, match=r"needs a plain BERT encoder.*encoder\.engine = torch"):
        _ = open_encoder(str(folder), engine="onnx", window=32).bert


def test_an_engine_that_is_not_installed_is_named_with_its_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "find_spec", lambda _name: None)
    with pytest.raises(ContractError, match=r"needs onnxruntime and onnx.*pip install 'creditfusion\[onnx\]'"):
        open_encoder(str(folder), engine="onnx", window=32)


def test_openvino_refuses_bf16_that_the_processor_has_not(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_bert, "can_pack", lambda _dtype: False)
    with pytest.raises(ContractError, match=r"cannot compute in bf16 on this processor.*precision to fp32"):
        open_encoder(str(folder), engine="openvino", precision="bf16", window=32)
