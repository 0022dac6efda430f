"""`creditfusion explain` with a trained bundle, through the command line."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.contract import Schema
from data_schemas.reader import load_schema, parse_schema
from experiments.answers import Reasoner
from experiments.benchmarks import report_speed
from experiments.case_reports import Heading, Reporter
from experiments.cases import Study, n_cut
from experiments.cli import app, guarded
from experiments.crowd import Crowd
from experiments.demo_data import generate
from experiments.encoders import open_text_encoder
from experiments.render.files import file_name
from experiments.reports import ApplicantNotice, IndexPage, UnderwriterReport, ValidatorReport, parse_report
from experiments.runs import Clock, Run
from experiments.training import TrainingFiles, read_decided, train_bundle
from features.applications import Applications
from features.design import Design
from features.reading import ReadOptions, read_all
from features.text import TextReader
from fusion.bundle import load
from fusion.config import load_config
from tests.hostile import HOSTILE
from tests.tiny_bert import tiny_bert

N_ROWS = 40
DAY = "2026-03-09"
BROKEN, SLASHED, HOSTILE_AT, SILENT, LONG = 7, 3, 11, 12, 13  # positions of rows made special
SLASHED_ID = "../../etc/A 1"

Explain = Callable[..., int]


@dataclass(frozen=True)
class Trained:
    """A small bundle on demo data, and new applications for it."""

    model: Path
    data: Path
    table: pd.DataFrame
    folder: Path

    def id_at(self, place: int) -> str:
        return str(self.table["application_id"].iloc[place])


def any_id_schema() -> Schema:
    """The demo's schema, whose ids may have any form."""
    document = json.loads(load_schema("demo").source)
    del document["fields"][0]["constraints"]["pattern"]
    return parse_schema(json.dumps(document), "demo")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("explained")
    past, new = folder / "past.csv", folder / "new.csv"
    generate(400, 1).table.to_csv(past, index=False)
    table = generate(N_ROWS, 2).table.drop(columns="outcome").astype(object)
    table.loc[BROKEN, "amount"] = "a lot"
    table.loc[SLASHED, "application_id"] = SLASHED_ID
    table.loc[HOSTILE_AT, "statement"] = " ".join(HOSTILE[name] for name in ("attribute", "formula", "entity"))
    table.loc[SILENT, ["statement", "job_title"]] = ""
    table.loc[LONG, "statement"] = " ".join("In that year I paid, and then " * 5 + f"so on, {n}." for n in range(20))
    table.loc[LONG, "job_title"] = "baker"
    table.to_csv(new, index=False)
    encoder = f"encoder.source='{tiny_bert(folder / 'encoder')}'"
    small = ["encoder.window=64", "folds.n_folds=2", "stacker.n_trees=30", "text.n_buckets=256", "head.steps=20"]
    config = load_config(None, [encoder, *small])
    with Run.start("train", None, {}) as run:
        files = TrainingFiles((past,), folder / "model")
        read = read_decided(any_id_schema(), files, ReadOptions(need_target=True), run)
        train_bundle(read, files, config, open_text_encoder(config.encoder, None, 1.0, 0), run)
    return Trained(folder / "model", new, table, folder)


