"""Studies for tests: a plan, a cheap objective, a worker that has died."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import optuna

from experiments.sweep.study import StudyPlan, sign, worker_id

FINGERPRINT = {"data": "0123456789abcdef" * 4, "schema": "fedcba9876543210" * 4, "held out": "the newest tenth"}
X = optuna.distributions.FloatDistribution(-1.0, 1.0)

BASE = StudyPlan(
    name="sweep",
    storage=None,
    folder=Path("unset"),
    objectives=("log_loss",),
    seed=0,
    fingerprint=FINGERPRINT,
    resume=False,
    heartbeat=1,
)


def dead_worker() -> dict[str, str | int]:
    """A worker of this host that lives no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return worker_id(process.pid)


def parabola(trial: optuna.Trial) -> float:
    sign(trial)
    x = trial.suggest_float("x", -1.0, 1.0)
    trial.report(x * x, 1)
    return x * x
