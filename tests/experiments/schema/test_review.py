from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from data_schemas.unfinished import unfinished
from experiments.schema.command import app
from experiments.schema.review.content import ColumnReview, SchemaReview
from experiments.schema.review.doubts import Evidence, doubts, why
from experiments.schema.review.job import Beside, review_html, review_of
from features.inference.draft import draft_schema, pretty_json
from features.inference.profile import profile
from features.inference.sample import sample_rows
from tests.support.english import english_on
from tests.support.joined_sources import joined_table
from tests.support.sources import BUREAU, CALLS, with_sources

N = 300
DAY = "2026-03-09"


def past(path: Path) -> Path:
    """Invented loans: a leak, a code for missing, a date that reads either way, a narrative, a trait."""
    lines = ["loan_no,applied,income,widgets,home,dunning_letters,story,sex,opened,loan_status"]
    for i in range(N):
        bad = i % 5 == 0
        story = f'"I, Ann Grey {i}, need {1000 + i} for a roof <b>now</b>"'
        cells = [f"L-{i:05}", f"2024-01-{i % 28 + 1:02}", str(900 + 13 * i), str(i % 9), ("rent", "own")[i % 2]]
        cells += [str(3 + i % 2 if bad else 0), story, "fm"[i % 2], f"0{i % 9 + 1}/0{i % 7 + 1}/2015"]
        lines.append(",".join([*cells, "Charged Off" if bad else "Fully Paid"]))
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr; errors that the command's entry point would explain are raised."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Loans, their draft as my.json, and its review as review.html."""
    folder = tmp_path_factory.mktemp("review")
    data = past(folder / "past.csv")
    draft = draft_schema(sample_rows(data, 1000).frame, "loans", "a table", "loan_status")
    (folder / "my.json").write_text(pretty_json(draft.document))
    code, out, err = run("review", folder / "my.json", data, "--out", folder / "review.html", "--date", DAY, "--json")
    assert (code, json.loads(out)["verb"]) == (0, "schema review")
    assert "to decide" in err
    return folder


def test_a_chinese_page_holds_no_english_of_ours(folder: Path) -> None:
    out = folder / "zh.html"
    code, _, err = run("review", folder / "my.json", folder / "past.csv", "--out", out, "--language", "zh")
    assert (code, "to decide" in err) == (0, True)
    drafted = (folder / "my.json").read_text(encoding="utf-8") + (folder / "past.csv").read_text(encoding="utf-8")
    page = out.read_text(encoding="utf-8")
    assert '<html lang="zh">' in page
    assert not english_on(page, frozenset({"json", "past", "csv", *re.findall("[A-Za-z]+", drafted)}) - {"Is", "known"})


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    return (folder / "review.html").read_text()


@pytest.fixture(scope="module")
def review(folder: Path) -> SchemaReview:
    return review_beside(folder, json.loads((folder / "my.json").read_text()))


def review_beside(folder: Path, document: object, data: str = "past.csv") -> SchemaReview:
    """The review of this schema beside that file."""
    schema = folder / "changed.json"
    schema.write_text(json.dumps(document))
    sample = sample_rows(folder / data, 1000)
    return review_of(Beside(load_schema(schema, as_draft=True), schema, folder / data, sample, date.fromisoformat(DAY)))


def card(review: SchemaReview, name: str) -> ColumnReview:
    return next(column for column in review.columns if column.name == name)


def words(review: SchemaReview, name: str) -> str:
    return " ".join(doubt.words for doubt in card(review, name).doubts)


def test_a_page_is_self_contained_and_equal_each_time(folder: Path, page: str) -> None:
    assert "default-src &#39;none&#39;" in page
    assert not re.search(r"<script|(?:src|href)=\"http", page)
    run("review", folder / "my.json", folder / "past.csv", "--out", folder / "review.html", "--date", DAY, "--force")
    assert (folder / "review.html").read_text() == page