@pytest.fixture
def explain(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Explain:
    """Runs the verb; its exit code."""

    def run(out: Path, *more: str, data: Path = trained.data, day: Sequence[str] = ("--date", DAY)) -> int:
        named = ["--model", str(trained.model), "--data", str(data), "--out", str(out), *day]
        cache = ["--cache", str(trained.folder / "cache")]
        monkeypatch.setattr(sys, "argv", ["creditfusion", "explain", *named, *cache, *more])
        return guarded(app)

    return run


def index_of(out: Path) -> IndexPage:
    report = parse_report((out / "index.json").read_bytes())
    assert isinstance(report, IndexPage)
    return report


def underwriter(out: Path, key: str) -> UnderwriterReport:
    report = parse_report((out / file_name(key, "underwriter", "json")).read_bytes())
    assert isinstance(report, UnderwriterReport)
    return report


def notice(out: Path, key: str) -> ApplicantNotice:
    report = parse_report((out / file_name(key, "applicant", "json")).read_bytes())
    assert isinstance(report, ApplicantNotice)
    return report


def validator(out: Path, key: str) -> ValidatorReport:
    report = parse_report((out / file_name(key, "validator", "json")).read_bytes())
    assert isinstance(report, ValidatorReport)
    return report


def contents(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def everything(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every application's reports for every reader, as JSON and HTML."""
    out = tmp_path_factory.mktemp("everything") / "out"
    arguments = ["--model", str(trained.model), "--data", str(trained.data), "--out", str(out), "--date", DAY]
    arguments += ["--cache", str(trained.folder / "cache"), "--top", "1000"]
    arguments += [part for name in ("underwriter", "applicant", "validator") for part in ("--for", name)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["creditfusion", "explain", *arguments])
        assert guarded(app) == 3
    return out


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


def test_reports_are_those_of_the_scores(trained: Trained, everything: Path) -> None:
    """Scores, sums and the validator's parts agree with what the model says of the rows."""
    bundle = load(trained.model)
    applications = read_all(trained.data, bundle.schema, ReadOptions()).applications
    encoder = open_text_encoder(bundle.config.encoder, None, 1.0, 0).text_encoder
    reader = TextReader(bundle.schema, encoder, bundle.config.text.n_buckets, bundle.config.text.ngrams)
    design = Design(bundle.tabular.encode(applications), reader.read(applications))
    scores = bundle.model.predict(design)
    for key, pd_, score, margin in zip(applications.ids, scores.pd, scores.score, scores.margin, strict=True):
        report, check = underwriter(everything, key), validator(everything, key)
        assert report.result.pd == pd_
        assert report.result.score == pytest.approx(score, abs=1e-9)
        assert check.margin == margin
        assert abs(check.reconciliation) < 1e-6
        points = report.base_score + sum(part.points for part in report.columns) + report.narrative_points
        assert points == pytest.approx(score, abs=1e-6)
        assert [part.name for part in check.contributions] == [
            *bundle.tabular.num_names, *bundle.tabular.cat_names, *design.text.names,
        ]  # fmt: skip
        told = {narrative.name: narrative for narrative in report.narratives}
        for part in check.contributions:
            if part.kind == "narrative" and told[part.name].sentences:
                own = [sentence for sentence in check.sentences if sentence.narrative == part.name]
                assert sum(sentence.log_odds for sentence in own) == pytest.approx(part.log_odds, abs=1e-9)
                assert [sentence.place for sentence in own] == list(range(1, len(own) + 1))


def test_changes_cross_the_cut_off_when_rescored(trained: Trained, everything: Path) -> None:
    bundle = load(trained.model)
    applications = read_all(trained.data, bundle.schema, ReadOptions()).applications
    encoder = open_text_encoder(bundle.config.encoder, None, 1.0, 0).text_encoder
    reader = TextReader(bundle.schema, encoder, bundle.config.text.n_buckets, bundle.config.text.ngrams)
    max_pd, n_changes = bundle.config.decision.max_pd, 0
    for at, key in enumerate(applications.ids):
        report = underwriter(everything, key)
        if report.result.decision == "approve":
            assert report.changes == ()
            continue
        one = applications.take(np.array([at]))
        for change in report.changes:
            frame = one.frame.copy()
            for move in change.moves:
                field = bundle.schema[move.name]
                assert float(frame[move.name].iloc[0]) == move.before
                assert field.minimum is None or float(move.after or 0) >= field.minimum
                assert field.actionable != "no"
                frame[move.name] = float(move.after or 0)
            moved = Applications(bundle.schema, frame, one.row_number)
            again = bundle.model.predict(Design(bundle.tabular.encode(moved), reader.read(moved)))
            assert again.pd[0] == change.result.pd <= max_pd
            assert change.result.decision == "approve"
            n_changes += 1
        letter = notice(everything, key)
        assert [suggestion.moves for suggestion in letter.suggestions] == [change.moves for change in report.changes]
    assert n_changes > 5


def test_letters_name_what_may_be_disclosed(everything: Path) -> None:
    n_reasons = 0
    for entry in index_of(everything).entries:
        report, letter = underwriter(everything, entry.id), notice(everything, entry.id)
        told = [reason.wording for reason in report.reasons if reason.disclosable]
        assert [reason.wording for reason in letter.reasons] == told
        assert letter.needs_review == report.needs_review == entry.needs_review
        hidden = any(not reason.disclosable for reason in report.reasons)
        assert not (report.result.decision == "decline" and hidden and not letter.needs_review)
        assert entry.top_reason == (report.reasons[0].wording if report.reasons else "")
        assert all(reason.facts for reason in report.reasons)
        n_reasons += len(told)
        page = (everything / file_name(entry.id, "applicant", "html")).read_text(encoding="utf-8")
        assert "points" not in page.split("<body", 1)[1].replace("credit", "").lower() or "bureau" in page
    assert n_reasons > 20


def test_an_application_without_words(trained: Trained, everything: Path) -> None:
    report = underwriter(everything, trained.id_at(SILENT))
    assert report.narrative_effect is None
    assert report.narrative_points == 0
    assert all(not narrative.sentences for narrative in report.narratives)
    assert "no_narrative" in [flag.flag for flag in report.quality]
    check = validator(everything, trained.id_at(SILENT))
    assert check.sentences == ()
    assert "this model, nothing written" not in [ablation.name for ablation in check.ablations]


def test_what_the_mask_cuts_is_counted_and_not_shown(trained: Trained) -> None:
    bundle = load(trained.model)
    masking = bundle.config.model_copy(update={"text": bundle.config.text.model_copy(update={"mask": ("religion",)})})
    bundle = replace(bundle, config=masking)
    encoder = open_text_encoder(bundle.config.encoder, None, 1.0, 0).text_encoder
    applications = read_all(trained.data, bundle.schema, ReadOptions()).applications.take(np.array([0]))
    told = "I would like to buy a car. We pray in our church every Sunday. My job is safe."
    frame = applications.frame.assign(statement=pd.Series([told], dtype=object))
    study = Study.of(Reasoner.open(bundle, encoder, 4), encoder, True, 0, Clock().timed)
    one = applications.row_number
    case = study.study(Applications(bundle.schema, frame, one))
    heading = Heading(trained.data, date(2026, 3, 9), "", "", ())
    report = Reporter(study, Crowd.of(bundle.population, bundle.config.scale), heading).underwriter(case)
    assert [narrative.n_masked for narrative in report.narratives] == [3, 0]  # all alike to a random encoder
    assert "church" not in report.model_dump_json()
    assert report.narratives[0].sentences == ()
    assert "withheld from the model: religion." in " ".join(flag.words for flag in report.quality)
    less = frame.assign(statement=[told.replace("We pray in our church every Sunday. ", "")]).astype(frame.dtypes)
    assert n_cut(case.application, Applications(bundle.schema, less, one), "statement") == 1


def test_hostile_text_stays_text(trained: Trained, everything: Path) -> None:
    key = trained.id_at(HOSTILE_AT)
    whole = " ".join(part.text for part in underwriter(everything, key).narratives[0].sentences)
    assert "onmouseover='alert(1)" in whole  # tags themselves were cut when the narrative was cleaned
    assert "=HYPERLINK(" in whole
    for audience in ("underwriter", "applicant", "validator"):
        page = (everything / file_name(key, audience, "html")).read_text(encoding="utf-8")
        assert "<script" not in page.lower()
        assert "<img" not in page.lower()
        assert "onmouseover='" not in page


def test_ids_may_be_anything(trained: Trained, explain: Explain, tmp_path: Path) -> None:
    assert explain(tmp_path / "out", "--id", SLASHED_ID, "--id", trained.id_at(0), "--id", SLASHED_ID) == 0
    assert [entry.id for entry in index_of(tmp_path / "out").entries] == [SLASHED_ID, trained.id_at(0)]
    assert underwriter(tmp_path / "out", SLASHED_ID).subject.row == SLASHED + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.log.jsonl"]


def test_a_report_is_the_same_alone_and_among_others(
    trained: Trained, explain: Explain, everything: Path, tmp_path: Path
) -> None:
    key = trained.id_at(0)
    assert explain(tmp_path / "out", "--id", key) == 0
    for form in ("json", "html"):
        name = file_name(key, "underwriter", form)
        assert (tmp_path / "out" / name).read_bytes() == (everything / name).read_bytes()


def test_unknown_ids_are_named(
    trained: Trained, explain: Explain, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    near = trained.id_at(5)[:-1] + "x"
    assert explain(tmp_path / "out", "--id", near, "--id", trained.id_at(0), "--id", "nobody") == 2
    told = capsys.readouterr().err
    assert f"has no application '{near}', 'nobody'" in told
    assert "The nearest to" in told
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


def test_the_command_recomputes_the_report(
    trained: Trained, everything: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for key in (trained.id_at(0), SLASHED_ID):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("CREDITFUSION_CACHE", str(trained.folder / "cache"))
        monkeypatch.setattr(sys, "argv", [*shlex.split(validator(everything, key).command), "--force"])
        assert guarded(app) == 0
        name = file_name(key, "validator", "json")
        assert (tmp_path / "recomputed" / name).read_bytes() == (everything / name).read_bytes()


def test_fast_and_exact_share_all_but_the_sentences(
    trained: Trained, explain: Explain, everything: Path, tmp_path: Path
) -> None:
    assert explain(tmp_path / "out", "--top", "1000", "--fast", "--format", "json") == 3
    differ = 0
    for entry in index_of(everything).entries:
        exact, fast = underwriter(everything, entry.id), underwriter(tmp_path / "out", entry.id)
        assert fast.columns == exact.columns
        assert [part.points for part in fast.narratives] == [part.points for part in exact.narratives]
        if entry.id == trained.id_at(LONG):
            assert exact.sentence_method == "mixed"
            assert [part.exact for part in exact.narratives] == [False, True]
            assert validator(everything, entry.id).n_samples == 128
            continue
        if exact.narrative_effect is not None:
            assert (fast.sentence_method, exact.sentence_method) == ("fast", "exact")
        assert all(part.exact == bool(part.sentences) for part in exact.narratives)
        differ += [part.sentences for part in fast.narratives] != [part.sentences for part in exact.narratives]
    assert differ > 5


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
