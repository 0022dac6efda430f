"""skrub's TableVectorizer before scikit-learn's gradient boosting, as ``skrub.tabular_pipeline`` joins them; settings
of the trees found by Optuna.

skrub turns a text column of more than 40 values into 30 dimensions (TF-IDF of its letters, cut by SVD) and keeps others
as levels. It does so once, over all training rows: no outcome enters. Settings and number of trees are those of the
least log-loss over the training rows' folds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import joblib
import numpy as np
import optuna
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from skrub import tabular_pipeline

from experiments.benchmarks.peers.contenders.tables import Budget, Training
from features.arrays import Floats

MAX_TREES, PATIENCE = 1000, 30
PIPELINE = "pipeline.joblib"  # scikit-learn has no other form for a whole pipeline; this process wrote it itself


def fit(training: Training, folder: Path, budget: Budget) -> Mapping[str, object]:
    """Tune, fit and save; the settings found."""
    pipeline = tabular_pipeline(HistGradientBoostingClassifier(categorical_features="from_dtype"))
    x = pipeline[:-1].fit_transform(training.frame)

    def loss(trial: optuna.Trial) -> float:
        losses, trees = [], []
        for learn, held_out in training.splits:
            trees_of = _trees(trial, budget, early_stopping=True, max_iter=MAX_TREES, n_iter_no_change=PATIENCE)
            trees_of.fit(x.iloc[learn], training.y[learn], X_val=x.iloc[held_out], y_val=training.y[held_out])
            best = int(np.argmax(trees_of.validation_score_))
            losses.append(-float(trees_of.validation_score_[best]))
            trees.append(max(best, 1))
        trial.set_user_attr("trees", round(float(np.mean(trees))))
        return float(np.mean(losses))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=budget.seed))
    study.optimize(loss, n_trials=budget.trials)
    n_trees = int(study.best_trial.user_attrs["trees"])
    pipeline.steps[-1] = (
        pipeline.steps[-1][0],
        _trees(study.best_trial, budget, early_stopping=False, max_iter=n_trees, n_iter_no_change=PATIENCE),
    )
    pipeline.fit(training.frame, training.y)
    joblib.dump(pipeline, folder / PIPELINE)
    return {**study.best_params, "trees": n_trees, "log_loss": study.best_value, "trials": budget.trials}


def load(folder: Path, _budget: Budget) -> Callable[[pd.DataFrame], Floats]:
    """A saved contender: PDs of a frame."""
    pipeline = joblib.load(folder / PIPELINE)
    return lambda frame: np.asarray(pipeline.predict_proba(frame)[:, 1], dtype=np.float64)


def _trees(
    trial: optuna.Trial | optuna.trial.FrozenTrial,
    budget: Budget,
    *,
    early_stopping: bool,
    max_iter: int,
    n_iter_no_change: int,
) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        learning_rate=trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        max_leaf_nodes=trial.suggest_int("max_leaf_nodes", 3, 63, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 10, 300, log=True),
        l2_regularization=trial.suggest_float("l2_regularization", 0.1, 100.0, log=True),
        max_features=trial.suggest_float("max_features", 0.2, 1.0),
        categorical_features="from_dtype",
        early_stopping=early_stopping,
        max_iter=max_iter,
        n_iter_no_change=n_iter_no_change,
        random_state=budget.seed,
    )
