"""Written CSV is safe to open in a spreadsheet and can be read again."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.tables.csv_writer import neutralise, write_header, write_rows


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "＝1", "-", "-1-1", "+1e", "=-1"])
def test_formulas_get_an_apostrophe(text: str) -> None:
    assert neutralise(text) == "'" + text


@pytest.mark.parametrize("text", ["", "a", "-1", "+1.5", "-.5e-3", "1=1", "'=1", "a\n=b"])
def test_other_text_stays(text: str) -> None:
    assert neutralise(text) == text


def test_rows() -> None:
    frame = pd.DataFrame(
        {
            "row": np.array([1, 2]),
            "pd": [0.1, np.nan],
            "text": pd.Series(["=A1", 'a "b",\r\nc'], dtype=object),
            "day": pd.Series([pd.Timestamp("2024-03-01"), pd.NaT]),
        }
    )
    file = io.StringIO(newline="")
    write_header(file, ["row", "pd", "=text", "day"])
    write_rows(file, frame)
    assert file.getvalue() == 'row,pd,\'=text,day\n1,0.1,\'=A1,2024-03-01\n2,,"a ""b"",\r\nc",\n'


def test_exact_rows() -> None:
    file = io.StringIO(newline="")
    write_header(file, ["=text"], exact=True)
    write_rows(file, pd.DataFrame({"=text": pd.Series(["=A1", "'=A1"], dtype=object)}), exact=True)
    assert file.getvalue() == "=text\n=A1\n'=A1\n"


def test_no_rows() -> None:
    file = io.StringIO(newline="")
    write_rows(file, pd.DataFrame({"a": pd.Series([], dtype=object)}))
    assert file.getvalue() == ""


@given(st.lists(st.tuples(st.text(), st.text(), st.floats(allow_nan=False)), max_size=5))
def test_what_is_written_can_be_read(rows: list[tuple[str, str, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["a", "b", "c"])
    file = io.StringIO(newline="")
    write_rows(file, frame)
    file.seek(0)
    found = [(a, b, float(c)) for a, b, c in csv.reader(file, strict=True)]
    assert found == [(neutralise(a), neutralise(b), c) for a, b, c in rows]
