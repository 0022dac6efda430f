"""From a ``Design`` to the head's inputs: piecewise-linear columns, centred narrative vectors, weighted words.

Everything here is fitted on training rows without their outcome, and is part of the head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from scipy import sparse

from features.arrays import Floats, Floats32, Index, Ints
from features.design import Design, TabularBlock, TextBlock
from fusion.config import Config

# A word of fewer training narratives is a name or a misspelling: it predicts nothing and may identify a person.
MIN_DOCUMENTS = 3


@dataclass(frozen=True)
class HeadInputs:
    """What the head multiplies with its weights.

    Attributes:
        x_columns: float32 (n, p).
        x_text: float32 (n, n_narratives, dim), zero where there is no narrative.
        x_absent: float32 (n, n_narratives), 1 where there is none.
        x_words: float32 CSR (n, n_narratives * n_buckets).
        direction: (p,), sign that each column input's weight must have; 0: either.
    """

    x_columns: Floats32
    x_text: Floats32
    x_absent: Floats32
    x_words: sparse.csr_matrix
    direction: Ints

    def __len__(self) -> int:
        return len(self.x_columns)

    def take(self, index: Index) -> HeadInputs:
        """The rows at these positions."""
        return HeadInputs(
            self.x_columns[index], self.x_text[index], self.x_absent[index], self.x_words[index], self.direction
        )

    def without_text(self) -> HeadInputs:
        """The columns alone: no narrative at all, not even its absence."""
        return HeadInputs(self.x_columns, self.x_text[:, :0], self.x_absent[:, :0], self.x_words[:, :0], self.direction)

    def without_columns(self) -> HeadInputs:
        """The narratives alone."""
        return HeadInputs(self.x_columns[:, :0], self.x_text, self.x_absent, self.x_words, self.direction[:0])


@dataclass(frozen=True)
class Basis:
    """The fitted maps.

    Attributes:
        edges: (n_num, n_bins + 1), quantile edges of each numeric column, ascending; columns with fewer distinct values
            repeat their last edge.
        n_levels: (n_cat,), number of codes of each category.
        centre: (p,), training mean of every column input.
        text_mean: (n_narratives, dim), mean vector of each narrative column.
        text_scale: (n_narratives,), standard deviation of its vectors, infinite where vectors are not read.
        word_weight: (n_narratives * n_buckets,), inverse document frequencies, 0 where words are not read.
        direction: (p,), how risk moves with each column input: +1, -1, or 0 for either way.
    """

    edges: Floats
    n_levels: Ints
    centre: Floats
    text_mean: Floats
    text_scale: Floats
    word_weight: Floats
    direction: Ints

    @staticmethod
    def fit(design: Design, config: Config, monotone: Sequence[int]) -> Basis:
        """Learn the maps from training rows.

        Args:
            monotone: +1, 0 or -1 per numeric column.
        """
        n_bins = config.head.n_bins
        edges = np.array([_quantile_edges(column, n_bins) for column in design.tabular.x_num.T.astype(np.float64)])
        edges = edges.reshape(design.tabular.x_num.shape[1], n_bins + 1)
        n_levels = np.array(design.tabular.n_levels, dtype=np.int64)
        raw = _columns(design.tabular, edges, n_levels)
        centre = raw.mean(axis=0) if len(raw) else np.zeros(raw.shape[1])
        mean, scale = _text_moments(design.text)
        if not config.text.vectors:
            scale = np.full_like(scale, np.inf)
        words = _inverse_frequency(design.text.x_lex) * float(config.text.words)
        signs = [[sign] * n_bins + [0] for sign in monotone]  # the flag for "missing" is free, and so are levels
        direction = np.array([*chain(*signs), *[0] * int(n_levels.sum())], dtype=np.int64)
        return Basis(edges, n_levels, centre, mean, scale, words, direction)

    def columns(self, tabular: TabularBlock) -> Floats32:
        """float32 (n, p): the centred codes of the columns, each column's side by side (``first_inputs``)."""
        return (_columns(tabular, self.edges, self.n_levels) - self.centre).astype(np.float32)

    @property
    def first_inputs(self) -> Ints:
        """int64 (n_num + n_cat,): where each column's codes begin."""
        n_num, n_edges = self.edges.shape
        sizes = np.concatenate([np.full(n_num, n_edges), self.n_levels]).astype(np.int64)
        return np.cumsum(sizes) - sizes

    def inputs(self, design: Design) -> HeadInputs:
        """The head's inputs for these rows."""
        text = design.text
        x_text = np.zeros_like(text.x_text)
        for number, (mean, scale) in enumerate(zip(self.text_mean, self.text_scale, strict=True)):
            written = text.has_text[:, number]
            x_text[written, number] = ((text.x_text[written, number] - mean) / scale).astype(np.float32)
        return HeadInputs(
            self.columns(design.tabular),
            x_text,
            (~text.has_text).astype(np.float32),
            _weighted_words(text, self.word_weight),
            self.direction,
        )


