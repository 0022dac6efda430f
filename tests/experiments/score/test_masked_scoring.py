"""What a model was not to learn from is cut from what it scores: the digits are those of a text without it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from data_schemas.reader import load_schema
from experiments.cli import app, guarded
from experiments.demo.data import generate
from experiments.session.run import Run
from experiments.train.job import TrainingFiles, read_decided, train_bundle
from features.tables.reader import ReadOptions
from fusion.bundle import load
from fusion.config import load_config
from fusion.text_encoder import open_text_encoder
from tests.support.tiny_bert import tiny_bert

SMALL = ["encoder.window=64", "folds.n_folds=2", "stacker.n_trees=30", "text.n_buckets=256", "head.steps=20"]
KINDS = "['health', 'family']"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that masks two kinds."""
    folder = tmp_path_factory.mktemp("masked")
    generate(300, 1).table.to_csv(folder / "past.csv", index=False)
    encoder = f"encoder.source='{tiny_bert(folder / 'encoder')}'"
    config = load_config(None, [encoder, *SMALL, f"text.mask={KINDS}"])
    with Run.start("train", None, {}) as run:
        files = TrainingFiles((folder / "past.csv",), folder / "model")
        read = read_decided(load_schema("demo"), files.data, ReadOptions(need_target=True), run)
        report = train_bundle(read, files, config, open_text_encoder(config.encoder), run)
    assert report.masked["health"] > 0
    return folder / "model"


def score(
    model: Path, folder: Path, statements: list[str], capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[pd.DataFrame, Any]:
    """Score one applicant as often as there are statements; the scored rows and the summary."""
    folder.mkdir(exist_ok=True)
    table = generate(len(statements), 2).table.drop(columns="outcome").astype(object)
    for name in set(table.columns) - {"application_id"}:
        table[name] = [table[name].iloc[0]] * len(table)
    table["statement"], table["job_title"] = statements, ""
    table.to_csv(folder / "new.csv", index=False)
    files = ["--model", str(model), "--data", str(folder / "new.csv"), "--out", str(folder / "out.csv")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["creditfusion", "score", *files, "--no-cache", "--json", *more])
        assert guarded(app) == 0
    return pd.read_csv(folder / "out.csv", keep_default_na=False), json.loads(capsys.readouterr().out)


def test_a_bundle_keeps_what_it_masks(model: Path) -> None:
    assert len(load(model).config.text.mask) == 2
    assert "Cut from the narratives before they were read: sentences that tell of health (of " in (
        (model / "card.md").read_text()
    )


def test_a_narrative_that_is_cut_whole_scores_as_none(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ["I had surgery.", "", "My wife is at church.", "I had surgery. My wife is at church."]
    found, summary = score(model, tmp_path, told, capsys, "--reasons", "1")
    assert found["pd"].nunique() == found["score"].nunique() == 1
    for row, kinds in enumerate(["health", "", "family", "health,family"]):
        quality = [flag for flag in found["data_quality"][row].split(";") if flag.startswith("masked")]
        assert set(kinds.split(",")) - {""} <= set("".join(quality).removeprefix("masked:").split(","))
    assert "no_narrative" in found["data_quality"][1]
    assert summary["data_quality"]["masked:health"] >= 2
    assert summary["data_quality"]["masked:family"] >= 2
    assert found["narrative_points"].nunique() == 1
    assert not found["reason_flags"].str.contains("sensitive").any()


def test_the_size_of_the_chunks_changes_nothing(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ["A roof. I had surgery. Thanks.", "A roof.", "", "My wife waits.", "A roof. Thanks."]
    whole, _ = score(model, tmp_path / "whole", told, capsys, "--reasons", "0")
    small, _ = score(model, tmp_path / "small", told, capsys, "--reasons", "0", "--chunk-rows", "2")
    pd.testing.assert_frame_equal(whole, small)
