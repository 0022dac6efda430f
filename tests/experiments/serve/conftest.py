"""Two models that share a contract, and applications for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.demo.data import generate
from experiments.serve.scoring import Models
from fusion.scorer import Scorer, load_scorer
from tests.support.bundles import train_small
from tests.support.explained import Trained, any_id_schema
from tests.support.serving import Row, demo_rows


@pytest.fixture(scope="session")
def champion(trained: Trained) -> Scorer:
    return load_scorer(trained.model, reasons=4)


@pytest.fixture(scope="session")
def challenger_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("challenger")
    return train_small(folder, generate(400, 3).table, schema=any_id_schema())


@pytest.fixture(scope="session")
def challenger(challenger_bundle: Path) -> Scorer:
    return load_scorer(challenger_bundle, reasons=4)


@pytest.fixture(scope="session")
def models(champion: Scorer) -> Models:
    return Models(champion)


@pytest.fixture(scope="session")
def rows() -> list[Row]:
    """Twelve applications, every cell as text."""
    return demo_rows()
