"""The benchmark of peers: what they see, that a saved one is whole, and its table; each peer once on a few rows."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from experiments.benchmarks.measuring import Measured
from experiments.benchmarks.peers import running
from experiments.benchmarks.peers import side_by_side as peers
from experiments.benchmarks.peers.contenders import boosted, child, own
from experiments.benchmarks.peers.contenders.tables import (
    About,
    Budget,
    Training,
    read_later,
    read_training,
    write_tables,
)
from experiments.demo.data import FIRST_DAY, generate
from fusion.config import Config
from fusion.config_file import load_config
from fusion.metrics import Gain
from tests.support.small import applications, row
from tests.support.tiny_bert import tiny_bert

UNTIL = date.fromisoformat(str(FIRST_DAY + np.timedelta64(300, "D")))
SMALL = (
    "encoder.window=64",
    "folds.n_folds=2",
    "folds.n_repeats=1",
    "stacker.n_trees=20",
    "text.n_buckets=256",
    "head.steps=20",
)
BUDGET = Budget(trials=2)
NO_FIGURE = Gain(0.0, 0.0, 0.0, 1.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("peers") / "decided.csv"
    generate(500, 1, FIRST_DAY, 365).table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, encoder: Path) -> None:
    """creditfusion with a small encoder and few trees; every command runs in this process."""

    def config(_path: Path | None, _overrides: Sequence[str]) -> Config:
        return load_config(None, [f"encoder.source='{encoder}'", *SMALL])

    monkeypatch.setattr(own, "load_config", config)
    monkeypatch.setattr(running, "measure", in_process)


def in_process(command: Sequence[str]) -> Measured:
    """What ``measure`` gives, but for the figures."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        child.main(command[command.index(child.__name__) + 1 :])
    return Measured(1.0, 1.0, 100.0, printed.getvalue())


@pytest.fixture(scope="module")
def training(data: Path) -> Training:
    read, learn, _ = own.split(about(data))
    return running.training_table(
        read.applications, learn, about(data), running.contender_frame(read.applications, learn)
    )


def about(data: Path) -> About:
    return About(("home", "purpose"), ("statement", "job_title"), (str(data),), "demo", str(UNTIL))


def test_contenders_see_features_and_clean_narratives_and_no_more(tmp_path: Path) -> None:
    read = applications(tmp_path, [row(), row(id="2", note=" A &amp; B. ", town=""), row(id="3", note="", loans="")])
    frame = running.contender_frame(read, np.ones(3, dtype=np.bool_))
    numbers = ["income", "amount", "loans", "owner", "burden", "rest", "years"]
    assert list(frame) == [*numbers, "home", "town", "note"]
    assert frame["note"].tolist() == ["A car.", "A & B.", None]
    assert frame["town"].tolist() == ["Ulm", None, "Ulm"]
    assert frame["burden"].tolist() == pytest.approx([0.2, 0.2, 0.2])
    assert np.isnan(frame["loans"][2])


def test_tables_come_back_as_they_were(tmp_path: Path, training: Training) -> None:
    write_tables(tmp_path, training, training.frame[:3])
    back = read_training(tmp_path)
    assert back.about == training.about
    assert list(back.frame) == list(training.frame)
    for name in training.frame:
        one, other = back.frame[name], training.frame[name]
        assert one.isna().tolist() == other.isna().tolist()
        assert one.dropna().tolist() == other.dropna().tolist()
    assert back.y.tolist() == training.y.tolist()
    assert back.fold.tolist() == training.fold.tolist()
    assert list(read_later(tmp_path)) == list(training.frame)  # and so no outcome
    for learn, held_out in training.splits:
        assert sorted([*learn, *held_out]) == list(range(len(training.y)))
        assert not set(training.fold[learn]) & set(training.fold[held_out])


def test_levels_are_codes_and_what_is_unknown_is_missing(training: Training) -> None:
    levels = boosted.learn_levels(training)
    changed = training.frame[:2].copy()
    changed["purpose"] = ["never met", levels["purpose"][1]]
    values = boosted.column_values(changed, levels)
    assert "statement" not in levels
    at = list(levels).index("purpose")
    assert np.isnan(values[0, at])
    assert values[1, at] == 1
    assert np.array_equal(values[:, 0], changed.iloc[:, 0].to_numpy(), equal_nan=True)


def test_words_are_weighed_as_scikit_learn_weighs_them_also_when_loaded(tmp_path: Path, training: Training) -> None:
    boosted.fit_words(training, tmp_path, BUDGET)
    kept = json.loads((tmp_path / boosted.WORDS).read_text())
    texts = training.frame["statement"].fillna("").tolist()
    reader = TfidfVectorizer(sublinear_tf=True, min_df=boosted.MIN_TEXTS, max_features=boosted.MAX_WORDS)
    reader.fit(texts)
    assert kept["statement"][0] == reader.get_feature_names_out().tolist()
    assert kept["statement"][1] == pytest.approx(reader.idf_.tolist())
    predict = boosted.load(tmp_path, BUDGET)
    silent = training.frame.assign(statement=None)
    assert not np.allclose(predict(training.frame), predict(silent))


def test_equal_seeds_give_equal_models(tmp_path: Path, training: Training) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found.append(boosted.fit_columns(training, tmp_path / name, BUDGET))
    assert found[0] == found[1]
    one, two = ((tmp_path / name / boosted.BOOSTER).read_bytes() for name in ("one", "two"))
    assert one == two


