"""`creditfusion bundle engine`: the same model behind another engine, with what that changes on record."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fusion.bundle import verify
from fusion.bundle_folder import is_bundle
from fusion.scorer import load_scorer
from tests.support.command_line import creditfusion
from tests.support.explained import Trained
from tests.support.scoring_in_parts import contents

ROWS = 20


def change(trained: Trained, out: Path, *more: object) -> int:
    """Run the verb on the first applications of ``trained``; its exit code."""
    named = ["--data", trained.data, "--rows", ROWS, "--out", out, "--json"]
    return creditfusion("bundle", "engine", trained.model, *named, *more)


@pytest.mark.parametrize("engine", ["openvino", "onnx"])
def test_the_new_bundle_scores_by_its_engine_and_states_the_difference(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    pytest.importorskip("onnx", reason="no graph can be built")
    pytest.importorskip({"openvino": "openvino", "onnx": "onnxruntime"}[engine], reason="the engine is not installed")
    out = tmp_path / "moved"
    assert change(trained, out, "--to", engine, "--precision", "fp32") == 0
    summary = json.loads(capsys.readouterr().out)
    old, new = load_scorer(trained.model), load_scorer(out)
    pds = [scorer.score(trained.table.astype(str)).scores["pd"].to_numpy()[:ROWS] for scorer in (old, new)]
    assert summary["rows"] == ROWS
    assert summary["largest difference of PD"] == np.abs(pds[1] - pds[0]).max()
    assert summary["from_model"] == old.model_id
    assert summary["model_id"] == new.model_id != old.model_id
    assert new.bundle.config.encoder.engine == engine
    assert new.encoder_digest != old.encoder_digest  # the cache keeps the vectors of each apart
    figures = new.bundle.manifest.provenance.figures
    (stated,) = (value for name, value in figures.items() if name.endswith("largest difference of PD"))
    assert stated == summary["largest difference of PD"]
    assert old.model_id in (out / "card.md").read_text()
    same = verify(trained.model)[1].keys() - {"config.json", "card.md"}
    assert {name: contents(out)[name] for name in same} == {name: contents(trained.model)[name] for name in same}


def test_what_moves_scores_too_far_is_not_written(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("openvino", reason="the engine is not installed")
    out = tmp_path / "moved"
    assert change(trained, out, "--to", "openvino", "--precision", "int8", "--at-most", "0.0000001") == 1
    assert "more than 1e-07" in capsys.readouterr().err
    assert not out.exists()


def test_what_changes_nothing_or_does_not_run_is_refused(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for more, what in (
        (("--to", "torch"), "already"),
        (("--to", "torch", "--precision", "int8"), "openvino or onnx"),
        (("--to", "torch", "--out", trained.model), "holds a model already"),
    ):
        assert change(trained, tmp_path / "moved", *more) == 2
        assert what in capsys.readouterr().err
    assert is_bundle(trained.model)
    assert not (tmp_path / "moved").exists()
