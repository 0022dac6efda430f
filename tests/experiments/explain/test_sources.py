"""What the reports of `creditfusion explain` and a scored file say of each source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.reporting.decision.pages import underwriter_html
from fusion.scorer import Scorer
from tests.support.command_line import creditfusion
from tests.support.explained import underwriter, validator
from tests.support.joined_sources import joined_table

SOURCES = ["application", "bureau", "calls", "court"]
NEW = joined_table(24, 2).drop(columns="outcome")


@pytest.fixture(scope="module")
def files(joined_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``scored.csv`` with two reasons, and the folder ``reports`` of every application."""
    folder = tmp_path_factory.mktemp("sources")
    NEW.to_csv(folder / "new.csv", index=False)
    named = ["--model", str(joined_model), "--data", str(folder / "new.csv")]
    named += ["--cache", str(folder / "cache")]
    assert creditfusion("score", *named, "--out", str(folder / "scored.csv"), "--reasons", "2") == 0
    chosen = ["--top", "100", "--for", "underwriter", "--for", "applicant", "--for", "validator", "--fast"]
    assert creditfusion("explain", *named, "--out", str(folder / "reports"), "--date", "2026-03-09", *chosen) == 0
    return folder


def test_a_scored_file_has_the_points_of_every_source(files: Path, joined_scorer: Scorer) -> None:
    scored = pd.read_csv(files / "scored.csv")
    at = scored.columns.get_loc("narrative_points")
    assert list(scored.columns[at + 1 : at + 6]) == [*(f"source_points_{name}" for name in SOURCES), "reason_flags"]
    wanted = joined_scorer.explain(NEW).source_points()
    for name in SOURCES:
        np.testing.assert_allclose(scored[f"source_points_{name}"], wanted[name], rtol=0, atol=0.051)
    assert (scored["source_points_court"] == 0.0).all()


def test_reports_split_the_score_over_the_sources(files: Path) -> None:
    for key in NEW["application_id"][:6]:
        report, whole = underwriter(files / "reports", key), validator(files / "reports", key)
        assert [one.name for one in report.sources] == [one.name for one in whole.sources] == SOURCES
        assert report.sources == whole.sources
        assert report.sources[3].points == 0.0
        total = report.starting_score + sum(one.points for one in report.sources)
        assert total == pytest.approx(report.result.score, abs=1e-6)
        assert {part.name: part.source for part in whole.contributions}["open_per_amount"] == "bureau"


def test_the_page_groups_columns_by_their_source(files: Path) -> None:
    report = underwriter(files / "reports", NEW["application_id"][1])
    html = underwriter_html(report)
    columns = html[html.index("All columns") :]
    places = [columns.index(title) for title in ("The application itself", "Credit bureau accounts", "Court register")]
    assert places == sorted(places)
    assert "What each source gave" in columns
    assert "What each source gave" not in underwriter_html(report.model_copy(update={"sources": ()}))
