"""`creditfusion compare` with small bundles on the demo's data, through the command line: same schema and others."""

from __future__ import annotations

import json
import math
import re
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
from experiments.cli import app, guarded
from experiments.compare import front, verdict
from experiments.compare.job import ComparisonRequest, chapters_of, comparison
from experiments.compare.pair import Pair, pair
from experiments.compare.rows import ComparedFiles, PairedRows
from experiments.compare.validation_chapters import calibration_chapter, discrimination_chapter
from experiments.demo.data import generate
from experiments.reporting.catalogues import language_of
from experiments.reporting.document import Document, Finding, Gap, Interval, Table
from experiments.reporting.html import document_html
from experiments.reporting.language import speaking
from experiments.session.run import Run
from experiments.train.decided import read_decided
from experiments.train.job import TrainingFiles, train_bundle
from experiments.validate.gains import NO_VARIANCE, gain_cells
from experiments.validate.scored_outcomes import score_outcomes
from features.tables.reader import ReadOptions, read_all
from fusion.config_file import load_config
from fusion.metrics import Gain
from fusion.scorer import load_scorer
from fusion.text_encoder import open_text_encoder
from fusion.validation.intervals import NO_ESTIMATE, Estimate
from tests.support.tiny_bert import tiny_bert

Change = Callable[[pd.DataFrame], pd.DataFrame]

N = 600
SMALL = [
    "encoder.window=64",
    "folds.n_folds=2",
    "folds.n_repeats=1",
    "stacker.n_trees=30",
    "text.n_buckets=256",
    "head.steps=20",
]


@dataclass(frozen=True)
class Bundles:
    """champion: on the demo's schema. challenger: the same, another encoder, its telling columns shuffled. other: on a
    schema of its own, see ``other_schema``.
    """

    champion: Path
    challenger: Path
    other: Path


@dataclass(frozen=True)
class Place:
    bundles: Bundles
    folder: Path

    def compare(self, table: pd.DataFrame, *more: str, challenger: str = "challenger", out: str = "out") -> int:
        """Compare on a table; the exit code."""
        table.to_csv(self.folder / "in.csv", index=False)
        return self.compare_files([self.folder / "in.csv"], *more, challenger=challenger, out=out)

    def compare_files(self, files: Sequence[Path], *more: str, challenger: str, out: str = "out") -> int:
        named = ["--champion", str(self.bundles.champion), "--challenger", str(getattr(self.bundles, challenger))]
        named += [part for file in files for part in ("--data", str(file))]
        fixed = ["--out", str(self.folder / out), "--no-cache", "--threads", "1", "--date", "2026-02-03"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["creditfusion", "compare", *named, *fixed, *more])
            return guarded(app)

    def document(self, out: str = "out") -> Document:
        return Document.model_validate_json((self.folder / out / "comparison.json").read_bytes())

    def page(self, out: str = "out") -> str:
        return (self.folder / out / "comparison.html").read_text(encoding="utf-8")


def other_schema() -> Schema:
    """Ids by another column, no job title, fewer features, and the outcome as days in another column."""
    document: dict[str, Any] = json.loads(load_schema("demo").source)
    for field in document["fields"]:
        if field["name"] in ("utilisation", "inquiries_6m", "job_title"):
            field["creditfusion"] = {"role": "ignored"}
    target = document["fields"][-1]
    assert target["creditfusion"]["role"] == "target"
    document["fields"][-1] = {"name": "late", "type": "integer", "creditfusion": {"role": "target"}}
    document["fields"][0] = {"name": "contract", "type": "string", "creditfusion": {"role": "id"}}
    document["primaryKey"] = "contract"
    own = document["creditfusion"]
    del own["bad_values"], own["good_values"]
    own |= {"name": "other", "bad_if": ">= 90"}
    return parse_schema(json.dumps(document), "other")


