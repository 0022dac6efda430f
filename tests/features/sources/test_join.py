"""Applications joined with the records of their sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.joins import ACCOUNTS, joining, read, schema_with, write

HEADER = "account,id,day,balance,status,note"


@pytest.fixture
def applications(tmp_path: Path) -> Path:
    return write(tmp_path / "app.csv", "id,decided,amount", ["1,2024-05-01,10", "2,2024-06-01,20", "3,2024-06-01,30"])


def test_a_record_counts_where_it_was_known_at_the_decision(tmp_path: Path, applications: Path) -> None:
    rows = ["a,1,2024-04-30,5,,", "b,1,2024-05-01,7,,", "c,2,2024-05-01,9,,", "d,2,2024-05-31,,,"]
    bureau = write(tmp_path / "bureau.csv", HEADER, rows)
    schema = schema_with(ACCOUNTS)
    with joining(applications, schema, bureau=bureau) as joined:
        frame = read(applications, joined, schema)
        report = joined.reports[0]
    assert frame["n"].to_dict() == {"1": 1, "2": 2, "3": 0}
    assert frame["total"].to_dict() == {"1": 5, "2": 9, "3": 0}
    assert (report.n_before, report.n_late, report.late_row, report.n_without_record) == (3, 1, 2, 1)
