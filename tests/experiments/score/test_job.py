from __future__ import annotations

import datetime
import gzip
import hashlib
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data_schemas.errors import ContractError, RunError
from experiments.score.job import ScoreFiles, score_file
from experiments.score.resumable_output import partial_folder
from experiments.score.side_by_side import AbandonedError
from experiments.session.fingerprint import fingerprint
from experiments.session.run import Run
from features.tables.applications import Applications
from features.tables.reader import ReadOptions
from fusion.answers import Answer
from fusion.monitor import Monitor
from tests.support.damage import workbook
from tests.support.scoring_by_rule import REASONER, SCORER, Place, applications, by_hand

PATIENCE = 60.0  # seconds until a step that should have begun counts as lost


def test_every_row_is_scored_or_rejected(place: Place) -> None:
    place.score()
    scored, rejects = pd.read_csv(place.files.out), pd.read_csv(place.files.rejects)
    assert sorted([*scored["row"], *rejects["row"]]) == list(range(1, 201))
    assert scored["row"].is_monotonic_increasing
    assert set(rejects["rule"]) == {"type", "unique"}
    assert not partial_folder(place.files.out).exists()


def test_narratives_of_the_next_rows_are_read_while_some_are_answered(place: Place) -> None:
    second_begun = threading.Event()

    def begin(some: Applications, _monitor: Monitor) -> None:
        if some.row_number[0] > 40:
            second_begun.set()

    def answer(some: Applications, monitor: Monitor) -> Answer:
        assert second_begun.wait(PATIENCE)
        return by_hand(some, monitor)

    assert place.score(chunk_rows=40, scorer=replace(SCORER, rule=answer, on_begin=begin)).rows == 200


def test_an_error_ends_the_reading_of_the_next_narratives(place: Place) -> None:
    reads_on, ended = threading.Event(), threading.Event()

    def begin(some: Applications, monitor: Monitor) -> None:
        assert monitor.on_texts is not None
        for _ in range(6000 if some.row_number[0] > 40 else 0):
            reads_on.set()
            try:
                monitor.on_texts(0)
            except AbandonedError:
                ended.set()
                raise
            time.sleep(PATIENCE / 6000)

    def fail(_some: Applications, _monitor: Monitor) -> Answer:
        assert reads_on.wait(PATIENCE)
        raise RunError("a score is no number", "Look at the model.")

    with pytest.raises(RunError, match="a score is no number"):
        place.score(chunk_rows=40, scorer=replace(SCORER, rule=fail, on_begin=begin))
    assert ended.is_set()


def test_the_columns_and_their_form(place: Place) -> None:
    place.score()
    scored = pd.read_csv(place.files.out, dtype=str)
    assert list(scored.columns) == ["row", "id", "pd", "score", "decision", "data_quality", "model"]
    assert scored["pd"].str.fullmatch(r"0\.\d{6}").all()
    assert scored["score"].str.fullmatch(r"-?\d+\.\d").all()
    assert set(scored["model"]) == {"m1"}
    assert ((scored["pd"].astype(float) > 0.2) == (scored["decision"] == "decline")).all()
    assert {"approve", "decline"} == set(scored["decision"])


def test_reasons_stand_between_the_quality_and_the_model(place: Place) -> None:
    place.score()
    without = pd.read_csv(place.files.out, dtype=str, keep_default_na=False)
    tally = place.score(scorer=REASONER, force=True)
    scored = pd.read_csv(place.files.out, dtype=str, keep_default_na=False)
    codes, wordings, points = ([f"reason_{n}{part}" for n in (1, 2, 3)] for part in ("", "_wording", "_points"))
    assert list(scored.columns) == [
        "row", "id", "pd", "score", "decision", "data_quality",
        *codes, *wordings, *points, "narrative_points", "reason_flags", "model",
    ]  # fmt: skip
    pd.testing.assert_frame_equal(scored[without.columns], without)
    assert scored["reason_1"].isin(["", "STATE"]).all()
    one_reason = scored[(scored["reason_1"] != "") & (scored["reason_2"] == "")].iloc[0]
    assert one_reason[codes + points].tolist() == ["STATE", "", "", "-12.3", "", ""]
    two_reasons = scored[scored["reason_2"] != ""].iloc[0]
    assert two_reasons[codes + points].tolist() == ["STATE", "DEBTS", "", "-12.3", "-3.0", ""]
    assert two_reasons[wordings].tolist() == ["Where you live.", "'=Your debts.", ""]
    assert set(scored["narrative_points"]) == {"0.0"}
    none = scored["reason_1"] == ""
    assert none.any()
    assert (scored.loc[none, "reason_flags"] == "").all()
    assert set(scored["reason_flags"]) == {"", "not_disclosable:STATE", "not_disclosable:STATE;sensitive:health:2.2"}
    assert tally.first_reasons == {"STATE": (~none).sum()}
    assert tally.undisclosable == (~none).sum()
    assert tally.sensitive == scored["reason_flags"].str.contains("sensitive").sum() > 0


