"""`creditfusion explain` through the command line: what is chosen, what is written, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from experiments.benchmarks.speed import report_speed
from experiments.reporting.file_names import file_name
from experiments.session.run import SOME_REJECTED
from tests.support.explained import (
    BROKEN,
    DAY,
    HOSTILE_AT,
    N_ROWS,
    SLASHED,
    SLASHED_ID,
    Explain,
    Trained,
    contents,
    index_of,
    notice,
    underwriter,
)


def test_every_chosen_application_has_its_files(trained: Trained, everything: Path) -> None:
    index = index_of(everything)
    assert len(index.entries) == N_ROWS - 1
    assert {entry.id for entry in index.entries} == set(trained.table["application_id"]) - {trained.id_at(BROKEN)}
    pds = [entry.result.pd for entry in index.entries]
    assert pds == sorted(pds, reverse=True)
    named = {link.file for entry in index.entries for link in entry.links}
    assert named | {"index.html", "index.json"} == set(contents(everything))
    assert len(named) == 6 * (N_ROWS - 1)
    page = (everything / "index.html").read_text(encoding="utf-8")
    assert all(f'href="{file}"' in page for file in named)
    assert [(row.row, row.id) for row in index.rejected] == [(BROKEN + 1, trained.id_at(BROKEN))]
    assert "a lot" in index.rejected[0].words
    assert index.n_rejected == 1
    assert "highest probability of default" in index.chosen


def test_ids_may_be_anything(trained: Trained, explain: Explain, tmp_path: Path) -> None:
    assert explain(tmp_path / "out", "--id", SLASHED_ID, "--id", trained.id_at(0), "--id", SLASHED_ID) == 0
    assert [entry.id for entry in index_of(tmp_path / "out").entries] == [SLASHED_ID, trained.id_at(0)]
    assert underwriter(tmp_path / "out", SLASHED_ID).subject.row == SLASHED + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.log.jsonl"]


def test_unknown_ids_are_named(
    trained: Trained, explain: Explain, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    near = trained.id_at(5)[:-1] + "x"
    assert explain(tmp_path / "out", "--id", near, "--id", trained.id_at(0), "--id", "nobody") == 2
    stderr = capsys.readouterr().err
    assert f"has no application '{near}', 'nobody'" in stderr
    assert "The nearest to" in stderr
    assert not (tmp_path / "out").exists()


def test_a_named_application_that_was_rejected(
    trained: Trained, explain: Explain, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert explain(tmp_path / "out", "--id", trained.id_at(BROKEN), "--id", trained.id_at(0), "--json") == 3
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (summary["explained"], summary["rejected"]) == (1, 1)
    assert "'a lot' is not a number" in summary["rejected_rows"][f"row {BROKEN + 1}"]
    index = index_of(tmp_path / "out")
    assert [row.id for row in index.rejected] == [trained.id_at(BROKEN)]
    assert trained.id_at(BROKEN) in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    # Another row's fault is none of a named application's.
    assert explain(tmp_path / "alone", "--id", trained.id_at(0)) == 0


def test_the_declined_up_to_a_limit(
    explain: Explain, everything: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    entries = index_of(everything).entries
    declined = sorted((e.row, e.id) for e in entries if e.result.decision == "decline")
    assert 3 < len(declined) < N_ROWS - 1
    assert explain(tmp_path / "all", "--declined", "--fast") == 3
    assert [(entry.row, entry.id) for entry in index_of(tmp_path / "all").entries] == declined
    capsys.readouterr()
    assert explain(tmp_path / "some", "--declined", "--limit", "3", "--fast", "--json") == 3
    assert json.loads(capsys.readouterr().out)["left_out"] == len(declined) - 3
    index = index_of(tmp_path / "some")
    assert [(entry.row, entry.id) for entry in index.entries] == declined[:3]
    assert index.n_left_out == len(declined) - 3
    assert "the first 3 of" in index.chosen


def test_the_highest_pds(explain: Explain, everything: Path, tmp_path: Path) -> None:
    assert explain(tmp_path / "out", "--top", "4", "--for", "applicant", "--format", "json") == 3
    found = index_of(tmp_path / "out").entries
    assert [entry.id for entry in found] == [entry.id for entry in index_of(everything).entries[:4]]
    assert [len(entry.links) for entry in found] == [1] * 4
    assert len(contents(tmp_path / "out")) == 4 + 2


@pytest.mark.parametrize("way", [[], ["--declined", "--top", "3"], ["--id", "x", "--declined"]])
def test_one_way_to_choose(
    explain: Explain, capsys: pytest.CaptureFixture[str], tmp_path: Path, way: list[str]
) -> None:
    assert explain(tmp_path / "out", *way) == 2
    assert "say in one way which applications are explained" in capsys.readouterr().err


def test_equal_bytes_on_a_second_run(
    trained: Trained, explain: Explain, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    every = [part for name in ("underwriter", "applicant", "validator") for part in ("--for", name)]
    chosen = ["--id", trained.id_at(0), "--id", trained.id_at(1), *every]
    assert explain(tmp_path / "a", *chosen) == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1773014400")  # 2026-03-09T00:00:00Z
    assert explain(tmp_path / "b", *chosen, "--no-cache", day=()) == 0
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert underwriter(tmp_path / "a", trained.id_at(0)).subject.made_on.isoformat() == DAY
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert explain(tmp_path / "c", *chosen, day=()) == 2


def test_earlier_reports_are_replaced_only_with_force(
    trained: Trained, explain: Explain, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    first, second = ["--id", trained.id_at(0)], ["--id", trained.id_at(1)]
    assert explain(out, *first) == 0
    before = contents(out)
    assert explain(out, *second) == 2
    assert "holds the reports of an earlier run" in capsys.readouterr().err
    assert contents(out) == before
    assert explain(out, *second, "--force") == 0
    assert [entry.id for entry in index_of(out).entries] == [trained.id_at(1)]
    assert file_name(trained.id_at(0), "underwriter", "html") not in contents(out)
    (out / "notes.txt").write_text("mine")
    assert explain(out, *first, "--force") == 2
    assert "'notes.txt', which is no report" in capsys.readouterr().err
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("mine")
    assert explain(other, *first, "--force") == 2
    assert "holds no earlier reports" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out", "out.log.jsonl"]


@pytest.mark.parametrize("n_rows", [0, 1])
def test_few_rows(trained: Trained, explain: Explain, tmp_path: Path, n_rows: int) -> None:
    data = tmp_path / "few.csv"
    trained.table.head(n_rows).to_csv(data, index=False)
    assert explain(tmp_path / "top", "--top", "5", data=data) == 0
    assert len(index_of(tmp_path / "top").entries) == n_rows
    assert explain(tmp_path / "declined", "--declined", data=data) == 0
    assert explain(tmp_path / "ids", "--id", "x", data=data) == 2


def test_parquet_and_all_narratives_missing(trained: Trained, explain: Explain, tmp_path: Path) -> None:
    data = tmp_path / "silent.parquet"
    table = trained.table.astype(str).assign(statement="", job_title="")
    table.replace("nan", "").to_parquet(data)
    assert explain(tmp_path / "out", "--top", "3", data=data) == 3
    for entry in index_of(tmp_path / "out").entries:
        assert underwriter(tmp_path / "out", entry.id).narrative_points == 0
    assert index_of(tmp_path / "out").rejected[0].id == trained.id_at(BROKEN)


def test_pdf(trained: Trained, explain: Explain, tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="WeasyPrint is not installed")
    assert explain(tmp_path / "out", "--id", trained.id_at(0), "--for", "applicant", "--format", "pdf") == 0
    name = file_name(trained.id_at(0), "applicant", "pdf")
    assert (tmp_path / "out" / name).read_bytes().startswith(b"%PDF")


def test_the_letterhead(trained: Trained, explain: Explain, tmp_path: Path) -> None:
    letter = ["--for", "applicant", "--lender", "A & B <Bank>", "--contact", "12 Harbour Street"]
    assert explain(tmp_path / "out", "--id", trained.id_at(0), *letter) == 0
    assert (notice(tmp_path / "out", trained.id_at(0)).lender) == "A & B <Bank>"
    page = (tmp_path / "out" / file_name(trained.id_at(0), "applicant", "html")).read_text(encoding="utf-8")
    assert "A &amp; B &lt;Bank&gt;" in page
    assert "12 Harbour Street" in page


def test_what_mends_letters_for_a_person_is_counted(
    explain: Explain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lender = tmp_path / "lender.toml"
    lender.write_text(
        'name = "Bank"\naddress = "1 Street"\ncontact = "Desk"\nagency = "Agency"\n'
        '[bureaus."Example Credit Bureau"]\naddress = "P.O. Box 1"\nphone = "1"\n'
    )
    chosen = ["--declined", "--limit", "2", "--fast", "--for", "applicant", "--rules", "us", "--lender", str(lender)]
    assert explain(tmp_path / "out", *chosen) == SOME_REJECTED
    noted = " ".join(capsys.readouterr().err.split())
    assert "Letters are marked for a person: " in noted
    letters = [notice(tmp_path / "out", entry.id) for entry in index_of(tmp_path / "out").entries]
    scored = [letter for letter in letters if letter.score is not None]
    assert f"add `key_factors` to the lender's file. ({len(scored)} letter" in noted
    assert [letter.id for letter in letters if any("key factors" in cause for cause in letter.review_causes)] == [
        letter.id for letter in scored
    ]


def test_the_cost_of_a_report_is_measured(trained: Trained, capsys: pytest.CaptureFixture[str]) -> None:
    report_speed.main(["--model", str(trained.model), "--data", str(trained.data), "--rows", "2", "--json"])
    found = json.loads(capsys.readouterr().out)
    for seconds in found["seconds"].values():
        assert seconds["reports"] <= 2
        assert 0 < seconds["median"] <= seconds["longest"] < 60
    assert found["seconds"]["drawn at random"]["reports"] == 2
    assert sum(found["stages"].values()) == pytest.approx(1.0)
    assert {"text", "attribution", "changes", "write"} <= set(found["stages"])


def test_the_log_holds_no_applicant(trained: Trained, explain: Explain, tmp_path: Path) -> None:
    assert explain(tmp_path / "out", "--id", trained.id_at(HOSTILE_AT)) == 0
    log = (tmp_path / "out.log.jsonl").read_text(encoding="utf-8")
    assert trained.id_at(HOSTILE_AT) not in log
    assert "onerror" not in log