def decided(n: int = N, seed: int = 5) -> pd.DataFrame:
    """Decided applications that both schemas read."""
    table = generate(n, seed).table.astype(object)
    late = np.arange(len(table)) % 90 + 90 * (table["outcome"] == "defaulted")
    return table.assign(contract=[f"C{at}" for at in range(len(table))], late=late.astype(object))


def train(folder: Path, schema: Schema, table: pd.DataFrame, encoder_seed: int) -> Path:
    folder.mkdir()
    table.to_csv(folder / "past.csv", index=False)
    config = load_config(None, [f"encoder.source='{tiny_bert(folder / 'encoder', encoder_seed)}'", *SMALL])
    with Run.start("train", None, {}) as run:
        files = TrainingFiles((folder / "past.csv",), folder / "model")
        read = read_decided(schema, files.data, ReadOptions(need_target=True), run)
        train_bundle(read, files, config, open_text_encoder(config.encoder), run, quick=True)
    return folder / "model"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Bundles:
    folder = tmp_path_factory.mktemp("bundles")
    past = decided(500, 1)
    blind = past.copy()
    telling = ["credit_score", "dti", "delinquencies_2y", "utilisation", "amount"]
    blind[telling] = past[telling].sample(frac=1, random_state=0).to_numpy()
    return Bundles(
        train(folder / "champion", load_schema("demo"), past, 0),
        train(folder / "challenger", load_schema("demo"), blind, 1),
        train(folder / "other", other_schema(), past, 0),
    )


@pytest.fixture
def drawing(bundles: Bundles, tmp_path: Path) -> Place:
    return Place(bundles, tmp_path)


@pytest.fixture
def place(drawing: Place, blank_pictures: None) -> Place:
    """Where no picture is drawn."""
    del blank_pictures
    return drawing


def tables(document: Document) -> dict[str, Table]:
    return {table.key: table for section in document.sections for table in section.tables}


def finding(document: Document, key: str) -> Finding:
    (found,) = [one for one in document.findings() if one.key == key]
    return found


def stderr_text(capfd: pytest.CaptureFixture[str]) -> str:
    return " ".join(capfd.readouterr().err.split())


# Through the command line


def test_a_blind_challenger_is_called_worse(drawing: Place, capfd: pytest.CaptureFixture[str]) -> None:
    assert drawing.compare(decided(1500), "--json") == 0
    document = drawing.document()
    assert finding(document, "better").grade == "concern"
    assert "ranks worse" in document.headline[0]
    summary = json.loads(capfd.readouterr().out)
    assert (summary["rows"], summary["compared"], summary["rejected"]) == (1500, 1500, 0)
    assert summary["auc"]["difference"] < 0
    assert summary["auc"]["difference"] == pytest.approx(summary["auc"]["challenger"] - summary["auc"]["champion"])
    row = tables(document)["overall"].rows[0]
    assert isinstance(row[3], Interval)
    assert row[3].value == pytest.approx(summary["auc"]["difference"], abs=1e-12)
    assert [section.key for section in document.sections] == [
        "verdict",
        "discrimination",
        "calibration",
        "swap_sets",
        "net_benefit",
        "segments",
        "months",
        "shadow_test",
    ]
    assert {key.split(":")[0] for key in document.origin} == {"champion", "challenger", "files compared sha256"}
    page = drawing.page()
    assert "nan" not in re.sub(r"<[^>]*>", " ", page).lower().split()
    assert "What needs attention" in page


def test_parts_by_narrative_segment_and_month(place: Place) -> None:
    table = decided()
    assert place.compare(table, "--segment", "purpose") == 0
    found = tables(place.document())
    wrote = (table["statement"].fillna("") != "").sum()
    assert [row[1] for row in found["by_narrative"].rows] == [wrote, N - wrote]
    for key in ("by_narrative_length", "by_month", "segment_purpose"):
        assert sum(int(str(row[1])) for row in found[key].rows) == N
        assert sum(int(str(row[2])) for row in found[key].rows) == (table["outcome"] == "defaulted").sum()


