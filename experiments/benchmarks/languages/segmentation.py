"""What the words of a script without spaces should be: pairs of characters, single ones, or words of a dictionary.

A logistic regression of weighted words and the income learns the planted rule of made-up Chinese applications; the AUC
on others is compared. Words of a dictionary need the package jieba, which creditfusion does without:

    python -m experiments.benchmarks.languages.segmentation --source .

takes the source tree, whose package `tests` is where the applications are made.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from experiments.benchmarks.measuring import markdown, parser, publish, tell
from features.text.words import words_of

Cut = Callable[[str], list[str]]
SIZES = (600, 2000)
SEEDS = range(5)
N_TEST = 4000


def characters(*sizes: int) -> Cut:
    """Cuts runs of word characters into all runs of so many of them."""

    def cut(text: str) -> list[str]:
        runs = re.findall(r"\w+", text)
        return [run[at : at + n] for run in runs for n in sizes for at in range(len(run) - n + 1)]

    return cut


def ways() -> Mapping[str, Cut]:
    """Every way to cut, by name."""
    found: dict[str, Cut] = {
        "what stands between punctuation": lambda text: re.findall(r"\w+", text),
        "single characters": characters(1),
        "pairs, as shipped": words_of,
        "single characters and pairs": characters(1, 2),
        "pairs and triples": characters(2, 3),
    }
    if find_spec("jieba") is not None:
        found["words of a dictionary (jieba)"] = importlib.import_module("jieba").lcut
    return found


def auc(cut: Cut, past: Any, later: Any, names: Any) -> float:
    """AUC on later applications of what is learned from past ones, whose columns ``names`` knows."""
    vectorizer = HashingVectorizer(n_features=16384, analyzer=cut, alternate_sign=False, binary=True, norm=None)
    weigh = TfidfTransformer().fit(vectorizer.transform(past[names.STATEMENT]))

    def inputs(table: Any) -> sparse.csr_matrix:
        income = np.log(table[names.INCOME].to_numpy(np.float64))[:, None] - 8.9
        words = weigh.transform(vectorizer.transform(table[names.STATEMENT]))
        return sparse.csr_matrix(sparse.hstack([words, income]))

    bad, later_bad = ((table[names.OUTCOME] == "违约").to_numpy() for table in (past, later))
    model = LogisticRegression(C=3.0, max_iter=500).fit(inputs(past), bad)
    return float(roc_auc_score(later_bad, model.predict_proba(inputs(later))[:, 1]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    command = parser(__doc__ or "")
    command.add_argument("--source", type=Path, required=True, help="the source tree, which holds the package `tests`")
    options = command.parse_args(arguments)
    sys.path.insert(0, str(options.source))
    made = importlib.import_module("tests.support.chinese")
    rows = []
    for size in SIZES:
        sets = [(made.chinese_loans(size, seed), made.chinese_loans(N_TEST, 100 + seed)) for seed in SEEDS]
        rule = [roc_auc_score(later.table[made.OUTCOME] == "违约", later.log_odds) for _, later in sets]
        rows.append([f"the rule itself ({size} rows)", f"{np.mean(rule):.4f}", ""])
        for name, cut in ways().items():
            tell(f"{size} rows: {name}")
            found = [auc(cut, past.table, later.table, made) for past, later in sets]
            rows.append([f"{name} ({size} rows)", f"{np.mean(found):.4f}", f"{np.std(found) / len(found) ** 0.5:.4f}"])
    head = ("words", "AUC", "standard error")
    publish({"words": [dict(zip(head, row, strict=True)) for row in rows]}, markdown(head, rows), options.json)


if __name__ == "__main__":
    main()
