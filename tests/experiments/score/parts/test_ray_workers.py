"""What the command does about workers that die, without any Ray process: its calls are stood in for."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from data_schemas.errors import RunError
from experiments.score.parts.ray_answering import MOST_DEATHS, Pool
from experiments.score.parts.ray_workers import RayWorkers
from experiments.score.parts.work import FileDone, FileRead
from experiments.score.resumable_output import Tally

ray = pytest.importorskip("ray", reason="Ray is not installed")

DONE = FileDone(read=FileRead(name="a.csv", input_sha256="0" * 64, n_rows=3), tally=Tally(rows=3))


@dataclass(eq=False)
class Reference:
    """What a call of a worker will give."""

    found: FileDone


class Workers:
    """Workers of which the first ``n_deaths`` die over what they are given."""

    def __init__(self, n_deaths: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = n_deaths
        self.notes: list[str] = []
        pool = Pool(self.made, None, 1, self.notes.append)
        self.executor = RayWorkers(pool)
        monkeypatch.setattr("ray.wait", lambda waiting, num_returns: (waiting[:num_returns], []))
        monkeypatch.setattr("experiments.score.parts.ray_workers.result_of", self.result)

    def made(self) -> Any:
        return SimpleNamespace(assemble=SimpleNamespace(remote=lambda _job, _file, one: Reference(one)))

    def result(self, reference: Reference) -> FileDone:
        if self.left:
            self.left -= 1
            raise ray.exceptions.ActorDiedError
        return reference.found

    def assembled(self) -> list[FileDone]:
        job: Any = None
        file: Any = None
        return list(self.executor.assemble(job, {"a.csv": file}, [DONE]))


def test_a_file_is_put_together_by_another_worker_when_one_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = Workers(MOST_DEATHS - 1, monkeypatch)
    assert workers.assembled() == [DONE]
    assert len(workers.notes) == MOST_DEATHS - 1


def test_workers_that_always_die_over_a_file_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match=r"10 workers died while they put the parts of a\.csv together"):
        Workers(1000, monkeypatch).assembled()
