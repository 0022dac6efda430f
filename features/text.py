"""Narrative columns to arrays: the text half of the model's input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data_schemas.contract import Schema
from features.applications import Applications
from features.design import TextBlock
from features.encoder import Progress, TextEncoder
from features.lexical import hashed_words
from features.narrative import clean


@dataclass(frozen=True)
class TextReader:
    """Reads every narrative column of ``schema``: cleaned, encoded whole, and word by word.

    n_buckets, ngrams: of the hashed words, per narrative column (see ``features.lexical``).
    """

    schema: Schema
    encoder: TextEncoder
    n_buckets: int
    ngrams: int

    def read(self, applications: Applications, on_progress: Progress | None = None) -> TextBlock:
        """The narratives as a ``TextBlock``; ``on_progress`` is told the number of distinct texts encoded so far."""
        names = tuple(field.name for field in self.schema.narratives)
        n = len(applications)
        columns = [clean_narrative(applications, name) for name in names]
        # Sorted, so that the columns, long ones and short ones, are mixed and progress is even.
        distinct = {text: at for at, text in enumerate(sorted({t for column in columns for t in column if t}))}
        vectors = self.encoder.encode(list(distinct), on_progress)
        x_text = np.zeros((n, len(names), self.encoder.dim), np.float32)
        has_text = np.zeros((n, len(names)), np.bool_)
        for j, column in enumerate(columns):
            has_text[:, j] = [bool(text) for text in column]
            x_text[has_text[:, j], j] = vectors[[distinct[text] for text in column if text]]
        words = [hashed_words(column, self.n_buckets, self.ngrams) for column in columns]
        empty = sparse.csr_matrix(np.zeros((n, 0), np.float32))
        x_lex = sparse.csr_matrix(sparse.hstack(words, format="csr", dtype=np.float32)) if words else empty
        return TextBlock(x_text, has_text, x_lex, names)


def clean_narrative(applications: Applications, name: str) -> list[str]:
    """The clean text of one narrative column, "" where there is none."""
    strip = applications.schema.strip
    return [clean(raw, strip).text if raw else "" for raw in applications.narrative(name)]
