"""The steps of a run that is scored in parts: a file is read, its parts are answered, and they are put together.

Wherever a step runs (``executor``), it leaves what it made in the run's work (``work``) and nowhere else, so that it
can be done again at any time, by anybody, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from data_schemas.contract import Schema
from data_schemas.errors import RunError, UserError
from experiments.score.answering import RowScorer, answer_chunk
from experiments.score.job import REJECTS_COLUMNS
from experiments.score.parts.files import FileToScore
from experiments.score.parts.part import RowRange, packed
from experiments.score.parts.work import FileDone, FileRead, Work, added, check_whole
from experiments.score.resumable_output import OutputColumn, OutputFile, finished_file, header_bytes, rows_bytes
from experiments.session.fingerprint import check_unchanged, fingerprint
from features.tables.applications import Chunk
from features.tables.csv_records import file_sha256
from features.tables.reader import ReadOptions, file_layout, read_chunks
from fusion.scorer import UNWATCHED, Monitor


@dataclass(frozen=True)
class Job:
    """What every step needs to know of the run.

    Attributes:
        work: Where parts are kept.
        schema: The data contract of the files.
        options: How they are read; ``chunk_rows`` are the rows of a part.
        columns: Of the scored files.
    """

    work: Work
    schema: Schema
    options: ReadOptions
    columns: tuple[OutputColumn, ...]

    def scored(self, file: FileToScore) -> OutputFile:
        """The scored file, as it is written."""
        return OutputFile(Path(file.out.name), self.columns)

    def rejects(self, file: FileToScore) -> OutputFile:
        """The rejects of a file, as they are written."""
        return OutputFile(Path(file.rejects.name), REJECTS_COLUMNS)


@dataclass(frozen=True)
class ReadPart:
    """Rows of a file that are read and checked, and not yet answered.

    Attributes:
        input_sha256: Of the file.
        rows: Their numbers.
        chunk: The rows.
    """

    input_sha256: str
    rows: RowRange
    chunk: Chunk


def input_sha256(file: FileToScore) -> str:
    """Digest of a file's bytes as they are now; raises RunError where it cannot be read."""
    with _fetched(file) as path:
        return file_sha256(path)


def read_parts(job: Job, file: FileToScore) -> Iterator[ReadPart | FileRead]:
    """The parts of a file that are not committed yet, then what was found of the file.

    All rows are read and checked in their order, for the sake of the checks that look at several rows. A file that was
    read to its end before, and whose parts are all there, is only looked at to see that it is the same.

    Raises ContractError for a file that is no table of this contract, RunError for one that cannot be read or changes
    meanwhile.
    """
    with _fetched(file) as path:
        yield from _read(job, file, path)


@contextmanager
def _fetched(file: FileToScore) -> Iterator[Path]:
    try:
        with file.data.store.fetched(file.data.name) as path:
            yield path
    except FileNotFoundError as error:
        raise RunError(f"{file.data} does not exist", "Check the path.") from error


def _read(job: Job, file: FileToScore, path: Path) -> Iterator[ReadPart | FileRead]:
    try:
        before = fingerprint(path)
        committed = job.work.committed(file.name, before.sha256)
        earlier = job.work.read(file.name, before.sha256)
        if earlier is not None and sum(map(len, committed)) == earlier.n_rows:
            yield earlier
            return
        layout, row = file_layout(path, job.schema, job.options), 0
        for chunk in read_chunks(path, job.schema, job.options):
            rows = RowRange(row + 1, row + chunk.n_rows)
            if chunk.n_rows and rows not in committed:
                yield ReadPart(before.sha256, rows, chunk)
            row = rows.last
        check_unchanged(path, before)
        left_out, findings = (layout.n_left_out, tuple(layout.findings)) if layout is not None else (0, ())
        read = FileRead(name=file.name, input_sha256=before.sha256, n_rows=row, n_left_out=left_out, findings=findings)
        job.work.mark_read(read)
        yield read
    except UserError as error:
        raise type(error)(error.message.replace(str(path), str(file.data)), error.remedy) from error


def commit_part(scorer: RowScorer, job: Job, file: FileToScore, part: ReadPart, monitor: Monitor = UNWATCHED) -> int:
    """Answer the rows of a part and commit it; how many rows they are."""
    found = answer_chunk(scorer, part.chunk, monitor)
    scored = rows_bytes(job.scored(file), found.scored)
    rejects = rows_bytes(job.rejects(file), found.rejects)
    content = packed(part.input_sha256, part.rows, scored, rejects, found.tally)
    job.work.commit(file.name, part.input_sha256, part.rows, content)
    return len(part.rows)


def survey(job: Job, read: FileRead) -> FileDone:
    """The counts over all rows of a file whose parts are all committed.

    Raises RunError where a part is missing or damaged, or rows that are scored and rejected do not add up to the
    file's.
    """
    committed = job.work.committed(read.name, read.input_sha256)
    check_whole(read, committed, read.name)
    tally = added([job.work.manifest(read, rows).tally for rows in committed])
    if tally.rows != read.n_rows or tally.scored + sum(tally.rejected.values()) != read.n_rows:
        raise RunError(f"{read.name}: scored and rejected rows are not the {read.n_rows:,} of the file", "Use --force.")
    return FileDone(read=read, tally=tally)


def assemble(job: Job, file: FileToScore, done: FileDone) -> None:
    """Put a file's parts together and give the results their final names, the scored file last."""
    work = job.work
    scored, rejects = job.scored(file), job.rejects(file)
    with work.store.scratch() as folder:
        scored_rows, rejects_rows = folder / "scored.csv", folder / "rejects.csv"
        with scored_rows.open("wb") as scored_stream, rejects_rows.open("wb") as rejects_stream:
            scored_stream.write(header_bytes(scored))
            rejects_stream.write(header_bytes(rejects))
            for rows in work.committed(file.name, done.read.input_sha256):
                part = work.part(done.read, rows)
                scored_stream.write(part.scored)
                rejects_stream.write(part.rejects)
        file.rejects.store.publish(finished_file(rejects_rows, rejects), file.rejects.name)
        file.out.store.publish(finished_file(scored_rows, scored), file.out.name)
    work.mark_done(done)
