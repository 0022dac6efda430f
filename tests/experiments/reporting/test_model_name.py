"""What pages call a model."""

from __future__ import annotations

import pytest

from experiments.reporting.model_name import folder_or_title


@pytest.mark.parametrize(
    ("folder", "name"),
    [("champion", "champion"), ("model_2024", "model_2024"), ("model", "Loans"), ("Bundle", "Loans"), ("", "Loans")],
)
def test_a_folder_that_says_nothing_gives_way_to_the_title_of_the_schema(folder: str, name: str) -> None:
    assert folder_or_title(folder, "Loans") == name
