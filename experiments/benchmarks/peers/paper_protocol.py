"""Creditfusion under the protocol of Sanz-Guerrero and Arroyo (Inteligencia Artificial 28(75), 2025, arXiv 2401.16458).

Loans with a narrative only, eight columns, shuffled stratified folds. On the same rows and folds: XGBoost on the
columns; XGBoost that also sees the score of a BERT classifier with a tuned last layer; creditfusion. Every choice
(depth and number of trees, the classifier's learning rate) is made inside a fold's training rows, and the score of a
training row comes from a classifier that never saw its outcome. Beside it stands the variant in which it did.

Folds are shuffled, so decisions of all years weigh alike in creditfusion, too; else it runs with its defaults.

    python -m experiments.benchmarks.peers.paper_protocol --schema lending_club --data applications.csv.gz \\
        --cache vectors
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import StratifiedKFold

from data_schemas.contract import Schema
from data_schemas.reader import load_schema, parse_schema
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from experiments.benchmarks.peers.paper_bert import Classifier, Tuning, choose, nested_scores
from experiments.benchmarks.peers.paper_boosting import boosted, matrix
from experiments.options import vector_cache
from features.arrays import Floats, Index
from features.design import Design, TextBlock
from features.encoders.opening import open_encoder
from features.narratives.reader import clean_narrative
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from features.tabular import TabularEncoder
from fusion.config import Config
from fusion.metrics import Gain, auc, brier, brier_gain, delong
from fusion.model.folds import tied_groups
from fusion.model.fusion_model import Margins
from fusion.model.training import fit
from fusion.model.training_sample import TrainingSample
from fusion.text_encoder import CACHE_GB, VectorCache, open_reader, open_text_encoder

FEATURES = "annual_inc,dti,loan_amnt,fico_range_low,emp_length,purpose,home_ownership,addr_state"
KEPT_ROLES = ("id", "decision_date", "target")
INNER_FOLDS = 5
LONGEST = 512  # tokens, BERT's own limit; a longer narrative is cut
RATES = (5e-5, 2e-4, 8e-4)  # the first is one of BERT's own, for tuning all layers; one layer alone may want more
EPOCHS = 3

COLUMNS = "XGBoost, columns"
WITH_SCORE = "XGBoost, columns and BERT score"
IN_SAMPLE = "the same, training rows scored in sample"
SCORE = "BERT score alone"
OURS_COLUMNS = "creditfusion, columns only"
OURS = "creditfusion"
OURS_TEXT = "creditfusion, text only"
METHODS = (COLUMNS, WITH_SCORE, IN_SAMPLE, SCORE, OURS_COLUMNS, OURS, OURS_TEXT)
PAIRS = (
    (WITH_SCORE, COLUMNS),
    (IN_SAMPLE, COLUMNS),
    (OURS_COLUMNS, COLUMNS),
    (OURS, OURS_COLUMNS),
    (OURS, COLUMNS),
    (OURS, WITH_SCORE),
    (OURS_TEXT, SCORE),
)


@dataclass(frozen=True)
class Choices:
    """What is fixed beforehand.

    Attributes:
        ordered: Text columns whose levels are in order.
        grid: What the classifier's training is chosen from.
        threads: Processor threads of XGBoost.
    """

    ordered: Sequence[str]
    grid: Sequence[Tuning]
    seed: int
    threads: int


@dataclass(frozen=True)
class Rows:
    """What every method sees: loans with a narrative and the kept columns.

    Attributes:
        text: The narratives as creditfusion reads them.
        classifier: The narratives as BERT reads them.
        seconds: What the reading took.
    """

    read: Applications
    text: TextBlock
    classifier: Classifier
    seconds: Mapping[str, float]

    @staticmethod
    def of(read: Applications, source: str, longest: int, cache: VectorCache | None) -> Rows:
        """Read the narratives with the encoder ``source``, for BERT their first ``longest`` tokens."""
        config = Config()
        settings = config.encoder.model_copy(update={"source": source, "window": min(config.encoder.window, longest)})
        began = time.perf_counter()
        encoder = open_text_encoder(settings, cache)
        text = open_reader(read.schema, config.text, encoder).read(read)
        ours = time.perf_counter() - began
        began = time.perf_counter()
        narrative = read.schema.narratives[0].name
        bert = open_encoder(source, window=settings.window)
        classifier = Classifier.open(source, bert, clean_narrative(read, narrative), longest)
        return Rows(read, text, classifier, {OURS: ours, SCORE: time.perf_counter() - began})


@dataclass(frozen=True)
class Scored:
    """The test rows of one fold.

    Attributes:
        margin: By method, log-odds of bad, float64 (n_test,).
        seconds: Of fitting, where a method is fitted by itself.
        rate: The learning rate chosen for the BERT classifier.
    """

    test: Index
    margin: Mapping[str, Floats]
    seconds: Mapping[str, float]
    rate: float


@dataclass(frozen=True)
class ProtocolFigures:
    """One method.

    Attributes:
        fold_auc: In every fold.
        auc: Of all out-of-fold log-odds together, as each fold gives them.
        brier: Likewise; of all out-of-fold log-odds together, as each fold gives them.
        seconds: Mean of fitting a fold, None where the method is not fitted by itself.
    """

    fold_auc: tuple[float, ...]
    auc: float
    brier: float
    seconds: float | None


@dataclass(frozen=True)
class ModelPair:
    """One method against another: DeLong and the Brier score's gain on all out-of-fold log-odds together, and DeLong in
    every fold.
    """

    model: str
    against: str
    auc: Gain
    brier: Gain
    folds: tuple[Gain, ...]


def reduced(schema: Schema, features: Sequence[str], narrative: str) -> Schema:
    """The schema with these features and one narrative; all other columns are ignored, none is derived."""
    document = json.loads(schema.source)
    for column in document["fields"]:
        role = column["creditfusion"]["role"]
        if column["name"] not in (*features, narrative) and role not in KEPT_ROLES:
            column["creditfusion"] = {"role": "ignored"}
    document["creditfusion"]["derived"] = []
    return parse_schema(json.dumps(document), f"{schema.name}, reduced")


def with_narrative(read: Applications, name: str) -> Applications:
    """The rows whose narrative has text in it once it is clean."""
    return read.take(np.array([bool(text) for text in clean_narrative(read, name)], np.bool_))


def score_folds(rows: Rows, choices: Choices, n_folds: int) -> list[Scored]:
    """Every method on shuffled folds, stratified by outcome."""
    y, folds = rows.read.outcome(), list[Scored]()
    for train, test in StratifiedKFold(n_folds, shuffle=True, random_state=choices.seed).split(y, y):
        tell(f"fold {len(folds) + 1}: {len(train):,} rows to learn from, {len(test):,} to judge")
        folds.append(score_fold(rows, choices, train, test))
    return folds


def score_fold(rows: Rows, choices: Choices, train: Index, test: Index) -> Scored:
    """Every method fitted on ``train`` and applied to ``test``."""
    y, seed, threads = rows.read.outcome(), choices.seed, choices.threads
    margin: dict[str, Floats] = {}
    encoder = TabularEncoder.fit(rows.read.take(train))
    x = matrix(rows.read, encoder, choices.ordered)
    clock = _StageClock()
    margin[COLUMNS] = boosted(x[train], y[train], x[test], seed, threads)
    clock.lap(COLUMNS)
    tuning = choose(rows.classifier, y, train, choices.grid, seed)
    score = nested_scores(rows.classifier, y, train, test, tuning, INNER_FOLDS, seed)
    margin[SCORE] = score.test
    clock.lap(SCORE)
    later = np.column_stack([x[test], score.test])
    for name, train_score in ((WITH_SCORE, score.own), (IN_SAMPLE, score.in_sample)):
        margin[name] = boosted(np.column_stack([x[train], train_score]), y[train], later, seed, threads)
        clock.lap(name)
    ours = fused(rows, encoder, train, test)
    clock.lap(OURS)
    margin |= {OURS: ours.fused, OURS_COLUMNS: ours.columns_only, OURS_TEXT: ours.text_only}
    seconds = {name: clock.laps[name] for name in (COLUMNS, SCORE, WITH_SCORE, OURS)}
    return Scored(test, margin, seconds | {WITH_SCORE: seconds[SCORE] + seconds[WITH_SCORE]}, tuning.learning_rate)


class _StageClock:
    """Seconds of one thing after the other; also tells of them."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._began = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._began = now - self._began, now
        tell(f"  {name}: {self.laps[name]:.0f} s")