@pytest.mark.parametrize("chunk_rows", [1, 7, 250])
def test_the_size_of_the_chunks_changes_no_reason(place: Place, chunk_rows: int) -> None:
    tally = place.score(scorer=REASONER)
    expected = place.results()
    again = place.score(chunk_rows=chunk_rows, scorer=REASONER, force=True)
    assert place.results() == expected
    assert again.model_copy(update={"pd_sum": tally.pd_sum}) == tally


def test_reasons_that_are_not_there_are_empty_in_parquet(place: Place) -> None:
    files = replace(place.files, out=place.folder / "out.parquet")
    place.score(files, scorer=REASONER)
    table = pq.read_table(files.out)
    assert [str(table.schema.field(f"reason_{n}_points").type) for n in (1, 2, 3)] == ["double"] * 3
    first, points = table.column("reason_1").to_pylist(), table.column("reason_1_points").to_pylist()
    assert {(code, value) for code, value in zip(first, points, strict=True)} == {("", None), ("STATE", -12.3)}
    assert set(table.column("reason_3_points").to_pylist()) == {None}
    assert "=Your debts." in table.column("reason_2_wording").to_pylist()


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@example(chunk_rows=1)
@given(chunk_rows=st.integers(2, 250))
def test_the_size_of_the_chunks_changes_no_byte(
    place: Place, undisturbed: tuple[bytes, bytes], chunk_rows: int
) -> None:
    place.score(chunk_rows=chunk_rows, force=True)
    assert place.results() == undisturbed


@pytest.mark.parametrize("name", ["out.csv.gz", "out.parquet"])
def test_other_formats_hold_the_same_rows_and_repeat_to_the_byte(
    place: Place, undisturbed: tuple[bytes, bytes], name: str
) -> None:
    files = replace(place.files, out=place.folder / name, rejects=place.folder / f"rejects-{name}")
    place.score(files, chunk_rows=30)
    first = files.out.read_bytes(), files.rejects.read_bytes()
    if name.endswith(".gz"):
        assert tuple(map(gzip.decompress, first)) == undisturbed
    else:
        table = pq.read_table(files.out)
        assert [str(kind) for kind in table.schema.types] == ["int64", "string", "double", "double", *["string"] * 3]
        assert table.column("pd").null_count == table.column("data_quality").null_count == 0
        rows = [line.split(",")[0] for line in undisturbed[0].decode().splitlines()[1:]]
        assert table.column("row").to_pylist() == list(map(int, rows))
        assert pq.read_table(files.rejects).num_rows == 200 - len(rows)
    place.score(files, chunk_rows=77, force=True)
    assert (files.out.read_bytes(), files.rejects.read_bytes()) == first


def test_a_header_that_breaks_the_contract_leaves_nothing_behind(place: Place) -> None:
    place.files.data.write_text("a,b\n1,2\n")
    with pytest.raises(ContractError, match="application_id"):
        place.score()
    assert not partial_folder(place.files.out).exists()
    assert not place.files.out.exists()


@pytest.mark.parametrize("n_rows", [0, 1])
def test_an_input_of_no_or_one_row(place: Place, n_rows: int) -> None:
    applications(n_rows).to_csv(place.files.data, index=False)
    place.score()
    assert len(pd.read_csv(place.files.out)) == n_rows
    assert len(pd.read_csv(place.files.rejects)) == 0


def test_an_input_of_bad_rows_alone(place: Place) -> None:
    applications(20).assign(amount="?").to_csv(place.files.data, index=False)
    place.score()
    assert len(pd.read_csv(place.files.out)) == 0
    assert len(pd.read_csv(place.files.rejects)) == 20


PASSED = ("outcome", "amount", "statement", "dti", "applied_on", "sex", "branch_note", "Größe, in cm", "open_accounts")


def with_other_columns() -> pd.DataFrame:
    """Three sound rows with columns that the contract ignores, or does not know, and cells in several spellings."""
    return applications(3).assign(
        amount=["1000.0", " 2500.50", "1e5"],
        statement=["", "two\nlines", ""],
        dti=["", "0.10", "-0"],
        branch_note=["x", "", " y "],
        outcome=["?", "", "good"],
        open_accounts=["7", "07", "7.0"],
        **{"Gro\u0308ße, in cm": ["1,80", '"', "nan"]},
    )


