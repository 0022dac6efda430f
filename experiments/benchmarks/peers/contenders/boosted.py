"""LightGBM on the columns, and on the columns beside the TF-IDF of the narratives; settings found by Optuna.

Settings and number of trees are those of the least log-loss over the training rows' folds. Missing levels, and those
that training never met, are missing to the trees. Words are weighed over all training rows at once: no outcome enters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import lightgbm as lgb
import numpy as np
import optuna
import pandas as pd
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from experiments.benchmarks.peers.contenders.tables import Budget, Training
from features.arrays import Floats

MAX_TREES, PATIENCE = 1500, 40
MAX_WORDS, MIN_TEXTS = 2000, 20
BOOSTER, LEVELS, WORDS = "booster.txt", "levels.json", "words.json"
Inputs = Floats | sparse.csr_matrix


def fit_columns(training: Training, folder: Path, budget: Budget) -> Mapping[str, object]:
    """Tune, fit and save on the columns alone; the settings found."""
    levels = learn_levels(training)
    return _fit(column_values(training.frame, levels), levels, training, folder, budget)


def fit_words(training: Training, folder: Path, budget: Budget) -> Mapping[str, object]:
    """Tune, fit and save on the columns and the words of every narrative; the settings found."""
    levels = learn_levels(training)
    readers = {name: _reader() for name in training.about.narratives}
    words = [readers[name].fit_transform(_texts(training.frame, name)) for name in training.about.narratives]
    kept = {name: [reader.get_feature_names_out().tolist(), reader.idf_.tolist()] for name, reader in readers.items()}
    (folder / WORDS).write_text(json.dumps(kept), encoding="utf-8")
    found = _fit(_beside(column_values(training.frame, levels), words), levels, training, folder, budget)
    return {**found, "words": sum(len(one[0]) for one in kept.values())}


def load(folder: Path, _budget: Budget) -> Callable[[pd.DataFrame], Floats]:
    """A saved contender: PDs of a frame."""
    booster = lgb.Booster(model_file=folder / BOOSTER)
    levels: dict[str, list[str]] = json.loads((folder / LEVELS).read_text(encoding="utf-8"))
    readers: dict[str, TfidfVectorizer] = {}
    if (folder / WORDS).exists():
        for name, (terms, idf) in json.loads((folder / WORDS).read_text(encoding="utf-8")).items():
            readers[name] = _reader(terms)
            readers[name].idf_ = np.array(idf)

    def predict(frame: pd.DataFrame) -> Floats:
        columns = column_values(frame, levels)
        x: Inputs = columns
        if readers:
            x = _beside(columns, [reader.transform(_texts(frame, name)) for name, reader in readers.items()])
        return np.asarray(booster.predict(x), dtype=np.float64)

    return predict


def learn_levels(training: Training) -> dict[str, list[str]]:
    """For every column the trees see, in their order, its levels; an empty list for a column of numbers."""
    names = [str(name) for name in training.frame if name not in training.about.narratives]
    texts = {name: sorted(training.frame[name].dropna().unique()) for name in training.about.levels}
    return {name: [str(level) for level in texts.get(name, [])] for name in names}


def column_values(frame: pd.DataFrame, levels: Mapping[str, list[str]]) -> Floats:
    """float64 (n, columns): numbers as they are, levels as codes from 0, NaN where missing or unknown."""
    values = np.empty((len(frame), len(levels)))
    for i, (name, known) in enumerate(levels.items()):
        codes = {level: code for code, level in enumerate(known)}
        values[:, i] = frame[name].map(codes).to_numpy(np.float64) if known else frame[name].to_numpy(np.float64)
    return values


def _reader(terms: list[str] | None = None) -> TfidfVectorizer:
    """Weighs the words of a column of texts: the 2,000 most frequent of those that 20 rows have, or ``terms``."""
    if terms is not None:
        return TfidfVectorizer(sublinear_tf=True, vocabulary=terms)
    return TfidfVectorizer(sublinear_tf=True, min_df=MIN_TEXTS, max_features=MAX_WORDS)


def _texts(frame: pd.DataFrame, name: str) -> list[str]:
    return [str(text) for text in frame[name].fillna("")]


def _beside(columns: Floats, words: list[sparse.csr_matrix]) -> sparse.csr_matrix:
    return sparse.csr_matrix(sparse.hstack([sparse.csr_matrix(columns), *words]))


def _fit(
    x: Inputs, levels: Mapping[str, list[str]], training: Training, folder: Path, budget: Budget
) -> Mapping[str, object]:
    (folder / LEVELS).write_text(json.dumps(dict(levels)), encoding="utf-8")
    coded = [i for i, known in enumerate(levels.values()) if known]

    def data() -> lgb.Dataset:
        return lgb.Dataset(x, training.y, categorical_feature=coded, free_raw_data=False)

    def loss(trial: optuna.Trial) -> float:
        stop = lgb.early_stopping(PATIENCE, verbose=False)
        found = lgb.cv(_settings(trial, budget), data(), MAX_TREES, folds=training.splits, callbacks=[stop])
        curve = np.asarray(found["valid binary_logloss-mean"], dtype=np.float64)
        trial.set_user_attr("trees", len(curve))
        return float(curve[-1])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=budget.seed))
    study.optimize(loss, n_trials=budget.trials)
    trees = int(study.best_trial.user_attrs["trees"])
    lgb.train(_settings(study.best_trial, budget), data(), trees).save_model(folder / BOOSTER)
    return {**study.best_params, "trees": trees, "log_loss": study.best_value, "trials": budget.trials}


def _settings(trial: optuna.Trial | optuna.trial.FrozenTrial, budget: Budget) -> dict[str, object]:
    return {
        "objective": "binary",
        "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.15, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 3, 63, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 300, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.4, 1.0),
        "bagging_freq": 1,
        "cat_smooth": trial.suggest_float("cat_smooth", 1.0, 300.0, log=True),
        "seed": budget.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
