"""Scoring a file: read, check, encode, predict and write chunk by chunk, in bounded memory, without losing a row.

Every input row ends up in the scored file or in the rejects file. What is written depends on the input, the model and
the options that name columns or the file's form, and on nothing else: not on the size of the chunks, nor on where a
run was interrupted and resumed.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from threading import Event

import pyarrow as pa

from data_schemas.errors import ContractError, RunError
from experiments.score.answering import AnsweredChunk, RowScorer, begin_chunk
from experiments.score.columns import output_columns
from experiments.score.resumable_output import OutputColumn, OutputFile, PartialOutput, Tally, check_name
from experiments.score.side_by_side import finished_behind, made_ahead, until
from experiments.session.fingerprint import InputFingerprint, check_unchanged, fingerprint
from experiments.session.layouts import note_layout
from experiments.session.progress import Advance, advance_to
from experiments.session.run import Run
from experiments.session.second_models import NO_SECOND_MODELS, SecondModels, SecondReading
from experiments.session.unlike_training import note_warnings, refuse
from features.batches.warnings import ColumnWarning
from features.tables.applications import REJECT_COLUMNS, Chunk, Rejects
from features.tables.reader import ReadOptions, file_layout, read_chunks
from fusion.bundle_folder import check_outside
from fusion.monitor import Monitor

REJECTS_COLUMNS = tuple(OutputColumn(name, pa.int64() if name == "row" else pa.string()) for name in REJECT_COLUMNS)
"""Columns of a file of rejects."""


@dataclass(frozen=True)
class ScoreFiles:
    """What is read and what is written.

    Attributes:
        data: the applications.
        out: the scored rows.
        rejects: the rows that break the contract.
        resumable: whether what an interrupted run has written stays.
    """

    data: Path
    out: Path
    rejects: Path
    resumable: bool = True


@dataclass(frozen=True)
class ScoredFile:
    """What became of a file.

    Attributes:
        tally: over all its rows.
        n_resumed: rows that an earlier, interrupted run had done.
        warnings: columns that are unlike those of the training rows.
        n_left_out: lines of text before and behind the table, which are no rows.
    """

    tally: Tally
    n_resumed: int
    warnings: tuple[ColumnWarning, ...] = ()
    n_left_out: int = 0


def score_file(
    scorer: RowScorer,
    files: ScoreFiles,
    options: ReadOptions,
    run: Run,
    *,
    resume: bool = False,
    force: bool = False,
    strict: bool = False,
    seconds: SecondModels = NO_SECOND_MODELS,
    before: InputFingerprint | None = None,
) -> ScoredFile:
    """Score ``files.data`` into ``files.out`` and ``files.rejects``, with the probabilities of second models.

    before: ``checked_fingerprint`` of ``files``, taken before further sources were joined; None: it is taken now.

    Raises ContractError for wrong options or an input that is no table of this contract, RunError when the disk is
    full or the input changes meanwhile, UnlikeTrainingError, before anything is published, where ``strict`` is set and
    a column is unlike training; what is written by then can be resumed.
    """
    before = before or checked_fingerprint(files, run)
    refers = scorer.lenders_policy is not None
    names = tuple(seconds.scorers)
    columns = output_columns(scorer.schema, scorer.n_reasons, refers, options.passthrough, names)
    scored, rejects = OutputFile(files.out, columns), OutputFile(files.rejects, REJECTS_COLUMNS)
    identity = _identity(before, scorer, files, options, seconds)
    with (
        _full_disk_explained(files),
        PartialOutput.open(scored, rejects, identity, resume=resume, force=force) as output,
    ):
        n_resumed = output.journal.tally.rows
        layout = file_layout(files.data, scorer.schema, options)
        if layout is not None:
            note_layout(run, files.data, layout)
        if not output.journal.complete:
            beside = seconds.open(files.data, options)
            _score_chunks(scorer, beside, files, options, before.about_rows, output, run)
        check_unchanged(files.data, before)
        warnings = scorer.unlike_training(output.journal.tally.columns)
        note_warnings(run, warnings)
        if strict:
            way = "--resume without" if files.resumable else "Without"
            refuse(warnings, f"Look at the columns. {way} --strict publishes {files.out} all the same.")
        with run.timed("publish"):
            output.publish()
        return ScoredFile(output.journal.tally, n_resumed, warnings, layout.n_left_out if layout else 0)


@contextmanager
def _full_disk_explained(files: ScoreFiles) -> Iterator[None]:
    """Turn the failure of a full disk into a RunError with its remedy."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise RunError(
            f"no space left while writing {files.out}",
            f"Free some space, then run the same command{' with --resume' if files.resumable else ''}.",
        ) from error


