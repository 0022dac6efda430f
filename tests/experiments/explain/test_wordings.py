"""A model with columns whose reason nobody has worded: marked in scored files, drafted from their titles in letters."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from data_schemas.contract import Schema
from data_schemas.reader import parse_schema
from experiments.demo.data import generate
from tests.support.bundles import train_small
from tests.support.command_line import creditfusion
from tests.support.explained import any_id_schema

UNWORDED = ("dti", "credit_score")


def without_wordings() -> Schema:
    """The demo's schema, which words nothing for two of its columns."""
    document = json.loads(any_id_schema().source)
    for field in document["fields"]:
        if field["name"] in UNWORDED:
            del field["creditfusion"]["reason"]
    return parse_schema(json.dumps(document), "demo")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unworded")
    train_small(folder, generate(600, 1).table, schema=without_wordings())
    generate(40, 2).table.drop(columns="outcome").to_csv(folder / "new.csv", index=False)
    return folder


def run(folder: Path, verb: str, out: Path, *more: str) -> int:
    given = ["--model", str(folder / "model"), "--data", str(folder / "new.csv"), "--out", str(out)]
    return creditfusion(verb, *given, "--no-cache", *more)


def test_letters_name_them_by_their_titles(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "explain", tmp_path / "out", "--top", "12", "--for", "applicant") == 0
    assert "words no reason for dti and credit_score" in " ".join(capsys.readouterr().err.split())
    letters = [file.read_text(encoding="utf-8") for file in (tmp_path / "out").glob("*applicant*.html")]
    assert not any("[no wording]" in letter for letter in letters)
    assert any("Your credit bureau score: " in letter for letter in letters)
    capsys.readouterr()
    assert run(folder, "explain", tmp_path / "other", "--top", "1", "--for", "underwriter") == 0
    assert "words no reason" not in capsys.readouterr().err


def test_scored_files_mark_them(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "score", tmp_path / "scored.csv", "--reasons", "20") == 0
    assert "[no wording]" in capsys.readouterr().err
    scored = pd.read_csv(tmp_path / "scored.csv", dtype=str, keep_default_na=False)
    codes = [f"reason_{number}" for number in range(1, 21)]
    marked = 0
    for _, row in scored.iterrows():
        unworded = [code for code in row[codes] if code in ("DTI", "CREDIT_SCORE")]
        wordings = {row[code]: row[f"{code}_wording"] for code in codes if row[code]}
        assert [code for code, wording in wordings.items() if wording.startswith("[no wording] ")] == unworded
        assert [flag for flag in row["reason_flags"].split(";") if flag.startswith("no_wording")] == [
            f"no_wording:{code}" for code in unworded
        ]
        marked += len(unworded)
    assert marked


def test_a_scored_file_without_reasons_is_not_warned_of(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, "score", tmp_path / "scored.csv", "--reasons", "0") == 0
    assert "[no wording]" not in capsys.readouterr().err
