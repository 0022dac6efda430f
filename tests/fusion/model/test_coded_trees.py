"""Trees by codes and masks; that they have the digits of LightGBM is in ``test_boosted_trees``."""

from __future__ import annotations

import numpy as np
import pytest

from fusion.model import coded_trees
from fusion.model.boosted_trees import Trees
from fusion.model.coded_trees import cell_codes, coded, margin, thresholds_of


def a_tree(missing_left: bool) -> Trees:
    """x0 <= 1: 1, else x1 <= 5: 2, else 4."""
    whole = np.array([0], np.int64)
    return Trees(
        whole,
        np.array([0, 1], np.int64),
        np.array([1.0, 5.0]),
        np.array([missing_left, missing_left]),
        np.array([-1, -2], np.int64),
        np.array([1, -3], np.int64),
        np.array([1.0, 2.0, 4.0]),
    )


@pytest.mark.parametrize(("missing_left", "of_missing"), [(True, 1.0), (False, 4.0)])
def test_rows_reach_the_leaf_of_their_cells(missing_left: bool, of_missing: float) -> None:
    trees = a_tree(missing_left)
    x = np.array([[1.0, 9.0], [np.nextafter(1.0, 2.0), 5.0], [np.inf, np.inf], [np.nan, np.nan], [-np.inf, np.nan]])
    thresholds = thresholds_of([trees])
    found = margin(coded(trees, thresholds), cell_codes(thresholds, x))
    assert found.tolist() == [1.0, 2.0, 4.0, of_missing, 1.0]


def test_codes_count_the_thresholds_below_a_cell() -> None:
    codes = cell_codes([np.array([1.0, 3.0])], np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [np.nan]]))
    assert codes.tolist() == [[1, 1, 2, 2, 3, 0]]


def test_more_thresholds_than_codes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coded_trees, "MAX_THRESHOLDS", 0)
    with pytest.raises(ValueError, match="a column with 1 thresholds, more than 0"):
        thresholds_of([a_tree(missing_left=True)])
