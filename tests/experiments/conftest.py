"""The bundle, the applications and the reports that the tests of `creditfusion explain` share."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import pandas as pd
import pytest
from matplotlib.figure import Figure

from experiments.demo.data import generate
from experiments.sweep.study import StudyPlan
from tests.support.bundles import train_small
from tests.support.command_line import creditfusion
from tests.support.explained import (
    BROKEN,
    DAY,
    HOSTILE_AT,
    LONG,
    N_ROWS,
    SILENT,
    SLASHED,
    SLASHED_ID,
    Explain,
    Trained,
    any_id_schema,
)
from tests.support.hostile import HOSTILE
from tests.support.made_once import made_once
from tests.support.postgres import Server, running_server, server_binaries
from tests.support.studies import BASE
from tests.support.suspicious import Suspicious, train_suspicious


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A bundle that tests share, and new applications for it; beside them lies a cache of vectors, all else stays."""

    def train(folder: Path) -> None:
        train_small(folder, generate(600, 1).table, schema=any_id_schema())
        _new_applications().to_csv(folder / "new.csv", index=False)

    folder = made_once(tmp_path_factory, "explained", train)
    return Trained(folder / "model", folder / "new.csv", _new_applications(), folder)


def _new_applications() -> pd.DataFrame:
    table = generate(N_ROWS, 2).table.drop(columns="outcome").astype(object)
    table.loc[BROKEN, "amount"] = "a lot"
    table.loc[SLASHED, "application_id"] = SLASHED_ID
    table.loc[HOSTILE_AT, "statement"] = " ".join(HOSTILE[name] for name in ("attribute", "formula", "entity"))
    table.loc[SILENT, ["statement", "job_title"]] = ""
    table.loc[LONG, "statement"] = " ".join("In that year I paid, and then " * 5 + f"so on, {n}." for n in range(20))
    table.loc[LONG, "job_title"] = "baker"
    return table


@pytest.fixture(scope="session")
def suspicious(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Suspicious:
    """A second bundle, of fraud, and applications that it and ``trained`` read."""
    return train_suspicious(trained, tmp_path_factory.mktemp("suspicious"))


@pytest.fixture
def explain(trained: Trained) -> Explain:
    """Runs the verb; its exit code."""

    def run(out: Path, *more: str, data: Path = trained.data, day: Sequence[str] = ("--date", DAY)) -> int:
        named = ["--model", str(trained.model), "--data", str(data), "--out", str(out), *day]
        cache = ["--cache", str(trained.folder / "cache")]
        return creditfusion("explain", *named, *cache, *more)

    return run


@pytest.fixture(scope="session")
def everything(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every application's reports for every reader, as JSON and HTML."""

    def report(folder: Path) -> None:
        arguments = ["--model", trained.model, "--data", trained.data, "--out", folder / "out", "--date", DAY]
        arguments += ["--cache", trained.folder / "cache", "--top", 1000]
        readers = [part for name in ("underwriter", "applicant", "validator") for part in ("--for", name)]
        assert creditfusion("explain", *arguments, *readers) == 3

    return made_once(tmp_path_factory, "everything", report) / "out"


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """No picture of a report is drawn, which takes most of the report's time."""

    def blank(_: Figure, file: TextIO, **_options: object) -> None:
        file.write("<svg xmlns='http://www.w3.org/2000/svg'/>")

    monkeypatch.setattr(Figure, "savefig", blank)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of the session's own; skips where there is none to start."""
    pytest.importorskip("psycopg2", reason="the PostgreSQL driver is not installed")
    binaries = server_binaries()
    if binaries is None:
        pytest.skip("there is no PostgreSQL server (initdb, postgres) on this machine")
    with running_server(binaries) as server:
        yield server


@pytest.fixture(params=["file", pytest.param("postgres", marks=pytest.mark.slow)])
def plan(request: pytest.FixtureRequest, tmp_path: Path) -> StudyPlan:
    """A study of its own on each storage."""
    plan = replace(BASE, folder=tmp_path / "out")
    if request.param == "postgres":
        server: Server = request.getfixturevalue("postgres")
        return replace(plan, storage=server.create(f"study-{os.urandom(4).hex()}"))
    return plan