def test_a_challenger_that_declines_too_many_is_worth_less_than_nobody(compared: Pair) -> None:
    document = document_of(compared, np.full(len(compared), 3.0))
    assert finding(document, "idle").title == "At the cut-off, the challenger is worth less than declining nobody."


def test_swap_sets_add_up(place: Place) -> None:
    assert place.compare(decided(), "--approval-rate", "0.7") == 0
    rows = {row[0]: row[1:] for row in tables(place.document())["swap_sets"].rows}
    names = ("Both approve", "Swapped in: the challenger alone approves", "Swapped out: the champion alone approves")
    approve, inside, outside = (int(str(rows[name][0])) for name in names)
    assert inside == outside > 0
    assert approve + inside == round(0.7 * N)
    assert approve + inside + outside + int(str(rows["Both decline"][0])) == N


def test_equal_input_gives_equal_bytes(drawing: Place) -> None:
    for out in ("one", "two"):
        assert drawing.compare(decided(300), out=out) == 0
    for name in ("comparison.html", "comparison.json"):
        assert (drawing.folder / "one" / name).read_bytes() == (drawing.folder / "two" / name).read_bytes()


def test_a_model_does_not_differ_from_itself(place: Place) -> None:
    assert place.compare(decided(300), challenger="champion") == 0
    document = place.document()
    assert "nothing to choose" in document.headline[0]
    assert finding(document, "better").words == "Both bundles hold the same model."
    assert all(isinstance(row[3], Gap) for row in tables(document)["shadow_test"].rows)