def fused(rows: Rows, encoder: TabularEncoder, train: Index, test: Index) -> Margins:
    """What creditfusion and its ablations, with their defaults, say of ``test``; all years weigh alike."""
    design, own = Design(encoder.encode(rows.read), rows.text), rows.read.take(train)
    sample = TrainingSample(design.take(train), own.outcome(), tied_groups(own), encoder.monotone)
    model, _ = fit(sample, Config())
    return model.margins(design.take(test))


def figures_by_method(y: Floats, folds: Sequence[Scored]) -> dict[str, ProtocolFigures]:
    """The figures by method. y: float64 (n,), of all rows."""
    test = np.concatenate([fold.test for fold in folds])
    found = {}
    for name in METHODS:
        margin = np.concatenate([fold.margin[name] for fold in folds])
        own = tuple(auc(y[fold.test], fold.margin[name]) for fold in folds)
        seconds = [fold.seconds[name] for fold in folds if name in fold.seconds]
        mean = float(np.mean(seconds)) if seconds else None
        found[name] = ProtocolFigures(own, auc(y[test], margin), brier(y[test], margin), mean)
    return found


def compared(y: Floats, folds: Sequence[Scored]) -> list[ModelPair]:
    """The pairs of methods that are of interest. y: float64 (n,), of all rows."""
    test = np.concatenate([fold.test for fold in folds])
    found = []
    for one, other in PAIRS:
        a, b = (np.concatenate([fold.margin[name] for fold in folds]) for name in (one, other))
        by_fold = tuple(delong(y[fold.test], fold.margin[one], fold.margin[other]) for fold in folds)
        found.append(ModelPair(one, other, delong(y[test], a, b), brier_gain(y[test], a, b), by_fold))
    return found


