"""What is made of a contract's further sources, kept in a run's work for whoever reads the files.

The join is done once, by the command. Its database is open to that process alone, so what it made of the records is
written to the work, a Parquet file for each file of applications, from which a reading task takes the rows it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from data_schemas.errors import RunError
from experiments.score.parts.work import Work
from features.arrays import Ints
from features.sources.joined import JoinedSources

ROWS_OF_A_GROUP = 20_000
"""Rows that are written and read at once."""
JOINED_WITH = b"input_sha256"
"""Names the digest of the applications in a kept file."""


@dataclass(frozen=True)
class SourcesOfFiles:
    """Sources joined with the files of a run.

    Attributes:
        joined: What is made of their records.
        paths: Where the join read each file, by the file's name.
        input_sha256: Digest of each file's bytes ahead of the join, by the file's name.
    """

    joined: JoinedSources
    paths: Mapping[str, Path]
    input_sha256: Mapping[str, str]

    def keep(self, work: Work) -> None:
        """Write what is made of the records of every file to the run's work."""
        for name, path in self.paths.items():
            with work.store.scratch() as folder:
                made = folder / "made.parquet"
                self._write(path, made, self.input_sha256[name])
                work.store.publish(made, work.sources(name))

    def _write(self, path: Path, made: Path, input_sha256: str) -> None:
        n_rows = self.joined.row_counts[str(path)]
        writer: pq.ParquetWriter | None = None
        for first in range(1, max(n_rows, 1) + 1, ROWS_OF_A_GROUP):
            rows = np.arange(first, min(first + ROWS_OF_A_GROUP, n_rows + 1), dtype=np.int64)
            table = pa.table({"row": rows, **_arrow(self.joined.columns(path, rows))})
            writer = writer or pq.ParquetWriter(made, table.schema.with_metadata({JOINED_WITH: input_sha256}))
            writer.write_table(table, row_group_size=ROWS_OF_A_GROUP)
        if writer is not None:
            writer.close()


def _arrow(columns: Mapping[str, npt.NDArray[np.generic]]) -> dict[str, pa.Array]:
    """The columns as Arrow holds them without loss: NaN stays NaN, a missing text ""."""
    return {
        f"made {name}": pa.array(values, pa.string() if values.dtype == object else pa.float64(), from_pandas=False)
        for name, values in columns.items()
    }


@dataclass(frozen=True)
class KeptSources:
    """What is made of the records of one file's applications (``features.tables.joined.Joined``).

    Attributes:
        file: The kept Parquet file.
        digest: Not known here: the plan of the run has it.
    """

    file: pq.ParquetFile
    digest: str = ""

    def columns(self, origin: Path | str, row_number: Ints) -> Mapping[str, npt.NDArray[np.generic]]:
        """As of ``Joined``; ``origin`` is the one file."""
        del origin
        names = [name for name in self.file.schema_arrow.names if name != "row"]
        if not len(row_number) or not names:
            kinds = {name: self.file.schema_arrow.field(name).type for name in names}
            return {
                name.removeprefix("made "): np.empty(0, object if pa.types.is_string(kind) else np.float64)
                for name, kind in kinds.items()
            }
        first, last = (int(row - 1) // ROWS_OF_A_GROUP for row in (row_number[0], row_number[-1]))
        found = self.file.read_row_groups(list(range(first, last + 1)))
        at = row_number - 1 - first * ROWS_OF_A_GROUP
        return {name.removeprefix("made "): _array(found.column(name))[at] for name in names}


def _array(column: pa.ChunkedArray) -> npt.NDArray[np.generic]:
    if pa.types.is_string(column.type):
        return np.asarray(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy())


@contextmanager
def kept_sources(work: Work, name: str, input_sha256: str) -> Iterator[KeptSources]:
    """What is kept for the file of this name, while it is read.

    Raises RunError where the file's bytes are others than those that the sources were joined with: rows that came
    since would have no records.
    """
    with work.store.fetched(work.sources(name)) as path, pq.ParquetFile(path) as file:
        if (file.schema_arrow.metadata or {}).get(JOINED_WITH) != input_sha256.encode():
            raise RunError(
                f"{name} was changed while it was joined with its sources",
                "Score it again with --force once nothing writes to it any more.",
            )
        yield KeptSources(file)
