"""Frames as applications: the same as from a file, and a plain schema read off the columns' types."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.errors import ContractError
from data_schemas.fields import FieldType, Role
from features.tables.dataframe import applications_of, plain_schema, read_frame
from tests.support.small import NAMES, applications, row, small_schema

ROWS = [
    row(),
    row(id="2", income="41250.5", loans="", owner="false", home="NA", since="2001-12-31", note=" Two\nlines, "),
    row(id="3", income="", asked="", town="Übersee", note="", sex=""),
    row(id="4", income="0.1", amount="1e7", owner="", since="", outcome="good"),
]
COLUMNS = {name: [cells[i] for cells in ROWS] for i, name in enumerate(NAMES)}


def typed() -> pd.DataFrame:
    """The rows of ``COLUMNS`` as a notebook would hold them."""
    frame = pd.DataFrame(COLUMNS).replace({"": None, "NA": None})
    for name in ("income", "amount", "loans"):
        frame[name] = frame[name].astype("float64")
    frame["owner"] = frame["owner"].map({"true": True, "false": False})
    frame["asked"] = pd.to_datetime(frame["asked"], format="%d.%m.%Y")
    frame["since"] = [None if day is None else dt.date.fromisoformat(day) for day in frame["since"]]
    frame["home"] = frame["home"].astype("category")
    return frame.set_index(pd.Index([7, 7, 3, 1]))


@pytest.mark.parametrize("frame", [pd.DataFrame(COLUMNS), pd.DataFrame(COLUMNS, dtype=object), typed()])
def test_a_frame_gives_the_applications_of_the_file(tmp_path: Path, frame: pd.DataFrame) -> None:
    from_file = applications(tmp_path, ROWS)
    from_frame = applications_of(frame, small_schema())
    pd.testing.assert_frame_equal(from_frame.frame, from_file.frame)
    assert from_frame.row_number.tolist() == from_file.row_number.tolist()


def test_without_an_id_the_position_is_the_id() -> None:
    assert applications_of(pd.DataFrame(COLUMNS).drop(columns="id"), small_schema()).ids == ["1", "2", "3", "4"]


def test_the_first_breach_is_named_with_its_place_and_remedy() -> None:
    frame = pd.DataFrame(COLUMNS).assign(income=["1", "many", "1,000", "3"])
    with pytest.raises(ContractError, match=r"row 2 of the data frame, column 'income', rule type: 'many' is not"):
        applications_of(frame, small_schema())
    with pytest.raises(ContractError, match=r"\(and 1 more rows break the contract\)\. Correct it"):
        applications_of(frame, small_schema())


def test_missing_and_repeated_columns_are_named() -> None:
    frame = pd.DataFrame(COLUMNS)
    with pytest.raises(ContractError, match=r"the data frame: the header lacks 'income'.*rename 'Income'"):
        applications_of(frame.rename(columns={"income": "Income"}), small_schema())
    with pytest.raises(ContractError, match="names 'town' twice"):
        applications_of(pd.concat([frame, frame[["town"]]], axis=1), small_schema())


def test_a_plain_schema_follows_the_types() -> None:
    frame = pd.DataFrame(
        {
            "row": [1, 2],
            "whole": pd.array([1, None], dtype="Int64"),
            "object": pd.Series([1, 2.5], dtype=object),
            "flag": [True, False],
            "void": [None, None],
            "day": pd.DatetimeIndex(["1970-01-02", "1971-01-01T12:00"]).tz_localize("UTC"),
            "date": [dt.date(1969, 12, 31), None],
            "level": ["a", None],
            "mixed": [1, "b"],
            "coded": pd.Categorical([3, 4]),
            "note": ["Some words.", None],
        }
    )
    schema = plain_schema(frame, ["note"])
    assert schema.id.name == "row_"
    assert [field.name for field in schema.features if field.type is FieldType.STRING] == ["level", "mixed", "coded"]
    assert [field.name for field in schema.fields_of(Role.NARRATIVE)] == ["note"]
    assert schema["day"].unit == "days since 1970-01-01"
    found = applications_of(frame, schema).frame
    assert found["row_"].tolist() == ["1", "2"]
    np.testing.assert_array_equal(found["whole"], [1.0, np.nan])
    np.testing.assert_array_equal(found["object"], [1.0, 2.5])
    np.testing.assert_array_equal(found["flag"], [1.0, 0.0])
    np.testing.assert_array_equal(found["void"], [np.nan, np.nan])
    np.testing.assert_array_equal(found["day"], [1.0, 365.5])
    np.testing.assert_array_equal(found["date"], [-1.0, np.nan])
    assert found["level"].tolist() == ["a", ""]
    assert found["mixed"].tolist() == ["1", "b"]
    assert found["coded"].tolist() == ["3", "4"]
    assert found["note"].tolist() == ["Some words.", ""]


def test_numbers_keep_every_digit() -> None:
    values = np.random.default_rng(0).normal(size=1000) * 10.0 ** np.arange(-300, 300, 0.6)
    frame = pd.DataFrame({"a": values, "b": (values % 1e30).astype(np.float32)})
    found = applications_of(frame, plain_schema(frame, ())).frame
    np.testing.assert_array_equal(found["a"], values)
    np.testing.assert_array_equal(found["b"], frame["b"].to_numpy(dtype=np.float64))


def test_no_rows_give_no_applications() -> None:
    assert len(applications_of(pd.DataFrame(COLUMNS).iloc[:0], small_schema())) == 0


def test_an_unknown_narrative_is_refused() -> None:
    with pytest.raises(ContractError, match=r"no column 'story' to read as a narrative\. Its columns: a"):
        plain_schema(pd.DataFrame({"a": [1]}), ["story"])


def test_infinity_is_refused() -> None:
    frame = pd.DataFrame({"a": [1.0, np.inf]})
    with pytest.raises(ContractError, match="row 2 of the data frame, column 'a', rule type: 'inf' is not a number"):
        applications_of(frame, plain_schema(frame, ()))


def test_an_id_may_occur_again_where_rows_are_of_several_requests() -> None:
    rows = [dict(zip(NAMES, cells, strict=True)) for cells in (row(), row())]
    assert read_frame(rows, small_schema()).rejects["rule"].tolist() == ["unique"]
    assert len(read_frame(rows, small_schema(), ids_again=True).applications) == 2
