"""Made-up designs whose narratives consist of sentences; shared by the tests of explanations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from features.arrays import Floats32
from features.design import Design, TextBlock
from features.narratives.sentences import SentenceBlock
from tests.support.designs import Shape, make_design

ORDINARY = Shape()


def make_with_sentences(
    n: int, seed: int = 0, shape: Shape = ORDINARY, most_sentences: int = 4
) -> tuple[Design, SentenceBlock]:
    """Rows whose narratives are made of 1 to ``most_sentences`` sentences, and the sentences."""
    rng = np.random.default_rng([seed, 7])
    design = make_design(n, seed, shape)
    row, narrative = np.nonzero(design.text.has_text)
    k = rng.integers(1, most_sentences + 1, len(row))
    row, narrative, size = np.repeat(row, k), np.repeat(narrative, k), np.repeat(k, k)
    share = (rng.uniform(0.5, 0.9, len(row)) / size).astype(np.float32)
    share[size == 1] = 1.0
    x_sentence = rng.normal(size=(len(row), shape.dim)).astype(np.float32)
    words = sparse.csr_matrix((rng.random((len(row), shape.n_buckets)) < 0.1).astype(np.float32))
    text = tuple(f"Sentence {i}. " for i in range(len(row)))
    block = SentenceBlock(text, row, narrative, x_sentence, share, words)
    return replace(design, text=whole_text(block, design.text, rng)), block


def whole_text(block: SentenceBlock, text: TextBlock, rng: np.random.Generator) -> TextBlock:
    """The narratives that these sentences make, each with a remainder of special tokens."""
    n, n_narratives = text.has_text.shape
    x_text = np.zeros(text.x_text.shape, dtype=np.float32)
    left = np.ones((n, n_narratives), dtype=np.float32)
    np.add.at(x_text, (block.row, block.narrative), block.x_sentence * block.share[:, None])
    np.subtract.at(left, (block.row, block.narrative), block.share)
    x_text += left[:, :, None] * rng.normal(size=x_text.shape).astype(np.float32) * (left[:, :, None] > 1e-6)
    x_text[~text.has_text] = 0.0
    n_buckets = block.x_lex.shape[1]
    counted: Floats32 = np.zeros((n, n_narratives, n_buckets), dtype=np.float32)
    np.add.at(counted, (block.row, block.narrative), block.x_lex.toarray())
    x_lex = sparse.csr_matrix((counted > 0).astype(np.float32).reshape(n, n_narratives * n_buckets))
    return replace(text, x_text=x_text, x_lex=x_lex)


def without_sentences(design: Design, block: SentenceBlock, row: int, narrative: int, kept: list[int]) -> TextBlock:
    """The text of one row, of one narrative of which only some sentences are kept (by their place in ``block``)."""
    text = design.text.take(np.array([row]))
    if not kept:
        return _silenced(text, narrative)
    mine = np.flatnonzero((block.row == row) & (block.narrative == narrative))
    if len(kept) == len(mine):
        return text
    whole = text.x_text[0, narrative].astype(np.float64)
    share = block.share[mine].astype(np.float64)
    rest = whole - (share[:, None] * block.x_sentence[mine]).sum(axis=0)
    chosen = np.isin(mine, kept)
    total = 1.0 - share.sum() + share[chosen].sum()
    x_text = text.x_text.copy()
    x_text[0, narrative] = (rest + (share[chosen, None] * block.x_sentence[mine][chosen]).sum(axis=0)) / total
    n_buckets = block.x_lex.shape[1]
    words = text.x_lex.toarray()
    words[0, narrative * n_buckets : (narrative + 1) * n_buckets] = block.x_lex[kept].toarray().max(axis=0)
    return replace(text, x_text=x_text, x_lex=sparse.csr_matrix(words))


def _silenced(text: TextBlock, narrative: int) -> TextBlock:
    n_buckets = text.x_lex.shape[1] // len(text.names)
    x_text, has_text, words = text.x_text.copy(), text.has_text.copy(), text.x_lex.toarray()
    x_style = text.x_style.copy()
    x_text[:, narrative], has_text[:, narrative], x_style[:, narrative] = 0.0, False, np.nan
    words[:, narrative * n_buckets : (narrative + 1) * n_buckets] = 0.0
    return replace(text, x_text=x_text, has_text=has_text, x_lex=sparse.csr_matrix(words), x_style=x_style)
