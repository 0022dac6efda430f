"""Signatures of narratives: short numbers that tell how alike two texts are, and from which no text can be read.

A text is the set of its pairs of words, neighbours and those with one word between. How alike two texts are is the
share of pairs that both have among those that either has (Jaccard). Its estimate is the share of equal values of two
MinHash signatures (Broder 1997). Numbers count as one word, for templates are filled with amounts and dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt

from features.arrays import Flags, Floats32, Ints
from features.compiled import compiled
from features.text.words import words_of

N_BANDS, BAND = 32, 4  # values of a signature: 4 of 16 bits are one band, so that a band is its own hash
N_VALUES = N_BANDS * BAND
LEAST_ALIKE = 0.35
"""From this share of common pairs on, long texts are copies. Two texts of which each exchanged a tenth of a template's
words share half of them; of narratives of 24 words or more that people wrote by themselves, 1 in 100 shares as many
with any of 20,000 others."""
LEAST_WORDS = 8
"""A text of fewer words is no copy, and shorter texts must share more: ``LEAST_WORDS`` over their words. Many people
write "debt consolidation", and a sentence such as "to pay off my credit cards", by themselves."""

Bands = npt.NDArray[np.uint64]
Hashes = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Signatures:
    """Of n narratives.

    Attributes:
        bands: uint64 (n, ``N_BANDS``), each of ``BAND`` values of 16 bits; zero for a text that is too short.
        n_words: int64 (n,).
    """

    bands: Bands
    n_words: Ints

    def __post_init__(self) -> None:
        if self.bands.dtype != np.uint64 or self.bands.shape != (len(self.n_words), N_BANDS):
            raise ValueError(f"bands must be uint64 {(len(self.n_words), N_BANDS)}, got {self.bands.shape}")

    def __len__(self) -> int:
        return len(self.n_words)

    @property
    def is_signed(self) -> Flags:
        """bool (n,): whether a text is long enough to be held against others."""
        return self.n_words >= LEAST_WORDS


def sign(texts: Sequence[str]) -> Signatures:
    """The signatures of clean texts; each depends on its own text alone."""
    words = [words_of(text) for text in texts]
    n_words = np.array([len(own) for own in words], dtype=np.int64)
    hashed = np.array([_hash(word) for own in words for word in own], dtype=np.uint32)
    ends = np.cumsum(n_words)
    multiply, add = _permutations()
    values = _minima(hashed, ends - n_words, ends, multiply, add)
    values[n_words < LEAST_WORDS] = 0
    return Signatures(values.astype(np.uint16).view(np.uint64), n_words)  # the low bits; the high ones are near 0


def word_pairs(words: Sequence[str]) -> set[tuple[str, str]]:
    """The pairs of a text's words, which its signature stands for."""
    masked = ["0" if word.isdecimal() else word for word in words]
    wide = zip(masked, masked[2:], strict=False)
    return {*pairwise(masked), *wide}


def _hash(word: str) -> int:
    return 0 if word.isdecimal() else crc32(word.encode("utf-8", "surrogatepass"))


def _permutations() -> tuple[Hashes, Hashes]:
    """Factors and summands, uint32 (``N_VALUES``,) each, of maps of 32 bits onto themselves."""
    random = np.random.RandomState(1)  # as datasketch draws them; the legacy generator's stream never changes
    multiply = random.randint(0, 1 << 31, N_VALUES, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return multiply, random.randint(0, 1 << 32, N_VALUES, dtype=np.uint32)


@compiled
def _minima(words: Hashes, starts: Ints, ends: Ints, multiply: Hashes, add: Hashes) -> Hashes:
    """uint32 (n, ``N_VALUES``): the least value of each map among the pairs of words of each text, as the scheme
    "affine32" of datasketch computes it, which takes 60 times as long.
    """
    found = np.full((len(starts), len(multiply)), 0xFFFFFFFF, dtype=np.uint32)
    for text in range(len(starts)):
        for first in range(starts[text], ends[text]):
            for second in range(first + 1, min(first + 3, ends[text])):
                pair = np.uint32(words[first] * np.uint32(0x9E3779B1) + words[second])
                pair = np.uint32((pair ^ (pair >> np.uint32(16))) * np.uint32(0x85EBCA6B))
                pair = np.uint32((pair ^ (pair >> np.uint32(13))) * np.uint32(0xC2B2AE35))
                pair ^= pair >> np.uint32(16)
                for at in range(len(multiply)):
                    found[text, at] = min(found[text, at], np.uint32(pair * multiply[at] + add[at]))
    return found


def alike(left: Bands, right: Bands) -> Floats32:
    """float32 (n,): estimates of the share of common pairs of words, for n texts beside n others."""
    same = left.view(np.uint16) == right.view(np.uint16)
    shares: Floats32 = same.mean(axis=1, dtype=np.float32)
    return shares


def are_copies(likeness: Floats32, left_words: Ints, right_words: Ints) -> Flags:
    """bool (n,): whether texts of these numbers of words are so alike that one is a copy of the other."""
    n_words = np.maximum(np.minimum(left_words, right_words), 1)
    return likeness >= np.maximum(LEAST_ALIKE, LEAST_WORDS / n_words)
