"""The words of a text, hashed into a fixed number of buckets: no vocabulary to learn, store or leak."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from features.arrays import Ints
from features.compiled import compiled
from features.text.words import words_of

Bytes = npt.NDArray[np.uint8]

_MASK = 0xFFFFFFFF  # of 32 bits
_LOWERED = np.zeros(256, np.uint8)
"""The byte of a word's character in lower case; 0 for a byte of ASCII that belongs to no word."""
_LOWERED[128:] = np.arange(128, 256)
for _letter in re.findall(r"\w", bytes(range(128)).decode()):
    _LOWERED[ord(_letter)] = ord(_letter.lower())


def hashed_words(texts: Sequence[str], n_buckets: int, ngrams: int) -> sparse.csr_matrix:
    """Which lower-cased word n-grams (1 to ``ngrams`` words, see ``words_of``) a text holds, however often.

    Stateless and the same on every machine (MurmurHash3, buckets as scikit-learn's ``HashingVectorizer`` numbers
    them). Returns float32 CSR (n, n_buckets) of ones; a text without a word is an empty row.
    """
    # Compiled code finds the words of ASCII; those of another text are found here, and stand between spaces.
    plain = [(text if text.isascii() else " ".join(words_of(text))).encode() for text in texts]
    data = np.frombuffer(b"".join(plain), np.uint8)
    bounds = np.concatenate([[0], np.cumsum([len(text) for text in plain])]).astype(np.int64)
    # No word holds a space, so that n neighbouring words with the spaces between them are the n-gram.
    joined, ends = np.empty(len(data) + len(texts), np.uint8), np.empty(len(data), np.int64)
    counts = np.zeros(len(texts), np.int64)
    _split_words(data, bounds, _LOWERED, (joined, ends, counts))
    per_text = sum(np.maximum(counts - n, 0) for n in range(ngrams))
    first = np.concatenate([[0], np.cumsum(per_text)]).astype(np.int64)
    buckets = np.zeros(first[-1], np.int64)
    _hash_ngrams(joined, ends, counts, ngrams, n_buckets, buckets)
    found = sparse.csr_matrix((np.ones(len(buckets), np.float32), buckets, first), (len(texts), n_buckets))
    found.sum_duplicates()
    found.data.fill(1.0)
    return found


@compiled
def _split_words(data: Bytes, bounds: Ints, lowered: Bytes, found: tuple[Bytes, Ints, Ints]) -> None:
    """Fill in the words of the texts that lie between ``bounds`` in ``data``, all with a space between any two; where
    each of them ends, and how many each text has.
    """
    joined, ends, counts = found
    at = word = 0
    for text in range(len(bounds) - 1):
        inside = False
        for byte in data[bounds[text] : bounds[text + 1]]:
            if lowered[byte]:
                if not inside and word:
                    joined[at] = 32
                    at += 1
                joined[at] = lowered[byte]
                at += 1
            elif inside:
                ends[word] = at
                word += 1
                counts[text] += 1
            inside = lowered[byte] > 0
        if inside:
            ends[word] = at
            word += 1
            counts[text] += 1


@compiled
def _hash_ngrams(joined: Bytes, ends: Ints, counts: Ints, longest: int, n_buckets: int, buckets: Ints) -> None:
    """Fill in the buckets of the runs of 1 to ``longest`` words of each text.

    joined: all words with a space between any two. ends: of each word in it. counts: words of each text.
    """
    word = at = 0
    for count in counts:
        for length in range(1, longest + 1):
            for first in range(word, word + count - length + 1):
                begin = ends[first - 1] + 1 if first else 0
                hashed = _murmur(joined, begin, ends[first + length - 1])
                signed = hashed - (1 << 32) if hashed >= 1 << 31 else hashed
                # The least number has no positive twin; scikit-learn puts it so.
                magnitude = 2147483647 - (n_buckets - 1) if signed == -2147483648 else abs(signed)
                buckets[at] = magnitude % n_buckets
                at += 1
        word += count


@compiled
def _murmur(data: Bytes, begin: int, end: int) -> int:
    """MurmurHash3 (Appleby, x86, 32 bits, seed 0) of ``data[begin:end]``."""
    hashed = 0
    length = end - begin
    whole = begin + length // 4 * 4
    for at in range(begin, whole, 4):
        block = int(data[at]) | int(data[at + 1]) << 8 | int(data[at + 2]) << 16 | int(data[at + 3]) << 24
        hashed ^= _scrambled(block)
        hashed = (hashed << 13 | hashed >> 19) & _MASK
        hashed = (hashed * 5 + 0xE6546B64) & _MASK
    if whole < end:
        block = 0
        for at in range(end - 1, whole - 1, -1):
            block = block << 8 | int(data[at])
        hashed ^= _scrambled(block)
    hashed ^= length
    hashed = ((hashed ^ hashed >> 16) * 0x85EBCA6B) & _MASK
    hashed = ((hashed ^ hashed >> 13) * 0xC2B2AE35) & _MASK
    return hashed ^ hashed >> 16


@compiled
def _scrambled(block: int) -> int:
    block = (block * 0xCC9E2D51) & _MASK
    block = (block << 15 | block >> 17) & _MASK
    return (block * 0x1B873593) & _MASK