@pytest.mark.parametrize(("suffix", "chunk_rows"), [(".csv", 1), (".csv", 40), (".parquet", 2)])
def test_any_column_is_passed_through_as_it_is_written(place: Place, suffix: str, chunk_rows: int) -> None:
    table, data = with_other_columns().astype(str), place.folder / f"in{suffix}"
    if suffix == ".csv":
        table.to_csv(data, index=False)
    else:
        table.to_parquet(data)
    place.score(replace(place.files, data=data), chunk_rows, passthrough=PASSED)
    scored = pd.read_csv(place.files.out, dtype=str, keep_default_na=False)
    assert list(scored.columns[-len(PASSED) :]) == list(PASSED)
    for name in PASSED:
        assert list(scored[name]) == list(table[name if name in table else "Gro\u0308ße, in cm"]), name
    place.score(replace(place.files, data=data), force=True)
    alone = pd.read_csv(place.files.out, dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(scored[alone.columns], alone)


def test_values_of_parquet_are_passed_through_as_a_csv_would_have_them(place: Place) -> None:
    day, data = datetime.date(2024, 2, 29), place.folder / "in.parquet"
    table = applications(1).assign(applied_on=day, day=day, count=3, share=0.1, flag=True, none=None, nul="a\0b")
    table.to_parquet(data)
    names = ("applied_on", "day", "count", "share", "flag", "none", "nul")
    place.score(replace(place.files, data=data), passthrough=names)
    scored = pd.read_csv(place.files.out, dtype=str, keep_default_na=False)
    assert scored[list(names)].iloc[0].tolist() == ["2024-02-29"] * 2 + ["3", "0.1", "True", "", "a\\x00b"]


def test_a_column_of_a_workbook_is_passed_through(place: Place) -> None:
    table = applications(3).assign(note=["a", "", "b, c"], count=[7, 8.5, -1])
    data = place.folder / "in.xlsx"
    data.write_bytes(workbook({"Loans": table.to_csv(index=False)}))
    place.score(replace(place.files, data=data), passthrough=("count", "note"))
    scored = pd.read_csv(place.files.out, dtype=str, keep_default_na=False)
    assert scored[["count", "note"]].to_numpy().tolist() == [["7", "a"], ["8.5", ""], ["-1", "b, c"]]


def test_a_column_of_lists_is_refused_where_it_is_passed_through(place: Place) -> None:
    applications(1).assign(lists=pd.Series([[1, 2]], dtype=object)).to_parquet(place.folder / "in.parquet")
    with pytest.raises(ContractError, match=r"the column 'lists' holds list.* that does not read as text"):
        place.score(replace(place.files, data=place.folder / "in.parquet"), passthrough=("lists",))


def test_input_columns_keep_apart_from_those_of_the_output(place: Place) -> None:
    names = ("pd", "input_pd", "score", "model", "reason_1")
    applications(2).assign(**{name: f"my {name}" for name in names}).to_csv(place.files.data, index=False)
    place.score(passthrough=names)
    scored = pd.read_csv(place.files.out, dtype=str)
    copied = ["input_input_pd", "input_pd", "input_score", "input_model", "reason_1"]
    assert list(scored.columns[-5:]) == copied
    assert scored[copied].iloc[1].tolist() == [f"my {name}" for name in names]
    assert scored["pd"].str.fullmatch(r"0\.\d{6}").all()


def test_a_level_that_the_model_does_not_know_is_flagged_and_counted(place: Place) -> None:
    applications(3).assign(purpose=["car", "a boat", ""]).to_csv(place.files.data, index=False)
    with Run.start("score", None, {}) as run:
        done = score_file(SCORER, place.files, ReadOptions(), run)
    flags = pd.read_csv(place.files.out, keep_default_na=False)["data_quality"]
    assert ["unknown_category:purpose" in flag for flag in flags] == [False, True, False]
    assert done.tally.quality["unknown_category"] == 1


def test_formulas_are_neutralised_in_both_files(place: Place) -> None:
    table = applications(2).assign(statement="=cmd|' /C calc'!A0", amount=[1000, "@SUM(A1)"])
    table[["statement", *table.columns.drop("statement")]].to_csv(place.files.data, index=False)
    place.score(passthrough=("statement",))
    assert pd.read_csv(place.files.out)["statement"].iloc[0].startswith("'=cmd")
    assert pd.read_csv(place.files.rejects)["original"].iloc[0].startswith("'=cmd")


def test_text_is_exact_in_parquet(place: Place) -> None:
    texts = ["=1+a", "=1+a", "'=1+a", "'@a", "-a", "", 'a, "b"\r\nc']
    ids = ["-A", "-B", "-1-1", "-1", "E", "F", "G"]
    table = applications(7).assign(statement=texts, application_id=ids, amount=["@SUM(A1)", *["1000"] * 6])
    table[["statement", *table.columns.drop("statement")]].to_csv(place.files.data, index=False)
    files = ScoreFiles(place.files.data, place.folder / "o.parquet", place.folder / "r.parquet")
    place.score(files, passthrough=("statement",))
    scored, rejects = pq.read_table(files.out), pq.read_table(files.rejects)
    assert scored.column("id").to_pylist() == ids[1:]
    assert scored.column("statement").to_pylist() == texts[1:]
    assert rejects.column("original").to_pylist()[0].startswith("=1+a,")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("branch", r"in\.csv has no column 'branch' to pass through\. The nearest names are 'branch_note'"),
        ("", r"has no column '' to pass through\. Its columns: 'application_id', 'applied_on', .* and \d+ more"),
        ("Amount", "has no column 'Amount' to pass through.*'amount'"),
        ("caf\u00e9", "the header names 'caf\u00e9' twice"),
    ],
)
def test_a_column_that_the_input_lacks_cannot_be_passed_through(place: Place, name: str, says: str) -> None:
    more = [*(f"more {number}" for number in range(5)), "", "cafe\u0301", "caf\u00e9"]
    applications(20).assign(**dict.fromkeys(more, "1")).to_csv(place.files.data, index=False)
    with pytest.raises(ContractError, match=says):
        place.score(passthrough=(name,))
    assert not partial_folder(place.files.out).exists()


