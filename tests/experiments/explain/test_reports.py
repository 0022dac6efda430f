"""What the reports say that `creditfusion explain` writes with a trained bundle."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.cli import app, guarded
from experiments.explain.cases import Outcome, Study
from experiments.explain.report_content import Heading, Reporter
from experiments.explain.standing import Crowd
from experiments.reporting.decision.pages import applicant_html
from experiments.reporting.file_names import file_name
from experiments.session.progress import Clock
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from fusion.bundle import load
from fusion.scorer import Scorer, load_scorer
from fusion.text_encoder import bundle_encoder
from tests.support.explained import (
    HOSTILE_AT,
    LONG,
    SILENT,
    SLASHED_ID,
    Explain,
    Trained,
    index_of,
    notice,
    underwriter,
    validator,
)


def opened(trained: Trained, mask: Sequence[str] = ()) -> tuple[Study, Reporter]:
    """What studies applications with the bundle, set to mask such sentences, and writes their reports."""
    bundle = load(trained.model)
    text = bundle.config.text.model_copy(update={"mask": tuple(mask)})
    bundle = replace(bundle, config=bundle.config.model_copy(update={"text": text}))
    scorer = Scorer(bundle, bundle_encoder(bundle), threads=1)
    study = Study.of(scorer, exact=True, timed=Clock().timed)
    heading = Heading(trained.data, date(2026, 3, 9), ())
    return study, Reporter(study, Crowd.of(bundle.population, bundle.config.scale), heading)


def test_reports_are_those_of_the_scores(trained: Trained, everything: Path) -> None:
    """Scores, sums and the validator's parts agree with what the model says of the rows."""
    scorer = load_scorer(trained.model)
    bundle = scorer.bundle
    applications = read_all(trained.data, bundle.schema, ReadOptions()).applications
    design = scorer.read(applications).design
    scores = bundle.model.predict(design)
    for key, pd_, score, margin in zip(applications.ids, scores.pd, scores.score, scores.margin, strict=True):
        report, check = underwriter(everything, key), validator(everything, key)
        assert report.result.pd == pd_
        assert report.result.score == pytest.approx(score, abs=1e-9)
        assert check.margin == margin
        assert abs(check.reconciliation) < 1e-6
        points = report.starting_score + sum(part.points for part in report.columns) + report.narrative_points
        assert points == pytest.approx(score, abs=1e-6)
        assert [part.name for part in check.contributions] == [
            *bundle.tabular.num_names, *bundle.tabular.cat_names, *design.text.names,
        ]  # fmt: skip
        narratives = {narrative.name: narrative for narrative in report.narratives}
        for part in check.contributions:
            if part.kind == "narrative" and narratives[part.name].sentences:
                own = [sentence for sentence in check.sentences if sentence.narrative == part.name]
                assert sum(sentence.log_odds for sentence in own) == pytest.approx(part.log_odds, abs=1e-9)
                assert [sentence.place for sentence in own] == list(range(1, len(own) + 1))


def test_changes_cross_the_cut_off_when_rescored(trained: Trained, everything: Path) -> None:
    scorer = load_scorer(trained.model)
    bundle = scorer.bundle
    applications = read_all(trained.data, bundle.schema, ReadOptions()).applications
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
            again = bundle.model.predict(scorer.read(moved).design)
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
        declined = report.result.decision == "decline"
        wordings = [reason.wording for reason in report.reasons if reason.disclosable and declined]
        assert [reason.wording for reason in letter.reasons] == wordings
        assert letter.needs_review == report.needs_review == entry.needs_review
        hidden = any(not reason.disclosable for reason in report.reasons)
        assert not (report.result.decision == "decline" and hidden and not letter.needs_review)
        assert letter.decision == "approve" or letter.reasons or letter.needs_review
        assert entry.top_reason == (report.reasons[0].wording if report.reasons else "")
        assert all(reason.facts for reason in report.reasons)
        n_reasons += len(wordings)
        page = (everything / file_name(entry.id, "applicant", "html")).read_text(encoding="utf-8")
        assert "points" not in page.split("<body", 1)[1].replace("credit", "").lower() or "bureau" in page
    assert n_reasons > 20


def test_a_declined_applicant_without_any_reason_is_for_a_person(trained: Trained) -> None:
    study, reporter = opened(trained)
    applications = read_all(trained.data, study.bundle.schema, ReadOptions()).applications
    cases = (study.study(applications.take(np.array([at]))) for at in range(len(applications)))
    case = next(case for case in cases if case.outcomes.fused.decision == "decline")
    silent = replace(case, reasons=())
    assert reporter.underwriter(silent).needs_review
    letter = reporter.notice(silent)
    assert letter.needs_review
    assert letter.reasons == ()
    assert "will give you its reasons in person" in applicant_html(letter)
    approved = replace(silent, outcomes=replace(case.outcomes, fused=Outcome(-5.0, "approve")))
    assert not reporter.review_causes(approved, [])


def test_the_background_is_described_as_it_is(trained: Trained, everything: Path) -> None:
    background = validator(everything, trained.id_at(0)).background
    bundle = load(trained.model)
    assert (background.kind, background.n_rows) == ("all", len(bundle.population))
    assert f"drawn from {len(bundle.population)} training applicants;" in background.words
    assert background.words in (trained.model / "card.md").read_text(encoding="utf-8")


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
    study, reporter = opened(trained, mask=("religion",))
    bundle = study.bundle
    applications = read_all(trained.data, bundle.schema, ReadOptions()).applications.take(np.array([0]))
    statement = "I would like to buy a car. We pray in our church every Sunday. My job is safe."
    frame = applications.frame.assign(statement=pd.Series([statement], dtype=object))
    one = applications.row_number
    case = study.study(Applications(bundle.schema, frame, one))
    report = reporter.underwriter(case)
    assert [narrative.n_masked for narrative in report.narratives] == [3, 0]  # all alike to a random encoder
    assert "church" not in report.model_dump_json()
    assert report.narratives[0].sentences == ()
    assert "withheld from the model: religion." in " ".join(flag.words for flag in report.quality)


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
            assert {part.n_orders for part in validator(everything, entry.id).sentences} == {0, 128}
            continue
        if exact.narrative_effect is not None:
            assert (fast.sentence_method, exact.sentence_method) == ("fast", "exact")
        assert all(part.exact == bool(part.sentences) for part in exact.narratives)
        differ += [part.sentences for part in fast.narratives] != [part.sentences for part in exact.narratives]
    assert differ > 5


def test_a_report_is_the_same_alone_and_among_others(
    trained: Trained, explain: Explain, everything: Path, tmp_path: Path
) -> None:
    key = trained.id_at(0)
    assert explain(tmp_path / "out", "--id", key) == 0
    for form in ("json", "html"):
        name = file_name(key, "underwriter", form)
        assert (tmp_path / "out" / name).read_bytes() == (everything / name).read_bytes()


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
