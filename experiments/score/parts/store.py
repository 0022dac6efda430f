"""Folders and object stores that several processes write into, whole objects at a time.

Nothing half written is ever visible: in a folder an object is written under another name, put on the disk and then
linked or renamed; in an object store it appears when its upload is complete. A name's content never changes once it is
there, so that whoever comes second leaves it alone.
"""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.fs

from data_schemas.errors import ContractError, RunError
from features.atomic_files import sync_folder

UNFINISHED = ".unfinished-"
_IS_UNFINISHED = re.compile(r"(^|/)\.unfinished-|\.unfinished-[0-9a-f]{32}$")
COPY_BYTES = 1 << 22


class Store(Protocol):
    """Objects by name, a relative path with ``/``."""

    @property
    def address(self) -> str:
        """Where it lies, as users write it."""
        ...

    def make(self) -> None:
        """Make it where it is absent; nothing can be put before."""
        ...

    def names(self, below: str = "") -> list[str]:
        """Names of all objects, or of those in one folder, in order; none where nothing was ever put."""
        ...

    def open(self, name: str) -> BinaryIO:
        """The bytes of an object; raises FileNotFoundError."""
        ...

    def put_new(self, name: str, content: bytes) -> bool:
        """Put an object, whole or not at all; False, and nothing changed, where there is one of that name.

        Raises RunError where the store is gone, as it is for a worker that outlived its run.
        """
        ...

    def publish(self, file: Path, name: str) -> None:
        """Make a local file, which is given up, the object of that name, in place of any other."""
        ...

    def fetched(self, name: str) -> AbstractContextManager[Path]:
        """A local file with the object's bytes, while the context is open; raises FileNotFoundError."""
        ...

    def scratch(self) -> AbstractContextManager[Path]:
        """A local folder to make files in that are published here, removed at the end."""
        ...

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""
        ...

    def clear(self) -> None:
        """Remove all objects."""
        ...


