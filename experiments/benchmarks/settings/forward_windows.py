"""What the parts of the joint head are worth forward in time, inside the training years.

Each half-year from --first on up to --until is judged by heads that learned from everything before it: the columns
alone, without one of them, without recency; then with the narratives' words, their vectors, and both. Nothing decided
after --until is looked at, so settings may be chosen by these figures.

    python -m experiments.benchmarks.settings.forward_windows --schema lending_club --data applications.csv.gz \\
        --first 2009-01-01 --until 2010-12-31 --without addr_state
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from data_schemas.reader import load_schema
from experiments.benchmarks.measuring import markdown, parser, publish, tell
from experiments.options import vector_cache
from features.arrays import Index
from features.design import Design, TextBlock
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from features.tabular import TabularEncoder
from fusion.config import Config, HeadConfig
from fusion.metrics import auc, log_loss
from fusion.model.basis import Basis
from fusion.model.head_fitting import fit_head
from fusion.model.lesson import Lesson
from fusion.model.recency import row_weight
from fusion.text_encoder import CACHE_GB, open_reader, open_text_encoder

MUTE = 1e9  # a penalty under which a part of the head says nothing
ALIKE = 1000.0  # a half-life in years under which all decisions count alike


@dataclass(frozen=True)
class Variant:
    """A way to fit the head. without: a level column that it does not see ("" for none)."""

    name: str
    head: HeadConfig
    half_life_years: float
    reads_text: bool = True
    without: str = ""


def variants(config: Config, without: str) -> list[Variant]:
    """The columns alone first: gains are counted from there."""
    head, half_life = config.head, config.folds.half_life_years
    dropped = [Variant(f"columns without {without}", head, half_life, False, without)] if without else []
    return [
        Variant("columns", head, half_life, reads_text=False),
        Variant("columns, all years alike", head, ALIKE, reads_text=False),
        *dropped,
        Variant("columns and words", head.model_copy(update={"text_penalty": MUTE}), half_life),
        Variant("columns and vectors", head.model_copy(update={"word_penalty": MUTE}), half_life),
        Variant("columns, words and vectors", head, half_life),
    ]


def half_years(first: np.datetime64, until: np.datetime64) -> Iterator[tuple[np.datetime64, np.datetime64]]:
    """Begin and end (exclusive) of every whole half-year from the month of ``first`` up to ``until``."""
    begin = first.astype("datetime64[M]")
    while (begin + 6).astype("datetime64[D]") <= until + np.timedelta64(1, "D"):
        yield begin.astype("datetime64[s]"), (begin + 6).astype("datetime64[s]")
        begin = begin + np.timedelta64(6, "M")


def forward(read: Applications, text: TextBlock, train: Index, later: Index, variant: Variant) -> tuple[float, float]:
    """AUC and log-loss on ``later`` of a head that learned from ``train``."""
    encoder = TabularEncoder.fit(read.take(train))
    tabular = encoder.encode(read)
    if variant.without:
        blank = tabular.x_cat.copy()
        blank[:, tabular.cat_names.index(variant.without)] = 0
        tabular = replace(tabular, x_cat=blank)
    design, y = Design(tabular, text if variant.reads_text else TextBlock.empty(len(read))), read.outcome()
    basis = Basis.fit(design.take(train), Config(head=variant.head), encoder.monotone)
    dates = read.decision_date()
    weight = row_weight(None if dates is None else dates[train], len(train), variant.half_life_years)
    head = fit_head(basis.inputs(design.take(train)), Lesson(y[train], weight), variant.head)
    margin = head.output(basis.inputs(design.take(later))).margin
    return auc(y[later], margin), log_loss(y[later], margin)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; see the module's text."""
    options = parser(__doc__ or "")
    options.add_argument("--schema", required=True, help="schema file, or the name of a shipped one")
    options.add_argument("--data", type=Path, required=True, help="decided applications")
    options.add_argument("--first", type=np.datetime64, required=True, help="begin of the first half-year judged")
    options.add_argument("--until", type=np.datetime64, required=True, help="last day that is looked at")
    options.add_argument("--without", default="", help="also measure the columns without this text feature")
    options.add_argument("--cache", type=Path, help="folder of the vectors already computed")
    given = options.parse_args(arguments)
    config, schema = Config(), load_schema(given.schema)
    read = read_all(given.data, schema, ReadOptions(need_target=True)).applications
    dates = read.decision_date()
    if dates is None:
        options.error(f"schema {schema.name} names no decision date")
    known = dates < given.until.astype("datetime64[s]") + np.timedelta64(1, "D")
    read, dates = read.take(known), dates[known]
    tell(f"encode {len(read):,} rows")
    encoder = open_text_encoder(config.encoder, vector_cache(given.cache, CACHE_GB, False, print))
    text = open_reader(schema, config.text, encoder).read(read)
    found: dict[str, list[tuple[float, float]]] = {}
    windows = list(half_years(given.first, given.until))
    for variant in variants(config, given.without):
        tell(variant.name)
        found[variant.name] = [
            forward(
                read, text, np.flatnonzero(dates < begin), np.flatnonzero((dates >= begin) & (dates < end)), variant
            )
            for begin, end in windows
        ]
    names = [str(begin.astype("datetime64[M]")) for begin, _ in windows]
    publish({"windows": names, "auc and log-loss": found}, table(names, found), given.json)


def table(windows: Sequence[str], found: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """AUC by window, and the means over the windows."""
    rows = []
    base = np.mean([auc_ for auc_, _ in next(iter(found.values()))])
    for name, figures in found.items():
        aucs, losses = zip(*figures, strict=True)
        means = [f"{np.mean(aucs):.4f}", f"{np.mean(aucs) - base:+.4f}", f"{np.mean(losses):.5f}"]
        rows.append([name, *(f"{value:.4f}" for value in aucs), *means])
    return markdown(["the head sees", *(f"from {name}" for name in windows), "mean AUC", "gain", "log-loss"], rows)


if __name__ == "__main__":
    main()
