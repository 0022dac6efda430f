"""What a file is, by its first bytes and not by its name, and the bytes of the text in it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import cast

from data_schemas.errors import ContractError, RunError
from data_schemas.fields import Field
from features.tables.workbooks import sheet_as_csv

READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What reading a file raises that breaks off or is damaged."""

PARQUET = b"PAR1"
_ZIP, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PACKED = (
    (b"\x1f\x8b", "gzip", gzip.GzipFile),
    (b"BZh", "bzip2", bz2.BZ2File),
    (b"\xfd7zXZ\0", "xz", lzma.LZMAFile),
)
_AS_CSV = "Export the table as CSV, UTF-8"
_OTHER_FORMATS = (
    (PARQUET, "a Parquet file inside another file", "Unpack it first"),
    (_ZIP, "a ZIP archive or workbook inside another file", "Unpack it first"),
    (b"\x1f\x8b", "gzip data inside another file", "Unpack it first"),
    (_OLD_OFFICE, "a workbook inside another file", "Unpack it first"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data", "Unpack it first, as with zstd -d"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it first"),
    (b"Rar!", "a RAR archive", "Unpack it first"),
    (b"%PDF", "a PDF document", _AS_CSV),
    (b"SQLite format 3\0", "an SQLite database", _AS_CSV),
    (b"ARROW1", "an Arrow file", "Write it as Parquet"),
    (b"FEA1", "a Feather file", "Write it as Parquet"),
    (b"ORC", "an ORC file", "Write it as Parquet"),
    (b"Obj\x01", "an Avro file", "Write it as Parquet"),
    (b"\x89HDF", "an HDF5 file", "Write it as Parquet"),
    (b"$FL", "an SPSS file", _AS_CSV),
    (b"<stata_dta>", "a Stata file", _AS_CSV),
    (b"\0" * 12 + b"\xc2\xea\x81\x60", "a SAS data set", _AS_CSV),
)
_MARKUP = ((b"<!doctype html", "HTML"), (b"<html", "HTML"), (b"<table", "HTML"), (b"<?xml", "XML"))


def unreadable_error(path: Path, error: Exception) -> RunError:
    """The error for a file that cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return RunError(f"{path} does not exist", "Check the path.")
    if isinstance(error, IsADirectoryError):
        return RunError(f"{path} is a folder", "Name the file in it.")
    if isinstance(error, PermissionError):
        return RunError(f"{path} may not be read", "Ask its owner for read access.")
    return RunError(f"{path} cannot be read: {error}", "Fetch or write the file again; it may be cut off or damaged.")


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet: by its first bytes, or its name where it cannot be read."""
    try:
        with path.open("rb") as stream:
            start = stream.read(len(PARQUET))
    except OSError:
        start = b""
    return start == PARQUET or path.suffix.lower() == ".parquet"


@contextmanager
def open_bytes(
    path: Path, sheet: str | None = None, fields: Sequence[Field] = ()
) -> Iterator[tuple[io.BufferedReader[io.RawIOBase], str]]:
    """The bytes of the text that a file holds, and what had to be done for it in words ("" for a plain file).

    gzip, bzip2, xz and ZIP archives of one file are unpacked; a sheet of a workbook becomes CSV text in UTF-8.

    Args:
        sheet: of a workbook; None: its only one.
        fields: columns of the contract, in whose notation dates and numbers of a workbook are written.

    Raises:
        RunError: when the file cannot be read.
        ContractError: when it holds something else than text, or several tables.
    """
    with ExitStack() as open_files:
        try:
            raw = cast(io.RawIOBase, io.FileIO(path))
            binary = open_files.enter_context(io.BufferedReader(raw, buffer_size=2**16))
            start = binary.peek(512)[:512]
            stream, how = _unpacked(path, start, sheet, fields)
            if stream is not None:
                binary = open_files.enter_context(io.BufferedReader(stream, buffer_size=2**16))
                start = binary.peek(512)[:512]
        except READ_ERRORS as error:
            raise unreadable_error(path, error) from error
        _check_text(path, start)
        yield binary, how


def _unpacked(path: Path, start: bytes, sheet: str | None, fields: Sequence[Field]) -> tuple[io.RawIOBase | None, str]:
    for magic, name, open_packed in _PACKED:
        if start.startswith(magic):
            return cast(io.RawIOBase, open_packed(path)), f"unpacked from {name}"
    if start.startswith(_OLD_OFFICE) or (start.startswith(_ZIP) and _is_workbook(path)):
        text, name = sheet_as_csv(path, sheet, {field.name: field for field in fields})
        return cast(io.RawIOBase, io.BytesIO(text)), f"sheet {name!r} of a workbook"
    if start.startswith(_ZIP):
        member, name = _only_member(path)
        return cast(io.RawIOBase, member), f"unpacked {name!r} from a ZIP archive"
    return None, ""


def _is_workbook(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        return "[Content_Types].xml" in names or "mimetype" in names


def _only_member(path: Path) -> tuple[io.BufferedIOBase, str]:
    """The only file in an archive, and its name."""
    archive = zipfile.ZipFile(path)
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
    if len(names) != 1:
        listed = ", ".join(repr(name) for name in names[:5]) + (" and others" if len(names) > 5 else "")
        raise ContractError(f"{path} is a ZIP archive of {len(names)} files ({listed})", "Unpack it, and name one.")
    try:
        return cast(io.BufferedIOBase, archive.open(names[0])), names[0]
    except (RuntimeError, NotImplementedError) as error:  # a password, or a way of packing that Python lacks
        raise ContractError(
            f"{path} cannot be unpacked: {error}", "Unpack it first, and name the file in it."
        ) from error


def _check_text(path: Path, start: bytes) -> None:
    """Raise ContractError for what is known and no text of a table."""
    for magic, what, remedy in _OTHER_FORMATS:
        if start.startswith(magic):
            raise ContractError(f"{path} holds {what}, no CSV text", f"{remedy}.")
    if start[257:262] == b"ustar":
        raise ContractError(f"{path} holds a tar archive, no CSV text", "Unpack it, and name the file in it.")
    begin = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, what in _MARKUP:
        if begin.startswith(magic):
            raise ContractError(f"{path} holds {what}, no CSV text", "Open it in a spreadsheet, and save it as CSV.")
    if begin.startswith((b'{"', b"[{")):
        raise ContractError(f"{path} holds JSON, no CSV text", f"{_AS_CSV}.")
