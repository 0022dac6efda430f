"""Narrative columns to arrays: the text half of the model's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data_schemas.contract import Schema
from features.arrays import Flags, Floats32, Index
from features.design import TextBlock, no_style
from features.encoders.vectors import Progress, TextEncoder
from features.narratives.sentences import SentenceBlock
from features.narratives.style import style
from features.tables.applications import Applications
from features.text.cleaning import clean, passages
from features.text.hashed_words import hashed_words


@dataclass(frozen=True)
class TextReader:
    """Reads every narrative column of ``schema``: cleaned, encoded, and word by word.

    Attributes:
        schema: names the narratives, and what is cut from them.
        encoder: of the narratives.
        n_buckets: hash buckets of words per narrative column (``features.text.hashed_words``).
        ngrams: longest run of words that is hashed.
        style: whether the style of the narratives is read too (``features.narratives.style``).
    """

    schema: Schema
    encoder: TextEncoder
    n_buckets: int
    ngrams: int
    style: bool = False

    def read(self, applications: Applications, on_progress: Progress | None = None) -> TextBlock:
        """The narratives as a ``TextBlock``; ``on_progress`` gets the number of distinct texts encoded so far."""
        narratives = self._narratives(applications)
        return self._text_block(applications, narratives, self.encoder.encode(narratives.distinct, on_progress))

    def read_sentences(
        self, applications: Applications, on_progress: Progress | None = None
    ) -> tuple[TextBlock, SentenceBlock]:
        """The same ``TextBlock``, and the sentences of the narratives (their passages), from one reading."""
        narratives = self._narratives(applications)
        spans = [passages(text) for text in narratives.distinct]
        found = self.encoder.encode_parts(narratives.distinct, spans, on_progress)
        block = self._text_block(applications, narratives, found.whole)
        row, narrative = np.nonzero(block.has_text)
        written = narratives.index[row, narrative]
        n_sentences = np.diff(found.bounds)[written]
        cut = [text[a:b] for text, own in zip(narratives.distinct, spans, strict=True) for a, b in own]
        rows = found.rows(written)
        return block, SentenceBlock(
            tuple(cut[i] for i in rows),
            np.repeat(row, n_sentences),
            np.repeat(narrative, n_sentences),
            found.parts[rows],
            found.share[rows],
            hashed_words(cut, self.n_buckets, self.ngrams)[rows],
        )

    def read_words(self, applications: Applications) -> sparse.csr_matrix:
        """The words alone, as ``read`` gives them in ``x_lex``; nothing is encoded."""
        columns = [clean_narrative(applications, field.name) for field in self.schema.narratives]
        return self._words(columns, len(applications))

    def read_texts(self, texts: Sequence[str]) -> tuple[Floats32, sparse.csr_matrix]:
        """Loose clean texts, read as a narrative is: vectors (m, dim), zero for "", and words (m, n_buckets)."""
        written = np.array([bool(text) for text in texts], np.bool_)
        vectors = np.zeros((len(texts), self.encoder.dim), np.float32)
        vectors[written] = self.encoder.encode([text for text in texts if text])
        return vectors, hashed_words(texts, self.n_buckets, self.ngrams)

    def _narratives(self, applications: Applications) -> _Narratives:
        columns = [clean_narrative(applications, field.name) for field in self.schema.narratives]
        # Sorted, so that the columns, long ones and short ones, are mixed and progress is even.
        distinct = sorted({text for column in columns for text in column if text})
        position = {text: at for at, text in enumerate(distinct)} | {"": -1}
        index = np.array([[position[text] for text in column] for column in columns], np.intp)
        return _Narratives(columns, distinct, index.reshape(len(columns), len(applications)).T)

    def _text_block(self, applications: Applications, narratives: _Narratives, vectors: Floats32) -> TextBlock:
        names = tuple(field.name for field in self.schema.narratives)
        index = narratives.index
        has_text = index >= 0
        x_text = np.zeros((*index.shape, self.encoder.dim), np.float32)
        x_text[has_text] = vectors[index[has_text]]
        x_lex = self._words(narratives.columns, len(index))
        return TextBlock(x_text, has_text, x_lex, names, self._style(applications, narratives, has_text))

    def _style(self, applications: Applications, narratives: _Narratives, has_text: Flags) -> Floats32:
        if not self.style or not narratives.columns:
            return no_style(has_text)
        raws = [applications.narrative(field.name) for field in self.schema.narratives]
        pairs = zip(raws, narratives.columns, strict=True)
        return np.stack([style(raw, texts, self.schema.strip) for raw, texts in pairs], axis=1)

    def _words(self, columns: Sequence[Sequence[str]], n: int) -> sparse.csr_matrix:
        """Words of clean texts, one column of ``n`` texts per narrative."""
        words = [hashed_words(column, self.n_buckets, self.ngrams) for column in columns]
        if not words:
            return sparse.csr_matrix(np.zeros((n, 0), np.float32))
        return sparse.csr_matrix(sparse.hstack(words, format="csr", dtype=np.float32))


@dataclass(frozen=True)
class _Narratives:
    """Clean texts: by column, "" where there is none; each once; and the place of each there, (n, n_narratives)."""

    columns: list[list[str]]
    distinct: list[str]
    index: Index  # -1 where there is none


def clean_narrative(applications: Applications, name: str) -> list[str]:
    """The clean text of one narrative column, "" where there is none."""
    strip = applications.schema.strip
    return [clean(raw, strip).text if raw else "" for raw in applications.narrative(name)]


def any_narrative(applications: Applications) -> bool:
    """Whether any clean narrative of any row holds text."""
    schema = applications.schema
    raws = (raw for field in schema.narratives for raw in applications.narrative(field.name) if raw)
    return any(clean(raw, schema.strip).text for raw in raws)
