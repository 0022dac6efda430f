"""An encoder that looks for its vectors in a cache on disk, and reads only the texts that it does not find there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from features.arrays import Floats32
from features.encoders.cache.embedding_cache import EmbeddingCache
from features.encoders.vectors import PartVectors, Progress, TextEncoder
from features.encoders.windows import Spans

ENCODE_STEP = 20_000  # vectors computed between two writes, about: bounds what a killed run loses


@dataclass
class CachedEncoder:
    """A ``TextEncoder`` that reads texts of the cache from disk and encodes the others.

    Attributes:
        encoder: encodes what the cache lacks.
        cache: of vectors on disk.
        n_asked: texts asked for so far.
        n_encoded: those of them that had to be encoded.
    """

    encoder: TextEncoder
    cache: EmbeddingCache
    n_asked: int = field(default=0, init=False)
    n_encoded: int = field(default=0, init=False)

    @property
    def digest(self) -> str:
        """The encoder's."""
        return self.encoder.digest

    @property
    def dim(self) -> int:
        """The encoder's."""
        return self.encoder.dim

    @property
    def hit_rate(self) -> float | None:
        """Share of the texts so far that the encoder did not have to read; None without a text."""
        return 1.0 - self.n_encoded / self.n_asked if self.n_asked else None

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        """float32 (n, dim), see ``TextEncoder``."""
        return self.encode_parts(texts, [()] * len(texts), on_progress).whole

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        """See ``TextEncoder``. A text whose own vector is known is read again where those of its passages are not.

        Passages take room in the cache: those of a text cut into 40 forty times as much as its own vector. A single
        passage has the text's vector and takes none.
        """
        asked = list(zip(texts, map(tuple, spans), strict=True))
        position = {one: n for n, one in enumerate(dict.fromkeys(asked))}
        distinct = list(position)
        found = PartVectors.zeros([len(cut) for _, cut in distinct], self.dim)
        n_damaged = self.cache.n_damaged
        known = self._look_up(distinct, found)
        if n_damaged := self.cache.n_damaged - n_damaged:
            self.cache.tell(
                f"damaged entries in the cache of vectors {self.cache.path}: {n_damaged:,}; they are computed anew"
            )
        missing = [n for n in range(len(distinct)) if n not in known]
        n_known = len(texts) - len(missing)
        self.n_asked += len(texts)
        self.n_encoded += len(missing)
        if on_progress is not None and n_known:
            on_progress(n_known)
        for step in _steps(missing, [1 + len(distinct[n][1]) for n in missing]):
            new, cuts = [distinct[n][0] for n in step], [distinct[n][1] for n in step]
            vectors = self.encoder.encode_parts(new, cuts, _offset(on_progress, n_known))
            self._store(new, cuts, vectors)
            rows = found.rows(np.array(step))
            found.whole[step], found.parts[rows], found.share[rows] = vectors.whole, vectors.parts, vectors.share
            n_known += len(step)
        return found if len(found) == len(asked) else found.take(np.array([position[one] for one in asked], np.intp))

    def _look_up(self, asked: Sequence[tuple[str, Spans]], found: PartVectors) -> set[int]:
        """Fill in what the cache knows; returns which texts need no reading."""
        whole = self.cache.get_many(self.digest, [text for text, _ in asked], self.dim)
        cut = [n for n, (_, spans) in enumerate(asked) if len(spans) > 1]
        parts = self.cache.get_parts(self.digest, [asked[n][0] for n in cut], [asked[n][1] for n in cut], self.dim)
        for n, vector in whole.items():
            found.whole[n] = vector
        for i, values in parts.items():
            rows = slice(found.bounds[cut[i]], found.bounds[cut[i] + 1])
            found.parts[rows], found.share[rows] = values[:, :-1], values[:, -1]
        found.fill_single()
        return set(whole) - ({*cut} - {cut[i] for i in parts})

    def _store(self, texts: Sequence[str], spans: Sequence[Spans], vectors: PartVectors) -> None:
        self.cache.put_many(self.digest, texts, vectors.whole)
        tables = np.split(np.column_stack([vectors.parts, vectors.share]), vectors.bounds[1:-1])
        cut = [n for n, own in enumerate(spans) if len(own) > 1]
        if cut:
            several = ([texts[n] for n in cut], [spans[n] for n in cut], [tables[n] for n in cut])
            self.cache.put_parts(self.digest, *several)


def _steps(missing: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """``missing`` in stretches of about ``ENCODE_STEP`` vectors."""
    step: list[int] = []
    size = 0
    for n, own in zip(missing, sizes, strict=True):
        if step and size + own > ENCODE_STEP:
            yield step
            step, size = [], 0
        step.append(n)
        size += own
    if step:
        yield step


def _offset(on_progress: Progress | None, n_before: int) -> Progress | None:
    return None if on_progress is None else lambda done: on_progress(n_before + done)
