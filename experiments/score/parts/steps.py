"""The steps of a run that is scored in parts: a file is read, its parts are answered, and they are put together.

Wherever a step runs (``executor``), it leaves what it made in the run's work (``work``) and nowhere else, so that it
can be done again at any time, by anybody, with the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from data_schemas.contract import Schema
from data_schemas.errors import ContractError, RunError, UserError
from experiments.score.answering import RowScorer, answer_chunk
from experiments.score.job import REJECTS_COLUMNS
from experiments.score.parts.files import FileToScore, Place
from experiments.score.parts.kept_sources import kept_sources
from experiments.score.parts.part import RowRange, packed
from experiments.score.parts.store import is_file
from experiments.score.parts.work import FileDone, FileRead, Work, added, check_whole
from experiments.score.resumable_output import OutputColumn, OutputFile, finished_file, header_bytes, rows_bytes
from experiments.session.fingerprint import check_unchanged, fingerprint
from experiments.session.second_models import NO_SECOND_MODELS, SecondContracts, SecondModels, SecondRows
from features.tables.applications import Chunk
from features.tables.csv_records import file_sha256
from features.tables.reader import ReadOptions, file_layout, read_chunks
from fusion.monitor import UNWATCHED, Monitor


@dataclass(frozen=True)
class Job:
    """What every step needs to know of the run.

    Attributes:
        work: Where parts are kept.
        schema: The data contract of the files.
        options: How they are read; ``chunk_rows`` are the rows of a part.
        columns: Of the scored files.
        seconds: By which second models the files are read too.
        has_sources: Whether what is made of further sources is kept in the run's work.
        replaces: Whether finished files of other runs are replaced.
    """

    work: Work
    schema: Schema
    options: ReadOptions
    columns: tuple[OutputColumn, ...]
    seconds: SecondContracts = field(default_factory=SecondContracts)
    has_sources: bool = False
    replaces: bool = False

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
        seconds: The applications among them that keep the contracts of second models.
    """

    input_sha256: str
    rows: RowRange
    chunk: Chunk
    seconds: SecondRows = field(default_factory=dict)


def input_sha256(file: FileToScore) -> str:
    """Digest of a file's bytes as they are now; raises RunError where it cannot be read."""
    with file.fetched() as path:
        return file_sha256(path)


def read_parts(job: Job, file: FileToScore) -> Iterator[ReadPart | FileRead]:
    """The parts of a file that are not committed yet, then what was found of the file.

    All rows are read and checked in their order, for the sake of the checks that look at several rows. A file that was
    read to its end before, and whose parts are all there, is only looked at to see that it is the same.

    Raises ContractError for a file that is no table of this contract, RunError for one that cannot be read or changes
    meanwhile.
    """
    with file.fetched() as path:
        yield from _read(job, file, path)


def _read(job: Job, file: FileToScore, path: Path) -> Iterator[ReadPart | FileRead]:
    try:
        before = fingerprint(path)
        committed = job.work.committed(file.name, before.sha256)
        earlier = job.work.read(file.name, before.sha256)
        if earlier is not None and sum(map(len, committed)) == earlier.n_rows:
            yield earlier
            return
        layout, row = file_layout(path, job.schema, job.options), 0
        seconds = job.seconds.open(path, job.options)
        with kept_sources(job.work, file.name, before.sha256) if job.has_sources else nullcontext() as joined:
            for chunk in read_chunks(path, job.schema, replace(job.options, joined=joined)):
                rows = RowRange(row + 1, row + chunk.n_rows)
                if chunk.n_rows and rows not in committed:
                    yield ReadPart(before.sha256, rows, chunk, seconds.of_rows(chunk.applications.row_number))
                row = rows.last
        check_unchanged(path, before)
        left_out, findings = (layout.n_left_out, tuple(layout.findings)) if layout is not None else (0, ())
        read = FileRead(name=file.name, input_sha256=before.sha256, n_rows=row, n_left_out=left_out, findings=findings)
        job.work.mark_read(read)
        yield read
    except UserError as error:
        raise type(error)(error.message.replace(str(path), str(file.data)), error.remedy) from error


def answer_part(
    scorer: RowScorer,
    job: Job,
    file: FileToScore,
    part: ReadPart,
    seconds: SecondModels = NO_SECOND_MODELS,
    monitor: Monitor = UNWATCHED,
) -> bytes:
    """Answer the rows of a part; what is kept of them."""
    beside = seconds.probabilities(part.chunk.applications.row_number, part.seconds, monitor)
    found = answer_chunk(scorer, part.chunk, monitor, beside)
    scored = rows_bytes(job.scored(file), found.scored)
    rejects = rows_bytes(job.rejects(file), found.rejects)
    return packed(part.input_sha256, part.rows, scored, rejects, found.tally)


def commit_part(job: Job, file: FileToScore, part: ReadPart, content: bytes) -> None:
    """Make an answered part visible."""
    job.work.commit(file.name, part.input_sha256, part.rows, content)


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
    """Put a file's parts together and give the results their final names, the scored file last.

    Raises ContractError where another run's file has one of the names, unless the job replaces it.
    """
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
        made = {
            file.rejects: finished_file(rejects_rows, rejects),
            file.out: finished_file(scored_rows, scored),
        }
        if not job.replaces:
            for place, finished in made.items():
                _check_own(place, finished)
        for place, finished in made.items():
            place.store.publish(finished, place.name)
    work.mark_done(done)


def _check_own(place: Place, finished: Path) -> None:
    """Raise ContractError where a file has the name that is not, byte for byte, what this run has published already."""
    if not is_file(str(place)):
        return
    with place.store.fetched(place.name) as there:
        if file_sha256(there) == file_sha256(finished):
            return
    what = f"{place} exists, a finished file that is not this run's"
    raise ContractError(what, "Take it away, then run the same command with --resume; or start again with --force.")
