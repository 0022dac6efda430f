"""The steps of a run done by Ray workers, on this machine or on a cluster.

Each worker is an actor that holds one loaded scorer. A file is read by one task, in its order; what it reads goes
straight to the workers, and what they make to the run's work, so that the command itself holds no rows. A worker that
dies is replaced and its parts are given to others; a file whose parts were lost on the way is read again.
"""

from __future__ import annotations

import logging
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from data_schemas.errors import ContractError, RunError
from experiments.score.parts.executor import RowsCommitted
from experiments.score.parts.files import FileToScore
from experiments.score.parts.ray_answering import MOST_DEATHS, Answering, Member, Pool, result_of
from experiments.score.parts.steps import Job, ReadPart, answer_part, assemble, commit_part
from experiments.score.parts.work import FileDone, FileRead
from experiments.session.second_models import SecondModels, named_bundles
from fusion.policy.policy import Policy
from fusion.scorer import Scorer, load_scorer
from fusion.text_encoder import VectorCache

OBJECT_STORE_BYTES = 512 * 2**20
"""Of a local Ray: room for the parts that are on their way; more go to the disk."""


@dataclass(frozen=True)
class ScorerSource:
    """What a worker loads its scorer from; paths are those of its own machine.

    Attributes:
        model: The bundle.
        encoder: Where the text encoder lies; None: where training found it.
        cache: Of narratives' vectors.
        policy: What decides in the place of the bundle's policy; None: that one.
        reasons: Beside every score.
        threads: Processor threads of a worker.
        model_id: Of the model that this command has loaded.
        encoder_digest: Of the encoder that this command has loaded.
        second: Second models by the names and paths that ``--second`` gives them.
        second_identity: Of those that this command has loaded.
    """

    model: Path
    encoder: str | None
    cache: VectorCache | None
    policy: Policy | None
    reasons: int
    threads: int
    model_id: str
    encoder_digest: str
    second: tuple[str, ...] = ()
    second_identity: str = "none"

    @staticmethod
    def like(scorer: Scorer, model: Path, encoder: str | None, cache: VectorCache | None, threads: int) -> ScorerSource:
        """What a scorer was loaded from, for workers of so many threads; 0: one."""
        is_folder = encoder is not None and Path(encoder).exists()
        return ScorerSource(
            model=model.absolute(),
            encoder=str(Path(encoder).absolute()) if encoder is not None and is_folder else encoder,
            cache=VectorCache(cache.folder.absolute(), cache.max_gb) if cache is not None else None,
            policy=scorer.policy,
            reasons=scorer.n_reasons,
            threads=threads or 1,
            model_id=scorer.model_id,
            encoder_digest=scorer.encoder_digest,
        )

    def with_second(self, named: Sequence[str], seconds: SecondModels) -> ScorerSource:
        """The same with second models, as ``--second`` named them and as they were loaded."""
        second = tuple(f"{name}={path.absolute()}" for name, path in named_bundles(named).items())
        return replace(self, second=second, second_identity=seconds.identity)

    def load(self) -> tuple[Scorer, SecondModels]:
        """The scorer and second models; raises ContractError where they would give other bytes than this command's."""
        import torch  # takes seconds

        torch.set_num_threads(self.threads)
        seconds = SecondModels.load(self.second, self.cache, self.threads)
        scorer = load_scorer(
            self.model,
            encoder=self.encoder,
            cache=self.cache,
            policy=self.policy,
            seconds=seconds.scorers,
            reasons=self.reasons,
            threads=self.threads,
        )
        if scorer.model_id != self.model_id:
            what = f"a worker finds model {scorer.model_id} at {self.model}, not {self.model_id}"
            raise ContractError(what, "Give every machine the same bundle at the same path.")
        if scorer.encoder_digest != self.encoder_digest:
            raise ContractError(
                "a worker computes narratives' vectors otherwise than this machine, so that bytes would differ",
                "Use machines of one kind of processor, and start the command on one of them.",
            )
        if seconds.identity != self.second_identity:
            what = f"a worker finds other second models: {seconds.identity}, not {self.second_identity}"
            raise ContractError(what, "Give every machine the same bundles at the same paths.")
        scorer.prepare()
        return scorer, seconds


