"""A table written in any usual encoding and layout reads as the same table, or stops with a remedy."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.contract import Dialect
from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from features.tables.encodings import find_encoding
from features.tables.layout import find_layout
from features.tables.reader import ReadOptions, file_layout, read_all
from tests.support.damage import HEADER, SOUND, csv_line, line, zipped
from tests.support.small import NAMES, row, small_schema

WORDS = {
    "utf-8": ["Müller", "naïve", "贷款", "кредит"],
    "utf-16": ["Müller", "naïve", "贷款", "кредит"],
    "gb18030": ["我想申请一笔贷款", "用于装修房子", "北京", "上海", "工程师", "教师", "张伟", "王芳", "收入稳定"],
    "big5": ["我想申請一筆貸款", "用於裝修房子", "臺北", "高雄", "工程師", "教師", "張偉", "收入穩定"],
    "cp932": ["東京", "大阪", "ローンを申請します", "住宅購入", "自動車", "田中", "佐藤", "会社員です"],
    "cp1252": ["Müller", "Straße", "Köln", "für", "über", "möchte", "Größe", "schöne", "Häuser", "fünf", "grüßen"],
}
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "csv": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_table_reads_as_itself_or_stops_with_a_remedy(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    encoding = data.draw(st.sampled_from(sorted(WORDS)))
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|"]))
    words = st.lists(st.sampled_from(WORDS[encoding]), min_size=1, max_size=6).map(" ".join)
    notes = data.draw(st.lists(words, min_size=1, max_size=20))
    rows = [row(id=str(number), note=note) for number, note in enumerate(notes)]
    lines = [csv_line(cells, delimiter) for cells in (NAMES, *rows)]
    if data.draw(st.booleans()):
        lines = [text.replace("\n", f"{delimiter}\n") for text in lines]
    before = data.draw(st.sampled_from(["", "Loans of 2024\n", f"sep={delimiter}\n", "Loans of 2024\n\n"]))
    after = data.draw(st.sampled_from(["", "\nTotal of loans 12\n", "Total of loans 12\nend of file\n"]))
    text = before + "".join(lines) + after
    packed = data.draw(st.sampled_from(sorted(PACKED)))
    path = tmp_path_factory.mktemp("layouts") / "table.data"
    path.write_bytes(PACKED[packed](text.encode(encoding)))
    refused = None
    try:
        read = read_all(path, small_schema(), ReadOptions())
    except ContractError as error:
        refused = error
        read = read_all(path, small_schema(), ReadOptions(encoding=encoding))  # as the remedy says
    if refused is not None:
        assert str(path) in refused.message
        assert "--encoding" in refused.remedy
        assert not encoding.startswith("utf")
    assert read.applications.narrative("note") == notes
    assert len(read.rejects) == 0
    layout = file_layout(path, small_schema(), ReadOptions(encoding=None if encoding[:3] == "utf" else encoding))
    assert layout is not None
    n_left_out = sum(bool(part.strip()) for part in (before + "\n" + after).split("\n"))
    assert layout.n_left_out == n_left_out


@pytest.mark.parametrize("encoding", [name for name in WORDS if name[:3] != "utf"])
def test_the_encoding_is_found_where_there_are_some_words(encoding: str) -> None:
    lines = "\n".join(WORDS[encoding]).encode(encoding)
    found = find_encoding(lines).encoding
    assert found is not None
    assert lines.decode(found) == lines.decode(encoding)


@pytest.mark.parametrize("word", ["don\x92t", "it\x92s", "\x93quoted\x94"])
def test_typographic_marks_alone_are_not_taken_for_letters(word: str) -> None:
    found = find_encoding("\n".join([word] * 3).encode("latin-1") + b"\n")
    assert found.encoding in (None, "cp1252")


def test_what_is_left_out_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("Loans, 2024\n\n" + SOUND + "\nTotal amount: 12\nRows: 3\n")
    layout = find_layout(path, load_schema("demo"), Dialect())
    assert layout.findings == (
        "line 1 before the header left out",
        "2 lines behind the table left out (8, 9)",
    )
    assert layout.n_left_out == 2 + 1


def test_the_last_row_is_no_footer(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(HEADER + line(1) + line(2, {"job_title": "two\nlines of it"}) + "A-3")
    read = read_all(path, load_schema("demo"), ReadOptions())
    assert (len(read.applications), read.rejects.frame["rule"].tolist()) == (2, ["width"])


def test_a_zip_archive_and_its_damage(tmp_path: Path) -> None:
    path = tmp_path / "table.zip"
    path.write_bytes(zipped({"folder/table.csv": SOUND, "__MACOSX/table.csv": "x"}))
    assert len(read_all(path, load_schema("demo"), ReadOptions()).applications) == 3


def test_the_encoding_of_the_contract_decides_where_the_file_shows_too_little(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes((HEADER + line(1, {"statement": "café"})).encode("cp1252"))
    contract = load_schema("demo")
    with pytest.raises(ContractError, match="shows its encoding"):
        find_layout(path, contract, Dialect())
    assert find_layout(path, contract, Dialect(encoding="cp1252")).encoding == "cp1252"
