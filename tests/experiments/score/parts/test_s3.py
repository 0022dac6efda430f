"""Runs in parts on an object store that pyarrow reaches over the network: whole objects, and nothing left behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from data_schemas.errors import ContractError, RunError
from experiments.score.parts.executor import InProcess
from experiments.score.parts.files import files_to_score
from experiments.score.parts.job import Conduct, score_in_parts
from experiments.score.parts.store import _file_system, open_store
from experiments.session.run import Run
from features.tables.reader import ReadOptions
from tests.experiments.score.parts.test_parts_job import stopping_after
from tests.support.object_store import ObjectServer, object_server
from tests.support.rule_scorer import RuleScorer
from tests.support.scoring_in_parts import SCORER, Batch


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectServer]:
    with object_server() as (server, environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        _file_system.cache_clear()
        yield server
        _file_system.cache_clear()


def score(scorer: RuleScorer = SCORER, resume: bool = False) -> int:
    """Score ``s3://bucket/in`` into ``s3://bucket/out``; rows that were resumed."""
    given = files_to_score(Path("s3://bucket/in"), Path("s3://bucket/out"), None)
    with Run.start("score", None, {}) as run:
        conduct = Conduct(resume=resume)
        return score_in_parts(scorer, given, ReadOptions(10), InProcess(scorer), run, conduct).n_resumed


def results(s3: ObjectServer) -> Mapping[str, bytes]:
    return {name.removeprefix("out/"): own for name, own in s3.objects.items() if name.startswith("out/") and own}


def test_an_interrupted_run_is_resumed_to_the_bytes_of_each_file_alone(
    batch: Batch, alone: dict[str, bytes], s3: ObjectServer
) -> None:
    for path in batch.data.rglob("*"):
        if path.is_file():
            s3.objects[f"in/{path.relative_to(batch.data).as_posix()}"] = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        score(stopping_after(8))
    assert not results(s3)
    assert len([name for name in s3.objects if name.endswith(".part")]) == 8
    s3.objects["out/a.csv"] = b"a colleague's"
    with pytest.raises(ContractError, match=r"s3://bucket/out/a\.csv exists, a finished file"):
        score(resume=True)
    del s3.objects["out/a.csv"]
    assert score(resume=True) == 60 + 20
    assert results(s3) == alone
    assert not [name for name in s3.objects if name.startswith("out.parts")]


def test_an_upload_is_whole_or_not_there_when_it_is_interrupted(s3: ObjectServer, tmp_path: Path) -> None:
    content = os.urandom(1 << 20) * 24

    interrupts = iter([signal.SIGINT])

    def interrupted() -> int:
        for one in interrupts:
            os.kill(os.getpid(), one)
        return 200

    s3.on_part = interrupted
    (tmp_path / "scored.csv").write_bytes(content)
    with pytest.raises(KeyboardInterrupt):
        open_store("s3://bucket/out").publish(tmp_path / "scored.csv", "scored.csv")
    assert s3.objects.get("out/scored.csv", content) == content


def test_a_part_is_whole_or_not_there_when_its_upload_fails(s3: ObjectServer) -> None:
    store = open_store("s3://bucket/out.parts")
    assert store.put_new("a/1.part", b"rows")
    s3.on_part = lambda: 403
    with pytest.raises(RunError, match=r"s3://bucket/out\.parts cannot be used: .*UploadPart"):
        store.put_new("a/2.part", b"rows")
    assert store.names() == ["a/1.part"]
