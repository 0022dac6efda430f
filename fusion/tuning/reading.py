"""Training rows as the tuned part of an encoder reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from features.arrays import Floats, Floats32, Index, Ints
from fusion.tuning.lower_layers import LowerLayers, TokenIds, Tokens
from fusion.tuning.network import Pieces


@dataclass(frozen=True)
class TuningRows:
    """Rows to learn from.

    Attributes:
        texts: for each narrative column, n clean texts, "" where nothing is written.
        x_text: float32 (n, n_narratives, dim), their vectors as the encoder comes.
        y: float64 (n,), outcomes, 1 bad and 0 good.
        weight: float64 (n,), how much each row counts.
        offset: float64 (n,), log-odds that the encoder need not learn.
        fold: int64 (n,), from 0: the encoder that never sees the row's outcome.
        variants: copies of ``texts`` with other words, one of which, or the text itself, is learned from at a time.
    """

    texts: tuple[tuple[str, ...], ...]
    x_text: Floats32
    y: Floats
    weight: Floats
    offset: Floats
    fold: Ints
    variants: tuple[tuple[tuple[str, ...], ...], ...] = ()

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return int(self.fold.max()) + 1


@dataclass(frozen=True)
class Draws:
    """What a fold draws while it learns.

    Attributes:
        random: of its own.
        window: longest piece of a text, in tokens.
        n_before: special tokens before a text's own, which every piece keeps.
    """

    random: np.random.Generator
    window: int
    n_before: int

    def piece(self, tokens: Tokens, learning: bool) -> Tokens:
        """A text, or a piece of one that is longer than the window: where nothing is learned, its beginning."""
        left_out, first = len(tokens) - self.window, self.n_before
        start = first + (int(self.random.integers(left_out + 1)) if learning and left_out > 0 else 0)
        kept = np.arange(len(tokens))
        if left_out > 0:
            kept = np.concatenate([kept[:first], kept[start : start + self.window - first - 1], kept[-1:]])
        return tokens[kept]


@dataclass(frozen=True)
class Reading:
    """The rows as the tuned part of the encoder reads them.

    Attributes:
        rows: to learn from.
        inputs: of each distinct text.
        numbers: int64 (n_versions, n_narratives, n), which text each is, -1 where there is none; the first version is
            the rows' own.
    """

    rows: TuningRows
    inputs: TokenIds | LowerLayers
    numbers: Ints

    def pieces(self, index: Index, draws: Draws, learning: bool) -> Pieces:
        """What is read of some rows. Where they are learned from, one of a text's variants or the text itself is drawn,
        and a piece of what is longer than the window.
        """
        n_versions, n_narratives, _ = self.numbers.shape
        drawn = draws.random.integers(n_versions, size=len(index)) if learning else np.zeros(len(index), np.int64)
        found = [
            (draws.piece(self.inputs[int(number)], learning), at, column)
            for column in range(n_narratives)
            for at, number in enumerate(self.numbers[drawn, column, index])
            if number >= 0
        ]
        tokens, row, column = zip(*found, strict=True)
        return Pieces(tokens, row, column, len(index))

    def targets(self, index: Index, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Outcomes, offsets and weights of some rows, float32 (m,) each."""
        y, offset, weight = (
            torch.from_numpy(one[index].astype(np.float32)).to(device)
            for one in (self.rows.y, self.rows.offset, self.rows.weight)
        )
        return y, offset, weight


def numbered(versions: Sequence[tuple[tuple[str, ...], ...]]) -> tuple[Ints, list[str]]:
    """int64 (n_versions, n_narratives, n), the place of every text among the distinct ones, -1 where there is none;
    and these.
    """
    distinct = sorted({text for columns in versions for column in columns for text in column if text})
    place = {text: at for at, text in enumerate(distinct)} | {"": -1}
    numbers = [[[place[text] for text in column] for column in columns] for columns in versions]
    return np.array(numbers, np.int64), distinct
