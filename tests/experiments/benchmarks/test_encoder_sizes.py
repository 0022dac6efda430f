"""Encoders side by side: the rows that they read, and the AUC of their vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from data_schemas.reader import load_schema
from experiments.benchmarks.speed.encoder_sizes import best_auc, first_rows, texts_of
from experiments.demo.data import generate


def test_the_first_rows_and_their_clean_texts(tmp_path: Path) -> None:
    generate(60, 1).table.to_csv(tmp_path / "past.csv", index=False)
    applications = first_rows(load_schema("demo"), tmp_path / "past.csv", 40)
    columns = texts_of(applications)
    assert [len(column) for column in columns] == [40] * len(applications.schema.narratives)
    assert any(text for column in columns for text in column)


def test_vectors_that_hold_the_outcome_have_an_auc_of_one_and_noise_about_a_half() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(400) < 0.3).astype(np.float64)
    noise = rng.normal(size=(400, 3))
    assert best_auc(noise + 50 * y[:, None], y) > 0.999
    assert abs(best_auc(noise, y) - 0.5) < 0.1
