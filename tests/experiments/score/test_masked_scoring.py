"""What a model was not to learn from is cut from what it scores: the digits are those of a text without it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments.demo.data import generate
from fusion.bundle import load
from tests.support.bundles import train_small
from tests.support.command_line import creditfusion

KINDS = "['health', 'family']"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that masks two kinds."""
    folder = tmp_path_factory.mktemp("masked")
    return train_small(folder, generate(600, 1).table, f"text.mask={KINDS}")


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
    assert creditfusion("score", *files, "--no-cache", "--json", *more) == 0
    return pd.read_csv(folder / "out.csv", keep_default_na=False), json.loads(capsys.readouterr().out)


def test_a_bundle_keeps_what_it_masks(model: Path) -> None:
    assert len(load(model).config.text.mask) == 2
    cut = "Cut from the narratives before they were read: sentences that tell of health "
    assert re.search(cut + r"\(of [1-9]\d* applications\)", (model / "card.md").read_text())


def test_a_narrative_that_is_cut_whole_scores_as_none(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ["I had surgery.", "", "My wife is at church.", "I had surgery. My wife is at church."]
    found, summary = score(model, tmp_path, texts, capsys, "--reasons", "1")
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
    texts = ["A roof. I had surgery. Thanks.", "A roof.", "", "My wife waits.", "A roof. Thanks."]
    whole, _ = score(model, tmp_path / "whole", texts, capsys, "--reasons", "0")
    small, _ = score(model, tmp_path / "small", texts, capsys, "--reasons", "0", "--chunk-rows", "2")
    pd.testing.assert_frame_equal(whole, small)
