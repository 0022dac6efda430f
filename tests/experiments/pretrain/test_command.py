"""`creditfusion pretrain`, through the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.demo.data import generate
from features.encoders.opening import open_encoder
from features.language.checkpoint import has_checkpoint
from features.language.corpus import Corpus
from fusion.versions import package_versions
from tests.support.command_line import creditfusion
from tests.support.english import english_on
from tests.support.tiny_language import loan_texts, tiny_language_bert

QUICK = ("--epochs", "2", "--lr", "0.005", "--window", "32", "--batch-tokens", "512", "--date", "2026-01-31")
SECRET = "Rumpelstilzchen"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_language_bert(tmp_path_factory.mktemp("pretrain") / "base")


@pytest.fixture(scope="module")
def letters(base: Path) -> Path:
    path = base.parent / "letters.txt"
    path.write_text("\n".join(f"{text} Yours, {SECRET}{n}." for n, text in enumerate(loan_texts(120))))
    return path


def pretrain(base: Path, data: Path, out: Path, *more: object) -> int:
    return creditfusion("pretrain", "--encoder", base, "--data", data, "--out", out, *QUICK, *more)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


@pytest.fixture(scope="module")
def undisturbed(base: Path, letters: Path) -> Path:
    out = base.parent / "undisturbed"
    assert pretrain(base, letters, out) == 0
    return out


def test_a_text_file_becomes_an_encoder_that_a_model_can_read_with(undisturbed: Path) -> None:
    encoder = open_encoder(str(undisturbed), window=32)
    assert encoder.encode(["I need a loan"]).shape == (1, 32)
    assert set(files(undisturbed)) == {
        "README.md",
        "config.json",
        "encoder.json",
        "model.safetensors",
        "tokenizer.json",
    }
    assert not undisturbed.with_name("undisturbed.checkpoint").exists()


def test_the_summary_and_the_card_say_what_it_was_worth(
    base: Path, letters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pretrain(base, letters, tmp_path / "out", "--json", "--new-words", 2) == 0
    printed = capsys.readouterr()
    summary: dict[str, Any] = json.loads(printed.out)
    assert summary["perplexity_after"] < summary["perplexity_before"]
    assert [row["epoch"] for row in summary["epochs"]] == [0, 1, 2]
    assert summary["texts"] == summary["texts_to_learn_from"] + summary["texts_held_out"] == 120
    assert summary["new_words"] == 2
    assert "encoder.source=" in summary["use"]
    assert "perplexity" in printed.err
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"{summary['perplexity_before']:.4f}" in card
    assert "while the encoder itself stood still" in card
    report = json.loads((tmp_path / "out.report.json").read_text())
    assert report["report"] == "pretraining"
    assert "fell from" in report["headline"][0]


def test_no_text_and_no_place_is_in_what_it_leaves(undisturbed: Path, base: Path) -> None:
    written = {**files(undisturbed), **{p.name: p.read_bytes() for p in base.parent.glob("undisturbed.*")}}
    assert len(written) == 8
    for name, content in written.items():
        assert SECRET.lower().encode() not in content.lower(), name
        if not name.endswith(".log.jsonl"):
            assert str(base.parent).encode() not in content or name.endswith((".report.html", ".report.json")), name


def test_equal_seeds_give_equal_bytes_in_any_language_of_the_report(
    base: Path, letters: Path, undisturbed: Path, tmp_path: Path
) -> None:
    again = tmp_path / "undisturbed"
    assert pretrain(base, letters, again, "--language", "zh") == 0
    assert files(again) == files(undisturbed)
    page = (tmp_path / "undisturbed.report.html").read_text(encoding="utf-8")
    assert not english_on(page, frozenset({"undisturbed", "base", *package_versions(), "scikit", "learn", "cpu"}))
    other = tmp_path / "other"
    assert pretrain(base, letters, other, "--seed", 1) == 0
    assert files(other)["model.safetensors"] != files(undisturbed)["model.safetensors"]


def table(tmp_path: Path, broken: bool = False) -> Path:
    frame = generate(120, 3).table.drop(columns="outcome").astype(object)
    if broken:
        frame.loc[[3, 4], "amount"] = "a lot"
    frame.to_csv(tmp_path / "new.csv", index=False)
    return tmp_path / "new.csv"


def test_narratives_of_a_table_are_read_by_its_schema_and_broken_rows_are_left_out(base: Path, tmp_path: Path) -> None:
    data = table(tmp_path, broken=True)
    assert pretrain(base, data, tmp_path / "out", "--schema", "demo") == 3
    assert (tmp_path / "out.rejects.csv").read_text().count("a lot") >= 2
    finished = json.loads((tmp_path / "out.log.jsonl").read_text().splitlines()[-1])
    assert (finished["summary"]["rows"], finished["summary"]["rejected"]) == (120, 2)


def test_rows_decided_later_are_not_read(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = table(tmp_path)
    days = sorted(pd.read_csv(data)["applied_on"])
    assert pretrain(base, data, tmp_path / "out", "--schema", "demo", "--until", days[59]) == 0
    every, early = (
        Corpus.of(text for name in ("statement", "job_title") for text in frame[name].dropna())
        for frame in (pd.read_csv(data), pd.read_csv(data).query(f"applied_on <= '{days[59]}'"))
    )
    finished = json.loads((tmp_path / "out.log.jsonl").read_text().splitlines()[-1])
    assert finished["summary"]["texts"] == len(early.texts) < len(every.texts)
    capsys.readouterr()
    letters = tmp_path / "letters.txt"
    letters.write_text("\n".join(loan_texts(30)))
    assert pretrain(base, letters, tmp_path / "other", "--until", "2020-01-01") == 2
    assert "--until is for tables" in refused(capsys)


def test_private_life_is_cut_before_anything_is_learned(base: Path, tmp_path: Path) -> None:
    texts = [*loan_texts(60), *(f"My wife and I pay bill {n}. She was in hospital with cancer." for n in range(60))]
    data = tmp_path / "letters.txt"
    data.write_text("\n".join(texts))
    assert pretrain(base, data, tmp_path / "whole", "--new-words", 20) == 0
    assert '"hospital"' in (tmp_path / "whole" / "tokenizer.json").read_text()
    assert pretrain(base, data, tmp_path / "cut", "--new-words", 20, "--schema", "demo", "--mask", "health") == 0
    assert '"hospital"' not in (tmp_path / "cut" / "tokenizer.json").read_text()
    assert "of health" in (tmp_path / "cut" / "README.md").read_text()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--mask", "health"], "--mask needs a schema"),
        (["--window", "100"], "window 100 does not fit"),
        (["--lr", "-1"], "lr is -1.0. Give a number above 0"),
        (["--resume"], "holds no checkpoint to carry on from. Run the command without --resume"),
        (["--encoder", "nowhere"], "no folder"),
    ],
)
def test_options_that_cannot_work_are_refused(
    base: Path, letters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], says: str
) -> None:
    assert pretrain(base, letters, tmp_path / "out", *more) == 2
    assert says in refused(capsys)
    assert not (tmp_path / "out").exists()


def test_files_that_cannot_be_read_are_refused(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pretrain(base, tmp_path / "absent.txt", tmp_path / "out") == 1
    assert "absent.txt cannot be read" in refused(capsys)
    assert pretrain(base, table(tmp_path), tmp_path / "out") == 2
    assert "is a table, and no schema says which of its columns are narratives" in refused(capsys)
    (tmp_path / "few.txt").write_text("one\ntwo\n")
    assert pretrain(base, tmp_path / "few.txt", tmp_path / "out") == 2
    assert "too few to learn from" in refused(capsys)


def test_nothing_but_an_encoder_is_replaced(
    base: Path, letters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    assert pretrain(base, letters, tmp_path / "out") == 2
    assert "is no encoder folder that creditfusion wrote" in refused(capsys)


def command(base: Path, data: Path, out: Path, *more: str) -> list[str]:
    named = ["--encoder", str(base), "--data", str(data), "--out", str(out), *QUICK, "--checkpoint-steps", "1"]
    return [sys.executable, "-m", "creditfusion", "pretrain", *named, *more]


def started(base: Path, data: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """The command as a process, once it has left a checkpoint."""
    process = subprocess.Popen(command(base, data, out, *more), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 600
    while not has_checkpoint(out.with_name(f"{out.name}.checkpoint")):
        assert process.poll() is None, "it ended before it could be stopped"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return process


LONG = ("--epochs", "30")


@pytest.mark.slow
def test_killed_and_gone_on_it_writes_the_same_bytes(
    base: Path, letters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, killed = tmp_path / "a" / "out", tmp_path / "b" / "out"
    assert pretrain(base, letters, whole, *LONG, "--threads", 1) == 0
    process = started(base, letters, killed, *LONG, "--threads", "1")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not killed.exists()
    assert pretrain(base, letters, killed, *LONG) == 2
    assert "holds an unfinished run. Carry it on with --resume" in refused(capsys)
    other = tmp_path / "other.txt"
    other.write_text("\n".join(loan_texts(50, 9)))
    assert pretrain(base, other, killed, *LONG, "--resume") == 2
    assert "was made with other texts" in refused(capsys)
    assert pretrain(base, letters, killed, *LONG, "--lr", "0.001", "--resume") == 2
    assert "was made with other settings" in refused(capsys)
    assert pretrain(base, letters, killed, *LONG, "--threads", 1, "--resume") == 0
    assert "carried on after" in refused(capsys)
    assert files(killed) == files(whole)
    assert not has_checkpoint(killed.with_name("out.checkpoint"))


@pytest.mark.slow
def test_ctrl_c_leaves_a_checkpoint_and_says_how_to_go_on(base: Path, letters: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = started(base, letters, out, *LONG)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "--resume carries on from" in stderr.replace("\n", " ")
    assert has_checkpoint(out.with_name("out.checkpoint"))
    assert pretrain(base, letters, out, "--force") == 0
    assert np.isfinite(open_encoder(str(out), window=32).encode(["a loan"])).all()
