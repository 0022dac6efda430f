"""Files read and answered by Ray tasks and actors: who does what next, and what becomes of it when they die."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from data_schemas.errors import RunError
from experiments.score.parts.executor import RowsCommitted
from experiments.score.parts.files import FileToScore
from experiments.score.parts.part import RowRange
from experiments.score.parts.steps import Job, ReadPart, read_parts
from experiments.score.parts.work import FileRead

PARTS_A_WORKER = 2
"""Parts given to a worker at once: the next one lies there when the last is answered."""

OBJECTS_AHEAD = 4
"""What a reading task may be ahead, in objects; a part is two."""

MOST_DEATHS = 10
"""Workers that may die over one part, or one after the other while they load, before the run gives up."""

MOST_READINGS = 20
"""Times that a file is read before the run gives up."""

Event = RowsCommitted | FileRead


def read_for_workers(job: Job, file: FileToScore) -> Iterator[RowRange | ReadPart | FileRead]:
    """As ``read_parts``; before each part the numbers of its rows, so that the command need not look into it."""
    for step in read_parts(job, file):
        if isinstance(step, ReadPart):
            yield step.rows
        yield step


def result_of(reference: Any) -> Any:
    """What a task gave; raises what it raised, and RayError where it died or its input is lost."""
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error


@dataclass(eq=False)
class Member:
    """A worker.

    Attributes:
        actor: Its handle.
        n_parts: Parts that it has now.
        is_loaded: Whether it has its scorer.
        is_lost: Whether it died.
    """

    actor: Any
    n_parts: int = 0
    is_loaded: bool = False
    is_lost: bool = False


class Pool:
    """Workers, each replaced when it dies.

    Args:
        make: Starts an actor.
        source: What it loads.
        n_workers: How many there are.
        note: Gets a sentence about every worker that is lost.
    """

    def __init__(self, make: Callable[[], Any], source: object, n_workers: int, note: Callable[[str], None]) -> None:
        self.source = source
        self.n_workers = n_workers
        self._make = make
        self._note = note
        self.members = [Member(make()) for _ in range(n_workers)]

    def replaced(self, lost: Member) -> Member:
        """A new worker in place of one that died."""
        lost.is_lost = True
        self._note("a worker died; another takes its place")
        fresh = Member(self._make())
        self.members[self.members.index(lost)] = fresh
        return fresh

    def free(self) -> Member | None:
        """The loaded worker with the fewest parts; None where all have enough."""
        able = [one for one in self.members if one.is_loaded and one.n_parts < PARTS_A_WORKER]
        return min(able, key=lambda one: one.n_parts, default=None)


@dataclass(eq=False)
class _Reading:
    """A file that is being read and answered.

    Attributes:
        file: The file.
        stream: What the reading task gives.
        n_parts: Parts that are not committed yet.
        read: What was found, once it is read to its end.
        n_times: How often it was begun.
    """

    file: FileToScore
    stream: Any
    n_parts: int = 0
    read: FileRead | None = None
    n_times: int = 1


@dataclass(frozen=True)
class _Task:
    """A part that is read.

    Attributes:
        reading: Of its file.
        rows: Their numbers.
        part: Reference to it.
    """

    reading: _Reading
    rows: RowRange
    part: Any


class Answering:
    """One pass over files.

    Args:
        pool: The workers.
        job: The run.
        files: What is read and answered.
    """

    def __init__(self, pool: Pool, job: Job, files: Sequence[FileToScore]) -> None:
        import ray

        self._pool, self._job = pool, job
        self._job_reference = ray.put(job)
        read: Any = ray.remote(num_cpus=0, max_retries=0, scheduling_strategy="SPREAD")(read_for_workers)
        self._read = read.options(num_returns="streaming", _generator_backpressure_num_objects=OBJECTS_AHEAD)
        self._files = deque(files)
        self._readings: list[_Reading] = []
        self._tasks: deque[_Task] = deque()
        self._taken: set[tuple[str, RowRange]] = set()
        self._deaths: Counter[tuple[str, RowRange]] = Counter()
        self._deaths_loading = 0
        self._waiting: dict[Any, Callable[[], Iterator[Event]]] = {}
        for member in pool.members:
            self._load(member)

    def events(self) -> Iterator[Event]:
        """Reports as ``Executor.answer`` does."""
        import ray

        while self._files or self._readings:
            self._begin_reading()
            self._give_out()
            self._look_at_streams()
            ready, _ = ray.wait(list(self._waiting), num_returns=1)
            yield from self._waiting.pop(ready[0])()

    def _begin_reading(self) -> None:
        while self._files and len(self._readings) < max(2, self._pool.n_workers):
            file = self._files.popleft()
            self._readings.append(_Reading(file, self._read.remote(self._job_reference, file)))

    def _give_out(self) -> None:
        while self._tasks and (member := self._pool.free()) is not None:
            task = self._tasks.popleft()
            member.n_parts += 1
            result = member.actor.commit.remote(self._job_reference, task.reading.file, task.part)
            self._waiting[result] = partial(self._answered, result, member, task)

    def _look_at_streams(self) -> None:
        """Take no more from the files than the workers will soon need."""
        if len(self._tasks) >= PARTS_A_WORKER * self._pool.n_workers:
            return
        for reading in self._readings:
            if reading.stream is not None:
                self._waiting[reading.stream] = partial(self._advanced, reading)

    def _load(self, member: Member) -> None:
        result = member.actor.load.remote(self._pool.source)
        self._waiting[result] = partial(self._loaded, result, member)

    def _loaded(self, result: Any, member: Member) -> Iterator[Event]:
        from ray.exceptions import RayError

        try:
            result_of(result)
            member.is_loaded, self._deaths_loading = True, 0
        except RayError as error:
            self._deaths_loading += 1
            if self._deaths_loading >= MOST_DEATHS:
                what = f"{MOST_DEATHS} workers died while they loaded the model"
                raise RunError(what, "See whether their machines have memory enough; take fewer --workers.") from error
            self._load(self._pool.replaced(member))
        yield from ()

    def _advanced(self, reading: _Reading) -> Iterator[Event]:
        """What a reading task gave next: the numbers of a part, which then follows, or what was found at the end."""
        from ray.exceptions import RayError

        try:
            found = result_of(next(reading.stream))
            if isinstance(found, FileRead):
                reading.read = found
            else:
                self._take(_Task(reading, found, next(reading.stream)))
        except (StopIteration, RayError):  # at its end, or dead
            reading.stream = None
            yield from self._ended(reading)

    def _take(self, task: _Task) -> None:
        key = (task.reading.file.name, task.rows)
        if key not in self._taken:  # else it is being answered since an earlier reading
            self._taken.add(key)
            self._tasks.append(task)
            task.reading.n_parts += 1

    def _answered(self, result: Any, member: Member, task: _Task) -> Iterator[Event]:
        from ray.exceptions import ActorDiedError, ActorUnavailableError, OutOfMemoryError, RayError

        member.n_parts -= 1
        try:
            n_rows = result_of(result)
        except (ActorDiedError, ActorUnavailableError, OutOfMemoryError) as error:
            self._count_death(task, error)
            if not member.is_lost:
                self._load(self._pool.replaced(member))
            self._tasks.appendleft(task)
            return
        except RayError:  # the part was lost with the machine that held it
            self._taken.discard((task.reading.file.name, task.rows))
        else:
            yield RowsCommitted(n_rows)
        task.reading.n_parts -= 1
        yield from self._ended(task.reading)

    def _count_death(self, task: _Task, error: Exception) -> None:
        key = (task.reading.file.name, task.rows)
        self._deaths[key] += 1
        if self._deaths[key] >= MOST_DEATHS:
            what = f"{task.reading.file.data}: {MOST_DEATHS} workers died over rows {task.rows.first:,} to"
            remedy = "See whether their machines have memory enough; take fewer --workers or --chunk-rows with --force."
            raise RunError(f"{what} {task.rows.last:,}", remedy) from error

    def _ended(self, reading: _Reading) -> Iterator[Event]:
        """Report a file that is read and whose parts are all committed; read it again where some are lost."""
        if reading.stream is not None or reading.n_parts:
            return
        if reading.read is not None:
            committed = self._job.work.committed(reading.file.name, reading.read.input_sha256)
            if sum(map(len, committed)) >= reading.read.n_rows:
                self._readings.remove(reading)
                yield reading.read
                return
        if reading.n_times >= MOST_READINGS:
            what = f"{reading.file.data} was read {MOST_READINGS} times, and parts of it were lost each time"
            raise RunError(what, "See what ends the workers, then run the same command with --resume.")
        reading.n_times += 1
        reading.read = None
        reading.stream = self._read.remote(self._job_reference, reading.file)
