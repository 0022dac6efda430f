"""The benchmark of many sets: what a plain pipeline is made of, that a saved one is whole, resuming, and the tables."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.benchmarks import many_sets
from experiments.benchmarks.data_sets import files
from experiments.benchmarks.data_sets.spec import DataSet, Hashed, Target, published
from experiments.benchmarks.measuring import Measured
from experiments.benchmarks.peers import running
from experiments.benchmarks.peers.contenders import child, own, plain
from experiments.benchmarks.peers.contenders.tables import About, Budget, Training
from features.arrays import Floats
from fusion.config import Config
from fusion.config_file import load_config
from fusion.metrics import Gain, figures
from tests.support.tiny_bert import tiny_bert

SMALL = ("encoder.window=64", "folds.n_folds=2", "stacker.n_trees=20", "text.n_buckets=256", "head.steps=20")
WORDS = ("red car", "blue house", "late rent", "new roof")
LOANS = DataSet(
    name="loans",
    title="Made-up loans",
    rows=published("loans"),
    id="id",
    target=Target("outcome", bad=("lost",), good=("paid",)),
    split=Hashed("id"),
    numbers=("amount",),
    categories=("kind",),
    narratives=("note",),
)
BARE = replace(LOANS, name="bare", narratives=())


def made_up(n: int) -> pd.DataFrame:
    """Loans whose outcome hangs on amount, kind and note."""
    rng = np.random.default_rng(0)
    amount, kind, note = rng.uniform(1, 100, n).round(), rng.integers(0, 3, n), rng.integers(0, 5, n)
    bad = rng.random(n) < 1 / (1 + np.exp(-(amount / 40 - 2 + kind / 2 + (note == 2))))
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(n)],
            "amount": [f"{value:.0f}" for value in amount],
            "kind": [f"kind {code}" for code in kind],
            "note": [(*(f"{words} {i % 7}" for words in WORDS), "")[code] for i, code in enumerate(note)],
            "outcome": ["lost" if one else "paid" for one in bad],
        }
    )


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two sets, which are all that there are; every command runs in this process."""
    folder = tmp_path / "data" / "loans"
    folder.mkdir(parents=True)
    (folder / "loans.csv.gz").write_bytes(gzip.compress(made_up(300).to_csv(index=False).encode()))
    monkeypatch.setattr(files, "SETS", (LOANS, BARE))
    monkeypatch.setattr(running, "measure", in_process)
    monkeypatch.setattr(plain, "LEAVES", (4,))
    monkeypatch.setattr(plain, "LEAF_ROWS", (10,))
    monkeypatch.setattr(plain, "RIDGES", (10.0,))
    encoder = tiny_bert(tmp_path / "encoder")

    def config(_path: Path | None, _overrides: Sequence[str]) -> Config:
        return load_config(None, [f"encoder.source='{encoder}'", *SMALL])

    monkeypatch.setattr(own, "load_config", config)
    return tmp_path / "data"


def in_process(command: Sequence[str]) -> Measured:
    printed = io.StringIO()
    with redirect_stdout(printed):
        child.main(command[command.index(child.__name__) + 1 :])
    return Measured(1.0, 1.0, 100.0, printed.getvalue())


@pytest.fixture
def training() -> Training:
    rows = made_up(300)
    frame = pd.DataFrame({"amount": pd.to_numeric(rows["amount"]), "kind": rows["kind"].astype(object)})
    frame["note"] = pd.Series([note or None for note in rows["note"]], dtype=object)
    frame.loc[:4, ["kind", "amount"]] = None
    frame.loc[5:8, "kind"] = "rare"
    y: Floats = np.asarray(rows["outcome"] == "lost", dtype=np.float64)
    return Training(About(("kind",), ("note",), (), ""), frame, y, (np.arange(300) % 5).astype(np.int64))


def test_trees_see_frequent_levels_and_lengths_of_texts(training: Training) -> None:
    levels = plain.frequent_levels(training)
    assert levels == {"amount": [], "kind": ["kind 0", "kind 1", "kind 2"]}
    x = plain.tree_inputs(training.frame, levels, ("note",), np.ones((300, 2)))
    assert x.shape == (300, 5)
    assert np.isnan(x[:9, 1]).all()
    assert x[:, 2].tolist() == [len(note or "") for note in training.frame["note"]]


@pytest.mark.parametrize("name", child.PLAIN)
def test_a_plain_pipeline_is_saved_whole_reads_words_and_is_the_same_again(
    name: str, tmp_path: Path, training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain, "LEAVES", (4,))
    fit = {child.COMPONENTS: plain.fit_components, child.LOG_ODDS: plain.fit_log_odds, child.LINEAR: plain.fit_linear}
    predicted = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        found = fit[name](training, folder, Budget())
        predicted.append(plain.load(folder, Budget())(training.frame))
    assert float(str(found["log_loss"])) < 0.68
    assert predicted[0].tolist() == predicted[1].tolist()
    assert ((predicted[0] > 0) & (predicted[0] < 1)).all()
    silent = training.frame.assign(note=None)
    assert not np.allclose(plain.load(tmp_path / "one", Budget())(silent), predicted[0])


