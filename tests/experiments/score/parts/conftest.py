"""What the tests of scoring in parts share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scoring_in_parts import Batch, scored_alone


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    made = Batch(tmp_path)
    made.write(60)
    return made


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What each file of ``batch`` gives when it is scored alone."""
    made = Batch(tmp_path_factory.mktemp("alone"))
    made.write(60)
    return scored_alone(made)
