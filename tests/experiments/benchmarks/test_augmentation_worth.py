"""The benchmark of what augmentation is worth: its arithmetic, and once on a few rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.benchmarks.settings import augmentation_worth
from experiments.benchmarks.settings.augmentation_worth import Rows, margins
from experiments.demo.data import generate
from features.arrays import Floats32
from tests.support.small_word_net import small_word_net
from tests.support.tiny_bert import tiny_bert


def made(n: int = 120) -> tuple[Floats32, Rows]:
    """Vectors that tell something of the outcome, in three folds."""
    random = np.random.default_rng(0)
    own = random.normal(size=(n, 4)).astype(np.float32)
    y = (own[:, 0] + random.normal(size=n) > 0).astype(np.float64)
    return own, Rows((("",) * n,), y, np.arange(n)[None, :] % 3)


def test_copies_of_the_rows_themselves_change_nothing() -> None:
    own, rows = made()
    np.testing.assert_allclose(margins(own, [own, own], rows), margins(own, (), rows), atol=1e-3)


def test_a_row_is_scored_without_variants_of_its_fold() -> None:
    own, rows = made()
    held_out = rows.folds[0] == 1
    spoilt = own.copy()
    spoilt[held_out] = 1000.0 * rows.y[held_out, None]
    margins = [augmentation_worth._out_of_fold(own, [one], rows.y, rows.folds[0], 1e-3) for one in (own, spoilt)]
    np.testing.assert_array_equal(margins[0][held_out], margins[1][held_out])
    assert (margins[0][~held_out] != margins[1][~held_out]).any()


def test_it_measures_each_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = generate(200, seed=1).table
    table["statement"] = "i need help with a car. " + table["statement"].fillna("")
    table.to_csv(tmp_path / "past.csv", index=False)
    encoder, net = tiny_bert(tmp_path / "encoder"), small_word_net(tmp_path / "net")
    options = ["--schema", "demo", "--data", str(tmp_path / "past.csv"), "--rows", "150", "--seeds", "2"]
    settings = [f"encoder.source={encoder}", "encoder.window=16", f"augment.word_net={net}"]
    options += [part for setting in settings for part in ("--set", setting)]
    augmentation_worth.main([*options, "--kind", "synonyms", "--kind", "dropout", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert list(found["worth"]) == ["none", "synonyms", "dropout"]
    assert found["rows"] == 150
    assert found["worth"]["none"]["gain"] == 0
    assert all(len(one["auc"]) == 2 for one in found["worth"].values())
    augmentation_worth.main([*options, "--kind", "synonyms"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("| none |")
    assert lines[3].startswith("| synonyms |")
    assert "| 100% |" not in lines[2]
