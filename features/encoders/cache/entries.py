"""Entries of the cache of vectors: their keys, which hold no text, and their bytes, which end in a checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeGuard

import numpy as np

from features.arrays import Floats32
from features.encoders.windows import Spans

CHECKSUM_BYTES = 8


def entry_key(encoder_digest: str, text: str, cut: Spans = ()) -> bytes:
    """Of a text's vector, or of those of its passages when it is cut."""
    data = text.encode("utf-8", "surrogatepass")
    person = hashlib.blake2b(np.array(cut, np.int64).tobytes(), digest_size=16).digest() if cut else b""
    return hashlib.blake2b(data, digest_size=16, key=bytes.fromhex(encoder_digest)[:32], person=person).digest()


def sealed(key: bytes, values: bytes) -> bytes:
    """An entry: its bytes, float16 numbers or a note, and the checksum that says they are this key's and unchanged."""
    return values + hashlib.blake2b(values, digest_size=CHECKSUM_BYTES, key=key).digest()


def is_sound(entry: object, key: object) -> TypeGuard[bytes]:
    """Whether an entry is what was stored under this key."""
    return isinstance(key, bytes) and isinstance(entry, bytes) and sealed(key, unsealed(entry)) == entry


def unsealed(entry: bytes) -> bytes:
    """An entry without its checksum."""
    return entry[:-CHECKSUM_BYTES]


def numbers_of(entries: Mapping[object, bytes]) -> dict[object, Floats32]:
    """The numbers of entries; those that hold none are left out."""
    joined = b"".join([unsealed(entry) for entry in entries.values()])
    values = np.frombuffer(joined, np.float16).astype(np.float32)
    sizes = [(len(entry) - CHECKSUM_BYTES) // 2 for entry in entries.values()]
    ends = np.cumsum(sizes, dtype=np.int64)
    odd = set(np.searchsorted(ends, np.flatnonzero(~np.isfinite(values)), side="right").tolist())
    bounds = zip(entries, sizes, ends.tolist(), strict=True)
    return {key: values[end - size : end] for at, (key, size, end) in enumerate(bounds) if at not in odd}
