"""The carrier of attributions: why each row has its margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.sentences import SentenceBlock
from fusion.config import ScaleConfig

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Explanation:
    """Contributions in calibrated log-odds of bad: base + columns + narratives = margin, for every row.

    base: mean margin of the background's columns without a narrative.
    column_names, narrative_names: the players; derived features are columns like any other.
    columns: float64 (n, n_columns). narratives: float64 (n, n_narratives), 0 where nothing was written.
    sentences: float64 (n_sentences,), those of one narrative sum to its contribution.
    sentence_error: float64 (n_sentences,), standard error of each; 0 where nothing was sampled.
    block: the sentences themselves. exact: whether the encoder read the narratives again without their sentences.
    margin: float64 (n,), the model's own.
    """

    base: float
    column_names: tuple[str, ...]
    narrative_names: tuple[str, ...]
    columns: Floats
    narratives: Floats
    sentences: Floats
    sentence_error: Floats
    block: SentenceBlock
    exact: bool
    margin: Floats

    def __len__(self) -> int:
        return len(self.margin)

    @property
    def reconciliation(self) -> Floats:
        """float64 (n,): base plus all contributions, minus the margin; rounding and nothing else."""
        difference: Floats = self.base + self.columns.sum(axis=1) + self.narratives.sum(axis=1) - self.margin
        return difference


def to_points(log_odds: Floats, scale: ScaleConfig) -> Floats:
    """Contributions in log-odds of bad as points of the score: what raises the risk takes points away."""
    points: Floats = -scale.pdo / math.log(2.0) * log_odds
    return points
