"""Applications joined with the records of their sources: what counts, and what is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_schemas.errors import ContractError, RunError, UserError
from data_schemas.reader import parse_schema
from features.sources.report import SourceReport
from features.tables.reader import ReadOptions, read_all
from tests.support.joins import ACCOUNTS, APPLICATIONS, join_once, joining, read, schema_with, source, write

HEADER = "account,id,day,balance,status,note"
SCHEMA = schema_with(ACCOUNTS)
NOTES = schema_with(
    source(ACCOUNTS, aggregates=[{"name": "n", "kind": "count"}], texts=[{"name": "notes", "of": "note", "last": 3}])
)
CALLS = {
    "fields": [
        {"name": "account", "type": "string", "creditfusion": {"role": "group"}},
        {"name": "on", "type": "date", "creditfusion": {"role": "feature"}},
    ],
    "creditfusion": {
        "name": "calls",
        "through": "bureau",
        "key": {"account": "account"},
        "date": "on",
        "aggregates": [{"name": "calls", "kind": "count"}],
    },
}
THROUGH = schema_with(ACCOUNTS, CALLS)


@pytest.fixture
def applications(tmp_path: Path) -> Path:
    return write(tmp_path / "app.csv", "id,decided,amount", ["1,2024-05-01,10", "2,2024-06-01,20", "3,2024-06-01,30"])


@pytest.fixture
def found(tmp_path: Path, applications: Path) -> Callable[[list[str]], tuple[pd.DataFrame, SourceReport]]:
    """Values and report of a join with these records."""

    def of(rows: list[str]) -> tuple[pd.DataFrame, SourceReport]:
        bureau = write(tmp_path / "bureau.csv", HEADER, rows)
        with joining(applications, NOTES, bureau=bureau) as joined:
            return read(applications, joined, NOTES), joined.reports[0]

    return of


Found = Callable[[list[str]], tuple[pd.DataFrame, SourceReport]]


def test_a_record_counts_where_it_was_known_at_the_decision(found: Found) -> None:
    frame, report = found(["a,1,2024-04-30,5,,", "b,1,2024-05-01,7,,", "c,2,2024-05-01,9,,", "d,2,2024-05-31,,,"])
    assert frame["n"].to_dict() == {"1": 1, "2": 2, "3": 0}
    assert (report.n_before, report.n_late, report.late_row, report.n_without_record) == (3, 1, 2, 1)
    assert "1 records are dated on or after the decision" in report.findings[0]


def test_a_lag_leaves_out_what_was_not_known_yet(tmp_path: Path, applications: Path) -> None:
    schema = schema_with(source(ACCOUNTS, lag_days=10))
    bureau = write(tmp_path / "b.csv", HEADER, ["a,1,2024-04-21,5,,", "b,1,2024-04-20,7,,", "c,1,2024-05-01,1,,"])
    with joining(applications, schema, bureau=bureau) as joined:
        assert read(applications, joined, schema)["total"]["1"] == 7
        report = joined.reports[0]
    assert (report.n_before, report.n_in_lag, report.n_late) == (1, 1, 1)


def test_texts_are_the_latest_entries_the_earliest_first_and_without_placeholders(found: Found) -> None:
    rows = [
        "a,1,2024-03-01,,,zebra",
        "b,1,2024-03-01,,,apple",
        "c,1,2024-02-01,,,too old to be among three",
        'd,1,2024-04-01,,,"two\nlines"',
        "e,1,2024-04-02,,,N/A",
        "f,1,2024-05-02,,,after the decision",
        "g,2,2024-03-01,,,nan",
    ]
    frame, _ = found(rows)
    assert frame["notes"]["1"] == "[2024-03-01] apple\n[2024-03-01] zebra\n[2024-04-01] two lines"
    assert frame["notes"]["2"] == frame["notes"]["3"] == ""


def test_exact_copies_count_once(found: Found) -> None:
    frame, report = found(["a,1,2024-04-01,5,,", "a,1,2024-04-01,5,,", "a,1,2024-04-01,5,,"])
    assert frame["n"]["1"] == 1
    assert (report.n_copies, report.n_versions) == (2, 0)


def test_of_differing_records_of_one_id_the_latest_that_was_known_counts(found: Found) -> None:
    rows = ["a,1,2024-04-01,5,,first", "a,1,2024-04-02,5,,second", "a,1,2024-05-02,5,,after the decision"]
    for order in (rows, rows[::-1]):
        frame, report = found(order)
        assert (frame["n"]["1"], frame["notes"]["1"]) == (1, "[2024-04-02] second")
        assert (report.n_copies, report.n_versions, report.version_id) == (0, 2, "a")


def test_records_through_another_source_are_known_as_of_both_dates(tmp_path: Path, applications: Path) -> None:
    bureau = write(tmp_path / "b.csv", HEADER, ["a,1,2024-04-01,5,,", "b,2,2024-06-02,5,,", "a,1,2024-03-01,1,,"])
    calls = ["a,2024-04-02", "a,2024-04-03", "a,2024-05-01", "b,2024-03-01", "zz,2024-01-01"]
    with joining(applications, THROUGH, bureau=bureau, calls=write(tmp_path / "c.csv", "account,on", calls)) as joined:
        assert read(applications, joined, THROUGH)["calls"].to_dict() == {"1": 2, "2": 0, "3": 0}
        report = joined.reports[1]
    assert (report.n_orphans, report.orphan_keys, report.n_late) == (1, (("zz", 5),), 1)
    assert "any record of 'bureau'" in report.findings[0]


def test_a_key_of_several_columns_ties_where_all_are_equal(tmp_path: Path) -> None:
    schema = schema_with(source(ACCOUNTS, key={"id": "id", "status": "id"}))
    applications = write(tmp_path / "app.csv", "id,decided,amount", ["1,2024-05-01,10", "2,2024-05-01,10"])
    bureau = write(tmp_path / "b.csv", HEADER, ["a,1,2024-04-01,5,1,", "b,1,2024-04-01,5,2,"])
    with joining(applications, schema, bureau=bureau) as joined:
        assert read(applications, joined, schema)["n"].tolist() == [1, 0]
        assert joined.reports[0].orphan_keys == (("1, 2", 2),)


def test_rows_of_several_files_get_their_own_records(tmp_path: Path, applications: Path) -> None:
    other = write(tmp_path / "other.csv", "id,decided,amount", ["9,2024-05-01,10", "8,2024-06-01,20"])
    bureau = write(tmp_path / "b.csv", HEADER, ["a,8,2024-04-01,5,,", "b,1,2024-04-01,7,,"])
    with joining([applications, other], SCHEMA, bureau=bureau) as joined:
        assert read(applications, joined, SCHEMA)["total"].to_dict() == {"1": 7, "2": 0, "3": 0}
        assert read(other, joined, SCHEMA)["total"].to_dict() == {"9": 0, "8": 5}
        with pytest.raises(ValueError, match="is not among the joined files"):
            joined.columns(tmp_path / "third.csv", np.array([1], np.int64))


def test_a_packed_table_and_parquet_give_what_csv_gives(tmp_path: Path, applications: Path) -> None:
    bureau = write(tmp_path / "b.csv", HEADER, ["a,1,2024-04-01,5,,", "b,2,2024-04-01,0.1,,", "c,2,2024-05-01,0.2,,"])
    frame = pd.read_csv(bureau).astype({"id": "float64"})  # as pandas has whole numbers with gaps
    frame.to_parquet(tmp_path / "b.parquet")
    frame.astype({"id": int}).to_csv(tmp_path / "b.csv.gz", index=False)
    totals = []
    for path in (bureau, tmp_path / "b.parquet", tmp_path / "b.csv.gz"):
        with joining(applications, SCHEMA, bureau=path) as joined:
            totals.append(read(applications, joined, SCHEMA)["total"].tolist())
    assert totals == [totals[0]] * 3


def test_a_source_that_may_be_absent_has_no_records(applications: Path) -> None:
    schema = schema_with(source(ACCOUNTS, if_absent="flag"))
    with joining(applications, schema) as joined:
        assert read(applications, joined, schema)["n"].tolist() == [0, 0, 0]
        assert not joined.reports[0].is_given
        assert "not given" in joined.reports[0].findings[0]


def test_applications_that_hold_what_is_made_need_no_source(tmp_path: Path) -> None:
    applications = write(tmp_path / "app.csv", "id,decided,amount,n,total", ["1,2024-05-01,10,4,5"])
    with joining(applications, SCHEMA) as joined:
        assert joined.reports == ()
        assert read(applications, joined, SCHEMA)["total"].tolist() == [5]


def test_an_application_without_date_or_key_is_kept_and_counted(tmp_path: Path) -> None:
    applications = write(tmp_path / "app.csv", "id,decided,amount", ["1,,10", ",2024-05-01,10", "3,2024-05-01,10"])
    bureau = write(tmp_path / "b.csv", HEADER, ["a,1,2024-04-01,5,,", "b,3,2024-04-01,5,,"])
    with joining(applications, SCHEMA, bureau=bureau) as joined:
        assert read(applications, joined, SCHEMA)["n"].to_dict() == {"1": 0, "3": 1}
        report = joined.reports[0]
    assert (report.n_without_date, report.n_keyless) == (1, 1)


def test_rejected_undated_and_lost_records_are_counted_and_written(tmp_path: Path, applications: Path) -> None:
    rows = ["a,1,2024-04-01,5,,", "b,1,2024-04-01,abc,,", "c,1,,5,,", "d,77,2024-04-01,5,,", "e,,2024-04-01,5,,", "f,1"]
    bureau = write(tmp_path / "b.csv", HEADER, rows)
    with joining(applications, SCHEMA, bureau=bureau) as joined:
        assert read(applications, joined, SCHEMA)["n"].tolist() == [1, 0, 0]
        report = joined.reports[0]
        joined.write_rejects(tmp_path / "rejects.csv")
    assert (report.n_read, report.n_rejected, report.n_undated, report.undated_row) == (6, 3, 1, 3)
    assert report.orphan_keys == (("77", 4),)
    assert "row 2, column 'balance', rule type: 'abc' is not a number" in report.findings[0]
    rejects = pd.read_csv(tmp_path / "rejects.csv", keep_default_na=False)
    assert rejects[["source", "row", "column", "rule"]].to_numpy().tolist() == [
        ["bureau", 2, "balance", "type"],
        ["bureau", 5, "id", "required"],
        ["bureau", 6, "", "width"],
    ]


NEAR = {
    "leading zeros": (["007", "0000123"], ["7", "123"]),
    "a trailing .0": (["7", "123"], ["7.0", "123.0"]),
    "spaces": (["A 7", "B 1"], ["A7", "B1"]),
    "capital letters": (["A7", "B1"], ["a7", "b1"]),
}


@pytest.mark.parametrize("how", NEAR)
def test_keys_in_another_notation_are_named_and_never_matched(tmp_path: Path, how: str) -> None:
    own, theirs = NEAR[how]
    applications = write(tmp_path / "app.csv", "id,decided,amount", [f"{key},2024-05-01,1" for key in [*own, "x"]])
    rows = [f"r{i},{key},2024-04-01,5,," for i, key in enumerate(theirs)]
    bureau = write(tmp_path / "b.csv", HEADER, rows)
    with pytest.raises(ContractError, match=f"'bureau': no record .* has the key .* differ in {how} alone"):
        join_once(applications, SCHEMA, bureau=bureau)
    bureau = write(tmp_path / "b.csv", HEADER, [*rows, "z,x,2024-04-01,5,,"])
    with joining(applications, SCHEMA, bureau=bureau) as joined:
        assert read(applications, joined, SCHEMA)["n"].tolist() == [0, 0, 1]
        near = joined.reports[0].near_keys
    assert near is not None
    assert (near.n_records, near.how) == (2, how)


def test_a_source_of_other_applicants_is_refused_where_a_model_learns_and_named_where_it_scores(
    tmp_path: Path, applications: Path
) -> None:
    bureau = write(tmp_path / "b.csv", HEADER, ["a,77,2024-04-01,5,,"])
    learning = ReadOptions(need_target=True)
    with pytest.raises(ContractError, match=r"has the key of any application, as '77' in row 1. Check"):
        join_once(applications, SCHEMA, learning, bureau=bureau)
    with joining(applications, SCHEMA, bureau=bureau) as joined:
        assert len(read(applications, joined, SCHEMA)) == 3
        assert "no application has a record" in joined.reports[0].findings[-1]


BROKEN: dict[str, tuple[bytes, str]] = {
    "an empty file": (b"", "b.csv is empty"),
    "no key in the header": (b"account,day,balance\na,2024-04-01,5\n", "the header lacks 'id'"),
    "no date in the header": (b"account,id,balance\na,1,5\n", "the header lacks 'day'"),
    "a renamed key": (b"account,Id,day,balance\na,1,2024-04-01,5\n", "Perhaps rename 'Id' to 'id'"),
    "a column twice": (b"account,id,id,day,balance\na,1,1,2024-04-01,5\n", "names 'id' twice"),
    "dates of another form": (
        b"account,id,day,balance\na,1,01/04/2024,5\nb,2,02/04/2024,5\n",
        "none of the 2 records of .*b.csv keeps the contract; row 1, column 'day', rule type",
    ),
    "numbers of another form": (
        b'account,id,day,balance\na,1,2024-04-01,"1,5"\n',
        "row 1, column 'balance', rule type",
    ),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "b.csv"),
    "too large numbers": (
        b"account,id,day,balance\na,1,2024-04-01,1e308\nb,1,2024-04-01,1e308\n",
        "numbers of 'balance' are too large for 'total'. Give the column a maximum",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_source_is_named_with_a_remedy(tmp_path: Path, applications: Path, kind: str) -> None:
    content, message = BROKEN[kind]
    (tmp_path / "b.csv").write_bytes(content)
    with pytest.raises(UserError, match=f"the source 'bureau': .*{message}") as caught:
        join_once(applications, SCHEMA, bureau=tmp_path / "b.csv")
    assert caught.value.remedy


def test_a_source_that_is_not_there_or_breaks_off_is_named(tmp_path: Path, applications: Path) -> None:
    with pytest.raises(RunError, match=r"the source 'bureau': .*none.csv does not exist. Check the path"):
        join_once(applications, SCHEMA, bureau=tmp_path / "none.csv")
    rows = [f"r{i},1,2024-04-01,{i * 7919 % 1000},," for i in range(5000)]
    pd.read_csv(write(tmp_path / "b.csv", HEADER, rows)).to_csv(tmp_path / "b.csv.gz", index=False)
    packed = (tmp_path / "b.csv.gz").read_bytes()
    (tmp_path / "b.csv.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(RunError, match=r"the source 'bureau': .*(breaks off after data row|ended before the end)"):
        join_once(applications, SCHEMA, bureau=tmp_path / "b.csv.gz")


def test_a_table_of_another_delimiter_or_encoding_is_read(tmp_path: Path, applications: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(HEADER.replace(",", ";") + "\na;1;2024-04-01;5;;héros\n", encoding="utf-16")
    with joining(applications, NOTES, bureau=path) as joined:
        assert read(applications, joined, NOTES)["notes"]["1"] == "[2024-04-01] héros"


def test_a_source_without_a_record_is_named(tmp_path: Path, applications: Path) -> None:
    with joining(applications, SCHEMA, bureau=write(tmp_path / "b.csv", HEADER)) as joined:
        assert read(applications, joined, SCHEMA)["n"].tolist() == [0, 0, 0]
        assert "b.csv has no record" in joined.reports[0].findings[0]


def test_a_source_that_is_not_given_is_refused(applications: Path) -> None:
    with pytest.raises(ContractError, match=r"reads the source 'bureau', which is not given. Give it as --source"):
        join_once(applications, SCHEMA)


def test_applications_without_the_column_of_their_decision_are_refused(tmp_path: Path) -> None:
    applications = write(tmp_path / "app.csv", "id,amount", ["1,10"])
    with pytest.raises(ContractError, match=r"app.csv: the header lacks 'decided'"):
        join_once(applications, SCHEMA, bureau=write(tmp_path / "b.csv", HEADER))


def test_columns_may_have_the_names_of_our_own(tmp_path: Path) -> None:
    applications = {
        **APPLICATIONS,
        "fields": [{**APPLICATIONS["fields"][0], "name": "app"}, *APPLICATIONS["fields"][1:]],
    }
    fields = [{**field, "name": "row"} if field["name"] == "balance" else field for field in ACCOUNTS["fields"]]
    own = {**ACCOUNTS["creditfusion"], "key": {"id": "app"}}
    own["aggregates"] = [{"name": "total", "kind": "sum", "of": "row"}]
    bureau = {**ACCOUNTS, "fields": fields, "creditfusion": own}
    document = {**applications, "creditfusion": {**applications["creditfusion"], "sources": [bureau]}}
    schema = parse_schema(json.dumps(document), "a test")
    table = write(tmp_path / "a.csv", "app,decided,amount", ["7,2024-05-03,1", "8,2024-05-03,1"])
    records = write(tmp_path / "b.csv", "account,id,day,row,status,note", ["a,7,2024-04-01,5,,", "b,8,2024-04-01,6,,"])
    with joining(table, schema, bureau=records) as joined:
        frame = read_all(table, schema, ReadOptions(joined=joined)).applications.frame
    assert frame["total"].tolist() == [5.0, 6.0]


def test_the_digest_changes_with_any_value_and_not_with_the_order(tmp_path: Path, applications: Path) -> None:
    def digest(*rows: str) -> str:
        bureau = write(tmp_path / "b.csv", HEADER, rows)
        with joining(applications, SCHEMA, bureau=bureau) as joined:
            return joined.digest

    first, second = "a,1,2024-04-01,1,,", "b,2,2024-04-01,2,,"
    usual = digest(first, second)
    assert digest(second, first) == usual
    others = [("a,1,2024-04-01,2,,", "b,2,2024-04-01,1,,"), (first, "b,2,2024-04-01,3,,"), (first,)]
    others += [("a,1,2024-04-01,7,,", "b,2,2024-04-01,8,,")]
    assert len({usual, *(digest(*rows) for rows in others)}) == 5


def test_a_record_without_a_time_of_day_is_of_the_whole_day(tmp_path: Path) -> None:
    timed = {**APPLICATIONS["fields"][1], "format": "iso"}
    document = {**APPLICATIONS, "fields": [APPLICATIONS["fields"][0], timed, APPLICATIONS["fields"][2]]}
    records = [{**field, "format": "iso"} if field["name"] == "day" else field for field in ACCOUNTS["fields"]]
    document["creditfusion"] = {**APPLICATIONS["creditfusion"], "sources": [{**ACCOUNTS, "fields": records}]}
    schema = parse_schema(json.dumps(document), "a test")
    table = write(tmp_path / "a.csv", "id,decided,amount", ["1,2024-05-03T10:00:00,1"])
    days = ["2024-05-02", "2024-05-03", "2024-05-03T09:00:00", "2024-05-03T11:00:00"]
    bureau = write(tmp_path / "b.csv", HEADER, [f"{at},1,{day},1,," for at, day in enumerate(days)])
    with joining(table, schema, bureau=bureau) as joined:
        frame = read_all(table, schema, ReadOptions(joined=joined)).applications.frame
    assert frame["n"].tolist() == [2.0]  # of the day before, and of an hour before


def test_records_beside_their_columns_are_refused(tmp_path: Path) -> None:
    bureau = write(tmp_path / "b.csv", HEADER, ["a,1,2024-04-01,1,,"])
    made = [field.name for field in SCHEMA.fields_from("bureau")]
    whole = write(tmp_path / "whole.csv", f"id,decided,amount,{','.join(made)}", ["1,2024-05-03,1" + ",1" * len(made)])
    with pytest.raises(ContractError, match="have what is made of the source 'bureau' already"):
        join_once(whole, SCHEMA, bureau=bureau)
    part = write(tmp_path / "part.csv", f"id,decided,amount,{made[0]}", ["1,2024-05-03,1,1"])
    with pytest.raises(ContractError, match=f"of the source 'bureau' the applications lack .*{made[1]}"):
        join_once(part, SCHEMA)
