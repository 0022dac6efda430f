"""Where the steps of a run are done: here, one after the other, or by workers (``ray_workers``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from experiments.score.answering import RowScorer
from experiments.score.parts.files import FileToScore
from experiments.score.parts.steps import Job, ReadPart, answer_part, assemble, commit_part, read_parts
from experiments.score.parts.work import FileDone, FileRead
from experiments.score.side_by_side import finished_behind, made_ahead
from experiments.session.second_models import NO_SECOND_MODELS, SecondModels
from fusion.monitor import UNWATCHED, Monitor


@dataclass(frozen=True)
class RowsCommitted:
    """A part that is committed, or will be before its file is reported.

    Attributes:
        n_rows: Its rows.
    """

    n_rows: int


class Executor(Protocol):
    """Does the steps of a run; what it does is in the run's work when it reports it."""

    def answer(self, job: Job, files: Sequence[FileToScore]) -> Iterator[RowsCommitted | FileRead]:
        """Read the files and answer all parts that are not committed.

        Reports each part, and each file once it was read to its end. When nothing more is reported, all parts of all
        files are committed. Raises as ``read_parts``.
        """
        ...

    def assemble(self, job: Job, files: Mapping[str, FileToScore], done: Sequence[FileDone]) -> Iterator[FileDone]:
        """Put the parts of files together and publish them; reports each file. Raises as ``steps.assemble``."""
        ...


@dataclass(frozen=True)
class InProcess:
    """Does all steps in this process.

    Attributes:
        scorer: Answers.
        seconds: Second models, whose probabilities stand beside.
        monitor: Follows it.
    """

    scorer: RowScorer
    seconds: SecondModels = NO_SECOND_MODELS
    monitor: Monitor = UNWATCHED

    def answer(self, job: Job, files: Sequence[FileToScore]) -> Iterator[RowsCommitted | FileRead]:
        """As ``Executor.answer``: the next part is read while one is answered, and the one before written."""
        for file in files:
            read: list[FileRead] = []
            with finished_behind() as finish, made_ahead(read_parts(job, file)) as steps:
                for step in steps:
                    if isinstance(step, ReadPart):
                        content = answer_part(self.scorer, job, file, step, self.seconds, self.monitor)
                        finish(partial(commit_part, job, file, step, content))
                        yield RowsCommitted(len(step.rows))
                    else:
                        read.append(step)
            yield from read

    def assemble(self, job: Job, files: Mapping[str, FileToScore], done: Sequence[FileDone]) -> Iterator[FileDone]:
        """As ``Executor.assemble``."""
        for one in done:
            assemble(job, files[one.read.name], one)
            yield one
