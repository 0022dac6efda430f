"""Reading files of applications: CSV, packed or not, workbooks and Parquet, in bounded memory, no row lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data_schemas.contract import Dialect, Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Role
from features.arrays import Texts
from features.tables.applications import REJECT_COLUMNS, Applications, Chunk, Rejects
from features.tables.cell_checks import Breach, Checked, check, typed_frame
from features.tables.containers import is_parquet
from features.tables.duplicate_ids import DuplicateIds
from features.tables.header import HeaderReport, compare_header
from features.tables.joined import Joined, with_sources
from features.tables.layout import Layout, find_layout
from features.tables.stated import with_facts
from features.tables.text_rows import Reject, TextRows, csv_rows, header_names, parquet_rows
from features.tables.totals import EMPTY, TOTALS, empty_rows, totals_lines

NO_REJECTS = pd.DataFrame({name: pd.Series([], dtype=object) for name in REJECT_COLUMNS}).astype({"row": np.int64})


@dataclass(frozen=True)
class ReadOptions:
    """How a file is read.

    Raises ContractError for values that make no sense.

    Attributes:
        chunk_rows: rows read at a time, at most; fewer where rows are very long. Values never depend on it.
        need_target: whether the outcome is read, and auxiliary columns with it; undecided rows are then left out and
            counted, and others without a bad or good outcome are rejected.
        outcome_if_known: whether the outcome, and auxiliary columns with it, are read where a file has them; no row is
            left out or rejected for its outcome, which is missing where it is neither bad nor good.
        delimiter: of a CSV file; a backslash and a t, as one types them in a shell, mean a tab. None: found.
        encoding: of a CSV file; None: found.
        sheet: of a workbook; None: the contract's, or the only one.
        passthrough: columns, of the contract or not, whose cells are kept beside the applications as they are written.
        joined: what is made of the schema's further sources, where it has any.
    """

    chunk_rows: int = 10_000
    need_target: bool = False
    outcome_if_known: bool = False
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    passthrough: tuple[str, ...] = ()
    joined: Joined | None = None

    def __post_init__(self) -> None:
        if self.chunk_rows < 1:
            raise ContractError(f"chunk_rows is {self.chunk_rows}", "Give a number of rows from 1 up.")
        if self.delimiter == r"\t":
            object.__setattr__(self, "delimiter", "\t")
        if self.delimiter is not None and (len(self.delimiter) != 1 or self.delimiter in '"\r\n\0'):
            raise ContractError(f"the delimiter {self.delimiter!r} is no delimiter", "Give one character, such as ';'.")

    @property
    def dialect(self) -> Dialect:
        """What was named of how the file is written."""
        return Dialect(self.encoding, self.delimiter, self.sheet)


def read_chunks(path: Path, schema: Schema, options: ReadOptions) -> Iterator[Chunk]:
    """Rows of one file, chunk by chunk, each an application or a reject; one empty chunk when the file has none.

    An id may occur once; later rows of the same id that are otherwise sound are rejected.
    Raises ContractError for a header that does not fit the contract, RunError for a file that cannot be read or breaks
    off (after the rows before that).
    """
    return _read(path, schema, options, DuplicateIds())


def read_all(paths: Path | Sequence[Path], schema: Schema, options: ReadOptions) -> Chunk:
    """All rows of one file, or of several with ids unique over all of them, in one chunk.

    Row numbers count within each file; where there are several, a reject's message begins with its file's name. An
    auxiliary column that only some of the files have is unknown in the others.
    Raises as ``read_chunks`` does, and ContractError for no paths.
    """
    paths = [paths] if isinstance(paths, Path) else paths
    return in_one(paths, read_files(paths, schema, options))


def in_one(paths: Sequence[Path], files: Sequence[Chunk]) -> Chunk:
    """The chunks of files in one, in their order; where there are several, rejects' messages begin with file names."""
    return joined(
        [chunk if len(paths) == 1 else _naming(path, chunk) for path, chunk in zip(paths, files, strict=True)]
    )


def read_files(paths: Sequence[Path], schema: Schema, options: ReadOptions) -> tuple[Chunk, ...]:
    """All rows of several files with ids unique over all of them, one chunk for each file.

    Raises as ``read_all`` does.
    """
    if not paths:
        raise ContractError("no file is named", "Name at least one file of applications.")
    known_ids = DuplicateIds()
    files = tuple(joined(list(_read(path, schema, options, known_ids))) for path in paths)
    optional = [field.name for field in schema.fields_of(Role.AUXILIARY)]
    columns: list[set[object]] = [set(file.applications.frame.columns.difference(optional)) for file in files]
    if differing := set.union(*columns) - set.intersection(*columns):
        what = f"only some of the files have the columns {', '.join(sorted(map(str, differing)))}"
        raise ContractError(what, "Add them to the others, or drop them everywhere.")
    return files


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """The rows of all chunks in one, in their order."""
    return Chunk(
        Applications.concat([chunk.applications for chunk in chunks]),
        Rejects(pd.concat([chunk.rejects.frame for chunk in chunks], ignore_index=True)),
        dict(sum((Counter(chunk.unreadable) for chunk in chunks), Counter())),
        sum(chunk.n_undecided for chunk in chunks),
        {name: np.concatenate([chunk.passthrough[name] for chunk in chunks]) for name in chunks[0].passthrough},
    )


