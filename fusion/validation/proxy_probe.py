"""How well a trait of the applicants can be told from what a model sees of them: a probe, in plain functions.

A logistic regression is taught to name each row's level of the trait and is judged on rows that it never saw, by the
AUC of one level against the rest. Arrays have one row per applicant; ``level`` is int64 (n,) from 0, every level in
use, and ``fold`` is int64 (n,) below N_FOLDS.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import log_softmax
from scipy.stats import norm, rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from features.arrays import Flags, Floats, Floats32, Index, Ints
from fusion.metrics import placements
from fusion.model.folds import assign_folds

Inputs = Floats32 | sparse.csr_matrix

N_FOLDS = 5
MIN_IN_FOLD = 2
"""Rows of every level that every fold must hold, for an AUC and its variance."""

INVERSE_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse L2 penalties that are tried, the strongest penalty first."""

N_KNOTS = 6
CONFIDENCE = 0.95

WIDENING = 2.0**0.5
"""What the standard error is multiplied with. Folds are not independent: what fold a teaches about fold b, fold b
teaches about fold a. With nothing to learn, each pair of folds so counts twice, and the variance of the mean is twice
that of independent folds. The more there is to learn, the less that matters, and the interval is then on the wide side.
No estimator of this variance is unbiased (Bengio and Grandvalet, JMLR 2004).
"""


