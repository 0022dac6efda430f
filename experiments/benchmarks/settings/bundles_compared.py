"""What several trained models make of the same decided rows: AUC of the narratives alone and of the whole model.

Each bundle reads the rows by its own contract and with its own text encoder; the first --model is what the others are
compared with, by DeLong's test. ``compare`` judges two whole models in depth; this adds the part of the narratives.

    python -m experiments.benchmarks.settings.bundles_compared --data test.csv --model as_it_came --model tuned
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from experiments.benchmarks.measuring import markdown, parser, publish, tell
from features.arrays import Floats
from features.tables.reader import ReadOptions, read_all
from fusion.metrics import Gain, auc, delong
from fusion.model.fusion_model import Margins
from fusion.scorer import load_scorer
from fusion.text_encoder import VectorCache

PARTS = ("text_only", "fused")
HEADERS = ("AUC text", "gain (95 %)", "p", "AUC model", "gain (95 %)", "p")


def against_first(y: Floats, margins: Margins, first: Margins) -> dict[str, object]:
    """AUC of each part of a model, and its gain over the same part of the first."""
    found: dict[str, object] = {}
    for part in PARTS:
        margin = getattr(margins, part)
        found |= {f"auc_{part}": auc(y, margin), f"gain_{part}": asdict(delong(y, margin, getattr(first, part)))}
    return found


def cells_against(y: Floats, margins: Margins, first: Margins) -> list[str]:
    """The same as cells under ``HEADERS``; the first has no gain over itself."""
    cells: list[str] = []
    for part in PARTS:
        margin, other = getattr(margins, part), getattr(first, part)
        cells += [f"{auc(y, margin):.4f}", *([""] * 2 if margins is first else _gain(delong(y, margin, other)))]
    return cells


def _gain(gain: Gain) -> list[str]:
    p = "none" if np.isnan(gain.p) else f"{gain.p:.2g}"
    return [f"{gain.difference:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})", p]


def margins_of(model: Path, data: Sequence[Path], cache: Path | None) -> tuple[Floats, Margins]:
    """Outcome of every sound row, 1 for bad, and what a bundle says of it."""
    scorer = load_scorer(model, cache=VectorCache(cache) if cache else None)
    rows = read_all(data, scorer.schema, ReadOptions(need_target=True)).applications
    return rows.outcome(), scorer.margins(scorer.read(rows))


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the rows with every bundle and compare; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--model", type=Path, action="append", required=True, help="model bundle; repeat")
    options.add_argument("--data", type=Path, nargs="+", required=True, help="decided applications")
    options.add_argument("--cache", type=Path, help="folder of the vectors already computed")
    given = options.parse_args(arguments)
    y, first = margins_of(given.model[0], given.data, given.cache)
    lines, found = [], []
    for number, model in enumerate(given.model):
        own, margins = (y, first) if number == 0 else margins_of(model, given.data, given.cache)
        tell(f"{model}: {len(own):,} rows")
        if not np.array_equal(own, y):
            options.error(f"{model} reads other rows or outcomes than {given.model[0]}: their contracts differ")
        found.append({"model": model.name, **against_first(y, margins, first)})
        lines.append([model.name, *cells_against(y, margins, first)])
    about = f"{len(y):,} rows, {int(y.sum()):,} of them bad"
    publish({"rows": len(y), "models": found}, f"{markdown(['model', *HEADERS], lines)}\n\n{about}", given.json)


if __name__ == "__main__":
    main()
