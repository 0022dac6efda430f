"""Rows sampled by a hash of their id: the same rows in whatever order and batches they come."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from features.arrays import Ints


def hashed_ids(ids: Sequence[str]) -> Ints:
    """int64 (n,), a hash of each id, at least 0; the rows with the lowest are a sample at random."""
    digests = [blake2b(one.encode(errors="replace"), digest_size=8).digest() for one in ids]
    found: Ints = (np.frombuffer(b"".join(digests), dtype="<u8") >> np.uint64(1)).astype(np.int64)
    return found
