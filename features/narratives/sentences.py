"""The carrier of narratives cut into sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from features.arrays import Floats32, Index, Ints
from features.design import TextBlock


@dataclass(frozen=True)
class SentenceBlock:
    """The sentences of the narratives of some applications, in order of row, narrative and place.

    Attributes:
        text: each sentence with the white space after it, so that those of one narrative join to that narrative as it
            was read.
        row: int64 (n_sentences,), row of each.
        narrative: int64 (n_sentences,), number of the narrative column of each.
        x_sentence: float32 (n_sentences, dim), mean token vector of each, read amid its neighbours or, by an encoder
            that reads sentence by sentence, alone; of a narrative of one sentence the narrative's vector.
        share: float32 (n_sentences,), the part of its narrative's tokens (read alone: characters); what is left of 1
            are the special tokens, unless it is mere rounding (``features.encoders.vectors.SHARE_ROUNDING``).
        x_lex: float32 CSR (n_sentences, n_buckets), 1 where a sentence holds a word of that hash bucket.
    """

    text: tuple[str, ...]
    row: Ints
    narrative: Ints
    x_sentence: Floats32
    share: Floats32
    x_lex: sparse.csr_matrix

    def __post_init__(self) -> None:
        n = len(self.text)
        if not (self.row.shape == self.narrative.shape == self.share.shape == (n,)):
            got = ", ".join(str(x.shape) for x in (self.row, self.narrative, self.share))
            raise ValueError(f"row, narrative and share must be ({n},), got {got}")
        if self.x_sentence.dtype != np.float32 or self.x_sentence.ndim != 2 or len(self.x_sentence) != n:
            raise ValueError(f"x_sentence must be float32 ({n}, dim), got {self.x_sentence.shape}")
        if self.x_lex.shape[0] != n:
            raise ValueError(f"x_lex must have {n} rows, got {self.x_lex.shape[0]}")

    def __len__(self) -> int:
        return len(self.text)

    @staticmethod
    def empty(text: TextBlock) -> SentenceBlock:
        """No sentence of these narratives."""
        n_buckets = text.x_lex.shape[1] // max(1, len(text.names))
        none = np.zeros(0, dtype=np.int64)
        nothing = np.zeros((0, text.x_text.shape[2]), dtype=np.float32)
        words = sparse.csr_matrix(np.zeros((0, n_buckets), dtype=np.float32))
        return SentenceBlock((), none, none, nothing, np.zeros(0, dtype=np.float32), words)

    def bounds(self) -> Ints:
        """Where each narrative begins, and the end of the last: int64 (number of written narratives + 1,)."""
        if not len(self):
            return np.zeros(1, dtype=np.int64)
        first = np.flatnonzero((np.diff(self.row) != 0) | (np.diff(self.narrative) != 0)) + 1
        return np.concatenate([[0], first, [len(self)]]).astype(np.int64)

    def take(self, rows: Index) -> SentenceBlock:
        """The sentences of the rows at these positions, which become rows 0, 1, ..."""
        begin, end = np.searchsorted(self.row, rows, "left"), np.searchsorted(self.row, rows, "right")
        count = end - begin
        place = np.repeat(end - np.cumsum(count), count) + np.arange(count.sum())
        return SentenceBlock(
            tuple(self.text[at] for at in place),
            np.repeat(np.arange(len(rows)), count),
            self.narrative[place],
            self.x_sentence[place],
            self.share[place],
            self.x_lex[place],
        )