def test_models_of_different_schemas_read_the_same_rows(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    table = decided()
    table.loc[3, "utilisation"] = "a lot"  # the other schema ignores it
    table.loc[5, "late"] = ""  # the champion does not read it
    table.loc[8, "amount"] = "a lot"  # both reject it
    table.loc[10, "contract"] = "C9"
    assert place.compare(table, "--json", challenger="other") == 3
    summary = json.loads(capfd.readouterr().out)
    assert (summary["rows"], summary["compared"], summary["rejected"]) == (N, N - 4, 4)
    rejects = pd.read_csv(place.folder / "out" / "rejects.csv")
    broken = [(one.model, one.row) for one in rejects.itertuples()]
    assert broken == [("champion", 4), ("champion", 9), ("challenger", 6), ("challenger", 9), ("challenger", 11)]
    assert set(rejects["file"]) == {"in.csv"}
    assert finding(place.document(), "rejected").grade == "note"
    sound = table.drop(index=[3, 5, 8, 10])
    assert place.compare(sound, challenger="other", out="sound") == 0
    assert tables(place.document("sound"))["overall"] == tables(place.document())["overall"]


def test_rows_are_paired_within_their_files(place: Place) -> None:
    table = decided()
    table.loc[[0, 1, 250], "utilisation"] = "a lot"
    first, second = place.folder / "first.csv", place.folder / "second.csv"
    table.iloc[:200].to_csv(first, index=False)
    table.iloc[200:].to_csv(second, index=False)
    assert place.compare_files([first, second], challenger="other") == 3
    rejects = pd.read_csv(place.folder / "out" / "rejects.csv")
    assert list(zip(rejects["file"], rejects["row"], strict=True)) == [
        ("first.csv", 1),
        ("first.csv", 2),
        ("second.csv", 51),
    ]
    assert place.compare(table.drop(index=[0, 1, 250]), challenger="other", out="whole") == 0
    assert tables(place.document("whole"))["swap_sets"] == tables(place.document())["swap_sets"]


def test_outcomes_that_differ_are_named(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    table = decided()
    good = int(table.index[table["outcome"] == "repaid"][3])
    table.loc[good, "late"] = 200
    assert place.compare(table, challenger="other") == 2
    stderr = stderr_text(capfd)
    assert f"row {good + 1} of in.csv went well by column 'outcome' (champion), but bad by column 'late'" in stderr
    assert "correct the outcomes" in stderr
    assert not (place.folder / "out" / "comparison.html").exists()


def test_rows_of_one_contract_are_rejected_once(place: Place) -> None:
    table = decided(300)
    table.loc[[2, 4], "outcome"] = ""
    assert place.compare(table) == 3
    rejects = pd.read_csv(place.folder / "out" / "rejects.csv")
    assert list(rejects["model"]) == ["both", "both"]
    assert place.compare(decided(300), "--force") == 0
    assert not (place.folder / "out" / "rejects.csv").exists()


def test_only_decisions_since_a_day(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    table = decided()
    days = pd.to_datetime(table["applied_on"].astype(str))
    middle = days.sort_values().iloc[N // 2]
    assert place.compare(table, "--json", "--since", str(middle.date())) == 0
    summary = json.loads(capfd.readouterr().out)
    assert summary["compared"] == int((days >= middle).sum())
    assert summary["compared"] + summary["before_since"] == N


def test_a_shadow_test_is_planned_by_the_files_own_pace(place: Place) -> None:
    table = decided()
    assert place.compare(table, "--power", "0.5", "--power", "0.95") == 0
    rows = tables(place.document())["shadow_test"].rows
    assert [row[1] for row in rows] == [0.5] * 3 + [0.95] * 3
    months = pd.to_datetime(table["applied_on"].astype(str)).dt.to_period("M")
    pace = N / (months.max().ordinal - months.min().ordinal + 1)
    for row in rows:
        if not isinstance(row[3], Gap):
            assert float(str(row[3])) - 1 <= float(str(row[4])) * pace <= float(str(row[3]))


def test_a_policy_file_gives_the_rate_and_the_cutoff(place: Place) -> None:
    (place.folder / "policy.toml").write_text("[cutoffs]\napprove = 0.15\ndecline = 0.3\n", encoding="utf-8")
    assert place.compare(decided(), "--policy", str(place.folder / "policy.toml")) == 0
    assert "decline above a PD of 30.0" in place.document().facts["Compared at"]


@pytest.mark.parametrize(
    ("change", "more", "challenger", "says"),
    [
        (lambda t: t, ("--approval-rate", "1.5"), "challenger", "--approval-rate 1.5 is no share"),
        (lambda t: t, ("--power", "1"), "challenger", "--power 1.0 is no power"),
        (lambda t: t, ("--since", "2199-01-01"), "challenger", "no row was decided from 2199-01-01 on"),
        (lambda t: t, ("--segment", "shoe_size"), "challenger", "--segment shoe_size is no column"),
        (lambda t: t, ("--policy", "no.toml"), "challenger", "no.toml"),
        (lambda t: t.drop(columns="outcome"), (), "challenger", "outcome"),
        (lambda t: t.drop(columns="late"), (), "other", "late"),
        (lambda t: t.assign(outcome=""), (), "challenger", r"has no row that keeps the contract \(120 rows? read, 120"),
        (lambda t: t.iloc[:0], (), "challenger", r"has no row that keeps the contract \(0 rows read, 0 rejected\)"),
        (
            lambda t: t.assign(
                late=[one if at % 2 else "" for at, one in enumerate(t["late"])],
                outcome=["" if at % 2 else one for at, one in enumerate(t["outcome"])],
            ),
            (),
            "other",
            r"has no row that keeps both contracts \(120 rows read, 120 rejected\)",
        ),
    ],
)
def test_errors_say_what_to_do(
    place: Place,
    capfd: pytest.CaptureFixture[str],
    change: Change,
    more: Sequence[str],
    challenger: str,
    says: str,
) -> None:
    assert place.compare(change(decided(120)), *more, challenger=challenger) == 2
    stderr = stderr_text(capfd)
    assert re.search(says, stderr), stderr
    assert not (place.folder / "out" / "comparison.html").exists()


def test_another_encoder_is_refused(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    other = tiny_bert(place.folder / "other", seed=7)
    assert place.compare(decided(60), "--challenger-encoder", str(other)) == 2
    assert "not the one that model" in stderr_text(capfd)


def test_a_report_is_replaced_only_with_force(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    assert place.compare(decided(60)) == 0
    assert place.compare(decided(60)) == 2
    assert "comparison.html exists" in stderr_text(capfd)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.iloc[:10],
        lambda t: t.iloc[:1],
        lambda t: t[t["outcome"] == "repaid"],
        lambda t: t[t["outcome"] == "defaulted"],
        lambda t: t.assign(statement="", job_title=""),
    ],
    ids=["ten rows", "one row", "goods only", "bads only", "no narrative"],
)
def test_degenerate_files_give_gaps(drawing: Place, change: Change) -> None:
    table = change(decided())
    assert drawing.compare(table) == 0
    document = drawing.document()
    if table["outcome"].nunique() < 2:
        assert "too few goods or bads" in document.headline[0]
        assert finding(document, "better").title == "Nothing can be said of the ranking."
    assert not re.search(r">\s*(nan|inf|None)\b", drawing.page())


def test_the_log_names_no_applicant(place: Place) -> None:
    table = decided(150)
    assert place.compare(table) == 0
    log = (place.folder / "out.log.jsonl").read_text(encoding="utf-8")
    assert '"event": "finished"' in log
    assert not [one for one in np.unique(table["statement"].astype(str)) if len(one) > 20 and one in log]


# Without the command line: models that training does not make


@pytest.fixture(scope="module")
def compared(bundles: Bundles, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The champion beside itself."""
    path = tmp_path_factory.mktemp("rows") / "in.csv"
    decided().to_csv(path, index=False)
    scorer = load_scorer(bundles.champion, threads=1)
    with Run.start("compare", None, {}) as run:
        read = read_all(path, scorer.schema, ReadOptions(need_target=True))
        scored = score_outcomes(scorer, read.applications, run)
    return pair(scored, scored, None, (0.8,))


def document_of(champion: Pair, margin: np.ndarray[Any, np.dtype[np.float64]]) -> Document:
    """The champion against a challenger with this margin."""
    one = champion.champion
    found = pair(one, replace(one, margins=replace(one.margins, fused=margin)), 0.8, (0.8,))
    rows = PairedRows(
        one.applications, one.applications, np.zeros(len(one), np.int64), len(one), 0, 0, pd.DataFrame(), 0, 0
    )
    files = ComparedFiles((Path(__file__),), None, ReadOptions(need_target=True))
    order = ComparisonRequest(files, None, (0.8,), (), date(2026, 2, 3))
    chapters = chapters_of(found, rows, order)
    document = comparison(found, order, chapters, "0" * 64)
    assert "nan" not in re.sub(r"<[^>]*>", " ", document_html(document)).lower().split()
    return document


def test_a_better_challenger_is_called_so(compared: Pair) -> None:
    random = np.random.default_rng(0)
    y = compared.y
    margin = random.normal(size=len(y)) + 2.5 * y
    rate = y.mean()
    calibrated = 2.5 * margin - 2.5**2 / 2 + np.log(rate / (1 - rate))  # of two normals one apart by 2.5: log-odds
    document = document_of(compared, calibrated)
    assert "ranks better and its PDs err less" in document.headline[0]
    assert {key: finding(document, key).grade for key in ("better", "closer", "swaps", "pays")} == dict.fromkeys(
        ("better", "closer", "swaps", "pays"), "good"
    )


def test_a_constant_challenger_ranks_at_random(compared: Pair) -> None:
    document = document_of(compared, np.full(len(compared), -1.5))
    rows = {row[0]: row for row in tables(document)["overall"].rows}
    assert isinstance(rows["AUC"][2], Interval)
    assert rows["AUC"][2].value == 0.5
    assert isinstance(tables(document)["agreement"].rows[0][1], Gap)


def test_a_badly_calibrated_challenger_is_reported(compared: Pair) -> None:
    document = document_of(compared, compared.champion.margin + 1.0)
    assert finding(document, "closer").grade == "concern"
    assert document.key_figures is not None
    assert document.key_figures.rows[0][1] == "the same"
    assert str(document.key_figures.rows[1][1]).endswith(" worse")
    found = finding(document, "calibrated_challenger")
    assert (found.grade, found.title) == ("concern", "Challenger: the PDs are too high over all.")
    assert tables(document)["agreement"].rows[0][1] == pytest.approx(1)


def test_few_bads_do_not_make_pds_right(compared: Pair) -> None:
    side = compared.comparison.champion
    slope, gap = Estimate(1.0, 0.9, 1.1), Estimate(0.0, -0.01, 0.01)
    large = replace(side.in_the_large, gap=gap)
    sure = replace(side, slope=slope, in_the_large=large)
    assert verdict._calibrated("champion", sure, 0.2).grade == "good"
    for unsure in (
        replace(sure, slope=NO_ESTIMATE),
        replace(sure, slope=Estimate(1.0, 0.4, 1.6)),
        replace(sure, in_the_large=replace(large, gap=Estimate(0.0, -0.06, 0.06))),
    ):
        found = verdict._calibrated("champion", unsure, 0.2)
        assert (found.grade, found.title) == ("note", "Champion: too few bads to say whether the PDs are right.")


def test_a_difference_without_variance_is_not_beyond_chance(compared: Pair) -> None:
    one = compared.champion
    other = replace(one, margins=replace(one.margins, fused=one.margin + 0.1))
    no_test = Gain(0.2, math.nan, math.nan, math.nan)
    found = pair(one, other, 0.8, (0.8,))
    found = replace(found, comparison=replace(found.comparison, auc=no_test, brier=no_test))
    findings = [verdict._difference(no_test, findings) for findings in (verdict.RANKS, verdict.ERRS)]
    assert [finding.grade for finding in findings] == ["note", "note"]
    sentences = [text for finding in findings for text in (finding.title, finding.words)] + list(front.headline(found))
    assert not [text for text in sentences if "beyond chance" in text or "nan" in text.lower()]
    assert front.key_figures(found).rows[0][2] == NO_VARIANCE
    assert gain_cells(no_test, "too few") == (0.2, Gap(gap=NO_VARIANCE))
    ranking = {row[0]: row for row in discrimination_chapter(found).tables[0].rows}
    errors = {row[0]: row for row in calibration_chapter(found).tables[0].rows}
    for row in (ranking["AUC"], ranking["Brier score"], errors["Brier score"]):
        assert row[3:] == (0.2, Gap(gap=NO_VARIANCE))


def test_a_page_in_another_language_has_the_same_gains(compared: Pair) -> None:
    english = discrimination_chapter(compared).tables[0].rows
    with speaking(language_of("zh")):
        chinese = discrimination_chapter(compared).tables[0].rows
    assert [row[3:] for row in chinese] == [row[3:] for row in english]


def test_a_policy_with_segments_says_whose_cutoff_it_is(place: Place) -> None:
    policy = (
        "[cutoffs]\napprove = 0.15\ndecline = 0.3\n[segments]\ncolumn = 'home'\n"
        "[segments.cutoffs.rent]\napprove = 0.1\ndecline = 0.2\n"
    )
    (place.folder / "policy.toml").write_text(policy, encoding="utf-8")
    assert place.compare(decided(), "--policy", str(place.folder / "policy.toml")) == 0
    document = place.document()
    whose = "of rows without a cut-off of their own"
    assert whose in document.facts["Compared at"]
    assert whose in finding(document, "pays").words
    assert whose in tables(document)["net_benefit"].note


def test_rows_that_a_model_learned_from_raise_an_alarm(compared: Pair) -> None:
    document = document_of(compared, compared.champion.margin + 0.1)
    assert {finding(document, f"out_of_time_{name}").grade for name in ("champion", "challenger")} <= {
        "alarm",
        "concern",
    }
