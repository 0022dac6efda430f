"""The training applicants as explanations need them: where a score stands among them, whom it resembles, and the
background that absent columns are drawn from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from features.arrays import Flags, Floats, Floats32, Index
from features.design import Design, TabularBlock
from features.narratives.sentences import SentenceBlock
from features.tabular import TabularEncoder
from fusion.config import Config, ExplainConfig
from fusion.explain.attribution import Explainer
from fusion.model.fusion_model import FusionModel


@dataclass(frozen=True)
class Population:
    """Training applicants, without their narratives.

    Attributes:
        columns: their structured columns.
        margin: float64 (n,), out-of-fold log-odds.
        bad: bool (n,), outcome.
        contributions: float32 (n, n_columns + n_narratives), contributions to the log-odds of the final model.
        distances: float32 (n, n_narratives), how far each narrative lies from the mean of all
            (``fusion.validation.text_drift.distances``), NaN where there is none.
    """

    columns: TabularBlock
    margin: Floats
    bad: Flags
    contributions: Floats32
    distances: Floats32

    def __len__(self) -> int:
        return len(self.margin)

    def background(self, config: ExplainConfig, cutoffs: Floats) -> TabularBlock:
        """The rows that absent columns are drawn from: all, or those who would just have been approved.

        cutoffs: float64 (n,), the PD up to which each applicant is approved.
        """
        return background_rows(self.columns, self.margin, config, cutoffs)

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays by name, for a safetensors file."""
        return {
            "x_num": self.columns.x_num,
            "x_cat": self.columns.x_cat,
            "margin": self.margin,
            "bad": self.bad.astype(np.uint8),
            "contributions": self.contributions,
            "distances": self.distances,
        }

    @staticmethod
    def from_arrays(arrays: Mapping[str, npt.NDArray[Any]], encoder: TabularEncoder) -> Population:
        """What ``to_arrays`` gave; the columns are those of ``encoder``."""
        columns = TabularBlock(arrays["x_num"], arrays["x_cat"], encoder.num_names, encoder.cat_names, encoder.n_levels)
        bad = arrays["bad"].astype(np.bool_)
        return Population(columns, arrays["margin"], bad, arrays["contributions"], arrays["distances"])


def describe_population(
    model: FusionModel,
    design: Design,
    y: Floats,
    margin: Floats,
    distances: Floats32,
    config: Config,
    cutoffs: Floats,
) -> tuple[Population, float]:
    """The population of a trained model, at most ``config.explain.max_rows`` of its training rows, drawn at random; and
    where explanations begin (``Explainer.base``).

    Args:
        model: the model.
        design: its training rows.
        y: float64 (n,), their outcomes.
        margin: float64 (n,), out-of-fold log-odds.
        distances: float32 (n, n_narratives), of their narratives from the mean one.
        config: settings.
        cutoffs: float64 (n,), the PD up to which each of the rows is approved.
    """
    if len(design) > config.explain.max_rows:
        some = sampled_rows(len(design), config)
        design, y, margin, distances = design.take(some), y[some], margin[some], distances[some]
        cutoffs = cutoffs[some]
    explainer = Explainer.of(model, background_rows(design.tabular, margin, config.explain, cutoffs))
    explanation = explainer.explain(design, SentenceBlock.empty(design.text))
    contributions = np.hstack([explanation.columns, explanation.narratives]).astype(np.float32)
    return Population(design.tabular, margin, y > 0.5, contributions, distances), explainer.base


def sampled_rows(n: int, config: Config) -> Index:
    """Of ``n`` training rows those that a bundle describes, in order: all, or ``explain.max_rows`` drawn at random."""
    if n <= config.explain.max_rows:
        return np.arange(n)
    random = np.random.Generator(np.random.PCG64(config.folds.seed))
    return np.sort(random.choice(n, config.explain.max_rows, replace=False))


def background_rows(columns: TabularBlock, margin: Floats, config: ExplainConfig, cutoffs: Floats) -> TabularBlock:
    """Of training applicants with out-of-fold ``margin`` those that the settings name as background: all, or those who
    would just have been approved (all, where nobody would), each by the PD up to which it is approved, ``cutoffs``.
    """
    if config.background == "all":
        return columns
    above = margin - logit(cutoffs)
    approved = np.flatnonzero(above <= 0.0)
    if not len(approved):
        return columns
    n_near = max(1, round(config.near_share * len(margin)))
    return columns.take(np.sort(approved[np.argsort(-above[approved], kind="stable")[:n_near]]))
