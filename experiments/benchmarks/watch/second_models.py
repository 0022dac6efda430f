"""A second model beside TF-IDF with logistic regression, on labels that texts decide: spam, and reviews of clothes.

Each learns from the training rows of a set and gives probabilities of its test rows
(``experiments/benchmarks/data_sets/definitions.py`` says which these are), as ``experiments.benchmarks.many_sets`` runs
them; what is done stays in --out and is not done again.

    python -m experiments.benchmarks.watch.second_models --source data --out results --cache vectors
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from experiments.benchmarks.data_sets.files import sets_named
from experiments.benchmarks.many_sets import CONTENDERS, OUTCOMES, run_set
from experiments.benchmarks.measuring import markdown, parser, publish
from experiments.benchmarks.peers.contenders.child import LINEAR, OWN
from experiments.benchmarks.peers.running import Found, log_odds
from fusion.metrics import delong
from fusion.validation.intervals import auc_interval

SETS = ("sms_spam", "clothing_reviews")


def area_figures(work: Path) -> Found:
    """AUC of both with DeLong's intervals, and their difference, on the test rows."""
    y = np.load(work / OUTCOMES)
    own, linear = (log_odds(np.load(work / f"{name}.npy")) for name in (OWN, LINEAR))
    return {
        "set": work.name,
        "rows": len(y),
        "bad": int(y.sum()),
        "second_model": asdict(auc_interval(y, own)),
        "linear": asdict(auc_interval(y, linear)),
        "gain": asdict(delong(y, own, linear)),
    }


def table(results: Sequence[Found]) -> str:
    """One line for each set."""
    headers = ["set", "test rows (bad)", "second model", "TF-IDF + logistic regression", "difference"]
    return markdown(headers, [_cells(one) for one in results])


def _cells(found: Found) -> list[str]:
    def cell(key: str, value: str, form: str) -> str:
        one = found[key]
        assert isinstance(one, dict)
        return f"{one[value]:{form}} ({one['low']:{form}} to {one['high']:{form}})"

    aucs = [cell(key, "value", ".4f") for key in ("second_model", "linear")]
    return [str(found["set"]), f"{found['rows']:,} ({found['bad']:,})", *aucs, cell("gain", "difference", "+.4f")]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, score and print the table; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--source", type=Path, required=True, help="folder of the data sets, one folder for each")
    options.add_argument("--out", type=Path, required=True, help="folder of what is done")
    options.add_argument("--cache", type=Path, help="folder of the vectors that are kept (default: none)")
    options.add_argument("--threads", type=int, default=0, help="threads of each; 0 for as many as there are")
    given = options.parse_args(arguments, argparse.Namespace(again=[], seconds=0, preset="", autogluon=None))
    given.out.mkdir(parents=True, exist_ok=True)
    given.cache = given.cache.resolve() if given.cache else None
    wanted = [one for one in CONTENDERS if one.name in (OWN, LINEAR)]
    results = []
    for data_set in sets_named(SETS):
        run_set(data_set, wanted, given)
        results.append(area_figures(given.out / data_set.name))
    publish({"results": results}, table(results), given.json)


if __name__ == "__main__":
    main()
