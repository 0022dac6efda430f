"""What several test modules share."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.support.made_once import made_once
from tests.support.wheel import build_wheel, install_wheel

if TYPE_CHECKING:
    from fusion.scorer import Scorer

# Before torch is imported: small work is quicker on one thread, and tests run side by side.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# No example is too slow: how long one takes says more about what else the machine does.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow ones first: one that begins last keeps a process at work when the others have ended."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_configure() -> None:
    """Hear Ctrl-C, as the commands that tests start must: a shell has processes in its background ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def lending_club_csv() -> Path:
    """The real applications, kept beside the repository; tests that want them are skipped where they are absent."""
    path = Path(__file__).resolve().parents[2] / "shared" / "data" / "lending_club" / "applications.csv.gz"
    if not path.exists():
        pytest.skip(f"the Lending Club file is not at {path.relative_to(path.parents[4])}")
    return path


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that users install, built from this checkout."""
    (path,) = made_once(tmp_path_factory, "wheel", build_wheel).glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """The ``bin`` folder of an environment with the wheel; no test may write to it."""
    return made_once(tmp_path_factory, "environment", partial(install_wheel, wheel)) / "bin"


@pytest.fixture(scope="session")
def joined_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that learned from the demo's applications and three sources."""
    from tests.support.bundles import train_small
    from tests.support.joined_sources import joined_schema, joined_table

    def train(folder: Path) -> None:
        train_small(folder, joined_table(500, 1), schema=joined_schema())

    return made_once(tmp_path_factory, "joined", train) / "model"


@pytest.fixture(scope="session")
def stating_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that learned from what the demo's statements state."""
    from tests.support.bundles import train_small
    from tests.support.statements import stating_schema, stating_table

    def train(folder: Path) -> None:
        train_small(folder, stating_table(600, 1), schema=stating_schema())

    return made_once(tmp_path_factory, "stating", train) / "model"


@pytest.fixture(scope="session")
def joined_scorer(joined_model: Path) -> Scorer:
    """Scores by ``joined_model``."""
    from fusion.scorer import load_scorer

    return load_scorer(joined_model)
