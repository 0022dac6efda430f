"""Vectors for caches on disk, and damage done to them there."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

import numpy as np

from features.arrays import Floats32
from features.encoders.cache.embedding_cache import EmbeddingCache

DIGEST = "ab" * 32
BOUND = 10_000_000


def vectors(texts: Sequence[str], dim: int = 8) -> Floats32:
    """A vector for every text, exact in float16."""
    return np.array([[len(text)] * dim for text in texts], np.float32).reshape(len(texts), dim)


def alter(cache: EmbeddingCache, change: Callable[[bytes], bytes | str | None]) -> None:
    """Change every entry, as a disk or another program might."""
    with sqlite3.connect(cache.path) as db:
        for key, entry in db.execute("SELECT key, vector FROM vectors").fetchall():
            changed = change(entry)
            db.execute("UPDATE vectors SET vector = ? WHERE key = ?", (b"" if changed is None else changed, key))
    db.close()
