"""creditfusion with its defaults beside plain pipelines and AutoGluon, on many data sets.

Every contender learns from the training rows of a set and gives PDs of its test rows (``data_sets.definitions`` says
which these are, and what of a row was known). Each is fitted, saved, loaded and run in processes of its own.

    python -m experiments.benchmarks.many_sets --source data --out results --cache vectors \\
        --autogluon autogluon/bin/python

What is done stays in --out, a folder for each set, and is not done again while data and contract stay the same;
--again runs contenders anew, after the code of creditfusion has changed, say. Figures are made of the PDs at the end:
results.jsonl has a line for each set and contender. PDs of the sets that --unseen names are kept but not judged, so
that a test can be looked at once. AutoGluon needs an environment of its own, is left out without --autogluon, and gets
as many seconds as fitting creditfusion took, thirty at least.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from experiments.benchmarks.data_sets.files import sets_named, write_files
from experiments.benchmarks.data_sets.spec import DataSet
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from experiments.benchmarks.peers.contenders import own
from experiments.benchmarks.peers.contenders.child import AUTOGLUON, COMPONENTS, LINEAR, LOG_ODDS, OWN, PLAIN
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
from features.tables.csv_records import data_digest
from fusion.metrics import Figures, Gain, delong, figures

LEAST_SECONDS = 30
BEHIND = -0.002  # a difference of AUC that counts
KEPT = ("fit_seconds", "score_seconds", "fit_peak_mb", "settings", "versions")  # of a run, beside its figures
OUTCOMES, ROWS, RESULTS = "outcomes.npy", "rows.json", "results.jsonl"

CONTENDERS = (
    Contender(OWN, OWN, "creditfusion"),
    Contender(COMPONENTS, COMPONENTS, "LightGBM, components of words"),
    Contender(LOG_ODDS, LOG_ODDS, "LightGBM, log-odds of words"),
    Contender(LINEAR, LINEAR, "logistic regression"),
    Contender(AUTOGLUON, AUTOGLUON, "AutoGluon"),
)


@dataclass(frozen=True)
class SetResult:
    """What the contenders are worth on one set.

    Attributes:
        name: Of the set.
        rows: Counts: ``learn``, ``learn_bad``, ``test``, ``test_bad``, ``narratives``.
        figures: On the test rows, by contender.
        runs: What ``run_contender`` found, by contender.
        best_plain: The plain pipeline of the greatest AUC on the test rows; None where none has run.
        gain: AUC of creditfusion less that of ``best_plain``; None where one of the two has not run.
    """

    name: str
    rows: Mapping[str, int]
    figures: Mapping[str, Figures]
    runs: Mapping[str, Mapping[str, Any]]
    best_plain: str | None
    gain: Gain | None


def run_set(data_set: DataSet, wanted: Sequence[Contender], given: argparse.Namespace) -> None:
    """Run the contenders that have not run on this set yet; one that fails is named, and the others run."""
    work: Path = given.out / data_set.name
    work.mkdir(parents=True, exist_ok=True)
    for contender in wanted:
        if contender.name in given.again:
            (work / f"{contender.name}.json").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=given.out, prefix="rows_") as folder:
        tables = Path(folder)
        files = write_files(data_set, given.source, tables)
        about = About((), (), (str(files.train),), str(files.schema), later=(str(files.test),))
        read, learn, later = own.split(about)
        rows = read.applications
        frame = contender_frame(rows, learn)
        training = training_table(rows, learn, about, frame)
        write_tables(tables, training, frame.iloc[later].reset_index(drop=True))
        y = rows.take(later).outcome()
        np.save(work / OUTCOMES, y)
        counts = {"learn": len(training.y), "learn_bad": int(training.y.sum()), "test": len(y)}
        counts |= {"test_bad": int(y.sum()), "narratives": len(training.about.narratives)}
        (work / ROWS).write_text(json.dumps(counts), encoding="utf-8")
        identity: Found = {"data": data_digest([files.train, files.test]), "schema": rows.schema.digest}
        for contender in wanted:
            if contender.name == LOG_ODDS and not training.about.narratives:
                continue  # without texts it is the other pipeline of trees
            budget = Budget(seconds=_seconds(work, given.seconds), preset=given.preset, cache=str(given.cache or ""))
            tell(f"{data_set.name}: {contender.title}")
            try:
                run_contender(contender, Place(work, tables, given.autogluon, budget, given.threads, identity))
            except RuntimeError as error:
                tell(f"{data_set.name}: {contender.title} failed: {error}")


def _seconds(work: Path, asked: int | None) -> int:
    """Of AutoGluon: as asked, as in its run that is done, or as creditfusion took."""
    if asked is not None:
        return asked
    if done := _read(work / f"{AUTOGLUON}.json"):
        return int(done["identity"]["budget"]["seconds"])
    own_run = _read(work / f"{OWN}.json")
    return max(LEAST_SECONDS, round(own_run["fit_seconds"])) if own_run else LEAST_SECONDS


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def judge_set(work: Path) -> SetResult | None:
    """Figures of all contenders that have run on a set; None where none has."""
    runs = {one.name: run for one in CONTENDERS if (run := _read(work / f"{one.name}.json"))}
    if not runs:
        return None
    y = np.load(work / OUTCOMES)
    margins = {name: log_odds(np.load(work / f"{name}.npy")) for name in runs}
    found = {name: figures(y, margin) for name, margin in margins.items()}
    plain = [name for name in PLAIN if name in found]
    best = max(plain, key=lambda name: found[name].auc) if plain else None
    gain = delong(y, margins[OWN], margins[best]) if best and OWN in found else None
    return SetResult(work.name, json.loads((work / ROWS).read_text(encoding="utf-8")), found, runs, best, gain)


def mean_ranks(results: Sequence[SetResult]) -> dict[str, float]:
    """The mean rank by AUC over the sets (1 is best, ties share theirs) of the contenders that have run on all."""
    ranked = [dict(one.figures) for one in results]
    for found in ranked:
        if LOG_ODDS not in found and COMPONENTS in found:
            found[LOG_ODDS] = found[COMPONENTS]  # without texts both are one pipeline
    names = [one.name for one in CONTENDERS if all(one.name in found for found in ranked)]
    ranks = [rankdata([-found[name].auc for name in names]) for found in ranked]
    return dict(zip(names, np.mean(ranks, axis=0).tolist(), strict=True)) if names and ranks else {}


def tables(results: Sequence[SetResult]) -> str:
    """AUC with the gain over the best plain pipeline, Brier score, seconds, and where creditfusion is behind."""
    names = [one.name for one in CONTENDERS if any(one.name in result.figures for result in results)]
    titles = [one.title for one in CONTENDERS if one.name in names]
    ranks = mean_ranks(results)
    last = ["mean rank", "", *(f"{ranks[name]:.2f}" if name in ranks else "" for name in names), ""]
    first = ["set", "test rows (bad)"]
    auc = [[*_row(one, names, "auc", ".4f"), _gain(one)] for one in results]
    brier = [_row(one, names, "brier", ".4f") for one in results]
    seconds = [[one.name, f"{one.rows['learn']:,}", *(_cost(one, name) for name in names)] for one in results]
    parts = [
        "AUC on the test rows:\n",
        markdown([*first, *titles, "creditfusion less the best plain (95 %)"], [*auc, last]),
        "\nBrier score on the test rows:\n",
        markdown([*first, *titles], brier),
        "\nSeconds to fit, its search included, and to score the test rows:\n",
        markdown(["set", "rows to learn from", *titles], seconds),
        "",
        _verdict(results),
    ]
    return "\n".join(parts)


def _row(result: SetResult, names: Sequence[str], figure: str, form: str) -> list[str]:
    """The cells of a set, the best figure in bold."""
    values = {name: getattr(result.figures[name], figure) for name in names if name in result.figures}
    best = max(values.values()) if figure == "auc" else min(values.values())
    cells = {name: f"{value:{form}}" for name, value in values.items()}
    bold = {name: f"**{cell}**" if values[name] == best else cell for name, cell in cells.items()}
    counts = f"{result.rows['test']:,} ({result.rows['test_bad']:,})"
    return [result.name, counts, *(bold.get(name, "") for name in names)]


def _gain(result: SetResult) -> str:
    gain = result.gain
    return f"{gain.difference:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})" if gain else ""


def _cost(result: SetResult, name: str) -> str:
    if name not in result.runs:
        return ""
    run = result.runs[name]
    return f"{run['fit_seconds']:,.0f} + {run['score_seconds']:.1f}"


def _verdict(results: Sequence[SetResult]) -> str:
    """Where creditfusion is behind the best plain pipeline, and where it is ahead on sets with texts."""
    gains = {one.name: one.gain.difference for one in results if one.gain}
    texts = [one.name for one in results if one.gain and one.rows["narratives"]]
    behind = [f"{name} ({gain:+.4f})" for name, gain in gains.items() if gain < BEHIND]
    ahead = [name for name in texts if gains[name] > 0]
    return (
        f"Behind the best plain pipeline by more than {-BEHIND}: {', '.join(behind) or 'nowhere'}, "
        f"of {len(gains)} sets. Ahead of it on {len(ahead)} of {len(texts)} sets with texts."
    )


def _lines(results: Sequence[SetResult]) -> list[Found]:
    """One record for each set and contender."""
    lines: list[Found] = []
    for one in results:
        for name, found in one.figures.items():
            kept = {key: one.runs[name][key] for key in KEPT}
            lines.append({"set": one.name, "contender": name, **asdict(found), **kept})
    return lines


def _options() -> argparse.ArgumentParser:
    options = parser(__doc__ or "")
    names = [one.name for one in CONTENDERS]
    options.add_argument("--source", type=Path, required=True, help="folder of the data sets, one folder for each")
    options.add_argument("--out", type=Path, required=True, help="folder of what is done")
    options.add_argument("--cache", type=Path, help="folder of the vectors that creditfusion keeps (default: none)")
    options.add_argument("--sets", nargs="+", default=[], help="names of sets (default: all)")
    options.add_argument("--contenders", nargs="+", choices=names, default=names, help="(default: all)")
    options.add_argument("--again", nargs="+", choices=names, default=[], help="contenders to run anew")
    options.add_argument("--unseen", nargs="+", default=[], help="sets that are run and not judged")
    options.add_argument("--autogluon", type=Path, help="Python of an environment that holds AutoGluon")
    options.add_argument("--preset", default="medium_quality", help="preset of AutoGluon (default: %(default)s)")
    options.add_argument("--seconds", type=int, help="time limit of AutoGluon (default: as creditfusion takes)")
    options.add_argument("--threads", type=int, default=0, help="threads of each; 0 for as many as there are")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Run who is asked for and print the tables of all that have run; see the module's text."""
    given = _options().parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    given.cache = given.cache.resolve() if given.cache else None
    wanted = [one for one in CONTENDERS if one.name in given.contenders and (one.name != AUTOGLUON or given.autogluon)]
    chosen = sets_named(given.sets)
    for data_set in chosen:
        run_set(data_set, wanted, given)
    evaluated = [judge_set(given.out / one.name) for one in chosen if one.name not in given.unseen]
    results = [one for one in evaluated if one is not None]
    lines = _lines(results)
    (given.out / RESULTS).write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    if results:
        publish({"results": lines}, tables(results), given.json)


if __name__ == "__main__":
    main()
