"""Scoring files in parts, by whatever does the steps: exactly once, and the same bytes as each file scored alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from data_schemas.errors import ContractError, RunError
from data_schemas.messages import message
from experiments.score.answering import RowScorer
from experiments.score.columns import output_columns
from experiments.score.job import identity_of
from experiments.score.parts.executor import Executor, RowsCommitted
from experiments.score.parts.files import WORK, FilesToScore, FileToScore
from experiments.score.parts.kept_sources import SourcesOfFiles
from experiments.score.parts.steps import Job, input_sha256, survey
from experiments.score.parts.store import FolderStore, is_file, open_store
from experiments.score.parts.work import (
    LOCK,
    PLAN,
    SOURCES,
    FileDone,
    FileRead,
    Plan,
    Work,
    added,
    begin,
    finish,
    unfinished,
)
from experiments.score.resumable_output import Tally, check_identity, lock_folder, partial_folder
from experiments.session.run import Run
from experiments.session.second_models import SecondModels
from experiments.session.unlike_training import note_warnings, refuse
from features.batches.warnings import ColumnWarning
from features.tables.reader import ReadOptions


@dataclass(frozen=True)
class ScoredFiles:
    """What became of the files of a run.

    Attributes:
        files: Each of them.
        n_resumed: Rows that an earlier, interrupted run had done.
        warnings: Columns of a file that are unlike those of the training rows.
    """

    files: tuple[FileDone, ...]
    n_resumed: int
    warnings: tuple[ColumnWarning, ...]

    @property
    def tally(self) -> Tally:
        """Counts over all rows."""
        return added([one.tally for one in self.files])

    @property
    def n_left_out(self) -> int:
        """Lines of text before and behind the tables."""
        return sum(one.read.n_left_out for one in self.files)


@dataclass(frozen=True)
class Conduct:
    """What a run does about other runs and about doubts.

    Attributes:
        resume: Carry on an earlier one.
        force: Replace what an earlier one wrote.
        strict: Publish nothing where a column is unlike training.
    """

    resume: bool = False
    force: bool = False
    strict: bool = False


@dataclass(frozen=True)
class Beside:
    """What stands beside the columns of the files.

    Attributes:
        seconds: Second models.
        sources: Further sources of the contract, joined with the files; None without any.
    """

    seconds: SecondModels = field(default_factory=SecondModels)
    sources: SourcesOfFiles | None = None


NOTHING_BESIDE = Beside()


def check_free_parts(given: FilesToScore, conduct: Conduct) -> None:
    """Raise ContractError when files of an earlier run, finished or not, are in the way."""
    if conduct.force:
        return
    if unfinished(given.work) is not None:
        if not conduct.resume:
            what = f"an earlier run left {given.work} unfinished"
            raise ContractError(what, "Carry it on with --resume, or start again with --force.")
        return
    if len(given.files) == 1 and partial_folder(Path(str(given.files[0].out))).exists():
        what = f"a run of --engine local left {given.files[0].out} unfinished"
        raise ContractError(what, "Carry that one on with --resume, or start again with --force.")
    _check_no_finished(given.files, "Choose another path, or replace it with --force.")


def _check_no_finished(files: Sequence[FileToScore], remedy: str) -> None:
    for place in (place for file in files for place in (file.out, file.rejects)):
        if is_file(str(place)):
            raise ContractError(f"{place} exists, a finished file", remedy)


def check_no_parts(out: Path) -> None:
    """Raise ContractError when a run in parts, as Ray's are, left the same output unfinished."""
    if unfinished(f"{out}{WORK}") is not None:
        what = f"a run of --engine ray left {out}{WORK} unfinished"
        raise ContractError(what, "Carry that one on with --engine ray --resume, or start again with --force.")


