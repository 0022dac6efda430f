"""When to stop: once more trials promise less than the noise of the folds, by Optuna's terminator (Makarova et al.,
AutoML 2022).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.terminator import (
    CrossValidationErrorEvaluator,
    RegretBoundEvaluator,
    Terminator,
    report_cross_validation_scores,
)
from optuna.trial import FrozenTrial

FLAT = "flat"
FEW = 20  # trials before the question is asked at all


def note_scores(trial: optuna.Trial, scores: Sequence[float]) -> None:
    """Note the objective of each fold alone, two at least, which shows how noisy a trial's value is."""
    with _quiet():
        report_cross_validation_scores(trial, list(scores))


def stop_when_flat() -> Callable[[optuna.Study, FrozenTrial], None]:
    """A callback that stops the study, and marks it as flat."""
    with _quiet():
        terminator = Terminator(RegretBoundEvaluator(), CrossValidationErrorEvaluator(), min_n_trials=FEW)

    def stop(study: optuna.Study, _: FrozenTrial) -> None:
        with _quiet():
            if terminator.should_terminate(study):
                study.set_user_attr(FLAT, True)
                study.stop()

    return stop


def is_flat(study: optuna.Study) -> bool:
    """Whether a worker has found the study flat."""
    return bool(study.user_attrs.get(FLAT, False))


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna announces that its terminator will go with version 6; the version is pinned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", "`optuna.terminator` module", FutureWarning)
        yield
