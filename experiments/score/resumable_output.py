"""Output of a long run that survives being killed: a partial folder beside it, and a journal of what is in there.

While rows are written they lie in ``OUT.partial/``: two CSV files (scored rows, rejected rows) and ``journal.json``,
which says how many bytes of each file count and which input rows they answer. Each append puts the rows on the disk
first and replaces the journal after, so that a run killed at any moment leaves a journal that is true; what the files
hold beyond it is cut off on resuming. Only ``publish`` gives the final names, the scored file last.
"""

from __future__ import annotations

import fcntl
import gzip
import io
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from pydantic import BaseModel, ConfigDict, ValidationError

from data_schemas.errors import ContractError, RunError
from features.atomic_files import sync_folder
from features.batches.column_counts import ColumnCounts, summed
from features.tables.csv_writer import write_header, write_rows

JOURNAL, LOCK = "journal.json", "lock"
SUFFIXES = (".csv", ".csv.gz", ".parquet")
COPY_BYTES = 1 << 20


class Tally(BaseModel):
    """Counts over the rows written so far; they add up.

    referred: rows for a person to look at. rejected: rows by broken rule. quality: rows by data-quality flag. pd_sum:
    sum of the PDs. undisclosable: rows with a principal reason that may not be disclosed. sensitive: rows whose
    narratives tell of private life. first_reasons: rows by the code of their strongest reason. without_second: rows
    that break the contract of each second model and so have no probability. columns: counts of the model's inputs over
    the scored rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int = 0
    scored: int = 0
    declined: int = 0
    referred: int = 0
    pd_sum: float = 0.0
    rejected: dict[str, int] = {}
    quality: dict[str, int] = {}
    undisclosable: int = 0
    sensitive: int = 0
    first_reasons: dict[str, int] = {}
    without_second: dict[str, int] = {}
    columns: dict[str, ColumnCounts] = {}

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            rows=self.rows + other.rows,
            scored=self.scored + other.scored,
            declined=self.declined + other.declined,
            referred=self.referred + other.referred,
            pd_sum=self.pd_sum + other.pd_sum,
            rejected=_add(self.rejected, other.rejected),
            quality=_add(self.quality, other.quality),
            undisclosable=self.undisclosable + other.undisclosable,
            sensitive=self.sensitive + other.sensitive,
            first_reasons=_add(self.first_reasons, other.first_reasons),
            without_second=_add(self.without_second, other.without_second),
            columns=summed(self.columns, other.columns),
        )


def _add(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    return {key: left.get(key, 0) + right.get(key, 0) for key in sorted({*left, *right})}


class Journal(BaseModel):
    """What the partial files hold.

    identity: everything the rows depend on, by name; a resumed run must find the same. through_row: number of the last
    input row that is answered. scored_bytes, rejects_bytes: the part of each file that counts. complete: every input
    row is answered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    identity: dict[str, str]
    through_row: int = 0
    scored_bytes: int = 0
    rejects_bytes: int = 0
    tally: Tally = Tally()
    complete: bool = False

    @property
    def worth_keeping(self) -> bool:
        """Whether there is anything to resume."""
        return self.through_row > 0 or self.complete


@dataclass(frozen=True)
class OutputColumn:
    """A column of the output and its Parquet type."""

    name: str
    type: pa.DataType


@dataclass(frozen=True)
class OutputFile:
    """A file to be published: its final path and its columns. CSV, gzipped CSV or Parquet by its name."""

    path: Path
    columns: tuple[OutputColumn, ...]

    @property
    def exact(self) -> bool:
        """Whether text is kept as it is: no spreadsheet runs what stands in Parquet."""
        return self.path.name.endswith(".parquet")


def check_suffix(name: str, option: str) -> None:
    """Raise ContractError unless the name says CSV, gzipped CSV or Parquet."""
    if not name.endswith(SUFFIXES):
        raise ContractError(
            f"{option} {name} is neither CSV, gzipped CSV nor Parquet by its name",
            f"End it in one of {', '.join(SUFFIXES)}.",
        )


def check_name(path: Path, option: str) -> None:
    """Raise ContractError unless the name says CSV, gzipped CSV or Parquet and the path is no folder."""
    check_suffix(str(path), option)
    if path.is_dir():
        raise ContractError(f"{option} {path} is a folder", "Give the path of a file.")


def header_bytes(target: OutputFile) -> bytes:
    """The first line of the file, as CSV."""
    text = io.StringIO(newline="")
    write_header(text, [column.name for column in target.columns], exact=target.exact)
    return text.getvalue().encode()


