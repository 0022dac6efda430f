"""Reading: every row is kept or rejected, and its values depend on nothing but itself."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.errors import ContractError, RunError
from data_schemas.reader import load_schema
from features.tables.applications import Applications, Chunk, Rejects
from features.tables.header import HeaderReport
from features.tables.reader import ReadOptions, header_report, read_all, read_chunks
from tests.support.damage import CASES, HEADER, Case, line, table
from tests.support.small import NAMES, ROW, row, small_schema, write_csv

CELLS = st.text(alphabet='ab1,-. "\n\r\t\0=é汉', max_size=8) | st.sampled_from(
    ["", "NA", "1", "2.5", "2014-03-01", "true"]
)
ROWS = st.lists(st.lists(CELLS, min_size=len(NAMES), max_size=len(NAMES)), max_size=12)


def read_one(folder: Path, rows: Sequence[Sequence[str]], need_target: bool = False) -> Chunk:
    return read_all(write_csv(folder / "rows.csv", rows), small_schema(), ReadOptions(need_target=need_target))


def joined(chunks: Sequence[Chunk]) -> Chunk:
    return Chunk(
        Applications.concat([chunk.applications for chunk in chunks]),
        Rejects(pd.concat([chunk.rejects.frame for chunk in chunks], ignore_index=True)),
        {},
    )


def assert_same(one: Chunk, other: Chunk) -> None:
    pd.testing.assert_frame_equal(one.applications.frame, other.applications.frame, check_exact=True)
    np.testing.assert_array_equal(one.applications.row_number, other.applications.row_number)
    pd.testing.assert_frame_equal(one.rejects.frame, other.rejects.frame)


def row_numbers(chunk: Chunk) -> list[int]:
    return sorted([*chunk.applications.row_number.tolist(), *chunk.rejects.frame["row"].tolist()])


def test_types_and_missing_cells(tmp_path: Path) -> None:
    chunk = read_one(tmp_path, [row(), row(id=" 2 ", income="NA", owner="", home="", since="", note=" NA ", sex="")])
    frame = chunk.applications.frame
    assert frame["id"].tolist() == ["1", "2"]
    assert frame["income"].tolist()[0] == 50000.0
    assert np.isnan(frame["income"][1])
    assert np.isnan(frame["owner"][1])
    assert frame["owner"][0] == 1.0
    assert frame["home"].tolist() == ["rent", ""]
    assert frame["since"].isna().tolist() == [False, True]
    assert frame["asked"][0] == pd.Timestamp("2024-03-01")
    assert frame["note"].tolist() == ["A car.", ""]
    assert "clerk" not in frame
    assert "outcome" not in frame


def test_narratives_stay_as_written(tmp_path: Path) -> None:
    raw = '  Zeile\r\n"zwei" – 汉字 🚗, <br> '
    assert read_one(tmp_path, [row(note=raw)]).applications.narrative("note") == [raw]


def test_narrative_of_1_mb_is_read_whole(tmp_path: Path) -> None:
    raw = "word\n" * 200_000 + "."
    assert read_one(tmp_path, [row(note=raw), row(id="2")]).applications.narrative("note")[0] == raw


def test_one_row(tmp_path: Path) -> None:
    assert len(read_one(tmp_path, [ROW]).applications) == 1


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.parquet"])
def test_no_rows_give_one_empty_chunk(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith(".parquet"):
        pd.DataFrame([ROW], columns=NAMES).iloc[:0].to_parquet(path)
    else:
        content = (",".join(NAMES) + "\n").encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    (chunk,) = read_chunks(path, small_schema(), ReadOptions())
    assert chunk.n_rows == 0
    assert chunk.applications.frame["income"].dtype == np.float64


@settings(max_examples=80)
@given(rows=ROWS, chunk_rows=st.integers(1, 5), need_target=st.booleans())
def test_rows_are_conserved_whatever_the_chunk(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], chunk_rows: int, need_target: bool
) -> None:
    sound = [row(id=str(number), note=cells[0]) for number, cells in enumerate(rows)]
    path = write_csv(tmp_path_factory.mktemp("rows") / "rows.csv", [*rows, *sound])
    whole = read_all(path, small_schema(), ReadOptions(need_target=need_target))
    parts = list(read_chunks(path, small_schema(), ReadOptions(chunk_rows=chunk_rows, need_target=need_target)))
    assert all(part.n_rows <= chunk_rows for part in parts)
    assert_same(joined(parts), whole)
    assert row_numbers(whole) == list(range(1, 2 * len(rows) + 1))


@settings(max_examples=150)
@given(
    body=st.lists(st.sampled_from([b"1", b",", b'"', b"\n", b"\r\n", b"\xff", b"\0", b"a", ",".join(ROW).encode()])),
    chunk_rows=st.integers(1, 4),
)
def test_no_bytes_break_reading(tmp_path_factory: pytest.TempPathFactory, body: list[bytes], chunk_rows: int) -> None:
    path = tmp_path_factory.mktemp("bytes") / "rows.csv"
    path.write_bytes(",".join(NAMES).encode() + b"\n" + b"".join(body))
    try:
        whole = read_all(path, small_schema(), ReadOptions())
    except ContractError as error:  # so many damaged lines that they are not rejected one by one
        if "shows its encoding" in error.message:
            return
        raise
    assert row_numbers(whole) == list(range(1, whole.n_rows + 1))
    assert_same(joined(list(read_chunks(path, small_schema(), ReadOptions(chunk_rows=chunk_rows)))), whole)


@pytest.mark.parametrize("case", [case for case in CASES if case.error is None], ids=lambda case: case.name)
def test_damage_does_not_depend_on_the_chunk(case: Case, tmp_path: Path) -> None:
    path, schema, options = case.write(tmp_path), load_schema("demo"), case.options
    smaller = replace(options, chunk_rows=2)
    assert_same(joined(list(read_chunks(path, schema, smaller))), read_all(path, schema, options))


@settings(max_examples=40)
@given(
    incomes=st.lists(st.none() | st.floats(-1e300, 1e300), min_size=1, max_size=8),
    days=st.lists(
        st.dates(pd.Timestamp("1900-01-01").date(), pd.Timestamp("2100-01-01").date()), min_size=8, max_size=8
    ),
)
def test_parquet_gives_what_csv_gives(
    tmp_path_factory: pytest.TempPathFactory, incomes: list[float | None], days: list[object]
) -> None:
    folder = tmp_path_factory.mktemp("both")
    frame = pd.DataFrame([row(id=str(i)) for i in range(len(incomes))], columns=NAMES)
    frame["income"] = pd.array(incomes, dtype="Float64")
    frame["loans"] = range(len(frame))
    frame["owner"] = frame.index % 2 == 0
    frame["asked"] = pd.to_datetime(pd.Series(days[: len(frame)]))
    frame["home"] = frame["home"].astype("category")
    frame.to_parquet(folder / "rows.parquet")
    texts = frame.assign(
        asked=frame["asked"].dt.strftime("%d.%m.%Y"), income=[repr(x) if x is not None else "" for x in incomes]
    )
    write_csv(folder / "rows.csv", texts.astype(str).values.tolist())
    options = ReadOptions(chunk_rows=3)
    csv, parquet = (read_all(folder / name, small_schema(), options) for name in ("rows.csv", "rows.parquet"))
    assert_same(parquet, csv)
    assert len(csv.applications) == len(incomes)


def test_target_is_read_when_needed(tmp_path: Path) -> None:
    rows = [row(id="1"), row(id="2", outcome="fine"), row(id="3", outcome=""), row(id="4", outcome="open")]
    path = write_csv(tmp_path / "rows.csv", rows)
    some = read_all(path, small_schema(), ReadOptions(need_target=True))
    assert some.applications.outcome().tolist() == [1.0, 0.0, 0.0]
    assert some.rejects.frame[["row", "column", "rule"]].values.tolist() == [[3, "outcome", "required"]]
    named = read_all(path, small_schema(["fine"]), ReadOptions(need_target=True))
    assert named.applications.outcome().tolist() == [1.0, 0.0]
    assert named.rejects.frame["rule"].tolist() == ["required", "target"]
    assert len(read_all(path, small_schema(), ReadOptions()).applications) == 4


def test_columns_that_may_be_absent(tmp_path: Path) -> None:
    names = [name for name in NAMES if name not in ("sex", "clerk", "outcome")]
    path = write_csv(tmp_path / "rows.csv", [ROW[:10]], names)
    assert len(read_all(path, small_schema(), ReadOptions()).applications) == 1
    with pytest.raises(ContractError, match="lacks 'outcome'"):
        read_all(path, small_schema(), ReadOptions(need_target=True))


def test_decision_date_is_needed_where_a_derived_feature_reads_it(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "rows.csv", [ROW[:1] + ROW[2:]], NAMES[:1] + NAMES[2:])
    with pytest.raises(ContractError, match="lacks 'asked'"):
        read_all(path, small_schema(), ReadOptions())


def test_schema_without_target_cannot_give_outcomes(tmp_path: Path) -> None:
    schema = small_schema()
    path = write_csv(tmp_path / "rows.csv", [ROW])
    without = type(schema)(**{**vars(schema), "fields": schema.fields[:-1]})
    with pytest.raises(ContractError, match="has no target"):
        read_all(path, without, ReadOptions(need_target=True))


def test_first_sound_row_of_an_id_is_kept_over_all_files(tmp_path: Path) -> None:
    one = write_csv(tmp_path / "one.csv", [row(id="a", income="x"), row(id="a"), row(id="b")])
    two = write_csv(tmp_path / "two.csv", [row(id="b"), row(id="c"), row(id="c")])
    chunk = read_all([one, two], small_schema(), ReadOptions(chunk_rows=1))
    assert chunk.applications.ids == ["a", "b", "c"]
    assert chunk.applications.row_number.tolist() == [2, 3, 2]
    rejects = chunk.rejects.frame
    assert rejects[["row", "rule"]].values.tolist() == [[1, "type"], [1, "unique"], [3, "unique"]]
    assert [message.split(":")[0] for message in rejects["message"]] == ["one.csv", "two.csv", "two.csv"]


def test_files_must_have_the_same_columns(tmp_path: Path) -> None:
    one = write_csv(tmp_path / "one.csv", [ROW])
    two = write_csv(tmp_path / "two.csv", [ROW[:10]], NAMES[:10])
    with pytest.raises(ContractError, match="only some of the files have the columns sex"):
        read_all([one, two], small_schema(), ReadOptions())
    with pytest.raises(ContractError, match="no file is named"):
        read_all([], small_schema(), ReadOptions())


def test_header_report(tmp_path: Path) -> None:
    names = ["id", "asked", "income", "amount", "more", "loans"]
    path = write_csv(tmp_path / "rows.csv", [], names)
    missing = ("owner", "home", "town", "since", "note")
    wanted = HeaderReport(missing, absent=("sex", "clerk", "outcome"), extra=("more",))
    assert header_report(path, small_schema(), ReadOptions()) == wanted
    pd.DataFrame(columns=names, dtype=str).to_parquet(tmp_path / "rows.parquet")
    assert header_report(tmp_path / "rows.parquet", small_schema(), ReadOptions()) == wanted


def test_rejects_show_the_row_as_it_stood(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"%b\n1,\xe9\0,\n" % ",".join(NAMES).encode())
    named = ReadOptions(encoding="utf-8")
    assert read_all(path, small_schema(), named).rejects.frame["original"].tolist() == [r"1,\xe9\x00,"]


def test_rejects_of_parquet_show_the_row(tmp_path: Path) -> None:
    pd.DataFrame([row(income="much", note="a,b")], columns=NAMES).to_parquet(tmp_path / "rows.parquet")
    original = read_all(tmp_path / "rows.parquet", small_schema(), ReadOptions()).rejects.frame["original"][0]
    assert original.startswith("1,01.03.2024,much,")
    assert '"a,b"' in original


def test_parquet_column_of_a_strange_type(tmp_path: Path) -> None:
    frame = pd.DataFrame([ROW], columns=NAMES)
    frame["income"] = [[1, 2]]
    frame.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(ContractError, match="'income' holds list"):
        read_all(tmp_path / "rows.parquet", small_schema(), ReadOptions())


def test_parquet_text_that_is_none(tmp_path: Path) -> None:
    frame = pd.DataFrame([row(id="1"), row(id="2", note="a\0b")], columns=NAMES)
    frame.to_parquet(tmp_path / "rows.parquet")
    rejects = read_all(tmp_path / "rows.parquet", small_schema(), ReadOptions()).rejects.frame
    assert rejects[["row", "column", "rule"]].values.tolist() == [[2, "note", "nul"]]
    assert r"a\x00b" in rejects["original"][0]
    frame["note"] = [b"caf\xe9", b"tea"]
    frame.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(ContractError, match="'note' holds binary that does not read as text"):
        read_all(tmp_path / "rows.parquet", small_schema(), ReadOptions())


def test_parquet_times_with_a_zone_keep_their_day(tmp_path: Path) -> None:
    frame = pd.DataFrame([ROW], columns=NAMES)
    frame["asked"] = pd.to_datetime(frame["asked"], dayfirst=True).dt.tz_localize("Europe/Berlin")
    frame.to_parquet(tmp_path / "rows.PARQUET")
    found = read_all(tmp_path / "rows.PARQUET", small_schema(), ReadOptions()).applications
    assert found.frame["asked"].tolist() == [pd.Timestamp("2024-03-01")]


def test_rows_before_the_break_of_a_file_are_good(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    content = gzip.compress(table(*(line(n, {"job_title": f"{n * 7919:x}"}) for n in range(5000))).encode())
    path.write_bytes(content[: len(content) // 2])
    chunks: list[Chunk] = []
    with pytest.raises(RunError, match="breaks off after data row") as broken:
        chunks.extend(read_chunks(path, load_schema("demo"), ReadOptions(chunk_rows=100)))
    n_rows = sum(len(chunk.applications) for chunk in chunks)
    named = re.search(r"data row ([\d,]+)", str(broken.value))
    assert named is not None
    assert int(named[1].replace(",", "")) == n_rows > 1000


def test_damaged_gzip_checksum(tmp_path: Path) -> None:
    rows = (line(n, {"job_title": f"{n * 7919:x}"}) for n in range(2000))
    content = bytearray(gzip.compress(table(*rows).encode()))
    content[-8] ^= 1
    (tmp_path / "rows.csv.gz").write_bytes(bytes(content))
    with pytest.raises(RunError, match=r"breaks off after data row \d,\d+: CRC check failed"):
        list(read_chunks(tmp_path / "rows.csv.gz", load_schema("demo"), ReadOptions()))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"chunk_rows": 0}, "chunk_rows is 0"),
        ({"delimiter": ";;"}, "no delimiter"),
        ({"delimiter": '"'}, "no delimiter"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, object], match: str) -> None:
    with pytest.raises(ContractError, match=match):
        ReadOptions(**options)  # type: ignore[arg-type]


@pytest.mark.real_data
def test_lending_club_has_no_rejects(lending_club_csv: Path) -> None:
    schema = load_schema("lending_club")
    chunk = read_all(lending_club_csv, schema, ReadOptions(need_target=True))
    assert (len(chunk.applications), len(chunk.rejects)) == (30_042, 0)
    assert chunk.applications.outcome().mean() == pytest.approx(0.149, abs=0.001)
    assert header_report(lending_club_csv, schema, ReadOptions()) == HeaderReport((), (), ())


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = [_peak_mb(tmp_path, n_rows) for n_rows in (10_000, 150_000)]
    assert peaks[1] < peaks[0] + 100, peaks


def _peak_mb(folder: Path, n_rows: int) -> float:
    """Peak resident memory of a process that reads that many rows."""
    path = folder / f"{n_rows}.csv"
    with path.open("w", newline="") as file:
        file.write(HEADER)
        file.writelines(line(number, {"statement": "A car. " * 40}) for number in range(n_rows))
    program = (
        "import resource, sys; from pathlib import Path; from data_schemas.reader import load_schema;"
        "from features.tables.reader import ReadOptions, read_chunks;"
        "n = sum(len(c.applications) for c in read_chunks(Path(sys.argv[1]), load_schema('demo'), ReadOptions()));"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    found, kilobytes = map(int, done.stdout.split())
    assert found == n_rows
    return kilobytes / 1024