def _quantile_edges(column: Floats, n_bins: int) -> Floats:
    """Distinct quantiles of the known values, padded with the last one to n_bins + 1; all zero without any value."""
    known = column[np.isfinite(column)]
    if not len(known):
        return np.zeros(n_bins + 1)
    edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, n_bins + 1)))
    return np.concatenate([edges, np.full(n_bins + 1 - len(edges), edges[-1])])


def _columns(tabular: TabularBlock, edges: Floats, n_levels: Ints) -> Floats:
    """float64 (n, p): per numeric column its piecewise-linear code (Gorishniy et al., NeurIPS 2022) and a flag for
    "missing"; per category one indicator per code.
    """
    blocks = []
    for column, edge in zip(tabular.x_num.T.astype(np.float64), edges, strict=True):
        missing = ~np.isfinite(column)
        width = np.diff(edge)
        share = (np.where(missing, edge[0], column)[:, None] - edge[:-1]) / np.where(width > 0, width, 1.0)
        code = np.clip(share, 0.0, 1.0) * (width > 0)
        code[missing] = 0.0
        blocks += [code, missing[:, None].astype(np.float64)]
    for codes, levels in zip(tabular.x_cat.T, n_levels, strict=True):
        blocks.append((codes[:, None] == np.arange(levels)).astype(np.float64))
    return np.hstack(blocks) if blocks else np.zeros((len(tabular), 0))


def _text_moments(text: TextBlock) -> tuple[Floats, Floats]:
    """Mean vector of each narrative column where it is written, and one scale for all its dimensions."""
    _, n_narratives, dim = text.x_text.shape
    mean, scale = np.zeros((n_narratives, dim)), np.ones(n_narratives)
    for number in range(n_narratives):
        written = text.x_text[text.has_text[:, number], number].astype(np.float64)
        if len(written) > 1:
            mean[number] = written.mean(axis=0)
            scale[number] = written.std(axis=0).mean() or 1.0
    return mean, scale


def _inverse_frequency(x_lex: sparse.csr_matrix) -> Floats:
    """Smoothed inverse document frequency of every bucket; 0 for a word of fewer than MIN_DOCUMENTS narratives."""
    n, n_buckets = x_lex.shape
    documents = np.bincount(x_lex.indices, minlength=n_buckets)
    weight: Floats = np.log((1.0 + n) / (1.0 + documents)) + 1.0
    return np.where(documents >= MIN_DOCUMENTS, weight, 0.0)


def _weighted_words(text: TextBlock, word_weight: Floats) -> sparse.csr_matrix:
    """Presence of each word times its weight, every narrative scaled to length 1."""
    n, n_narratives = text.has_text.shape
    weighted = text.x_lex.astype(np.float64)
    weighted.data = word_weight[weighted.indices]
    narrative = weighted.indices // max(1, weighted.shape[1] // max(1, n_narratives))
    row = np.repeat(np.arange(n), np.diff(weighted.indptr))
    length = np.sqrt(np.bincount(row * n_narratives + narrative, weighted.data**2, minlength=n * n_narratives))
    length[length == 0.0] = 1.0
    weighted.data /= length[row * n_narratives + narrative]
    weighted.eliminate_zeros()
    return weighted.astype(np.float32)
