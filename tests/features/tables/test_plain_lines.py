"""Lines that Arrow splits give what the careful reader gives, and it looks at all others."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.tables.csv_records import Lines, records
from features.tables.plain_lines import plain_cells

WIDTH = 3
ODD = st.sampled_from(
    ["", " ", "\ufeff", '"', '""', "\0", "\udcff", "é", "\u2028", "\x1c", "a\tb", "'", "\\", "NA", "null"]
)
ENDS = st.sampled_from(["\n", "\r\n"])


@given(
    rows=st.lists(st.lists(ODD | st.text("ab,é", max_size=3), min_size=1, max_size=4), min_size=1, max_size=6),
    end=ENDS,
    last_ends=st.booleans(),
)
def test_what_it_splits_is_what_the_careful_reader_splits(rows: list[list[str]], end: str, last_ends: bool) -> None:
    text = "".join(",".join(row) + end for row in rows)
    text = text if last_ends else text.removesuffix(end)
    lines = io.StringIO(text, newline="\n").readlines()
    found = plain_cells(lines, ",", WIDTH, range(WIDTH))
    if found is None:
        return
    careful = list(records(Lines(io.StringIO(text, newline="\n")), ",", WIDTH))
    assert [record.rule for record in careful] == [""] * len(lines)
    assert [list(cells) for cells in zip(*(found[i].to_pylist() for i in range(WIDTH)), strict=True)] == [
        record.cells for record in careful
    ]


@given(rows=st.lists(st.lists(st.text("ab é漢", max_size=5), min_size=3, max_size=3), min_size=1, max_size=6), end=ENDS)
def test_it_splits_sound_lines(rows: list[list[str]], end: str) -> None:
    found = plain_cells([";".join(row) + end for row in rows], ";", WIDTH, (2, 0))
    assert found is not None
    assert found[2].to_pylist() == [row[2] for row in rows]
    assert found[0].to_pylist() == [row[0] for row in rows]


@pytest.mark.parametrize(
    "line", ["a,b\n", "a,b,c,d\n", '"a",b,c\n', "\n", "\r\n", "a,\0,c\n", "a,\udcff,c\n", "a,b\r,c\n", ""]
)
def test_it_leaves_any_other_line_to_the_careful_reader(line: str) -> None:
    assert plain_cells(["a,b,c\n", line, "a,b,c\n"] if line else [], ",", WIDTH, range(WIDTH)) is None


def test_a_byte_order_mark_in_the_middle_of_a_file_stays_whatever_the_chunk() -> None:
    assert plain_cells(["\ufeffa,b,c\n"], ",", WIDTH, range(WIDTH)) is None
    found = plain_cells(["x,y,z\n", "\ufeffa,b,c\n"], ",", WIDTH, range(WIDTH))
    assert found is not None
    assert found[0].to_pylist() == ["x", "\ufeffa"]
