"""Chance that hangs on one text alone, so that a variant is the same whatever else is augmented, in any order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Draw:
    """What chance decides for one copy of one text; made by ``of``.

    Attributes:
        key: a digest of seed, kind, copy and text.
    """

    key: bytes

    @staticmethod
    def of(seed: int, kind: str, copy: int, text: str) -> Draw:
        """The chance of this text in this copy."""
        return Draw(hashlib.sha256(json.dumps([seed, kind, copy, text]).encode()).digest())

    def order(self, n: int) -> list[int]:
        """0 to n - 1 in an order drawn at random."""
        return sorted(range(n), key=lambda at: self._digest("order", at))

    def pick(self, at: int, weights: Sequence[float]) -> int:
        """A place among ``weights``, with the chance that these give it; ``at`` names the decision."""
        total = np.cumsum(np.asarray(weights, np.float64))
        share = int.from_bytes(self._digest("pick", at)[:7], "big") / 256**7
        return min(int(np.searchsorted(total, share * total[-1], side="right")), len(total) - 1)

    def _digest(self, what: str, at: int) -> bytes:
        return hashlib.blake2b(f"{what} {at}".encode(), key=self.key, digest_size=16).digest()
