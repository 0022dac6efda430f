"""optuna-dashboard opens on a sweep's study, be it in a file or in PostgreSQL, while workers use it too."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import optuna
import pytest

from experiments.sweep.study import StudyPlan, open_study
from tests.support.postgres import Server

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).parent / "optuna-dashboard"
PLAN = StudyPlan("june sweep", None, Path("unset"), ("log_loss", "cost"), 0, {"data": "a" * 64}, resume=False)


@contextmanager
def dashboard(storage: str) -> Iterator[str]:
    """A running dashboard; its address."""
    if not COMMAND.exists():
        pytest.skip("optuna-dashboard (the extra dashboard) is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [COMMAND, storage, "--host", "127.0.0.1", "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        wait_for(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(6000):
        if process.poll() is not None:
            raise AssertionError(process.communicate()[0].decode())
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("optuna-dashboard does not listen")


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=600) as answer:
        assert answer.status == 200
        text: str = answer.read().decode()
        return text


def sweep(study: optuna.Study, n_trials: int) -> None:
    def objective(trial: optuna.Trial) -> tuple[float, float]:
        x = trial.suggest_float("stacker.l2", 0.1, 100.0, log=True)
        trial.set_user_attr("worker", {"host": "a", "pid": 1})
        return x, 1 / x

    study.optimize(objective, n_trials=n_trials)


def assert_shown(address: str, study: optuna.Study) -> None:
    page = fetch(f"{address}/dashboard")
    assert "Optuna Dashboard" in page
    scripts = re.findall(r'src="([^"]+\.js)"', page)
    assert scripts
    assert all(len(fetch(f"{address}{script}")) > 1000 for script in scripts)
    listed = json.loads(fetch(f"{address}/api/studies"))["study_summaries"]
    (shown,) = [entry for entry in listed if entry["study_name"] == "june sweep"]
    assert [direction.upper() for direction in shown["directions"]] == ["MINIMIZE", "MINIMIZE"]
    detail = json.loads(fetch(f"{address}/api/studies/{shown['study_id']}?after=0"))
    assert [trial["state"] for trial in detail["trials"]] == ["Complete"] * len(study.trials)
    assert [trial["values"] for trial in detail["trials"]] == [pytest.approx(trial.values) for trial in study.trials]


def opens(plan: StudyPlan, storage: str) -> None:
    study = open_study(plan)
    sweep(study, 3)
    with dashboard(storage) as address:
        assert_shown(address, study)
        sweep(study, 2)  # a worker goes on while the page is open
        time.sleep(3)  # the dashboard keeps what it has read for some seconds
        assert_shown(address, study)


def test_on_a_file(tmp_path: Path) -> None:
    opens(replace(PLAN, folder=tmp_path), f"sqlite:///{tmp_path / 'study.db'}")


def test_on_postgresql(tmp_path: Path, postgres: Server) -> None:
    url = postgres.create("dashboard")
    opens(replace(PLAN, folder=tmp_path, storage=url), url.replace("postgresql://", "postgresql+psycopg2://"))
