"""What a watch keeps of narratives: a Parquet file for each file of applications, with signatures and no text.

It is written beside its place and renamed, under the digest of the file that it is made of, so that a run that is
killed and begins again replaces it. Values of columns that people may share, such as a telephone number, are kept as
keyed hashes; the key stays in the folder.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data_schemas.fields import Role
from features.arrays import Dates, Flags
from features.narratives.reader import clean_narrative
from fusion.watch.copies.signatures import Bands, sign
from fusion.watch.part import Batch

SHARED = "shared:"
"""Before the name of a column of hashes."""

_WORDS = ["file", "period", "narrative"]
_ROWS = [
    ("file", pa.dictionary(pa.int32(), pa.string())),
    ("period", pa.dictionary(pa.int32(), pa.string())),
    ("narrative", pa.dictionary(pa.int32(), pa.string())),
    ("row", pa.int64()),
    ("is_first", pa.bool_()),
    ("id", pa.string()),
    ("day", pa.int32()),
    ("applicant", pa.uint64()),
    ("n_words", pa.int64()),
    ("bands", pa.list_(pa.uint64())),
]


@dataclass
class Store:
    """The folder of a watch's signatures; rows are taken in until the file that they stand in is kept or dropped.

    Attributes:
        folder: of the files; made where it is missing.
        columns: whose values applicants may share.
    """

    folder: Path
    columns: tuple[str, ...] = ()
    _writer: pq.ParquetWriter | None = None

    def rows_of(self, digest: str) -> Path:
        """The signatures of a file."""
        return self.folder / f"{digest}.rows.parquet"

    def pairs_of(self, digest: str) -> Path:
        """The copies that were found when this file was the latest."""
        return self.folder / f"{digest}.pairs.parquet"

    def observe(self, batch: Batch) -> None:
        """Take in rows of a file; where its columns beside the contract lack one of ``columns``, nobody shares it."""
        self._open().write_table(self._table(batch))

    def keep(self, digest: str) -> None:
        """Put the rows that were taken in where ``rows_of`` this digest says."""
        self._open().close()
        self._writer = None
        self.pairs_of(digest).unlink(missing_ok=True)
        self._beside.replace(self.rows_of(digest))

    def drop(self) -> None:
        """Forget the rows that were taken in."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._beside.unlink()

    @property
    def _beside(self) -> Path:
        return self.folder / ".rows.parquet"

    def _open(self) -> pq.ParquetWriter:
        if self._writer is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._beside, self._schema(), use_dictionary=_WORDS)
        return self._writer

    def _schema(self) -> pa.Schema:
        return pa.schema([*_ROWS, *((f"{SHARED}{name}", pa.uint64()) for name in self.columns)])

    def _table(self, batch: Batch) -> pa.Table:
        """A line for each narrative of a row, and one without signature for a row without any; one line of a row is its
        first.
        """
        applications, key = batch.applications, self._key()
        names = [field.name for field in applications.schema.narratives if field.name in applications.frame]
        texts = {name: clean_narrative(applications, name) for name in names}
        lines = [(at, name, own[at]) for name, own in texts.items() for at in range(len(batch)) if own[at]]
        written = {at for at, _, _ in lines}
        lines += [(at, "", "") for at in range(len(batch)) if at not in written]
        at = np.array([line[0] for line in lines], dtype=np.intp)
        places = pa.array(at)
        signed = sign([line[2] for line in lines])
        columns = {
            "file": [batch.file] * len(lines),
            "period": [batch.period] * len(lines),
            "narrative": [line[1] for line in lines],
            "row": applications.row_number[at],
            "is_first": ~pd.Index(at).duplicated(),
            "id": np.array(applications.ids, dtype=object)[at],
            "day": _days(applications.decision_date(), len(batch)).take(places),
            "applicant": _hashed(_applicants(batch), key).take(places),
            "n_words": signed.n_words,
            "bands": _lists(signed.bands, signed.is_signed),
            **{f"{SHARED}{name}": _hashed(_shared_cells(batch, name), key).take(places) for name in self.columns},
        }
        return pa.table(columns, schema=self._schema())

    def _key(self) -> bytes:
        """Of the hashes of this folder, made when it is first asked for."""
        path = self.folder / "key"
        if not path.exists():
            beside = self.folder / ".key"
            beside.write_bytes(secrets.token_bytes(32))
            beside.replace(path)
        return path.read_bytes()


def _applicants(batch: Batch) -> list[str]:
    """Who wrote each row: the cell of the group column, else the id, so that a copy of oneself is none."""
    applications = batch.applications
    group = applications.schema.field_of(Role.GROUP)
    if group is None or group.name not in applications.frame:
        return applications.ids
    cells = applications.frame[group.name]
    known = cells.notna() & (cells != "")
    return [f"group {cell}" if ok else own for cell, ok, own in zip(cells, known, applications.ids, strict=True)]


def _shared_cells(batch: Batch, name: str) -> list[str]:
    cells = batch.beside.get(name)
    return [""] * len(batch) if cells is None else [_bare(cell) for cell in cells]


def _bare(cell: str) -> str:
    """A value without what people write differently: case, spaces, points."""
    return "".join(filter(str.isalnum, cell.casefold()))


def _hashed(values: Sequence[str], key: bytes) -> pa.Array:
    """uint64, one per value; null for ""."""
    kept = {value: _hash(value, key) if value else None for value in set(values)}
    return pa.array([kept[value] for value in values], pa.uint64())


def _hash(value: str, key: bytes) -> int:
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little")


def _days(dates: Dates | None, n_rows: int) -> pa.Array:
    if dates is None:
        return pa.nulls(n_rows, pa.int32())
    days = dates.astype("datetime64[D]")
    return pa.array(days.astype(np.int64), pa.int32(), mask=np.isnat(days))


def _lists(bands: Bands, is_signed: Flags) -> pa.ListArray:
    ends = np.concatenate([[0], np.cumsum(is_signed * bands.shape[1])]).astype(np.int32)
    offsets = pa.array(ends, mask=np.append(~is_signed, False))
    return pa.ListArray.from_arrays(offsets, pa.array(bands[is_signed].ravel()))