def test_skrub_is_saved_whole(tmp_path: Path, training: Training) -> None:
    pytest.importorskip("skrub", reason="comes with creditfusion[benchmarks]")
    from experiments.benchmarks.peers.contenders import skrub_pipeline

    found = skrub_pipeline.fit(training, tmp_path, BUDGET)
    predicted = skrub_pipeline.load(tmp_path, BUDGET)(training.frame)
    assert found["trials"] == 2
    assert ((predicted > 0) & (predicted < 1)).all()


@pytest.mark.usefixtures("small")
def test_every_contender_runs_once_and_is_evaluated_on_the_same_rows(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["--schema", "demo", "--data", str(data), "--until", str(UNTIL), "--written", "statement"]
    command += ["--work", str(tmp_path / "work"), "--cache", str(tmp_path / "cache"), "--trials", "2"]
    peers.main([*command, "--only", "columns", "--json"])
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no table yet: run --only creditfusion too" in captured.err
    peers.main([*command, "--only", "creditfusion", "--only", "creditfusion_cold", "--json"])
    found = json.loads(capsys.readouterr().out)
    contenders = found["contenders"]
    assert list(contenders) == ["creditfusion", "creditfusion_cold", "columns"]
    warm, cold = contenders["creditfusion"], contenders["creditfusion_cold"]
    assert (warm["settings"]["hit_rate"], cold["settings"]["hit_rate"]) == (1.0, None)
    assert warm["figures"]["all"]["auc_gain"]["difference"] == 0
    assert warm["figures"] == cold["figures"]
    assert contenders["columns"]["figures"]["all"]["figures"]["n"] == found["rows"]
    assert not list((tmp_path / "work").glob("rows_*"))

    def never(_command: Sequence[str]) -> Measured:
        raise AssertionError("this was done before")

    monkeypatch.setattr(running, "measure", never)
    peers.main([*command, "--only", "columns"])
    assert "| LightGBM on the columns, best of 2 settings | 0." in capsys.readouterr().out
    with pytest.raises(AssertionError, match="this was done before"):
        peers.main([*command, "--only", "columns", "--trials", "3"])


def test_what_a_process_prints_is_one_json_object(
    data: Path, tmp_path: Path, training: Training, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tables(tmp_path, training, training.frame[:5])
    options = ["--contender", "columns", "--tables", str(tmp_path), "--model", str(tmp_path / "m")]
    options += ["--budget", json.dumps({"trials": 1})]
    child.main(["fit", *options])
    assert json.loads(capsys.readouterr().out)["versions"].keys() == {"lightgbm"}
    child.main(["score", *options, "--rounds", "2", "--out", str(tmp_path / "pd.npy")])
    assert len(json.loads(capsys.readouterr().out)["seconds"]) == 2
    assert np.load(tmp_path / "pd.npy").shape == (5,)
    assert about(data) == training.about


def test_a_peer_that_is_ahead_is_listed() -> None:
    costs = {"fit_seconds": 10, "score_seconds": 2, "fit_peak_mb": 50, "score_peak_mb": 40, "model_mb": 3}
    results: dict[str, running.Found] = {
        "creditfusion": {"title": "own", **costs},
        "columns": {"title": "trees", **costs, "score_seconds": 1, "model_mb": 4},
        "words": {"title": "words", **costs, "fit_seconds": 11, "score_seconds": 3, "fit_peak_mb": 60, "model_mb": 5},
    }
    y = np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    good, bad = np.array([-2.0, 1.0, -1.0, 2.0, 0.5, 0.0]), np.array([2.0, 1.0, -1.0, -2.0, 0.5, 0.0])
    margins = {"creditfusion": bad, "columns": good, "words": bad}
    peer_results = {name: {"all": peers.judge(y, margin, bad)} for name, margin in margins.items()}
    assert peer_results["words"]["all"].auc_gain == NO_FIGURE
    lines = peers.ahead(results, peer_results, 6)
    assert lines == ["- trees: AUC, all, Brier, all, rows/s", "- words: nowhere"]
    printed = peers.table(results, peer_results, 6).splitlines()
    assert printed[0].count("|") == printed[2].count("|") == 10
    assert printed[2].startswith("| own | 0.3333 |  | ")
    assert printed[3].endswith("| 10 | 6 | 50 | 40 | 4.0 |")


def test_only_autogluon_runs_in_an_environment_of_its_own(tmp_path: Path) -> None:
    place = running.Place(tmp_path, tmp_path, Path("other/python"), BUDGET, 1, {})
    commands = {one.name: running.child_command(one, place) for one in peers.CONTENDERS}
    assert "other/python" in commands["autogluon"]
    assert all(sys.executable in command for name, command in commands.items() if name != "autogluon")
    assert all("OMP_NUM_THREADS=1" in command for command in commands.values())


def test_what_is_missing_is_reported_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["--schema", "demo", "--data", "absent.csv", "--until", "2024-01-01", "--written", "statement"]
    command += ["--work", str(tmp_path), "--cache", str(tmp_path)]
    with pytest.raises(SystemExit, match=r"^2$"):
        peers.main([*command, "--only", "autogluon"])
    assert "needs --autogluon, the Python of its environment" in capsys.readouterr().err
    monkeypatch.setattr(peers, "find_spec", lambda _name: None)
    with pytest.raises(SystemExit, match=r"^2$"):
        peers.main(command)
    assert "skrub is not installed" in capsys.readouterr().err


def test_sizes_and_log_odds(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(b"x" * 1500)
    (tmp_path / "b").write_bytes(b"x" * 500)
    assert running.folder_mb(tmp_path) == 0.002
    assert np.isfinite(running.log_odds(np.array([0.0, 0.5, 1.0]))).all()
    assert running.log_odds(np.array([0.5])).tolist() == [0.0]
