"""Finding duplicate ids in 16 bytes of memory per id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from features.arrays import Flags

_DIGEST = np.dtype("S16")


class DuplicateIds:
    """Finds ids that occurred before, among all rows of a file.

    It keeps sorted 128-bit digests: two of a billion ids collide with a chance below 1e-20. Digests lie in sorted runs
    whose lengths at least double from the newest to the oldest, so there are few of them.
    """

    def __init__(self) -> None:
        self._runs: list[npt.NDArray[np.bytes_]] = []

    def add(self, ids: Iterable[object]) -> Flags:
        """Mark the ids that came before, here or in an earlier call, bool (n,), and remember all of them."""
        digests = np.array([_digest(str(name)) for name in ids], dtype=_DIGEST)
        repeated = np.ones(len(digests), dtype=np.bool_)
        fresh, first = np.unique(digests, return_index=True)
        repeated[first] = False
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, digests), len(run) - 1)
            repeated |= run[place] == digests
        if len(fresh):
            self._remember(fresh)
        return repeated

    def _remember(self, run: npt.NDArray[np.bytes_]) -> None:
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")  # in place, to bound memory
        self._runs.append(run)


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=_DIGEST.itemsize).digest()