def test_nobody_is_quoted(page: str) -> None:
    assert "Ann Grey" not in page
    assert "roof" not in page
    assert not re.search(r"L-\d{5}(?!\d)", page.replace("L-99999", ""))
    assert "A-99999" in page  # the pattern of the ids
    assert "characters in the middle" in page
    assert "Latin script" in page


def test_doubts_come_first(review: SchemaReview) -> None:
    order = ["alarm", "concern", "note", "good"]
    grades = [order.index(column.grade) for column in review.columns]
    assert grades == sorted(grades)
    assert review.columns[0].name == "loan_status"
    assert len(review.columns) == 10


def test_the_outcome_shows_what_each_value_counts_as(review: SchemaReview, page: str) -> None:
    assert [(level.level, level.reading, level.rows) for level in review.outcome] == [
        ("Fully Paid", "good", 240),
        ("Charged Off", "bad", 60),
    ]
    assert "bad where it is &#39;Charged Off&#39;" in page


def test_a_column_shows_its_distribution_and_how_well_it_ranks(review: SchemaReview) -> None:
    income = card(review, "income")
    assert income.distribution is not None
    assert sum(bar.share for bar in income.distribution.bars) == pytest.approx(1)
    assert income.strength == pytest.approx(0.5, abs=0.05)
    assert card(review, "dunning_letters").strength == pytest.approx(1)
    assert card(review, "loan_no").distribution is None
    assert card(review, "loan_status").strength is None
    home = card(review, "home").distribution
    assert home is not None
    assert {bar.label: bar.share for bar in home.bars} == {"rent": 0.5, "own": 0.5}


def test_what_to_decide_is_asked(review: SchemaReview) -> None:
    assert "Make it a feature only if it is known" in words(review, "dunning_letters")
    assert "day on which the lender decides" in words(review, "applied")
    assert "would also fit" in words(review, "opened")
    assert "nobody may be judged by" in words(review, "sex")
    assert "What is an applicant to be told" in words(review, "widgets")
    assert "In which unit" in words(review, "income")
    assert card(review, "income").reason == "Your income."


def test_a_confirmed_schema_that_the_file_contradicts_is_doubted(folder: Path) -> None:
    document = json.loads((folder / "my.json").read_text())
    for field in document["fields"]:
        field["creditfusion"].pop("guess", None)
        if field["name"] == "dunning_letters":
            field["creditfusion"]["role"] = "feature"
        if field["name"] == "home":
            field |= {"type": "number"}
            del field["categories"]
    document["creditfusion"]["bad_values"] = ["Defaulted"]
    document["creditfusion"].pop("good_values")
    found = review_beside(folder, document)
    assert card(found, "home").grade == "alarm"
    assert "many cells are none" in words(found, "home")
    assert "Good and bad outcomes do not both occur" in " ".join(notice.words for notice in found.notices)
    document["creditfusion"]["bad_values"] = ["Charged Off"]
    found = review_beside(folder, document)
    assert "hardly any honest column does" in words(found, "dunning_letters")
    assert found.notices == ()


def test_an_outcome_of_numbers_is_shown_by_its_threshold(folder: Path) -> None:
    document = json.loads((folder / "my.json").read_text())
    for field in document["fields"]:
        if field["name"] in ("loan_status", "widgets"):
            field["creditfusion"] = {"role": "target" if field["name"] == "widgets" else "ignored", "guess": "days"}
    own = document["creditfusion"]
    del own["bad_values"], own["good_values"]
    own |= {"bad_if": "> 6", "undecided_values": ["0"]}
    found = review_beside(folder, document)
    levels = [(level.level, level.reading, level.rows) for level in found.outcome]
    assert sum(rows for *_, rows in levels) == N
    assert [(level, reading) for level, reading, _ in levels] == [("<= 6", "good"), ("> 6", "bad"), ("0", "undecided")]
    assert "bad where it is > 6, good where it is <= 6" in words(found, "widgets")
    assert found.notices == ()


