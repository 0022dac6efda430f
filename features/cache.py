"""Text vectors kept on disk, so that a text is read by the encoder once and not at every run.

A key is a digest of (encoder digest, text); the text itself is never stored. Vectors are float16, to which encoders
round anyway. One SQLite file in write-ahead mode: several processes may use it at once, and a killed one loses at most
what it was writing. A file that is damaged is moved aside, as ``*.damaged``, and begun anew: it only ever held copies.
"""

from __future__ import annotations

import fcntl
import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data_schemas.errors import RunError
from features.encoder import Progress, TextEncoder

FILE_NAME = "vectors-1.sqlite"  # the number is the layout's version
BUSY_SECONDS = 60.0
KEYS_A_QUERY = 500
JOURNAL_BYTES = 4_000_000  # what the write-ahead file shrinks back to
FREED_SHARE = 0.1  # evict this much at once, so that not every write has to
ENCODE_STEP = 20_000  # texts encoded between two writes: bounds what a killed run loses

_LAYOUT = """
CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_use ON vectors (used);
CREATE TABLE IF NOT EXISTS clock (turn INTEGER NOT NULL);
INSERT INTO clock SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM clock);
"""


class EmbeddingCache:
    """A folder of vectors, bounded in size; the longest unused go first.

    folder: created if absent; raises RunError when it cannot be written. max_bytes: bound on
    the pages in use after every write; while one is written, its vectors (at most ``ENCODE_STEP``) come on top.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.path = folder / FILE_NAME
        self.max_bytes = max_bytes
        with _explained(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            with _alone(self.path):
                try:
                    self._create()
                except sqlite3.DatabaseError as error:
                    if not _is_damage(error):
                        raise
                    self._move_aside()
                    self._create()

    def get_many(self, encoder_digest: str, texts: Sequence[str], dim: int) -> dict[int, npt.NDArray[np.float32]]:
        """Vectors known for ``texts``, by position; a vector of another length than ``dim`` counts as unknown."""
        keys = [_key(encoder_digest, text) for text in texts]
        found: dict[bytes, bytes] = {}
        with self._connection() as db:
            for at in range(0, len(keys), KEYS_A_QUERY):
                some = keys[at : at + KEYS_A_QUERY]
                marks = ",".join("?" * len(some))
                found.update(db.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some))
            self._touch(db, list(found))
        vectors = ((n, found[key]) for n, key in enumerate(keys) if key in found)
        return {n: np.frombuffer(v, np.float16).astype(np.float32) for n, v in vectors if len(v) == 2 * dim}

    def put_many(self, encoder_digest: str, texts: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Store float32 (n, dim) as float16, then evict down to the bound if needed."""
        halves = vectors.astype(np.float16)
        with self._connection() as db:
            turn = _next_turn(db)
            rows = sorted(
                (_key(encoder_digest, text), v.tobytes(), turn) for text, v in zip(texts, halves, strict=True)
            )
            db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
            self._evict(db)

    def __len__(self) -> int:
        with self._connection() as db:
            return int(db.execute("SELECT count(*) FROM vectors").fetchone()[0])

    @property
    def n_bytes(self) -> int:
        """Bytes of the file in use (free pages not counted)."""
        with self._connection() as db:
            return _used_bytes(db)

    def _create(self) -> None:
        with self._open() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_LAYOUT)

    def _move_aside(self) -> None:
        self.path.replace(self.path.with_suffix(".damaged"))
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
        try:
            db.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
            db.execute("PRAGMA synchronous = NORMAL")  # in WAL mode a crash loses recent writes, never consistency
            yield db
        finally:
            db.close()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """One connection per use: nothing to carry over a fork, and one transaction at the end of it."""
        with _explained(self.path), self._open() as db, db:
            yield db

    def _touch(self, db: sqlite3.Connection, keys: Sequence[bytes]) -> None:
        """Mark as used now; skipped while the file is far from its bound, where no order of eviction is needed."""
        if keys and _used_bytes(db) > self.max_bytes / 2:
            turn = _next_turn(db)
            db.executemany("UPDATE vectors SET used = ? WHERE key = ?", ((turn, key) for key in sorted(keys)))

    def _evict(self, db: sqlite3.Connection) -> None:
        if _used_bytes(db) <= self.max_bytes:
            return
        oldest = "SELECT key FROM vectors ORDER BY used LIMIT ?"
        n_rows = int(db.execute("SELECT count(*) FROM vectors").fetchone()[0])
        # By size first; then step by step, because a page is only given back when most of it is empty.
        n_gone = int(n_rows * (1 - self.max_bytes * (1 - FREED_SHARE) / _used_bytes(db)))
        while n_rows > 0 and _used_bytes(db) > self.max_bytes:
            n_rows -= db.execute(f"DELETE FROM vectors WHERE key IN ({oldest})", (max(1, n_gone),)).rowcount
            n_gone = n_rows // 20


@dataclass(frozen=True)
class CachedEncoder:
    """An encoder that looks first and reads each distinct text once; the vectors are those of ``encoder``."""

    encoder: TextEncoder
    cache: EmbeddingCache

    @property
    def digest(self) -> str:
        """The encoder's."""
        return self.encoder.digest

    @property
    def dim(self) -> int:
        """The encoder's."""
        return self.encoder.dim

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> npt.NDArray[np.float32]:
        """float32 (n, dim), see ``TextEncoder``."""
        position = {text: n for n, text in enumerate(dict.fromkeys(texts))}
        distinct = list(position)
        vectors = np.zeros((len(distinct), self.dim), np.float32)
        known = self.cache.get_many(self.digest, distinct, self.dim)
        for n, vector in known.items():
            vectors[n] = vector
        missing = [n for n in range(len(distinct)) if n not in known]
        n_known = len(texts) - len(missing)
        if on_progress is not None and n_known:
            on_progress(n_known)
        for at in range(0, len(missing), ENCODE_STEP):
            step = missing[at : at + ENCODE_STEP]
            new = [distinct[n] for n in step]
            vectors[step] = self.encoder.encode(new, _offset(on_progress, n_known + at))
            self.cache.put_many(self.digest, new, vectors[step])
        return vectors[[position[text] for text in texts]] if texts else vectors


def _offset(on_progress: Progress | None, n_before: int) -> Progress | None:
    return None if on_progress is None else lambda done: on_progress(n_before + done)


def _key(encoder_digest: str, text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16, key=bytes.fromhex(encoder_digest)[:32]).digest()


def _next_turn(db: sqlite3.Connection) -> int:
    """A counter of uses; starts the write transaction, so two processes never share a turn."""
    db.execute("UPDATE clock SET turn = turn + 1")
    return int(db.execute("SELECT turn FROM clock").fetchone()[0])


def _used_bytes(db: sqlite3.Connection) -> int:
    size, pages, free = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in _SIZE_PRAGMAS)
    return size * (pages - free)


_SIZE_PRAGMAS = ("page_size", "page_count", "freelist_count")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return error.sqlite_errorcode in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time: of two that switch a file to write-ahead mode at once, SQLite lets one fail."""
    with Path(f"{path}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn failures of the disk and of the file into a RunError that says what to do."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        remedy = "Delete the file." if _is_damage(error) else "Choose another cache folder, or free the disk."
        raise RunError(f"embedding cache {path}: {error}", remedy) from error
    except OSError as error:
        raise RunError(
            f"embedding cache {path}: {error.strerror}", "Choose a folder that can be written with the cache option."
        ) from error
