"""What names the bytes of an input file, so that a change while it is read is noticed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from data_schemas.errors import RunError, UserError
from features.tables.containers import READ_ERRORS, is_parquet, open_bytes, unreadable_error
from features.tables.csv_records import file_sha256

BLOCK_BYTES = 1 << 22


@dataclass(frozen=True)
class InputFingerprint:
    """The input's bytes, and about how many data rows they hold (None: unknown)."""

    size: int
    mtime_ns: int
    sha256: str
    about_rows: int | None


def fingerprint(data: Path) -> InputFingerprint:
    """Size, time of change, sha256 and about how many rows; raises RunError as ``file_sha256`` does."""
    try:
        status = data.stat()  # before the bytes, so that a change while they are read is noticed
    except OSError as error:
        raise unreadable_error(data, error) from error
    return InputFingerprint(status.st_size, status.st_mtime_ns, file_sha256(data), _about_rows(data))


def _about_rows(data: Path) -> int | None:
    """Data rows by counting line ends outside quotes; only the progress line depends on it."""
    try:
        if is_parquet(data):
            return int(pyarrow.parquet.ParquetFile(data).metadata.num_rows)
        ends, inside = 0, 0
        with open_bytes(data) as (stream, _):
            while block := stream.read(BLOCK_BYTES):
                content = np.frombuffer(block, dtype=np.uint8)
                quotes = np.flatnonzero(content == ord('"'))
                before = np.searchsorted(quotes, np.flatnonzero(content == ord("\n")))
                ends += int(np.count_nonzero((before + inside) % 2 == 0))
                inside = (inside + len(quotes)) % 2
        return max(ends - 1, 0)
    except (*READ_ERRORS, pa.ArrowInvalid, UserError):
        return None  # the reader says what is wrong with the file


def check_unchanged(data: Path, before: InputFingerprint) -> None:
    """Raise RunError when the input holds other bytes than before; another time of change alone is none."""
    try:
        status = data.stat()
    except OSError as error:
        raise RunError(
            f"{data} vanished while it was scored", "Put it back, then run the same command with --resume."
        ) from error
    touched = (status.st_size, status.st_mtime_ns) != (before.size, before.mtime_ns)
    if touched and file_sha256(data) != before.sha256:
        raise RunError(
            f"{data} was changed while it was scored",
            "Score it again with --force once nothing writes to it any more.",
        )
