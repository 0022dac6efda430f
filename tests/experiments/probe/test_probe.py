"""`creditfusion probe` with a trained bundle on the demo's data, through the command line."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from experiments.cli import app, guarded
from experiments.demo.data import generate
from experiments.reporting.document import Document, Gap, Interval, Table
from experiments.reporting.json_reports import parse_report
from tests.support.bundles import train_small
from tests.support.tiny_bert import tiny_bert

ROOT = Path(__file__).resolve().parents[3]
PLANTED = "As a mother I ask you. "


@dataclass(frozen=True)
class Place:
    """A small bundle, and a folder for files."""

    model: Path
    folder: Path

    def probe(self, table: pd.DataFrame, *more: str, out: str = "out") -> tuple[int, Path]:
        """Probe a table; the exit code and the folder that was written."""
        data = self.folder / "in.csv"
        table.to_csv(data, index=False)
        named = ["--model", str(self.model), "--data", str(data), "--out", str(self.folder / out)]
        with pytest.MonkeyPatch.context() as patch:
            options = ["--no-cache", "--threads", "1", "--date", "2026-02-03", *more]
            patch.setattr(sys, "argv", ["creditfusion", "probe", *named, *options])
            return guarded(app), self.folder / out

    def report(self, table: pd.DataFrame, *more: str, out: str = "out") -> Document:
        """Probe a sound table; the report."""
        code, folder = self.probe(table, *more, out=out)
        assert code == 0
        return read(folder)


def read(folder: Path) -> Document:
    document = parse_report((folder / "protected.json").read_bytes())
    assert isinstance(document, Document)
    return document


def table_of(report: Document, key: str) -> Table:
    (found,) = [one for section in report.sections for one in section.tables if one.key == key]
    return found


@dataclass(frozen=True)
class Reading:
    """A line of the table of sources."""

    words: str
    n: int
    auc: Interval


def readings(report: Document, name: str) -> dict[str, Reading]:
    """What was found, by source."""
    found = {}
    for source, _, words, n, auc in table_of(report, f"sources_{name}").rows:
        if isinstance(auc, Interval):
            assert isinstance(n, int)
            found[str(source)] = Reading(str(words), n, auc)
    return found


def gaps(report: Document, name: str) -> dict[str, str]:
    """Why nothing was found, by source."""
    rows = table_of(report, f"sources_{name}").rows
    return {str(row[0]): row[-1].gap for row in rows if isinstance(row[-1], Gap)}


def attributes(report: Document) -> list[str]:
    return [one.key.removeprefix("attribute_") for one in report.sections if one.key.startswith("attribute_")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    table = generate(600, 1).table
    table.loc[::5, "statement"] = PLANTED + table["statement"]  # so that the model counts these words
    return train_small(tmp_path_factory.mktemp("trained"), table)


@pytest.fixture
def place(model: Path, tmp_path: Path) -> Place:
    return Place(model, tmp_path)


def applications(n: int = 500, seed: int = 5) -> pd.DataFrame:
    return generate(n, seed).table.drop(columns="outcome").astype(object)


def test_columns_tell_age_and_narratives_do_not(place: Place) -> None:
    report = place.report(applications(900))
    age = readings(report, "age_band")
    assert age["columns"].auc.low > 0.7
    assert age["columns"].words in ("clearly above chance", "well")
    assert age["both"].auc.low > 0.6
    for name in ("sex", "age_band"):
        found = readings(report, name)
        assert set(found) == {"narratives", "written", "words", "columns", "both", "score"}
        for source in ("narratives", "written", "words"):
            assert found[source].auc.low <= 0.5, (name, source)
            assert found[source].words in ("no better than chance", "too few rows to say")
        assert found["written"].n < found["narratives"].n
    groups = table_of(report, "groups_age_band").rows
    assert [remark is None for _, n, _, remark in groups] == [isinstance(n, int) and n >= 50 for _, n, _, _ in groups]
    assert groups[-1][-1] == "too small to judge, left out"  # of the oldest there are too few


def test_what_narratives_tell_is_found(place: Place) -> None:
    table = applications()
    mothers = (table["sex"] == "female") & (table["statement"] != "")
    table.loc[mothers, "statement"] = PLANTED + table["statement"]
    report = place.report(table, "--column", "sex")
    sex = readings(report, "sex")
    assert attributes(report) == ["sex"]
    assert sex["narratives"].auc.low > 0.6
    assert sex["words"].auc.low > 0.6
    gain = table_of(report, "gain_sex").rows[0][-1]
    assert isinstance(gain, Interval)
    assert gain.low > 0
    page = (place.folder / "out" / "protected.html").read_text(encoding="utf-8")
    assert re.search("From the narratives alone, Sex can be told (well|clearly)", page)


def test_equal_input_gives_equal_bytes(place: Place) -> None:
    table = applications(300)
    for out in ("one", "two"):
        place.report(table, "--column", "sex", out=out)
    for name in ("protected.html", "protected.json"):
        assert (place.folder / "one" / name).read_bytes() == (place.folder / "two" / name).read_bytes()


def test_the_number_of_threads_changes_no_byte(place: Place) -> None:
    table = applications(400)
    one, three = (place.probe(table, "--threads", n, out=f"threads_{n}")[1] for n in ("1", "3"))
    for name in ("protected.json", "protected.html"):
        assert (one / name).read_bytes() == (three / name).read_bytes()


def test_rejected_and_missing_rows_are_counted(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    table = applications(300)
    table.loc[[3, 9], "amount"] = "a lot"
    table.loc[range(20, 50), "sex"] = None
    code, folder = place.probe(table, "--column", "sex", "--json")
    assert code == 3
    report = read(folder)
    assert [report.facts[name] for name in ("Rows of the file", "Rejected", "Looked at")] == ["300", "2", "298"]
    assert table_of(report, "groups_sex").rows[-1][:2] == ("no value", 30)
    assert readings(report, "sex")["columns"].n == 268
    assert pd.read_csv(folder / "protected.rejects.csv")["row"].tolist() == [4, 10]
    page = (folder / "protected.html").read_text(encoding="utf-8")
    assert "2 of the file&#39;s 300 rows broke the data contract" in page
    assert "no value" in page
    summary = json.loads(capfd.readouterr().out)
    assert (summary["rows"], summary["rejected"], summary["read"]) == (300, 2, 298)
    assert summary["auc"]["sex"]["columns"][0] == readings(report, "sex")["columns"].auc.value


def test_of_many_rows_some_are_drawn(place: Place) -> None:
    report = place.report(applications(300), "--column", "sex", "--most-rows", "200")
    assert (report.facts["Rows of the file"], report.facts["Looked at"]) == ("300", "200")
    page = (place.folder / "out" / "protected.html").read_text(encoding="utf-8")
    assert "drawn at random from 300" in page


def test_the_page_speaks_the_language_that_is_asked_for_and_the_keys_stay(place: Place) -> None:
    applied = applications(300)
    english, chinese = place.report(applied), place.report(applied, "--language", "zh", out="zh")
    assert chinese.title == "能否从申请中推断受保护属性？"
    assert readings(chinese, "sex").keys() == readings(english, "sex").keys()
    assert readings(chinese, "sex")["score"].auc == readings(english, "sex")["score"].auc


def test_without_narratives_the_rest_is_probed(place: Place) -> None:
    table = applications(300)
    table[["statement", "job_title"]] = ""
    report = place.report(table, "--column", "sex")
    assert set(readings(report, "sex")) == {"columns", "score"}
    assert gaps(report, "sex") == dict.fromkeys(("narratives", "words", "both"), "nobody wrote anything")
    page = (place.folder / "out" / "protected.html").read_text(encoding="utf-8")
    assert "not judged" in page
    assert "nobody wrote anything" in page


def test_style_is_probed_where_the_model_reads_it(tmp_path: Path) -> None:
    table = generate(600, 1).table.astype(object)
    place = Place(train_small(tmp_path / "trained", table, "text.style=true"), tmp_path)
    shouted = applications(400)
    shouted.loc[shouted["sex"] == "male", "job_title"] = shouted["job_title"].str.upper()
    report = place.report(shouted, "--column", "sex")
    sex = readings(report, "sex")
    assert set(sex) == {"narratives", "written", "words", "style", "columns", "both", "score"}
    assert sex["style"].auc.low > 0.8
    assert sex["both"].auc.value > sex["columns"].auc.value
    (section,) = (one for one in report.sections if one.key == "attribute_sex")
    assert "style_sex" in {finding.key for finding in section.findings}
    silent = shouted.assign(statement="", job_title="")
    assert gaps(place.report(silent, "--column", "sex", out="silent"), "sex")["style"] == "nobody wrote anything"


def test_copies_of_one_narrative_never_part(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    table = applications(300)
    table["statement"] = "I want to pay all my cards with one loan and then close every one of them for good."
    code, folder = place.probe(table, "--column", "sex")
    stderr = capfd.readouterr().err.replace("\n", " ")
    assert code == 2
    assert re.search(
        "sex: rows that share a narrative or an applicant must not part, and so do not fill 5 folds", stderr
    )
    assert not (folder / "protected.html").exists()


def test_hostile_cells_stay_text(place: Place) -> None:
    attack = "<script>alert(1)</script>"
    table = applications(300)
    table.loc[table["sex"] == "male", "sex"] = attack
    report = place.report(table, "--column", "sex")
    assert attack in {row[0] for row in table_of(report, "groups_sex").rows}
    page = (place.folder / "out" / "protected.html").read_text(encoding="utf-8")
    assert attack not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize(
    ("change", "more", "says"),
    [
        (lambda t: t.drop(columns=["sex", "age_band"]), (), "lacks the protected columns sex, age_band"),
        (lambda t: t.drop(columns="sex"), ("--column", "sex"), "lacks the protected column sex"),
        (lambda t: t, ("--column", "amount"), "--column amount is no protected column .*Choose among sex, age_band"),
        (lambda t: t.assign(sex="male"), ("--column", "sex"), "sex: only one group has 50 rows or more"),
        (lambda t: t.assign(sex=""), ("--column", "sex"), "sex: no row has a value"),
        (lambda t: t.iloc[:40], (), "sex: no group has 50 rows; age_band: no group has 50 rows"),
        (lambda t: t.iloc[:0], (), "has no row that keeps the contract"),
        (lambda t: t.assign(amount="a lot"), (), r"has no row that keeps the contract \(120 were rejected\)"),
    ],
)
def test_errors_say_what_to_do(place: Place, capfd: pytest.CaptureFixture[str], change, more, says) -> None:  # type: ignore[no-untyped-def]
    code, folder = place.probe(change(applications(120)), *more)
    stderr = capfd.readouterr().err.replace("\n", " ")
    assert code == 2
    assert re.search(says, stderr), stderr
    assert not (folder / "protected.html").exists()


def test_a_file_without_some_protected_column_is_probed_for_the_rest(place: Place) -> None:
    report = place.report(applications(200).drop(columns="age_band"))
    assert attributes(report) == ["sex"]


def test_a_report_is_replaced_only_with_force(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    table = applications(150)
    place.report(table, "--column", "sex")
    assert place.probe(table, "--column", "sex")[0] == 2
    assert "protected.html exists" in capfd.readouterr().err
    assert place.probe(table, "--column", "sex", "--force")[0] == 0


def test_another_encoder_is_refused(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    other = tiny_bert(place.folder / "other", seed=1)
    assert place.probe(applications(120), "--encoder", str(other))[0] == 2
    assert "not the one that model" in capfd.readouterr().err


def test_json_follows_the_published_schema(place: Place) -> None:
    published = (ROOT / "docs" / "reports.schema.json").read_text(encoding="utf-8")
    _, folder = place.probe(applications(200), "--column", "sex")
    document = json.loads((folder / "protected.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(json.loads(published))
    validator.validate(document)
    assert not validator.is_valid(document | {"unknown": 1})


def test_the_log_names_no_applicant(place: Place) -> None:
    table = applications(150)
    place.report(table, "--column", "sex")
    log = (place.folder / "out.log.jsonl").read_text(encoding="utf-8")
    assert '"event": "finished"' in log
    assert not [one for one in np.unique(table["statement"].astype(str)) if len(one) > 20 and one in log]
