"""Data frames of applications and records, joined as files of the same cells are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data_schemas.errors import ContractError
from features.sources.frames import join_frames
from features.tables.dataframe import Records, read_frame
from tests.support.joins import ACCOUNTS, joining, read, schema_with, source

SCHEMA = schema_with(ACCOUNTS)
APPLICATIONS = pd.DataFrame({"id": ["a", "b"], "decided": ["2024-03-01", "2024-03-02"], "amount": [10.0, 20.0]})
RECORDS = pd.DataFrame(
    {
        "account": ["1", "2", "3"],
        "id": ["a", "a", "b"],
        "day": pd.to_datetime(["2024-01-01", "2024-02-01", "2024-03-02"]),
        "balance": [1.5, None, 8.0],
        "status": ["open", None, "late"],
        "note": ["", "n", ""],
    }
)


def _made(applications: Records, records: Records) -> pd.DataFrame:
    with join_frames(applications, SCHEMA, {"bureau": records}) as joined:
        frame = read_frame(applications, SCHEMA, joined).applications.frame
    return frame.set_index("id")[["n", "total"]]


def test_frames_and_files_of_the_same_cells_give_the_same_columns(tmp_path: Path) -> None:
    APPLICATIONS.to_csv(tmp_path / "a.csv", index=False)
    RECORDS.to_csv(tmp_path / "r.csv", index=False)
    with joining(tmp_path / "a.csv", SCHEMA, bureau=tmp_path / "r.csv") as joined:
        of_files = read(tmp_path / "a.csv", joined, SCHEMA)[["n", "total"]]
    made = _made(APPLICATIONS, RECORDS)
    pd.testing.assert_frame_equal(made, of_files)
    assert list(made.loc["a"]) == [2.0, 1.5]
    assert list(made.loc["b"]) == [0.0, 0.0]  # its record is of the day of the decision


def test_rows_may_be_dicts_and_records_none() -> None:
    one = APPLICATIONS.iloc[0].to_dict()
    pd.testing.assert_frame_equal(_made(one, RECORDS.to_dict("records")), _made(APPLICATIONS.head(1), RECORDS))
    assert list(_made(one, []).loc["a"]) == [0.0, 0.0]


def test_a_frame_without_the_columns_of_its_sources_needs_them() -> None:
    with pytest.raises(ContractError, match="reads the sources bureau beside the applications"):
        read_frame(APPLICATIONS, SCHEMA)
    with pytest.raises(ContractError, match="which is not given"), join_frames(APPLICATIONS, SCHEMA, {}):
        pass
    with pytest.raises(ContractError, match="has no source 'buro'"), join_frames(APPLICATIONS, SCHEMA, {"buro": []}):
        pass
    lacking = RECORDS.drop(columns="balance")
    message = "data frame of the source 'bureau': the header lacks 'balance'"
    with pytest.raises(ContractError, match=message), join_frames(APPLICATIONS, SCHEMA, {"bureau": lacking}):
        pass


def test_a_source_that_may_be_absent_gives_no_records() -> None:
    schema = schema_with(source(ACCOUNTS, if_absent="flag"))
    with join_frames(APPLICATIONS, schema, {}) as joined:
        assert joined is not None
        assert [report.is_given for report in joined.reports] == [False]
        frame = read_frame(APPLICATIONS, schema, joined).applications.frame
    assert frame["n"].tolist() == [0.0, 0.0]
