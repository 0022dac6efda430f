"""What stand-ins for a text encoder share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from features.arrays import Floats32
from features.encoders.vectors import PartVectors, Progress
from features.encoders.windows import Spans

Encode = Callable[[Sequence[str], Progress | None], Floats32]


def parts_alone(
    encode: Encode, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
) -> PartVectors:
    """``TextEncoder.encode_parts`` for an encoder of words without context: each passage is read alone.

    Its share is that of its characters; the special tokens have none.
    """
    found = PartVectors.zeros([len(own) for own in spans], encode([], None).shape[1])
    found.whole[:] = encode(texts, on_progress)
    cut = [(text[a:b], (b - a) / len(text)) for text, own in zip(texts, spans, strict=True) for a, b in own]
    found.parts[:] = encode([passage for passage, _ in cut], None)
    found.share[:] = np.array([share for _, share in cut], np.float16)
    found.fill_single()
    return found


class RecordingEncoder:
    """A stand-in whose vectors (n, dim) ``vectors_of`` makes; remembers what it was asked."""

    def __init__(self, vectors_of: Callable[[Sequence[str]], Floats32], dim: int, digest: str = "00") -> None:
        self.vectors_of, self.dim, self.digest = vectors_of, dim, digest
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        self.asked += texts
        if on_progress is not None:
            on_progress(len(texts))
        return self.vectors_of(texts)

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        return parts_alone(self.encode, texts, spans, on_progress)