def _score_chunks(
    scorer: RowScorer,
    beside: SecondReading,
    files: ScoreFiles,
    options: ReadOptions,
    about_rows: int | None,
    output: PartialOutput,
    run: Run,
) -> None:
    """Answer every row behind the journal. Rows before it are read and checked again, for the sake of the checks that
    look at several rows (an id that occurs twice), and not scored again.

    At any time one chunk's cells are read, another's narratives, a third one is answered and a fourth written. An error
    of one ends the reading of narratives, which may take minutes, at its next texts.
    """
    done = output.journal.through_row
    if done:
        run.note(f"resuming after row {done:,}", {"through_row": done})
    read = run.timed_each("read", read_chunks(files.data, scorer.schema, options))
    left = Event()
    with (
        run.progress("score", about_rows) as advance,
        run.progress("encode", unit="texts") as on_text,
        finished_behind() as finish,
        made_ahead(read) as chunks,
        made_ahead(_begun(scorer, beside, chunks, done, run, until(left, on_text)), left) as begun,
    ):
        for n_rows, answer in begun:
            if answer is not None:
                finish(partial(_append, output, answer(), run))
            advance(n_rows)


def _begun(
    scorer: RowScorer, beside: SecondReading, chunks: Iterator[Chunk], done: int, run: Run, on_text: Advance
) -> Iterator[tuple[int, Callable[[], AnsweredChunk] | None]]:
    """Each chunk's number of rows, and what answers those behind row ``done``, whose narratives are read; None where
    there are none.
    """
    for chunk in chunks:
        fresh = _behind(chunk, done)
        if not fresh.n_rows:
            yield chunk.n_rows, None
            continue
        monitor = Monitor(run.timed, advance_to(on_text))
        with run.timed("second models"):
            seconds = beside.beside(fresh.applications.row_number, monitor)
        yield chunk.n_rows, begin_chunk(scorer, fresh, monitor, seconds)


def _append(output: PartialOutput, answered: AnsweredChunk, run: Run) -> None:
    with run.timed("write"):
        output.append(answered.scored, answered.rejects, answered.through_row, answered.tally)


def _behind(chunk: Chunk, done: int) -> Chunk:
    """The rows of a chunk whose number is greater than ``done``."""
    if not done:
        return chunk
    behind, rejects = chunk.applications.row_number > done, chunk.rejects.frame
    return replace(
        chunk,
        applications=chunk.applications.take(behind),
        rejects=Rejects(rejects[rejects["row"] > done].reset_index(drop=True)),
        passthrough={name: cells[behind] for name, cells in chunk.passthrough.items()},
    )


def checked_fingerprint(files: ScoreFiles, run: Run) -> InputFingerprint:
    """Of ``files.data``; raises ContractError for names of no known form, or for one file named twice, RunError as
    ``fingerprint`` does.
    """
    _check_files(files)
    with run.timed("fingerprint"):
        return fingerprint(files.data)


def _check_files(files: ScoreFiles) -> None:
    check_name(files.out, "--out")
    check_name(files.rejects, "--rejects")
    check_outside(files.rejects, "--rejects")
    named = {"--data": files.data, "--out": files.out, "--rejects": files.rejects}
    resolved = {option: path.resolve() for option, path in named.items()}
    if len(set(resolved.values())) < len(resolved):
        raise ContractError("--data, --out and --rejects name the same file twice", "Give three different paths.")


def _identity(
    before: InputFingerprint, scorer: RowScorer, files: ScoreFiles, options: ReadOptions, seconds: SecondModels
) -> Mapping[str, str]:
    return {
        "input sha256": before.sha256,
        **identity_of(scorer, options, seconds),
        "rejects file": files.rejects.name,
    }


def identity_of(scorer: RowScorer, options: ReadOptions, seconds: SecondModels = NO_SECOND_MODELS) -> Mapping[str, str]:
    """All that the scored rows of a file depend on beside its bytes, by name."""
    return {
        "model": scorer.model_id,
        "text encoder, precision or processor": scorer.encoder_digest[:12],
        "passthrough": ", ".join(map(repr, options.passthrough)) or "none",
        "delimiter": repr(options.delimiter) if options.delimiter else "detected",
        "encoding": options.encoding or "detected",
        "sheet": options.sheet or "the contract's",
        "sources": options.joined.digest[:12] if options.joined is not None else "none",
        "reasons": str(scorer.n_reasons),
        "policy": scorer.lenders_policy.digest[:12] if scorer.lenders_policy is not None else "the model's own",
        "second models": seconds.identity,
        "creditfusion": version("creditfusion"),
    }
