from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data_schemas.errors import ContractError
from data_schemas.reader import load_schema
from experiments.demo.job import DemoFiles, write_files
from experiments.schema.command import app
from tests.support.chinese import chinese_loans

HEADER = (
    "application_id,applied_on,amount,term_months,annual_income,employment_years,home,purpose,dti,credit_score,"
    "open_accounts,delinquencies_2y,utilisation,inquiries_6m,account_opened,statement,job_title"
)
SOUND = "A{},2024-05-01,5000,36,40000,3,rent,car,0.2,700,4,0,0.3,1,2010-01-01,a car to drive,nurse"


def table(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, stdout and stderr; errors that the command's entry point would explain are raised."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def test_check_of_a_sound_file(tmp_path: Path) -> None:
    path = table(tmp_path / "sound.csv", SOUND.format(1), SOUND.format(2))
    code, out, err = run("check", "--schema", "demo", path)
    assert (code, out) == (0, "")
    assert "rejected" in err
    assert "outcome" in err  # named among the columns that are not there


def test_check_counts_rejects_by_rule_and_shows_the_first(tmp_path: Path) -> None:
    rows = [
        SOUND.format(1),
        SOUND.format(2).replace(",0.2,", ",-0.2,"),
        SOUND.format(3).replace(",0.2,", ",-0.3,"),
        SOUND.format(1),
        "too,short",
        SOUND.format(4).replace(",car,", ",boat,").replace("700", "-999"),
    ]
    path = table(tmp_path / "mixed.csv", *rows)
    code, out, err = run("check", "--schema", "demo", path, "--json", "--examples", "1")
    assert code == 3
    report = json.loads(out)
    assert report["rejected"] == 4
    (file,) = report["files"]
    assert (file["rows"], file["sound"], file["rejected"]) == (6, 2, 4)
    broken = {(rule["column"], rule["rule"]): rule for rule in file["broken_rules"]}
    assert {key: rule["rows"] for key, rule in broken.items()} == {
        ("dti", "minimum"): 2,
        ("application_id", "unique"): 1,
        ("", "width"): 1,
    }
    assert [example["row"] for example in broken["dti", "minimum"]["examples"]] == [2]
    assert "below the minimum 0" in broken["dti", "minimum"]["examples"][0]["message"]
    assert file["unknown_levels"] == {"purpose": 1}
    assert file["missing_share"]["credit_score"] == 0.5
    assert "below the" in err


def test_check_reads_the_outcome_where_it_is(tmp_path: Path) -> None:
    header = f"{HEADER},outcome,extra"
    path = table(tmp_path / "past.csv", SOUND.format(1) + ",repaid,1", SOUND.format(2) + ",,2", header=header)
    code, out, _ = run("check", "--schema", "demo", path, "--json")
    (file,) = json.loads(out)["files"]
    assert code == 3
    assert [(rule["column"], rule["rule"]) for rule in file["broken_rules"]] == [("outcome", "required")]
    assert file["extra_columns"] == ["extra"]
    assert run("check", "--schema", "demo", path, "--no-outcome")[0] == 0


def test_check_counts_auxiliary_cells_that_cannot_be_read(tmp_path: Path) -> None:
    document = json.loads(load_schema("demo").source)
    own = {"role": "auxiliary", "auxiliary": {"kind": "numeric", "direction": "falling"}}
    document["fields"].append({"name": "last_score", "type": "number", "creditfusion": own})
    schema = tmp_path / "later.schema.json"
    schema.write_text(json.dumps(document))
    header = f"{HEADER},last_score,outcome"
    path = table(tmp_path / "past.csv", SOUND.format(1) + ",high,repaid", SOUND.format(2) + ",,repaid", header=header)
    code, out, err = run("check", "--schema", schema, path, "--json")
    (file,) = json.loads(out)["files"]
    assert (code, file["rejected"], file["unreadable_auxiliary"]) == (0, 0, {"last_score": 1})
    assert "unreadable, so missing" in err


def test_check_of_several_files(tmp_path: Path) -> None:
    sound, empty = table(tmp_path / "a.csv", SOUND.format(1)), table(tmp_path / "b.csv")
    code, out, _ = run("check", "--schema", "demo", sound, empty, "--json")
    assert code == 0
    assert [file["rows"] for file in json.loads(out)["files"]] == [1, 0]
    assert json.loads(out)["files"][1]["missing_share"]["dti"] is None


def test_check_refuses_a_header_that_does_not_fit(tmp_path: Path) -> None:
    path = table(tmp_path / "bad.csv", header=HEADER.replace("dti", "debt"))
    with pytest.raises(ContractError, match="the header lacks 'dti'"):
        run("check", "--schema", "demo", path)
    with pytest.raises(ContractError, match="the header lacks 'outcome'"):
        run("check", "--schema", "demo", "--outcome", table(tmp_path / "new.csv"))


def past(path: Path) -> Path:
    rows = [f"L{i},2024-01-{i % 28 + 1:02},{1000 + i},{i % 5 == 0:d}" for i in range(100)]
    return table(path, *rows, header="loan_no,applied,amount,defaulted")


def test_infer_writes_a_schema_that_the_file_keeps(tmp_path: Path) -> None:
    path, out = past(tmp_path / "2024 loans.csv"), tmp_path / "new" / "loans.json"
    code, stdout, err = run("infer", path, "--out", out)
    assert (code, stdout) == (0, "")
    assert "Guessing from 100 of 100 rows." in err
    schema = load_schema(out)
    assert (schema.name, schema.id.name, schema.bad_values) == ("table_2024_loans", "loan_no", ("1",))
    assert run("check", "--schema", out, path)[0] == 0
    assert [entry.name for entry in out.parent.iterdir()] == ["loans.json"]


def test_infer_json_and_sampling(tmp_path: Path) -> None:
    path, out = past(tmp_path / "loans.csv"), tmp_path / "loans.json"
    _, stdout, _ = run("infer", path, "--out", out, "--rows", "40", "--name", "mine", "--json")
    report = json.loads(stdout)
    assert (report["rows"], report["rows_sampled"], report["missing"]) == (100, 40, [])
    assert {column["name"]: column["role"] for column in report["columns"]} == {
        "loan_no": "id",
        "applied": "decision_date",
        "amount": "feature",
        "defaulted": "target",
    }
    assert load_schema(out).name == "mine"


def test_infer_says_what_a_draft_lacks(tmp_path: Path) -> None:
    path = table(tmp_path / "poor.csv", "1,x", "1,x", header="a,b")
    code, _, err = run("infer", path, "--out", tmp_path / "poor.json")
    assert code == 0
    assert "Still missing: no column has its own value in every row" in " ".join(err.split())
    assert "No column looks like the outcome" in err


def undecided(path: Path) -> Path:
    rows = [f"L{i},{1000 + i},{('1', '2', '3')[i % 3]},{('x', 'y')[i % 2]}" for i in range(60)]
    return table(path, *rows, header="loan_no,amount,class,home")


def test_infer_asks_what_is_bad_and_takes_the_answer(tmp_path: Path) -> None:
    path, out = undecided(tmp_path / "loans.csv"), tmp_path / "loans.json"
    code, stdout, err = run("infer", path, "--out", out, "--target", "class", "--json")
    report = json.loads(stdout)["outcome"]
    assert (code, report["bad"], report["good"]) == (0, {}, {})
    assert "name each with --bad" in report["question"]
    assert "The outcomes in class. not decided by words: 60 rows: 1 (20), 2 (20), 3 (20)." in " ".join(err.split())
    with pytest.raises(ContractError, match="the target 'class' has no bad_values"):
        load_schema(out)
    answer = ["--target", "class", "--bad", "2", "--good", "1", "--undecided", "3"]
    _, stdout, _ = run("infer", path, "--out", out, "--force", "--json", *answer)
    assert json.loads(stdout)["outcome"]["undecided"] == {"3": 20}
    assert load_schema(out).undecided_values == ("3",)
    assert run("check", "--schema", out, path)[0] == 0


def test_infer_refuses_levels_of_no_column(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "1,x", "2,y", "3,x", header="a,b")
    with pytest.raises(ContractError, match="not the column that holds it"):
        run("infer", path, "--out", tmp_path / "a.json", "--bad", "x")


def test_infer_refuses(tmp_path: Path) -> None:
    path, out = past(tmp_path / "loans.csv"), tmp_path / "loans.json"
    with pytest.raises(ContractError, match="has no column 'status'"):
        run("infer", path, "--out", out, "--target", "status")
    assert not out.exists()
    out.write_text("mine")
    with pytest.raises(ContractError, match=r"loans\.json exists"):
        run("infer", path, "--out", out)
    assert out.read_text() == "mine"
    assert run("infer", path, "--out", out, "--force")[0] == 0
    with pytest.raises(ContractError, match="has no sound rows"):
        run("infer", table(tmp_path / "empty.csv"), "--out", tmp_path / "empty.json")


@pytest.mark.parametrize("verb", ["check", "infer", "review"])
def test_help_shows_examples(verb: str) -> None:
    code, out, _ = run(verb, "--help")
    assert code == 0
    assert f"creditfusion schema {verb}" in out


@pytest.mark.real_data
def test_no_real_row_is_rejected(lending_club_csv: Path) -> None:
    code, out, _ = run("check", "--schema", "lending_club", lending_club_csv, "--json")
    (file,) = json.loads(out)["files"]
    assert (code, file["rows"], file["rejected"], file["unknown_levels"]) == (0, 30_042, 0, {})
    assert file["missing_share"]["desc"] == pytest.approx(0.277, abs=0.01)


def test_check_lists_what_is_unfinished_and_stops_at_it_only_when_strict(tmp_path: Path) -> None:
    path, out = past(tmp_path / "loans.csv"), tmp_path / "loans.json"
    run("infer", path, "--out", out)
    code, stdout, err = run("check", "--schema", out, path, "--json")
    assert code == 0
    assert json.loads(stdout)["unfinished"] == {
        "guesses": ["loan_no", "applied", "amount", "defaulted"],
        "without_wording": [],
        "without_unit": ["amount"],
        "without_labels": [],
    }
    assert "guesses left (4)" in " ".join(err.split())
    assert run("check", "--schema", out, path, "--strict")[0] == 4


def test_a_finished_schema_has_nothing_open(tmp_path: Path) -> None:
    path = table(tmp_path / "sound.csv", SOUND.format(1))
    code, out, err = run("check", "--schema", "demo", path, "--strict", "--json")
    assert code == 0
    assert not any(json.loads(out)["unfinished"].values())
    assert "Unfinished" not in err


def test_a_draft_names_how_its_file_is_written(tmp_path: Path) -> None:
    path, out = tmp_path / "loans.csv", tmp_path / "loans.json"
    text = chinese_loans(300, 0).table.to_csv(index=False, sep=";", lineterminator="\n")
    path.write_bytes(("贷款明细\n" + text).encode("gb18030"))
    _, _, err = run("infer", path, "--out", out, "--target", "结果")
    assert "read as gb18030; delimiter ';'; line 1 before the header left out" in " ".join(err.split())
    draft = json.loads(out.read_text(encoding="utf-8"))
    assert (draft["encoding"], draft["dialect"]) == ("gb18030", {"delimiter": ";"})
    assert {field["name"] for field in draft["fields"]} == set(chinese_loans(1, 0).table.columns)


def test_infer_drafts_sources_that_check_accepts(tmp_path: Path) -> None:
    files = DemoFiles(tmp_path / "demo")
    write_files(files, 400, 2, sources=True)
    given = [f"--source={name}={files.records(name)}" for name in ("bureau", "transactions")]
    out = tmp_path / "my.schema.json"
    code, stdout, err = run(
        "infer", files.past, "--out", out, *given, "--source", files.records("call_notes"), "--json"
    )
    assert code == 0
    sources = json.loads(stdout)["sources"]
    assert [(one["name"], one["key"], one["date"]) for one in sources] == [
        ("bureau", {"application_id": "application_id"}, "reported_on"),
        ("transactions", {"application_id": "application_id"}, "booked_on"),
        ("call_notes", {"application_id": "application_id"}, "called_on"),
    ]
    assert all("SUSPECT records after the decision know the outcome" in one["doubts"][0] for one in sources)
    assert "Proposed of bureau: bureau_count" in err
    schema = load_schema(out)
    assert schema["call_notes_note"].source == "call_notes"
    assert schema["bureau_balance_mean"].is_numeric


def test_infer_wants_sources_by_name(tmp_path: Path) -> None:
    path = table(tmp_path / "loans.csv", SOUND.format(1))
    with pytest.raises(ContractError, match="gives the source no name"):
        run("infer", path, "--out", tmp_path / "my.schema.json", "--source", "2nd=x.csv")
    with pytest.raises(ContractError, match="'a' is given twice"):
        run("infer", path, "--out", tmp_path / "my.schema.json", "--source", "a=x.csv", "--source", "a.csv")
