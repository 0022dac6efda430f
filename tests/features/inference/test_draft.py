from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.errors import ContractError, RunError
from data_schemas.fields import FieldType, Role
from data_schemas.reader import parse_schema
from features.inference.column_names import hints
from features.inference.draft import Draft, draft_schema, pretty_json
from features.inference.outcomes import StatedOutcomes
from features.inference.profile import ColumnProfile, profile
from features.inference.sample import sample_rows
from features.inference.words import words_of

N = 400
RANDOM = np.random.default_rng(5)
BAD = np.arange(N) % 5 == 0
WORDS = ["kitchen", "debt", "car", "school", "roof", "wedding", "move", "stock", "help", "family", "garden", "doctor"]


def column(*cells: str) -> ColumnProfile:
    return profile("x", pd.Series(cells, dtype=object))


def loans() -> pd.DataFrame:
    """Invented loans with one column of each kind that a draft should tell apart."""
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(N), unit="D")
    return pd.DataFrame(
        {
            "loan_id": [f"L{i:05}" for i in range(N)],
            "page": [f"p/{i}" for i in range(N)],
            "customer_id": [str(i // 2) for i in range(N)],
            "applied_on": day.strftime("%d.%m.%Y"),
            "first_account": (day - pd.Timedelta(days=2000)).strftime("%d.%m.%Y"),
            "closed_on": (day + pd.Timedelta(days=300)).strftime("%d.%m.%Y"),
            "income": [["-999", "NA", f"{RANDOM.integers(20, 90)}000.5"][min(i % 7, 2)] for i in range(N)],
            "score": RANDOM.normal(650, 40, N).round().astype(int).astype(str),
            "home": RANDOM.choice(["own", "rent", "none"], N),
            "rate": [f"{RANDOM.integers(5, 20)}%" for _ in range(N)],
            "story": [" ".join(RANDOM.choice(WORDS, 8)) for _ in range(N)],
            "sex": RANDOM.choice(["f", "m"], N),
            "zip_code": RANDOM.integers(10000, 99999, N).astype(str),
            "country": ["XX"] * N,
            "grade": RANDOM.choice(["A", "B"], N),
            "dunning_letters": np.where(BAD, RANDOM.integers(1, 4, N), 0).astype(str),
            "sold_to": np.where(BAD & (np.arange(N) % 3 > 0), "agency", ""),
            "loan_status": np.where(BAD, "Charged Off", "Fully Paid"),
        },
        dtype=object,
    )


@pytest.fixture(scope="module")
def draft() -> Draft:
    return draft_schema(loans(), "loans", "an invented table")


def test_roles(draft: Draft) -> None:
    roles = {guess.column.name: guess.role for guess in draft.guesses}
    assert roles == {
        "loan_id": Role.ID,
        "page": Role.IGNORED,
        "customer_id": Role.GROUP,
        "applied_on": Role.DECISION_DATE,
        "first_account": Role.FEATURE,
        "closed_on": Role.IGNORED,
        "income": Role.FEATURE,
        "score": Role.FEATURE,
        "home": Role.FEATURE,
        "rate": Role.FEATURE,
        "story": Role.NARRATIVE,
        "sex": Role.PROTECTED,
        "zip_code": Role.IGNORED,
        "country": Role.IGNORED,
        "grade": Role.IGNORED,
        "dunning_letters": Role.IGNORED,
        "sold_to": Role.IGNORED,
        "loan_status": Role.TARGET,
    }


def test_leaks_have_a_reason(draft: Draft) -> None:
    why = {guess.column.name: guess.why for guess in draft.guesses if guess.column.name in draft.leaks}
    assert set(why) == {"closed_on", "grade", "dunning_letters", "sold_to"}
    assert "after applied_on in 100% of the rows" in why["closed_on"]
    assert "what the lender sets" in why["grade"]
    assert "differs from 0 for 80 rows" in why["dunning_letters"]
    assert "filled for 53 rows, 100.0% of them with one and the same outcome" in why["sold_to"]
    assert all(text.startswith("LEAK?") for text in why.values())
    assert "may be made auxiliary" in draft.document["creditfusion"]["guess"]


def test_draft_is_a_schema_with_a_note_on_every_guess(draft: Draft) -> None:
    assert draft.missing == ()
    schema = parse_schema(pretty_json(draft.document), "draft")
    assert (schema.bad_values, schema.good_values) == (("Charged Off",), ("Fully Paid",))
    assert schema["income"].type is FieldType.NUMBER
    assert schema["income"].missing_values == ("", "-999", "NA")
    assert schema["income"].minimum == 0.0
    assert schema["income"].maximum == 1_000_000.0
    assert schema["home"].categories == ("none", "own", "rent")
    assert schema["applied_on"].date_format == "%d.%m.%Y"
    assert [derived.of for derived in schema.derived] == [("first_account", "applied_on")]
    assert all(field["creditfusion"]["guess"] for field in draft.document["fields"])
    assert "an invented table" in draft.document["creditfusion"]["guess"]
    assert draft.document["creditfusion"]["concepts"] == "consumer_lending"
    assert len(schema.concepts) > 20


def test_a_table_without_narratives_is_drafted_without_concepts() -> None:
    bare = draft_schema(loans().drop(columns="story"), "loans", "a table").document
    assert "concepts" not in bare["creditfusion"]
    assert parse_schema(pretty_json(bare), "draft").concepts == ()


def test_pretty_json_is_json_of_short_lines(draft: Draft) -> None:
    text = pretty_json(draft.document)
    assert json.loads(text) == draft.document
    assert sum(len(line) > 120 for line in text.splitlines() if '"guess"' not in line) == 0


def test_target_may_be_named() -> None:
    table = loans().rename(columns={"loan_status": "whatever"}).replace({"Charged Off": "1", "Fully Paid": "0"})
    named = draft_schema(table, "loans", "a table", "whatever", StatedOutcomes(bad=("1",)))
    schema = parse_schema(pretty_json(named.document), "draft")
    assert (schema.bad_values, schema.good_values) == (("1",), ("0",))
    assert "dunning_letters" in named.leaks


def test_a_table_without_target_id_or_input_lists_what_is_missing() -> None:
    table = pd.DataFrame({"a": ["1", "1"], "b": ["", ""]}, dtype=object)
    poor = draft_schema(table, "poor", "two rows")
    assert [text[:30] for text in poor.missing] == ["no column has its own value in", "no column looks like an input "]
    with pytest.raises(ContractError, match="no field has the role 'id'"):
        parse_schema(pretty_json(poor.document), "draft")


def test_one_row() -> None:
    table = pd.DataFrame({"id": ["7"], "words": ["a boat for the lake"], "x": ["3"]}, dtype=object)
    assert draft_schema(table, "one", "one row").guesses[0].role is Role.ID


@pytest.mark.parametrize(
    ("cells", "kind", "form", "codes"),
    [
        (("1", "2", "", "3"), FieldType.INTEGER, "", ()),
        (("70000.0", "5"), FieldType.INTEGER, "", ()),
        (("1.5", "2e3", "NA", "n/a"), FieldType.NUMBER, "", ("NA", "n/a")),
        (("10", "20", "30", "40", "50", "unknown"), FieldType.INTEGER, "", ("unknown",)),
        (("10", "20", "30", "40", "50", "<1"), FieldType.INTEGER, "", ()),
        (("007", "123"), FieldType.STRING, "", ()),
        (("3", "5", "-999", "-999"), FieldType.INTEGER, "", ("-999",)),
        (("3", "5", "9999", "9999"), FieldType.INTEGER, "", ("9999",)),
        (("-3", "5", "-1", "-1"), FieldType.INTEGER, "", ()),
        (("998", "999", "999", "997"), FieldType.INTEGER, "", ()),
        (("true", "False", "true"), FieldType.BOOLEAN, "", ()),
        (("2020-01-31", "2021-02-28"), FieldType.DATE, "%Y-%m-%d", ()),
        (("31/01/2020", "01/02/2020"), FieldType.DATE, "%d/%m/%Y", ()),
        (("01/31/2020", "01/02/2020"), FieldType.DATE, "%m/%d/%Y", ()),
        (("20200131", "20210228"), FieldType.DATE, "%Y%m%d", ()),
        (("Dec-2011", "Jan-2012", "never", "Feb-2012"), FieldType.DATE, "%b-%Y", ("never",)),
        (("a", "b", "a"), FieldType.STRING, "", ()),
        (("", ""), FieldType.STRING, "", ()),
        ((), FieldType.STRING, "", ()),
    ],
)
def test_profile(cells: tuple[str, ...], kind: FieldType, form: str, codes: tuple[str, ...]) -> None:
    found = column(*cells)
    assert (found.type, found.format, found.missing_codes) == (kind, form, codes)
    assert found.n_present == sum(cell not in ("", *codes) for cell in cells)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.text(max_size=6), st.sampled_from(["1", "0", "-9", "x y", "2020-01-01", "NA"]))))
