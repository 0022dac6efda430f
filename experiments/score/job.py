"""Scoring a file: read, check, encode, predict and write chunk by chunk, in bounded memory, without losing a row.

Every input row ends up in the scored file or in the rejects file. What is written depends on the input, the model and
the options that name columns or the file's form, and on nothing else: not on the size of the chunks, nor on where a
run was interrupted and resumed.
"""

from __future__ import annotations

import errno
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from data_schemas.contract import Role, Schema
from data_schemas.errors import ContractError, RunError
from experiments.score.answers import Answer, Reasoner, reason_cells, reason_columns
from experiments.score.resumable_output import OutputColumn, OutputFile, PartialOutput, Tally, check_name
from experiments.session.encoders import OpenEncoder, check_encoder
from experiments.session.run import Advance, Run, advance_to
from features.arrays import Floats
from features.design import Design
from features.narratives.masking import Mask
from features.narratives.reader import TextReader
from features.tables.applications import REJECT_COLUMNS, Applications, Chunk, Rejects
from features.tables.csv_records import file_sha256, unreadable
from features.tables.data_quality import data_quality
from features.tables.reader import ReadOptions, read_chunks
from fusion.bundle import Bundle
from fusion.policy.policy import Decisions, Policy, approved_up_to, decide_all, own_policy, segments_of

FIRST_COLUMNS = (
    OutputColumn("row", pa.int64()),
    OutputColumn("id", pa.string()),
    OutputColumn("pd", pa.float64()),
    OutputColumn("score", pa.float64()),
    OutputColumn("decision", pa.string()),
    OutputColumn("data_quality", pa.string()),
)
REFER_COLUMN = OutputColumn("refer_reason", pa.string())
LAST_COLUMN = OutputColumn("model", pa.string())
REJECT_TYPES = {"row": pa.int64()}
BLOCK_BYTES = 1 << 22


@dataclass(frozen=True)
class Scorer:
    """What scoring needs of a model.

    answer: scores and reasons of some applications; calls its second argument with the number of texts encoded
    meanwhile. policy: what decides. model_id: written beside every score. encoder_digest: names all that the last bits
    of the narratives' vectors depend on (``TextEncoder.digest``). n_reasons: at most so many reasons stand beside every
    score; 0: ``answer`` gives none. own_policy: the policy is the model's own cut-off, which refers nobody, so that no
    column says why.
    """

    schema: Schema
    model_id: str
    encoder_digest: str
    policy: Policy
    answer: Callable[[Applications, Advance], Answer]
    n_reasons: int = 0
    own_policy: bool = True


@dataclass(frozen=True)
class ScoreFiles:
    """What is read and what is written. passthrough: input columns to copy into the scored file."""

    data: Path
    out: Path
    rejects: Path
    passthrough: tuple[str, ...] = ()


@dataclass(frozen=True)
class InputFingerprint:
    """The input's bytes, and about how many data rows they hold (None: unknown)."""

    size: int
    mtime_ns: int
    sha256: str
    about_rows: int | None


@dataclass(frozen=True)
class ScoredFile:
    """What became of a file. tally: over all its rows. n_resumed: rows that an earlier, interrupted run had done."""

    tally: Tally
    n_resumed: int


def bundle_scorer(
    bundle: Bundle, encoder: OpenEncoder, threads: int, run: Run, n_reasons: int = 0, policy: Policy | None = None
) -> Scorer:
    """A trained model as a scorer that gives ``n_reasons`` reasons per row; times the stages of its work on ``run``.

    Sentences that the model's config masks are cut first, as they were in training. policy: what decides; None: the
    model's own cut-off.
    Raises ContractError when ``encoder`` is not the one that the model learned with.
    """
    check_encoder(encoder, bundle)
    reader = TextReader(bundle.schema, encoder.text_encoder, bundle.config.text.n_buckets, bundle.config.text.ngrams)
    mask = Mask.open(bundle.config.text.mask, bundle.schema, encoder.text_encoder)
    reasoner = Reasoner.open(bundle, encoder.text_encoder, n_reasons) if n_reasons else None
    decides = policy or own_policy(bundle.config)

    def answer(applications: Applications, on_text: Advance) -> Answer:
        masked = None
        if mask.kinds:
            with run.timed("mask"):
                masked = mask.apply(applications)
        quality = data_quality(applications, bundle.tabular.levels, masked.kinds if masked else ())
        limits = approved_up_to(decides, segments_of(decides, applications), quality) if reasoner else None
        kept = masked.applications if masked else applications
        return replace(answer_kept(kept, limits, on_text), quality=tuple(quality))

    def answer_kept(applications: Applications, limits: Floats | None, on_text: Advance) -> Answer:
        with run.timed("columns"):
            tabular = bundle.tabular.encode(applications)
        if reasoner is None:
            with run.timed("text"):
                text = reader.read(applications, advance_to(on_text))
            with run.timed("predict"):
                return Answer(bundle.model.predict(Design(tabular, text), threads))
        with run.timed("text"):
            text, sentences = reader.read_sentences(applications, advance_to(on_text))
        return reasoner.answer(Design(tabular, text), sentences, threads, run, limits)

    digest, own = encoder.text_encoder.digest, policy is None
    return Scorer(bundle.schema, bundle.manifest.model_id, digest, decides, answer, n_reasons, own)