def test_the_folder_of_the_rejects_is_made(place: Place) -> None:
    applications(20).to_csv(place.files.data, index=False)
    files = replace(place.files, rejects=place.folder / "some" / "where" / "rejects.csv")
    place.score(files)
    assert len(pd.read_csv(files.rejects)) + len(pd.read_csv(files.out)) == 20


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second file system at /dev/shm")
def test_rejects_on_another_file_system_are_refused_before_any_work(place: Place) -> None:
    if place.folder.stat().st_dev == Path("/dev/shm").stat().st_dev:
        pytest.skip("the tests' folder lies on the file system of /dev/shm")
    files = replace(place.files, rejects=Path("/dev/shm/creditfusion-test-rejects.csv"))
    with pytest.raises(ContractError, match="lies on another file system"):
        place.score(files)
    assert not partial_folder(place.files.out).exists()
    assert not files.rejects.exists()


@pytest.mark.parametrize(
    ("out", "rejects", "says"),
    [
        ("out.xlsx", "r.csv", r"--out .*out\.xlsx is neither CSV"),
        ("out.csv", "r.txt", r"--rejects .*r\.txt is neither CSV"),
        ("in.csv", "r.csv", "same file twice"),
        ("out.csv", "out.csv", "same file twice"),
        ("folder.csv", "r.csv", "is a folder"),
    ],
)
def test_output_names_that_cannot_be(place: Place, out: str, rejects: str, says: str) -> None:
    (place.folder / "folder.csv").mkdir()
    before = place.files.data.read_bytes()
    with pytest.raises(ContractError, match=says):
        place.score(replace(place.files, out=place.folder / out, rejects=place.folder / rejects), force=True)
    assert place.files.data.read_bytes() == before


@pytest.mark.parametrize(("name", "says"), [("absent.csv", "does not exist"), (".", "is a folder")])
def test_an_input_that_cannot_be_read(place: Place, name: str, says: str) -> None:
    with pytest.raises(RunError, match=says):
        place.score(replace(place.files, data=place.folder / name))
    assert not partial_folder(place.files.out).exists()


def test_a_pipe_is_refused_before_it_is_read(place: Place) -> None:
    os.mkfifo(place.folder / "pipe")
    with pytest.raises(RunError, match=r"pipe is no regular file.*to a file first"):
        place.score(replace(place.files, data=place.folder / "pipe"))
    assert not partial_folder(place.files.out).exists()


def test_the_fingerprint_counts_rows_outside_quotes(tmp_path: Path) -> None:
    plain, packed, parquet = tmp_path / "a.csv", tmp_path / "a.csv.gz", tmp_path / "a.parquet"
    plain.write_text('a,b\n1,"two\nlines"\n2,"say ""\n"""\n')
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    pd.DataFrame({"a": [1, 2, 3]}).to_parquet(parquet)
    broken = tmp_path / "b.csv.gz"
    broken.write_bytes(packed.read_bytes()[:-12])
    assert [fingerprint(path).about_rows for path in (plain, packed, parquet, broken)] == [2, 2, 3, None]
    assert fingerprint(plain).sha256 == hashlib.sha256(plain.read_bytes()).hexdigest()