class _Worker:
    """An actor: answers parts with one scorer."""

    def load(self, source: ScorerSource) -> None:
        self.scorer, self.seconds = source.load()

    def commit(self, job: Job, file: FileToScore, part: ReadPart) -> int:
        commit_part(job, file, part, answer_part(self.scorer, job, file, part, self.seconds))
        return len(part.rows)

    def assemble(self, job: Job, file: FileToScore, done: FileDone) -> FileDone:
        assemble(job, file, done)
        return done


@dataclass(frozen=True)
class RayWorkers:
    """Does the steps of a run on Ray (``Executor``); open it with ``ray_workers``.

    Attributes:
        pool: The workers.
    """

    pool: Pool

    def answer(self, job: Job, files: Sequence[FileToScore]) -> Iterator[RowsCommitted | FileRead]:
        """As ``Executor.answer``."""
        return Answering(self.pool, job, files).events() if files else iter(())

    def assemble(self, job: Job, files: Mapping[str, FileToScore], done: Sequence[FileDone]) -> Iterator[FileDone]:
        """As ``Executor.assemble``; what a worker had in hand when it died is done again by another.

        Raises RunError too where workers die over one file again and again.
        """
        import ray

        left, deaths = deque(done), Counter[str]()
        waiting: dict[Any, tuple[Member, FileDone]] = {}
        while left or waiting:
            for member in self.pool.members:
                if left and not any(busy is member for busy, _ in waiting.values()):
                    one = left.popleft()
                    waiting[member.actor.assemble.remote(job, files[one.read.name], one)] = (member, one)
            ready, _ = ray.wait(list(waiting), num_returns=1)
            member, one = waiting.pop(ready[0])
            try:
                found: FileDone = result_of(ready[0])
            except ray.exceptions.RayActorError as error:
                deaths[one.read.name] += 1
                if deaths[one.read.name] >= MOST_DEATHS:
                    what = f"{MOST_DEATHS} workers died while they put the parts of {one.read.name} together"
                    raise RunError(what, "See what ends the workers, then run the command with --resume.") from error
                self.pool.replaced(member)
                left.append(one)
            else:
                yield found


@contextmanager
def ray_workers(
    source: ScorerSource, address: str | None, n_workers: int, note: Callable[[str], None]
) -> Iterator[RayWorkers]:
    """Workers on the cluster at this address, or on a Ray of this machine that ends with the context.

    Args:
        n_workers: How many; 0: as many as there are processors for.
        note: Gets a sentence about every worker that is lost.

    Raises ContractError where Ray is not installed or cannot be reached that way, RunError where there is no cluster.
    """
    check_ray()
    import ray

    _start(address, n_workers * source.threads)
    try:
        resources: Any = ray.cluster_resources  # untyped
        room = int(resources().get("CPU", 0)) // source.threads
        if room < max(n_workers, 1):
            what = f"there are processors for {room} workers of {source.threads} threads"
            raise ContractError(what, "Take fewer --workers or --threads, or a larger cluster.")
        actor: Any = ray.remote(num_cpus=source.threads, max_restarts=0)(_Worker)
        yield RayWorkers(Pool(actor.remote, source, n_workers or room, note))
    finally:
        ray.shutdown()


def check_ray() -> None:
    """Raise ContractError where Ray is not installed; keep it from reporting its use to anybody."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if find_spec("ray") is None:
        raise ContractError("--engine ray needs Ray", "Install it with: pip install 'creditfusion[ray]'.")


def _start(address: str | None, n_cpus: int) -> None:
    import ray

    logging.getLogger("ray").setLevel(logging.CRITICAL)  # a lost worker is noted in words of our own
    if address is None:
        ray.init(
            num_cpus=n_cpus or None,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
        )
        return
    if "://" in address:
        what = f"--address {address} is one of Ray Client"
        raise ContractError(what, "Run the command on a machine of the cluster, with --address auto.")
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (ConnectionError, RuntimeError, ValueError) as error:
        what = f"there is no Ray cluster at {address}"
        raise RunError(what, "Start one with: ray start --head. Or leave --address out.") from error
