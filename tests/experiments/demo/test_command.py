from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from data_schemas.errors import ContractError
from experiments.demo import job
from experiments.demo.job import N_REPORTED, DemoFiles, check_folder, judge, write_files
from experiments.demo.records import DATES
from fusion.config_file import load_config
from tests.support.bundles import SMALL
from tests.support.command_line import creditfusion
from tests.support.tiny_bert import tiny_bert


@pytest.fixture
def files(tmp_path: Path) -> DemoFiles:
    return DemoFiles(tmp_path / "demo")


def write_scores(files: DemoFiles, pds: np.ndarray) -> None:
    frame = pd.DataFrame({"row": np.arange(1, len(pds) + 1), "pd": pds})
    frame.sample(frac=1, random_state=1).to_csv(files.scored, index=False)


def test_new_applications_are_later_and_carry_no_outcome(files: DemoFiles) -> None:
    write_files(files, 500, seed=1)
    past, new, truth = (pd.read_csv(path) for path in (files.past, files.new, files.truth))
    assert (len(past), len(new), len(truth)) == (500, 200, 200)
    assert past["applied_on"].max() < new["applied_on"].min()
    assert "outcome" in past
    assert not {"outcome", "true_pd"} & set(new)
    assert list(truth["application_id"]) == list(new["application_id"])
    assert "synthetic" in files.about.read_text()


def test_the_rule_itself_has_the_best_figures(files: DemoFiles) -> None:
    write_files(files, 5000, seed=1)
    truth = pd.read_csv(files.truth)
    write_scores(files, truth["true_pd"].to_numpy())
    figures: dict[str, Any] = dict(judge(files, truth["column_log_odds"].to_numpy()))
    y = truth["outcome"] == "defaulted"
    assert figures["AUC of the model"] == pytest.approx(roc_auc_score(y, truth["true_pd"]))
    assert figures["short of the best by"] == pytest.approx(0, abs=1e-12)
    assert figures["correlation of log-odds with the rule"] == pytest.approx(1)
    assert figures["AUC of the columns alone"] == figures["best possible AUC of the columns"]
    low, high = figures["gain, 95 % interval"]
    assert 0 < low < figures["gain from the words"] < high


def test_scores_without_meaning_get_figures_of_chance(files: DemoFiles) -> None:
    write_files(files, 5000, seed=1)
    random = np.random.default_rng(0)
    write_scores(files, random.uniform(0.01, 0.99, 2000))
    figures: dict[str, Any] = dict(judge(files, pd.read_csv(files.truth)["column_log_odds"].to_numpy()))
    assert figures["AUC of the model"] == pytest.approx(0.5, abs=0.05)
    assert figures["gain from the words"] < 0
    assert figures["short of the best by"] > 0.2


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, files: DemoFiles) -> None:
    check_folder(tmp_path / "absent")
    files.folder.mkdir()
    check_folder(files.folder)
    (files.folder / "thesis.txt").touch()
    with pytest.raises(ContractError, match="holds files that are no demo's"):
        check_folder(files.folder)
    with pytest.raises(ContractError, match="is a file"):
        check_folder(files.folder / "thesis.txt")


def run_demo(out: Path) -> int:
    return creditfusion("demo", "--rows", 400, "--seed", 3, "--out", out, "--json")


def test_the_demo_runs_from_nothing_and_again_over_itself_to_the_same_bytes(
    capsys: pytest.CaptureFixture[str], files: DemoFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a small encoder and model; the demo below has the usual ones."""
    config = load_config(None, [f"encoder.source='{tiny_bert(tmp_path / 'encoder')}'", *SMALL])
    monkeypatch.setattr(job, "Config", lambda: config)
    assert run_demo(files.folder) == 0
    first: dict[str, Any] = json.loads(capsys.readouterr().out)
    scored = files.scored.read_bytes()
    assert first["data"] == "synthetic, nothing in it is real"
    assert (first["past applications"], first["new applications"]) == (400, 160)
    assert 0.5 < first["on the new applications"]["AUC of the model"] < 1
    assert all(Path(path).exists() for path in first["files"].values())
    scored_table = pd.read_csv(files.scored, keep_default_na=False)
    assert {"reason_1", "reason_4", "reason_1_wording", "reason_1_points", "narrative_points"} <= set(scored_table)
    assert (scored_table["reason_1"] != "").mean() > 0.9
    assert "reasons" in files.about.read_text()
    index = json.loads((files.reports / "index.json").read_text())
    worst = scored_table.sort_values("pd", ascending=False)["id"].head(N_REPORTED)
    assert [entry["id"] for entry in index["entries"]] == list(worst)
    assert (files.reports / "index.html").exists()
    assert run_demo(files.folder) == 0
    again: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert again["model"] == first["model"]
    assert files.scored.read_bytes() == scored


def test_the_demo_with_sources_shows_what_each_is_worth(
    capsys: pytest.CaptureFixture[str], files: DemoFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(None, [f"encoder.source='{tiny_bert(tmp_path / 'encoder')}'", *SMALL])
    monkeypatch.setattr(job, "Config", lambda: config)
    assert creditfusion("demo", "--sources", "--rows", 400, "--seed", 3, "--out", files.folder, "--json") == 0
    captured = capsys.readouterr()
    summary: dict[str, Any] = json.loads(captured.out)
    worth = summary["AUC on the new applications"]
    assert list(worth) == ["all", *(f"without {name}" for name in DATES), "application alone"]
    best = {name: column["best possible"] for name, column in worth.items()}
    assert min(best, key=lambda name: best[name]) == "application alone"
    assert all(0.4 < column["model"] < 1 for column in worth.values())
    for column in list(worth.values())[1:]:
        low, high = column["lost, 95 % interval"]
        assert low < column["lost"] < high
    for name in DATES:
        assert Path(summary["files"][f"{name}.csv"]).exists()
        assert re.search(rf"{name}: [0-9,]+ records are dated on or after the decision and are left out", captured.err)
    truth, scored = pd.read_csv(files.truth), pd.read_csv(files.scored)
    assert {f"{name}_log_odds" for name in DATES} <= set(truth)
    assert len(scored) == len(truth) == 160
    index = json.loads((files.reports / "index.json").read_text())
    assert len(index["entries"]) == N_REPORTED


@pytest.mark.slow
def test_a_demo_of_some_thousand_rows_comes_near_the_best_possible(
    capsys: pytest.CaptureFixture[str], files: DemoFiles
) -> None:
    assert creditfusion("demo", "--rows", 6000, "--out", files.folder, "--json") == 0
    figures = json.loads(capsys.readouterr().out)["on the new applications"]
    assert (
        figures["AUC of the columns alone"]
        < figures["AUC of the model"]
        < figures["best possible AUC (the rule itself)"]
    )
    assert figures["short of the best by"] < 0.04
    assert figures["gain, 95 % interval"][0] > 0.02
