"""Lines of totals and rows that hold nothing but an id are rejected with a reason, never scored."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.tables.reader import ReadOptions, read_all
from tests.support.small import NAMES, row, small_schema, write_csv

BLANK = dict.fromkeys(NAMES, "")


def rules(folder: Path, *rows: list[str]) -> list[tuple[int, str]]:
    chunk = read_all(write_csv(folder / "rows.csv", rows), small_schema(), ReadOptions())
    assert chunk.n_rows == len(rows)
    return list(zip(chunk.rejects.frame["row"].tolist(), chunk.rejects.frame["rule"].tolist(), strict=True))


@pytest.mark.parametrize(
    "label",
    [
        "Total",
        "TOTAL:",
        "Grand total",
        "Total amount funded in policy code 1: 471701350",
        "Subtotal 2024",
        "Sum of loans",
        "Summe",
        "Gesamtsumme (EUR)",
        "Total général",
        "Suma",
        "Totale",
        "Totaal",
        "Итого",
        "合计",
        "总计：120",
        "小計",
        "합계",
        "المجموع",
        "Average",
        "Count: 40",
    ],
)
@pytest.mark.parametrize("numbers", [{}, {"income": "471701350", "amount": "12"}])
def test_a_line_of_totals_is_rejected(tmp_path: Path, label: str, numbers: dict[str, str]) -> None:
    line = row(**BLANK | {"id": label} | numbers)
    assert rules(tmp_path, row(id="1"), line) == [(2, "totals")]


@pytest.mark.parametrize("name", ["Totalenergies-7", "SUM-4", "Average Joe", "合计-1", "Mean Street 5"])
def test_an_applicant_whose_id_begins_so_is_none(tmp_path: Path, name: str) -> None:
    assert rules(tmp_path, row(id=name)) == []


def test_a_row_that_holds_nothing_but_an_id_is_rejected(tmp_path: Path) -> None:
    assert rules(tmp_path, row(id="1"), row(**BLANK | {"id": "2"}), row(**BLANK | {"id": "3", "note": "A car."})) == [
        (2, "empty")
    ]
