"""`creditfusion score` on folders and with Ray workers, through the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from experiments.demo.data import generate
from experiments.score import whole_run
from experiments.session.sources import with_sources
from features.tables.reader import ReadOptions
from tests.support.command_line import creditfusion
from tests.support.explained import Trained
from tests.support.joined_sources import MADE, joined_table
from tests.support.scoring_in_parts import contents
from tests.support.source_records import write_records
from tests.support.suspicious import Suspicious


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Applications as CSV, gzipped CSV and Parquet; some break the contract, some ids occur twice."""
    made = tmp_path_factory.mktemp("folder") / "in"
    (made / "sub").mkdir(parents=True)
    table = generate(120, 2).table.drop(columns="outcome").astype(object)
    table.loc[table.index % 17 == 5, "amount"] = "a lot"
    table.loc[[20, 70], "application_id"] = table["application_id"].iloc[3]
    table.to_csv(made / "a.csv", index=False)
    table.iloc[:50].to_csv(made / "sub" / "b.csv.gz", index=False)
    table.iloc[30:].astype("string").to_parquet(made / "c.parquet")
    (made / "_SUCCESS").touch()
    return made


def arguments(trained: Trained, data: Path, out: Path, *more: object) -> list[object]:
    named = ["score", "--model", trained.model, "--data", data, "--out", out]
    return [*named, "--cache", trained.folder / "cache", "--chunk-rows", "20", "--passthrough", "amount", *more]