def test_columns_that_only_one_side_has_are_named(folder: Path) -> None:
    lines = (folder / "past.csv").read_text().replace("widgets", "gadgets", 1)
    (folder / "other.csv").write_text(lines)
    found = review_beside(folder, json.loads((folder / "my.json").read_text()), "other.csv")
    assert [notice.words for notice in found.notices] == [
        "The file lacks widgets, which the schema names.",
        "The schema does not name gadgets: nothing reads them.",
    ]
    assert "gadgets" in review_html(found)


def test_review_refuses_an_existing_page_and_an_empty_file(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"review\.html exists"):
        run("review", folder / "my.json", folder / "past.csv", "--out", folder / "review.html")
    (tmp_path / "empty.csv").write_text((folder / "past.csv").read_text().splitlines()[0] + "\n")
    with pytest.raises(ContractError, match="has no sound rows"):
        run("review", folder / "my.json", tmp_path / "empty.csv", "--out", tmp_path / "page.html")


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        ("feature: a number. Seen: 3 values; 0.0% missing.", "a number"),
        ("ignored: LEAK? its name: told. Seen: 3 values.", "LEAK? its name: told"),
        ("a note of somebody: their own", "a note of somebody: their own"),
        ("", ""),
    ],
)
def test_why_is_read_off_a_note(note: str, reason: str) -> None:
    assert why(note) == reason


@pytest.mark.parametrize(("strength", "grade"), [(None, "concern"), (0.7, "concern"), (0.99, "alarm")])
def test_a_suspect_is_a_doubt(strength: float | None, grade: str) -> None:
    schema = load_schema("demo")
    field = next(one for one in schema.features if one.is_numeric)
    note = "feature: SUSPECT alone its values separate the outcomes: keep it only if known; a number. Seen: 3 values."
    column = profile(field.name, pd.Series(["1", "2", "3"], dtype=object))
    found = doubts(Evidence(field, column, note, strength), schema, unfinished(schema))
    asked = [doubt for doubt in found if "Is it known on the day of the decision" in doubt.words]
    assert [doubt.grade for doubt in asked] == [grade]
    assert strength == 0.99 or "Alone its values separate the outcomes. If not, leave it out." in asked[0].words


@pytest.mark.parametrize("marked", [True, False])
def test_a_column_that_looks_like_a_bureaus_score_is_a_doubt_until_it_is_marked(marked: bool) -> None:
    schema = load_schema("demo")
    field = schema["credit_score"] if marked else replace(schema["credit_score"], bureau_score=None)
    column = profile(field.name, pd.Series(["614", "700"], dtype=object))
    found = doubts(Evidence(field, column, "", None), schema, unfinished(schema))
    assert any("Is it a credit bureau's score?" in doubt.words for doubt in found) != marked
    denied = replace(field, bureau_score=None, no_bureau_score=True)
    found = doubts(Evidence(denied, column, "", None), schema, unfinished(schema))
    assert not any("bureau's score" in doubt.words for doubt in found)


def test_what_is_open_in_a_source_is_a_notice(tmp_path: Path) -> None:
    joined_table(60, 1).to_csv(tmp_path / "past.csv", index=False)
    document = with_sources(BUREAU, CALLS)
    bureau = document["creditfusion"]["sources"][0]
    bureau["creditfusion"]["aggregates"][1]["guess"] = bureau["fields"][2]["creditfusion"]["guess"] = "SUSPECT"
    words = [notice.words for notice in review_beside(tmp_path, document).notices]
    noted = "Is what is drafted of the source Credit bureau accounts right? There are notes on"
    assert f"{noted} bureau.opened_on and bureau_balance_trend." in words
    assert any(one.startswith("What is an applicant to be told about call_notes, made of Call notes?") for one in words)
    assert not any("bureau_open" in one for one in words if "does not name" in one)