@dataclass(frozen=True)
class Area:
    """An AUC, or a difference of two, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ProbeAccuracy:
    """How well the levels can be told apart.

    overall: the mean over the levels of the AUC of one against the rest. by_level: each of these. influence: float64
    (n,), what each row adds to the error of ``overall``; their squares sum to its variance, folds being independent.
    """

    overall: Area
    by_level: tuple[Area, ...]
    influence: Floats


def deal_folds(level: Ints, tied: Ints, seed: int) -> Ints | None:
    """A fold for every row, so that rows of one ``tied`` number (n,) never part; None when too few rows are free.

    Stratified: among rows that are tied to no other every level is dealt out evenly.
    """
    fold = assign_folds(level.astype(np.float64), tied, N_FOLDS, seed)
    counts = np.zeros((N_FOLDS, int(level.max(initial=0)) + 1), np.int64)
    np.add.at(counts, (fold, level), 1)
    return fold if counts.min() >= MIN_IN_FOLD else None


def out_of_fold(x: Inputs, level: Ints, fold: Ints) -> Floats:
    """Log-probability of each level, float64 (n, n_levels), from regressions that never saw the row's fold.

    The penalty for a fold is chosen without it: by the likelihood that models which saw neither this fold nor one of
    its two neighbours (the folds in a ring) give to that neighbour.
    """
    judged = [_losses(x, level, fold, k) for k in range(N_FOLDS)]
    log_p = np.empty((len(level), int(level.max()) + 1))
    for k in range(N_FOLDS):
        best = int(np.argmin(judged[k][1] + judged[k - 1][0]))
        learn, held_out = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        (found,) = _log_probabilities(x, level, learn, held_out, INVERSE_PENALTIES[best : best + 1])
        log_p[held_out] = found
    return log_p


def probe_accuracy(level: Ints, fold: Ints, log_p: Floats, tied: Ints) -> ProbeAccuracy:
    """How well ``log_p`` (n, n_levels) tells the levels, compared within folds only, as their models differ.

    AUCs of folds are weighted by their numbers of pairs. The variance is that of DeLong et al. (Biometrics 1988),
    which for out-of-fold predictions is that of LeDell et al. (Electronic Journal of Statistics 2015); rows of one
    ``tied`` number (n,) count as one observation, and the interval is widened by WIDENING.
    """
    levels = range(log_p.shape[1])
    values, influences = zip(*(_one_against_rest(level == one, fold, log_p[:, one]) for one in levels), strict=True)
    by_level = tuple(_area(*found, tied, 0.0) for found in zip(values, influences, strict=True))
    influence: Floats = np.mean(influences, axis=0)
    return ProbeAccuracy(_area(float(np.mean(values)), influence, tied, 0.0), by_level, influence)


def accuracy_difference(one: ProbeAccuracy, other: ProbeAccuracy, tied: Ints) -> Area:
    """AUC of one minus that of the other, on the same rows in the same folds."""
    gain = one.overall.value - other.overall.value
    return _area(gain, one.influence - other.influence, tied, -1.0)


def bent(values: Floats) -> Floats32:
    """float32 (n, N_KNOTS): a single number per row as a piecewise-linear code over its ranks.

    With it a regression can tell a level that stands in the middle of the others.
    """
    rank = (rankdata(values) - 0.5) / max(len(values), 1)
    knots = np.linspace(0.0, 1.0, N_KNOTS)
    hats: Floats = np.maximum(0.0, 1.0 - np.abs(rank[:, None] - knots) * (N_KNOTS - 1))
    return hats.astype(np.float32)


def _losses(x: Inputs, level: Ints, fold: Ints, k: int) -> Floats:
    """float64 (2, n_strengths): log-loss on fold k and on the next one, of models that saw neither.

    Infinite for penalties weaker than one that already did worse than the one before; they take longest to fit.
    """
    pair = [np.flatnonzero(fold == k), np.flatnonzero(fold == (k + 1) % N_FOLDS)]
    both = np.concatenate(pair)
    learn = np.setdiff1d(np.arange(len(fold)), both)
    losses = np.full((2, len(INVERSE_PENALTIES)), np.inf)
    for at, log_p in enumerate(_log_probabilities(x, level, learn, both, INVERSE_PENALTIES)):
        lost = -log_p[np.arange(len(both)), level[both]]
        losses[:, at] = lost[: len(pair[0])].sum(), lost[len(pair[0]) :].sum()
        if at and losses[:, at].sum() > losses[:, at - 1].sum():
            break
    return losses


def _log_probabilities(
    x: Inputs, level: Ints, learn: Index, judge: Index, strengths: tuple[float, ...]
) -> Iterator[Floats]:
    """Log-probabilities of the levels for the rows ``judge``, one array per strength, learned from ``learn``."""
    model = LogisticRegression(solver="lbfgs", warm_start=True, tol=1e-4, max_iter=300)
    known, asked = x[learn], x[judge]
    for strength in strengths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early it is a probe like any other
            model.set_params(C=strength).fit(known, level[learn])
        decision = np.asarray(model.decision_function(asked), dtype=np.float64)
        # From the log-odds, as a probability of a level that is told without doubt would round to 0.
        yield log_softmax(decision if decision.ndim == 2 else np.column_stack([-decision / 2, decision / 2]), axis=1)


def _one_against_rest(is_level: Flags, fold: Ints, score: Floats) -> tuple[float, Floats]:
    """AUC over the pairs within folds, and the influence of every row on it."""
    parts = [np.flatnonzero(fold == k) for k in np.unique(fold)]
    pairs = np.array([is_level[rows].sum() * (~is_level[rows]).sum() for rows in parts], dtype=np.float64)
    value, influence = 0.0, np.zeros(len(fold))
    for rows, share in zip(parts, pairs / pairs.sum(), strict=True):
        own = is_level[rows]
        above_rest, below_own = placements(own.astype(np.float64), score[rows])
        auc = float(above_rest.mean())
        value += share * auc
        for members, placed in ((rows[own], above_rest), (rows[~own], below_own)):
            influence[members] = share * (placed - auc) / np.sqrt(len(members) * (len(members) - 1))
    return value, influence


def _area(value: float, influence: Floats, tied: Ints, least: float) -> Area:
    """The interval around ``value``, cut at ``least`` and 1."""
    together = np.bincount(np.unique(tied, return_inverse=True)[1], influence)
    half = WIDENING * float(norm.ppf(0.5 + CONFIDENCE / 2)) * float(np.sqrt(np.square(together).sum()))
    return Area(value, max(value - half, least), min(value + half, 1.0))