def rows_bytes(target: OutputFile, frame: pd.DataFrame) -> bytes:
    """Rows of the file, as CSV; ``frame`` has its columns, in their order."""
    text = io.StringIO(newline="")
    write_rows(text, frame, exact=target.exact)
    return text.getvalue().encode("utf-8", errors="replace")  # lone surrogates become "?"


class PartialOutput:
    """The partial folder of one output, held by one process at a time; use as a context manager.

    Leaving it with an error before any row was written removes the folder, so a run that failed at its first row (a
    wrong header, say) leaves nothing to resume or to clean up.
    """

    def __init__(self, scored: OutputFile, rejects: OutputFile, lock: IO[str], journal: Journal) -> None:
        self.scored = scored
        self.rejects = rejects
        self.journal = journal
        self._lock = lock

    @staticmethod
    def open(
        scored: OutputFile, rejects: OutputFile, identity: Mapping[str, str], *, resume: bool, force: bool
    ) -> PartialOutput:
        """Begin an output, or with ``resume`` carry an earlier one on where it stopped.

        ``force`` throws an earlier partial away and lets final files be replaced. Raises ContractError when final or
        partial files are in the way, or when the partial does not belong to this ``identity``; RunError when another
        process is writing it.
        """
        folder, journal = partial_folder(scored.path), _earlier_journal(scored.path)
        if not force:
            check_in_the_way(scored.path, rejects.path, resume)
        folder.mkdir(parents=True, exist_ok=True)
        rejects.path.parent.mkdir(parents=True, exist_ok=True)
        lock = lock_folder(folder)
        output = PartialOutput(scored, rejects, lock, journal or Journal(identity=dict(identity)))
        try:
            _check_one_file_system(folder, rejects.path)
            if journal is not None and resume and not force:
                check_identity(folder, journal.identity, identity)
                output._cut_back()
            else:
                output._begin(identity)
        except BaseException:
            output.__exit__()
            raise
        return output

    def __enter__(self) -> PartialOutput:
        return self

    def __exit__(self, *error: object) -> None:
        if not self.journal.worth_keeping:
            shutil.rmtree(partial_folder(self.scored.path), ignore_errors=True)
        self._lock.close()

    def append(self, scored: pd.DataFrame, rejects: pd.DataFrame, through_row: int, tally: Tally) -> None:
        """Write the answers to the input rows up to ``through_row`` and put them on the disk.

        scored, rejects: the columns of the two targets, in their order.

        Raises OSError as the file system does; the journal then still describes the rows before.
        """
        scored_bytes = _append(self._file("scored"), self.journal.scored_bytes, rows_bytes(self.scored, scored))
        rejects_bytes = _append(self._file("rejects"), self.journal.rejects_bytes, rows_bytes(self.rejects, rejects))
        self._write_journal(
            self.journal.model_copy(
                update={
                    "through_row": through_row,
                    "scored_bytes": scored_bytes,
                    "rejects_bytes": rejects_bytes,
                    "tally": self.journal.tally + tally,
                }
            )
        )

    def publish(self) -> None:
        """Give the finished files their final names, the scored one last, and remove the partial folder.

        Interrupted and resumed, it goes on where it stopped: a partial file that is gone was published already.
        """
        self._write_journal(self.journal.model_copy(update={"complete": True}))
        for name, target in (("rejects", self.rejects), ("scored", self.scored)):
            source = self._file(name)
            if source.exists():
                finished = finished_file(source, target)
                finished.replace(target.path)
                sync_folder(target.path.parent)
                source.unlink(missing_ok=True)
        shutil.rmtree(partial_folder(self.scored.path))

    def _file(self, name: str) -> Path:
        return partial_folder(self.scored.path) / f"{name}.csv"

    def _begin(self, identity: Mapping[str, str]) -> None:
        folder = partial_folder(self.scored.path)
        if (folder / JOURNAL).exists():  # it goes first: a complete one takes files that are gone for published
            (folder / JOURNAL).unlink()
            sync_folder(folder)
        for file in folder.iterdir():
            if file.name != LOCK:
                file.unlink()
        scored_bytes = _append(self._file("scored"), 0, header_bytes(self.scored))
        rejects_bytes = _append(self._file("rejects"), 0, header_bytes(self.rejects))
        self._write_journal(Journal(identity=dict(identity), scored_bytes=scored_bytes, rejects_bytes=rejects_bytes))

    def _cut_back(self) -> None:
        """Cut off what was written after the journal; raises ContractError when less is there than it says."""
        if self.journal.complete:
            return
        for name, size in (("scored", self.journal.scored_bytes), ("rejects", self.journal.rejects_bytes)):
            file = self._file(name)
            if not file.exists() or file.stat().st_size < size:
                raise ContractError(f"{file} is shorter than its journal says", "Start again with --force.")
            os.truncate(file, size)

    def _write_journal(self, journal: Journal) -> None:
        folder = partial_folder(self.scored.path)
        beside = folder / f"{JOURNAL}.new"
        _append(beside, 0, journal.model_dump_json(indent=1).encode())
        beside.replace(folder / JOURNAL)
        sync_folder(folder)
        self.journal = journal