@dataclass(frozen=True)
class FolderStore:
    """A folder of a file system, which several machines may share.

    Attributes:
        folder: Its path.
    """

    folder: Path

    @property
    def address(self) -> str:
        """The folder's path."""
        return str(self.folder)

    def make(self) -> None:
        """As ``Store.make``."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def names(self, below: str = "") -> list[str]:
        """As ``Store.names``; objects that are being written are none yet.

        A link to a folder is not followed and is named like a file, and so is a pipe or a socket: nothing must be left
        out unnoticed.
        Raises OSError for a folder that cannot be listed.
        """
        found = []
        for folder, folders, files in os.walk(self.folder / below, onerror=_raise_unless_gone):
            links = [name for name in folders if Path(folder, name).is_symlink()]
            found += [Path(folder, name).relative_to(self.folder).as_posix() for name in (*links, *files)]
        return sorted(name for name in found if not _IS_UNFINISHED.search(name))

    def open(self, name: str) -> BinaryIO:
        """As ``Store.open``."""
        return (self.folder / name).open("rb")

    def put_new(self, name: str, content: bytes) -> bool:
        """As ``Store.put_new``."""
        path = self.folder / name
        if path.exists():
            return False
        if not self.folder.is_dir():
            raise RunError(f"{self.folder} is gone", "Another run has finished or replaced it; nothing is left to do.")
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}{UNFINISHED}{uuid.uuid4().hex}")
        try:
            with beside.open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            fresh = _appear(beside, path)
        finally:
            beside.unlink(missing_ok=True)
        sync_folder(path.parent)
        return fresh

    def publish(self, file: Path, name: str) -> None:
        """As ``Store.publish``; the file must lie on the same file system."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())
        try:
            file.replace(path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            raise RunError(f"{path} lies on another file system than --out", "Choose paths on one of them.") from error
        sync_folder(path.parent)

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """The file itself."""
        path = self.folder / name
        if not path.exists():
            raise FileNotFoundError(path)
        yield path

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder inside this one."""
        made = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.folder))
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def remove(self, name: str) -> None:
        """As ``Store.remove``."""
        (self.folder / name).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _appear(beside: Path, path: Path) -> bool:
    """Give a finished file its name unless that is taken; whether it was free."""
    try:
        os.link(beside, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links: the same name means the same bytes, so replacing is no harm
        beside.replace(path)
    return True


@dataclass(frozen=True)
class ObjectStore:
    """A prefix of an object store that pyarrow or fsspec can reach, such as S3.

    Stores have no rename and few have a conditional put. None is needed: a part's name says what it is made of, so
    whoever puts it twice puts the same bytes, and an upload is visible when it is complete.

    Attributes:
        address: As users write it, such as ``s3://bucket/folder``.
    """

    address: str

    @cached_property
    def _opened(self) -> tuple[pyarrow.fs.FileSystem, str]:
        files, root = _file_system(self.address)
        return files, root.rstrip("/")

    def _path(self, name: str) -> str:
        return f"{self._opened[1]}/{name}"

    def make(self) -> None:
        """As ``Store.make``: a prefix needs no making."""

    def names(self, below: str = "") -> list[str]:
        """As ``Store.names``."""
        files, root = self._opened
        where = self._path(below) if below else root
        with _reaching(self.address):
            found = files.get_file_info(pyarrow.fs.FileSelector(where, allow_not_found=True, recursive=True))
        paths = (one.path.lstrip("/") for one in found if one.type == pyarrow.fs.FileType.File)
        return sorted(path.removeprefix(f"{root.lstrip('/')}/") for path in paths)

    def open(self, name: str) -> BinaryIO:
        """As ``Store.open``."""
        with _reaching(self.address):  # without compression: bytes as they are, gzipped or not
            stream = self._opened[0].open_input_stream(self._path(name), compression=None)
        return io.BufferedReader(stream, COPY_BYTES)

    def put_new(self, name: str, content: bytes) -> bool:
        """As ``Store.put_new``."""
        files, path = self._opened[0], self._path(name)
        with _reaching(self.address):
            if files.get_file_info(path).type != pyarrow.fs.FileType.NotFound:
                return False
        self._upload(io.BytesIO(content), len(content), name)
        return True

    def publish(self, file: Path, name: str) -> None:
        """As ``Store.publish``: an upload."""
        with file.open("rb") as source:
            self._upload(source, file.stat().st_size, name)
        file.unlink()

    def _upload(self, source: BinaryIO, size: int, name: str) -> None:
        """Make an object of ``size`` bytes.

        Closing a stream makes what was written an object, whatever ended the writing. So Ctrl-C, which comes to the
        main thread alone, waits for the upload, and what is not whole is removed.
        """
        files, path = self._opened[0], self._path(name)

        def upload() -> None:
            with files.open_output_stream(path, compression=None) as stream:
                shutil.copyfileobj(source, stream, COPY_BYTES)
                written = stream.tell()
            if written != size:
                files.delete_file(path)
                raise RunError(f"{self.address}/{name} was cut off at {written:,} of {size:,} bytes", "Try again.")

        with _reaching(self.address), ThreadPoolExecutor(1) as pool:
            pool.submit(upload).result()

    @contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        """A copy in a private folder: a table is looked at several times while it is read."""
        with self.scratch() as folder:
            copy = folder / Path(name).name
            with self.open(name) as source, copy.open("xb") as stream, _reaching(self.address):
                shutil.copyfileobj(source, stream, COPY_BYTES)
            yield copy

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A private folder of this machine."""
        with tempfile.TemporaryDirectory(prefix="creditfusion-") as folder:
            yield Path(folder)

    def remove(self, name: str) -> None:
        """As ``Store.remove``."""
        files, path = self._opened[0], self._path(name)
        with _reaching(self.address):
            if files.get_file_info(path).type == pyarrow.fs.FileType.File:
                files.delete_file(path)

    def clear(self) -> None:
        """Remove all objects below the prefix, and the empty ones that stand for folders."""
        files, root = self._opened
        with _reaching(self.address):
            if files.get_file_info(root).type == pyarrow.fs.FileType.Directory:
                files.delete_dir(root)


@contextmanager
def _reaching(address: str) -> Iterator[None]:
    """Raise RunError in words for what an object store refuses or a network loses, but for what is not there."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) or error.errno == errno.ENOSPC:
            raise
        what = f"{address} cannot be used: {str(error).strip().splitlines()[0]}"
        raise RunError(what, "Check the network, the credentials and their rights.") from error


@lru_cache(maxsize=64)
def _file_system(address: str) -> tuple[pyarrow.fs.FileSystem, str]:
    """The file system of an address and the path in it; raises ContractError where nothing here can reach it.

    It is opened once: each one has connections of its own.
    """
    try:
        files, root = pyarrow.fs.FileSystem.from_uri(address)
        return files, root
    except pa.ArrowInvalid:
        import fsspec  # where pyarrow does not know the scheme

        scheme, _, path = address.partition("://")
        try:
            return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(fsspec.filesystem(scheme))), path
        except (ValueError, ImportError) as error:
            what = f"{address} cannot be reached: {error}"
            raise ContractError(what, "Install what it names, or copy the files to a folder.") from error
    except OSError as error:
        raise RunError(f"{address} cannot be reached: {error}", "Check the address and the credentials.") from error


def open_store(address: str) -> Store:
    """The store of a folder's path, a ``file://`` address or one of an object store."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        return FolderStore(Path(address))
    return FolderStore(Path("/" + rest.lstrip("/"))) if scheme == "file" else ObjectStore(address.rstrip("/"))


def is_folder(address: str) -> bool:
    """Whether a path or address names a folder, not a file; raises RunError where it names nothing."""
    kind = _kind(address)
    if kind == pyarrow.fs.FileType.NotFound:
        raise RunError(f"{address} does not exist", "Check the path.")
    return bool(kind == pyarrow.fs.FileType.Directory)


def is_file(address: str) -> bool:
    """Whether a path or address names a file that is there."""
    return bool(_kind(address) == pyarrow.fs.FileType.File)


def _kind(address: str) -> pyarrow.fs.FileType:
    files, path = _file_system(address) if "://" in address else (pyarrow.fs.LocalFileSystem(), address)
    with _reaching(address):
        return files.get_file_info(path.rstrip("/")).type