def header_report(path: Path, schema: Schema, options: ReadOptions) -> HeaderReport:
    """What the file's header lacks and what it has beyond the contract. Raises as ``read_chunks`` does, but not for
    missing columns.
    """
    return compare_header(header_names(path, schema, options.dialect), schema)


def file_layout(path: Path, schema: Schema, options: ReadOptions) -> Layout | None:
    """How the file is laid out; None for Parquet, which has nothing to find. Raises as ``read_chunks`` does."""
    return None if is_parquet(path) else find_layout(path, schema, options.dialect)


def _read(path: Path, schema: Schema, options: ReadOptions, known_ids: DuplicateIds) -> Iterator[Chunk]:
    with_outcome = options.need_target or (options.outcome_if_known and _has_outcome(path, schema, options))
    if is_parquet(path):
        batches = parquet_rows(path, schema, with_outcome, options.chunk_rows, options.passthrough)
    else:
        batches = csv_rows(path, schema, with_outcome, options.chunk_rows, options.dialect, options.passthrough)
    for rows in batches:
        chunk = checked(rows, schema, known_ids, need_outcome=not options.outcome_if_known)
        yield replace(chunk, applications=with_facts(with_sources(chunk.applications, options.joined, path)))


def _has_outcome(path: Path, schema: Schema, options: ReadOptions) -> bool:
    field = schema.field_of(Role.TARGET)
    return field is not None and field.name in header_names(path, schema, options.dialect)


def checked(rows: TextRows, schema: Schema, known_ids: DuplicateIds | None, *, need_outcome: bool = True) -> Chunk:
    """Rows as text, each an application, a reject or undecided.

    known_ids: remembers their ids; None: an id may occur again. need_outcome: as of ``check``.
    """
    found = check(rows.cells, schema, need_outcome=need_outcome)
    columns, breaches = found.columns, _with_no_applications(found, rows, schema)
    keep = np.ones(len(rows.row_number), dtype=np.bool_)
    keep[[breach.position for breach in breaches]] = False
    rejects = [
        Reject(int(rows.row_number[breach.position]), *breach[1:], rows.original(breach.position))
        for breach in breaches
    ]
    name = schema.id.name
    sound = np.flatnonzero(keep)
    again = sound[known_ids.add(columns[name][sound])] if known_ids is not None else sound[:0]
    for at in again.tolist():
        keep[at] = False
        message = f"the id {str(columns[name][at])[:40]!r} stands in an earlier row. Keep one row per application"
        rejects.append(Reject(int(rows.row_number[at]), name, "unique", message, rows.original(at)))
    n_undecided = int((keep & found.undecided).sum())
    keep &= ~found.undecided
    return Chunk(
        Applications(schema, typed_frame(columns, keep), rows.row_number[keep]),
        Rejects(_as_frame(sorted(rejects + rows.rejects))),
        {name: int(broken[keep].sum()) for name, broken in found.unreadable.items() if broken[keep].any()},
        n_undecided,
        {name: _passed(cells)[keep] for name, cells in rows.passthrough.items()},
    )


def _passed(cells: pa.Array) -> Texts:
    """Cells as they are written; NUL, which Parquet may hold, as ``csv_records.printable`` writes it."""
    text = pc.replace_substring(pc.fill_null(cells, ""), "\0", "\\x00")
    found: Texts = text.to_numpy(zero_copy_only=False)
    return found


def _with_no_applications(found: Checked, rows: TextRows, schema: Schema) -> list[Breach]:
    """The breaches, and those of rows that are no applications: lines of totals, whatever else they break, and rows
    that hold nothing but an id.
    """
    breaches = {breach.position: breach for breach in found.breaches}
    for at in np.flatnonzero(empty_rows(found.columns, schema)).tolist():
        if at not in breaches or breaches[at].rule == "required":
            breaches[at] = Breach(at, schema.id.name, *EMPTY)
    for at in np.flatnonzero(totals_lines(rows.cells, found.columns, schema)).tolist():
        breaches[at] = Breach(at, schema.id.name, *TOTALS)
    return [breaches[at] for at in sorted(breaches)]


def _as_frame(rejects: Sequence[Reject]) -> pd.DataFrame:
    if not rejects:
        return NO_REJECTS.copy()
    frame = pd.DataFrame(
        {name: pd.Series([getattr(one, name) for one in rejects], dtype=object) for name in REJECT_COLUMNS}
    )
    return frame.astype({"row": np.int64})


def _naming(path: Path, chunk: Chunk) -> Chunk:
    frame = chunk.rejects.frame
    named = frame.assign(message=[f"{path.name}: {message}" for message in frame["message"]])
    return replace(chunk, rejects=Rejects(named.astype({"message": object})))