def partial_folder(out: Path) -> Path:
    """Where the unfinished rows of an output lie."""
    return out.with_name(out.name + ".partial")


def _read_journal(folder: Path) -> Journal | None:
    """The journal, None without one or without a row in it; raises ContractError for one that cannot be read."""
    try:
        journal = Journal.model_validate_json((folder / JOURNAL).read_bytes())
        return journal if journal.worth_keeping else None
    except FileNotFoundError:
        return None
    except (ValidationError, OSError) as error:
        raise ContractError(f"{folder / JOURNAL} cannot be read", "Remove the folder, then start again.") from error


def _earlier_journal(out: Path) -> Journal | None:
    """The journal of an unfinished run into the same output; None without one that is worth keeping."""
    folder = partial_folder(out)
    return _read_journal(folder) if folder.is_dir() else None


def check_in_the_way(out: Path, rejects: Path, resume: bool) -> None:
    """Raise ContractError when files of an earlier run, finished or not, are in the way of an output."""
    journal = _earlier_journal(out)
    if journal is not None and not resume:
        raise ContractError(
            f"an earlier run left {partial_folder(out)} unfinished after row {journal.through_row:,}",
            "Carry it on with --resume, or start again with --force.",
        )
    publishing = journal is not None and journal.complete
    for path in (out, rejects):
        if path.exists() and not publishing:
            raise ContractError(f"{path} exists, a finished file", "Choose another path, or replace it with --force.")


def _check_one_file_system(folder: Path, rejects: Path) -> None:
    """A finished file is renamed into its place, which no file system does across to another."""
    if folder.stat().st_dev != rejects.parent.stat().st_dev:
        raise ContractError(f"{rejects} lies on another file system than the output", "Choose a path beside --out.")


def check_identity(folder: Path | str, then: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Raise ContractError, naming what differs, where an unfinished output depends on other things than this run."""
    differing = [name for name in {**then, **now} if then.get(name) != now.get(name)]
    if differing:
        changes = "; ".join(f"{name}: {then.get(name, 'none')} then, {now.get(name, 'none')} now" for name in differing)
        raise ContractError(
            f"{folder} belongs to another run ({changes})",
            "Resume with the input, model, options and machine it was started with, or start again with --force.",
        )


def lock_folder(folder: Path) -> IO[str]:
    """A lock that is held until it is closed or the process ends; raises RunError where another process holds it."""
    file = (folder / LOCK).open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise RunError(f"another process is writing {folder}", "Wait until it has ended.") from error
    return file


def _append(file: Path, offset: int, content: bytes) -> int:
    """Write ``content`` at ``offset``, cut the file off behind it, put it on the disk; the new size in bytes."""
    with file.open("r+b" if file.exists() else "wb") as stream:
        stream.seek(offset)
        stream.write(content)
        stream.truncate()
        stream.flush()
        os.fsync(stream.fileno())
    return offset + len(content)


def finished_file(source: Path, target: OutputFile) -> Path:
    """The partial CSV in the target's format, beside it and on the disk; equal rows give equal bytes."""
    if target.path.name.endswith(".csv"):
        return source
    finished = source.with_suffix(".finished")
    if target.path.name.endswith(".gz"):
        # No file name and no time in the gzip header: they would make equal rows differ in bytes.
        with (
            source.open("rb") as rows,
            finished.open("wb") as raw,
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        ):
            shutil.copyfileobj(rows, packed, COPY_BYTES)
    else:
        _to_parquet(source, finished, target.columns)
    with finished.open("rb+") as stream:
        os.fsync(stream.fileno())
    return finished


def _to_parquet(source: Path, finished: Path, columns: Sequence[OutputColumn]) -> None:
    schema = pa.schema([pa.field(column.name, column.type) for column in columns])
    convert = pyarrow.csv.ConvertOptions(column_types=schema, strings_can_be_null=False)
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    read = pyarrow.csv.ReadOptions(block_size=16 * COPY_BYTES, use_threads=False)
    with (
        pyarrow.csv.open_csv(source, read_options=read, parse_options=parse, convert_options=convert) as batches,
        pyarrow.parquet.ParquetWriter(finished, schema) as writer,
    ):
        for batch in batches:
            writer.write_batch(batch)
