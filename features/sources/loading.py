"""Applications' keys and the records of sources, read and checked as any table is, into the database of a join."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_schemas.contract import Dialect, Schema, Source
from data_schemas.errors import UserError
from data_schemas.fields import Field, FieldType, Role
from features.arrays import Flags, Ints
from features.sources.columns import column, of_records, read_fields, sql_type
from features.sources.databases import database_rows
from features.sources.locations import Location
from features.tables.cell_checks import check
from features.tables.containers import is_parquet
from features.tables.spelling import composed
from features.tables.text_rows import TextRows, csv_rows, parquet_rows

if TYPE_CHECKING:
    import duckdb

Progress = Callable[[str, int], None]
"""Gets the name of a table and how many of its rows are read."""

REJECTS = "rejects"
REJECT_COLUMNS = ("source", "row", "column", "rule", "message")
BATCH = 100_000  # rows
_LINE_BREAK = r"\s*[\r\n\x0b\x0c\x{85}\x{2028}\x{2029}]+\s*"


@dataclass(frozen=True)
class Loaded:
    """How many records of a source were read.

    Attributes:
        n_read: all of them.
        n_rejected: of these, the ones that break the contract.
    """

    n_read: int
    n_rejected: int


def load_applications(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], contract: Schema, dialect: Dialect
) -> dict[str, int]:
    """Fill the table ``applications``: their number ``app``, and the columns that ``contract`` reads.

    Returns:
        For each file the number before that of its first row; the next row has it plus 1.

    Raises:
        UserError: as ``features.tables.reader.read_chunks`` does.
    """
    fields = read_fields(contract)
    _create(connection, "applications", "app", contract)
    before: dict[str, int] = {}
    n = 0
    connection.begin()
    for path in files:
        before[str(path)], last = n, 0
        for rows in _text_rows(path, contract, dialect):
            cells = _typed(rows, fields, check(rows.cells, contract).columns, np.ones(len(rows.row_number), np.bool_))
            _insert(connection, "applications", "app", rows.row_number + n, cells, contract)
            numbers = [*rows.row_number.tolist()[-1:], *(reject.row for reject in rows.rejects)]
            last = max([last, *numbers])
        n += last
    connection.commit()
    return before


def load_records(
    connection: duckdb.DuckDBPyConnection, table: str, source: Source, location: Location | None, progress: Progress
) -> Loaded:
    """Fill a table with the sound records of a source: their row number ``row``, and the columns that are read; none
    without a location. Others go to the table of rejects.

    Raises:
        UserError: for a table that does not fit the contract, cannot be read, or breaks off.
    """
    contract = of_records(source)
    _create(connection, table, "row", contract)
    n_read = n_rejected = 0
    connection.begin()  # one transaction: rows are not written twice, first to the log
    try:
        for rows in () if location is None else _record_rows(location, contract):
            found = check(rows.cells, contract)
            keep = np.ones(len(rows.row_number), np.bool_)
            keep[[breach.position for breach in found.breaches]] = False
            cells = _typed(rows, read_fields(contract), found.columns, keep)
            _insert(connection, table, "row", rows.row_number[keep], cells, contract)
            broken = [(int(rows.row_number[breach.position]), *breach[1:]) for breach in found.breaches]
            broken += [reject[:4] for reject in rows.rejects]
            _reject(connection, source.name, broken)
            n_read += len(keep) + len(rows.rejects)
            n_rejected += len(broken)
            progress(source.name, n_read)
    except UserError as error:
        raise type(error)(f"the source {source.name!r}: {error.message}", error.remedy) from error
    connection.commit()
    return Loaded(n_read, n_rejected)


def create_rejects(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table of rejected records, over all sources."""
    connection.execute(
        f'CREATE TABLE {REJECTS} (source VARCHAR, "row" BIGINT, "column" VARCHAR, rule VARCHAR, message VARCHAR)'
    )


def first_rejects(connection: duckdb.DuckDBPyConnection, source: str, n: int) -> list[tuple[int, str, str, str]]:
    """Row, column, rule and message of the first rejected records of a source."""
    query = f'SELECT "row", "column", rule, message FROM {REJECTS} WHERE source = ? ORDER BY ALL LIMIT {n}'
    return connection.execute(query, [source]).fetchall()


def _record_rows(location: Location, contract: Schema) -> Iterator[TextRows]:
    if location.path is None or location.table or location.query:
        return database_rows(location, contract, BATCH)
    return _text_rows(location.path, contract, Dialect())


def _text_rows(path: Path, contract: Schema, dialect: Dialect) -> Iterator[TextRows]:
    if is_parquet(path):
        return parquet_rows(path, contract, False, BATCH)
    return csv_rows(path, contract, False, BATCH, dialect)


def _typed(
    rows: TextRows, fields: Sequence[Field], columns: Mapping[str, npt.NDArray[np.generic]], keep: Flags
) -> dict[str, pa.Array]:
    """The kept cells of the columns that the rows have, as the database holds them: null where they are missing."""
    return {field.name: _cells(field, columns[field.name][keep]) for field in fields if field.name in rows.cells}


def _cells(field: Field, values: npt.NDArray[np.generic]) -> pa.Array:
    if field.is_numeric:
        return pa.array(values, pa.float64(), from_pandas=True)
    if field.type is FieldType.DATE:
        return pa.array(values.astype("datetime64[s]")).cast(pa.int64())
    texts = pa.array(values, pa.string())
    if field.role is Role.NARRATIVE:
        texts = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, _LINE_BREAK, " "))
    elif field.role is Role.ID:
        texts = composed(texts)
    return pc.if_else(pc.equal(texts, ""), None, texts)


def _create(connection: duckdb.DuckDBPyConnection, table: str, number: str, contract: Schema) -> None:
    columns = [f"{column(contract, field.name)} {sql_type(field)}" for field in read_fields(contract)]
    connection.execute(f"CREATE TABLE {table} ({', '.join([f'{number} BIGINT', *columns])})")


def _insert(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    number: str,
    numbers: Ints,
    cells: Mapping[str, pa.Array],
    contract: Schema,
) -> None:
    """Add rows: their numbers, in the column ``number``, and their cells by the contract's names."""
    names = [number, *(column(contract, name) for name in cells)]
    batch = pa.table([pa.array(numbers), *cells.values()], names)
    connection.register("batch", batch)
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM batch")
    connection.unregister("batch")


def _reject(connection: duckdb.DuckDBPyConnection, source: str, broken: Sequence[tuple[int, str, str, str]]) -> None:
    if not broken:
        return
    row, name, rule, message = zip(*broken, strict=True)
    parts: Sequence[Sequence[object]] = ([source] * len(broken), row, name, rule, message)
    batch = pa.table([pa.array(part) for part in parts], REJECT_COLUMNS)
    connection.register("batch", batch)
    connection.execute(f"INSERT INTO {REJECTS} SELECT * FROM batch")
    connection.unregister("batch")


def row_numbers(before: Mapping[str, int], origin: Path | str, row_number: Ints) -> Ints:
    """The applications' numbers in the database; raises ValueError for a file that was not joined."""
    if str(origin) not in before:
        raise ValueError(f"{origin} is not among the joined files")
    return before[str(origin)] + row_number
