"""`creditfusion score --policy`: approve, refer or decline, and why a row is referred."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fusion.bundle import load
from tests.support.command_line import creditfusion
from tests.support.explained import Trained

POLICY = """
[cutoffs]
approve = {approve}
decline = {decline}

[segments]
column = "term_months"

[segments.cutoffs."60"]
approve = 0.05
decline = 0.30

[refer]
no_narrative = true
"""
Score = Callable[..., int]


@pytest.fixture
def score(trained: Trained) -> Score:
    """Runs the verb; its exit code."""

    def run(out: Path, *more: str) -> int:
        named = ["--model", trained.model, "--data", trained.data, "--out", out]
        cache = ["--cache", trained.folder / "cache", "--passthrough", "term_months"]
        return creditfusion("score", *named, *cache, *more)

    return run


def policy(folder: Path, approve: float = 0.10, decline: float = 0.25, name: str = "policy.toml") -> Path:
    path = folder / name
    path.write_text(POLICY.format(approve=approve, decline=decline))
    return path


def scored(out: Path) -> pd.DataFrame:
    return pd.read_csv(out, keep_default_na=False)


def expected(row: pd.Series[Any]) -> tuple[str, str]:
    """The decision and why it is referred, from the scored row alone."""
    approve, decline = (0.05, 0.30) if row["term_months"] == 60 else (0.10, 0.25)
    silent = "no_narrative" in row["data_quality"].split(";")
    if row["pd"] > decline:
        return "decline", ""
    between = ["between_cutoffs"] if row["pd"] > approve else []
    reasons = [*between, *(["no_narrative"] if silent else [])]
    return ("refer", ";".join(reasons)) if reasons else ("approve", "")


def test_every_row_is_decided_as_the_file_says(score: Score, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "scored.csv"
    assert score(out, "--policy", str(policy(tmp_path)), "--json") == 3
    summary = json.loads(capsys.readouterr().out)
    table = scored(out)
    assert list(table.columns[:7]) == ["row", "id", "pd", "score", "decision", "data_quality", "refer_reason"]
    wanted = [expected(row) for _, row in table.iterrows()]
    assert list(zip(table["decision"], table["refer_reason"], strict=True)) == wanted
    assert {"approve", "refer", "decline"} == set(table["decision"])
    assert summary["refer_rate"] == pytest.approx((table["decision"] == "refer").mean())
    assert summary["decline_rate"] == pytest.approx((table["decision"] == "decline").mean())


def test_without_a_policy_nobody_is_referred(score: Score, trained: Trained, tmp_path: Path) -> None:
    out = tmp_path / "scored.csv"
    assert score(out) == 3
    table = scored(out)
    assert "refer_reason" not in table
    assert set(table["decision"]) <= {"approve", "decline"}
    cut_off = load(trained.model).config.decision.max_pd
    assert ((table["pd"] > cut_off) == (table["decision"] == "decline")).all()


def test_what_is_not_approved_has_a_reason_or_says_so(score: Score, tmp_path: Path) -> None:
    out = tmp_path / "scored.csv"
    assert score(out, "--policy", str(policy(tmp_path))) == 3
    table = scored(out)
    refused = table[table["decision"] != "approve"]
    assert len(refused)
    assert ((refused["reason_1"] != "") | refused["reason_flags"].str.contains("no_reason")).all()
    assert not table[table["decision"] == "approve"]["reason_flags"].str.contains("no_reason").any()


def test_chunks_change_nothing(score: Score, tmp_path: Path) -> None:
    rules = str(policy(tmp_path))
    contents = []
    for size in ("3", "1000"):
        out = tmp_path / f"by{size}.csv"
        assert score(out, "--policy", rules, "--chunk-rows", size) == 3
        contents.append(out.read_bytes())
    assert contents[0] == contents[1]


def test_a_run_is_not_resumed_under_another_policy(
    score: Score, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out = tmp_path / "scored.csv"

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("experiments.score.resumable_output.PartialOutput.publish", fail)
        assert score(out, "--policy", str(policy(tmp_path))) == 1
    capsys.readouterr()
    other = policy(tmp_path, approve=0.11, name="other.toml")
    assert score(out, "--policy", str(other), "--resume") == 2
    assert "policy" in capsys.readouterr().err
    assert score(out, "--policy", str(policy(tmp_path)), "--resume") == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[cutoffs]\napprove = 0.3\ndecline = 0.2\n", "lies above decline"),
        ("[cutoffs]\naprove = 0.1\ndecline = 0.2\n", "The nearest valid one is"),
        (POLICY.format(approve=0.1, decline=0.2).replace("term_months", "shoe"), "shoe"),
        ("cutoffs = [", "is not valid TOML"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(
    score: Score, tmp_path: Path, capsys: Any, content: str, message: str
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(content)
    assert score(tmp_path / "scored.csv", "--policy", str(path)) == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "scored.csv").exists()
