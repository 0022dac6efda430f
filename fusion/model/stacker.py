"""The stacker: boosted trees over the structured columns and what they hear of the narratives.

Categories enter as their integer codes: LightGBM's native categoricals gained no AUC here, and exact attribution
against a background needs plain thresholds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.arrays import Floats, Ints
from features.design import TabularBlock
from fusion.config import StackerConfig
from fusion.model.boosted_trees import Booster
from fusion.model.coded_trees import CodedTrees, cell_codes, coded, margin, thresholds_of
from fusion.model.lesson import Lesson

BLOCK_ROWS = 512


def stacker_inputs(tabular: TabularBlock, text_logit: Floats, text_columns: Floats | None = None) -> Floats:
    """float64 (n, n_num + n_cat + n_narratives * (1 + m)): columns as the trees see them.

    Args:
        tabular: the structured columns.
        text_logit: (n, n_narratives), log-odds of the text-only head.
        text_columns: (n, n_narratives, m), what else the trees hear of each narrative; None: nothing.
    """
    n = len(tabular)
    further = np.zeros((n, 0)) if text_columns is None else text_columns.reshape(n, math.prod(text_columns.shape[1:]))
    return np.hstack([tabular.x_num.astype(np.float64), tabular.x_cat.astype(np.float64), text_logit, further])


def column_players(n_columns: int, n_narratives: int, n_text_columns: int) -> Ints:
    """int64: the player that owns each of the ``stacker_inputs``: structured columns themselves, then the narratives,
    each of which owns its log-odds and its ``n_text_columns`` further columns.
    """
    narratives = n_columns + np.arange(n_narratives)
    return np.concatenate([np.arange(n_columns), narratives, np.repeat(narratives, n_text_columns)]).astype(np.int64)


@dataclass(frozen=True)
class Stacker:
    """Boosters of one or several members; the margin is the weighted sum of theirs.

    Attributes:
        boosters: in the order of their members, then folds.
        weights: of each.
    """

    boosters: tuple[Booster, ...]
    weights: tuple[float, ...]

    @staticmethod
    def mean(boosters: Sequence[Booster], weight: float = 1.0) -> Stacker:
        """The stacker whose margin is the mean of theirs times ``weight``."""
        return Stacker(tuple(boosters), (weight / len(boosters),) * len(boosters))

    @staticmethod
    def joined(parts: Sequence[Stacker]) -> Stacker:
        """The stacker whose margin is the sum of theirs."""
        boosters = tuple(booster for part in parts for booster in part.boosters)
        return Stacker(boosters, tuple(weight for part in parts for weight in part.weights))

    @cached_property
    def _coded(self) -> tuple[tuple[Floats, ...], tuple[CodedTrees, ...]]:
        """The thresholds of all boosters, column by column, and the boosters' trees by the codes of these."""
        thresholds = thresholds_of([booster.trees for booster in self.boosters])
        return thresholds, tuple(coded(booster.trees, thresholds) for booster in self.boosters)

    def margin(self, x: Floats, threads: int = 0) -> Floats:
        """Log-odds of bad, float64 (n,), of ``stacker_inputs`` (n, n_columns). threads 0: all cores.

        A booster's sum has the digits of LightGBM's own prediction: its leaves are added in the order of the trees.
        """
        total = np.zeros(len(x))
        thresholds, boosters = self._coded

        def add(start: int) -> None:
            block = slice(start, start + BLOCK_ROWS)
            codes = cell_codes(thresholds, x[block])
            for trees, weight in zip(boosters, self.weights, strict=True):
                total[block] += weight * margin(trees, codes)

        with ThreadPoolExecutor(threads or None) as pool:
            list(pool.map(add, range(0, len(x), BLOCK_ROWS)))
        return total

    def to_text(self) -> list[str]:
        """Each booster in LightGBM's text format."""
        return [booster.text for booster in self.boosters]

    @staticmethod
    def from_text(texts: Sequence[str], weights: Sequence[float]) -> Stacker:
        """The stacker whose boosters ``to_text`` wrote; raises ValueError where the weights are not as many."""
        if len(texts) != len(weights):
            raise ValueError(f"{len(texts)} boosters with {len(weights)} weights")
        return Stacker(tuple(map(Booster, texts)), tuple(weights))


def _some_column(x: Floats) -> Floats:
    """``x``, or a constant column where the schema has no structured one: LightGBM wants one, and never splits it."""
    return x if x.shape[1] else np.zeros((len(x), 1))


def fit_booster(x: Floats, lesson: Lesson, monotone: Sequence[int], config: StackerConfig, seed: int) -> Booster:
    """One booster over ``x`` (n, n_columns); without columns it is the base rate. Equal seed, equal trees.

    Args:
        x: rows to learn from.
        lesson: what is learned from them.
        monotone: +1, 0 or -1 per column.
        config: settings.
        seed: of rows and columns drawn.
    """
    import lightgbm as lgb  # takes a second, and only fitting needs it

    x, directions = _some_column(x), list(monotone) or [0]
    parameters = {
        "objective": "regression" if lesson.squared else "binary",
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
    rows = lgb.Dataset(x, lesson.y, weight=lesson.weight, free_raw_data=False)
    fitted = lgb.train(parameters, rows, num_boost_round=config.n_trees)
    return Booster(fitted.model_to_string(num_iteration=-1))
