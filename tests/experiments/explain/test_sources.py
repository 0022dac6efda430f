"""What the reports of `creditfusion explain` and a scored file say of each source."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.explain.record_dates import entries_of, in_words
from experiments.reporting.decision.pages import underwriter_html
from experiments.reporting.words import day
from fusion.scorer import Scorer
from tests.support.command_line import creditfusion
from tests.support.explained import underwriter, validator
from tests.support.joined_sources import joined_schema, joined_table

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
    at = list(scored.columns).index("narrative_points")
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
    assert html.index('id="reasons"') < html.index("What each source gave") < html.index('id="narrative"')
    assert "What each source gave" not in underwriter_html(report.model_copy(update={"sources": ()}))


def test_sentences_of_records_show_the_day_of_their_entry(files: Path) -> None:
    at = next(at for at, note in enumerate(NEW["call_notes"]) if note.count("\n") == 1)
    note = NEW["call_notes"].iloc[at]
    first, second = (date.fromisoformat(line[1:11]) for line in note.split("\n"))
    report = underwriter(files / "reports", NEW["application_id"].iloc[at])
    calls = next(one for one in report.narratives if one.name == "call_notes")
    assert [(one.text, one.entries) for one in calls.sentences] == [
        ("He paid the late bill.", (first,)),
        ("He called back.", (first,)),
        ("Nobody answered the phone.", (second,)),
    ]
    assert all(not one.entries for other in report.narratives if other is not calls for one in other.sentences)
    html = underwriter_html(report)
    assert day(second) in html
    assert re.search(r"call_notes</bdi> <span class=\"after\">[^/]*Call notes", html)


STRIP = joined_schema().strip


def test_a_passage_of_several_entries_has_the_days_of_all() -> None:
    raw = "[2024-01-02] One.\n[2024-02-03] Two. Three.\n[2024-03-04] Four."
    passages = ["One.\nTwo. ", "Three.\n", "Four."]
    days = [date(2024, 1, 2), date(2024, 2, 3), date(2024, 3, 4)]
    assert entries_of(raw, STRIP, passages) == [(days[0], days[1]), (days[1],), (days[2],)]
    assert in_words((days[0], days[1])) == "2 January 2024 to 3 February 2024"
    assert (in_words(tuple(days[:1])), in_words(())) == ("2 January 2024", "")


def test_entries_are_found_where_a_mask_cut_sentences_between_them() -> None:
    raw = "[2024-01-02] He is ill.\n[2024-02-03] He &amp; she paid.\n[2024-03-04] He called."
    assert entries_of(raw, STRIP, ["He & she paid.\n", "He called."]) == [(date(2024, 2, 3),), (date(2024, 3, 4),)]
    assert entries_of(raw, STRIP, ["Nobody wrote this."]) == [()]


def test_a_reason_that_records_speak_of_names_their_source(joined_scorer: Scorer) -> None:
    schema, book = joined_scorer.schema, joined_scorer.book
    own, calls = ([one.name for one in schema.narratives].index(name) for name in ("statement", "call_notes"))
    for at, concept in enumerate(schema.concepts):
        assert book.reasons[book.concept[own, at]] == concept.reason
        spoken = book.reasons[book.concept[calls, at]]
        assert spoken.wording == f"From our notes on your calls: {concept.reason.recorded}"
        assert "ou wrote" not in spoken.wording
        assert spoken.code == f"{concept.reason.code}_CALLS"
    assert len({reason.code for reason in book.reasons}) == len(book.reasons)
