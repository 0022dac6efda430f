"""Whether a classifier can tell the applications of a period from the usual ones, and by what.

It sees a sample of rows, as numbers: columns, and narratives along the principal components of training. A logistic
regression that does no better than a coin has an area under the ROC curve (AUC) of 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from features.arrays import Floats, Floats32, Index, Ints
from features.design import TabularBlock
from fusion.validation.intervals import Z
from fusion.watch.departures import Departure, spread_chance_above
from fusion.watch.packing import floats32, packed

SAMPLE = 200
"""Rows of a period that are kept."""
MOST_USUAL = 600
LEAST_ROWS = 40
PERIODS = 8
"""Earlier periods whose rows are the usual ones."""
N_FOLDS = 5
WIDER = 1.15
"""Of folds whose classifiers share rows the mean AUC varies so much more than that of independent rows."""
DOUBTFUL = 0.01  # chances above it need no look at the history: it can only make them larger
NAMED = 3

Sampled = tuple[tuple[int, str], ...]
"""Hash of the id and numbers of each row, packed; the rows with the lowest hashes, in order."""


@dataclass(frozen=True)
class Layout:
    """What the numbers of a sampled row are.

    Attributes:
        names: Of each number: a column, or the narrative that a component belongs to.
        n_levels: Codes of each number that is a level; 0 for those that are quantities.
    """

    names: tuple[str, ...]
    n_levels: tuple[int, ...]


@dataclass(frozen=True)
class Classified:
    """What the classifier found.

    Attributes:
        departure: Its AUC beside 0.5.
        names: What it rests on, the weightiest first.
        n: Rows of the period that it saw.
    """

    departure: Departure
    names: tuple[str, ...]
    n: int


def sampled(hashes: Ints, columns: TabularBlock, components: Sequence[Floats32], most: int = SAMPLE) -> Sampled:
    """The ``most`` rows with the lowest hashes (n,), with their columns and components, (n, k) per narrative."""
    rows = np.argsort(hashes, kind="stable")[:most]
    numbers = np.hstack(
        [columns.x_num[rows], columns.x_cat[rows].astype(np.float32), *[one[rows] for one in components]]
    )
    return tuple(sorted((int(hashes[row]), packed(own)) for row, own in zip(rows.tolist(), numbers, strict=True)))


def merged(left: Sampled, right: Sampled) -> Sampled:
    """The sample of the rows of both."""
    return tuple(sorted([*left, *right])[:SAMPLE])


def classify(now: Sampled, usual: Sequence[Sampled], history: bool, layout: Layout) -> Classified | None:
    """The classifier of a period beside usual rows; None with fewer than ``LEAST_ROWS`` of either.

    Its chance is that of Mann and Whitney's statistic where nothing can be told apart and, where there is history, of
    an AUC as high among those of the earlier periods, each beside the others.
    """
    usual = usual[-PERIODS:]
    here, others = _numbers([now]), _numbers(usual)
    if min(len(here), len(others)) < LEAST_ROWS:
        return None
    area, weights = _cross_validated(here, others, layout)
    error = _error(len(here), len(others))
    z = (area - 0.5) / error
    p = float(norm.sf(z))
    if history and p < DOUBTFUL:
        then = []
        for at, own in enumerate(usual):
            one, rest = _numbers([own]), _numbers([*usual[:at], *usual[at + 1 :]])
            if min(len(one), len(rest)) >= LEAST_ROWS:
                then.append((_cross_validated(one, rest, layout)[0] - 0.5) / _error(len(one), len(rest)))
        p = max(p, spread_chance_above(z, np.array(then)))
    names = dict.fromkeys(layout.names[at] for at in np.argsort(-weights, kind="stable").tolist() if weights[at] > 0)
    departure = Departure(area, max(area - Z * error, 0.0), min(area + Z * error, 1.0), 0.5, p)
    return Classified(departure, tuple(names)[:NAMED], len(here))


def _error(n: int, m: int) -> float:
    return WIDER * math.sqrt((n + m + 1) / (12 * n * m))


def _numbers(samples: Sequence[Sampled]) -> Floats32:
    rows: Sampled = tuple(sorted(row for sample in samples for row in sample)[:MOST_USUAL])
    return np.array([floats32(own) for _, own in rows], dtype=np.float32).reshape(len(rows), -1)


def _cross_validated(now: Floats32, usual: Floats32, layout: Layout) -> tuple[float, Floats]:
    """Mean AUC over folds that the classifier has not seen, and the weight of each number, (n_numbers,)."""
    y = np.repeat([1, 0], [len(now), len(usual)])
    inputs, owner = _inputs(np.vstack([now, usual]), usual, layout)
    model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=300)
    areas, weight = [], np.zeros(inputs.shape[1])
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    with threadpool_limits(1):
        for train, test in folds.split(inputs, y):
            model.fit(inputs[train], y[train])
            areas.append(roc_auc_score(y[test], inputs[test] @ model.coef_[0]))
            weight += np.abs(model.coef_[0]) * inputs.std(axis=0)
    return float(np.mean(areas)), np.bincount(owner, weight, len(layout.names)).astype(np.float64)


def _inputs(rows: Floats32, usual: Floats32, layout: Layout) -> tuple[Floats, Index]:
    """What the classifier sees of rows (n, n_numbers), and the number that each input belongs to.

    A quantity is its rank among the usual ones, that rank's distance from the middle, and whether it is missing; a
    level is one flag per code. Quantities that are missing on all usual rows, as components are where only columns are
    known, are left out.
    """
    columns, owner = [], []
    for at, n_levels in enumerate(layout.n_levels):
        own = rows[:, at]
        if n_levels:
            flags = own[:, None] == np.arange(n_levels)
            columns.append(flags.astype(np.float64))
            owner += [at] * n_levels
            continue
        known = np.sort(usual[np.isfinite(usual[:, at]), at])
        if not len(known):
            continue
        low, high = (np.searchsorted(known, own, side=side) for side in ("left", "right"))
        missing = ~np.isfinite(own)
        rank = np.where(missing, 0.0, (low + high) / len(known) - 1)
        columns.append(np.column_stack([rank, np.where(missing, 0.0, np.square(rank) - 1 / 3), missing]))
        owner += [at] * 3
    return np.hstack(columns), np.array(owner, dtype=np.intp)
