"""How odd applications are by their columns: strange values, and combinations of usual ones that do not go together.

Every column becomes numbers that are nearly normal in the reference (normal scores; for levels how rare the level is,
and flags of the common ones), and a row's oddness is its squared Mahalanobis distance in them: a Gaussian copula. It
splits exactly into what the columns add: with absent columns at their mean, the Shapley value of a column is the sum
over its numbers z of z times the corresponding entry of the precision matrix times z (Mayrhofer and Filzmoser,
Computational Statistics & Data Analysis 2023). On planted anomalies it finds many times as many as isolation forests or
ECOD (``experiments/benchmarks/watch/oddness.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from features.arrays import Flags, Floats, Ints
from features.design import TabularBlock
from fusion.watch.tails import Sample

COMMON = 0.05  # share of the rows from which on a level, or its absence, has a flag
LEAST_SHRINKAGE = 0.01  # of the correlations; columns that say the same stay apart by as much
LEAST_SPREAD = 1e-9
MOST_OWN = 0.99  # of a reference row's part in its own distance
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class LevelScores:
    """Levels of one column as numbers.

    Attributes:
        rarity: float64 (n_levels,), normal score of how rare each level is; high for rare ones.
        common: int64 (k,), the levels that have a flag of their own.
    """

    rarity: Floats
    common: Ints

    @staticmethod
    def of(codes: Ints, n_levels: int) -> LevelScores:
        """From the codes of the reference, (n,)."""
        n = len(codes)
        share = np.bincount(codes, minlength=n_levels) / n
        order = np.sort(share)
        as_rare = np.concatenate([[0.0], np.cumsum(order)])
        below, up_to = (as_rare[np.searchsorted(order, share, side=side)] for side in ("left", "right"))
        middle = np.maximum((below + up_to) / 2, 0.5 / n)
        common = np.flatnonzero((share >= COMMON) & (share <= 1 - COMMON))
        return LevelScores(-ndtri(np.minimum(middle, 1 - 0.5 / n)), common.astype(np.int64))


@dataclass(frozen=True)
class ColumnScores:
    """Columns as nearly normal numbers.

    Attributes:
        numbers: reference values of each numeric column; None for one that is always the same.
        missing: numeric columns of which some values are missing in the reference.
        levels: of each level column.
        owner: int64 (d,), the column that each number belongs to: numeric columns, then level columns.
    """

    numbers: tuple[Sample | None, ...]
    missing: tuple[int, ...]
    levels: tuple[LevelScores, ...]
    owner: Ints

    @staticmethod
    def of(columns: TabularBlock) -> ColumnScores:
        """Learned from the reference's columns."""
        numbers = tuple(Sample.of(own.astype(np.float64)) for own in columns.x_num.T)
        gaps = np.isnan(columns.x_num).mean(axis=0)
        missing = tuple(np.flatnonzero((gaps > 0) & (gaps < 1)).tolist())
        levels = tuple(map(LevelScores.of, columns.x_cat.T, columns.n_levels))
        owner = [at for at, sample in enumerate(numbers) if sample is not None]
        owner += missing
        for at, own in enumerate(levels, len(numbers)):
            owner += [at] * (1 + len(own.common))
        return ColumnScores(numbers, missing, levels, np.array(owner, dtype=np.int64))

    def values(self, columns: TabularBlock) -> Floats:
        """float64 (n, d)."""
        x_num = columns.x_num.astype(np.float64)
        found = [own.normal_scores(x_num[:, at]) for at, own in enumerate(self.numbers) if own is not None]
        found += [np.isnan(x_num[:, at]).astype(np.float64) for at in self.missing]
        for own, codes in zip(self.levels, columns.x_cat.T, strict=True):
            found.append(own.rarity[codes])
            found += [(codes == level).astype(np.float64) for level in own.common.tolist()]
        return np.column_stack([np.zeros((len(columns), 0)), *found])


@dataclass(frozen=True)
class OddColumns:
    """Measures how odd rows are by their columns.

    Attributes:
        scores: makes numbers of them.
        mean: float64 (d,), of the numbers in the reference.
        spread: float64 (d,), their standard deviations; inf for numbers that never vary.
        precision: float64 (d, d), inverse of their shrunk correlations.
        own: share of a reference row's distance by which the row itself lowers it, for each unit of the distance.
    """

    scores: ColumnScores
    mean: Floats
    spread: Floats
    precision: Floats
    own: float

    @staticmethod
    def of(columns: TabularBlock) -> OddColumns:
        """Learned from the reference's columns, at least one row; the same bits on any number of threads."""
        scores, n = ColumnScores.of(columns), len(columns)
        d = len(scores.owner)
        total, squares = np.zeros(d), np.zeros((d, d))
        with threadpool_limits(1, user_api="blas"):
            for part in _parts(columns):
                values = scores.values(part)
                total += values.sum(axis=0)
                squares += values.T @ values
            mean = total / n
            covariance = squares / n - np.outer(mean, mean)
            spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))
            spread[spread < LEAST_SPREAD] = np.inf
            shrinkage = max(LEAST_SHRINKAGE, d / (d + n))
            correlation = (1 - shrinkage) * covariance / np.outer(spread, spread)
            precision = np.linalg.inv(correlation + shrinkage * np.eye(d))
        return OddColumns(scores, mean, spread, precision, (1 - shrinkage) / n)

    def distances(self, columns: TabularBlock) -> Floats:
        """Squared distances from the usual, float64 (n,); a row's digits do not depend on the rows beside it."""
        parts = [self._shares(part).sum(axis=1) for part in _parts(columns)]
        return np.concatenate([np.zeros(0), *parts])

    def reference_distances(self, columns: TabularBlock) -> Floats:
        """Distances float64 (n,) of the reference's own rows as if each had not been among those learned from.

        A row that is left out of the correlations is the farther, by Sherman and Morrison's formula (Annals of
        Mathematical Statistics 1950).
        """
        within = self.distances(columns)
        found: Floats = within / (1 - np.minimum(self.own * within, MOST_OWN))
        return found

    def by_column(self, columns: TabularBlock) -> Floats:
        """What each column adds to the distances, float64 (n, n_columns), numeric columns first; below 0 for one that
        makes a row more usual.
        """
        shares = self._shares(columns)
        found = np.zeros((len(columns), len(self.scores.numbers) + len(self.scores.levels)))
        for at, owner in enumerate(self.scores.owner.tolist()):
            found[:, owner] += shares[:, at]
        return found

    def extreme(self, columns: TabularBlock, beyond: float) -> Flags:
        """bool (n, n_columns): numbers whose normal score by itself lies beyond this bound on either side."""
        found = np.zeros((len(columns), len(self.scores.numbers) + len(self.scores.levels)), dtype=np.bool_)
        for at, own in enumerate(self.scores.numbers):
            if own is not None:
                found[:, at] = np.abs(own.normal_scores(columns.x_num[:, at].astype(np.float64))) > beyond
        return found

    def _shares(self, columns: TabularBlock) -> Floats:
        """What each number adds, float64 (n, d)."""
        z = (self.scores.values(columns) - self.mean) / self.spread
        with threadpool_limits(
            1, user_api="blas"
        ):  # row by row: a product of all rows has other digits by their number
            found: Floats = z * np.matmul(z[:, None, :], self.precision)[:, 0]
        return found


def _parts(columns: TabularBlock) -> Iterator[TabularBlock]:
    for start in range(0, len(columns), ROWS_AT_ONCE):
        yield columns.take(np.arange(start, min(start + ROWS_AT_ONCE, len(columns))))
