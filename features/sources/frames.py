"""Applications and records that are data frames, joined as files are."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data_schemas.contract import Schema, Source
from features.arrays import Ints
from features.sources.columns import of_applications, of_records, read_fields
from features.sources.join import join_sources
from features.sources.joined import JoinedSources
from features.sources.locations import Location, check_names
from features.sources.report import SourceReport
from features.tables.dataframe import ORIGIN, Records, written_cells
from features.tables.reader import ReadOptions


@dataclass(frozen=True)
class JoinedFrames:
    """Sources joined with one data frame of applications (``features.tables.joined.Joined``).

    Attributes:
        joined: with the file that stands for the frame.
        file: that file.
    """

    joined: JoinedSources
    file: Path

    @property
    def digest(self) -> str:
        """Names all that is made of the records."""
        return self.joined.digest

    @property
    def reports(self) -> tuple[SourceReport, ...]:
        """What was found in each source."""
        return self.joined.reports

    def columns(self, _origin: Path | str, row_number: Ints) -> Mapping[str, npt.NDArray[np.generic]]:
        """What is made of the records of the applications in these rows of the frame."""
        return self.joined.columns(self.file, row_number)


@contextmanager
def join_frames(rows: Records, schema: Schema, sources: Mapping[str, Records] | None) -> Iterator[JoinedFrames | None]:
    """Join the applications of a data frame with the records of others; None without sources.

    The frames are read as files of the same cells are, through a temporary folder.
    Raises ContractError as ``join_sources`` does, and for a name that is no source of the schema.
    """
    if sources is None:
        yield None
        return
    check_names(sources, schema)
    with tempfile.TemporaryDirectory(prefix="creditfusion-frames-") as name:
        folder = Path(name)
        file = _written(rows, of_applications(schema, schema.sources), ORIGIN, folder / "applications.parquet")
        locations = {
            source.name: Location(source.name, _records(sources[source.name], source, folder / f"{at}.parquet"))
            for at, source in enumerate(schema.sources)
            if source.name in sources
        }
        with join_sources([file], schema, locations, ReadOptions()) as joined:
            yield JoinedFrames(joined, file)


def _records(rows: Records, source: Source, path: Path) -> Path:
    contract = of_records(source)
    if not len(rows):
        rows = pd.DataFrame({field.name: [] for field in read_fields(contract)}, dtype=object)
    return _written(rows, contract, f"the data frame of the source {source.name!r}", path)


def _written(rows: Records, contract: Schema, origin: str, path: Path) -> Path:
    """A file of the cells of a data frame that its contract reads, as text."""
    pq.write_table(pa.table(written_cells(rows, contract, origin)), path)
    return path
