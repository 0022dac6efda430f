"""A database for one piece of work, such as a join: DuckDB in a temporary folder, within bounded memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data_schemas.errors import RunError

if TYPE_CHECKING:
    import duckdb


@contextmanager
def temporary_database(
    memory_mb: int, threads: int, work: str = "the sources cannot be joined"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database on disk that is deleted with all that it spilled.

    Args:
        memory_mb: beyond which it writes to disk.
        threads: 0: as many as there are cores.
        work: what fails, in the words of an error.

    Raises:
        RunError: where it has no room left, in memory or on disk.
    """
    import duckdb  # here, since few runs need it

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_mb}MB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
    }
    if threads:
        settings["threads"] = threads
    with tempfile.TemporaryDirectory(prefix="creditfusion-join-") as folder:
        try:
            with duckdb.connect(str(Path(folder) / "join.duckdb"), config=settings) as connection:
                connection.execute("SET force_compression = 'uncompressed'")  # a third of the time, four times the disk
                yield connection
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            reason = str(error).split("\n")[0]
            what = f"{work} in {memory_mb} MB of memory and the disk of {folder}: {reason}"
            raise RunError(what, "Make room there, or name another folder in TMPDIR.") from error


def count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one number that a query gives."""
    row = connection.execute(query).fetchone()
    return int(row[0] or 0) if row else 0


def literal(value: str | float) -> str:
    """A text or number in a query."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"{float(value)!r}::DOUBLE"
