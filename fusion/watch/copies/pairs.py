"""Which narratives of a file are copies of each other, or of those of earlier files.

Narratives that share a band of their signatures are held against each other, all where few share it. Where many do,
they are sorted by the bands after it, so that the likest are neighbours, and each is held against the
``NEIGHBOURS`` that follow: a template sent ten thousand times costs ten thousand times as much as one sent once, no
more, and is still one ring, for its copies are linked through each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.arrays import Ints
from features.sources.database import literal, temporary_database
from fusion.watch.copies.signatures import N_BANDS, Bands, alike, are_copies
from fusion.watch.copies.store import Store

if TYPE_CHECKING:
    import duckdb

NEIGHBOURS = 8
PAIRS_AT_A_TIME = 100_000

PAIRS = pa.schema(
    [
        ("narrative", pa.string()),
        ("late_file", pa.string()),
        ("late", pa.int64()),
        ("early_file", pa.string()),
        ("early", pa.int64()),
    ]
)
"""What is kept of a pair: the column, the digests of the files, and the numbers of the rows."""


def find_pairs(
    store: Store, digests: Sequence[str], n_before: int, days: int, *, memory_mb: int = 1024, threads: int = 0
) -> None:
    """Keep the pairs of copies of which one, at least, is in one of the last files.

    Args:
        store: where the rows of all these files are kept.
        digests: of the files, in the order in which they came.
        n_before: how many of them have been searched before.
        days: that may lie between the decisions on two copies. Rows without a date are held against all.
        memory_mb: beyond which the search writes to disk.
        threads: 0: as many as there are cores. No pair depends on it.

    Raises:
        RunError: where memory or disk do not suffice.
    """
    path = store.pairs_of(digests[-1])
    beside = path.with_name(f".{path.name}")
    names = np.array(["", *digests], dtype=object)
    with temporary_database(memory_mb, threads, "copied narratives cannot be searched") as connection:
        _candidates(connection, [store.rows_of(name) for name in digests], n_before, days)
        with pq.ParquetWriter(beside, PAIRS) as writer:
            for lines in connection.sql(_HELD_AGAINST).to_arrow_reader(PAIRS_AT_A_TIME):
                likeness = alike(_bands(lines["late_bands"]), _bands(lines["early_bands"]))
                found = are_copies(likeness, _ints(lines["late_words"]), _ints(lines["early_words"]))
                copies = lines.filter(pa.array(found))
                files = {name: names[_ints(copies[name])] for name in ("late_file", "early_file")}
                whole = {name: copies[name] for name in ("narrative", "late", "early")} | files
                writer.write_table(pa.table(whole).select(PAIRS.names).cast(PAIRS))
    beside.replace(path)


def _candidates(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], n_before: int, days: int) -> None:
    """Make the table of pairs of narratives that share a band, one at least of a file that was not searched yet."""
    listed = ", ".join(literal(str(path)) for path in paths)
    connection.execute(f"""
        CREATE VIEW kept AS
        SELECT list_position([{listed}], filename) AS file, row, narrative::VARCHAR AS narrative, day, applicant,
            n_words, bands
        FROM read_parquet([{listed}], filename = true) WHERE bands IS NOT NULL""")
    connection.execute(f"""
        CREATE TABLE reach AS
        SELECT min(day) - {days} AS first, max(day) + {days} AS last FROM kept WHERE file > {n_before}""")
    connection.execute("""
        CREATE VIEW signed AS
        SELECT kept.* FROM kept, reach WHERE coalesce(day BETWEEN reach.first AND reach.last, true)""")
    connection.execute("""
        CREATE VIEW banded AS
        SELECT *, hash(narrative, band, key) AS bucket FROM (
            SELECT * EXCLUDE (bands, n_words), unnest(bands) AS key, unnest(range(len(bands))) AS band,
                unnest(list_concat(bands[2:], bands[:1])) AS next, unnest(list_concat(bands[3:], bands[:2])) AS after
            FROM signed)""")
    connection.execute(f"CREATE TABLE own AS SELECT DISTINCT bucket FROM banded WHERE file > {n_before}")
    connection.execute("""
        CREATE TABLE shared AS
        SELECT bucket FROM banded SEMI JOIN own USING (bucket) GROUP BY bucket HAVING count(*) > 1""")
    place = "{'file': file, 'row': row, 'day': day, 'applicant': applicant}"
    following = ", ".join(f"lead({place}, {n}) OVER likest" for n in range(1, NEIGHBOURS + 1))
    connection.execute(f"""
        CREATE TABLE neighbours AS
        SELECT narrative, {place} AS one, unnest([{following}]) AS other FROM banded SEMI JOIN shared USING (bucket)
        WINDOW likest AS (PARTITION BY bucket ORDER BY next, after, applicant, file, row)""")
    connection.execute(f"""
        CREATE TABLE candidates AS
        SELECT DISTINCT narrative, greatest(a, b) AS late_row, least(a, b) AS early_row FROM (
            SELECT narrative, {{'file': one.file, 'row': one.row}} AS a, {{'file': other.file, 'row': other.row}} AS b
            FROM neighbours
            WHERE other IS NOT NULL AND one.applicant <> other.applicant AND greatest(one.file, other.file) > {n_before}
                AND coalesce(abs(one.day - other.day) <= {days}, true))""")


_HELD_AGAINST = """
    SELECT candidates.narrative, a.file AS late_file, a.row AS late, b.file AS early_file, b.row AS early,
        a.n_words AS late_words, b.n_words AS early_words, a.bands AS late_bands, b.bands AS early_bands
    FROM candidates
    JOIN signed a ON a.file = late_row.file AND a.row = late_row.row AND a.narrative = candidates.narrative
    JOIN signed b ON b.file = early_row.file AND b.row = early_row.row AND b.narrative = candidates.narrative"""


def _bands(lists: pa.ListArray) -> Bands:
    bands: Bands = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, N_BANDS)
    return bands


def _ints(column: pa.Array) -> Ints:
    numbers: Ints = column.to_numpy(zero_copy_only=False)
    return numbers
