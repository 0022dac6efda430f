"""Narrative columns to arrays: the text half of the model's input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data_schemas.contract import Schema
from features.arrays import Flags, Floats32, Index, Ints
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
        words = self._hashed_words(narratives.distinct)
        vectors = self.encoder.encode(narratives.distinct, on_progress)
        return self._text_block(applications, narratives, vectors, words)

    def read_sentences(
        self, applications: Applications, on_progress: Progress | None = None
    ) -> tuple[TextBlock, SentenceBlock]:
        """The same ``TextBlock``, and the sentences of the narratives (their passages), from one reading."""
        narratives = self._narratives(applications)
        spans = [passages(text) for text in narratives.distinct]
        found = self.encoder.encode_parts(narratives.distinct, spans, on_progress)
        words = self._hashed_words(narratives.distinct)
        block = self._text_block(applications, narratives, found.whole, words)
        row, narrative = np.nonzero(block.has_text)
        written = narratives.index[row, narrative]
        n_sentences = np.diff(found.bounds)[written]
        cut = [text[a:b] for text, own in zip(narratives.distinct, spans, strict=True) for a, b in own]
        rows = found.rows(written)
        return block, SentenceBlock(
            tuple(cut[i] for i in rows.tolist()),
            np.repeat(row, n_sentences),
            np.repeat(narrative, n_sentences),
            found.parts[rows],
            found.share[rows],
            self._words_of_parts(words, cut, found.bounds)[rows],
        )

    def read_words(self, applications: Applications) -> sparse.csr_matrix:
        """The words alone, as ``read`` gives them in ``x_lex``; nothing is encoded."""
        narratives = self._narratives(applications)
        return _side_by_side(self._hashed_words(narratives.distinct), narratives.index)

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

    def _text_block(
        self, applications: Applications, narratives: _Narratives, vectors: Floats32, words: sparse.csr_matrix
    ) -> TextBlock:
        names = tuple(field.name for field in self.schema.narratives)
        index = narratives.index
        has_text = index >= 0
        x_text = np.zeros((*index.shape, self.encoder.dim), np.float32)
        x_text[has_text] = vectors[index[has_text]]
        x_lex = _side_by_side(words, index)
        return TextBlock(x_text, has_text, x_lex, names, self._style(applications, narratives, has_text))

    def _style(self, applications: Applications, narratives: _Narratives, has_text: Flags) -> Floats32:
        if not self.style or not narratives.columns:
            return no_style(has_text)
        raws = [applications.narrative(field.name) for field in self.schema.narratives]
        pairs = zip(raws, narratives.columns, strict=True)
        return np.stack([style(raw, texts, self.schema.strip) for raw, texts in pairs], axis=1)

    def _hashed_words(self, distinct: Sequence[str]) -> sparse.csr_matrix:
        """Words of clean texts, and an empty row behind them for a narrative that is not written."""
        return hashed_words([*distinct, ""], self.n_buckets, self.ngrams)

    def _words_of_parts(self, words: sparse.csr_matrix, parts: Sequence[str], bounds: Ints) -> sparse.csr_matrix:
        """Words of the parts of texts, those of each between ``bounds``; a part that is all of it has its words."""
        counts = np.diff(bounds)
        single = np.repeat(counts == 1, counts)
        several = hashed_words([parts[at] for at in np.flatnonzero(~single).tolist()], self.n_buckets, self.ngrams)
        place = np.repeat(np.arange(len(counts)), counts)
        place[~single] = words.shape[0] + np.arange(several.shape[0])
        every = sparse.csr_matrix(sparse.vstack([words, several], format="csr"))
        return sparse.csr_matrix(every[place])


@dataclass(frozen=True)
class _Narratives:
    """Clean texts: by column, "" where there is none; each once; and the place of each there, (n, n_narratives)."""

    columns: list[list[str]]
    distinct: list[str]
    index: Index  # -1 where there is none


def _side_by_side(words: sparse.csr_matrix, index: Index) -> sparse.csr_matrix:
    """Words of narratives by their places (n, n_narratives) among ``words``, those of a row side by side."""
    if not index.shape[1]:
        return sparse.csr_matrix(np.zeros((len(index), 0), np.float32))
    return sparse.csr_matrix(sparse.hstack([words[own] for own in index.T], format="csr", dtype=np.float32))


def clean_narrative(applications: Applications, name: str) -> list[str]:
    """The clean text of one narrative column, "" where there is none."""
    raws = applications.narrative(name)
    cleaned = {raw: clean(raw, applications.schema.strip).text if raw else "" for raw in set(raws)}
    return [cleaned[raw] for raw in raws]


def any_narrative(applications: Applications) -> bool:
    """Whether any clean narrative of any row holds text."""
    schema = applications.schema
    raws = (raw for field in schema.narratives for raw in applications.narrative(field.name) if raw)
    return any(clean(raw, schema.strip).text for raw in raws)
