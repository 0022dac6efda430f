"""What reasons for every row cost, stage by stage, beside the encoder and beside shap.

Rounds take turns, in one process that has already started: the encoder alone on the distinct texts; the file scored
without and with reasons, each with an empty cache (cold) and again with the cache that this filled (warm); the trees'
part of the explanation alone, beside shap's interventional TreeExplainer on the same boosters, background and rows,
each on one thread. Making ready is not counted: loading, counting the background, encoding the concepts' statements.

shap keeps thresholds in single precision (https://github.com/shap/shap/issues/5116) and so goes the wrong way at a
value that lies between a threshold and its rounding. Rows with such a value are in no background of shap's, are counted
and are left out where contributions are compared.

    python -m experiments.benchmarks.speed.explain_speed --model model --data applications.csv.gz --since 2011-01-01
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import lightgbm as lgb
import numpy as np
import shap
import torch

from data_schemas.contract import Schema
from experiments.benchmarks.attribution.explained import between
from experiments.benchmarks.measuring import (
    markdown,
    median_ratio,
    model_and_data,
    parser,
    publish,
    rows_of,
    tell,
    write_rows,
)
from experiments.score.job import ScoreFiles, score_file
from experiments.session.run import Run
from features.arrays import Flags, Floats
from features.narratives.reader import clean_narrative
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from fusion.bundle import Bundle, load
from fusion.explain.attribution import ModelOutputs, unwritten
from fusion.explain.leaves import Leaves, leaves_of
from fusion.explain.tree_shapley import TreeGame, count
from fusion.model.stacker import Stacker
from fusion.scorer import Scorer
from fusion.text_encoder import VectorCache, bundle_encoder

N_REASONS = 4
BACKGROUND_ROWS = 100  # of shap
CACHE_GB = 4.0
STAGES = ("columns", "text", "predict", "concepts", "trees", "sentences", "write")
RUNS = ("without, cold", "with, cold", "without, warm", "with, warm")
COLUMNS = (*RUNS[:2], "reasons, cold", *RUNS[2:], "reasons, warm")
SHAP, COUNTED, WHOLE = "shap, 100 background rows", "creditfusion, the same 100", "creditfusion, all background rows"


@dataclass
class Took:
    """Seconds, one figure per round. encoder: the encoder alone, cold. runs: by run and stage. trees: by contender.
    difference: the largest between shap's contributions and ours. n_compared, n_left_out: rows that this is over, and
    rows that shap sends the wrong way.
    """

    encoder: list[float] = field(default_factory=list)
    runs: dict[str, list[Mapping[str, float]]] = field(default_factory=lambda: {name: [] for name in RUNS})
    trees: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in (SHAP, COUNTED, WHOLE)})
    difference: float = 0.0
    n_compared: int = 0
    n_left_out: int = 0


@dataclass(frozen=True)
class Bench:
    """A bundle and the rows that it is measured on. x: what its trees see of them. whole: their game against the
    model's own background; background: float64 (BACKGROUND_ROWS, n_columns), what shap gets of that one.
    """

    bundle: Bundle
    work: Path
    texts: list[str]
    x: Floats
    whole: TreeGame
    background: Floats

    @staticmethod
    def open(bundle: Bundle, work: Path) -> Bench:
        """Read ``data.csv`` in ``work`` and go through everything once, so that no round pays for compiling."""
        applications = read_all(work / "data.csv", bundle.schema, ReadOptions()).applications
        columns = [clean_narrative(applications, one.name) for one in bundle.schema.narratives]
        texts = sorted({text for column in columns for text in column if text})
        scorer = Scorer(bundle, bundle_encoder(bundle, cache=VectorCache(work / "first cache")))
        rows, explainer = scorer.read(applications, sentences=True), scorer.explainer
        reading = ModelOutputs.of(bundle.model, rows.design)
        explainer.explain_outputs(reading, rows.sentences)
        background = bundle.background()
        x = unwritten(bundle.model, background)
        x = x[single_precision_will_do(explainer.trees.leaves, x)]
        some = np.random.default_rng(0).choice(len(x), min(BACKGROUND_ROWS, len(x)), replace=False)
        return Bench(bundle, work, texts, reading.trees.x, explainer.trees, x[np.sort(some)])

    def encode(self) -> float:
        """Seconds of the encoder alone, without a cache."""
        encoder = bundle_encoder(self.bundle).text_encoder
        return seconds(lambda: encoder.encode(self.texts))

    def score(self, n_reasons: int, cache: Path) -> dict[str, float]:
        """Seconds by stage of scoring the file; a part of ``explain`` is that of the trees, measured by itself."""
        encoder = bundle_encoder(self.bundle, cache=VectorCache(cache))
        files = ScoreFiles(self.work / "data.csv", self.work / "out.csv", self.work / "rejects.csv")
        with Run.start("score", None, {}) as run:
            score_file(Scorer(self.bundle, encoder, n_reasons=n_reasons), files, ReadOptions(), run, force=True)
        found = dict(run.clock.seconds)
        if n_reasons:
            found["trees"] = seconds(lambda: self.whole.contributions(self.x))
            found["sentences"] = found["explain"] - found["trees"]
        return found


def compare_trees(stacker: Stacker, x: Floats, background: Floats, whole: TreeGame, took: Took) -> None:
    """One round of the trees' part alone, each contender on one thread. whole: the game on the whole background.

    Beside shap every column is a player of its own, also where several describe one narrative: shap has no groups.
    """
    leaves = leaves_of(stacker, np.arange(x.shape[1]))
    game = TreeGame.of(leaves, count(leaves, background), len(background), x.shape[1])
    explainers = shap_explainers(stacker, background)
    theirs, ours = np.zeros_like(x), np.zeros_like(x)

    def explain_theirs() -> None:
        for explainer, weight in zip(explainers, stacker.weights, strict=True):
            theirs[:] += weight * explainer.shap_values(x, check_additivity=False)

    def explain_ours() -> None:
        ours[:] = game.contributions(x)

    with one_thread():
        took.trees[SHAP].append(seconds(explain_theirs) / len(x))
        took.trees[COUNTED].append(seconds(explain_ours) / len(x))
        took.trees[WHOLE].append(seconds(lambda: whole.contributions(x)) / len(x))
    clear = single_precision_will_do(leaves, x)
    took.n_compared, took.n_left_out = int(clear.sum()), int((~clear).sum())
    took.difference = max(took.difference, float(np.abs(theirs - ours)[clear].max(initial=0.0)))


def single_precision_will_do(leaves: Leaves, x: Floats) -> Flags:
    """bool (n,): the rows that go the same way where every threshold is rounded to single precision."""
    clear = np.ones(len(x), dtype=np.bool_)
    for column in range(x.shape[1]):
        mine = leaves.column == column
        exact = np.unique(np.concatenate([leaves.low[mine], leaves.high[mine]]))
        with np.errstate(over="ignore"):  # open ends
            rounded = exact.astype(np.float32).astype(np.float64)
        clear &= np.searchsorted(exact, x[:, column]) == np.searchsorted(rounded, x[:, column])
    return clear


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    model_and_data(options, n_rows=1000)
    options.add_argument("--since", type=np.datetime64, help="first day of decisions that is looked at")
    options.add_argument("--rounds", type=int, default=3, help="turns of each contender (default: %(default)s)")
    options.add_argument("--shap-rows", type=int, default=200, help="rows that shap explains (default: %(default)s)")
    chosen = options.parse_args(arguments)
    bundle = load(chosen.model)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_rows(work / "data.csv", window(chosen.data, bundle.schema, chosen.since, chosen.rows))
        tell("make ready")
        bench = Bench.open(bundle, work)
        took = take_turns(bench, chosen.rounds, chosen.shap_rows)
    report(took, len(bench.x), len(bundle.background()), chosen.json)


def take_turns(bench: Bench, n_rounds: int, n_shap: int) -> Took:
    """Every contender once a round; with reasons first in one and last in the next."""
    took = Took()
    for number in range(n_rounds):
        took.encoder.append(bench.encode())
        for n_reasons in (0, N_REASONS) if number % 2 == 0 else (N_REASONS, 0):
            name, cache = "with" if n_reasons else "without", bench.work / f"cache {n_reasons}"
            shutil.rmtree(cache, ignore_errors=True)
            took.runs[f"{name}, cold"].append(bench.score(n_reasons, cache))
            took.runs[f"{name}, warm"].append(bench.score(n_reasons, cache))
        compare_trees(bench.bundle.model.fused.stacker, bench.x[:n_shap], bench.background, bench.whole, took)
        tell(f"round {number + 1} of {n_rounds}")
    return took


def window(data: Path, schema: Schema, since: np.datetime64 | None, n_rows: int) -> Iterator[list[str]]:
    """The header and ``n_rows`` records of sound applications since that day, drawn at random, in file order."""
    applications: Applications = between(read_all(data, schema, ReadOptions()).applications, since, None)
    drawn = np.random.default_rng(0).choice(len(applications), min(n_rows, len(applications)), replace=False)
    numbers = set(applications.row_number[drawn].tolist())
    return (row for number, row in enumerate(rows_of(data)) if number == 0 or number in numbers)


def shap_explainers(stacker: Stacker, background: Floats) -> list[shap.TreeExplainer]:
    """shap's explainer of each booster; the contributions of the stacker are the weighted sum of theirs."""
    kind = "interventional"
    boosters = [lgb.Booster(model_str=booster.text) for booster in stacker.boosters]
    return [shap.TreeExplainer(booster, background, feature_perturbation=kind) for booster in boosters]


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for our workers, as many as shap's compiled code uses."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def report(took: Took, n_rows: int, n_background: int, as_json: bool) -> None:
    """Milliseconds per row, medians over the rounds; what reasons add and ratios are medians of those taken side by
    side.
    """
    costs = {name: _by_stage(runs, n_rows) for name, runs in took.runs.items()}
    for state in ("cold", "warm"):
        pairs = zip(took.runs[f"without, {state}"], took.runs[f"with, {state}"], strict=True)
        costs[f"reasons, {state}"] = _by_stage([_added(one, two) for one, two in pairs], n_rows)
    pairs = zip(took.runs["without, cold"], took.runs["with, cold"], strict=True)
    share = median(_all(_added(one, two)) / whole for (one, two), whole in zip(pairs, took.encoder, strict=True))
    encoder = 1000 * median(took.encoder) / n_rows
    lines = [[stage, *(f"{costs[name][stage]:.2f}" for name in COLUMNS)] for stage in (*STAGES, "all")]
    trees = {name: 1000 * median(found) for name, found in took.trees.items()}
    ratios = {name: median_ratio(took.trees[SHAP], found) for name, found in took.trees.items()}
    beside = [[name, f"{trees[name]:.3f}", f"{ratios[name]:,.0f}"] for name in trees]
    about = (
        f"{n_rows:,} rows, median of {len(took.encoder)} rounds, {N_REASONS} reasons per row. The encoder alone, cold: "
        f"{encoder:.2f} ms per row; reasons cost {share:.1%} of that, cold.\n\n"
        f"{n_background:,} background rows in all; largest difference to shap {took.difference:.1e} over "
        f"{took.n_compared:,} rows, {took.n_left_out:,} left out."
    )
    tables = [
        markdown(["ms per row", *COLUMNS], lines),
        markdown(["the trees' part, one thread", "ms per row", "ratio"], beside),
        about,
    ]
    found = {"rows": n_rows, "encoder_ms": encoder, "ms": costs, "share_of_encoder": share, "trees_ms": trees}
    publish(
        found | {"trees_ratio": ratios, "largest_difference": took.difference, "n_left_out": took.n_left_out},
        "\n\n".join(tables),
        as_json,
    )


def _by_stage(runs: Sequence[Mapping[str, float]], n_rows: int) -> dict[str, float]:
    """Milliseconds per row by stage, and ``all`` of them; medians."""
    found = {stage: 1000 * median(run.get(stage, 0.0) for run in runs) / n_rows for stage in STAGES}
    return found | {"all": 1000 * median(map(_all, runs)) / n_rows}


def _added(without: Mapping[str, float], reasons: Mapping[str, float]) -> dict[str, float]:
    return {stage: reasons.get(stage, 0.0) - without.get(stage, 0.0) for stage in STAGES}


def _all(run: Mapping[str, float]) -> float:
    return sum(run.get(stage, 0.0) for stage in STAGES)


if __name__ == "__main__":
    main()
