"""The carrier of attributions: why each row has its margin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.arrays import Flags, Floats, Ints
from features.narratives.sentences import SentenceBlock
from fusion.config import ScaleConfig


@dataclass(frozen=True)
class Explanation:
    """Contributions in calibrated log-odds of bad: base + columns + narratives = margin, for every row.

    Attributes:
        base: mean margin of the background's columns without a narrative.
        column_names: structured columns; derived features are columns like any other.
        narrative_names: narrative columns.
        columns: float64 (n, n_columns), contributions in log-odds.
        narratives: float64 (n, n_narratives), contributions, 0 where nothing was written.
        from_trees: float64 (n, n_columns + n_narratives), the part of either that comes from the trees; the rest is the
            joint head's.
        sentences: float64 (n_sentences,), those of one narrative sum to its contribution, or, where the model reads
            style, to what it adds beside its style.
        sentence_error: float64 (n_sentences,), standard error of each; 0 where nothing was sampled.
        orders: int64 (n_sentences,), how many orders of its narrative's sentences were sampled; 0: all combinations
            valued.
        exact: bool (n_sentences,), whether the encoder read the narrative again without some of its sentences.
        block: the sentences themselves.
        margin: float64 (n,), margin of the model.
    """

    base: float
    column_names: tuple[str, ...]
    narrative_names: tuple[str, ...]
    columns: Floats
    narratives: Floats
    from_trees: Floats
    sentences: Floats
    sentence_error: Floats
    orders: Ints
    exact: Flags
    block: SentenceBlock
    margin: Floats

    def __len__(self) -> int:
        return len(self.margin)

    @property
    def reconciliation(self) -> Floats:
        """float64 (n,): base plus all contributions, minus the margin; rounding and nothing else."""
        difference: Floats = self.base + self.columns.sum(axis=1) + self.narratives.sum(axis=1) - self.margin
        return difference

    @property
    def style(self) -> Floats:
        """float64 (n, n_narratives): the part of ``narratives`` that comes from how they are written, not from any
        sentence; 0 where the model reads no style.
        """
        shared = np.zeros_like(self.narratives)
        np.add.at(shared, (self.block.row, self.block.narrative), self.sentences)
        found: Floats = self.narratives - shared
        return found

    @staticmethod
    def concat(parts: Sequence[Explanation], block: SentenceBlock) -> Explanation:
        """The rows of all parts of one explanation in order; ``block`` holds their sentences."""

        def joined(name: str) -> Floats:
            return np.concatenate([getattr(part, name) for part in parts])

        return replace(
            parts[0],
            columns=joined("columns"),
            narratives=joined("narratives"),
            from_trees=joined("from_trees"),
            sentences=joined("sentences"),
            sentence_error=joined("sentence_error"),
            orders=np.concatenate([part.orders for part in parts]),
            exact=np.concatenate([part.exact for part in parts]),
            block=block,
            margin=joined("margin"),
        )


def to_points(log_odds: Floats, scale: ScaleConfig) -> Floats:
    """Contributions in log-odds of bad as points of the score: what raises the risk takes points away."""
    points: Floats = -scale.pdo / math.log(2.0) * log_odds
    return points
