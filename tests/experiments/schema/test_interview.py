from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from experiments.schema.command import app
from experiments.schema.infer import job

N = 200


def loans(path: Path) -> Path:
    """Invented loans: two keys, dates that read either way, a leak by name, a trait, classes that say nothing."""
    lines = ["loan_no,ticket_no,applied,income,grade,sex,class"]
    for i in range(N):
        cells = [f"L{i}", f"T{i}", f"0{i % 9 + 1}/0{i % 7 + 1}/2021", str(900 + 7 * (i % 50)), "AB"[i % 2]]
        lines.append(",".join([*cells, "fm"[i % 3 % 2], str(1 + (i % 4 == 0))]))
    path.write_text("\n".join(lines) + "\n")
    return path


def infer(folder: Path, *answers: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Draft with these answers typed; the schema file."""
    monkeypatch.setattr(job, "check_terminal", lambda: None)
    out = folder / "my.json"
    command = ["infer", str(loans(folder / "loans.csv")), "--out", str(out), "--interactive"]
    result = CliRunner().invoke(app, command, input="\n".join([*answers, *[""] * 20]) + "\n")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return out


def roles(out: Path) -> dict[str, str]:
    return {field["name"]: field["creditfusion"]["role"] for field in json.loads(out.read_text())["fields"]}


def test_enter_takes_the_draft_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = infer(tmp_path, monkeypatch=monkeypatch)
    plain = tmp_path / "plain.json"
    CliRunner().invoke(app, ["infer", str(tmp_path / "loans.csv"), "--out", str(plain), "--name", "loans"])
    assert json.loads(out.read_text()) == json.loads(plain.read_text())


def test_answers_settle_what_is_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = infer(tmp_path, "1", "2", "", "2", "1,x", "1", "none", monkeypatch=monkeypatch)
    assert roles(out) == {
        "loan_no": "ignored",
        "ticket_no": "id",
        "applied": "decision_date",
        "income": "feature",
        "grade": "feature",
        "sex": "protected",
        "class": "target",
    }
    schema = load_schema(out)
    assert (schema.bad_values, schema.good_values) == (("2",), ("1",))
    assert schema["applied"].date_format == "%d/%m/%Y"


def test_without_a_terminal_it_is_refused(tmp_path: Path) -> None:
    command = ["infer", str(loans(tmp_path / "loans.csv")), "--out", str(tmp_path / "my.json"), "--interactive"]
    result = CliRunner().invoke(app, command)
    assert isinstance(result.exception, ContractError)
    assert "no terminal" in str(result.exception)
    assert not (tmp_path / "my.json").exists()