def score_in_parts(
    scorer: RowScorer,
    given: FilesToScore,
    options: ReadOptions,
    executor: Executor,
    run: Run,
    conduct: Conduct,
    beside: Beside = NOTHING_BESIDE,
) -> ScoredFiles:
    """Score files; nothing gets its final name before all parts of all files are there and their counts add up.

    Raises ContractError for wrong options or an input that is no table of this contract, RunError where scored and
    rejected rows are not those of the input, UnlikeTrainingError where ``strict`` is set and a column is unlike
    training; what is answered by then can be resumed.
    """
    check_free_parts(given, conduct)
    names = tuple(file.name for file in given.files)
    identity = identity_of(scorer, options, beside.seconds)
    plan = Plan(identity=identity, part_rows=options.chunk_rows, files=names, replaces=conduct.force)
    with _alone(given.work):
        work, plan = begin(given.work, plan, resume=conduct.resume, force=conduct.force)
        job = _job(scorer, work, plan, options, beside)
        done, n_resumed = _earlier(work, given)
        if not (plan.replaces or work.is_publishing):
            _check_no_finished(given.files, "It is not this run's: take it away, or start again with --force.")
        if beside.sources is not None:
            beside.sources.keep(work)
        answered, n_fresh = _answered(executor, job, given, done, run)
        warnings = _warnings(scorer, [*done, *answered], given, conduct, run)
        n_resumed += sum(one.read.n_rows for one in answered) - n_fresh
        with run.timed("publish"):
            work.mark_publishing()
            done += executor.assemble(job, {file.name: file for file in given.files}, answered)
            finish(given.work)
    ordered = sorted(done, key=lambda one: names.index(one.read.name))
    return ScoredFiles(tuple(ordered), n_resumed, warnings)


def _job(scorer: RowScorer, work: Work, plan: Plan, options: ReadOptions, beside: Beside) -> Job:
    refers, names = scorer.lenders_policy is not None, tuple(beside.seconds.scorers)
    return Job(
        work,
        scorer.schema,
        replace(options, chunk_rows=plan.part_rows, joined=None),
        output_columns(scorer.schema, scorer.n_reasons, refers, options.passthrough, names),
        beside.seconds.contracts,
        beside.sources is not None,
        plan.replaces,
    )


def _earlier(work: Work, given: FilesToScore) -> tuple[list[FileDone], int]:
    """The files that an earlier run has published, and their rows; raises ContractError where one changed since."""
    done = {file: one for file in given.files if (one := work.done(file.name)) is not None}
    then = {f"sha256 of {file.name}": one.read.input_sha256 for file, one in done.items()}
    check_identity(work.address, then, {f"sha256 of {file.name}": input_sha256(file) for file in done})
    return list(done.values()), sum(one.read.n_rows for one in done.values())


def _answered(
    executor: Executor, job: Job, given: FilesToScore, done: Sequence[FileDone], run: Run
) -> tuple[list[FileDone], int]:
    """The files that were not done, with their counts, once all their parts are committed; and rows answered now."""
    finished = {one.read.name for one in done}
    files = [file for file in given.files if file.name not in finished]
    reads: list[FileRead] = []
    n_rows = 0
    with run.progress("score") as advance:
        for event in run.timed_each("answer", executor.answer(job, files)):
            if isinstance(event, RowsCommitted):
                n_rows += event.n_rows
                advance(event.n_rows)
            else:
                reads.append(event)
                if event.findings:
                    fields = {"file": event.name, "lines_left_out": event.n_left_out}
                    run.note(f"{event.name}: {'; '.join(event.findings)}", fields)
    if {read.name for read in reads} != {file.name for file in files}:
        raise RunError("some files were not read to their end", "Run the same command with --resume.")
    with run.timed("verify"):
        return [survey(job, read) for read in reads], n_rows


def _warnings(
    scorer: RowScorer, done: Sequence[FileDone], given: FilesToScore, conduct: Conduct, run: Run
) -> tuple[ColumnWarning, ...]:
    """Columns of each file that are unlike training; where there are several files, a message names its own."""
    found: list[ColumnWarning] = []
    for one in done:
        warnings = scorer.unlike_training(one.tally.columns)
        if len(given.files) > 1:
            warnings = tuple(
                replace(warning, message=message("{name}: {words}", name=one.read.name, words=warning.message))
                for warning in warnings
            )
        found += warnings
    note_warnings(run, found)
    if conduct.strict:
        refuse(found, "Look at the columns. --resume without --strict publishes all the same.")
    return tuple(found)


@contextmanager
def _alone(address: str) -> Iterator[None]:
    """Keep other commands of this file system out; an error before any part was committed leaves nothing.

    Two commands in one object store would give the same bytes twice.
    """
    store = open_store(address)
    store.make()
    lock = lock_folder(Path(store.address)) if isinstance(store, FolderStore) else None
    try:
        yield
    except BaseException:
        if not any(name != LOCK and not name.endswith((PLAN, SOURCES)) for name in store.names()):
            finish(address)
        raise
    finally:
        if lock is not None:
            lock.close()
