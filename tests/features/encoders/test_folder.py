from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from data_schemas.errors import ContractError
from features.encoders.folder import DIGESTS, EncoderContent, usage_files, write_encoder_folder
from features.encoders.opening import open_encoder
from tests.support.tiny_bert import tiny_bert


def content_of(folder: Path, beside: dict[str, bytes] | None = None) -> EncoderContent:
    return EncoderContent(
        json.loads((folder / "config.json").read_text()),
        (folder / "tokenizer.json").read_text(),
        load_file(folder / "model.safetensors"),
        "# An encoder\n",
        beside or {},
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tiny_bert(tmp_path / "source")


def test_what_is_written_encodes_as_its_source_does(source: Path, tmp_path: Path) -> None:
    digest = write_encoder_folder(tmp_path / "out", content_of(source))
    ours, theirs = (open_encoder(str(folder), window=32) for folder in (tmp_path / "out", source))
    assert ours.source_digest == digest == json.loads((tmp_path / "out" / DIGESTS).read_text())["digest"]
    np.testing.assert_array_equal(ours.encode(["i pay my rent."]), theirs.encode(["i pay my rent."]))
    assert (tmp_path / "out" / "README.md").read_text() == "# An encoder\n"


def test_equal_content_gives_equal_bytes(source: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_encoder_folder(tmp_path / name, content_of(source))
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_an_older_encoder_is_replaced_and_anything_else_is_not(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_encoder_folder(out, content_of(source))
    write_encoder_folder(out, content_of(tiny_bert(tmp_path / "other", seed=1)))
    assert open_encoder(str(out), window=32).encode(["a"]).shape == (1, 32)
    with pytest.raises(ContractError, match="is no encoder folder that creditfusion wrote"):
        write_encoder_folder(source, content_of(out))


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_changed_file_is_noticed(source: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    write_encoder_folder(out, content_of(source))
    other = tiny_bert(tmp_path / "other", seed=1)
    (out / name).write_bytes((other / name).read_bytes() + b"\n")
    with pytest.raises(ContractError, match=r"its files are not those that encoder\.json names"):
        open_encoder(str(out), window=32)


def test_digests_that_cannot_be_read_are_refused(source: Path, tmp_path: Path) -> None:
    write_encoder_folder(tmp_path / "out", content_of(source))
    (tmp_path / "out" / DIGESTS).write_text("[]")
    with pytest.raises(ContractError, match=r"encoder\.json cannot be read"):
        open_encoder(str(tmp_path / "out"), window=32)


def test_how_an_encoder_is_used_goes_with_it(source: Path, tmp_path: Path) -> None:
    (source / "1_Pooling").mkdir()
    (source / "1_Pooling" / "config.json").write_text("{}")
    beside = usage_files(source)
    write_encoder_folder(tmp_path / "out", content_of(source, beside))
    assert usage_files(tmp_path / "out") == beside == {"1_Pooling/config.json": b"{}"}
