"""What each kind of augmentation is worth: out-of-fold AUC with and without variants in the training folds.

A ridge-penalised logistic regression reads the vectors of the frozen encoder. For each kind the training rows of a fold
stand there as they are and once for each copy, all with the same outcome and together with the weight of one row; the
rows that the fold holds out stand as they are. Folds, seeds and penalties are the same for every kind, and each kind is
shown at the penalty with the least log-loss.

    python -m experiments.benchmarks.settings.augmentation_worth --schema my.schema.json --data past.csv --rows 1000 \\
        --kind synonyms --kind dropout --set encoder.window=64 \
        --set augment.rate=0.2 --set augment.copies=2
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from data_schemas.contract import Schema
from data_schemas.reader import load_schema
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from experiments.options import vector_cache
from features.arrays import Floats, Floats32, Ints
from features.augmentation.settings import Kind
from features.encoders.vectors import TextEncoder
from features.narratives.reader import clean_narrative
from features.tables.reader import ReadOptions, read_all
from fusion.config import Config
from fusion.config_file import load_config
from fusion.metrics import Gain, auc, delong, log_loss
from fusion.model.folds import assign_folds, tied_groups
from fusion.text_augmentation import narrative_augmenter
from fusion.text_encoder import CACHE_GB, open_text_encoder

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
"""Inverse ridge penalties of the regression."""


@dataclass(frozen=True)
class Rows:
    """Rows with outcomes.

    Attributes:
        texts: of each narrative column the clean texts, "" where nothing is written.
        y: float64 (n,), outcomes.
        folds: int64 (n_seeds, n), the fold of each row, for each seed.
    """

    texts: tuple[tuple[str, ...], ...]
    y: Floats
    folds: Ints


@dataclass(frozen=True)
class Worth:
    """What was measured of a kind.

    Attributes:
        aucs: out of fold, for each seed.
        gain: over no variants, of the margins averaged over the seeds.
        changed: share of the texts of which some copy differs.
        seconds: to make the variants.
    """

    aucs: tuple[float, ...]
    gain: Gain
    changed: float
    seconds: float


def vectors(texts: Sequence[Sequence[str]], encoder: TextEncoder) -> Floats32:
    """float32 (n, n_narratives * dim), zero where nothing is written."""
    distinct = sorted({text for column in texts for text in column if text})
    known = dict(zip(distinct, encoder.encode(distinct), strict=True)) | {"": np.zeros(encoder.dim, np.float32)}
    return np.hstack([np.stack([known[text] for text in column]) for column in texts])


def margins(own: Floats32, copies: Sequence[Floats32], rows: Rows) -> Floats:
    """float64 (n_seeds, n): out-of-fold log-odds at the strength of the least log-loss.

    Args:
        own: vectors of the rows.
        copies: those of their variants.
        rows: outcomes and folds.
    """
    found = [np.stack([_out_of_fold(own, copies, rows.y, fold, c) for fold in rows.folds]) for c in STRENGTHS]
    return min(found, key=lambda margin: float(np.mean([log_loss(rows.y, one) for one in margin])))


def _out_of_fold(own: Floats32, copies: Sequence[Floats32], y: Floats, fold: Ints, strength: float) -> Floats:
    margin = np.empty(len(y))
    for number in range(int(fold.max()) + 1):
        learn = fold != number
        scaler = StandardScaler().fit(own[learn])
        x = np.vstack([scaler.transform(one[learn]) for one in (own, *copies)])
        weight = np.full(len(x), 1 / (1 + len(copies)))
        model = LogisticRegression(C=strength, max_iter=1000).fit(x, np.tile(y[learn], 1 + len(copies)), weight)
        margin[~learn] = model.decision_function(scaler.transform(own[~learn]))
    return margin


def measure(
    kinds: Sequence[Kind], rows: Rows, schema: Schema, config: Config, encoder: TextEncoder
) -> dict[str, Worth]:
    """The worth of each kind, by its name; "none" first."""
    own = vectors(rows.texts, encoder)
    base = margins(own, (), rows)
    nothing = delong(rows.y, base.mean(axis=0), base.mean(axis=0))
    found = {"none": Worth(tuple(auc(rows.y, one) for one in base), nothing, 0.0, 0.0)}
    for kind in kinds:
        tell(kind)
        copies, changed, seconds = _copies(kind, rows, schema, config)
        margin = margins(own, [vectors(texts, encoder) for texts in copies], rows)
        gain = delong(rows.y, margin.mean(axis=0), base.mean(axis=0))
        found[kind] = Worth(tuple(auc(rows.y, one) for one in margin), gain, changed, seconds)
    return found


def _copies(kind: Kind, rows: Rows, schema: Schema, config: Config) -> tuple[list[list[list[str]]], float, float]:
    """The variants by copy and narrative, the share of texts that changed, and the seconds that it took."""
    settings = config.augment.model_copy(update={"kinds": (kind,)})
    augmenter = narrative_augmenter(schema, config.model_copy(update={"augment": settings}))
    assert augmenter is not None, "a kind is named"
    begin = time.perf_counter()
    copies = [[augmenter.variants(column, copy) for column in rows.texts] for copy in range(settings.copies)]
    seconds = time.perf_counter() - begin
    written = [(at, row) for at, column in enumerate(rows.texts) for row, text in enumerate(column) if text]
    changed = sum(any(copy[at][row] != rows.texts[at][row] for copy in copies) for at, row in written)
    return copies, changed / max(len(written), 1), seconds


def read_rows(data: Path, schema: Schema, n_rows: int, n_seeds: int, config: Config) -> Rows:
    """``n_rows`` rows drawn at random, and folds of ``n_seeds`` seeds."""
    read = read_all(data, schema, ReadOptions(need_target=True)).applications
    random = np.random.Generator(np.random.PCG64(config.folds.seed))
    read = read.take(np.sort(random.permutation(len(read))[:n_rows]))
    y, groups = read.outcome(), tied_groups(read)
    seeds = range(config.folds.seed, config.folds.seed + n_seeds)
    folds = np.stack([assign_folds(y, groups, config.folds.n_folds, seed) for seed in seeds])
    return Rows(tuple(tuple(clean_narrative(read, field.name)) for field in schema.narratives), y, folds)


def table(found: dict[str, Worth]) -> str:
    """A row for each kind."""
    rows = [
        (
            name,
            f"{np.mean(one.aucs):.4f}",
            f"{min(one.aucs):.4f} to {max(one.aucs):.4f}",
            f"{one.gain.difference:+.4f} ({one.gain.low:+.4f} to {one.gain.high:+.4f})" if name != "none" else "",
            f"{one.changed:.0%}",
            f"{one.seconds:.1f}",
        )
        for name, one in found.items()
    ]
    heads = ("kind", "mean AUC", "of the seeds", "gain of the mean margin, 95 %", "texts changed", "seconds")
    return markdown(heads, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--schema", required=True, help="schema file, or the name of a shipped one")
    options.add_argument("--data", type=Path, required=True, help="decided applications")
    options.add_argument("--rows", type=int, default=1000, help="rows to draw at random (default: %(default)s)")
    options.add_argument("--seeds", type=int, default=3, help="ways to deal rows into folds (default: %(default)s)")
    options.add_argument("--kind", action="append", choices=get_args(Kind), required=True, help="repeat for more")
    options.add_argument("--set", action="append", default=[], help="a setting, such as augment.rate=0.2")
    options.add_argument("--cache", type=Path, help="folder of the vectors already computed")
    given = options.parse_args(arguments)
    config, schema = load_config(None, given.set), load_schema(given.schema)
    rows = read_rows(given.data, schema, given.rows, given.seeds, config)
    tell(f"{len(rows.y):,} rows, {int(rows.y.sum()):,} bad")
    encoder = open_text_encoder(
        config.encoder, vector_cache(given.cache, CACHE_GB, given.cache is None, print)
    ).text_encoder
    found = measure(given.kind, rows, schema, config, encoder)
    figures = {
        name: {"auc": one.aucs, "gain": one.gain.difference, "interval": (one.gain.low, one.gain.high), "p": one.gain.p}
        for name, one in found.items()
    }
    publish({"rows": len(rows.y), "bad": int(rows.y.sum()), "worth": figures}, table(found), given.json)


if __name__ == "__main__":
    main()
