"""One contender in one process: fits and saves a model, or loads it and scores; says in JSON how long that took.

    python -m experiments.benchmarks.peers.contenders.child fit --contender columns --tables DIR --model DIR \
        --budget JSON
    python -m experiments.benchmarks.peers.contenders.child score --contender columns --tables DIR --model DIR \
        --budget JSON --rounds 3 --out pd.npy

``fit`` counts from the table in memory to the model on the disk, ``score`` from the table in memory to the PDs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path

import numpy as np

from experiments.benchmarks.peers.contenders.tables import Budget, read_about, read_later, read_training
from features.arrays import Floats

OWN, COLUMNS, WORDS, SKRUB, AUTOGLUON = "creditfusion", "columns", "words", "skrub", "autogluon"
COMPONENTS, LOG_ODDS, LINEAR = PLAIN = "components", "log_odds", "linear"
LIBRARIES = {
    OWN: ("creditfusion", "torch", "lightgbm"),
    COLUMNS: ("lightgbm",),
    WORDS: ("lightgbm", "scikit-learn"),
    SKRUB: ("skrub", "scikit-learn"),
    COMPONENTS: ("lightgbm", "scikit-learn"),
    LOG_ODDS: ("lightgbm", "scikit-learn"),
    LINEAR: ("scikit-learn",),
    AUTOGLUON: ("autogluon.tabular", "lightgbm", "catboost", "xgboost-cpu", "torch"),
}


def fit(contender: str, tables: Path, model: Path, budget: Budget) -> Mapping[str, object]:
    """Fit and save; what the contender says of its settings, and ``seconds``."""
    if contender == OWN:
        from experiments.benchmarks.peers.contenders import own

        return own.fit(read_about(tables), model, budget)
    training = read_training(tables)
    model.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    found = _fitting(contender)(training, model, budget)
    return {**found, "seconds": time.perf_counter() - begin}


def score(contender: str, tables: Path, model: Path, budget: Budget, rounds: int) -> tuple[Floats, list[float]]:
    """PDs of the later rows, and the seconds of every round."""
    predict = _predicting(contender, tables, model, budget)
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        found = predict()
        seconds.append(time.perf_counter() - begin)
    return found, seconds


def _fitting(contender: str) -> Callable[..., Mapping[str, object]]:
    """Imported here, each with what it needs alone: imports count as memory."""
    if contender == AUTOGLUON:
        from experiments.benchmarks.peers.contenders import autogluon_ensemble

        return autogluon_ensemble.fit
    if contender == SKRUB:
        from experiments.benchmarks.peers.contenders import skrub_pipeline

        return skrub_pipeline.fit
    if contender in PLAIN:
        from experiments.benchmarks.peers.contenders import plain

        return {COMPONENTS: plain.fit_components, LOG_ODDS: plain.fit_log_odds, LINEAR: plain.fit_linear}[contender]
    from experiments.benchmarks.peers.contenders import boosted

    return boosted.fit_words if contender == WORDS else boosted.fit_columns


def _predicting(contender: str, tables: Path, model: Path, budget: Budget) -> Callable[[], Floats]:
    """Everything loaded, the table in memory: what is left is to score it."""
    if contender == OWN:
        from experiments.benchmarks.peers.contenders import own

        answer, applications = own.load(model, budget), own.read_later(read_about(tables))
        return lambda: answer(applications)
    if contender == AUTOGLUON:
        from experiments.benchmarks.peers.contenders.autogluon_ensemble import load
    elif contender == SKRUB:
        from experiments.benchmarks.peers.contenders.skrub_pipeline import load
    elif contender in PLAIN:
        from experiments.benchmarks.peers.contenders.plain import load
    else:
        from experiments.benchmarks.peers.contenders.boosted import load
    predict, frame = load(model, budget), read_later(tables)
    return lambda: predict(frame)


def main(arguments: Sequence[str] | None = None) -> None:
    """Fit or score; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["fit", "score"])
    parser.add_argument("--contender", required=True, choices=list(LIBRARIES))
    parser.add_argument("--tables", type=Path, required=True, help="folder that tables.write_tables wrote")
    parser.add_argument("--model", type=Path, required=True, help="folder of the saved model")
    parser.add_argument("--budget", type=Budget.parse, required=True, help="tables.Budget as JSON")
    parser.add_argument("--rounds", type=int, default=1, help="how often to score")
    parser.add_argument("--out", type=Path, help="PDs to write, as .npy")
    given = parser.parse_args(arguments)
    with redirect_stdout(sys.stderr):  # what libraries print is not for our reader
        found = _run(given)
    versions = {name: version(name) for name in LIBRARIES[given.contender]}
    print(json.dumps({**found, "versions": versions}))


def _run(given: argparse.Namespace) -> Mapping[str, object]:
    if given.verb == "fit":
        return fit(given.contender, given.tables, given.model, given.budget)
    pd_of_default, seconds = score(given.contender, given.tables, given.model, given.budget, given.rounds)
    np.save(given.out, pd_of_default)
    return {"seconds": seconds}


if __name__ == "__main__":
    main()
