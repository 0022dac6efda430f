"""Whether explanations find the rule behind the demo's applications.

The rule is known, so every group of columns has a true effect: its Shapley value in the rule itself, against the past
applications as background. Columns that only pass on what others hold (derived ones, and those that the rule joins
with them) are one group. A planted sentence's true effect is the weight of what it mentions; small talk weighs nothing.
Printed: rank correlations of contributions with true effects, over all applicants, and per group of columns.

    creditfusion demo
    python -m experiments.benchmarks.attribution.recover_the_rule --demo demo_run
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from experiments.benchmarks.attribution.explained import shapley_weights
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from experiments.demo.data import column_log_odds
from experiments.demo.job import DemoFiles
from experiments.demo.sentences import CONCEPTS, SMALL_TALK, fillings
from features.arrays import Floats
from features.tables.reader import ReadOptions, read_all
from fusion.explain.explanation import Explanation
from fusion.scorer import load_scorer

GROUPS: Mapping[str, tuple[str, ...]] = {
    "loan against income": (
        "amount",
        "annual_income",
        "term_months",
        "loan_to_income",
        "monthly_principal",
        "principal_to_income",
    ),
    "credit score": ("credit_score",),
    "debt payments": ("dti",),
    "utilisation": ("utilisation",),
    "time in the job": ("employment_years",),
    "late payments": ("delinquencies_2y",),
    "inquiries": ("inquiries_6m",),
    "purpose": ("purpose",),
    "housing": ("home",),
    "open accounts (no effect)": ("open_accounts",),
    "credit history (no effect)": ("credit_history_years",),
}
BACKGROUND_ROWS = 200


def true_effects(table: pd.DataFrame, background: pd.DataFrame) -> Floats:
    """float64 (n, n_groups): Shapley values of the groups in the rule, by every coalition of those that it knows."""
    names = [[name for name in columns if name in table.columns] for columns in GROUPS.values()]
    known = [at for at, columns in enumerate(names) if columns and at < len(GROUPS) - 2]
    weights = shapley_weights(len(known))
    worth = {}
    for coalition in product((False, True), repeat=len(known)):
        own = [name for at, inside in zip(known, coalition, strict=True) if inside for name in names[at]]
        worth[coalition] = _mean_rule(table, background, own)
    effects = np.zeros((len(table), len(GROUPS)))
    for player, at in enumerate(known):
        for coalition, value in worth.items():
            if not coalition[player]:
                with_it = (*coalition[:player], True, *coalition[player + 1 :])
                effects[:, at] += weights[sum(coalition)] * (worth[with_it] - value)
    return effects


def _mean_rule(table: pd.DataFrame, background: pd.DataFrame, own: Sequence[str]) -> Floats:
    """The rule's log-odds with these columns the applicant's own and the others the background's, on average."""
    n, m = len(table), len(background)
    mixed = background.loc[np.tile(np.arange(m), n)].reset_index(drop=True)
    for name in own:
        mixed[name] = np.repeat(table[name].to_numpy(), m)
    mean: Floats = column_log_odds(mixed).reshape(n, m).mean(axis=1)
    return mean


def planted_weights() -> dict[str, float]:
    """Every sentence that the demo writes, in lower case, and what it adds to the true log-odds."""
    weights = {text.lower(): 0.0 for template in SMALL_TALK for text in fillings(template)}
    for concept in CONCEPTS:
        weights |= {text.lower(): concept.weight for template in concept.templates for text in fillings(template)}
    return weights


def grouped(explanation: Explanation) -> Floats:
    """float64 (n, n_groups): contributions of the columns, summed by group."""
    place = {name: at for at, name in enumerate(explanation.column_names)}
    return np.column_stack(
        [explanation.columns[:, [place[name] for name in names]].sum(axis=1) for names in GROUPS.values()]
    )


def explain(files: DemoFiles, most: int) -> tuple[Explanation, pd.DataFrame]:
    """The first ``most`` new applicants explained, and their columns as the files show them."""
    scorer = load_scorer(files.model, cache=files.vectors)
    applications = read_all(files.new, scorer.schema, ReadOptions()).applications
    applications = applications.take(np.arange(min(most, len(applications))))
    reading = scorer.read(applications, sentences=True)
    explanation = scorer.explainer.explain(reading.design, reading.sentences)
    return explanation, pd.read_csv(files.new).iloc[applications.row_number - 1].reset_index(drop=True)


def of_columns(found: Floats, true: Floats) -> dict[str, float]:
    """Rank correlations of contributions with true effects, (n, n_groups) each: over all, and by group."""
    within = [spearmanr(a, b).statistic for a, b in zip(found, true, strict=True)]
    figures = {
        "columns: rank correlation over all groups": float(spearmanr(found.ravel(), true.ravel()).statistic),
        "columns: mean within an applicant": float(np.mean(within)),
    }
    for at, name in enumerate(GROUPS):
        if np.ptp(true[:, at]) > 0:
            figures[name] = float(spearmanr(found[:, at], true[:, at]).statistic)
    return figures


def of_sentences(explanation: Explanation) -> dict[str, float]:
    """Contributions of the planted sentences that typing errors left as they were, against their weights."""
    weights, block = planted_weights(), explanation.block
    mine = [
        (explanation.sentences[at], weights[sentence])
        for at in np.flatnonzero(block.narrative == explanation.narrative_names.index("statement"))
        if (sentence := block.text[at].strip().lower()) in weights
    ]
    found, planted = np.array(mine).T
    return {
        "sentences: rank correlation": float(spearmanr(found, planted).statistic),
        "sentences: sign found where it weighs": float(np.mean((found > 0) == (planted > 0), where=planted != 0)),
        "sentences compared": len(found),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--demo", type=Path, required=True, help="folder that `creditfusion demo` wrote")
    options.add_argument("--applicants", type=int, default=1000)
    given = options.parse_args(arguments)
    files = DemoFiles(given.demo)
    tell(f"explain {given.applicants:,} applicants")
    explanation, table = explain(files, given.applicants)
    tell("the rule's own effects")
    past = pd.read_csv(files.past)
    background = past.sample(min(BACKGROUND_ROWS, len(past)), random_state=0).reset_index(drop=True)
    found, true = grouped(explanation), true_effects(table, background)
    figures = of_columns(found, true) | of_sentences(explanation)
    rows = [[name, f"{value:.3f}" if isinstance(value, float) else f"{value:,}"] for name, value in figures.items()]
    for name, one, other in zip(GROUPS, np.abs(true).mean(axis=0), np.abs(found).mean(axis=0), strict=True):
        rows.append([f"{name}: mean size, true and found", f"{one:.3f} and {other:.3f}"])
    publish(figures, markdown(["figure", "value"], rows), given.json)


if __name__ == "__main__":
    main()
