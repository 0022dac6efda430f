"""Rows of text from CSV and Parquet files, a bounded number at a time."""

from __future__ import annotations

import csv
import functools
import io
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_schemas.contract import Dialect, Schema
from data_schemas.errors import ContractError, RunError
from data_schemas.fields import Field, FieldType, Role
from features.arrays import Ints
from features.tables.containers import READ_ERRORS, is_parquet, unreadable_error
from features.tables.csv_records import Lines, Record, printable, records
from features.tables.dates import dates_as_text
from features.tables.header import column_positions, own_names, passed_positions
from features.tables.layout import Layout, find_layout
from features.tables.number_cells import as_written
from features.tables.plain_lines import plain_cells

_MAX_TEXT = 32 * 2**20  # characters of a batch; fewer rows where rows are long
MAX_WHOLE = 2.0**53  # above it floats skip whole numbers


class Reject(NamedTuple):
    """A rejected row; the columns of ``Rejects``."""

    row: int
    column: str
    rule: str
    message: str
    original: str


@dataclass(frozen=True)
class TextRows:
    """Rows as text, before they are checked.

    Attributes:
        cells: Arrow strings of each column that is read, null or a missing code = missing, n each.
        row_number: int64 (n,), 1-based among the data rows.
        original: the row at a position as it stood in the file.
        rejects: rows between these that could not be split into cells.
        passthrough: Arrow strings of each column that is passed through, n each, null = empty.
    """

    cells: dict[str, pa.Array]
    row_number: Ints
    original: Callable[[int], str]
    rejects: list[Reject]
    passthrough: Mapping[str, pa.Array]


def header_names(path: Path, schema: Schema, dialect: Dialect) -> list[str]:
    """Column names of a table, "" for a column without one. Raises RunError or ContractError."""
    if is_parquet(path):
        with _open_parquet(path) as table:
            return own_names(table.schema_arrow.names, schema)
    return own_names(find_layout(path, schema, dialect).names, schema)


@dataclass(frozen=True)
class _Where:
    """Positions of columns by name.

    Attributes:
        cells: of those that are read.
        passthrough: of those that are passed through, some of which may be read too.
    """

    cells: Mapping[str, int]
    passthrough: Mapping[str, int]

    @property
    def positions(self) -> list[int]:
        """Each position once."""
        return list(dict.fromkeys([*self.cells.values(), *self.passthrough.values()]))


def _where(names: Sequence[str], schema: Schema, need_target: bool, passthrough: Sequence[str], path: Path) -> _Where:
    own = own_names(names, schema)
    return _Where(column_positions(own, schema, need_target, path), passed_positions(own, passthrough, path))


def csv_rows(
    path: Path,
    schema: Schema,
    need_target: bool,
    chunk_rows: int,
    dialect: Dialect,
    passthrough: Sequence[str] = (),
) -> Iterator[TextRows]:
    """Rows of a CSV file, at most ``chunk_rows`` at a time.

    Raises ContractError for a header that does not fit. RunError when the file breaks off: after the rows before that.
    """
    layout = find_layout(path, schema, dialect)
    where = _where(layout.names, schema, need_target, passthrough, path)
    with layout.open() as stream:
        try:
            lines = Lines(stream)
            deque(itertools.islice(lines, layout.n_before + 1), maxlen=0)  # through the header
        except READ_ERRORS as error:
            raise unreadable_error(path, error) from error
        yield from _rows_of(lines, layout, where, chunk_rows)


def _rows_of(lines: Lines, layout: Layout, where: _Where, chunk_rows: int) -> Iterator[TextRows]:
    """The rows that lines give; one chunk without rows for a file without any."""
    width = len(layout.names)
    rows = records(lines, layout.delimiter, width)
    if layout.n_empty:
        rows = _ending_empty(rows, layout.n_empty)
    first = 1
    while True:
        block = lines.take(chunk_rows, _MAX_TEXT)
        cells = None if layout.n_empty else plain_cells(block, layout.delimiter, width, where.positions)
        if cells is not None:
            yield _plain_rows(block, cells, first, where)
            first += len(block)
            continue
        lines.hand_back(block)
        batch, failure = _batch(rows, chunk_rows)
        if batch or (first == 1 and failure is None):
            yield _text_rows(batch, first, where)
        first += len(batch)
        if failure is not None:
            what = f"{layout.source.path} breaks off after data row {first - 1:,}: {failure}"
            raise RunError(what, "Fetch or write the file again; the rows up to there are good.") from failure
        if not batch:
            return


def _ending_empty(rows: Iterator[Record], n_empty: int) -> Iterator[Record]:
    """The rows, those rejected that have something in the last columns, which have no name and are empty elsewhere."""
    for row in rows:
        if any(cell.strip() for cell in row.cells[-n_empty:]):
            message = "the row has more cells than the header has names. Quote cells that hold the delimiter"
            yield Record(row.raw, [], "width", message)
        else:
            yield row


def _batch(rows: Iterator[Record], chunk_rows: int) -> tuple[list[Record], Exception | None]:
    """The next records, and what keeps more from being read."""
    batch: list[Record] = []
    size = 0
    try:
        while len(batch) < chunk_rows and size < _MAX_TEXT and (record := next(rows, None)):
            batch.append(record)
            size += len(record.raw)
    except READ_ERRORS as error:
        return batch, error
    return batch, None


