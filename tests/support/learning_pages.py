"""Pages that are not of one model: a sweep, a pre-training, a tuning, variants of narratives, an experiment in use."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from experiments.demo.data import generate
from experiments.serve.decision_log import JsonLines
from experiments.serve.routing import Routing
from experiments.sweep import searching
from tests.support.bundles import SMALL
from tests.support.command_line import creditfusion
from tests.support.decisions import decision
from tests.support.explained import DAY
from tests.support.sweeps import SameProcess, Sweeper
from tests.support.tiny_bert import tiny_bert
from tests.support.tiny_language import loan_texts, tiny_language_bert

TUNING = ("encoder.tuning=head-layers", "tuning.n_layers=1", "tuning.learning_rate=1e-3", "tuning.window=32")


def sweep_page(folder: Path) -> Path:
    """Of a study of three trials, its pictures drawn."""
    folder.mkdir()
    sweeper = Sweeper(folder, tiny_bert(folder / "encoder"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "begin_with_chosen", lambda *_: None)
        patch.setattr(searching, "WorkerPool", SameProcess)
        assert sweeper("--trials", "3") == 0
    return sweeper.out / "report.html"


def pretraining_page(folder: Path) -> Path:
    """Of two epochs on letters."""
    folder.mkdir()
    base = tiny_language_bert(folder / "base")
    letters = folder / "letters.txt"
    letters.write_text("\n".join(loan_texts(120)))
    named = ["--encoder", base, "--data", letters, "--out", folder / "encoder", "--date", DAY]
    quick = ["--epochs", 2, "--lr", 0.005, "--window", 32, "--batch-tokens", 512]
    assert creditfusion("pretrain", *named, *quick) == 0
    return folder / "encoder.report.html"


def tuning_page(folder: Path) -> Path:
    """Of a training whose encoder learns first."""
    folder.mkdir()
    generate(500, 1).table.to_csv(folder / "past.csv", index=False)
    encoder = tiny_bert(folder / "encoder")
    settings = [f"encoder.source='{encoder}'", *SMALL, *TUNING]
    named = ["--schema", "demo", "--data", folder / "past.csv", "--out", folder / "model", "--quick", "--no-cache"]
    assert creditfusion("train", *named, *[word for one in settings for word in ("--set", one)]) == 0
    return folder / "model.tuning.html"


def variants_page(folder: Path) -> Path:
    """Of narratives beside their variants."""
    folder.mkdir()
    generate(60, 1).table.to_csv(folder / "past.csv", index=False)
    named = ["--schema", "demo", "--data", folder / "past.csv", "--out", folder / "variants.html", "--date", DAY]
    assert creditfusion("augment", *named, "--kind", "dropout") == 0
    return folder / "variants.html"


def experiment_page(folder: Path) -> Path:
    """Of a champion and a challenger that decided in a service by lot."""
    folder.mkdir()
    routing, n_rows = Routing("pilot", 0.3), 2000
    ids = [f"A-{number}" for number in range(n_rows)]
    log = JsonLines.open(folder / "decisions.jsonl")
    log.append(
        [
            decision(name, route=(route := routing.route(name)), model=f"{route:.8}0000", experiment="pilot", share=0.3)
            for name in ids
        ]
    )
    log.close()
    outcomes = ["defaulted" if number % 5 == 0 else "repaid" for number in range(n_rows)]
    pd.DataFrame({"application_id": ids, "outcome": outcomes}).to_csv(folder / "outcomes.csv", index=False)
    named = ["--decisions", folder / "decisions.jsonl", "--data", folder / "outcomes.csv", "--schema", "demo"]
    assert creditfusion("compare", *named, "--out", folder / "out", "--date", DAY) == 0
    return folder / "out" / "comparison.html"
