from __future__ import annotations

import gzip
import hashlib
import os
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
from experiments.session.fingerprint import fingerprint
from experiments.session.run import Run
from features.tables.reader import ReadOptions
from tests.support.scoring_by_rule import REASONER, SCORER, Place, applications


def test_every_row_is_scored_or_rejected(place: Place) -> None:
    place.score()
    scored, rejects = pd.read_csv(place.files.out), pd.read_csv(place.files.rejects)
    assert sorted([*scored["row"], *rejects["row"]]) == list(range(1, 201))
    assert scored["row"].is_monotonic_increasing
    assert set(rejects["rule"]) == {"type", "unique"}
    assert not partial_folder(place.files.out).exists()


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


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


def test_columns_are_passed_through_in_their_shortest_form(place: Place) -> None:
    table = applications(3).assign(amount=[1000, 2500.5, 100000], statement=["", "two\nlines", ""], dti=["", 0.1, -0])
    table.to_csv(place.files.data, index=False)
    place.score(replace(place.files, passthrough=("amount", "statement", "dti", "applied_on", "sex")))
    scored = pd.read_csv(place.files.out, dtype=str, keep_default_na=False)
    assert list(scored["amount"]) == ["1000", "2500.5", "100000"]
    assert list(scored["statement"]) == ["", "two\nlines", ""]
    assert list(scored["dti"]) == ["", "0.1", "0"]
    assert list(scored["applied_on"]) == list(table["applied_on"])
    assert list(scored["sex"]) == list(table["sex"])


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
    place.score(replace(place.files, passthrough=("statement",)))
    assert pd.read_csv(place.files.out)["statement"].iloc[0].startswith("'=cmd")
    assert pd.read_csv(place.files.rejects)["original"].iloc[0].startswith("'=cmd")


def test_text_is_exact_in_parquet(place: Place) -> None:
    texts = ["=1+a", "=1+a", "'=1+a", "'@a", "-a", "", 'a, "b"\r\nc']
    ids = ["-A", "-B", "-1-1", "-1", "E", "F", "G"]
    table = applications(7).assign(statement=texts, application_id=ids, amount=["@SUM(A1)", *["1000"] * 6])
    table[["statement", *table.columns.drop("statement")]].to_csv(place.files.data, index=False)
    files = ScoreFiles(place.files.data, place.folder / "o.parquet", place.folder / "r.parquet", ("statement",))
    place.score(files)
    scored, rejects = pq.read_table(files.out), pq.read_table(files.rejects)
    assert scored.column("id").to_pylist() == ids[1:]
    assert scored.column("statement").to_pylist() == texts[1:]
    assert rejects.column("original").to_pylist()[0].startswith("=1+a,")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("branch_note", "is no column that schema 'demo' keeps"),
        ("outcome", "is no column that schema 'demo' keeps"),
        ("nonsense", "nonsense is no column"),
    ],
)
def test_columns_that_cannot_be_passed_through(place: Place, name: str, says: str) -> None:
    with pytest.raises(ContractError, match=says):
        place.score(replace(place.files, passthrough=(name,)))


def test_a_column_that_the_input_lacks_cannot_be_passed_through(place: Place) -> None:
    applications(20).drop(columns="sex").to_csv(place.files.data, index=False)
    with pytest.raises(ContractError, match="--passthrough sex: the input has no such column"):
        place.score(replace(place.files, passthrough=("sex",)))
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
