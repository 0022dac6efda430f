"""The chapter on what narratives are worth, with hand-made margins of the model and its ablations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.reporting.document import Gap, Interval, Section
from experiments.validate.chapters.text_worth import chapter
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import Cut, Slice, length_cut, segment_cuts
from features.design import no_style
from fusion.metrics import auc, brier_gain, delong
from tests.support.scored_outcomes import NOTE, Rows, drawn, scored_of, some_margins, without_note
from tests.support.sections import drawings, findings, tables

N = 3000
TRUTH = some_margins(N, 1)
OUTCOME = drawn(TRUTH, 1)
NOISE = np.random.default_rng(3).normal(0.0, 1.0, N)
BLURRED = 0.5 * (TRUTH + NOISE) - 0.9  # ranks much worse than the truth, on the right level
TEXT = 0.3 * TRUTH - 1.0
SILENT = np.arange(N) % 3 == 0  # rows of ``judged_of`` without a narrative


def whole_chapter(scored: ScoredOutcomes) -> Section:
    return chapter(scored, segment_cuts(scored, ["home"]), length_cut(scored))


def test_narratives_that_earn_their_keep() -> None:
    scored = scored_of(OUTCOME, TRUTH, Rows(columns_only=BLURRED, text_only=TEXT))
    found = whole_chapter(scored)
    by_key = findings(found)
    assert by_key["text_worth"].grade == "good"
    assert "1,000 pairs" in by_key["text_worth"].words
    assert by_key["text_worth_brier"].grade == "good"
    assert by_key["text_worth_parts"].grade == "good"
    assert set(drawings(found)) == {"text_worth_length"}


def test_figures_are_those_of_the_rows() -> None:
    found = whole_chapter(scored_of(OUTCOME, TRUTH, Rows(columns_only=BLURRED, text_only=TEXT)))
    every, written, silent = tables(found)["text_worth_gain"].rows
    gain, squared = delong(OUTCOME, TRUTH, BLURRED), brier_gain(OUTCOME, TRUTH, BLURRED)
    assert every[3:6] == pytest.approx((auc(OUTCOME, TRUTH), auc(OUTCOME, BLURRED), auc(OUTCOME, TEXT)))
    assert every[6] == Interval(value=gain.difference, low=gain.low, high=gain.high)
    assert every[7] == gain.p
    assert every[8] == Interval(value=squared.difference, low=squared.low, high=squared.high)
    assert (written[1], silent[1]) == (int(np.sum(~SILENT)), int(np.sum(SILENT)))
    assert silent[3] == pytest.approx(auc(OUTCOME[SILENT], TRUTH[SILENT]))
    models = tables(found)["text_worth_models"].rows
    assert [row[:2] for row in models[:3]] == [
        ("all", "the model"),
        ("all", "columns only"),
        ("all", "narratives only"),
    ]
    assert len(models) == 9
    lengths = tables(found)["text_worth_length"].rows
    assert lengths[0][0] == "without note"
    assert sum(int(row[1]) for row in lengths if isinstance(row[1], int)) == N
    assert [row[0] for row in tables(found)["text_worth_by_home"].rows] == ["own", "rent"]


def test_narratives_that_do_harm() -> None:
    found = findings(whole_chapter(scored_of(OUTCOME, BLURRED, Rows(columns_only=TRUTH))))
    assert found["text_worth"].grade == "concern"
    assert "makes it worse" in found["text_worth"].title
    assert found["text_worth_brier"].grade == "concern"
    assert found["text_worth_silent"].grade == "concern"
    assert found["text_worth_parts"].grade == "concern"


def test_narratives_that_do_not_earn_their_keep() -> None:
    found = findings(whole_chapter(scored_of(OUTCOME, TRUTH + 0.01 * NOISE, Rows(columns_only=TRUTH))))
    assert found["text_worth"].grade == "note"
    assert "is not shown here" in found["text_worth"].title
    assert "may be chance" in found["text_worth"].words


def test_the_same_model_twice() -> None:
    found = whole_chapter(scored_of(OUTCOME, TRUTH))
    assert findings(found)["text_worth"].grade == "note"
    assert tables(found)["text_worth_gain"].rows[0][6:8] == (Interval(value=0.0, low=0.0, high=0.0), 1.0)


def test_harm_in_one_segment_is_found() -> None:
    home = np.where(np.arange(N) % 3 == 1, "own", "rent")
    model, columns = np.where(home == "own", BLURRED, TRUTH), np.where(home == "own", TRUTH, BLURRED)
    rows = Rows(columns_only=columns, home=home.tolist(), note=[NOTE] * N)
    found = findings(whole_chapter(scored_of(OUTCOME, model, rows)))
    assert found["text_worth_parts"].grade == "concern"
    assert "own" in found["text_worth_parts"].words
    assert "Bonferroni" in found["text_worth_parts"].words


@pytest.mark.parametrize("why", ["schema", "silence", "rows"])
def test_no_narratives(why: str) -> None:
    if why == "schema":
        scored = scored_of(OUTCOME, TRUTH, schema=without_note())
    elif why == "silence":
        scored = scored_of(OUTCOME, TRUTH, Rows(note=[""] * N))
    else:
        scored = scored_of(OUTCOME[:0], TRUTH[:0])
    found = chapter(scored, segment_cuts(scored, ["home"]), length_cut(scored) if len(scored) else None)
    assert findings(found)["text_worth"].grade == "note"
    assert not found.tables
    assert not drawings(found)
    wanted = {"schema": "schema has no narratives", "silence": "None of these", "rows": "no row"}[why]
    assert wanted in found.words[0]


@pytest.mark.parametrize("y", [np.zeros(400), np.ones(400), OUTCOME[:10]], ids=["good", "bad", "ten rows"])
def test_too_few_to_judge(y: np.ndarray) -> None:
    scored = scored_of(y, TRUTH[: len(y)], Rows(columns_only=BLURRED[: len(y)]))
    found = whole_chapter(scored)
    assert findings(found)["text_worth"].title == "What the narratives add to the ranking cannot be said."
    every = tables(found)["text_worth_gain"].rows[0]
    assert every[3:8] == (Gap(gap="under 10 of a kind"),) * 5
    assert isinstance(every[8], Interval)
    (plot,) = found.plots
    assert plot.gap
    assert not drawings(found)


def test_one_row() -> None:
    found = whole_chapter(scored_of(OUTCOME[1:2], TRUTH[1:2], Rows(note=[NOTE])))
    assert isinstance(tables(found)["text_worth_gain"].rows[0][8], Gap)


def test_constant_margins() -> None:
    flat = np.full(N, -1.3)
    found = whole_chapter(scored_of(OUTCOME, flat, Rows(columns_only=flat)))
    assert findings(found)["text_worth"].grade == "note"
    assert isinstance(tables(found)["text_worth_models"].rows[0][7], Gap)


def test_everybody_wrote() -> None:
    found = whole_chapter(scored_of(OUTCOME, TRUTH, Rows(columns_only=BLURRED, note=[NOTE] * N)))
    assert [row[0] for row in tables(found)["text_worth_gain"].rows] == ["all"]


def test_a_length_without_rows_or_bads() -> None:
    scored = scored_of(OUTCOME, TRUTH, Rows(columns_only=BLURRED))
    nobody, good = np.zeros(N, np.bool_), OUTCOME == 0
    cut = Cut("length", "Length", (Slice("none", nobody), Slice("good", good), Slice("rest", ~good)))
    rows = tables(chapter(scored, [], cut))["text_worth_length"].rows
    assert rows[0][3:] == (Gap(gap="no row"),) * 7
    assert rows[1][3] == rows[2][3] == Gap(gap="under 10 of a kind")


def test_of_several_narratives_the_main_one_counts() -> None:
    scored = scored_of(OUTCOME, BLURRED, Rows(columns_only=TRUTH))
    text = scored.design.text
    both = np.column_stack([text.has_text, np.ones((N, 1), np.bool_)])
    vectors = np.zeros((N, 2, 3), np.float32)
    two = replace(text, x_text=vectors, has_text=both, names=("note", "reason"), x_style=no_style(both))
    found = chapter(replace(scored, design=replace(scored.design, text=two)), [], None)
    assert [row[0] for row in tables(found)["text_worth_gain"].rows] == ["all", "with “note”", "without “note”"]
    assert "without “note”" in findings(found)["text_worth_silent"].words
