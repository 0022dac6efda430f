"""Small bundles for tests: trained in under a second, with an encoder of random weights and few trees."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from data_schemas.contract import Schema
from data_schemas.reader import load_schema
from experiments.session.run import Run
from experiments.train.decided import read_decided
from experiments.train.job import TrainingFiles, train_bundle
from features.tables.reader import ReadOptions
from fusion.bundle import load
from fusion.config_file import load_config
from fusion.text_encoder import open_text_encoder
from tests.support.tiny_bert import tiny_bert

SMALL = (
    "encoder.window=64",
    "folds.n_folds=2",
    "folds.n_repeats=1",
    "stacker.n_trees=30",
    "text.n_buckets=256",
    "head.steps=20",
)
"""Settings under which some hundred rows are learned from in a second."""


def train_small(
    folder: Path, table: pd.DataFrame, *settings: str, schema: Schema | None = None, encoder_seed: int = 0
) -> Path:
    """Train on decided applications; the bundle, ``folder / "model"``.

    settings: as ``--set`` takes them, on top of ``SMALL``. schema: the demo's where none is given. The encoder lies in
    ``folder / "encoder"``, the applications in ``folder / "past.csv"``.
    """
    folder.mkdir(exist_ok=True)
    files = TrainingFiles((folder / "past.csv",), folder / "model")
    table.to_csv(files.data[0], index=False)
    encoder = tiny_bert(folder / "encoder", encoder_seed)
    config = load_config(None, [f"encoder.source='{encoder}'", *SMALL, *settings])
    with Run.start("train", None, {}) as run:
        read = read_decided(schema or load_schema("demo"), files.data, ReadOptions(need_target=True), run)
        train_bundle(read, files, config, open_text_encoder(config.encoder), run, quick=True)
    members = load(files.out).model.fused.members
    assert any(member.weight for member in members), "a model of the base rate alone: take more rows"
    return files.out