def tables(figures: Mapping[str, ProtocolFigures], pairs: Sequence[ModelPair]) -> str:
    """The figures and the differences, as Markdown."""
    numbers = [f"fold {number + 1}" for number in range(len(figures[OURS].fold_auc))]
    first = []
    for name, own in figures.items():
        folds = [f"{value:.4f}" for value in own.fold_auc]
        seconds = "" if own.seconds is None else f"{own.seconds:.0f}"
        first.append([name, f"{np.mean(own.fold_auc):.4f}", f"{own.auc:.4f}", *folds, f"{own.brier:.5f}", seconds])
    second = []
    for pair in pairs:
        gain = f"{pair.auc.difference:+.4f} ({pair.auc.low:+.4f} to {pair.auc.high:+.4f})"
        folds = [f"{fold.difference:+.4f}" for fold in pair.folds]
        less = f"{pair.brier.difference:+.5f} (p {pair.brier.p:.2g})"
        second.append([f"{pair.model} against {pair.against}", gain, f"{pair.auc.p:.2g}", *folds, less])
    heads = ["method", "mean AUC", "AUC, all folds", *numbers, "Brier", "seconds a fold"]
    gains = ["method", "gain in AUC (95 % interval)", "DeLong p", *numbers, "Brier, less by"]
    return f"{markdown(heads, first)}\n\n{markdown(gains, second)}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = _options()
    given = options.parse_args(arguments)
    if find_spec("xgboost") is None:
        options.error("XGBoost is not installed; run `pip install creditfusion[benchmarks]`")
    torch.set_num_threads(given.threads)
    schema = reduced(load_schema(given.schema), given.features.split(","), given.narrative)
    read = with_narrative(read_all(given.data, schema, ReadOptions(need_target=True)).applications, given.narrative)
    y = read.outcome()
    tell(f"{len(y):,} rows, {int(y.sum()):,} bad")
    rows = Rows.of(read, given.encoder, given.longest, vector_cache(given.cache, CACHE_GB, False, print))
    tell(f"narratives read, seconds: {rows.seconds}")
    grid = tuple(Tuning(rate, EPOCHS) for rate in RATES)
    choices = Choices(given.ordered.split(","), grid, given.seed, given.threads)
    folds = score_folds(rows, choices, given.folds)
    figures, pairs = figures_by_method(y, folds), compared(y, folds)
    n, n_bad, rates = len(y), int(y.sum()), [fold.rate for fold in folds]
    found = {
        "rows": n,
        "bad": n_bad,
        "reading": rows.seconds,
        "rates": rates,
        "figures": {name: asdict(own) for name, own in figures.items()},
        "pairs": [asdict(pair) for pair in pairs],
    }
    read_in = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in rows.seconds.items())
    words = f"{n:,} rows, {n_bad:,} bad; narratives read: {read_in}; learning rates: {', '.join(map(str, rates))}"
    publish(found, f"{tables(figures, pairs)}\n\n{words}", given.json)


def _options() -> argparse.ArgumentParser:
    made = parser(__doc__ or "")
    made.add_argument("--schema", required=True, help="schema file, or the name of a shipped one")
    made.add_argument("--data", type=Path, required=True, help="decided applications")
    made.add_argument("--features", default=FEATURES, help="the columns (default: %(default)s)")
    made.add_argument("--ordered", default="emp_length", help="text columns whose levels are in order")
    made.add_argument("--narrative", default="desc", help="the narrative (default: %(default)s)")
    made.add_argument("--encoder", default="embedded", help="text encoder of both BERT and creditfusion")
    made.add_argument("--longest", type=int, default=LONGEST, help="tokens that BERT reads (default: %(default)s)")
    made.add_argument("--folds", type=int, default=5, help="folds (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of folds and fits (default: %(default)s)")
    made.add_argument("--threads", type=int, default=2, help="processor threads (default: %(default)s)")
    made.add_argument("--cache", type=Path, help="folder of the vectors already computed")
    return made


if __name__ == "__main__":
    main()