def score_file(
    scorer: Scorer, files: ScoreFiles, options: ReadOptions, run: Run, *, resume: bool = False, force: bool = False
) -> ScoredFile:
    """Score ``files.data`` into ``files.out`` and ``files.rejects``.

    Raises ContractError for wrong options or an input that is no table of this contract, RunError when the disk is
    full or the input changes meanwhile; what is written by then can be resumed.
    """
    check_files(files, scorer.schema)
    with run.timed("fingerprint"):
        before = fingerprint(files.data)
    referring = () if scorer.own_policy else (REFER_COLUMN,)
    own = (*FIRST_COLUMNS, *referring, *reason_columns(scorer.n_reasons), LAST_COLUMN)
    scored = OutputFile(files.out, (*own, *(_copied(name, own) for name in files.passthrough)))
    rejects = OutputFile(
        files.rejects, tuple(OutputColumn(name, REJECT_TYPES.get(name, pa.string())) for name in REJECT_COLUMNS)
    )
    try:
        with PartialOutput.open(
            scored, rejects, _identity(before, scorer, files, options), resume=resume, force=force
        ) as output:
            n_resumed = output.journal.tally.rows
            if not output.journal.complete:
                _score_chunks(scorer, files, options, before.about_rows, output, run)
            _check_unchanged(files.data, before)
            with run.timed("publish"):
                output.publish()
            return ScoredFile(output.journal.tally, n_resumed)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise RunError(
            f"no space left while writing {files.out}", "Free some space, then run the same command with --resume."
        ) from error


def _score_chunks(
    scorer: Scorer, files: ScoreFiles, options: ReadOptions, about_rows: int | None, output: PartialOutput, run: Run
) -> None:
    """Answer every row behind the journal. Rows before it are read and checked again, for the sake of the checks that
    look at several rows (an id that occurs twice), and not scored again."""
    done = output.journal.through_row
    if done:
        run.note(f"resuming after row {done:,}", {"through_row": done})
    with run.progress("score", about_rows) as advance, run.progress("encode", unit="texts") as on_text:
        for chunk in _timed(read_chunks(files.data, scorer.schema, options), run):
            fresh = _behind(chunk, done)
            if fresh.n_rows:
                answer = scorer.answer(fresh.applications, on_text)
                with run.timed("write"):
                    _write(output, scorer, files.passthrough, fresh, answer)
            advance(chunk.n_rows)


def _timed(chunks: Iterator[Chunk], run: Run) -> Iterator[Chunk]:
    while True:
        with run.timed("read"):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def _behind(chunk: Chunk, done: int) -> Chunk:
    """The rows of a chunk whose number is greater than ``done``."""
    applications, rejects = chunk.applications, chunk.rejects.frame
    if done:
        applications = applications.take(applications.row_number > done)
        rejects = rejects[rejects["row"] > done].reset_index(drop=True)
    return Chunk(applications, Rejects(rejects))


def _write(output: PartialOutput, scorer: Scorer, passthrough: Sequence[str], chunk: Chunk, answer: Answer) -> None:
    rejects = chunk.rejects.frame
    decisions = decide_all(scorer.policy, chunk.applications, answer.scores.pd, answer.quality)
    scored = scored_frame(chunk.applications, answer, decisions, scorer, passthrough)
    last = max([*chunk.applications.row_number[-1:].tolist(), *rejects["row"].tail(1).tolist()])
    output.append(scored, rejects, int(last), _tally(chunk, answer, decisions))


def _tally(chunk: Chunk, answer: Answer, decisions: Decisions) -> Tally:
    why = answer.why or ()
    return Tally(
        rows=chunk.n_rows,
        scored=len(chunk.applications),
        declined=int(decisions.are("decline").sum()),
        referred=int(decisions.are("refer").sum()),
        pd_sum=float(answer.scores.pd.sum()),
        rejected=dict(Counter(chunk.rejects.frame["rule"])),
        quality=dict(Counter(name for flags in answer.quality for flag in flags.split(";") for name in _names(flag))),
        undisclosable=sum(bool(one.undisclosable) for one in why),
        sensitive=sum(bool(one.sensitive) for one in why),
        first_reasons=dict(Counter(one.reasons[0][0].code for one in why if one.reasons)),
    )


def _names(flag: str) -> list[str]:
    """What a data-quality flag is counted as: columns that it lists are not told apart, kinds of private life are."""
    name, _, listed = flag.partition(":")
    return [f"{name}:{kind}" for kind in listed.split(",")] if name == "masked" else [name] if name else []


