"""Text vectors kept on disk, so that a text is read by the encoder once and not at every run.

A key is a digest of (encoder digest, text); the text itself is never stored. Vectors are float16, to which encoders
round anyway. Those of a text's passages are one entry beside the text's own, whose key covers the cut as well. One
SQLite file in write-ahead mode: several processes may use it at once, and a killed one loses at most what it was
writing.

It only ever holds copies, so damage costs time and nothing else. An entry ends in a checksum of its key and its
numbers; one that does not match counts as unknown and is computed anew. A file that SQLite finds damaged, whenever
that is, is moved aside, as ``*.damaged``, and begun anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import sqlite3
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from data_schemas.errors import RunError
from features.arrays import Floats32
from features.encoders.windows import Spans

FILE_NAME = "vectors-1.sqlite"
LAYOUT = 2  # in the file's user_version; entries of an older one are forgotten
CHECKSUM_BYTES = 8
BROKEN = (sqlite3.DatabaseError, UnicodeDecodeError)  # the latter where SQLite quotes what it cannot parse
BUSY_SECONDS = 60.0
KEYS_A_QUERY = 500
JOURNAL_BYTES = 4_000_000  # what the write-ahead file shrinks back to
FREED_SHARE = 0.1  # evict this much at once, so that not every write has to

_TABLES = """
CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_use ON vectors (used);
CREATE TABLE IF NOT EXISTS clock (turn INTEGER NOT NULL);
INSERT INTO clock SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM clock);
CREATE TABLE IF NOT EXISTS notes (key BLOB PRIMARY KEY, note BLOB NOT NULL) WITHOUT ROWID;
"""

Result = TypeVar("Result")
Tell = Callable[[str], None]
"""Called with a sentence for whoever uses the cache, when something in it is found damaged."""


def tell_by_warning(sentence: str) -> None:
    """A ``Tell`` for notebooks and services."""
    warnings.warn(sentence, stacklevel=2)


class EmbeddingCache:
    """A folder of vectors, bounded in size; the longest unused go first.

    folder: created if absent; raises RunError when it cannot be written. max_bytes: bound on
    the pages in use after every write; while one is written, its vectors come on top.
    tell: gets a sentence about whatever is found damaged. n_damaged: entries that were, so far.
    """

    def __init__(self, folder: Path, max_bytes: int, tell: Tell = tell_by_warning) -> None:
        self.path = folder / FILE_NAME
        self.max_bytes = max_bytes
        self.tell = tell
        self.n_damaged = 0
        with _explained(self.path):
            folder.mkdir(parents=True, exist_ok=True)
            with _alone(self.path):
                try:
                    self._create()
                except BROKEN as error:
                    if not _is_damage(error):
                        raise
                    self._begin_anew()

    def get_many(self, encoder_digest: str, texts: Sequence[str], dim: int) -> dict[int, Floats32]:
        """Vectors known for ``texts``, by position; a vector of another length than ``dim`` counts as unknown."""
        found = self._get([_key(encoder_digest, text) for text in texts])
        return {n: vector for n, vector in found.items() if len(vector) == dim}

    def put_many(self, encoder_digest: str, texts: Sequence[str], vectors: Floats32) -> None:
        """Store float32 (n, dim) as float16, then evict down to the bound if needed."""
        self._put([_key(encoder_digest, text) for text in texts], vectors.astype(np.float16))

    def get_parts(
        self, encoder_digest: str, texts: Sequence[str], spans: Sequence[Spans], dim: int
    ) -> dict[int, Floats32]:
        """What ``put_parts`` stored for ``texts`` cut so, by position."""
        found = self._get([_key(encoder_digest, text, cut) for text, cut in zip(texts, spans, strict=True)])
        shaped = ((n, values) for n, values in found.items() if len(values) == len(spans[n]) * (dim + 1))
        return {n: values.reshape(-1, dim + 1) for n, values in shaped}

    def put_parts(
        self, encoder_digest: str, texts: Sequence[str], spans: Sequence[Spans], parts: Sequence[Floats32]
    ) -> None:
        """Store a float32 (n_passages, dim + 1) for each text as float16; the last column is the shares."""
        self._put(
            [_key(encoder_digest, text, cut) for text, cut in zip(texts, spans, strict=True)],
            [part.astype(np.float16) for part in parts],
        )

    def get_note(self, key: bytes) -> bytes | None:
        """What ``put_note`` kept under a key of 32 bytes; None where there is nothing, or it is damaged."""

        def look_up(db: sqlite3.Connection) -> object:
            found = db.execute("SELECT note FROM notes WHERE key = ?", (key,)).fetchone()
            return found[0] if found else None

        found = self._use(look_up)
        return found[:-CHECKSUM_BYTES] if _is_sound(found, key) else None

    def put_note(self, key: bytes, note: bytes) -> None:
        """Keep a few bytes about an encoder."""
        entry = (key, _sealed(key, note))
        self._use(lambda db: db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", entry))

    def drop_note(self, key: bytes) -> None:
        """Forget what ``put_note`` kept."""
        self._use(lambda db: db.execute("DELETE FROM notes WHERE key = ?", (key,)))

    def _get(self, keys: Sequence[bytes]) -> dict[int, Floats32]:
        asked = set(keys)

        def look_up(db: sqlite3.Connection) -> dict[object, object]:
            found: dict[object, object] = {}  # in a damaged page a key may be anything
            for at in range(0, len(keys), KEYS_A_QUERY):
                some = keys[at : at + KEYS_A_QUERY]
                marks = ",".join("?" * len(some))
                found.update(db.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", some))
            self._touch(db, sorted(asked.intersection(found)))
            return found

        found = self._use(look_up)
        intact = _opened({key: entry for key, entry in found.items() if key in asked and _is_sound(entry, key)})
        self.n_damaged += len(found) - len(intact)
        return {n: intact[key] for n, key in enumerate(keys) if key in intact}

    def _put(self, keys: Sequence[bytes], entries: Iterable[npt.NDArray[np.float16]]) -> None:
        sealed = sorted((key, _sealed(key, entry.tobytes())) for key, entry in zip(keys, entries, strict=True))

        def store(db: sqlite3.Connection) -> None:
            turn = _next_turn(db)
            rows = ((key, entry, turn) for key, entry in sealed)
            db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
            self._evict(db)

        self._use(store)

    def __len__(self) -> int:
        return self._use(_count)

    @property
    def n_bytes(self) -> int:
        """Bytes of the file in use (free pages not counted)."""
        return self._use(_used_bytes)

    def _create(self) -> None:
        with self._open() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_TABLES)
            if _pragma(db, "user_version") < LAYOUT:
                db.executescript(f"DELETE FROM vectors; PRAGMA user_version = {LAYOUT};")

    def _begin_anew(self) -> None:
        aside = self.path.with_suffix(".damaged")
        self.path.replace(aside)
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        self._create()
        self.tell(f"the cache of vectors {self.path} was damaged; it lies in {aside.name} now and is begun anew")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=BUSY_SECONDS)
        try:
            db.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
            db.execute("PRAGMA synchronous = NORMAL")  # in WAL mode a crash loses recent writes, never consistency
            db.text_factory = bytes  # in a damaged page a vector may be marked as text
            yield db
        finally:
            db.close()

    def _use(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """What ``work`` gives in one transaction; where the file is found damaged, on the one begun anew.

        One connection per use: nothing to carry over a fork.
        """

        def once() -> Result:
            with self._open() as db, db:
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

    def _touch(self, db: sqlite3.Connection, keys: Sequence[bytes]) -> None:
        """Mark as used now; skipped while the file is far from its bound, where no order of eviction is needed."""
        if keys and _used_bytes(db) > self.max_bytes / 2:
            turn = _next_turn(db)
            db.executemany("UPDATE vectors SET used = ? WHERE key = ?", ((turn, key) for key in keys))

    def _evict(self, db: sqlite3.Connection) -> None:
        if _used_bytes(db) <= self.max_bytes:
            return
        oldest = "SELECT key FROM vectors ORDER BY used LIMIT ?"
        n_rows = _count(db)
        # By size first; then step by step, because a page is only given back when most of it is empty.
        n_gone = int(n_rows * (1 - self.max_bytes * (1 - FREED_SHARE) / _used_bytes(db)))
        while n_rows > 0 and _used_bytes(db) > self.max_bytes:
            n_deleted = db.execute(f"DELETE FROM vectors WHERE key IN ({oldest})", (max(1, n_gone),)).rowcount
            if not n_deleted:
                raise sqlite3.DatabaseError("the index does not fit the table")
            n_rows -= n_deleted
            n_gone = n_rows // 20


def _key(encoder_digest: str, text: str, cut: Spans = ()) -> bytes:
    """Of a text's vector, or of those of its passages when it is cut."""
    data = text.encode("utf-8", "surrogatepass")
    person = hashlib.blake2b(np.array(cut, np.int64).tobytes(), digest_size=16).digest() if cut else b""
    return hashlib.blake2b(data, digest_size=16, key=bytes.fromhex(encoder_digest)[:32], person=person).digest()


