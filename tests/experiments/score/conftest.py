"""What the tests of scoring by a rule share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.scoring_by_rule import Place, applications


@pytest.fixture
def place(tmp_path: Path) -> Place:
    applications(200).to_csv(tmp_path / "in.csv", index=False)
    return Place(tmp_path)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    place = Place(tmp_path_factory.mktemp("undisturbed"))
    applications(200).to_csv(place.files.data, index=False)
    place.score()
    return place.results()
