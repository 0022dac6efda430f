"""creditfusion beside what one would use in its place, on the same rows, out of time.

Every contender learns from the decisions up to --until and gives PDs of the later ones, which are looked at here and
nowhere before. All see the same inputs: the schema's features and derived features (dates through these alone) and its
narratives, read and cleaned as creditfusion reads them. Each is fitted, saved, loaded and run in processes of its own.

    python -m experiments.benchmarks.peers.side_by_side --schema lending_club --data applications.csv.gz \\
        --until 2010-12-31 --written desc --work peers --cache vectors --autogluon autogluon/bin/python

What is done is kept in --work, one JSON file per contender, and not done again while data and settings stay the same;
--only runs one of them. The rows, applicants' words among them, lie there in a folder that is removed at the end.
AutoGluon needs an environment of its own and is left out without --autogluon; skrub comes with the extra
creditfusion[benchmarks].
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from experiments.benchmarks.measuring import markdown, parser, publish, tell
from experiments.benchmarks.peers.contenders import own
from experiments.benchmarks.peers.contenders.child import AUTOGLUON, COLUMNS, OWN, SKRUB, WORDS
from experiments.benchmarks.peers.contenders.tables import About, Budget, write_tables
from experiments.benchmarks.peers.running import (
    Contender,
    Found,
    Place,
    contender_frame,
    log_odds,
    run_contender,
    training_table,
)
from features.arrays import Floats
from features.narratives.reader import clean_narrative
from features.tables.applications import Applications
from features.tables.csv_records import data_digest
from fusion.metrics import Figures, Gain, brier_gain, delong, figures

CONTENDERS = (
    Contender("creditfusion", OWN, "creditfusion, full cache"),
    Contender("creditfusion_cold", OWN, "creditfusion, no cache", rounds=1, cold=True),
    Contender("columns", COLUMNS, "LightGBM on the columns"),
    Contender("words", WORDS, "TF-IDF and LightGBM"),
    Contender("skrub", SKRUB, "skrub and gradient boosting"),
    Contender("autogluon", AUTOGLUON, "AutoGluon"),
)


@dataclass(frozen=True)
class PeerResult:
    """A contender's figures on some rows, and its gains over creditfusion: positive where the contender is better."""

    figures: Figures
    auc_gain: Gain
    brier_gain: Gain


def judge(y: Floats, margin: Floats, base: Floats) -> PeerResult:
    """What a contender is worth beside creditfusion, whose margin is ``base``."""
    return PeerResult(figures(y, margin), delong(y, margin, base), brier_gain(y, margin, base))


def _gain(gain: Gain, own_row: bool) -> str:
    if own_row:
        return ""
    return f"{gain.difference:+.4f} ({gain.low:+.4f} to {gain.high:+.4f}), p {gain.p:.2g}"


def table(results: Mapping[str, Found], peer_results: Mapping[str, Mapping[str, PeerResult]], n_rows: int) -> str:
    """All contenders in one table. peer_results: by contender, then by slice."""
    slices = list(next(iter(peer_results.values())))
    figure_names = [f"{name}{at}" for at in ("", *(f", {one}" for one in slices[1:])) for name in FIGURES]
    rows = []
    for name, found in results.items():
        cells = [str(found["title"])]
        for at in slices:
            one = peer_results[name][at]
            own_row = name.startswith(OWN)
            cells += [f"{one.figures.auc:.4f}", _gain(one.auc_gain, own_row), f"{one.figures.brier:.5f}"]
        rows.append([*cells, *_costs(found, n_rows)])
    return markdown(["contender", *figure_names, *COSTS], rows)


FIGURES = ("AUC", "less creditfusion's (95 %)", "Brier")
COSTS = ("fit s", "rows/s", "peak MB, fit", "peak MB, score", "model MB")


def _costs(found: Found, n_rows: int) -> list[str]:
    costs = costs_of(found, n_rows)
    return [f"{value:,.1f}" if name == "model MB" else f"{value:,.0f}" for name, value in costs.items()]


def costs_of(found: Mapping[str, object], n_rows: int) -> dict[str, float]:
    """What a contender costs, by the table's headings."""
    keys = ("fit_seconds", "score_seconds", "fit_peak_mb", "score_peak_mb", "model_mb")
    fit_s, score_s, fit_mb, score_mb, model_mb = (float(str(found[key])) for key in keys)
    return dict(zip(COSTS, (fit_s, n_rows / score_s, fit_mb, score_mb, model_mb), strict=True))


