"""Old decisions count less: by halves, whatever the unit of the dates, and one without a date as much as the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.model.recency import row_weight

DAYS = np.array(["2011-01-01", "2008-01-01", "2005-01-01"], "datetime64[D]")


@pytest.mark.parametrize("unit", ["D", "s", "ns"])
def test_a_half_life_halves(unit: str) -> None:
    weight = row_weight(DAYS.astype(f"datetime64[{unit}]"), 3, 3.0)
    np.testing.assert_allclose(weight / weight[0], [1.0, 0.5, 0.25], rtol=1e-3)
    assert weight.dtype == np.float64


def test_without_dates_or_with_an_infinite_half_life_all_rows_weigh_one() -> None:
    np.testing.assert_array_equal(row_weight(None, 3, 3.0), np.ones(3))
    np.testing.assert_array_equal(row_weight(DAYS, 3, float("inf")), np.ones(3))


def test_no_row_and_one_row() -> None:
    assert row_weight(DAYS[:0], 0, 3.0).shape == (0,)
    np.testing.assert_array_equal(row_weight(DAYS[:1], 1, 3.0), np.ones(1))


def test_a_row_without_a_date_weighs_the_mean_of_the_others() -> None:
    dated = row_weight(DAYS, 3, 3.0)
    weight = row_weight(np.append(DAYS, np.datetime64("NaT")), 4, 3.0)
    np.testing.assert_allclose(weight, [*dated, 1.0], rtol=1e-12)
    np.testing.assert_array_equal(row_weight(np.full(3, np.datetime64("NaT")), 3, 3.0), np.ones(3))


@settings(max_examples=50)
@given(st.lists(st.integers(0, 20000), min_size=1, max_size=50), st.floats(0.5, 50.0))
def test_the_mean_is_one_and_newer_never_weighs_less(days: list[int], half_life: float) -> None:
    decided = np.array(days).astype("datetime64[D]")
    weight = row_weight(decided, len(days), half_life)
    assert weight.mean() == pytest.approx(1.0)
    assert (np.diff(weight[np.argsort(decided)]) >= -1e-12).all()