@pytest.fixture(scope="module")
def alone(trained: Trained, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """The bytes of every file of the folder scored by itself."""
    out = tmp_path_factory.mktemp("alone")
    for name in ("a.csv", "sub/b.csv.gz", "c.parquet"):
        assert creditfusion(*arguments(trained, folder / name, out / name)) == 3
    return {name: content for name, content in contents(out).items() if not name.endswith(".log.jsonl")}


def test_every_file_of_a_folder_is_scored_as_if_alone(
    trained: Trained,
    folder: Path,
    alone: Mapping[str, bytes],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert creditfusion(*arguments(trained, folder, tmp_path / "out", "--json")) == 3
    assert contents(tmp_path / "out") == alone
    summary = json.loads(capsys.readouterr().out)
    assert summary["files"] == 3
    assert summary["rows"] == 120 + 50 + 90 == summary["scored"] + summary["rejected"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.log.jsonl"]


def test_ray_workers_give_the_bytes_of_the_local_engine_and_leave_no_process(
    trained: Trained, folder: Path, alone: Mapping[str, bytes], tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    assert creditfusion(*arguments(trained, folder, tmp_path / "out", "--engine", "ray", "--workers", 2)) == 3
    assert contents(tmp_path / "out") == alone
    left = [one for one in psutil.Process().children(recursive=True) if one.pid not in before]
    assert not psutil.wait_procs(left, timeout=30)[1]
    one = tmp_path / "one.csv.gz"
    shutil.copy(folder / "c.parquet", tmp_path / "new.parquet")
    assert creditfusion(*arguments(trained, tmp_path / "new.parquet", one, "--engine", "ray", "--workers", 1)) == 3
    assert creditfusion(*arguments(trained, tmp_path / "new.parquet", tmp_path / "local.csv.gz")) == 3
    assert one.read_bytes() == (tmp_path / "local.csv.gz").read_bytes()


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``in``, two files of applications; the records of their sources, which are joined, are in the folder above."""
    made = tmp_path_factory.mktemp("linked")
    (made / "in").mkdir()
    table = joined_table(90, 2).drop(columns=[*MADE, "outcome"]).assign(device="phone").astype(object)
    table.loc[5, "amount"] = "a lot"
    table.loc[7, "device"] = "abacus"
    table.iloc[:50].to_csv(made / "in" / "a.csv", index=False)
    table.iloc[40:].astype("string").to_parquet(made / "in" / "b.parquet")
    write_records(made, "new", table, 5)
    (made / "new.court.csv").write_text("application_id,fine\n")
    return made


def test_sources_and_second_models_stand_beside_the_rows_of_a_folder_whatever_the_engine(
    joined_model: Path, trained: Trained, suspicious: Suspicious, linked: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")

    def score(data: Path, out: Path, *more: object) -> int:
        named = [f"--source={name}={linked / f'new.{name}.csv'}" for name in ("bureau", "calls", "court")]
        named += [f"--second=fraud={suspicious.model}", "--chunk-rows=20", f"--cache={trained.folder / 'cache'}"]
        return creditfusion("score", "--model", joined_model, "--data", data, "--out", out, *named, *more)

    for name, code in (("a.csv", 3), ("b.parquet", 0)):
        assert score(linked / "in" / name, tmp_path / "alone" / name) == code
    alone = {name: own for name, own in contents(tmp_path / "alone").items() if not name.endswith(".log.jsonl")}
    rows = pd.read_csv(tmp_path / "alone" / "a.csv").set_index("id")
    assert rows["fraud_probability"].isna().sum() == 1
    assert rows["source_points_bureau"].nunique() > 10
    assert score(linked / "in", tmp_path / "folder") == 3
    assert contents(tmp_path / "folder") == alone
    assert score(linked / "in", tmp_path / "ray", "--engine", "ray", "--workers", 2) == 3
    assert contents(tmp_path / "ray") == alone


@pytest.mark.parametrize("place", ["in/a.csv", "in"])
def test_applications_that_come_while_sources_are_joined_end_the_run(
    joined_model: Path,
    trained: Trained,
    linked: Path,
    tmp_path: Path,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = Path(shutil.copytree(linked / "in", tmp_path / "in")) / "a.csv"
    *first, last = data.read_text().splitlines(keepends=True)
    data.write_text("".join(first))

    def join_and_grow(*arguments: Any, **options: Any) -> ReadOptions:
        joined = with_sources(*arguments, **options)
        with data.open("a") as file:
            file.write(last)
        return joined

    monkeypatch.setattr(whole_run, "with_sources", join_and_grow)
    named = [f"--source={name}={linked / f'new.{name}.csv'}" for name in ("bureau", "calls", "court")]
    named += [f"--data={tmp_path / place}", f"--out={tmp_path / 'out' / place}", f"--cache={trained.folder / 'cache'}"]
    assert creditfusion("score", "--model", joined_model, *named) == 1
    assert "a.csv was changed while it" in capsys.readouterr().err
    assert not (tmp_path / "out" / "in" / "a.csv").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--rejects", "r.csv"), "--rejects names one file, and --data is a folder"),
        (("--out", "-"), "--out - goes with one file and --engine local"),
        (("--data", "absent", "--engine", "ray"), "absent does not exist"),
        (("--data", "nosuch://bucket/in"), "nosuch://bucket/in cannot be reached"),
        (("--engine", "ray", "--address", "ray://head:10001"), "is one of Ray Client"),
    ],
)
def test_what_does_not_go_with_a_folder_or_with_ray_is_refused_in_plain_words(
    trained: Trained,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    message: str,
) -> None:
    if "ray" in more:
        pytest.importorskip("ray", reason="Ray is not installed")
    rejects = ("--rejects", str(tmp_path / "r.csv")) if "-" in more else ()
    assert creditfusion(*arguments(trained, folder, tmp_path / "out", *rejects, *more)) in (1, 2)
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_files_is_refused_by_their_name(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "in"
    data.mkdir()
    assert creditfusion(*arguments(trained, data, tmp_path / "out")) == 2
    assert "in holds no files" in capsys.readouterr().err
    (data / "notes.txt").touch()
    assert creditfusion(*arguments(trained, data, tmp_path / "out")) == 2
    assert "notes.txt is neither CSV, gzipped CSV nor Parquet" in capsys.readouterr().err
    assert creditfusion(*arguments(trained, data, data / "out")) == 2
    assert "--data and --out lie in each other" in capsys.readouterr().err
