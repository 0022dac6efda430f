"""The commands with sources, from training to reports: joined, counted, and the same bytes whatever their order."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import fusion
from experiments.demo.data import FIRST_DAY, generate
from tests.support.bundles import SMALL
from tests.support.command_line import creditfusion
from tests.support.source_records import write_records
from tests.support.sources import BUREAU, CALLS, with_sources
from tests.support.tiny_bert import tiny_bert

N_PAST, N_NEW = 240, 30


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Applications, accounts and call notes of decided and of new applicants, and a model of the decided ones."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "my.schema.json").write_text(json.dumps(with_sources(BUREAU, CALLS)))
    for name, n, seed in (("past", N_PAST, 3), ("new", N_NEW, 4)):
        table = generate(n, seed, FIRST_DAY, 730).table
        (table if name == "past" else table.drop(columns="outcome")).to_csv(folder / f"{name}.csv", index=False)
        write_records(folder, name, table, seed)
    settings = (f"encoder.source='{tiny_bert(folder / 'encoder')}'", *SMALL)
    small = [word for setting in settings for word in ("--set", setting)]
    train = ["train", *_schema(folder), *_data(folder, "past"), "--out", folder / "model", "--quick", *small]
    assert creditfusion(*train) == 0
    return folder


def _schema(folder: Path) -> list[object]:
    return ["--schema", folder / "my.schema.json"]


def _data(folder: Path, name: str) -> list[object]:
    return ["--data", folder / f"{name}.csv", *_sources(folder, name)]


def _sources(folder: Path, name: str) -> list[object]:
    return [part for one in ("bureau", "calls") for part in ("--source", f"{one}={folder / f'{name}.{one}.csv'}")]


@pytest.mark.slow
def test_scored_bytes_do_not_depend_on_the_order_of_records_or_on_chunks(work: Path, tmp_path: Path) -> None:
    model = ["--model", work / "model"]
    assert creditfusion("score", *model, *_data(work, "new"), "--out", tmp_path / "scored.csv") == 0
    kept = tmp_path / "scored.csv.source_rejects.csv"
    kept.write_text("of the run that is finished")
    assert creditfusion("score", *model, *_data(work, "new"), "--out", tmp_path / "scored.csv") == 2
    assert kept.exists()  # refused before anything is joined or removed
    (tmp_path / "new.csv").write_bytes((work / "new.csv").read_bytes())
    for one in ("bureau", "calls"):
        frame = pd.read_csv(work / f"new.{one}.csv", dtype=str)
        frame.sample(frac=1.0, random_state=1).to_csv(tmp_path / f"new.{one}.csv", index=False)
    again = ["score", *model, *_data(tmp_path, "new"), "--out", tmp_path / "again.csv", "--chunk-rows", "7"]
    assert creditfusion(*again) == 0
    scored = (tmp_path / "scored.csv").read_bytes()
    assert (tmp_path / "again.csv").read_bytes() == scored
    assert len(scored.splitlines()) == N_NEW + 1
    records = {one: pd.read_csv(work / f"new.{one}.csv", dtype=str) for one in ("bureau", "calls")}
    frame = fusion.load(work / "model").score(pd.read_csv(work / "new.csv", dtype=str), records).scores
    assert [f"{pd_:.6f}" for pd_ in frame["pd"]] == [line.split(",")[2] for line in scored.decode().splitlines()[1:]]


@pytest.mark.slow
def test_every_verb_reads_sources(work: Path, tmp_path: Path) -> None:
    model = ["--model", work / "model"]
    past = ["evaluate", *model, *_data(work, "past"), "--keep-training-rows", "--out", tmp_path / "checks"]
    assert creditfusion(*past) == 0
    assert creditfusion("explain", *model, *_data(work, "new"), "--top", "1", "--out", tmp_path / "reports") == 0
    assert "bureau_open" in next((tmp_path / "reports").glob("*-underwriter.json")).read_text()
    assert creditfusion("schema", "check", *_schema(work), work / "new.csv", *_sources(work, "new")) == 0
    both = ["--champion", work / "model", "--challenger", work / "model", *_data(work, "past")]
    assert creditfusion("compare", *both, "--out", tmp_path / "contest") == 0


@pytest.mark.slow
def test_a_source_that_is_not_given_is_named(work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    only = ["--data", work / "new.csv", *_sources(work, "new")[:2]]
    assert creditfusion("score", "--model", work / "model", *only, "--out", tmp_path / "scored.csv") == 2
    assert "--source calls=FILE" in capsys.readouterr().err
    assert not (tmp_path / "scored.csv").exists()


@pytest.mark.slow
def test_strict_ends_where_records_do_not_reach_the_applications(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strangers = _sources(work, "past")
    score = ["score", "--model", work / "model", "--data", work / "new.csv", *strangers, "--out", tmp_path / "s.csv"]
    assert creditfusion(*score, "--strict") == 4
    assert "no application has a record that was known" in capsys.readouterr().err
    assert creditfusion(*score) == 0
