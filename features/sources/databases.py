"""Records from databases: a table or a query of a DuckDB file or of PostgreSQL, read and never written to."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from data_schemas.contract import Schema
from data_schemas.errors import ContractError, RunError
from features.sources.locations import Location
from features.tables.containers import unreadable_error
from features.tables.header import column_positions, own_names
from features.tables.text_rows import TextRows, as_text, csv_line

if TYPE_CHECKING:
    import sqlalchemy

_DRIVER = "postgresql+psycopg2"

Columns = Sequence[pa.Array]
"""The columns of some rows, as the database types them."""


def database_rows(location: Location, contract: Schema, batch_rows: int) -> Iterator[TextRows]:
    """Rows of a table or query, at most ``batch_rows`` at a time, every value written as a CSV would have it.

    Raises:
        ContractError: for a table, query or column that the database does not have, and for a database that cannot be
            read here.
        RunError: where it cannot be reached, or fails.
    """
    batches = _of_duckdb if location.path is not None else _of_postgres
    first = 1
    for names, columns in batches(location, contract, batch_rows):
        cells = [as_text(one, contract[name], str(location)) for name, one in zip(names, columns, strict=True)]
        n = len(cells[0])
        yield TextRows(
            cells=dict(zip(names, cells, strict=True)),
            row_number=np.arange(first, first + n, dtype=np.int64),
            original=functools.partial(_original, cells),
            rejects=[],
            passthrough={},
        )
        first += n


def _of_duckdb(location: Location, contract: Schema, batch_rows: int) -> Iterator[tuple[list[str], Columns]]:
    import duckdb  # here, since only joins need it

    path = location.path or Path()
    if not path.is_file():
        raise unreadable_error(path, IsADirectoryError() if path.is_dir() else FileNotFoundError())
    config: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        with duckdb.connect(str(path), read_only=True, config=config) as connection:
            given = _from(location)
            names, query = _selected(connection.sql(f"SELECT * FROM {given}").columns, given, location, contract)
            for batch in connection.sql(query).to_arrow_reader(batch_rows):
                yield names, batch.columns
    except (duckdb.ProgrammingError, duckdb.PermissionException) as error:
        raise _not_there(location, error) from error
    except duckdb.Error as error:
        raise _failed(location, error, "Close what else has it open, or fetch the file again.") from error


def _of_postgres(location: Location, contract: Schema, batch_rows: int) -> Iterator[tuple[list[str], Columns]]:
    from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

    try:
        with _reading(location) as connection:
            given = _from(location).replace("%", "%%")  # as the drivers want it
            found = connection.exec_driver_sql(f"SELECT * FROM {given} LIMIT 0").keys()
            names, query = _selected(list(found), given, location, contract)
            rows = connection.execution_options(yield_per=batch_rows).exec_driver_sql(query)
            for batch in rows.partitions():
                yield names, [_array(values) for values in zip(*batch, strict=True)]
    except ProgrammingError as error:
        raise _not_there(location, error.orig or error) from error
    except SQLAlchemyError as error:
        remedy = "Check host, database, user and password, and that the server can be reached."
        raise _failed(location, getattr(error, "orig", None) or error, remedy) from error


def _original(cells: Columns, position: int) -> str:
    return csv_line([column[position].as_py() for column in cells])


@contextmanager
def _reading(location: Location) -> Iterator[sqlalchemy.Connection]:
    """A connection whose one transaction sees one state of the database and may not write."""
    import sqlalchemy

    try:
        url = sqlalchemy.make_url(location.url)
        if "+" not in url.drivername:
            url = url.set(drivername=_DRIVER)
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    except ImportError as error:
        remedy = "Install it: pip install 'creditfusion[postgres]'."
        raise ContractError(f"{location} needs a driver that is not installed ({error.name})", remedy) from error
    with engine.connect() as connection:
        yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _from(location: Location) -> str:
    """What stands behind FROM."""
    if location.query:
        return f"({location.query}\n) AS given"
    return ".".join(map(_quoted, location.table.split(".")))


def _selected(found: Sequence[str], given: str, location: Location, contract: Schema) -> tuple[list[str], str]:
    """Names of the columns that are read, and the query for them; raises ContractError for those that are not there."""
    where = column_positions(own_names(found, contract), contract, False, str(location))
    chosen = ", ".join(_quoted(found[at]) for at in where.values())
    return list(where), f"SELECT {chosen} FROM {given}"


def _quoted(name: str) -> str:
    return '"' + name.strip().strip('"').replace('"', '""') + '"'


def _array(values: Sequence[object]) -> pa.Array:
    """Values of one column; those of a type that Arrow does not know as text."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _not_there(location: Location, error: BaseException) -> ContractError:
    return ContractError(
        f"{location} cannot be read: {_first_line(location, error)}",
        "Check the names of table and columns, or the query.",
    )


def _failed(location: Location, error: BaseException, remedy: str) -> RunError:
    return RunError(f"{location} cannot be read: {_first_line(location, error)}", remedy)


def _first_line(location: Location, error: BaseException) -> str:
    return location.without_password(str(error).strip().partition("\n")[0]).rstrip(".")