def test_the_penalty_is_that_of_the_least_loss_out_of_fold(training: Training) -> None:
    _, x = plain._words(training)
    assert x is not None
    penalty, margins, loss = plain.best_penalty(x, training.y, training.splits)
    assert penalty in plain.PENALTIES
    assert loss == pytest.approx(figures(training.y, margins).log_loss)


def test_what_is_done_is_not_done_again_and_the_table_has_every_contender(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "results"
    command = ["--source", str(source), "--out", str(out), "--cache", str(tmp_path / "cache"), "--threads", "1"]
    many_sets.main([*command, "--contenders", "creditfusion", "linear", "--json"])
    results = json.loads(capsys.readouterr().out)["results"]
    kept = [json.loads(line) for line in (out / many_sets.RESULTS).read_text().splitlines()]
    assert kept == results
    assert [(one["set"], one["contender"]) for one in results] == [
        *[("loans", "creditfusion"), ("loans", "linear"), ("bare", "creditfusion"), ("bare", "linear")]
    ]
    assert not list(out.glob("rows_*"))

    def never(_command: Sequence[str]) -> Measured:
        raise AssertionError("this was done before")

    monkeypatch.setattr(running, "measure", never)
    many_sets.main([*command, "--contenders", "creditfusion", "linear"])
    printed = capsys.readouterr().out
    assert "| set | test rows (bad) | creditfusion | logistic regression | creditfusion less the best plain" in printed
    assert "of 2 sets. Ahead of it on" in printed
    many_sets.main([*command, "--contenders", "linear", "--unseen", "loans", "--sets", "loans"])
    assert capsys.readouterr().out == ""
    with pytest.raises(AssertionError, match="this was done before"):
        many_sets.main([*command, "--contenders", "linear", "--again", "linear"])


def test_a_contender_that_fails_is_named_and_the_others_run(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(command: Sequence[str]) -> Measured:
        if "linear" in command:
            raise RuntimeError("no room")
        return in_process(command)

    monkeypatch.setattr(running, "measure", fails)
    command = ["--source", str(source), "--out", str(tmp_path / "results"), "--threads", "1", "--sets", "bare"]
    many_sets.main([*command, "--contenders", "components", "linear", "--json"])
    printed = capsys.readouterr()
    assert [one["contender"] for one in json.loads(printed.out)["results"]] == ["components"]
    assert "bare: logistic regression failed: no room" in printed.err


def result(name: str, narratives: int, aucs: dict[str, float], gain: float) -> many_sets.SetResult:
    base = figures(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    found = {one: replace(base, auc=auc) for one, auc in aucs.items()}
    rows = {"learn": 7, "learn_bad": 3, "test": 2_000, "test_bad": 40, "narratives": narratives}
    runs = {one: {"fit_seconds": 2.4, "score_seconds": 0.12} for one in aucs}
    return many_sets.SetResult(name, rows, found, runs, "linear", Gain(gain, gain - 0.1, gain + 0.1, 0.5))


def test_the_tables_give_ranks_and_say_where_creditfusion_is_behind() -> None:
    results = [
        result("one", 2, {"creditfusion": 0.8, "linear": 0.7, "log_odds": 0.7, "autogluon": 0.9}, 0.1),
        result("two", 1, {"creditfusion": 0.6, "linear": 0.7, "log_odds": 0.5}, -0.1),
        result("three", 0, {"creditfusion": 0.7, "linear": 0.701, "log_odds": 0.5}, -0.001),
    ]
    ranks = many_sets.mean_ranks(results)
    assert ranks == pytest.approx({"creditfusion": 5 / 3, "linear": 4.5 / 3, "log_odds": 8.5 / 3})
    printed = many_sets.tables(results)
    assert "| one | 2,000 (40) | 0.8000 | 0.7000 | 0.7000 | **0.9000** | +0.1000 (+0.0000 to +0.2000) |" in printed
    assert "| mean rank |  | 1.67 | 2.83 | 1.50 |  |  |" in printed
    assert "| one | 7 | 2 + 0.1 |" in printed
    assert "Behind the best plain pipeline by more than 0.002: two (-0.1000), of 3 sets." in printed
    assert "Ahead of it on 1 of 2 sets with texts." in printed


def test_without_texts_the_pipelines_of_trees_are_one() -> None:
    results = [result("one", 0, {"creditfusion": 0.8, "components": 0.7, "linear": 0.6}, 0.1)]
    assert many_sets.mean_ranks(results) == {"creditfusion": 1, "components": 2.5, "log_odds": 2.5, "linear": 4}


def test_autogluon_gets_the_seconds_of_creditfusion_and_keeps_those_of_its_run(tmp_path: Path) -> None:
    assert many_sets._seconds(tmp_path, None) == many_sets.LEAST_SECONDS
    (tmp_path / "creditfusion.json").write_text(json.dumps({"fit_seconds": 81.6}))
    assert many_sets._seconds(tmp_path, None) == 82
    assert many_sets._seconds(tmp_path, 5) == 5
    (tmp_path / "autogluon.json").write_text(json.dumps({"identity": {"budget": {"seconds": 60}}}))
    assert many_sets._seconds(tmp_path, None) == 60
