"""The one SQLite file of a cache, which several processes use at once; where it is found damaged, it is begun anew.

In write-ahead mode a killed process loses at most what it was writing. A cache only ever holds copies, so damage costs
time and nothing else: a file that SQLite finds damaged, whenever that is, is moved aside, as ``*.damaged``.
"""

from __future__ import annotations

import fcntl
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from data_schemas.errors import RunError

BROKEN = (sqlite3.DatabaseError, UnicodeDecodeError)  # the latter where SQLite quotes what it cannot parse
BUSY_SECONDS = 60.0
JOURNAL_BYTES = 4_000_000  # what the write-ahead file shrinks back to

Result = TypeVar("Result")
Tell = Callable[[str], None]
"""Called with a sentence for whoever uses the cache, when something in it is found damaged."""


def tell_by_warning(sentence: str) -> None:
    """A ``Tell`` for notebooks and services."""
    warnings.warn(sentence, stacklevel=2)


@dataclass(frozen=True)
class CacheFile:
    """The file and how it is made.

    Attributes:
        path: of the file.
        tables: SQL that makes its tables where they are absent.
        layout: in the file's ``user_version``; of an older one ``forget`` is run.
        forget: SQL that drops entries of an older layout.
        tell: gets a sentence where it is begun anew.
    """

    path: Path
    tables: str
    layout: int
    forget: str
    tell: Tell = tell_by_warning

    def make(self) -> None:
        """Make the file and its folder where they are absent; raises RunError when it cannot be written."""
        with _explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _alone(self.path):
                try:
                    self._create()
                except BROKEN as error:
                    if not _is_damage(error):
                        raise
                    self._begin_anew()

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """A connection of its own."""
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
        try:
            db.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
            db.execute("PRAGMA synchronous = NORMAL")  # in WAL mode a crash loses recent writes, never consistency
            db.text_factory = bytes  # in a damaged page a vector may be marked as text
            yield db
        finally:
            db.close()

    def use(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """What ``work`` gives in one transaction; where the file is found damaged, on the one begun anew.

        One connection per use: nothing to carry over a fork. Raises RunError where disk or file fail.
        """

        def once() -> Result:
            with self.open() as db, db:
                return work(db)

        with _explained(self.path):
            if not self.path.exists():  # somebody made room
                with _alone(self.path):
                    self._create()
            file = self.path.stat().st_ino
            try:
                return once()
            except BROKEN as error:
                if not _is_damage(error):
                    raise
            with _alone(self.path):
                if self.path.stat().st_ino == file:  # else another process has begun it anew
                    self._begin_anew()
            return once()

    def _create(self) -> None:
        with self.open() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(self.tables)
            if _pragma(db, "user_version") < self.layout:
                db.executescript(f"{self.forget}; PRAGMA user_version = {self.layout};")

    def _begin_anew(self) -> None:
        aside = self.path.with_suffix(".damaged")
        self.path.replace(aside)
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        self._create()
        self.tell(f"the cache of vectors {self.path} was damaged; it lies in {aside.name} now and is begun anew")


def used_bytes(db: sqlite3.Connection) -> int:
    """Bytes of the pages in use."""
    return _pragma(db, "page_size") * (_pragma(db, "page_count") - _pragma(db, "freelist_count"))


def _pragma(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute(f"PRAGMA {name}").fetchone()[0])


_DAMAGE = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_ERROR,  # of statements that never change: the tables are not ours
)


def _is_damage(error: Exception) -> bool:
    """Whether the file is at fault; the lower byte of an error's code says of what kind it is."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time: of two that switch a file to write-ahead mode at once, SQLite lets one fail."""
    with Path(f"{path}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn failures of the disk and of the file into a RunError with its remedy."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        remedy = "Delete the file." if _is_damage(error) else "Choose another cache folder, or free the disk."
        raise RunError(f"embedding cache {path}: {error}", remedy) from error
    except OSError as error:
        raise RunError(
            f"embedding cache {path}: {error.strerror}", "Choose a folder that can be written with the cache option."
        ) from error