def _plain_rows(lines: Sequence[str], columns: Mapping[int, pa.Array], first: int, where: _Where) -> TextRows:
    return TextRows(
        cells={name: columns[i] for name, i in where.cells.items()},
        passthrough={name: columns[i] for name, i in where.passthrough.items()},
        row_number=np.arange(first, first + len(lines), dtype=np.int64),
        original=lambda position: lines[position].rstrip("\r\n"),
        rejects=[],
    )


def _text_rows(batch: Sequence[Record], first: int, where: _Where) -> TextRows:
    sound = [(number, record) for number, record in enumerate(batch, first) if not record.rule]
    columns = list(zip(*(record.cells for _, record in sound), strict=True))  # empty without a sound row
    cells = {i: pa.array(columns[i] if columns else (), pa.string()) for i in where.positions}
    return TextRows(
        cells={name: cells[i] for name, i in where.cells.items()},
        passthrough={name: cells[i] for name, i in where.passthrough.items()},
        row_number=np.array([number for number, _ in sound], dtype=np.int64),
        original=lambda position: sound[position][1].raw,
        rejects=[
            Reject(number, "", record.rule, record.message, printable(record.raw))
            for number, record in enumerate(batch, first)
            if record.rule
        ],
    )


def _open_parquet(path: Path) -> pq.ParquetFile:
    if not path.is_file():
        raise unreadable_error(path, IsADirectoryError() if path.is_dir() else FileNotFoundError())
    try:
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=2**18)
    except (OSError, pa.ArrowInvalid) as error:
        raise unreadable_error(path, error) from error


def parquet_rows(
    path: Path, schema: Schema, need_target: bool, chunk_rows: int, passthrough: Sequence[str] = ()
) -> Iterator[TextRows]:
    """Rows of a Parquet file, at most ``chunk_rows`` at a time, every value written as a CSV would have it.

    Raises ContractError for columns that do not fit, RunError when the file breaks off.
    """
    with _open_parquet(path) as table:
        where = _where(table.schema_arrow.names, schema, need_target, passthrough, path)
        known = {field.name: field for field in schema.fields}
        fields = [
            known.get(name) or Field(name, FieldType.STRING, Role.IGNORED, title=name)
            for name in own_names(table.schema_arrow.names, schema)
        ]
        first = 1
        for batch in _parquet_batches(table, chunk_rows, path):
            yield TextRows(
                cells={name: as_text(batch.column(i), fields[i], path) for name, i in where.cells.items()},
                passthrough={name: as_text(batch.column(i), fields[i], path) for name, i in where.passthrough.items()},
                row_number=np.arange(first, first + len(batch), dtype=np.int64),
                original=functools.partial(_original, batch),
                rejects=[],
            )
            first += len(batch)


def _parquet_batches(table: pq.ParquetFile, chunk_rows: int, path: Path) -> Iterator[pa.RecordBatch]:
    if table.metadata.num_rows == 0:  # a file without rows gives one batch without rows
        yield pa.RecordBatch.from_pylist([], schema=table.schema_arrow)
    batches = table.iter_batches(chunk_rows, use_threads=False)
    n_before = 0
    while True:
        try:
            batch = next(batches, None)
        except (OSError, pa.ArrowInvalid) as error:
            what = f"{path} breaks off after data row {n_before:,}: {error}"
            raise RunError(what, "Write the file again; the rows up to there are good.") from error
        if batch is None:
            return
        yield batch
        n_before += len(batch)


def as_text(column: pa.Array, field: Field, origin: Path | str) -> pa.Array:
    """A typed column as the strings that a CSV would have, null where it has no value.

    Raises ContractError, naming the origin, for a type that does not read as text.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    try:
        if pa.types.is_floating(kind):
            column = pc.if_else(pc.is_nan(column), None, column)
            if field.role is Role.ID:
                column = _whole_ids(column, field, origin)
        if pa.types.is_boolean(kind):
            return pc.if_else(column, "True", "False").cast(pa.string())
        if field.type is FieldType.DATE and (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
            return dates_as_text(column, field)
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):  # the cast back to text checks its bytes
            return column.cast(pa.large_binary()).cast(pa.string())
        return as_written(column.cast(pa.string()), field)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ContractError(
            f"{origin}: the column {field.name!r} holds {kind} that does not read as text",
            "Write it as UTF-8 text, a number or a date.",
        ) from error


def _whole_ids(column: pa.Array, field: Field, origin: Path | str) -> pa.Array:
    """Ids that came as floats, as whole numbers where all are; raises ContractError beyond what floats tell apart."""
    values = column.cast(pa.float64())
    if pc.any(pc.greater(pc.abs(values), MAX_WHOLE)).as_py():
        raise ContractError(
            f"{origin}: the ids in {field.name!r} are floats above 2^53, where different ids become one",
            "Write the column as text or as 64-bit integers.",
        )
    whole = pc.all(pc.equal(pc.floor(values), values)).as_py()
    return values.cast(pa.int64()) if whole else column


def _original(batch: pa.RecordBatch, position: int) -> str:
    return csv_line([column[position].as_py() for column in batch.columns])


def csv_line(cells: Sequence[object]) -> str:
    """A row as it would stand in a CSV file, cut to what a reject shows."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return printable(line.getvalue())
