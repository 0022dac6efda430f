"""The chapter on what each source was worth, with hand-made margins of the models without one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from experiments.reporting.document import Interval, Section
from experiments.session.run import Run
from experiments.train.slices import judge, slice_lines
from experiments.validate.chapters.source_worth import chapter
from experiments.validate.job import ValidationRequest, validate
from experiments.validate.scored_outcomes import ScoredOutcomes
from features.tables.reader import ReadOptions
from fusion.metrics import auc, delong
from fusion.model.fusion_model import Margins
from fusion.scorer import Scorer
from fusion.validation.source_worth import source_worths
from tests.support.joined_sources import joined_schema, joined_table
from tests.support.scored_outcomes import drawn, scored_of, some_margins
from tests.support.sections import drawings, findings, tables
from tests.support.small import small_schema

N = 2000
TRUTH = some_margins(N, 1)
OUTCOME = drawn(TRUTH, 1)
BLURRED = 0.5 * (TRUTH + np.random.default_rng(3).normal(0.0, 1.0, N)) - 0.9
WITHOUT = {"bureau": BLURRED, "calls": TRUTH - 0.001 * BLURRED, "court": TRUTH, "sources": BLURRED}


def scored(n: int = N) -> ScoredOutcomes:
    schema = replace(small_schema(), sources=joined_schema().sources)
    found = scored_of(OUTCOME[:n], TRUTH[:n], schema=schema)
    return replace(found, margins=replace(found.margins, without={name: one[:n] for name, one in WITHOUT.items()}))


def test_each_source_stands_beside_the_model_without_it() -> None:
    found: Section = chapter(scored())
    rows = {str(row[0]): row[1:] for row in tables(found)["source_worth"].rows}
    titles = ("Credit bureau accounts", "Call notes", "Court register")
    assert list(rows) == ["all", *(f"without {title}" for title in titles), "the application alone"]
    gain = delong(OUTCOME, TRUTH, BLURRED)
    area = rows["without Credit bureau accounts"][0]
    assert isinstance(area, Interval)
    assert area.value == pytest.approx(auc(OUTCOME, BLURRED))
    assert rows["without Credit bureau accounts"][1] == Interval(value=gain.difference, low=gain.low, high=gain.high)
    assert rows["without Court register"][1:] == (Interval(value=0.0, low=0.0, high=0.0), 1.0)
    assert set(drawings(found)) == {"source_worth"}
    finding = findings(found)["source_worth"]
    assert finding.title == "2 of 3 sources are not shown to improve the model."
    assert "Without Call notes and Court register" in finding.words


def test_few_rows_are_not_ranked() -> None:
    found = chapter(scored(20))
    assert findings(found)["source_worth"].grade == "note"
    assert not found.tables


def test_figures_of_training_name_each_source() -> None:
    margins = Margins(TRUTH, TRUTH, TRUTH, WITHOUT)
    report = judge("out of fold", margins, OUTCOME, judges=False)
    assert report.sources == source_worths(OUTCOME, margins)
    figures = report.figures()
    assert figures["worth_of_court"] == 0.0
    assert figures["auc_without_bureau"] == auc(OUTCOME, BLURRED)
    assert (
        slice_lines(report)["worth of court"] == f"+0.0000 (+0.0000 to +0.0000), AUC {auc(OUTCOME, TRUTH):.4f} without"
    )
    assert "worth of sources" in slice_lines(report)


@pytest.mark.usefixtures("blank_pictures")
def test_a_validation_has_the_chapter_where_the_contract_has_sources(joined_scorer: Scorer, tmp_path: Path) -> None:
    joined_table(400, 6).to_csv(tmp_path / "later.csv", index=False)
    order = ValidationRequest((tmp_path / "later.csv",), None, (), True, reread=False, made_on=date(2026, 3, 9))
    with Run.start("evaluate", None, {}) as run:
        found = validate(joined_scorer, order, ReadOptions(need_target=True), run)
    (section,) = (one for one in found.report.sections if one.key == "source_worth")
    rows = {row[0]: row[2] for row in tables(section)["source_worth"].rows}
    assert rows["without Court register"] == Interval(value=0.0, low=0.0, high=0.0)
    worth = rows["without Credit bureau accounts"]
    assert isinstance(worth, Interval)
    assert worth.low > 0.0
    data = next(one for one in found.card.sections if one.key == "training_data")
    assert any("Credit bureau accounts (4 columns)" in words for words in data.words)
    made = joined_scorer.bundle.manifest.files
    assert sum(name.startswith("heads/without/") for name in made) == 8
