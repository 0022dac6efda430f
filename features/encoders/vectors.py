"""What encoders give: vectors of texts and of their passages. Importing this takes no time, unlike torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.arrays import Floats32, Index, Ints
from features.encoders.windows import Spans

SHARE_ROUNDING = 2.0**-10
"""Less than this, left of 1 by the shares of a text's passages, is their rounding to float16 and no special token's.

Rounding moves a sum of shares by at most 1 part in 2,048; two special tokens have more than three such parts of any
window of up to 1,300 tokens.
"""

Progress = Callable[[int], None]


@dataclass(frozen=True)
class PartVectors:
    """The vectors of texts, and of their passages, one text's after the other's.

    whole: float32 (n, dim), what ``encode`` gives.
    parts: float32 (n_parts, dim), mean token vector of each passage, read amid its neighbours (or alone, by a
        ``features.encoders.by_sentence.SentenceEncoder``); zero where a passage has no token.
    share: float32 (n_parts,), the weight of each in ``whole``: share @ parts plus the special tokens' part is whole,
        up to the rounding to float16, and the special tokens have what the shares leave of 1; they have no part where
        that is less than ``SHARE_ROUNDING``. A single passage has the vector of its text and a share of 1.
    bounds: int64 (n + 1,), where the parts of each text begin, and the end of the last.
    """

    whole: Floats32
    parts: Floats32
    share: Floats32
    bounds: Ints

    @staticmethod
    def zeros(counts: Sequence[int], dim: int) -> PartVectors:
        """To be filled, for texts of so many passages each."""
        bounds = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        n_parts = int(bounds[-1])
        whole, parts = np.zeros((len(counts), dim), np.float32), np.zeros((n_parts, dim), np.float32)
        return PartVectors(whole, parts, np.zeros(n_parts, np.float32), bounds)

    def __len__(self) -> int:
        return len(self.whole)

    def rows(self, index: Index) -> Ints:
        """The rows of ``parts`` of the texts at these positions."""
        first, counts = self.bounds[index], np.diff(self.bounds)[index]
        skipped = first - np.cumsum(counts) + counts  # from a row's place in the result to its place in ``parts``
        return np.repeat(skipped, counts) + np.arange(counts.sum())

    def take(self, index: Index) -> PartVectors:
        """The texts at these positions."""
        rows = self.rows(index)
        bounds = np.concatenate([[0], np.cumsum(np.diff(self.bounds)[index])]).astype(np.int64)
        return PartVectors(self.whole[index], self.parts[rows], self.share[rows], bounds)

    def view(self, stretch: slice) -> PartVectors:
        """The texts of a stretch, on the same memory."""
        bounds = self.bounds[stretch.start : stretch.stop + 1]
        rows = slice(bounds[0], bounds[-1])
        return PartVectors(self.whole[stretch], self.parts[rows], self.share[rows], bounds - bounds[0])

    def fill_single(self) -> None:
        """Give a passage that is all of its text the text's vector, and a share of 1."""
        single = np.flatnonzero(np.diff(self.bounds) == 1)
        rows = self.bounds[single]
        self.parts[rows], self.share[rows] = self.whole[single], 1.0


class TextEncoder(Protocol):
    """Whatever turns texts into vectors.

    digest: changes whenever a vector's bits may change. dim: length of a vector.
    """

    @property
    def digest(self) -> str:
        """Hexadecimal; names the cache entries that this encoder may read."""
        ...

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        """float32 (n, dim); ``on_progress`` is told the number of texts done so far."""
        ...

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        """The same and the vectors of each text's passages. spans: of the passages, in order, covering the text."""
        ...


def round_to_half(values: Floats32) -> None:
    """To what float16 can hold, which is what the cache stores; in place."""
    with np.errstate(over="ignore"):
        values[...] = values.astype(np.float16)
