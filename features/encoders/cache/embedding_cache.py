"""Text vectors kept on disk, so that a text is read by the encoder once and not at every run.

A key is a digest of (encoder digest, text); the text itself is never stored. Vectors are float16, to which encoders
round anyway. Those of a text's passages are one entry beside the text's own, whose key covers the cut as well. Several
processes may use one cache at once; the longest unused entries go when it is full. An entry that is not what was stored
counts as unknown and is computed anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from features.arrays import Floats32
from features.encoders.cache.entries import entry_key, is_sound, numbers_of, sealed, unsealed
from features.encoders.cache.file import CacheFile, Tell, tell_by_warning, used_bytes
from features.encoders.windows import Spans

FILE_NAME = "vectors-1.sqlite"
LAYOUT = 2  # in the file's user_version; entries of an older one are forgotten
KEYS_A_QUERY = 500
FREED_SHARE = 0.1  # evict this much at once, so that not every write has to

_TABLES = """
CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_use ON vectors (used);
CREATE TABLE IF NOT EXISTS clock (turn INTEGER NOT NULL);
INSERT INTO clock SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM clock);
CREATE TABLE IF NOT EXISTS notes (key BLOB PRIMARY KEY, note BLOB NOT NULL) WITHOUT ROWID;
"""


class EmbeddingCache:
    """A folder of vectors, bounded in size; the longest unused go first.

    folder: created if absent; raises RunError when it cannot be written. max_bytes: bound on
    the pages in use after every write; while one is written, its vectors come on top.
    n_damaged: entries that were found damaged, so far.
    """

    def __init__(self, folder: Path, max_bytes: int, tell: Tell = tell_by_warning) -> None:
        self.file = CacheFile(folder / FILE_NAME, _TABLES, LAYOUT, "DELETE FROM vectors", tell)
        self.max_bytes = max_bytes
        self.n_damaged = 0
        self.file.make()

    @property
    def path(self) -> Path:
        """Of its file."""
        return self.file.path

    @property
    def tell(self) -> Tell:
        """Gets a sentence about whatever is found damaged."""
        return self.file.tell

    def get_many(self, encoder_digest: str, texts: Sequence[str], dim: int) -> dict[int, Floats32]:
        """Vectors known for ``texts``, by position; a vector of another length than ``dim`` counts as unknown."""
        found = self._get([entry_key(encoder_digest, text) for text in texts])
        return {n: vector for n, vector in found.items() if len(vector) == dim}

    def put_many(self, encoder_digest: str, texts: Sequence[str], vectors: Floats32) -> None:
        """Store float32 (n, dim) as float16, then evict down to the bound if needed."""
        self._put([entry_key(encoder_digest, text) for text in texts], vectors.astype(np.float16))

    def get_parts(
        self, encoder_digest: str, texts: Sequence[str], spans: Sequence[Spans], dim: int
    ) -> dict[int, Floats32]:
        """What ``put_parts`` stored for ``texts`` cut so, by position."""
        found = self._get([entry_key(encoder_digest, text, cut) for text, cut in zip(texts, spans, strict=True)])
        shaped = ((n, values) for n, values in found.items() if len(values) == len(spans[n]) * (dim + 1))
        return {n: values.reshape(-1, dim + 1) for n, values in shaped}

    def put_parts(
        self, encoder_digest: str, texts: Sequence[str], spans: Sequence[Spans], parts: Sequence[Floats32]
    ) -> None:
        """Store a float32 (n_passages, dim + 1) for each text as float16; the last column is the shares."""
        self._put(
            [entry_key(encoder_digest, text, cut) for text, cut in zip(texts, spans, strict=True)],
            [part.astype(np.float16) for part in parts],
        )

    def get_note(self, key: bytes) -> bytes | None:
        """What ``put_note`` kept under a key of 32 bytes; None where there is nothing, or it is damaged."""

        def look_up(db: sqlite3.Connection) -> object:
            found = db.execute("SELECT note FROM notes WHERE key = ?", (key,)).fetchone()
            return found[0] if found else None

        found = self.file.use(look_up)
        return unsealed(found) if is_sound(found, key) else None

    def put_note(self, key: bytes, note: bytes) -> None:
        """Keep a few bytes about an encoder."""
        entry = (key, sealed(key, note))
        self.file.use(lambda db: db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", entry))

    def drop_note(self, key: bytes) -> None:
        """Forget what ``put_note`` kept."""
        self.file.use(lambda db: db.execute("DELETE FROM notes WHERE key = ?", (key,)))

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

        found = self.file.use(look_up)
        intact = numbers_of({key: entry for key, entry in found.items() if key in asked and is_sound(entry, key)})
        self.n_damaged += len(found) - len(intact)
        return {n: intact[key] for n, key in enumerate(keys) if key in intact}

    def _put(self, keys: Sequence[bytes], entries: Iterable[npt.NDArray[np.float16]]) -> None:
        kept = sorted((key, sealed(key, entry.tobytes())) for key, entry in zip(keys, entries, strict=True))

        def store(db: sqlite3.Connection) -> None:
            turn = _next_turn(db)
            rows = ((key, entry, turn) for key, entry in kept)
            db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
            self._evict(db)

        self.file.use(store)

    def __len__(self) -> int:
        return self.file.use(_count)

    @property
    def n_bytes(self) -> int:
        """Bytes of the file in use (free pages not counted)."""
        return self.file.use(used_bytes)

    def _touch(self, db: sqlite3.Connection, keys: Sequence[bytes]) -> None:
        """Mark as used now; skipped while the file is far from its bound, where no order of eviction is needed."""
        if keys and used_bytes(db) > self.max_bytes / 2:
            turn = _next_turn(db)
            db.executemany("UPDATE vectors SET used = ? WHERE key = ?", ((turn, key) for key in keys))

    def _evict(self, db: sqlite3.Connection) -> None:
        if used_bytes(db) <= self.max_bytes:
            return
        oldest = "SELECT key FROM vectors ORDER BY used LIMIT ?"
        n_rows = _count(db)
        # By size first; then step by step, because a page is only given back when most of it is empty.
        n_gone = int(n_rows * (1 - self.max_bytes * (1 - FREED_SHARE) / used_bytes(db)))
        while n_rows > 0 and used_bytes(db) > self.max_bytes:
            n_deleted = db.execute(f"DELETE FROM vectors WHERE key IN ({oldest})", (max(1, n_gone),)).rowcount
            if not n_deleted:
                raise sqlite3.DatabaseError("the index does not fit the table")
            n_rows -= n_deleted
            n_gone = n_rows // 20


def _next_turn(db: sqlite3.Connection) -> int:
    """A counter of uses; starts the write transaction, so two processes never share a turn."""
    db.execute("UPDATE clock SET turn = turn + 1")
    return int(db.execute("SELECT coalesce(max(CAST(turn AS INTEGER)), 0) FROM clock").fetchone()[0])


def _count(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM vectors").fetchone()[0])
