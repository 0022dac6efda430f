"""creditfusion itself, as ``train`` and ``score`` run it with their defaults.

With a cache of vectors that is full, or with none: then the encoder reads every narrative within the seconds measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import numpy as np

from data_schemas.reader import load_schema
from experiments.benchmarks.peers.contenders.tables import About, Budget
from experiments.session.decision_dates import rows_until
from experiments.session.run import Run
from experiments.train.decided import Decided
from experiments.train.job import TrainingFiles, train_bundle
from experiments.train.rows import later_rows
from features.arrays import Flags, Floats, Index
from features.tables.applications import Applications, Chunk
from features.tables.csv_records import data_digest
from features.tables.reader import ReadOptions, joined, read_files
from fusion.config_file import load_config
from fusion.scorer import load_scorer
from fusion.text_encoder import VectorCache, open_text_encoder

COUNTED = ("mask", "encode", "tune", "choose", "fit", "describe", "save")  # judging a model is counted of no contender


def fit(about: About, folder: Path, budget: Budget) -> Mapping[str, object]:
    """Train and save; ``seconds`` without reading the data, and the share of texts whose vectors were there already."""
    read, learn, _ = split(about)
    config = load_config(None, [])
    data = tuple(Path(name) for name in about.data)
    decided = Decided(read.applications.take(learn), read.rejects, data_digest(data), "as for every contender")
    with Run.start("peers", None, {}) as run:
        encoder = open_text_encoder(config.encoder, _cache(budget))
        train_bundle(decided, TrainingFiles(data, folder), config, encoder, run)
    stages = {name: run.clock.seconds[name] for name in COUNTED if name in run.clock.seconds}
    return {"seconds": sum(stages.values()), "stages": stages, "hit_rate": encoder.hit_rate}


def load(folder: Path, budget: Budget) -> Callable[[Applications], Floats]:
    """A saved bundle: PDs of applications."""
    scorer = load_scorer(folder, cache=_cache(budget))
    scorer.prepare()
    return lambda applications: scorer.answer(applications).scores.pd


def split(about: About) -> tuple[Chunk, Flags, Index]:
    """What the files hold, which of its rows are to learn from (a mask), and which come later (positions)."""
    schema, paths = load_schema(about.schema), [Path(name) for name in (*about.data, *about.later)]
    files = read_files(paths, schema, ReadOptions(need_target=True))
    read = joined(files)
    if not about.later:
        learn = rows_until(read.applications, date.fromisoformat(about.until))
        return read, learn, later_rows(read.applications, learn)
    n_learn = sum(len(file.applications) for file in files[: len(about.data)])
    learn = np.arange(len(read.applications)) < n_learn
    return read, learn, np.flatnonzero(~learn)


def read_later(about: About) -> Applications:
    """The rows to score, in the order of every contender's."""
    read, _, later = split(about)
    return read.applications.take(later)


def _cache(budget: Budget) -> VectorCache | None:
    return VectorCache(Path(budget.cache)) if budget.cache else None
