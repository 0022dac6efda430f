"""The stacker: boosted trees over the structured columns and the text-only head's log-odds.

Categories enter as their integer codes: LightGBM's native categoricals gained no AUC here, and exact attribution
against a background needs plain thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np

from features.arrays import Floats
from features.design import TabularBlock
from fusion.config import StackerConfig


def stacker_inputs(tabular: TabularBlock, text_logit: Floats) -> Floats:
    """float64 (n, n_num + n_cat + n_text): columns as the trees see them. ``text_logit`` is (n, n_text)."""
    return np.hstack([tabular.x_num.astype(np.float64), tabular.x_cat.astype(np.float64), text_logit])


@dataclass(frozen=True)
class Stacker:
    """Bagged boosters; the margin is the mean of theirs."""

    boosters: tuple[lgb.Booster, ...]

    def margin(self, x: Floats, threads: int = 0) -> Floats:
        """Log-odds of bad, float64 (n,), of ``stacker_inputs`` (n, n_columns). threads 0: all cores."""
        if not len(x):
            return np.zeros(0)
        total = np.zeros(len(x))
        for booster in self.boosters:
            total += np.asarray(booster.predict(_some_column(x), raw_score=True, num_threads=threads), dtype=np.float64)
        return total / len(self.boosters)

    def to_text(self) -> list[str]:
        """Each booster in LightGBM's text format."""
        return [booster.model_to_string(num_iteration=-1) for booster in self.boosters]

    @staticmethod
    def from_text(texts: Sequence[str]) -> Stacker:
        """The stacker that ``to_text`` wrote."""
        return Stacker(tuple(lgb.Booster(model_str=text) for text in texts))


def _some_column(x: Floats) -> Floats:
    """``x``, or a constant column where the schema has no structured one: LightGBM wants one, and never splits it."""
    return x if x.shape[1] else np.zeros((len(x), 1))


def fit_booster(
    x: Floats,
    y: Floats,
    monotone: Sequence[int],
    config: StackerConfig,
    seed: int,
    weight: Floats | None = None,
) -> lgb.Booster:
    """One booster over ``x`` (n, n_columns); without columns it is the base rate. ``monotone`` holds +1, 0 or -1 per
    column.

    Equal seed, equal trees.
    """
    x, directions = _some_column(x), list(monotone) or [0]
    parameters = {
        "objective": "binary",
        "learning_rate": config.learning_rate,
        "num_leaves": config.num_leaves,
        "max_depth": config.max_depth,
        "min_data_in_leaf": config.min_leaf_rows,
        "lambda_l2": config.l2,
        "feature_fraction": config.column_share,
        "bagging_fraction": config.row_share,
        "bagging_freq": 1,
        "monotone_constraints": directions if config.monotone else [0] * x.shape[1],
        "deterministic": True,
        "num_threads": 1,  # boosters are fitted side by side, see fusion.model.training
        "force_row_wise": True,
        "seed": seed,
        "verbosity": -1,
    }
    return lgb.train(parameters, lgb.Dataset(x, y, weight=weight, free_raw_data=False), num_boost_round=config.n_trees)
