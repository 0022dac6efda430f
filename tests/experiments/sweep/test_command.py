"""`creditfusion sweep` through the command line: results, going on, refusals, errors in plain words."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.terminator import Terminator
from optuna.trial import TrialState

from data_schemas.reader import load_schema
from experiments.cli import app, guarded
from experiments.demo.data import FIRST_DAY
from experiments.sweep import captions, early_stopping, searching
from experiments.sweep.final import config_of
from experiments.sweep.objective import Task
from fusion.config import Config
from fusion.config_file import load_config
from fusion.model.search_space import load_space
from tests.support.small_studies import blank
from tests.support.sweeps import SMALL, SPACE, SameProcess, Sweeper, essence, past
from tests.support.tiny_bert import tiny_bert

NOWHERE = "postgresql+psycopg2://me:{}@127.0.0.1:1/x"
LAST_DAY = str(FIRST_DAY + np.timedelta64(300, "D"))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def sweep(tmp_path: Path, encoder: Path) -> Sweeper:
    return Sweeper(tmp_path, encoder)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials run in this process, nothing is drawn, and no settings are chosen to start with."""
    monkeypatch.setattr(searching, "begin_with_chosen", lambda *_: None)
    monkeypatch.setattr(searching, "WorkerPool", SameProcess)
    monkeypatch.setattr(captions, "draw", blank)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, encoder: Path) -> Sweeper:
    """A study of one trial."""
    sweeper = Sweeper(tmp_path_factory.mktemp("begun"), encoder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(searching, "WorkerPool", SameProcess)
        patch.setattr(captions, "draw", blank)
        assert sweeper("--trials", "1") == 0
    return sweeper


@pytest.fixture
def copied(begun: Sweeper, tmp_path: Path) -> Sweeper:
    """The same in a folder of its own."""
    shutil.copytree(begun.folder, tmp_path, dirs_exist_ok=True)
    return replace(begun, folder=tmp_path)


def summary_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    return summary


def failure_of(capsys: pytest.CaptureFixture[str]) -> str:
    """What stderr says, without a traceback."""
    stderr = capsys.readouterr().err
    assert "Traceback" not in stderr
    assert "unexpected" not in stderr
    return stderr


def task_of(sweep: Sweeper) -> Task:
    base = load_config(None, [f"encoder.source='{sweep.encoder}'", *SMALL])
    return Task(base, load_space(sweep.space, base), ("log_loss",), "random", Path("unused"))


def test_from_data_to_results_and_on(
    sweep: Sweeper, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With a worker process, begun where another project's packages lie."""
    for package in ("experiments", "fusion"):
        (tmp_path / "elsewhere" / package).mkdir(parents=True)
        (tmp_path / "elsewhere" / package / "__init__.py").write_text("raise ImportError('not this one')")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert sweep("--trials", "3") == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert (summary["status"], summary["study"], summary["interrupted"]) == ("done", "sweep", False)
    assert sum(summary["trials"].values()) == 3
    assert "trial 0: log_loss" in printed.err
    assert "the settings that all begins with" in printed.err
    board, task, trials = sweep.leaderboard(), task_of(sweep), sweep.study().trials
    assert sorted(board["trial"]) == [0, 1, 2]
    assert config_of(trials[0], task) == task.base
    assert trials[1].params == sweep.study().user_attrs["chosen"] != trials[0].params
    assert config_of(trials[1], task).stacker.n_trees == task.base.stacker.n_trees  # the space holds it
    assert "capacity of the trees: num_leaves" in printed.err
    assert summary["default"] == {"log_loss": trials[0].values[0]}
    assert summary["best"]["log_loss"] == min(trial.values[0] for trial in trials)
    best = config_of(trials[summary["best_trial"]], task)
    assert load_config(sweep.out / "best.toml") == best != Config()
    final = summary["final"]
    assert (final["best_trial"], final["default_trial"], final["looks"]) == (summary["best_trial"], 0, 1)
    assert 0 < final["bad"] < final["rows"] <= 0.15 * len(past()) + 1
    assert final["default"].keys() == final["best"].keys() == {"auc", "brier", "log_loss", "slope"}
    gain = final["best"]["auc"] - final["default"]["auc"]
    assert final["auc_gain"]["difference"] == pytest.approx(gain, abs=1e-12)
    assert not pd.read_csv(sweep.out / "rejects.csv").size
    assert (sweep.out / "report.html").read_text().startswith("<!doctype html>")

    files = sorted(path for path in sweep.out.rglob("*") if path.suffix in (".npy", ".toml"))
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns * (path.suffix == ".npy")) for path in files}
    assert sweep("--trials", "3") == 0
    printed = capsys.readouterr()
    again = json.loads(printed.out)
    assert "choose" not in printed.err
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns * (path.suffix == ".npy")) for path in files} == before
    for key in ("trials", "best_trial", "best", "settings", "default", "final"):
        assert again[key] == summary[key]

    monkeypatch.setattr(searching, "WorkerPool", SameProcess)
    assert sweep("--trials", "5", "--resume") == 0
    more = sweep.study().trials
    assert [essence(trial) for trial in more[:3]] == [essence(trial) for trial in trials]
    assert [trial.number for trial in more] == [0, 1, 2, 3, 4]
    assert len(sweep.leaderboard()) == 5


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("masked", [False, True])
def test_training_with_the_best_settings_gives_the_figures_of_the_trial(
    sweep: Sweeper, masked: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a mask, too: what is tied together hangs on what is left of the narratives."""
    table = past()
    if masked:
        sweep = replace(sweep, extra=("text.mask=['health']",))
        longest = max(table["statement"], key=len)
        copies = [f"{longest} My surgery was on day {n}." for n in range(60)]
        table["statement"] = [*copies, *table["statement"][len(copies) :]]
        sweep.prepare(table)
        sweep.space.write_text(sweep.space.read_text().replace('pooling = ["auto"]', ""))
    assert sweep("--trials", "4", "--hold-out", "0", table=table) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert ("encoder.pooling is not searched: which sentences text.mask" in captured.err) == masked
    assert summary["final"] == {}
    files = ["--schema", "demo", "--data", str(sweep.data), "--out", str(sweep.folder / "model"), "--no-cache"]
    settings = ["--config", str(sweep.out / "best.toml"), "--json"]
    monkeypatch.setattr(sys, "argv", ["creditfusion", "train", *files, *settings])
    assert guarded(app) == 0
    trained = summary_of(capsys)["slices"]["out of fold"]
    figures = sweep.study().trials[summary["best_trial"]].user_attrs["figures"]
    for name in ("auc", "ks", "brier", "auc_columns_only", "text_gain"):
        assert trained[name] == figures[name]
    assert trained["calibration_slope"] == (figures["slope"] if math.isfinite(figures["slope"]) else None)
    assert trained["rows"] == len(past())


@pytest.mark.usefixtures("here")
class TestRepeats:
    """Equal seed, equal bits."""

    def test_one_worker_does_the_same_again(self, sweep: Sweeper, encoder: Path, tmp_path: Path) -> None:
        """With trials that are pruned among them."""
        folds = ("folds.n_folds=3",)
        sweep, other = replace(sweep, extra=folds), Sweeper(tmp_path / "other", encoder, folds)
        other.folder.mkdir()
        for one in (sweep, other):
            assert one("--trials", "18", "--seed", "5", "--study", "same", "--hold-out", "0") == 0
        first, second = sweep.study("same").trials, other.study("same").trials
        states = {trial.state for trial in first}
        assert states == {TrialState.COMPLETE, TrialState.PRUNED}
        assert [essence(trial) for trial in first] == [essence(trial) for trial in second]
        assert (sweep.out / "best.toml").read_bytes() == (other.out / "best.toml").read_bytes()

    def test_another_seed_searches_elsewhere(self, begun: Sweeper, copied: Sweeper) -> None:
        assert copied("--trials", "2", "--seed", "3", "--study", "third") == 0
        assert copied("--trials", "2", "--seed", "4", "--study", "fourth") == 0
        third, fourth = (copied.study(name).trials for name in ("third", "fourth"))
        assert essence(third[0]) == essence(fourth[0]) == essence(begun.study().trials[0])
        assert third[1].params != fourth[1].params


@pytest.mark.usefixtures("here")
class TestRefused:
    """What differs from the study, what is not there, and what is wrong from the start."""

    @pytest.mark.parametrize(
        ("named", "more"),
        [
            ("settings", ["--set", "head.steps=11"]),
            ("objective", ["--objective", "auc"]),
            ("objective", ["--objective", "log_loss", "--objective", "cost"]),
            ("folds", ["--folds", "time"]),
            ("held out", ["--hold-out", "0.2"]),
            ("last day", ["--until", LAST_DAY]),
            ("reading", ["--encoding", "latin-1"]),
        ],
    )
    def test_an_option_that_differs(
        self, copied: Sweeper, capsys: pytest.CaptureFixture[str], named: str, more: list[str]
    ) -> None:
        self.check(copied, capsys, named, *more)

    def test_another_data_file(self, copied: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        text = copied.data.read_text()
        copied.data.write_text(text.replace("\n", "\n", 1) + text.splitlines()[-1] + "\n")
        self.check(copied, capsys, "data")

    def test_another_schema(self, copied: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        document = json.loads(load_schema("demo").source)
        document["title"] = "Another"
        (copied.folder / "own.schema.json").write_text(json.dumps(document))
        self.check(copied, capsys, "schema", "--schema", str(copied.folder / "own.schema.json"))

    def test_another_encoder(self, copied: Sweeper, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        other = replace(copied, encoder=tiny_bert(tmp_path / "other", seed=1))
        self.check(other, capsys, "encoder")

    def test_other_weights_in_the_same_place(
        self, copied: Sweeper, encoder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        place = shutil.copytree(encoder, tmp_path / "place")
        moved = replace(copied, encoder=place)
        assert moved("--trials", "1", "--study", "mine") == 0
        tiny_bert(place, seed=1)
        capsys.readouterr()
        assert moved("--trials", "2", "--study", "mine") == 2
        assert "encoder (then" in failure_of(capsys)

    def test_another_space(self, copied: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        copied.space.write_text(copied.space.read_text() + "num_leaves = [3, 9]\n")
        self.check(copied, capsys, "space")

    def test_other_code(
        self, copied: Sweeper, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("experiments.sweep.conditions.package_versions", lambda: {"lightgbm": "0"})
        self.check(copied, capsys, "code")

    def test_another_precision(self, copied: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        """As where one machine has bf16 and the other has not: the settings are the same."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("features.encoders.devices.native_bf16", lambda _: True)
            code = copied("--trials", "1", "--study", "fast")
        assert code == 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("features.encoders.devices.native_bf16", lambda _: False)
            capsys.readouterr()
            assert copied("--trials", "1", "--study", "fast") == 2
        stderr = " ".join(failure_of(capsys).split())
        assert "arithmetic (then vectors in bf16, training on cpu, now vectors in fp32, training on cpu)" in stderr

    @staticmethod
    def check(sweep: Sweeper, capsys: pytest.CaptureFixture[str], named: str, *more: str) -> None:
        """The study is refused by name of what differs, and stays as it was, with and without --resume."""
        before = sweep.trials()
        for resume in ([], ["--resume"]):
            capsys.readouterr()
            assert sweep("--trials", "2", *more, *resume) == 2
            stderr = failure_of(capsys)
            assert f"the study 'sweep' was begun with other conditions: {named} (then " in " ".join(stderr.split())
            assert "begin another study with --study or --out" in stderr
        assert sweep.trials() == before
        assert len(list(sweep.out.glob("arrays-*"))) == 1

    def test_resuming_what_is_not_there(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        assert sweep("--resume") == 2
        assert "to resume" in failure_of(capsys)
        assert not list(sweep.out.glob("arrays-*"))

    def test_resuming_a_study_of_another_name(self, copied: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        assert copied("--resume", "--study", "autumn") == 2
        assert "no study 'autumn' to resume; there is sweep" in failure_of(capsys)

    @pytest.mark.parametrize(
        ("space", "message"),
        [
            ("num_leavs = [3, 7]", "The nearest searched one is 'stacker.num_leaves'"),
            ("num_leaves = []", "'stacker.num_leaves' has an empty range"),
            ("num_leaves = ['three', 7]", "'three' is not a whole number"),
            ("num_leaves = [8, 12]", "leaves out the base config's own 7"),
            ("num_leaves = 7, 9", "is not valid TOML"),
        ],
    )
    def test_space_files(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str], space: str, message: str) -> None:
        sweep.space.write_text(SPACE.format(n_trees=10) + space)
        assert sweep() == 2
        stderr = failure_of(capsys)
        assert str(sweep.space) in stderr
        assert message in stderr
        assert not sweep.out.exists()

    @pytest.mark.parametrize(
        ("code", "message", "more"),
        [
            (2, "no objective 'gini'", ["--objective", "gini", "--data", "absent.csv"]),
            (2, "'--trials': Input should be greater than or equal to 1", ["--trials", "0"]),
            (2, "'--hold-out': Input should be less than or equal to 0.5", ["--hold-out", "0.6"]),
            (2, "--until-flat needs the noise", ["--until-flat", "--objective", "auc", "--data", "absent.csv"]),
            (2, "--until-flat needs", ["--until-flat", "--objective", "log_loss", "--objective", "brier"]),
            (2, "no row was decided up to 1990-01-01", ["--until", "1990-01-01"]),
            (2, "held out for the final check, hold", ["--hold-out", "0.005"]),
            (2, "unknown setting 'stacker.trees'", ["--set", "stacker.trees=3"]),
            (2, "--storage is no database URL", ["--storage", "nowhere"]),
            (
                1,
                f"the database {NOWHERE.format('***')} cannot be used",
                ["--storage", NOWHERE.format("secret"), "--data", "absent.csv"],
            ),
            (1, "absent.csv does not exist", ["--data", "absent.csv"]),
        ],
    )
    def test_options(
        self, sweep: Sweeper, capsys: pytest.CaptureFixture[str], code: int, message: str, more: list[str]
    ) -> None:
        if "psycopg2" in message:
            pytest.importorskip("psycopg2", reason="the PostgreSQL driver is not installed")
        assert sweep(*more) == code
        stderr = " ".join(failure_of(capsys).replace("│", " ").split())
        assert message in stderr
        assert "secret" not in stderr
        assert not (sweep.out / "leaderboard.csv").exists()

    def test_out_that_is_a_file(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        sweep.out.write_text("mine")
        assert sweep() == 2
        assert "is a file" in failure_of(capsys)
        assert sweep.out.read_text() == "mine"

    def test_out_that_cannot_be_made(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        (sweep.folder / "file").write_text("")
        assert sweep("--out", str(sweep.folder / "file" / "sweep")) == 1
        assert "Choose another" in failure_of(capsys)


@pytest.mark.usefixtures("here")
class TestKinds:
    """Other objectives, folds and ends."""

    def test_two_objectives_have_a_front_and_no_pruning(
        self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert sweep("--trials", "6", "--objective", "log_loss", "--objective", "cost") == 0
        summary = summary_of(capsys)
        assert summary["trials"] == {"complete": 6}
        assert summary["best"].keys() == {"log_loss", "cost"}
        board = sweep.leaderboard()
        front = board[board["front"] == "yes"]
        values = board[["objective log_loss", "objective cost"]].to_numpy()
        for _, line in front.iterrows():
            mine = line[["objective log_loss", "objective cost"]].to_numpy(dtype=np.float64)
            assert not np.any(np.all(values <= mine, axis=1) & np.any(values < mine, axis=1))
        assert 0 < len(front) == board["rank"][board["front"] == "yes"].max()
        assert all(not trial.intermediate_values for trial in sweep.study().trials)

    def test_several_times_the_same_objective_is_one(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        assert sweep("--trials", "1", "--objective", "auc", "--objective", "auc") == 0
        assert summary_of(capsys)["best"].keys() == {"auc"}

    def test_time_ordered_folds(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        assert sweep("--trials", "2", "--folds", "time") == 0
        assert summary_of(capsys)["final"]["best"]
        slopes = [trial.user_attrs["figures"]["slope"] for trial in sweep.study().trials]
        assert all(abs(slope - 1) > 1e-6 for slope in slopes)  # of random folds it is 1 by construction
        assert list(sweep.study().trials[0].intermediate_values) == [1, 2]

    def test_only_time_ordered_folds_search_how_fast_decisions_age(
        self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]
    ) -> None:
        sweep.space.write_text(SPACE.format(n_trees=10).replace("half_life_years = [2.0]", "half_life_years = [1, 5]"))
        for folds in ("random", "time"):
            assert sweep("--trials", "2", "--folds", folds, "--study", folds) == 0
            assert ("half_life_years is not searched" in capsys.readouterr().err) == (folds == "random")
            asked = ["folds.half_life_years" in trial.params for trial in sweep.study(folds).trials]
            assert asked == [folds == "time"] * 2

    def test_time_ordered_folds_need_dates(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        """Told before a trial is run."""
        document = json.loads(load_schema("demo").source)
        (day,) = [one for one in document["fields"] if one["name"] == "applied_on"]
        day["creditfusion"]["role"] = "feature"
        (sweep.folder / "own.schema.json").write_text(json.dumps(document))
        assert sweep("--folds", "time", "--schema", str(sweep.folder / "own.schema.json")) == 2
        assert "time-ordered folds need decision dates" in failure_of(capsys)

    def test_time_ordered_folds_need_both_outcomes(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        table = past()
        table = table.sort_values("applied_on", ignore_index=True)
        older = int(0.4 * len(table))
        table["outcome"] = [*table["outcome"][:older], *["repaid"] * (len(table) - older)]
        assert sweep("--folds", "time", "--hold-out", "0", table=table) == 2
        assert "the newer half of the rows, and that holds 0 bad of" in failure_of(capsys)
        assert not sweep.trials()

    def test_time_ordered_folds_need_days_enough(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        table = past()
        table["applied_on"] = ["2021-03-01", "2021-03-02"] * (len(table) // 2)
        assert sweep("--folds", "time", "--hold-out", "0", table=table) == 2
        assert "the decision days are too few for 2 time-ordered folds" in failure_of(capsys)

    def test_a_flat_study_stops_and_goes_on_when_it_no_longer_may(
        self, sweep: Sweeper, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(early_stopping, "FEW", 3)
        monkeypatch.setattr(Terminator, "should_terminate", lambda _self, study: len(study.trials) >= 4)
        assert sweep("--trials", "9", "--until-flat") == 0
        assert sum(summary_of(capsys)["trials"].values()) == 4
        assert sweep("--trials", "9", "--until-flat") == 0
        assert sum(summary_of(capsys)["trials"].values()) == 4
        assert sweep("--trials", "6") == 0
        assert sum(summary_of(capsys)["trials"].values()) == 6

    def test_time_that_is_up_begins_nothing(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        assert sweep("--timeout", "0") == 0
        summary = summary_of(capsys)
        assert (summary["trials"], summary["best"], summary["final"]) == ({}, None, {})
        assert not {"settings", "rejects"} & set(summary["files"])
        assert not (sweep.out / "best.toml").exists()
        assert sweep("--trials", "1") == 0
        assert summary_of(capsys)["trials"] == {"complete": 1}

    def test_best_settings_of_another_study_do_not_stay(self, copied: Sweeper) -> None:
        assert (copied.out / "best.toml").exists()
        assert copied("--study", "new", "--timeout", "0", "--language", "zh") == 0
        assert not (copied.out / "best.toml").exists()
        assert "没有完成的试验，因此无从选择。" in (copied.out / "report.html").read_text(encoding="utf-8")

    def test_best_settings_that_cannot_be_written_leave_the_old_ones(
        self, copied: Sweeper, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And no report that names what is not there."""
        before = {name: (copied.out / name).read_bytes() for name in ("best.toml", "report.html")}
        write = Path.write_text

        def full(path: Path, text: str, **more: Any) -> int:
            if "best.toml" in path.name:
                write(path, text[:20], **more)
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            return write(path, text, **more)

        monkeypatch.setattr(Path, "write_text", full)
        assert copied("--trials", "2") == 1
        assert "best.toml cannot be written: No space left" in failure_of(capsys)
        assert {name: (copied.out / name).read_bytes() for name in before} == before

    def test_rejected_rows_give_their_own_exit_code(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        table = past()
        table.loc[[3, 8], "amount"] = "a lot"
        assert sweep("--trials", "1", table=table) == 3
        summary = summary_of(capsys)
        assert (summary["rejected"], summary["rejected_by_rule"]) == (2, {"type": 2})
        assert summary["files"]["rejects"] == str(sweep.out / "rejects.csv")
        assert pd.read_csv(sweep.out / "rejects.csv")["row"].tolist() == [4, 9]

    def test_until_looks_no_further(self, sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
        assert sweep("--trials", "1", "--until", LAST_DAY, "--hold-out", "0.2") == 0
        final = summary_of(capsys)["final"]
        assert final["from"] <= LAST_DAY
        assert final["rows"] <= 0.2 * len(past()) * 300 / 365 * 1.2


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("where", ["fold", "encode"])
def test_sigterm_before_the_search_is_treated_as_ctrl_c(
    sweep: Sweeper, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """While rows are tied, or texts encoded."""
    before = signal.getsignal(signal.SIGTERM)

    def terminated(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    with pytest.MonkeyPatch.context() as patch:
        place = {"fold": "experiments.sweep.job.tied_groups", "encode": "features.narratives.reader.TextReader.read"}[
            where
        ]
        patch.setattr(place, terminated)
        assert sweep("--trials", "1") == 130
    assert searching.GO_ON in " ".join(failure_of(capsys).split())
    assert signal.getsignal(signal.SIGTERM) == before
    assert not list(sweep.out.glob("arrays-*"))
    assert sweep("--trials", "1") == 0
    assert summary_of(capsys)["trials"] == {"complete": 1}


@pytest.mark.usefixtures("here")
def test_without_narratives_nothing_about_text_is_searched(sweep: Sweeper, capsys: pytest.CaptureFixture[str]) -> None:
    table = past()
    table[["statement", "job_title"]] = ""
    assert sweep("--trials", "2", table=table) == 0
    printed = capsys.readouterr()
    assert "head.text_penalty and head.word_penalty" in printed.err
    assert "are not searched: no row searched with has a narrative" in printed.err
    about_text = ("encoder.", "text.", "head.text", "head.word", "stacker.text")
    assert not [key for trial in sweep.study().trials for key in trial.params if key.startswith(about_text)]
    report = json.loads((sweep.out / "report.json").read_text())
    assert "no row searched with has a narrative" in report["origin"]["not searched"]


def test_default_settings_that_fail_end_the_sweep_with_the_reason(
    sweep: Sweeper, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a worker process."""
    table = past()
    defaulted = table.index[table["outcome"] == "defaulted"]
    table.loc[defaulted[:-4], "outcome"] = "repaid"
    n_folds = replace(sweep, extra=("folds.n_folds=12",))
    assert n_folds("--trials", "1", "--hold-out", "0", table=table) == 1
    stderr = failure_of(capsys)
    assert "trial " in stderr
    assert "failed: training needs at least 12 bad and 12 good outcomes, got 4 bad" in stderr
    assert not (sweep.out / "best.toml").exists()
