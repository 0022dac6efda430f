"""Trained bundles beside each other on the same rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.benchmarks.settings import bundles_compared
from experiments.demo.data import generate
from tests.support.bundles import train_small


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two bundles that differ in what they hear of the narratives."""
    folder, table = tmp_path_factory.mktemp("models"), generate(500, 1).table
    return [train_small(folder / "one", table), train_small(folder / "other", table, "text.vectors=false")]


def test_narratives_and_whole_models_are_compared_with_the_first(
    models: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = tmp_path / "later.csv"
    generate(300, 2).table.to_csv(later, index=False)
    line = [part for model in models for part in ("--model", str(model))]
    bundles_compared.main([*line, "--data", str(later), "--json"])
    found = json.loads(capsys.readouterr().out)
    one, other = found["models"]
    assert found["rows"] == 300
    assert one["gain_text_only"]["difference"] == one["gain_fused"]["difference"] == 0
    assert other["auc_text_only"] != one["auc_text_only"]
    for part in ("text_only", "fused"):
        gain = other[f"auc_{part}"] - one[f"auc_{part}"]
        assert other[f"gain_{part}"]["difference"] == pytest.approx(gain)


def test_the_table_leaves_out_the_gain_of_the_first(
    models: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = tmp_path / "later.csv"
    generate(300, 2).table.to_csv(later, index=False)
    bundles_compared.main(["--model", str(models[0]), "--data", str(later)])
    header, _, row, *_ = capsys.readouterr().out.splitlines()
    cells = dict(enumerate(cell.strip() for cell in row.strip("|").split("|")))
    assert header == "| model | AUC text | gain (95 %) | p | AUC model | gain (95 %) | p |"
    assert [cells[at] for at in (0, 2, 3, 5, 6)] == ["model", "", "", "", ""]
