"""The words of a text, hashed into a fixed number of buckets: no vocabulary to learn, store or leak."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

WORD = r"(?u)\b\w+\b"


def hashed_words(texts: Sequence[str], n_buckets: int, ngrams: int) -> sparse.csr_matrix:
    """Which lower-cased word n-grams (1 to ``ngrams`` words) a text holds, however often.

    Stateless and the same on every machine (MurmurHash3). Returns float32 CSR (n, n_buckets) of ones; a text without a
    word is an empty row.
    """
    vectorizer = HashingVectorizer(
        n_features=n_buckets,
        ngram_range=(1, ngrams),
        token_pattern=WORD,
        alternate_sign=False,
        binary=True,
        norm=None,
        dtype=np.float32,
    )
    if not texts:
        return sparse.csr_matrix(np.zeros((0, n_buckets), np.float32))
    return sparse.csr_matrix(vectorizer.transform(texts), dtype=np.float32)