def test_any_table_gives_a_draft_that_loads_or_lists_what_it_lacks(rows: list[tuple[str, str]]) -> None:
    draft = draft_schema(pd.DataFrame(rows, columns=["a", "status"], dtype=object), "any", "rows")
    if not draft.missing:
        assert parse_schema(pretty_json(draft.document), "draft").id.name in ("a", "status")


def test_hints_look_at_whole_words() -> None:
    assert words_of("loanStatus_2 (new)") == ["loan", "status", "2", "new"]
    assert hints("zip_code", "place")
    assert not hints("unzip", "place")
    assert hints("Kundennummer", "id")
    assert hints("申请日期", "decision")
    assert hints("LoanStatus", "target")
    assert hints("days_past_due", "later")
    assert hints("dpd_last_12_months", "history")


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_sample_keeps_rows_whole_and_in_order(tmp_path: Path, suffix: str) -> None:
    path, n_rows = tmp_path / f"table{suffix}", 25_000
    frame = pd.DataFrame({"i": np.arange(n_rows), "twice": 2 * np.arange(n_rows)})
    if suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    row_counts: list[int] = []
    sample = sample_rows(path, 1000, on_rows=row_counts.append)
    rows = sample.frame.astype(int)
    assert (len(rows), sample.n_rows, sample.n_damaged, sum(row_counts)) == (1000, n_rows, 0, n_rows)
    assert rows["i"].is_monotonic_increasing
    assert (rows["twice"] == 2 * rows["i"]).all()
    assert rows["i"].mean() == pytest.approx(n_rows / 2, rel=0.1)
    pd.testing.assert_frame_equal(sample.frame, sample_rows(path, 1000).frame)


