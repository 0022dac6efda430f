"""`creditfusion evaluate` as its user runs it: good data, models to be called out, and files that lack things."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.reader import load_schema, parse_schema
from experiments.cli import app, guarded
from experiments.demo.data import FIRST_DAY, generate
from experiments.reporting.document import Document
from experiments.reporting.json_reports import parse_report
from experiments.session.run import Run
from experiments.train.decided import read_decided
from experiments.train.job import TrainingFiles, train_bundle
from features.tables.reader import ReadOptions
from fusion.config_file import load_config
from fusion.text_encoder import open_text_encoder
from tests.support.bundles import SMALL
from tests.support.explained import DAY, Trained
from tests.support.tiny_bert import tiny_bert

pytestmark = pytest.mark.slow
LATER = FIRST_DAY + np.timedelta64(731, "D")
Evaluate = Callable[..., int]


def later(n: int = 400, seed: int = 5) -> pd.DataFrame:
    """Decided applications that came after those of training."""
    return generate(n, seed, LATER, 180).table.astype(object)


@pytest.fixture
def evaluate(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Evaluate:
    """Runs the verb on a table; its exit code. The report lies in tmp_path / "out"."""

    def run(table: pd.DataFrame, *more: str, model: Path = trained.model) -> int:
        data = tmp_path / "later.csv"
        table.to_csv(data, index=False)
        named = ["--model", str(model), "--data", str(data), "--out", str(tmp_path / "out"), "--date", DAY]
        cache = ["--cache", str(trained.folder / "cache"), "--force"]
        monkeypatch.setattr(sys, "argv", ["creditfusion", "evaluate", *named, *cache, *more])
        return guarded(app)

    return run


def report(folder: Path, name: str = "validation") -> Document:
    found = parse_report((folder / "out" / f"{name}.json").read_bytes())
    assert isinstance(found, Document)
    return found


def grades(document: Document) -> dict[str, str]:
    return {finding.key: finding.grade for finding in document.findings()}


def test_report_and_card_are_written_whole(evaluate: Evaluate, tmp_path: Path, capsys: Any) -> None:
    assert evaluate(later(), "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    document = report(tmp_path)
    keys = [section.key for section in document.sections]
    assert keys == ["data", "discrimination", "calibration", "stability", "text_worth", "policy", "fairness"]
    assert grades(document)["out_of_time"] == "good"
    assert summary["judged"] == 400
    assert summary["figures"]["auc"]["low"] < summary["figures"]["auc"]["value"] < summary["figures"]["auc"]["high"]
    page = (tmp_path / "out" / "validation.html").read_text()
    assert "<script" not in page
    assert page.count("data:image/svg+xml") == sum(not p.gap for s in document.sections for p in s.plots)
    for word in (">nan<", ">NaN<", ">inf<", ">None<"):
        assert word not in page
    card = report(tmp_path, "card")
    assert card.report == "card"
    assert {"purpose", "training_data", "method", "limitations", "use", "monitoring"} <= {s.key for s in card.sections}


def test_equal_input_gives_equal_bytes(evaluate: Evaluate, tmp_path: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in sorted((tmp_path / "out").iterdir())}

    assert evaluate(later(150), "--no-reread") == 0
    first = contents()
    assert evaluate(later(150), "--no-reread") == 0
    assert contents() == first


@pytest.mark.usefixtures("blank_pictures")
def test_nothing_is_replaced_unasked(evaluate: Evaluate, capsys: Any) -> None:
    assert evaluate(later(60), "--no-reread") == 0
    sys.argv = [argument for argument in sys.argv if argument != "--force"]
    assert guarded(app) == 2
    assert "validation.html exists" in capsys.readouterr().err


@pytest.mark.usefixtures("blank_pictures")
def test_rejected_rows_are_written_and_reported(evaluate: Evaluate, tmp_path: Path) -> None:
    table = later(120)
    table.loc[7, "amount"] = "a lot"
    table.loc[9, "outcome"] = ""
    assert evaluate(table, "--no-reread") == 3
    rejects = pd.read_csv(tmp_path / "out" / "rejects.csv")
    assert rejects["row"].tolist() == [8, 10]
    rows = next(t for s in report(tmp_path).sections for t in s.tables if t.key == "rows")
    counts = {str(row[0]): row[1] for row in rows.rows}
    assert counts["Rows read"] == 120
    assert counts["Judged"] == 118


@pytest.mark.usefixtures("blank_pictures")
def test_rows_of_the_training_window_are_called_so(evaluate: Evaluate, tmp_path: Path) -> None:
    table = pd.concat([generate(100, 9).table.astype(object), later(100, 8)], ignore_index=True)
    table["application_id"] = [f"A{n:06d}" for n in range(len(table))]
    assert evaluate(table, "--no-reread") == 0
    assert grades(report(tmp_path))["out_of_time"] == "concern"
    assert evaluate(table, "--no-reread", "--since", str(LATER)) == 0
    assert grades(report(tmp_path))["out_of_time"] == "good"


def with_training_rows(n: int) -> pd.DataFrame:
    """So many of the rows that ``trained`` learned from, and 200 later ones."""
    new = later(200, 8)
    new["application_id"] = [f"L{number:06d}" for number in range(len(new))]
    return pd.concat([generate(600, 1).table.astype(object).head(n), new], ignore_index=True)


@pytest.mark.usefixtures("blank_pictures")
def test_rows_that_the_model_learned_from_are_left_out_and_counted(evaluate: Evaluate, tmp_path: Path) -> None:
    assert evaluate(with_training_rows(50), "--no-reread") == 0
    found = report(tmp_path)
    counts = {row[0]: row[1] for section in found.sections for t in section.tables if t.key == "rows" for row in t.rows}
    assert counts["Left out, as the model learned from them"] == 50
    assert counts["Judged"] == 200
    assert grades(found)["training_rows"] == "note"
    assert grades(found)["out_of_time"] == "good"


@pytest.mark.usefixtures("blank_pictures")
def test_rows_that_the_model_learned_from_are_kept_under_an_alarm(evaluate: Evaluate, tmp_path: Path) -> None:
    assert evaluate(with_training_rows(50), "--no-reread", "--keep-training-rows") == 0
    assert grades(report(tmp_path))["training_rows"] == "alarm"
    assert "The model learned from 50 rows of these" in report(tmp_path).headline[0]


def test_a_file_of_nothing_but_training_rows_is_refused(evaluate: Evaluate, capsys: Any) -> None:
    assert evaluate(generate(600, 1).table.astype(object).head(40), "--no-reread") == 2
    assert "the model learned from all 40 rows" in " ".join(capsys.readouterr().err.split())


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, pd.DataFrame], Path]:
    """Trains a model on a table, with a column ``recovered`` where the table has one; its bundle."""
    folder = tmp_path_factory.mktemp("spoilt")
    encoder = f"encoder.source='{tiny_bert(folder / 'encoder')}'"

    def train(name: str, table: pd.DataFrame) -> Path:
        document = json.loads(load_schema("demo").source)
        del document["fields"][0]["constraints"]["pattern"]
        if "recovered" in table:
            column = {
                "name": "recovered",
                "type": "number",
                "title": "Money recovered",
                "creditfusion": {"role": "feature"},
            }
            column["creditfusion"]["reason"] = {"code": "RECOVERED", "wording": "What was recovered."}  # type: ignore[index]
            document["fields"].append(column)
        schema = parse_schema(json.dumps(document), "demo")
        data = folder / f"{name}.csv"
        table.to_csv(data, index=False)
        config = load_config(None, [encoder, *SMALL])
        with Run.start("train", None, {}) as run:
            files = TrainingFiles((data,), folder / name)
            read = read_decided(schema, files.data, ReadOptions(need_target=True), run)
            train_bundle(read, files, config, open_text_encoder(config.encoder), run, quick=True)
        return folder / name

    return train


def past(n: int = 500) -> pd.DataFrame:
    return generate(n, 1).table.astype(object)


@pytest.mark.usefixtures("blank_pictures")
def test_a_model_of_shuffled_labels_is_called_blind(
    spoilt: Callable[[str, pd.DataFrame], Path], evaluate: Evaluate, tmp_path: Path
) -> None:
    table = past()
    table["outcome"] = np.random.default_rng(3).permutation(table["outcome"].to_numpy())
    model = spoilt("shuffled", table)
    assert evaluate(later(300), "--no-reread", model=model) == 0
    finding = next(one for one in report(tmp_path).findings() if one.key == "ranks")
    assert finding.grade in ("alarm", "concern")
    assert "Do not rely" in report(tmp_path).headline[0] or finding.grade == "concern"


def leaking(table: pd.DataFrame) -> pd.DataFrame:
    """With a column that is filled in after the loan went bad."""
    bad = table["outcome"] == load_schema("demo").bad_values[0]
    noise = np.random.default_rng(4).normal(0, 0.1, len(table))
    return table.assign(recovered=np.where(bad, 1.0, 0.0) + noise)


@pytest.mark.usefixtures("blank_pictures")
def test_a_leaked_column_is_called_out_by_its_name(
    spoilt: Callable[[str, pd.DataFrame], Path], evaluate: Evaluate, tmp_path: Path
) -> None:
    model = spoilt("leaked", leaking(past()))
    assert evaluate(leaking(later(300)), "--no-reread", model=model) == 0
    document = report(tmp_path)
    assert grades(document)["leak"] == "alarm"
    assert grades(document)["ranks"] == "alarm"
    assert any("Money recovered" in finding.title for finding in document.findings())
    assert document.headline[0].startswith("Do not rely on this model")


@pytest.mark.usefixtures("blank_pictures")
def test_a_badly_calibrated_model_is_called_so(
    spoilt: Callable[[str, pd.DataFrame], Path], evaluate: Evaluate, tmp_path: Path
) -> None:
    """It learned when few went bad."""
    table = past(1200)
    bad = (table["outcome"] == load_schema("demo").bad_values[0]).to_numpy()
    kept = ~bad | (np.random.default_rng(6).random(len(table)) < 0.25)
    model = spoilt("lucky", table[kept].reset_index(drop=True))
    assert evaluate(later(400), "--no-reread", model=model) == 0
    document = report(tmp_path)
    too_low = [finding for finding in document.findings() if finding.grade == "alarm"]
    assert any("PD" in finding.title + finding.words for finding in too_low)


@pytest.mark.parametrize("outcome", ["one class", "ten rows", "silent", "one month missing"])
def test_degenerate_files_give_a_report_with_marked_gaps(evaluate: Evaluate, tmp_path: Path, outcome: str) -> None:
    table = later(200)
    if outcome == "one class":
        table = table[table["outcome"] == table["outcome"].mode()[0]].reset_index(drop=True)
    elif outcome == "ten rows":
        table = table.head(10)
    elif outcome == "silent":
        table[["statement", "job_title"]] = ""
    else:
        months = pd.to_datetime(table["applied_on"])
        table = table[months.dt.month != months.dt.month.mode()[0]].reset_index(drop=True)
    assert evaluate(table) == 0
    page = (tmp_path / "out" / "validation.html").read_text()
    for word in (">nan<", ">NaN<", ">inf<", ">None<"):
        assert word not in page
    if outcome == "one class":
        assert grades(report(tmp_path))["ranks"] == "alarm"


@pytest.mark.usefixtures("blank_pictures")
def test_a_constant_score_is_called_blind(evaluate: Evaluate, tmp_path: Path) -> None:
    """Every application is the same one."""
    table = later(120)
    for column in table.columns.difference(["application_id", "outcome"]):
        table[column] = table[column].iloc[0]
    assert evaluate(table, "--no-reread") == 0
    assert grades(report(tmp_path))["ranks"] == "alarm"


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        (lambda table: table.drop(columns="outcome"), (), "outcome"),
        (lambda table: table.head(0), (), "has no row"),
        (lambda table: table, ("--since", "2099-01-01"), "no row was decided from 2099-01-01 on"),
        (lambda table: table, ("--segment", "shoe_size"), "--segment shoe_size is no column"),
        (lambda table: table, ("--policy", "nowhere.toml"), "nowhere.toml cannot be read"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_a_message(
    evaluate: Evaluate,
    capsys: Any,
    change: Callable[[pd.DataFrame], pd.DataFrame],
    more: tuple[str, ...],
    message: str,
) -> None:
    assert evaluate(change(later(30)), *more) == 2
    stderr = " ".join(capsys.readouterr().err.split())
    assert message in stderr
    assert "Traceback" not in stderr
