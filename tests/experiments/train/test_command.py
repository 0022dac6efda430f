"""`creditfusion train` through the command line, with a tiny encoder: exit codes, summary, rejects, model card."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.reader import load_schema
from experiments.demo.data import FIRST_DAY, generate
from experiments.session.run_log import log_path
from features.tables.csv_records import data_digest
from fusion.bundle import load, verify
from fusion.policy.cutoff import cutoff_of
from tests.support.bundles import SMALL
from tests.support.command_line import creditfusion
from tests.support.tiny_bert import tiny_bert

UNTIL = str(FIRST_DAY + np.timedelta64(300, "D"))
FIGURES = [
    *("rows", "bad", "auc", "ks", "brier", "calibration_slope", "auc_columns_only", "auc_text_only"),
    *("text_gain", "text_gain_low", "text_gain_high", "text_gain_p"),
]


@dataclass(frozen=True)
class Trainer:
    """Trains on a table in a folder of its own; the exit code."""

    folder: Path
    encoder: Path
    pace: tuple[str, ...] = ("--quick",)

    def __call__(self, table: pd.DataFrame, *more: str) -> int:
        table.to_csv(self.folder / "past.csv", index=False)
        settings = [word for setting in (f"encoder.source='{self.encoder}'", *SMALL) for word in ("--set", setting)]
        files = ["--schema", "demo", "--data", str(self.folder / "past.csv"), "--out", str(self.out)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COLUMNS", "200")  # of the table: no heading is broken
            return creditfusion("train", *files, *settings, "--no-cache", "--json", *self.pace, *more)

    @property
    def out(self) -> Path:
        return self.folder / "model"

    @property
    def rejects(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "model.rejects.csv")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def train(tmp_path: Path, encoder: Path) -> Trainer:
    return Trainer(tmp_path, encoder)


def past(n_rows: int = 300) -> pd.DataFrame:
    """Decided applications of a year."""
    return generate(n_rows, 1, FIRST_DAY, 365).table.astype(object)


def test_a_place_that_cannot_take_the_bundle_is_refused_before_any_file_is_read(
    train: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    train.out.mkdir()
    (train.out / "notes.txt").write_text("mine")
    assert train(past(3), "--data", "absent.csv") == 2
    assert "exists and is not a model bundle" in capsys.readouterr().err


def test_an_older_bundle_is_replaced_only_by_force(train: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(past()) == 0
    first = (train.out / "manifest.json").read_bytes()
    capsys.readouterr()
    assert train(past(240), "--data", "absent.csv") == 2
    failed = json.loads(capsys.readouterr().out)
    assert "holds a model already" in failed["message"]
    assert "--force" in failed["remedy"]
    assert (train.out / "manifest.json").read_bytes() == first
    assert train(past(240), "--force") == 0
    assert (train.out / "manifest.json").read_bytes() != first


def test_the_summary_is_for_machines_and_the_table_and_the_card_for_people(
    train: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(past(), "--until", UNTIL) == 0
    captured = capsys.readouterr()
    summary: dict[str, Any] = json.loads(captured.out)
    manifest, contents = verify(train.out)
    assert (summary["verb"], summary["status"], summary["model"]) == ("train", "done", manifest.model_id)
    assert (summary["rows"], summary["rejected"], summary["rejected_by_rule"]) == (300, 0, {})
    assert summary["window"][1] <= UNTIL
    slices = summary["slices"]
    later = f"after {UNTIL}"
    assert {"out of fold", "out of fold, with statement", later, f"{later}, with statement"} <= set(slices)
    assert slices["out of fold"]["rows"] == summary["trained_on"] == manifest.provenance.n_rows
    assert slices["out of fold"]["rows"] + slices[later]["rows"] == 300
    for figures in slices.values():
        assert list(figures) == FIGURES
        assert figures["text_gain"] == pytest.approx(figures["auc"] - figures["auc_columns_only"], abs=1e-12)
    auc = slices[later]["auc"]
    assert auc != round(auc, 5)
    card = contents["card.md"].decode()
    digest = data_digest([train.folder / "past.csv"])
    for text in (f"### {later}", f"| AUC | {auc:.4f} |", "text's worth", f"data {digest}"):
        assert text in card
    for text in (later, "AUC columns", f"{auc:.4f}", "training window"):
        assert text in captured.err
    assert manifest.provenance.data_digest == digest
    assert train.rejects.empty


def test_the_cut_off_follows_the_bad_rate_and_is_announced(train: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    table = past()
    assert train(table) == 0
    captured = capsys.readouterr()
    config = load(train.out).config
    rate = float((table["outcome"] == "defaulted").mean())
    assert config.decision.max_pd == cutoff_of(rate)
    assert json.loads(captured.out)["cut_off"] == {
        "pd": config.decision.max_pd,
        "bad_rate": rate,
        "follows_bad_rate": True,
    }
    cutoff_line = (
        f"cut-off: PD {config.decision.max_pd:.2f} (1.4 times the odds of the bad rate, {100 * rate:.1f}\u202f%)"
    )
    assert cutoff_line in captured.err
    assert cutoff_line in log_path(train.out).read_text(encoding="utf-8")


def test_a_cut_off_of_the_settings_stays(train: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(past(), "--set", "decision.max_pd=0.123") == 0
    captured = capsys.readouterr()
    assert load(train.out).config.decision.max_pd == 0.123
    assert not json.loads(captured.out)["cut_off"]["follows_bad_rate"]
    assert "cut-off: PD 0.123 (decision.max_pd; bad rate " in captured.err


def test_a_share_drawn_at_random_judges_the_model(train: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(past(), "--holdout", "0.3") == 0
    summary = json.loads(capsys.readouterr().out)
    held_out = summary["slices"]["held out 30\u202f%"]
    assert 80 <= held_out["rows"] <= 90
    assert held_out["rows"] + summary["trained_on"] == 300
    assert "### held out 30\u202f%" in verify(train.out)[1]["card.md"].decode()


def test_a_share_beside_a_day_is_refused_before_any_file_is_read(
    train: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(past(3), "--holdout", "0.3", "--until", UNTIL, "--data", "absent.csv") == 2
    assert "both name the rows that judge the model" in capsys.readouterr().err


def test_what_is_cut_from_the_narratives_is_counted(train: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    table = past()
    table["statement"] = "I need a new roof."
    table.loc[:9, "statement"] = "I need a new roof. My wife had surgery."
    table.loc[10:14, "statement"] = "My church helps."
    assert train(table, "--set", "text.mask=['health', 'religion']") == 0
    captured = capsys.readouterr()
    masked = json.loads(captured.out)["masked"]
    assert masked["health"] >= 10  # whatever the encoder of random weights adds to the words
    assert masked["religion"] >= 5
    card = verify(train.out)[1]["card.md"].decode()
    assert f"health (of {masked['health']} applications), religion (of {masked['religion']} applications)." in card
    assert "sentences cut from the narratives: " in captured.err
    events = [json.loads(line) for line in log_path(train.out).read_text().splitlines()]
    (event,) = [event for event in events if "sentences" in event]
    assert event["rows"] == masked
    assert "surgery" not in json.dumps(event)


def test_a_mask_that_the_schema_has_no_concept_for_is_refused(
    train: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(load_schema("demo").source)
    del document["creditfusion"]["concepts"]
    schema = train.folder / "bare.schema.json"
    schema.write_text(json.dumps(document))
    assert train(past(60), "--schema", str(schema), "--set", "text.mask=['health']") == 2
    assert "has no concept of that kind" in json.loads(capsys.readouterr().out)["message"]


def test_rejected_rows_give_their_own_exit_code(train: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    table = past()
    table.loc[[3, 8], "amount"] = "a lot"
    assert train(table) == 3
    summary = json.loads(capsys.readouterr().out)
    assert (summary["rows"], summary["trained_on"], summary["rejected_by_rule"]) == (300, 298, {"type": 2})
    assert train.rejects["row"].tolist() == [4, 9]
    assert not any(name.startswith("after") for name in summary["slices"])


def test_the_rejects_stay_when_the_rest_cannot_train(train: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    table = past(60)
    table.loc[table["outcome"] == "defaulted", "amount"] = "a lot"
    assert train(table) == 2
    failed = json.loads(capsys.readouterr().out)
    assert (failed["status"], failed["error"]) == ("failed", "ContractError")
    assert len(train.rejects) == (table["outcome"] == "defaulted").sum() > 0
    assert not train.out.exists()