def test_small_and_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_text("a,b\n1,x\n2\n3,z\n")
    sample = sample_rows(path, 10)
    assert (list(sample.frame["a"]), sample.n_rows, sample.n_damaged) == (["1", "3"], 3, 1)
    path.write_text("a,b\n")
    assert sample_rows(path, 10).frame.empty


def test_the_name_of_a_parquet_file_may_be_in_capitals(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2]}).to_parquet(tmp_path / "LOANS.PARQUET")
    assert list(sample_rows(tmp_path / "LOANS.PARQUET", 10).frame["a"]) == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,,c\n1,2,3\n", "column 2 of the header has no name"),
        ("a,a\n1,2\n", "the header names 'a' twice"),
        ("", "is empty"),
    ],
)
def test_headers_that_cannot_be_drafted_from(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ContractError, match=message):
        sample_rows(path, 10)


def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not exist"):
        sample_rows(tmp_path / "none.csv", 10)


@pytest.mark.real_data
def test_lending_club(lending_club_csv: Path) -> None:
    with gzip.open(lending_club_csv, "rt", encoding="utf-8") as file:
        header = file.readline().strip().split(",")
    draft = draft_schema(sample_rows(lending_club_csv, 5000).frame, "lending_club", "the file")
    roles = {guess.column.name: guess.role for guess in draft.guesses}
    assert list(roles) == header
    assert roles["id"] is Role.ID
    assert roles["loan_status"] is Role.TARGET
    assert roles["issue_d"] is Role.DECISION_DATE
    assert {name for name, role in roles.items() if role is Role.NARRATIVE} == {"desc", "title", "emp_title"}
    later = {name for name in header if name.startswith(("total_pymnt", "total_rec", "last_"))}
    assert later | {"recoveries", "collection_recovery_fee", "int_rate", "grade", "sub_grade"} <= set(draft.leaks)
    known = {"annual_inc", "dti", "fico_range_low", "purpose", "inq_last_6mths", "revol_util", "delinq_2yrs"}
    assert all(roles[name] is Role.FEATURE for name in known)
    schema = parse_schema(pretty_json(draft.document), "draft")
    assert [field.name for field in schema.narratives if not field.match_concepts] == ["emp_title"]
    assert all("Charged Off" in value for value in schema.bad_values)
    assert all("Fully Paid" in value for value in schema.good_values)
