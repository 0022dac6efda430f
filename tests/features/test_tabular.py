"""The tabular encoder: each row by itself, derived features in double precision, JSON without loss."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.fields import Field, FieldType, Role
from features.tabular import TabularEncoder, measured
from tests.support.small import applications, row, small_schema

LEVELS: dict[str, tuple[str, ...]] = {"home": ("own", "rent"), "town": ("Bonn", "Ulm")}
ENCODER = TabularEncoder(small_schema(), LEVELS, {})
NUMBERS = st.sampled_from(["", "0", "-1", "3.25", "1e300", "50000"])
ROWS = st.lists(
    st.fixed_dictionaries({"income": NUMBERS, "amount": NUMBERS, "town": st.sampled_from(["", "Ulm", "Rom"])})
)


def test_columns_and_values(tmp_path: Path) -> None:
    block = ENCODER.encode(applications(tmp_path, [row()]))
    assert block.num_names == ("income", "amount", "loans", "owner", "burden", "rest", "years")
    assert block.cat_names == ("home", "town")
    assert block.n_levels == (3, 3)
    assert block.x_cat.tolist() == [[2, 2]]
    years = (np.datetime64("2024-03-01") - np.datetime64("2014-03-01")) / np.timedelta64(1, "D") / 365.25
    np.testing.assert_array_equal(block.x_num, np.array([[50000, 10000, 2, 1, 0.2, 40000, years]], dtype=np.float32))


def test_derived_features_that_cannot_be_computed_are_missing(tmp_path: Path) -> None:
    rows = [
        row(id="1", income="0"),
        row(id="2", income="0", amount="0"),
        row(id="3", income=""),
        row(id="4", since=""),
        row(id="5", income="-1e308", amount="1e308"),
    ]
    block = ENCODER.encode(applications(tmp_path, rows))
    assert np.isnan(block.x_num[:, 4]).tolist() == [True, True, True, False, False]
    assert np.isnan(block.x_num[:, 5]).tolist() == [False, False, True, False, True]
    assert np.isnan(block.x_num[:, 6]).tolist() == [False, False, False, True, False]
    assert np.isnan(block.x_num[4, :2]).all()  # beyond float32
    assert np.isfinite(block.x_num[~np.isnan(block.x_num)]).all()


def test_derived_features_are_computed_in_double_precision(tmp_path: Path) -> None:
    block = ENCODER.encode(applications(tmp_path, [row(income="16777217", amount="16777216")]))
    assert block.x_num[0, 5] == 1.0  # in float32 the two are equal


def test_unknown_and_missing_levels_are_zero(tmp_path: Path) -> None:
    rows = [row(id="1", home="boat", town="Rom"), row(id="2", home="", town="")]
    assert ENCODER.encode(applications(tmp_path, rows)).x_cat.tolist() == [[0, 0], [0, 0]]


def test_fit_takes_the_schemas_categories_and_frequent_levels(tmp_path: Path) -> None:
    towns = ["Ulm"] * 3 + ["Bonn"] * 2 + ["Rom"] + [""] * 3
    rows = [row(id=str(i), town=town, home="boat") for i, town in enumerate(towns)]
    encoder = TabularEncoder.fit(applications(tmp_path, rows), min_rows=2)
    assert encoder.levels == {"home": ("own", "rent"), "town": ("Bonn", "Ulm")}


def test_no_rows(tmp_path: Path) -> None:
    nobody = applications(tmp_path, [])
    fitted = TabularEncoder.fit(nobody)
    assert fitted.levels == {"home": ("own", "rent"), "town": ()}
    assert fitted.fill == {}
    assert fitted.encode(nobody).x_num.shape == (0, 7)
    assert ENCODER.encode(nobody).x_num.shape == (0, 7)


def test_monotone_follows_the_schema() -> None:
    assert ENCODER.monotone == (-1, 1, 0, 0, 1, 0, -1)


def test_json_round_trip_is_exact() -> None:
    for encoder in (ENCODER, TabularEncoder(small_schema(), LEVELS, {"amount": float(np.float32(0.1)), "rest": -1e30})):
        text = json.dumps(encoder.to_json(), allow_nan=False)
        assert TabularEncoder.from_json(json.loads(text), small_schema()) == encoder
    with pytest.raises(ValueError, match="text features"):
        TabularEncoder.from_json({"levels": {"home": ["own"]}, "fill": {}}, small_schema())
    with pytest.raises(ValueError, match=r"fills \['home', 'sex'\], which are no numeric columns"):
        TabularEncoder.from_json(ENCODER.to_json() | {"fill": {"sex": 1, "amount": 2, "home": 3}}, small_schema())


TRAINING = [
    row(id="1", income="100", amount="10", loans="1", owner="true", since="2014-03-01"),
    row(id="2", income="", amount="20", loans="2", owner="true", since="2004-03-01"),
    row(id="3", income="300", amount="40", loans="4", owner="false", since="2020-03-01"),
    row(id="4", income="0", amount="70", loans="9", owner="true", since="2023-03-01"),
]
"""Income has a gap, and with it burden and rest; so has burden where the income is 0."""


def test_a_column_never_missing_in_training_is_filled_with_its_median(tmp_path: Path) -> None:
    encoder = TabularEncoder.fit(applications(tmp_path, TRAINING), min_rows=1)
    x_num = encoder.encode(applications(tmp_path, TRAINING)).x_num
    years = np.median(x_num[:, 6])
    assert encoder.fill == {"amount": 30.0, "loans": 3.0, "owner": 1.0, "years": years}
    np.testing.assert_array_equal(np.isnan(x_num).any(axis=0), [True, False, False, False, True, True, False])
    gaps = [row(id="1", amount="", loans="", owner="", since=""), row(id="2", amount="1e300", loans="8", asked="")]
    found = encoder.encode(applications(tmp_path, gaps)).x_num
    np.testing.assert_array_equal(found[:, [1, 2, 3, 6]], np.array([[30, 3, 1, years], [30, 8, 1, years]], np.float32))


def test_a_column_with_gaps_in_training_keeps_them(tmp_path: Path) -> None:
    encoder = TabularEncoder.fit(applications(tmp_path, TRAINING), min_rows=1)
    found = encoder.encode(applications(tmp_path, [row(income="")])).x_num
    np.testing.assert_array_equal(np.isnan(found[0]), [True, False, False, False, True, True, False])


def test_one_training_row_is_its_own_median(tmp_path: Path) -> None:
    read = applications(tmp_path, [row()])
    encoder = TabularEncoder.fit(read)
    blank = applications(tmp_path, [row(income="", amount="", loans="", owner="", since="")])
    np.testing.assert_array_equal(encoder.encode(blank).x_num, encoder.encode(read).x_num)


@pytest.mark.parametrize("name", ["amount", "loans", "owner"])
def test_what_is_filled_is_the_applicant_in_the_middle(tmp_path: Path, name: str) -> None:
    """A value that a model never missed moves it neither way when it lacks."""
    encoder = TabularEncoder.fit(applications(tmp_path, TRAINING), min_rows=1)
    middle = "true" if name == "owner" else str(int(encoder.fill[name]))
    lacking = encoder.encode(applications(tmp_path, [row(income="", **{name: ""})]))
    known = encoder.encode(applications(tmp_path, [row(income="", **{name: middle})]))
    np.testing.assert_array_equal(lacking.x_num, known.x_num)
    np.testing.assert_array_equal(lacking.x_cat, known.x_cat)


def test_filling_is_each_row_by_itself(tmp_path: Path) -> None:
    encoder = TabularEncoder.fit(applications(tmp_path, TRAINING), min_rows=1)
    rows = [row(id="1", amount=""), row(id="2", amount="500"), row(id="3", amount="900")]
    together = encoder.encode(applications(tmp_path, rows)).x_num
    alone = [encoder.encode(applications(tmp_path, [cells])).x_num[0] for cells in rows]
    np.testing.assert_array_equal(together, alone)


@settings(max_examples=30)
@given(cells=ROWS, data=st.data())
def test_row_order_is_irrelevant(
    tmp_path_factory: pytest.TempPathFactory, cells: list[dict[str, str]], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    rows = [row(id=str(i), **changed) for i, changed in enumerate(cells)]
    order = data.draw(st.permutations(range(len(rows))))
    block = ENCODER.encode(applications(folder, rows))
    moved = ENCODER.encode(applications(folder, [rows[i] for i in order]))
    np.testing.assert_array_equal(moved.x_num, block.x_num[order])
    np.testing.assert_array_equal(moved.x_cat, block.x_cat[order])


@settings(max_examples=30)
@given(sex=st.text("abc", max_size=3), clerk=st.text("abc", max_size=3), outcome=st.text("abc", max_size=3))
def test_columns_that_are_no_input_never_influence_the_block(
    tmp_path_factory: pytest.TempPathFactory, sex: str, clerk: str, outcome: str
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    plain = ENCODER.encode(applications(folder, [row()]))
    other = ENCODER.encode(applications(folder, [row(sex=sex, clerk=clerk, outcome=outcome)]))
    np.testing.assert_array_equal(other.x_num, plain.x_num)
    np.testing.assert_array_equal(other.x_cat, plain.x_cat)
    fitted = TabularEncoder.fit(applications(folder, [row(sex=sex, clerk=clerk)]), min_rows=1)
    assert fitted.levels == {"home": ("own", "rent"), "town": ("Ulm",)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_that_stand_for_none_are_no_measurements(dtype: type[np.floating[Any]]) -> None:
    plain = Field("burden", FieldType.NUMBER, Role.FEATURE, "Burden")
    labelled = replace(plain, labels=((-0.1, "no record"), (-9.0, "no line")))
    x = np.array([-0.1, 0.1, -9.0, np.nan, 5.0], dtype=dtype)
    assert np.isnan(measured(labelled, x)).tolist() == [True, False, True, True, False]
    assert measured(plain, x) is x