def scored_frame(
    applications: Applications, answer: Answer, decisions: Decisions, scorer: Scorer, passthrough: Sequence[str]
) -> pd.DataFrame:
    """The scored file's rows as they are written: PD with six decimals, score and points with one."""
    columns = [
        applications.row_number.tolist(),
        applications.ids,
        [f"{value:.6f}" for value in answer.scores.pd],
        [f"{value:.1f}" for value in answer.scores.score],
        list(decisions.decision),
        list(answer.quality),
        *([] if scorer.own_policy else [list(decisions.refer_reason)]),
        *reason_cells(answer.why or (), scorer.n_reasons),
        [scorer.model_id] * len(applications),
        *(column_text(applications, name) for name in passthrough),
    ]
    # By position: a column that is passed through may have the name of one of ours.
    return pd.DataFrame(dict(enumerate(columns)), dtype=object)


def column_text(applications: Applications, name: str) -> list[str]:
    """A column as text: numbers in their shortest exact form, dates in the contract's format, missing as empty."""
    if name not in applications.frame:
        raise ContractError(f"--passthrough {name}: the input has no such column", "Leave the option out.")
    field = applications.schema[name]
    column = applications.frame[name]
    if field.is_numeric:
        return ["" if value != value else f"{value:.15g}" for value in column.tolist()]
    if str(column.dtype).startswith("datetime64"):
        return ["" if pd.isna(value) else value.strftime(field.date_format) for value in column]
    return list(column)


def _copied(name: str, own: Sequence[OutputColumn]) -> OutputColumn:
    """The output column of an input column; ``input_`` goes before a name that the output has already."""
    taken = name in {column.name for column in own}
    return OutputColumn(f"input_{name}" if taken else name, pa.string())


def check_files(files: ScoreFiles, schema: Schema) -> None:
    """Raise ContractError for names of no known form, for one file named twice, or a column that cannot be copied."""
    check_name(files.out, "--out")
    check_name(files.rejects, "--rejects")
    named = {"--data": files.data, "--out": files.out, "--rejects": files.rejects}
    resolved = {option: path.resolve() for option, path in named.items()}
    if len(set(resolved.values())) < len(resolved):
        raise ContractError("--data, --out and --rejects name the same file twice", "Give three different paths.")
    known = [field.name for field in schema.fields if field.role not in (Role.IGNORED, Role.TARGET)]
    for name in files.passthrough:
        if name not in known:
            raise ContractError(
                f"--passthrough {name} is no column that schema {schema.name!r} keeps",
                f"Choose among {', '.join(known)}.",
            )


def fingerprint(data: Path) -> InputFingerprint:
    """Size, time of change, sha256 and about how many rows; raises RunError as ``file_sha256`` does."""
    try:
        status = data.stat()  # before the bytes, so that a change while they are read is noticed
    except OSError as error:
        raise unreadable(data, error) from error
    return InputFingerprint(status.st_size, status.st_mtime_ns, file_sha256(data), _about_rows(data))


def _about_rows(data: Path) -> int | None:
    """Data rows by counting line ends outside quotes; only the progress line depends on it."""
    try:
        if data.name.endswith(".parquet"):
            return int(pyarrow.parquet.ParquetFile(data).metadata.num_rows)
        ends, inside = 0, 0
        with gzip.open(data, "rb") if data.name.endswith(".gz") else data.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                content = np.frombuffer(block, dtype=np.uint8)
                quotes = np.flatnonzero(content == ord('"'))
                before = np.searchsorted(quotes, np.flatnonzero(content == ord("\n")))
                ends += int(np.count_nonzero((before + inside) % 2 == 0))
                inside = (inside + len(quotes)) % 2
        return max(ends - 1, 0)
    except (OSError, EOFError, zlib.error, pa.ArrowInvalid):
        return None  # the reader says what is wrong with the file


def _identity(before: InputFingerprint, scorer: Scorer, files: ScoreFiles, options: ReadOptions) -> Mapping[str, str]:
    return {
        "input sha256": before.sha256,
        "model": scorer.model_id,
        "text encoder, precision or processor": scorer.encoder_digest[:12],
        "passthrough": ", ".join(files.passthrough) or "none",
        "delimiter": repr(options.delimiter),
        "encoding": options.encoding or "detected",
        "reasons": str(scorer.n_reasons),
        "policy": "the model's own" if scorer.own_policy else scorer.policy.digest[:12],
        "rejects file": files.rejects.name,
        "creditfusion": version("creditfusion"),
    }


def _check_unchanged(data: Path, before: InputFingerprint) -> None:
    """Raise RunError when the input holds other bytes than before; another time of change alone is none."""
    try:
        status = data.stat()
    except OSError as error:
        raise RunError(
            f"{data} vanished while it was scored", "Put it back, then run the same command with --resume."
        ) from error
    touched = (status.st_size, status.st_mtime_ns) != (before.size, before.mtime_ns)
    if touched and file_sha256(data) != before.sha256:
        raise RunError(
            f"{data} was changed while it was scored",
            "Score it again with --force once nothing writes to it any more.",
        )
