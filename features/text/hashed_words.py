"""The words of a text, hashed into a fixed number of buckets: no vocabulary to learn, store or leak."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

from features.text.scripts import SPACELESS, has_spaceless

_WORD = re.compile(r"\w+")
_RUN = re.compile(rf"([{SPACELESS}]+)|[^\W{SPACELESS}]+")


def hashed_words(texts: Sequence[str], n_buckets: int, ngrams: int) -> sparse.csr_matrix:
    """Which lower-cased word n-grams (1 to ``ngrams`` words, see ``words_of``) a text holds, however often.

    Stateless and the same on every machine (MurmurHash3). Returns float32 CSR (n, n_buckets) of ones; a text without a
    word is an empty row.
    """
    vectorizer = HashingVectorizer(
        n_features=n_buckets,
        analyzer=partial(_ngrams, longest=ngrams),
        alternate_sign=False,
        binary=True,
        norm=None,
        dtype=np.float32,
    )
    if not texts:
        return sparse.csr_matrix(np.zeros((0, n_buckets), np.float32))
    return sparse.csr_matrix(vectorizer.transform(texts), dtype=np.float32)


def words_of(text: str) -> list[str]:
    """The lower-cased words in order.

    Scripts without spaces (Chinese, Japanese, Thai) have pairs of neighbouring characters as words, which overlap; a
    character between others of another kind stands alone. On planted rules that does better than words from a
    dictionary (``docs/languages.md``).
    """
    lowered = text.lower()
    if not has_spaceless(lowered):
        return _WORD.findall(lowered)
    words = []
    for run in _RUN.finditer(lowered):
        word = run.group()
        pairs = run.group(1) is not None and len(word) > 1
        words += [word[at : at + 2] for at in range(len(word) - 1)] if pairs else [word]
    return words


def _ngrams(text: str, longest: int) -> list[str]:
    """Runs of 1 to ``longest`` words, joined by spaces."""
    words = words_of(text)
    runs = ([" ".join(words[at : at + n]) for at in range(len(words) - n + 1)] for n in range(2, longest + 1))
    return words + [run for own in runs for run in own]
