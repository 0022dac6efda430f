"""A batch that is unlike the training rows: warnings in summary, log and JSON, and with --strict nothing published."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from experiments.demo.data import generate
from experiments.score.job import ScoreFiles, score_file
from experiments.session.run import Run
from experiments.session.run_log import log_path
from features.batches.warnings import ColumnWarning
from features.tables.applications import Applications
from features.tables.reader import ReadOptions
from fusion.answers import Answer
from fusion.monitor import Monitor
from fusion.scorer import Scorer, load_scorer
from tests.support.bundles import train_small
from tests.support.command_line import creditfusion
from tests.support.rule_scorer import RuleScorer


@dataclass(frozen=True)
class Lender:
    """A bundle, later applications as they should be, and the same with a slip in each of two columns."""

    model: Path
    sound: pd.DataFrame
    odd: pd.DataFrame


@pytest.fixture(scope="module")
def lender(tmp_path_factory: pytest.TempPathFactory) -> Lender:
    model = train_small(tmp_path_factory.mktemp("batches"), generate(600, 1).table)
    sound = generate(90, 2).table.drop(columns="outcome").astype(object)
    odd = sound.assign(annual_income=sound["annual_income"] / 1000, home=sound["home"].str.upper())
    return Lender(model, sound, odd)


def score(lender: Lender, folder: Path, rows: pd.DataFrame, *options: object) -> tuple[int, Path]:
    rows.to_csv(folder / "new.csv", index=False)
    out = folder / "out.csv"
    fixed = ("--reasons", 0, "--no-cache", "--threads", 1)
    return creditfusion(
        "score", "--model", lender.model, "--data", folder / "new.csv", "--out", out, *fixed, *options
    ), out


def test_warnings_are_in_summary_log_and_json(
    lender: Lender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = score(lender, tmp_path, lender.odd, "--json")
    captured = capsys.readouterr()
    warnings = json.loads(captured.out)["warnings"]
    assert code == 0
    assert list(warnings) == ["annual_income", "home"]
    assert "a 1,000th of" in warnings["annual_income"]
    assert "'RENT': perhaps 'rent'" in warnings["home"]
    assert "warning: home:" in captured.err
    lines = map(json.loads, log_path(out).read_text(encoding="utf-8").splitlines())
    notes = [line["warning"]["column"] for line in lines if "warning" in line]
    assert notes == ["annual_income", "home"]


def test_a_batch_like_training_has_none(lender: Lender, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = score(lender, tmp_path, lender.sound, "--json", "--strict")
    assert code == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == {}


def test_strict_publishes_nothing_and_resume_does(lender: Lender, tmp_path: Path) -> None:
    code, out = score(lender, tmp_path, lender.odd, "--strict")
    assert code == 4
    assert not out.exists()
    assert not out.with_name("out.csv.rejects.csv").exists()
    assert score(lender, tmp_path, lender.odd, "--strict", "--resume")[0] == 4
    assert score(lender, tmp_path, lender.odd, "--resume")[0] == 0
    assert len(pd.read_csv(out)) == 90


class StopsError(Exception):
    """Ends a run in its middle."""


def stopping(scorer: Scorer, at: int) -> RuleScorer:
    """The scorer, which stops when it is asked for the chunk number ``at``."""
    asked = []

    def rule(applications: Applications, monitor: Monitor) -> Answer:
        asked.append(1)
        if len(asked) == at:
            raise StopsError
        return scorer.answer(applications, monitor)

    return RuleScorer(scorer.schema, rule, scorer.model_id, scorer.encoder_digest, unlike=scorer.unlike_training)


def warned(scorer: Scorer | RuleScorer, folder: Path, chunk_rows: int, resume: bool) -> tuple[ColumnWarning, ...]:
    files = ScoreFiles(folder / "new.csv", folder / f"{chunk_rows}.csv", folder / f"{chunk_rows}.rejects.csv")
    with Run.start("score", None, {}) as run:
        return score_file(scorer, files, ReadOptions(chunk_rows=chunk_rows), run, resume=resume).warnings


@pytest.mark.parametrize("chunk_rows", [1, 7, 90])
def test_neither_chunks_nor_an_interruption_change_a_warning(lender: Lender, tmp_path: Path, chunk_rows: int) -> None:
    lender.odd.to_csv(tmp_path / "new.csv", index=False)
    scorer = load_scorer(lender.model)
    whole = warned(scorer, tmp_path, 1000, resume=False)
    assert [one.column for one in whole] == ["annual_income", "home"]
    if chunk_rows < 90:
        with pytest.raises(StopsError):
            warned(stopping(scorer, 4), tmp_path, chunk_rows, resume=False)
    assert warned(stopping(scorer, 0), tmp_path, chunk_rows, resume=True) == whole


def test_data_frames_have_the_same_warnings_and_evaluate_reports_them(
    lender: Lender, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = load_scorer(lender.model).score(lender.odd).warnings
    assert [one.column for one in found] == ["annual_income", "home"]
    later = generate(90, 2).table.astype(object)
    later["home"] = later["home"].str.upper()
    later.to_csv(tmp_path / "later.csv", index=False)
    command = ("evaluate", "--model", lender.model, "--data", tmp_path / "later.csv", "--out", tmp_path / "checks")
    options = ("--no-reread", "--no-cache", "--threads", 1, "--json")
    assert creditfusion(*command, *options, "--strict") == 4
    assert not (tmp_path / "checks" / "validation.html").exists()
    pair = ("compare", "--champion", lender.model, "--challenger", lender.model, *command[3:])
    assert creditfusion(*pair, "--no-cache", "--threads", 1, "--strict") == 4
    assert not (tmp_path / "checks" / "comparison.html").exists()
    capsys.readouterr()
    assert creditfusion(*command, *options) == 0
    summary = json.loads(capsys.readouterr().out)
    assert list(summary["warnings"]) == ["home"]
    report = json.loads((tmp_path / "checks" / "validation.json").read_text(encoding="utf-8"))
    assert "unlike_training" in {one["key"] for section in report["sections"] for one in section["findings"]}


def test_all_rows_rejected_is_a_broken_contract(lender: Lender, tmp_path: Path) -> None:
    code, out = score(lender, tmp_path, lender.sound.assign(amount="much"))
    assert code == 2
    assert len(pd.read_csv(out)) == 0
    assert len(pd.read_csv(out.with_name("out.csv.rejects.csv"))) == 90
    assert score(lender, tmp_path, lender.sound.assign(amount=["much", *lender.sound["amount"][1:]]), "--force")[0] == 3


def test_placeholders_score_as_the_empty_cell(lender: Lender) -> None:
    scorer = load_scorer(lender.model, reasons=4)
    texts = ["nan", "NULL", "None", "N/A", "\xa0", "\u200b", "<br>&nbsp;", "-", "无", "n.a."]
    rows = lender.sound[: len(texts)].assign(job_title="")
    silent, odd = (scorer.score(rows.assign(statement=own)).scores for own in ("", texts))
    pd.testing.assert_frame_equal(silent, odd)
    assert odd["data_quality"].str.contains("no_narrative").all()
