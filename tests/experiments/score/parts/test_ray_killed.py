"""Ray workers and the command itself killed in the middle: every row once, and the same bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.benchmarks.measuring import score_command
from experiments.benchmarks.speed.ray_kills import score_while_killing
from experiments.demo.data import generate
from tests.support.command_line import creditfusion
from tests.support.explained import Trained

pytestmark = pytest.mark.slow


def test_kills_of_workers_and_of_the_command_lose_and_double_nothing(trained: Trained, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    table = generate(2000, 3).table.drop(columns="outcome").astype(object)
    table.loc[table.index % 17 == 5, "amount"] = "a lot"
    table.loc[table.index % 50 == 9, "application_id"] = table["application_id"].iloc[3]
    data, local, ray = tmp_path / "new.csv", tmp_path / "local.csv", tmp_path / "ray.csv"
    table.to_csv(data, index=False)
    assert creditfusion("score", "--model", trained.model, "--data", data, "--out", local, "--no-cache") == 3
    more = ["--no-cache", "--engine", "ray", "--workers", "2", "--chunk-rows", "20"]
    command = score_command(trained.model, data, ray, *more)
    kills = score_while_killing(command, 6, (1.0, 6.0), seed=3)
    assert kills.exit_code == 3
    assert kills.workers + kills.commands > 0
    for end in ("", ".rejects.csv"):
        assert Path(f"{ray}{end}").read_bytes() == Path(f"{local}{end}").read_bytes()
    assert not Path(f"{ray}.parts").exists()
