"""The chapters on columns, narratives and the score: what moved comes first, and nothing is drawn where nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from experiments.reporting.document import Section
from experiments.watch.chapters import score
from experiments.watch.chapters.data import columns_chapter, texts_chapter
from fusion.watch.columns import ColumnsPart
from fusion.watch.part import Part, Watched
from fusion.watch.score import ScorePart
from fusion.watch.signals import Signal
from fusion.watch.texts import TextsPart
from tests.support.watched import Watcher

DAYS = [f"2026-01-{at:02d}" for at in range(1, 6)]


@dataclass(frozen=True)
class Watch:
    """Five days, on the last of which incomes are by month and a word spreads."""

    parts: Mapping[str, Part[Any]]
    profiles: Mapping[str, Sequence[tuple[str, Any]]]
    signals: Mapping[str, Sequence[Signal]]


@pytest.fixture(scope="module")
def watch(tmp_path_factory: pytest.TempPathFactory) -> Watch:
    watcher = Watcher.train(tmp_path_factory.mktemp("watched"))
    scorer, table = watcher.scorer, watcher.table.copy()
    last = slice(480, 600)
    table.loc[480:599, "annual_income"] = table.loc[480:599, "annual_income"].astype(float) / 12
    table.loc[480:599, "statement"] += " The kryptonia is lost."
    parts: dict[str, Part[Any]] = {
        "columns": ColumnsPart.of(scorer.bundle),
        "texts": TextsPart.of(scorer.bundle),
        "score": ScorePart.of(scorer),
    }
    days = [*(slice(at, at + 120) for at in range(0, 480, 120)), last]
    batches = [watcher.batch(_rows(table, rows), day) for day, rows in zip(DAYS, days, strict=True)]
    profiles = {
        name: [(batch.period, part.observe(batch).profile) for batch in batches] for name, part in parts.items()
    }
    signals: dict[str, list[Signal]] = {name: [] for name in parts}
    for name, part in parts.items():
        for at, (day, profile) in enumerate(profiles[name]):
            signals[name] += part.signals(Watched(day, profile, part.trained, tuple(profiles[name][:at])))
    return Watch(parts, profiles, signals)


def _rows(table: pd.DataFrame, rows: slice) -> pd.DataFrame:
    return table.iloc[rows].reset_index(drop=True)


def test_the_scaled_column_comes_first(watch: Watch) -> None:
    chapter = columns_chapter(watch.parts["columns"].trained, watch.profiles["columns"], watch.signals["columns"], ())
    assert chapter is not None
    moved, apart = chapter.tables
    assert {row[0] for row in moved.rows[:3]} >= {"annual_income: PSI", "loan_to_income: PSI"}
    assert {row[0] for row in apart.rows[:2]} == {"annual_income", "loan_to_income"}
    assert apart.rows[0][3] == "shifted"
    assert "annual_income" in chapter.findings[0].words
    assert [finding.grade for finding in chapter.findings] == ["note", "note"]
    (plot,) = chapter.plots
    assert plot.alt.startswith("12 small pictures, a figure by period each: ")
    assert plot.drawing.count("<svg") == 1


def test_the_word_that_spreads_is_in_the_table_of_words(watch: Watch) -> None:
    chapter = texts_chapter(None, watch.profiles["texts"], watch.signals["texts"], ())
    assert chapter is not None
    words = {table.key: table for table in chapter.tables}["words_moved"]
    assert {"kryptonia", "lost"} & {row[0] for row in words.rows[:3]}
    assert words.rows[0][1] == "statement"


def test_the_score_has_its_outcomes_by_period_and_those_of_training(watch: Watch) -> None:
    chapter = score.chapter(watch.parts["score"].trained, watch.profiles["score"], watch.signals["score"], ())
    assert chapter is not None
    performance = {table.key: table for table in chapter.tables}["score_performance"]
    assert [row[0] for row in performance.rows] == [*reversed(DAYS), "reference"]
    assert performance.rows[-1][1] == 700
    assert performance.rows[0][4] == 120


def test_a_quiet_day_is_good_news(watch: Watch) -> None:
    signals = [one for one in watch.signals["columns"] if one.period != DAYS[-1]]
    chapter = columns_chapter(None, watch.profiles["columns"][:-1], signals, ())
    assert chapter is not None
    (finding,) = chapter.findings
    assert finding.grade == "good"


def test_nothing_is_drawn_where_nothing_is(watch: Watch) -> None:
    assert columns_chapter(None, [], [], ()) is None
    assert texts_chapter(None, watch.profiles["texts"][:1], [], ()) is None
    assert score.chapter(None, [], [], ()) is None
    alone: Section | None = score.chapter(None, watch.profiles["score"][:1], [], ())
    assert alone is not None
    assert alone.plots == ()
