"""The plain pipeline: what a careful analyst would have in an afternoon, to compare a model with in every run.

Three kinds: LightGBM on the columns; a logistic regression on the TF-IDF of the narratives' words and pairs of words;
and LightGBM on the columns beside the log-odds of that regression. Each has a few capacities to choose from by
out-of-fold log-loss, and the kind of the least log-loss is the plain pipeline. Nothing here shares code with the model:
that is its point. Words are counted and weighed over all training rows, without their outcomes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import lightgbm as lgb
import numpy as np
import torch
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from features.arrays import Floats, Index, Ints
from features.design import TabularBlock
from features.encoders.threads import lone_workers
from fusion.metrics import log_loss

Kind = Literal["columns", "words", "columns and words"]

LEAVES = (7, 31)
N_TREES = (25, 100, 400)
INVERSE_PENALTIES = (0.1, 1.0, 10.0)
N_HASHES = 2**20
MIN_TEXTS = 3  # rows that show a word or a pair
MAX_WORDS = 20_000  # those that most rows show


@dataclass(frozen=True)
class PlainRows:
    """What the plain pipeline reads of n applications.

    Attributes:
        columns: structured columns.
        narratives: the clean texts of each narrative column, n of them, "" where there is none.
    """

    columns: TabularBlock
    narratives: tuple[Sequence[str], ...]


@dataclass(frozen=True)
class Capacity:
    """How freely trees may fit.

    Attributes:
        n_leaves: most leaves of a tree.
        n_trees: number of trees.
    """

    n_leaves: int
    n_trees: int


@dataclass(frozen=True)
class PlainPipeline:
    """The best plain pipeline of some training rows.

    Attributes:
        kind: what it is made of.
        margin: float64 (n,), out-of-fold log-odds of bad.
        log_loss: out-of-fold log-loss of each kind, in nats.
        words: out-of-fold log-odds from the words; None where nobody wrote.
        inverse_penalty: of the regression on words.
        trees: capacity of the trees.
    """

    kind: Kind
    margin: Floats
    log_loss: dict[Kind, float]
    words: Floats | None
    inverse_penalty: float
    trees: Capacity


def plain_pipeline(rows: PlainRows, y: Floats, fold: Ints) -> PlainPipeline:
    """Choose and fit the plain pipeline out of fold; equal input, equal digits, with any number of threads.

    Args:
        rows: training rows.
        y: float64 (n,), 1 bad and 0 good.
        fold: int64 (n,), the fold that holds out each row; the others together hold both classes.
    """
    found: dict[Kind, tuple[Floats, Capacity]] = {}
    none = Capacity(LEAVES[0], N_TREES[0])
    words, inverse_penalty = _words_out_of_fold(rows, y, fold)
    if words is not None:
        found["words"] = words, none
    columns = _tree_columns(rows.columns, None)
    if columns.shape[1] or words is None:
        found["columns"] = _trees_out_of_fold(columns, y, fold)
    if columns.shape[1] and words is not None:
        found["columns and words"] = _trees_out_of_fold(_tree_columns(rows.columns, words), y, fold)
    losses = {kind: log_loss(y, margin) for kind, (margin, _) in found.items()}
    best = min(losses, key=lambda kind: losses[kind])
    margin, trees = found[best]
    return PlainPipeline(best, margin, losses, words, inverse_penalty, trees)


def later_margin(plain: PlainPipeline, rows: PlainRows, y: Floats, later: PlainRows) -> Floats:
    """Log-odds of rows that took no part, float64 (m,), by the plain pipeline fitted on all training rows.

    Args:
        plain: what ``plain_pipeline`` chose on the training rows.
        rows: the training rows.
        y: float64 (n,), their outcomes.
        later: the rows to score.
    """
    if not len(later.columns):
        return np.zeros(0)
    word_margin: Floats | None = None
    if plain.kind != "columns":
        reader = _Words.of(rows.narratives)
        with threadpool_limits(1, user_api="blas"):
            model = _regression(reader.read(rows.narratives), y, plain.inverse_penalty)
        word_margin = _log_odds(model, reader.read(later.narratives))
        if plain.kind == "words":
            return word_margin
    booster = _boosted(_tree_columns(rows.columns, plain.words if word_margin is not None else None), y, plain.trees)
    return _raw(booster, _tree_columns(later.columns, word_margin), plain.trees.n_trees)


@dataclass(frozen=True)
class _Words:
    """Counts words and pairs of words, hashed, and weighs them.

    kept: the hash columns that enough texts show, over all narratives. weights: by inverse document frequency.
    """

    kept: Index
    weights: TfidfTransformer

    @staticmethod
    def of(narratives: Sequence[Sequence[str]]) -> _Words:
        """Learn which words to keep and how to weigh them from texts, at least one column of them."""
        counts = _Words._counts(narratives)
        shown = np.bincount(counts.indices, minlength=counts.shape[1])
        most = np.argsort(-shown, kind="stable")[:MAX_WORDS]
        kept = np.sort(most[shown[most] >= MIN_TEXTS])
        weights = TfidfTransformer(sublinear_tf=True)
        if len(kept):
            weights.fit(counts[:, kept])
        return _Words(kept, weights)

    def read(self, narratives: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        """float64 (n, len(kept)), weighed and scaled to length one per row."""
        return sparse.csr_matrix(self.weights.transform(_Words._counts(narratives)[:, self.kept]))

    @staticmethod
    def _counts(narratives: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        counter = HashingVectorizer(ngram_range=(1, 2), n_features=N_HASHES, alternate_sign=False, norm=None)
        return sparse.csr_matrix(sparse.hstack([counter.transform(texts) for texts in narratives], format="csr"))


def _words_out_of_fold(rows: PlainRows, y: Floats, fold: Ints) -> tuple[Floats | None, float]:
    """Out-of-fold log-odds from the words, with the inverse penalty that is best; None without words."""
    if not rows.narratives or not (reader := _Words.of(rows.narratives)).kept.size:
        return None, INVERSE_PENALTIES[0]
    x = reader.read(rows.narratives)

    def fit_on(number: int, inverse_penalty: float) -> Floats:
        model = _regression(x[fold != number], y[fold != number], inverse_penalty)
        return _log_odds(model, x[fold == number])

    tried = list(product(INVERSE_PENALTIES, np.unique(fold)))
    margins = {inverse_penalty: np.zeros(len(y)) for inverse_penalty in INVERSE_PENALTIES}
    with threadpool_limits(1, user_api="blas"), lone_workers(torch.device("cpu")) as pool:
        fitted = pool.map(fit_on, *zip(*((number, inverse) for inverse, number in tried), strict=True))
        for (inverse_penalty, number), margin in zip(tried, fitted, strict=True):
            margins[inverse_penalty][fold == number] = margin
    best = min(margins, key=lambda inverse_penalty: log_loss(y, margins[inverse_penalty]))
    return margins[best], best


def _regression(x: sparse.csr_matrix, y: Floats, inverse_penalty: float) -> LogisticRegression:
    return LogisticRegression(C=inverse_penalty, solver="liblinear", max_iter=1000).fit(x, y)


def _log_odds(model: LogisticRegression, x: sparse.csr_matrix) -> Floats:
    return np.asarray(model.decision_function(x), dtype=np.float64)


def _tree_columns(columns: TabularBlock, words: Floats | None) -> Floats:
    """float64 (n, n_columns): numbers, categories as codes, and what the words say where it is given."""
    word_column = np.zeros((len(columns), 0)) if words is None else words[:, None]
    return np.hstack([columns.x_num.astype(np.float64), columns.x_cat.astype(np.float64), word_column])


def _trees_out_of_fold(x: Floats, y: Floats, fold: Ints) -> tuple[Floats, Capacity]:
    """Out-of-fold log-odds of the capacity that is best."""
    numbers = np.unique(fold)

    def fit_on(n_leaves: int, number: int) -> list[Floats]:
        booster = _boosted(x[fold != number], y[fold != number], Capacity(n_leaves, max(N_TREES)))
        return [_raw(booster, x[fold == number], n_trees) for n_trees in N_TREES]

    tried = list(product(LEAVES, numbers))
    margins = {Capacity(*capacity): np.zeros(len(y)) for capacity in product(LEAVES, N_TREES)}
    with lone_workers(torch.device("cpu")) as pool:
        for (n_leaves, number), by_size in zip(tried, pool.map(fit_on, *zip(*tried, strict=True)), strict=True):
            for n_trees, margin in zip(N_TREES, by_size, strict=True):
                margins[Capacity(n_leaves, n_trees)][fold == number] = margin
    best = min(margins, key=lambda capacity: log_loss(y, margins[capacity]))
    return margins[best], best


def _boosted(x: Floats, y: Floats, capacity: Capacity) -> lgb.Booster:
    parameters = {
        "objective": "binary",
        "learning_rate": 0.05,
        "num_leaves": capacity.n_leaves,
        "feature_fraction": 0.7,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": 0,
        "verbosity": -1,
    }
    return lgb.train(parameters, lgb.Dataset(_some_column(x), y), num_boost_round=capacity.n_trees)


def _raw(booster: lgb.Booster, x: Floats, n_trees: int) -> Floats:
    margin = booster.predict(_some_column(x), raw_score=True, num_iteration=n_trees, num_threads=1)
    return np.asarray(margin, dtype=np.float64)


def _some_column(x: Floats) -> Floats:
    """``x``, or one constant column, which is never split: the base rate."""
    return x if x.shape[1] else np.zeros((len(x), 1))
