from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.demo.data import FIRST_DAY, generate
from experiments.reporting.document import Document
from tests.support.command_line import creditfusion
from tests.support.explained import Trained
from tests.support.hostile import HOSTILE

RULES = "[rules.outside]\nwhat = ['outside']\nsubject = 'annual_income'\nwarn = 0.2\nalarm = 0.4\n"
Watch = Callable[..., int]


@pytest.fixture
def watch(trained: Trained, tmp_path: Path) -> Watch:
    """Runs the verb into ``tmp_path / "out"``; its exit code."""
    rules = tmp_path / "rules.toml"
    shipped = "".join(f"[rules.{name}]\nenabled = false\n" for name in ("columns", "psi"))
    rules.write_text(RULES + shipped, encoding="utf-8")

    def run(*more: object, out: Path = tmp_path / "out") -> int:
        named = ["--model", trained.model, "--out", out, "--rules", rules, "--cache", trained.folder / "cache"]
        return creditfusion("watch", *named, "--period", "month", "--json", *more)

    return run


def applications(path: Path, seed: int, income: float = 1.0) -> Path:
    """Six weeks of applications, two of them hostile."""
    table = generate(300, seed, FIRST_DAY, 45).table.drop(columns="outcome").astype(object)
    table["annual_income"] = table["annual_income"] * income
    table.loc[0, "application_id"] = HOSTILE["formula"][:30]
    table.loc[1, "statement"] = HOSTILE["attribute"]
    table.to_csv(path, index=False)
    return path


@pytest.mark.usefixtures("blank_pictures")
def test_a_drift_alarms_once_and_the_page_says_so_without_anybodys_words(
    watch: Watch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved, out = applications(tmp_path / "moved.csv", 3, income=40), tmp_path / "out"
    assert watch("--data", moved) == 5
    summary = json.loads(capsys.readouterr().out)
    assert summary["alarms"] >= 1
    assert summary["watched"] + summary["rejected"] == summary["rows"] == 300
    alerts = [json.loads(line) for line in (out / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert ("outside", "annual_income", "alarm") in [(one["rule"], one["subject"], one["grade"]) for one in alerts]
    page = Document.model_validate_json((out / "watch.json").read_text(encoding="utf-8"))
    assert page.report == "watch"
    assert page.sections[0].key == "attention"
    assert page.sections[0].findings[0].grade == "alarm"
    for path in (path for path in out.rglob("*") if path.is_file()):
        assert HOSTILE["attribute"].encode() not in path.read_bytes(), path
    for name in ("flagged.csv", "rejects.csv"):
        with (out / name).open(newline="", encoding="utf-8") as file:
            assert not [cell for row in csv.reader(file) for cell in row if cell.startswith(("=", "+", "@"))]

    assert watch("--data", moved) == 0  # known
    assert json.loads(capsys.readouterr().out)["files_known"] == 1


@pytest.mark.usefixtures("blank_pictures")
def test_rejected_rows_have_an_exit_code_of_their_own(watch: Watch, trained: Trained, tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(trained.data.read_text(encoding="utf-8").split("\n")[0] + "\n", encoding="utf-8")
    assert watch("--data", broken, out=tmp_path / "none") == 0
    table = trained.table.assign(amount="a lot")
    table.iloc[:5].to_csv(broken, index=False)
    assert watch("--data", broken, out=tmp_path / "all") == 2
    table.iloc[:5].assign(amount=["a lot", 5000, 5000, 5000, 5000]).to_csv(broken, index=False)
    assert watch("--data", broken, out=tmp_path / "some") == 3


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ((), "no file is named. Name at least one with --data, or a folder with --follow."),
        (("--schema", "demo", "--data", "a.csv"), "a watch is one of --model or of --schema."),
        (("--data", "none.csv"), "none.csv"),
        (("--data", "a.csv", "--since", "2024-01-02", "--until", "2024-01-01"), "--until is before --since"),
    ],
)
def test_wrong_usage_is_explained(
    watch: Watch, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    assert watch(*more) in (1, 2)
    assert message in " ".join(capsys.readouterr().err.split())


@pytest.mark.slow
def test_a_followed_folder_alarms_and_ends_in_order(trained: Trained, tmp_path: Path) -> None:
    incoming, out = tmp_path / "in", tmp_path / "out"
    incoming.mkdir()
    named = ["--model", trained.model, "--follow", incoming, "--out", out, "--period", "month"]
    command = [sys.executable, "-m", "creditfusion", "watch", *map(str, named), "--no-cache"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        applications(incoming / "moved.csv.part", 3, income=40).rename(incoming / "moved.csv")
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline and not (out / "alerts.jsonl").exists():
            time.sleep(0.1)
        while time.monotonic() < deadline and not (out / "alerts.jsonl").read_bytes():
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
    assert process.returncode == 5
    assert (out / "watch.html").stat().st_size
