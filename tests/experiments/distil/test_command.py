"""``creditfusion distil``: a folder that encoder.source takes, nearer to its teacher than it began, the same twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.demo.data import generate
from features.encoders.opening import open_encoder
from tests.support.command_line import creditfusion
from tests.support.tiny_bert import tiny_bert
from tests.support.tiny_encoders import tiny_encoder

FILES = ("config.json", "tokenizer.json", "model.safetensors", "README.md", "encoder.json")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("distil")
    path = folder / "letters.txt"
    notes = [text for text in generate(300, 1).table["statement"] if text]
    path.write_text("\n".join(" ".join(note.split()) for note in notes))
    tiny_bert(folder / "teacher")
    return path


def distil(data: Path, out: Path, layers: int, source: str = "") -> None:
    teacher = source or str(data.parent / "teacher")
    named = ["--data", str(data), "--encoder", teacher, "--layers", str(layers), "--window", "48", "--epochs", "2"]
    assert creditfusion("distil", *named, "--out", str(out)) == 0


@pytest.mark.parametrize("layers", [0, 1])
def test_two_runs_give_the_same_folder_and_it_is_near_the_teacher(data: Path, tmp_path: Path, layers: int) -> None:
    for name in ("one", "two"):
        distil(data, tmp_path / name, layers)
    for file in FILES:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file
    assert json.loads((tmp_path / "one" / "config.json").read_text())["model_type"] == ("bert" if layers else "static")
    student, teacher = (
        open_encoder(str(folder), precision="fp32", device="cpu", window=48)
        for folder in (tmp_path / "one", data.parent / "teacher")
    )
    texts = data.read_text().splitlines()[:100]
    wanted = teacher.encode(texts)
    error = np.mean((student.encode(texts) - wanted) ** 2)
    assert error < np.mean((wanted - wanted.mean(0)) ** 2)
    parts = student.encode_parts(["a b! c d."], [[(0, 5), (5, 9)]])
    np.testing.assert_array_equal(parts.whole, student.encode(["a b! c d."]))


def test_no_text_is_in_the_folder(data: Path, tmp_path: Path) -> None:
    distil(data, tmp_path / "out", 0)
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert not [text for text in data.read_text().splitlines() if len(text) > 20 and text.encode() in written]


def test_a_table_is_made_of_another_family_and_layers_are_refused(data: Path, tmp_path: Path) -> None:
    teacher = str(tiny_encoder(tmp_path / "roberta", "roberta"))
    distil(data, tmp_path / "table", 0, teacher)
    named = ["--data", str(data), "--encoder", teacher, "--layers", "1", "--window", "48"]
    assert creditfusion("distil", *named, "--out", str(tmp_path / "layers")) == 2


def test_rows_that_break_the_contract_are_kept_with_their_rule(data: Path, tmp_path: Path) -> None:
    table = generate(80, 1).table.astype(object)
    table.loc[3, "annual_income"] = "much"
    table.to_csv(tmp_path / "past.csv", index=False)
    named = ["--schema", "demo", "--data", str(tmp_path / "past.csv"), "--encoder", str(data.parent / "teacher")]
    assert creditfusion("distil", *named, "--layers", "0", "--window", "48", "--out", str(tmp_path / "small")) == 3
    rejects = pd.read_csv(tmp_path / "small.rejects.csv")
    assert len(rejects) == 1
    assert rejects["column"].tolist() == ["annual_income"]