def ahead(results: Mapping[str, Found], peer_results: Mapping[str, Mapping[str, PeerResult]], n_rows: int) -> list[str]:
    """Where a peer is ahead of creditfusion with its cache full, figure by figure."""
    own_costs = costs_of(results[OWN], n_rows)
    lines = []
    for name, found in results.items():
        if name.startswith(OWN):
            continue
        better = [f"AUC, {at}" for at, one in peer_results[name].items() if one.auc_gain.difference > 0]
        better += [f"Brier, {at}" for at, one in peer_results[name].items() if one.brier_gain.difference > 0]
        costs = costs_of(found, n_rows)
        sign = {what: -1 if what == "rows/s" else 1 for what in COSTS}  # of it alone more is better
        better += [what for what in COSTS if sign[what] * costs[what] < sign[what] * own_costs[what]]
        lines.append(f"- {found['title']}: {', '.join(better) if better else 'nowhere'}")
    return lines


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__ or "")
    options.add_argument("--schema", required=True, help="schema file, or the name of a shipped one")
    options.add_argument("--data", type=Path, nargs="+", required=True, help="decided applications")
    options.add_argument("--until", type=date.fromisoformat, required=True, help="last decision date to learn from")
    options.add_argument("--written", required=True, help="narrative whose rows are judged apart, too")
    options.add_argument("--work", type=Path, required=True, help="folder for models and results")
    options.add_argument("--cache", type=Path, required=True, help="folder of the vectors that creditfusion keeps")
    options.add_argument("--autogluon", type=Path, help="Python of an environment that holds AutoGluon")
    options.add_argument("--only", action="append", choices=[one.name for one in CONTENDERS], help="repeat for more")
    options.add_argument("--threads", type=int, default=0, help="threads of each; 0 for as many as there are")
    options.add_argument("--trials", type=int, default=Budget.trials, help="settings tried, where they are tuned")
    options.add_argument("--seconds", type=int, default=Budget.seconds, help="time limit of AutoGluon")
    options.add_argument("--preset", default=Budget.preset, help="preset of AutoGluon")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Run who is asked for and print the table of all that have run; see the module's text."""
    options = _options()
    given = options.parse_args(arguments)
    if AUTOGLUON in (given.only or ()) and given.autogluon is None:
        options.error("--only autogluon needs --autogluon, the Python of its environment")
    if (not given.only or "skrub" in given.only) and find_spec("skrub") is None:
        options.error("skrub is not installed; run `pip install creditfusion[benchmarks]`, or leave it out by --only")
    about = About((), (), tuple(str(path.resolve()) for path in given.data), given.schema, str(given.until))
    read, learn, later = own.split(about)
    rows = read.applications
    given.work.mkdir(parents=True, exist_ok=True)
    budget = Budget(given.trials, 0, given.seconds, given.preset, str(given.cache.resolve()))
    digest = data_digest(given.data)
    identity: Found = {
        "data": digest,
        "schema": rows.schema.digest,
        "until": str(given.until),
        "threads": given.threads,
    }
    frame = contender_frame(rows, learn)
    with tempfile.TemporaryDirectory(dir=given.work, prefix="rows_") as folder:
        tables = Path(folder)
        write_tables(tables, training_table(rows, learn, about, frame), frame.iloc[later].reset_index(drop=True))
        place = Place(given.work, tables, given.autogluon, budget, given.threads, identity)
        for contender in CONTENDERS:
            wanted = contender.name in given.only if given.only else contender.kind != AUTOGLUON or given.autogluon
            if wanted:
                run_contender(contender, place)
    _report(given, rows.take(later))


def _report(given: argparse.Namespace, rows: Applications) -> None:
    """Judge and print all contenders that have run; nothing to compare with before creditfusion has."""
    files = {one.name: given.work / f"{one.name}.json" for one in CONTENDERS}
    results: dict[str, Found] = {
        name: json.loads(path.read_text(encoding="utf-8")) for name, path in files.items() if path.exists()
    }
    if OWN not in results:
        tell(f"no table yet: run --only {OWN} too")
        return
    y, written = rows.outcome(), np.array([bool(text) for text in clean_narrative(rows, given.written)])
    slices = {"all": np.ones(len(y), dtype=np.bool_), f"with {given.written}": written}
    margins = {name: log_odds(np.load(given.work / f"{name}.npy")) for name in results}
    peer_results = {
        name: {at: judge(y[of], margin[of], margins[OWN][of]) for at, of in slices.items()}
        for name, margin in margins.items()
    }
    counts = ", ".join(f"{int(of.sum()):,} {at} ({int(y[of].sum()):,} bad)" for at, of in slices.items())
    lines = [table(results, peer_results, len(y)), "", f"Rows decided after {given.until}: {counts}.", ""]
    lines += ["Where a peer is ahead of creditfusion with a full cache:", "", *ahead(results, peer_results, len(y))]
    by_slice = {name: {at: asdict(one) for at, one in of.items()} for name, of in peer_results.items()}
    shown = {name: {**found, "figures": by_slice[name]} for name, found in results.items()}
    publish({"rows": len(y), "contenders": shown}, "\n".join(lines), given.json)


if __name__ == "__main__":
    main()
