"""Narratives read sentence by sentence: a text's vector is the mean of its passages' vectors, each read alone.

A passage's vector does not depend on its neighbours, so a score splits over the passages of a narrative without
encoding any of them again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy import sparse

from features.arrays import Floats32
from features.encoders.vectors import PartVectors, Progress, TextEncoder, round_to_half
from features.encoders.windows import Spans
from features.text.cleaning import passages

IMPLEMENTATION = 1  # raise whenever a change alters bits
PASSAGES_AT_ONCE = 100_000  # bounds the vectors that are held beside the result

Unit = Literal["narrative", "sentence"]


def encoder_by_unit(unit: Unit, encoder: TextEncoder) -> TextEncoder:
    """``encoder`` itself, or one that reads sentence by sentence with it."""
    return encoder if unit == "narrative" else SentenceEncoder(encoder)


def digest_by_unit(unit: Unit, digest: str) -> str:
    """Digest of an encoder that reads by ``unit``, from the digest of the encoder beneath it."""
    if unit == "narrative":
        return digest
    return hashlib.sha256(json.dumps([digest, unit, IMPLEMENTATION]).encode()).hexdigest()


def encodes_by_sentence(encoder: TextEncoder) -> bool:
    """Whether the passages of a text have the vectors that they would have as texts of their own."""
    return isinstance(encoder, SentenceEncoder)


def passage_texts(text: str) -> list[str]:
    """The passages of a clean text as they are encoded, without white space at their ends; [""] where there is none."""
    return [text[a:b].strip() for a, b in passages(text)] or [""]


@dataclass(frozen=True)
class SentenceEncoder:
    """A ``TextEncoder`` that encodes every passage (``features.text.cleaning.passages``) as a text of its own.

    A text's vector is the mean of its passages' vectors, weighted by their characters without the white space around
    them, and rounded to float16. The special tokens have no share of their own. A long passage is read in the windows
    of ``encoder``.

    Attributes:
        encoder: encodes the passages; behind a cache, so that a sentence is encoded once however many narratives hold
            it.
    """

    encoder: TextEncoder

    @cached_property
    def digest(self) -> str:
        """The encoder's, changed."""
        return digest_by_unit("sentence", self.encoder.digest)

    @property
    def dim(self) -> int:
        """The encoder's."""
        return self.encoder.dim

    def encode(self, texts: Sequence[str], on_progress: Progress | None = None) -> Floats32:
        """float32 (n, dim), see ``TextEncoder``."""
        return self.encode_parts(texts, [()] * len(texts), on_progress).whole

    def encode_parts(
        self, texts: Sequence[str], spans: Sequence[Spans], on_progress: Progress | None = None
    ) -> PartVectors:
        """See ``TextEncoder``; the passages' vectors are those of ``encoder.encode``.

        Raises ValueError where a text is cut elsewhere than ``features.text.cleaning.passages`` cuts it.
        """
        found = PartVectors.zeros([len(own) for own in spans], self.dim)
        read = [passage_texts(text) for text in texts]
        for text, own, cut in zip(texts, spans, read, strict=True):
            if len(own) > 1 and [text[a:b].strip() for a, b in own] != cut:
                raise ValueError("an encoder that reads sentence by sentence gives parts only of a text's passages")
        for stretch in _stretches([len(cut) for cut in read]):
            self._fill(found.view(stretch), read[stretch], stretch.start, on_progress)
        found.fill_single()
        return found

    def _fill(self, found: PartVectors, read: Sequence[list[str]], n_before: int, on_progress: Progress | None) -> None:
        """Read the passages of some texts, each distinct one once; ``n_before`` texts were done before."""
        distinct = list(dict.fromkeys(passage for cut in read for passage in cut))

        def report(n_passages: int) -> None:
            if on_progress is not None:
                on_progress(n_before + len(read) * n_passages // len(distinct))

        vectors = self.encoder.encode(distinct, report)
        place = {passage: n for n, passage in enumerate(distinct)}
        which = np.array([place[passage] for cut in read for passage in cut], np.int64)
        bounds = np.concatenate([[0], np.cumsum([len(cut) for cut in read])])
        length = np.array([max(1, len(passage)) for cut in read for passage in cut], np.float64)
        total = np.add.reduceat(length, bounds[:-1])
        share = (length / np.repeat(total, np.diff(bounds))).astype(np.float32)
        # A sparse product adds a row's passages in their order, whatever rows stand beside it.
        found.whole[:] = sparse.csr_matrix((share, which, bounds), (len(read), len(distinct))) @ vectors
        round_to_half(found.whole)
        round_to_half(share)
        asked = np.repeat(np.diff(found.bounds) > 1, np.diff(bounds))
        several = np.repeat(np.diff(found.bounds) > 1, np.diff(found.bounds))
        found.parts[several], found.share[several] = vectors[which[asked]], share[asked]


def _stretches(sizes: Sequence[int]) -> Iterator[slice]:
    """Stretches of texts of at most ``PASSAGES_AT_ONCE`` passages together, or one text."""
    start = size = 0
    for n, own in enumerate(sizes):
        if size and size + own > PASSAGES_AT_ONCE:
            yield slice(start, n)
            start, size = n, 0
        size += own
    if start < len(sizes):
        yield slice(start, len(sizes))
