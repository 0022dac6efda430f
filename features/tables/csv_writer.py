"""Writing rows as CSV: safe to open in a spreadsheet, or exact."""

from __future__ import annotations

import _csv
import csv
import re
from collections.abc import Sequence
from typing import TextIO

import numpy as np
import pandas as pd

_FORMULA_START = frozenset("=+-@\t\r\n＝＋－＠")  # full-width forms too: spreadsheets in Asian locales run them
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def neutralise(text: str) -> str:
    """The text, with an apostrophe in front when a spreadsheet would run it as a formula; numbers stay as they are."""
    if text[:1] in _FORMULA_START and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def write_header(file: TextIO, columns: Sequence[str], *, exact: bool = False) -> None:
    """Write the header row; open the file with ``newline=""`` and UTF-8.

    Args:
        exact: see ``write_rows``.
    """
    _writer(file).writerow(columns if exact else [neutralise(name) for name in columns])


def write_rows(file: TextIO, frame: pd.DataFrame, *, exact: bool = False) -> None:
    """Write the frame's rows, without a header: floats to their last digit, missing as "".

    Args:
        exact: write text as it is, for a program to read; else text that a spreadsheet would run is neutralised.
    """
    columns = [_cells(frame.iloc[:, position], exact) for position in range(frame.shape[1])]
    _writer(file).writerows(zip(*columns, strict=True))


class _NewlineEnds:
    """Ends lines in LF that come ending in CRLF; the csv module quotes a cell for its CR only where lines end so."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> int:
        """Write one row."""
        return self._file.write(line.removesuffix("\r\n") + "\n")


def _writer(file: TextIO) -> _csv.Writer:
    return csv.writer(_NewlineEnds(file), lineterminator="\r\n")


def _cells(column: pd.Series, exact: bool) -> list[object]:
    if column.dtype.kind == "M":
        times = column.dt.strftime("%Y-%m-%dT%H:%M:%S").astype(object).fillna("")
        return [time.removesuffix("T00:00:00") for time in times]
    if column.dtype.kind == "f":
        return ["" if np.isnan(value) else value for value in column.tolist()]
    if exact:
        return column.tolist()
    return [neutralise(cell) if isinstance(cell, str) else cell for cell in column.tolist()]
