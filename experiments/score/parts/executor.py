"""Where the steps of a run are done: here, one after the other, or by workers (``ray_workers``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from experiments.score.answering import RowScorer
from experiments.score.parts.files import FileToScore
from experiments.score.parts.steps import Job, assemble, commit_part, read_parts
from experiments.score.parts.work import FileDone, FileRead
from fusion.scorer import UNWATCHED, Monitor


@dataclass(frozen=True)
class RowsCommitted:
    """A part that was committed.

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
        monitor: Follows it.
    """

    scorer: RowScorer
    monitor: Monitor = UNWATCHED

    def answer(self, job: Job, files: Sequence[FileToScore]) -> Iterator[RowsCommitted | FileRead]:
        """As ``Executor.answer``."""
        for file in files:
            for step in read_parts(job, file):
                if isinstance(step, FileRead):
                    yield step
                else:
                    yield RowsCommitted(commit_part(self.scorer, job, file, step, self.monitor))

    def assemble(self, job: Job, files: Mapping[str, FileToScore], done: Sequence[FileDone]) -> Iterator[FileDone]:
        """As ``Executor.assemble``."""
        for one in done:
            assemble(job, files[one.read.name], one)
            yield one
