"""Splitting lines without quotes and damage, which most lines of most files are, many times as fast as others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.csv

from features.tables.csv_records import MAX_RECORD


def plain_cells(
    lines: Sequence[str], delimiter: str, width: int, columns: Iterable[int]
) -> dict[int, pa.StringArray] | None:
    """The cells of lines of which each is a row; None where one may be no row of ``width`` cells, or damaged.

    It splits as ``csv_records.records`` does, whose care such lines do not need: they hold no quote, no NUL, no
    undecodable byte, no carriage return but at their ends, and as many cells as there are columns. Nor do they begin
    with a byte order mark, which Arrow would drop, though in the middle of a file it is part of a cell.

    Args:
        lines: with their line breaks; only the last one may lack it.
        width: number of columns, at least two.
        columns: which of them are wanted, from 0.
    """
    text = "".join(lines)
    if width < 2 or not text or "\n" in lines or "\r\n" in lines:
        return None
    if '"' in text or "\0" in text or text.startswith("\ufeff") or not delimiter.isascii():
        return None
    if text.count("\r") != text.count("\r\n") or max(map(len, lines)) >= MAX_RECORD:
        return None
    names = [str(column) for column in range(width)]
    wanted = [names[column] for column in columns]
    try:
        content = text.encode()  # fails for bytes that could not be decoded
        table = pa.csv.read_csv(
            pa.BufferReader(content),
            pa.csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
            pa.csv.ParseOptions(delimiter=delimiter, quote_char=False, double_quote=False, ignore_empty_lines=False),
            pa.csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
                include_columns=wanted,
            ),
        )
    except (UnicodeEncodeError, pa.ArrowInvalid):
        return None
    if len(table) != len(lines):
        return None
    return {int(name): table.column(name).combine_chunks() for name in wanted}
