"""Whether explanations add up, row by row, and whether they hold still when sampling starts elsewhere.

Every row of the window is explained twice, with two seeds of the orders that long narratives are sampled by. Printed:
the worst difference between base plus contributions and the model's margin, between points and score, between
sentences and their narrative; and the share of rows whose four strongest contributions, columns and sentences alike,
are the same under both seeds, with how many rows were sampled at all.

    python -m experiments.benchmarks.attribution.explanation_sums --model bundle --data applications.csv.gz \\
        --since 2011-01-01
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.benchmarks.attribution.explained import add_options, read_explained
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from fusion.explain.explanation import Explanation, to_points
from fusion.model.calibration import to_score

STRONGEST = 4


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    add_options(options)
    given = options.parse_args(arguments)
    tell("read")
    sample = read_explained(given)
    scale, explainer = sample.bundle.config.scale, sample.bundle.explainer()
    tell(f"explain {len(sample.design):,} rows")
    one, other = (explainer.explain(sample.design, sample.block, seed) for seed in (0, 1))
    scores = sample.bundle.model.predict(sample.design)
    base = float(to_score(np.array([one.base]), scale)[0])
    points = base + to_points(one.columns.sum(axis=1) + one.narratives.sum(axis=1), scale)
    summed = np.zeros_like(one.narratives)
    np.add.at(summed, (sample.block.row, sample.block.narrative), one.sentences)
    sampled = np.unique(sample.block.row[one.sentence_error > 0])
    same = np.array([strongest(one, row) == strongest(other, row) for row in range(len(one))])
    figures = {
        "rows": len(one),
        "worst |base + contributions - margin|": float(np.abs(one.reconciliation).max()),
        "worst |margin - the scored margin|": float(np.abs(one.margin - scores.margin).max()),
        "worst |base points + points - score|": float(np.abs(points - scores.score).max()),
        "worst |sentences - their narrative|": float(np.abs(summed - one.narratives).max()),
        "rows with a sampled narrative": len(sampled),
        "same four strongest under both seeds": float(same.mean()),
        "same four strongest, sampled rows": float(same[sampled].mean()) if len(sampled) else None,
        "largest standard error of a sentence, points": float(to_points(-one.sentence_error, scale).max(initial=0.0)),
    }
    rows = [[name, f"{value:.3g}" if isinstance(value, float) else f"{value}"] for name, value in figures.items()]
    publish(figures, markdown(["figure", "value"], rows), given.json)


def strongest(explanation: Explanation, row: int) -> frozenset[int]:
    """The four players of a row that move its margin most: columns by number, sentences after them."""
    mine = np.flatnonzero(explanation.block.row == row)
    together = np.concatenate([explanation.columns[row], explanation.sentences[mine]])
    return frozenset(np.argsort(-np.abs(together), kind="stable")[:STRONGEST].tolist())


if __name__ == "__main__":
    main()
