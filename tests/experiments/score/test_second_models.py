"""`creditfusion score --second`: probabilities of another label beside the PDs, and referrals by them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.errors import ContractError
from experiments.session.second_models import SecondModels, named_bundles
from fusion.scorer import load_scorer
from tests.support.command_line import creditfusion
from tests.support.explained import Trained
from tests.support.suspicious import Suspicious

POLICY = "[cutoffs]\napprove = 0.20\ndecline = 0.30\n"
SECOND = "[refer]\nsecond = { fraud = 0.3 }\n"
Score = Callable[..., int]


@pytest.fixture
def score(trained: Trained, suspicious: Suspicious) -> Score:
    """Runs the verb; its exit code."""

    def run(out: Path, *more: object, model: Path = trained.model, data: Path = suspicious.data) -> int:
        cache = ["--cache", trained.folder / "cache", "--reasons", 0]
        return creditfusion("score", "--model", model, "--data", data, "--out", out, *cache, *more)

    return run


def scored(out: Path) -> pd.DataFrame:
    return pd.read_csv(out, dtype=str, keep_default_na=False).set_index("id")


def test_probabilities_are_those_of_the_second_bundle_alone_in_chunks_of_any_size(
    score: Score, suspicious: Suspicious, tmp_path: Path, capsys: Any
) -> None:
    second = ("--second", f"fraud={suspicious.model}")
    for rows in (7, 1000):
        assert score(tmp_path / f"{rows}.csv", *second, "--chunk-rows", rows) == 3
    assert (tmp_path / "7.csv").read_bytes() == (tmp_path / "1000.csv").read_bytes()
    assert "1 rows break the contract of second model fraud" in capsys.readouterr().err
    assert score(tmp_path / "plain.csv") == 3
    assert score(tmp_path / "alone.csv", model=suspicious.model) == 3
    both, plain, alone = (scored(tmp_path / f"{name}.csv") for name in ("7", "plain", "alone"))
    pd.testing.assert_frame_equal(both.drop(columns="fraud_probability"), plain)
    assert both["fraud_probability"].to_dict()[suspicious.unreadable] == ""
    assert suspicious.unreadable not in alone.index
    read = both.drop(index=suspicious.unreadable)
    assert read["fraud_probability"].to_dict() == alone["pd"].to_dict()


def test_a_policy_turns_approvals_of_suspicious_rows_into_referrals_and_nothing_else(
    score: Score, suspicious: Suspicious, tmp_path: Path
) -> None:
    for name, text in (("plain", POLICY), ("strict", POLICY + SECOND)):
        (tmp_path / f"{name}.toml").write_text(text)
        named = ("--second", f"fraud={suspicious.model}", "--policy", tmp_path / f"{name}.toml")
        assert score(tmp_path / f"{name}.csv", *named) == 3
    plain, strict = scored(tmp_path / "plain.csv"), scored(tmp_path / "strict.csv")
    fraud = pd.to_numeric(strict["fraud_probability"])
    suspect = ~(fraud <= 0.3)
    assert strict["refer_reason"].to_dict()[suspicious.unreadable].endswith("second:fraud")
    turned = suspect & (plain["decision"] == "approve")
    assert turned.sum() > 2
    wanted = plain["decision"].where(~turned, "refer")
    assert strict["decision"].to_dict() == wanted.to_dict()
    assert set(strict.loc[turned, "refer_reason"]) == {"second:fraud"}


def test_what_a_second_model_needs_is_named(
    score: Score, trained: Trained, suspicious: Suspicious, tmp_path: Path, capsys: Any
) -> None:
    out, second = tmp_path / "out.csv", f"fraud={suspicious.model}"
    assert score(out, "--second", second, data=trained.data) == 2
    stderr = capsys.readouterr().err
    assert "second model fraud" in stderr
    assert "device" in stderr
    strict = tmp_path / "strict.toml"
    strict.write_text(POLICY + SECOND)
    wanted = "no second model of that name is given"
    assert score(out, "--policy", strict) == 2
    assert wanted in capsys.readouterr().err
    named = ("--model", trained.model, "--data", trained.folder / "past.csv", "--out", tmp_path / "checks")
    assert creditfusion("evaluate", *named, "--policy", strict) == 2
    assert wanted in capsys.readouterr().err
    assert not out.exists()


def test_a_watch_has_a_chapter_on_second_models_and_decides_by_them(
    trained: Trained, suspicious: Suspicious, tmp_path: Path
) -> None:
    strict = tmp_path / "strict.toml"
    strict.write_text(POLICY + SECOND)
    named = ("--model", trained.model, "--data", suspicious.data, "--out", tmp_path / "watch", "--policy", strict)
    cache = ("--cache", trained.folder / "cache", "--date", "2026-01-01", "--period", "month")
    assert creditfusion("watch", *named, *cache) == 2
    assert creditfusion("watch", *named, *cache, "--second", f"fraud={suspicious.model}") in (3, 4, 5)
    page = json.loads((tmp_path / "watch" / "watch.json").read_text())
    (chapter,) = [one for one in page["sections"] if one["key"] == "second"]
    assert chapter["tables"][0]["rows"][0][0] == "fraud"
    assert "oddness" in [one["key"] for one in page["sections"]]
    flagged = (tmp_path / "watch" / "flagged.csv").read_text()
    assert "fraud probability" in flagged


def test_data_frames_are_scored_as_files_are(trained: Trained, suspicious: Suspicious) -> None:
    cache = trained.folder / "cache"
    fraud = load_scorer(suspicious.model, cache=cache)
    scorer = load_scorer(trained.model, cache=cache)
    found = scorer.score(suspicious.table, seconds={"fraud": fraud}).scores.set_index("id")
    alone = fraud.score(suspicious.table).scores.set_index("id")
    assert np.isnan(found["fraud_probability"].to_dict()[suspicious.unreadable])
    assert found["fraud_probability"].dropna().to_dict() == alone["pd"].to_dict()


@pytest.mark.parametrize("given", [["fraud"], ["=x"], ["fraud="], ["a b=x"], ["1=x"], ["fraud=x", "fraud=y"]])
def test_what_names_no_second_model_is_refused(given: list[str]) -> None:
    with pytest.raises(ContractError, match=r"names no model. Write NAME=BUNDLE|names fraud twice"):
        named_bundles(given)


def test_a_resumed_run_knows_its_second_models(trained: Trained, suspicious: Suspicious) -> None:
    fraud = SecondModels.load([f"fraud={suspicious.model}"])
    assert fraud.identity.startswith(f"fraud {fraud.scorers['fraud'].model_id} ")
    assert SecondModels.load([f"fraud={trained.model}"]).identity != fraud.identity
    assert SecondModels().identity == "none"
