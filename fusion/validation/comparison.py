"""Champion against challenger on the same rows: is the challenger better beyond chance, and are its PDs right?

Arrays are float64 (n,); ``y`` holds 1 for bad and 0 for good, margins are log-odds of bad. Every difference is above 0
where the challenger is better. Figures that do not exist are NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from features.arrays import Floats
from fusion.metrics import Gain, brier, brier_gain, delong, log_loss
from fusion.validation.intervals import Estimate, InTheLarge, auc_interval, calibration_in_the_large, slope_interval


@dataclass(frozen=True)
class ModelFigures:
    """Figures of one model.

    Attributes:
        auc: area under the ROC curve.
        brier: Brier score.
        log_loss: in nats.
        slope: calibration slope, 1 at best.
        in_the_large: whether the PDs are right on average.
    """

    auc: float
    brier: float
    log_loss: float
    slope: Estimate
    in_the_large: InTheLarge


@dataclass(frozen=True)
class Comparison:
    """Two models on the same rows.

    Attributes:
        n: rows.
        n_bad: bad outcomes.
        champion: figures of the champion.
        challenger: figures of the challenger.
        auc: AUC of the challenger less that of the champion, by DeLong.
        brier: Brier score of the champion less that of the challenger, paired.
        spearman: rank correlation of the two PDs (Spearman, 1904).
    """

    n: int
    n_bad: int
    champion: ModelFigures
    challenger: ModelFigures
    auc: Gain
    brier: Gain
    spearman: float


def compare(champion_margin: Floats, challenger_margin: Floats, y: Floats) -> Comparison:
    """Compare two models on the same rows."""
    return Comparison(
        n=len(y),
        n_bad=int(y.sum()),
        champion=model_figures(y, champion_margin),
        challenger=model_figures(y, challenger_margin),
        auc=delong(y, challenger_margin, champion_margin),
        brier=brier_gain(y, challenger_margin, champion_margin),
        spearman=rank_correlation(champion_margin, challenger_margin),
    )


def model_figures(y: Floats, margin: Floats) -> ModelFigures:
    """The figures of one model."""
    return ModelFigures(
        auc=auc_interval(y, margin).value,
        brier=brier(y, margin),
        log_loss=log_loss(y, margin),
        slope=slope_interval(y, margin)[0],
        in_the_large=calibration_in_the_large(y, margin),
    )


def rank_correlation(one: Floats, other: Floats) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN where either is constant or for fewer than two rows."""
    if len(one) < 2 or not np.ptp(one) or not np.ptp(other):
        return math.nan
    return float(np.clip(np.corrcoef(rankdata(one), rankdata(other))[0, 1], -1.0, 1.0))
