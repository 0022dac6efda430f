"""Pipelines of columns and words that an analyst writes in an hour, tuned by log-loss over the training rows' folds.

- *components*: LightGBM on the columns and the first components of the TF-IDF of words and pairs of words.
- *log_odds*: LightGBM on the columns and the log-odds of a logistic regression on that TF-IDF, out of fold.
- *linear*: logistic regression on columns and TF-IDF, or on the TF-IDF alone where that is better.

Trees see levels of few rows as missing, and the length of each text. Words are weighed, components found and numbers
scaled over all training rows at once: no outcome enters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

from experiments.benchmarks.peers.contenders.boosted import column_values
from experiments.benchmarks.peers.contenders.tables import About, Budget, Training
from features.arrays import Floats, Index
from fusion.metrics import log_loss

COMPONENTS, MIN_ROWS, MIN_TEXTS = 50, 20, 3
PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # C of the logistic regression: more is less penalty
LEAVES, LEAF_ROWS = (4, 7, 15, 31, 63), (10, 50)
FEATURE_SHARES, RIDGES = (0.3, 1.0), (1.0, 50.0)
FAST, SLOW = 0.1, 0.03  # learning rates: of the search, and tried for what it found
MAX_TREES, PATIENCE = 1500, 25
PIPELINE = "pipeline.joblib"  # scikit-learn has no other form for a whole pipeline; this process wrote it itself
Splits = Sequence[tuple[Index, Index]]


@dataclass(frozen=True)
class Trees:
    """LightGBM on columns, lengths of texts, and what is drawn from their words.

    Attributes:
        booster: The model in LightGBM's own form.
        levels: Levels of the columns, as ``boosted.column_values`` takes them.
        narratives: Columns of text.
        words: The TF-IDF of the texts; None without texts.
        components: Of the words; None where ``linear`` is used.
        linear: The log-odds of the words; None where ``components`` is used.
    """

    booster: str
    levels: Mapping[str, list[str]]
    narratives: tuple[str, ...]
    words: ColumnTransformer | None
    components: TruncatedSVD | None = None
    linear: LogisticRegression | None = None

    def predict(self, frame: pd.DataFrame) -> Floats:
        """PDs of a frame."""
        drawn = np.zeros((len(frame), 0))
        if self.words is not None:
            x = self.words.transform(_filled(frame, self.narratives))
            drawn = self.components.transform(x) if self.components is not None else _margins(self.linear, x)[:, None]
        inputs = tree_inputs(frame, self.levels, self.narratives, drawn)
        return np.asarray(lgb.Booster(model_str=self.booster).predict(inputs), dtype=np.float64)


@dataclass(frozen=True)
class Linear:
    """A logistic regression.

    Attributes:
        texts: Columns of text and levels, whose missing cells are empty texts.
        inputs: Makes its inputs.
        model: The regression.
    """

    texts: tuple[str, ...]
    inputs: ColumnTransformer
    model: LogisticRegression

    def predict(self, frame: pd.DataFrame) -> Floats:
        """PDs of a frame."""
        return np.asarray(expit(_margins(self.model, self.inputs.transform(_filled(frame, self.texts)))))


def fit_components(training: Training, folder: Path, _budget: Budget) -> Mapping[str, object]:
    """Tune, fit and save trees on columns and components of words; the settings found."""
    narratives = training.about.narratives
    words, x = _words(training)
    components, drawn = None, np.zeros((len(training.y), 0))
    if x is not None:
        components = TruncatedSVD(min(COMPONENTS, x.shape[1] - 1), random_state=0)
        drawn = components.fit_transform(x)
    levels = frequent_levels(training)
    booster, found = _search(tree_inputs(training.frame, levels, narratives, drawn), training, levels)
    joblib.dump(Trees(booster, levels, narratives, words, components), folder / PIPELINE)
    return found


def fit_log_odds(training: Training, folder: Path, _budget: Budget) -> Mapping[str, object]:
    """Tune, fit and save trees on columns and the out-of-fold log-odds of the words; the settings found."""
    narratives = training.about.narratives
    words, x = _words(training)
    linear, drawn, of_words = None, np.zeros((len(training.y), 0)), {}
    if x is not None:
        penalty, margins, loss = best_penalty(x, training.y, training.splits)
        linear, drawn = _regression(penalty).fit(x, training.y), margins[:, None]
        of_words = {"C": penalty, "words_log_loss": loss}
    levels = frequent_levels(training)
    booster, found = _search(tree_inputs(training.frame, levels, narratives, drawn), training, levels)
    joblib.dump(Trees(booster, levels, narratives, words, linear=linear), folder / PIPELINE)
    return {**found, **of_words}


def fit_linear(training: Training, folder: Path, _budget: Budget) -> Mapping[str, object]:
    """Tune, fit and save a logistic regression; the settings found."""
    about = training.about
    texts = (*about.levels, *about.narratives)
    frame = _filled(training.frame, texts)
    sides = {"all inputs": _linear_inputs(training.frame, about)}
    if about.narratives:
        sides["words"] = _tfidf(about.narratives)
    found = {}
    for name, inputs in sides.items():
        x = sparse.csr_matrix(inputs.fit_transform(frame))
        penalty, _, loss = best_penalty(x, training.y, training.splits)
        found[name] = loss, penalty, x
    name = min(found, key=lambda one: found[one][0])
    loss, penalty, x = found[name]
    model = _regression(penalty).fit(x, training.y)
    joblib.dump(Linear(texts, sides[name], model), folder / PIPELINE)
    return {"inputs": name, "C": penalty, "log_loss": loss}


def load(folder: Path, _budget: Budget) -> Callable[[pd.DataFrame], Floats]:
    """A saved contender: PDs of a frame."""
    fitted: Trees | Linear = joblib.load(folder / PIPELINE)
    return fitted.predict


def frequent_levels(training: Training) -> dict[str, list[str]]:
    """For every column the trees see, in their order, its levels of ``MIN_ROWS`` rows or more; an empty list for a
    column of numbers. A text column without such a level is left out.
    """
    about, found = training.about, {}
    for name in map(str, training.frame):
        if name in about.levels:
            counts = training.frame[name].value_counts()
            if frequent := sorted(str(level) for level, n in counts.items() if n >= MIN_ROWS):
                found[name] = frequent
        elif name not in about.narratives:
            found[name] = []
    return found


def tree_inputs(
    frame: pd.DataFrame, levels: Mapping[str, list[str]], narratives: Sequence[str], drawn: Floats
) -> Floats:
    """float64 (n, inputs): columns, length of each text (0 without one), and what was drawn from the words."""
    lengths = [frame[name].fillna("").str.len().to_numpy(np.float64)[:, None] for name in narratives]
    return np.hstack([column_values(frame, levels), *lengths, drawn])


def best_penalty(x: sparse.csr_matrix, y: Floats, splits: Splits) -> tuple[float, Floats, float]:
    """The C of least log-loss over the folds, its margins out of fold, and that log-loss."""
    found = []
    for penalty in PENALTIES:
        margins = np.zeros(len(y))
        for learn, held_out in splits:
            margins[held_out] = _margins(_regression(penalty).fit(x[learn], y[learn]), x[held_out])
        found.append((log_loss(y, margins), penalty, margins))
        if len(found) > 2 and found[-1][0] > found[-2][0] > found[-3][0]:
            break  # the loss has one valley
    loss, penalty, margins = min(found, key=lambda one: one[0])
    return penalty, margins, loss


def _regression(penalty: float) -> LogisticRegression:
    return LogisticRegression(C=penalty, max_iter=3000, tol=1e-3)


def _margins(model: LogisticRegression | None, x: sparse.csr_matrix) -> Floats:
    assert model is not None
    return np.asarray(model.decision_function(x), dtype=np.float64)


def _filled(frame: pd.DataFrame, texts: Sequence[str]) -> pd.DataFrame:
    """The frame with empty texts where a cell of these columns is missing."""
    return frame.assign(**{name: frame[name].fillna("").astype(object) for name in texts})


def _tfidf(narratives: Sequence[str]) -> ColumnTransformer:
    """TF-IDF of words and pairs of words, each narrative by itself."""
    reader = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=MIN_TEXTS)
    return ColumnTransformer([(name, reader, name) for name in narratives], sparse_threshold=1.0)


def _words(training: Training) -> tuple[ColumnTransformer | None, sparse.csr_matrix | None]:
    """The fitted TF-IDF with its matrix of the training rows; None, None without texts."""
    if not training.about.narratives:
        return None, None
    words = _tfidf(training.about.narratives)
    return words, sparse.csr_matrix(words.fit_transform(_filled(training.frame, training.about.narratives)))


def _linear_inputs(frame: pd.DataFrame, about: About) -> ColumnTransformer:
    """Numbers on the scale of a normal variable, with flags where they are missing; levels one by one; words."""
    texts = {*about.levels, *about.narratives}
    numbers = [str(name) for name in frame if name not in texts]
    scaled = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        QuantileTransformer(n_quantiles=100, output_distribution="normal", subsample=None),
    )
    levels = OneHotEncoder(min_frequency=MIN_ROWS, handle_unknown="infrequent_if_exist")
    parts = [
        ("numbers", scaled, numbers),
        ("missing", MissingIndicator(features="all"), [name for name in numbers if frame[name].isna().any()]),
        ("levels", levels, list(about.levels)),
        ("words", _tfidf(about.narratives), list(about.narratives)),
    ]
    return ColumnTransformer([part for part in parts if part[2]], sparse_threshold=1.0)


def _search(x: Floats, training: Training, levels: Mapping[str, list[str]]) -> tuple[str, Mapping[str, object]]:
    """A booster of all rows, and the settings of least log-loss: shape of the trees, then what holds them back, then
    a slower rate.
    """
    coded = [i for i, known in enumerate(levels.values()) if known]

    def tried(candidates: Sequence[Mapping[str, float]]) -> list[tuple[float, int, dict[str, float]]]:
        return [(*_loss(x, training, coded, one), dict(one)) for one in candidates]

    begin = {"learning_rate": FAST, "feature_fraction": 0.6, "lambda_l2": 10.0}
    found = tried([{**begin, "num_leaves": n, "min_data_in_leaf": rows} for n in LEAVES for rows in LEAF_ROWS])
    shape = min(found, key=lambda one: one[0])[2]
    found += tried([{**shape, "feature_fraction": part, "lambda_l2": l2} for part in FEATURE_SHARES for l2 in RIDGES])
    best = min(found, key=lambda one: one[0])[2]
    found += tried([{**best, "learning_rate": SLOW}])
    loss, trees, settings = min(found, key=lambda one: one[0])
    booster = lgb.train(_settings(settings), _data(x, training.y, coded), trees)
    return booster.model_to_string(), {**settings, "trees": trees, "log_loss": loss, "tried": len(found)}


def _loss(x: Floats, training: Training, coded: list[int], settings: Mapping[str, float]) -> tuple[float, int]:
    """The mean log-loss of the folds, and the number of trees that gives it."""
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    data = _data(x, training.y, coded)
    found = lgb.cv(_settings(settings), data, MAX_TREES, folds=training.splits, callbacks=[stop])
    curve = np.asarray(found["valid binary_logloss-mean"], dtype=np.float64)
    return float(curve[-1]), len(curve)


def _data(x: Floats, y: Floats, coded: list[int]) -> lgb.Dataset:
    return lgb.Dataset(x, y, categorical_feature=coded, free_raw_data=False)


def _settings(found: Mapping[str, float]) -> dict[str, object]:
    fixed = {"objective": "binary", "bagging_fraction": 0.8, "bagging_freq": 1, "seed": 0}
    return {**found, **fixed, "deterministic": True, "force_row_wise": True, "verbose": -1}
