"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def put_text(path: Path, text: str) -> None:
    """Write the file beside its place, and move it there when it is whole. Raises OSError."""
    beside = path.with_name(f".{path.name}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def sync_folder(folder: Path) -> None:
    """Put the names of a folder's files on the disk, as ``fsync`` of a file puts its bytes there. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it becomes ``path``, in place of what is there, when the block ends well, else it vanishes."""
    path = path.resolve()
    beside = path.with_name(f"{path.name}.writing-{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)  # of a killed run with this number
    try:
        beside.mkdir(parents=True)
        yield beside
        _put_in_place(beside, path)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put_in_place(beside: Path, path: Path) -> None:
    """Give the finished folder its final name; what was there comes back when that fails."""
    if not path.exists():
        beside.rename(path)
        return
    older = path.with_name(f"{path.name}.older-{os.getpid()}")
    shutil.rmtree(older, ignore_errors=True)
    path.rename(older)
    try:
        beside.rename(path)
    except BaseException:
        older.rename(path)
        raise
    shutil.rmtree(older)