def _sealed(key: bytes, values: bytes) -> bytes:
    """An entry: its bytes, float16 numbers or a note, and the checksum that says they are this key's and unchanged."""
    return values + hashlib.blake2b(values, digest_size=CHECKSUM_BYTES, key=key).digest()


def _is_sound(entry: object, key: object) -> TypeGuard[bytes]:
    """Whether an entry is what was stored under this key."""
    return isinstance(key, bytes) and isinstance(entry, bytes) and _sealed(key, entry[:-CHECKSUM_BYTES]) == entry


def _opened(entries: Mapping[object, bytes]) -> dict[object, Floats32]:
    """The numbers of entries; those that hold none are left out."""
    joined = b"".join([entry[:-CHECKSUM_BYTES] for entry in entries.values()])
    values = np.frombuffer(joined, np.float16).astype(np.float32)
    sizes = [(len(entry) - CHECKSUM_BYTES) // 2 for entry in entries.values()]
    ends = np.cumsum(sizes, dtype=np.int64)
    odd = set(np.searchsorted(ends, np.flatnonzero(~np.isfinite(values)), side="right").tolist())
    bounds = zip(entries, sizes, ends.tolist(), strict=True)
    return {key: values[end - size : end] for at, (key, size, end) in enumerate(bounds) if at not in odd}


def _next_turn(db: sqlite3.Connection) -> int:
    """A counter of uses; starts the write transaction, so two processes never share a turn."""
    db.execute("UPDATE clock SET turn = turn + 1")
    return int(db.execute("SELECT coalesce(max(CAST(turn AS INTEGER)), 0) FROM clock").fetchone()[0])


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM vectors").fetchone()[0])


def _used_bytes(db: sqlite3.Connection) -> int:
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
