"""Sweeps for tests: small data, a tiny encoder, settings under which a trial takes a fraction of a second."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from optuna.trial import FrozenTrial, TrialState

from experiments.cli import app, guarded
from experiments.demo.data import FIRST_DAY, generate
from experiments.sweep import captions, searching
from experiments.sweep.storage import open_storage
from experiments.sweep.study import ENDED, STUDY_FILE, requeue
from experiments.sweep.worker import WorkerOrder, work
from tests.support.small_studies import blank

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
from experiments.sweep import storage
storage.HEARTBEAT_SECONDS = 4
from experiments.sweep import captions, searching, study
study.UNSIGNED_SECONDS = 12
from tests.support.small_studies import blank
captions.draw, searching.begin_with_chosen = blank, lambda *_: None
from experiments.cli import main
main()
"""
"""The command: a worker that has not signed for 12 seconds, not 30, is dead; nothing is drawn or chosen in advance."""

N_ROWS = 240
SMALL = (
    "encoder.window=64",
    "folds.n_folds=2",
    "folds.n_repeats=1",
    "stacker.n_trees=10",
    "text.n_buckets=256",
    "head.steps=10",
)
SLOW = ("stacker.n_trees=200", "folds.n_folds=6")
"""Of a trial that is still at work when something happens to it."""

SPACE = """
[encoder]
unit = ["narrative"]
window = [64]
pooling = ["auto"]
[text]
vectors = [true]
n_buckets = [256]
ngrams = [1]
[folds]
half_life_years = [2.0]
[stacker]
n_trees = [{n_trees}]
"""


def past(n_rows: int = N_ROWS) -> pd.DataFrame:
    """Decided applications of a year."""
    return generate(n_rows, 1, FIRST_DAY, 365).table.astype(object)


@dataclass
class SameProcess:
    """Stands for ``WorkerPool`` where no process is needed: works at once, here."""

    folder: Path
    requeue: Callable[[int, bool], object]
    deaths: int = 0

    def start(self, order: WorkerOrder) -> None:
        work(order, lambda: False)

    def replace_dead(self) -> int:
        return 0

    def kill(self) -> None:
        """Nothing is left to end."""


@dataclass(frozen=True)
class Sweeper:
    """Sweeps a table in a folder of its own."""

    folder: Path
    encoder: Path
    extra: tuple[str, ...] = field(default=())

    @property
    def data(self) -> Path:
        return self.folder / "past.csv"

    @property
    def space(self) -> Path:
        return self.folder / "space.toml"

    @property
    def out(self) -> Path:
        return self.folder / "sweep"

    def prepare(self, table: pd.DataFrame | None = None) -> None:
        """Write the data and the space file unless they are there."""
        if table is not None or not self.data.exists():
            (past() if table is None else table).to_csv(self.data, index=False)
        if not self.space.exists():
            n_trees = next(one.partition("=")[2] for one in reversed((*SMALL, *self.extra)) if "n_trees" in one)
            self.space.write_text(SPACE.format(n_trees=n_trees))

    def arguments(self, more: Sequence[str]) -> list[str]:
        settings = (f"encoder.source='{self.encoder}'", *SMALL, *self.extra)
        named = ["--schema", "demo", "--data", str(self.data), "--out", str(self.out), "--space", str(self.space)]
        named += [word for setting in settings for word in ("--set", setting)]
        return ["sweep", *named, "--no-cache", "--json", "--workers", "1", *more]

    def __call__(self, *more: str, table: pd.DataFrame | None = None) -> int:
        """Run the verb in this process; its exit code."""
        self.prepare(table)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COLUMNS", "200")
            patch.setattr(sys, "argv", ["creditfusion", *self.arguments(more)])
            return guarded(app)

    def here(self, *more: str) -> int:
        """The verb with its workers in this process; as in ``PROGRAM``, nothing is drawn or chosen in advance."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(searching, "WorkerPool", SameProcess)
            patch.setattr(searching, "begin_with_chosen", lambda *_: None)
            patch.setattr(captions, "draw", blank)
            return self(*more)

    def command(self, *more: str) -> Command:
        """The verb as a process with a group of its own, as a terminal gives it one."""
        self.prepare()
        line = [sys.executable, "-c", PROGRAM, *self.arguments(more)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "COLUMNS": "200"}
        process = subprocess.Popen(
            line,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return Command(process, self)

    def study(self, name: str = "sweep") -> optuna.Study:
        return optuna.load_study(study_name=name, storage=open_storage(self.out / STUDY_FILE, requeue))

    def trials(self) -> list[FrozenTrial]:
        """Those of the study as it stands; none before there is one."""
        if not (self.out / STUDY_FILE).exists():
            return []
        try:
            return self.study().trials
        except KeyError:
            return []

    def leaderboard(self) -> pd.DataFrame:
        return pd.read_csv(self.out / "leaderboard.csv")


@dataclass(frozen=True)
class Command:
    """A running sweep."""

    process: subprocess.Popen[str]
    sweeper: Sweeper

    def wait_for(self, what: Callable[[list[FrozenTrial]], bool], seconds: float = 600) -> list[FrozenTrial]:
        """Until the trials are so; they."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            trials = self.sweeper.trials()
            if what(trials):
                return trials
            time.sleep(0.2)  # every look opens the study anew
        stderr = self.process.communicate()[1] if self.process.poll() is not None else "still running"
        raise AssertionError(f"the sweep did not come so far: {stderr}")

    def end(self, seconds: float = 600) -> tuple[int, dict[str, Any], str]:
        """Exit code, summary (empty without one) and stderr, once it has ended; one that hangs is killed."""
        try:
            out, stderr = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            out, stderr = self.process.communicate()
            raise AssertionError(f"the sweep did not end: {stderr}") from None
        return self.process.returncode, json.loads(out) if out.strip() else {}, stderr

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        os.killpg(self.process.pid, signal.SIGINT)

    def kill(self) -> None:
        """The command alone, not its workers."""
        self.process.kill()
        self.process.communicate()


def in_trial(trials: list[FrozenTrial]) -> bool:
    """Whether one trial has ended and another one is at work, all its settings drawn."""
    running = [trial for trial in trials if trial.state == TrialState.RUNNING and "config" in trial.user_attrs]
    return bool(running) and any(trial.state in ENDED for trial in trials)


def ended(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in trials if trial.state in ENDED]


def essence(trial: FrozenTrial) -> tuple[object, ...]:
    """What a trial is, but for times."""
    figures = {name: value for name, value in trial.user_attrs.get("figures", {}).items() if name != "cost"}
    return trial.number, trial.state, trial.params, trial.values, trial.intermediate_values, figures
