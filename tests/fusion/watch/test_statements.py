"""Narratives that contradict the form: counted by period, flagged without a word of them, quoted for who asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import numpy as np
import pytest
from scipy import sparse

from experiments.watch.chapters.statements import chapter
from features.design import TextBlock, no_style
from features.tables.dataframe import read_frame
from fusion.watch.part import Batch, Watched
from fusion.watch.signals import RowRef
from fusion.watch.statements import StatedCounts, StatementsPart, StatementsProfile
from tests.support.statements import application, simple_facts, stating_schema
from tests.support.watched import held_against

SCHEMA = stating_schema()
PART = StatementsPart(SCHEMA)
SECRET = "I earn 5,000 a month, says Zebulon."


@pytest.fixture(autouse=True)
def _simple_facts() -> Iterator[None]:
    with simple_facts():
        yield


def batch(*texts: str, first: int = 0) -> Batch:
    rows = [application(application_id=f"A-{first + at}", statement=text) for at, text in enumerate(texts)]
    applications = read_frame(rows, SCHEMA).applications
    n, names = len(rows), ("statement", "job_title")
    has_text = np.ones((n, 2), dtype=np.bool_)
    words = sparse.csr_matrix(np.zeros((n, 0), dtype=np.float32))
    text = TextBlock(np.zeros((n, 2, 4), dtype=np.float32), has_text, words, names, no_style(has_text))
    return Batch("2026-01-01", "new.csv", applications, text)


def profile(contradicting: int, rows: int = 1000) -> StatementsProfile:
    counts = StatedCounts(rows // 2, contradicting, (RowRef("new.csv", 1, "A-1"),) if contradicting else ())
    return StatementsProfile(rows, {"income": counts, "tenure": StatedCounts()})


def test_rows_that_state_and_rows_that_contradict_are_counted_and_flagged() -> None:
    found = PART.observe(batch("Hello.", f"Good day. {SECRET} Thanks.", "I earn 2,500 a month."))
    assert found.profile.rows == 3
    assert found.profile.contradictions["income"] == StatedCounts(2, 1, (RowRef("new.csv", 2, "A-1"),))
    assert found.profile.contradictions["tenure"] == StatedCounts()
    (flag,) = found.flags
    assert (flag.row, flag.check, flag.size) == (RowRef("new.csv", 2, "A-1"), "contradiction", 0.5)
    assert "annual_income is 30,000, and the income in statement is 50% away" in str(flag.words)
    assert flag.quote == SECRET


def test_profiles_add_up_in_any_order_and_survive_json() -> None:
    texts = ["Hello.", SECRET, "I have 9 years at work.", SECRET, ""]
    whole = PART.observe(batch(*texts)).profile
    left, right = PART.observe(batch(*texts[:2])).profile, PART.observe(batch(*texts[2:], first=2)).profile
    added = PART.add(left, right)
    assert added == PART.add(right, left)
    counted = [(one.stated, one.contradicting) for one in added.contradictions.values()]
    assert counted == [(one.stated, one.contradicting) for one in whole.contradictions.values()] == [(2, 2), (1, 1)]
    assert PART.from_json(json.loads(json.dumps(PART.to_json(whole)))) == whole


def test_a_rise_is_unlikely_and_a_fall_is_no_departure() -> None:
    quiet = [profile(10 + at % 3) for at in range(10)]
    same = held_against(PART, profile(11), None, quiet)["contradiction", "income"]
    more = held_against(PART, profile(80), None, quiet)["contradiction", "income"]
    less = held_against(PART, profile(0), None, quiet)["contradiction", "income"]
    assert same.p > 0.05
    assert more.p < 1e-4
    assert more.value == pytest.approx(0.08 - 0.0109, abs=1e-4)
    assert more.rows == (RowRef("new.csv", 1, "A-1"),)
    assert less.value == 0.0
    assert held_against(PART, profile(80), None) == {}


def test_quiet_periods_depart_as_seldom_as_chance_says() -> None:
    random = np.random.default_rng(1)
    low = 0
    for _ in range(200):
        days = [profile(int(random.binomial(400, 0.02)), 400) for _ in range(13)]
        low += held_against(PART, days[-1], None, days[:-1])["contradiction", "income"].p < 0.05
    assert low <= 20  # of 200, where 10 are expected at most


def test_no_word_of_a_narrative_stands_in_a_profile_a_signal_or_the_chapter() -> None:
    observation = PART.observe(batch(SECRET, "Hello."))
    signals = PART.signals(Watched("2026-01-04", observation.profile, profile(1), ()))
    section = chapter(
        profile(1), [("2026-01-03", profile(2)), ("2026-01-04", observation.profile)], signals, observation.flags
    )
    assert section is not None
    texts = [
        json.dumps(PART.to_json(observation.profile)),
        *(str(one.words) for one in signals),
        *(str(one.words) for one in observation.flags),
    ]
    texts += [section.model_dump_json(), *(plot.drawing for plot in section.plots)]
    assert not any(secret in text for text in texts for secret in ("Zebulon", "5,000", "60,000", "earn"))
    assert section.findings[0].title == "1 contradiction between narrative and form in 2026-01-04."


def test_there_is_no_chapter_without_a_contradiction_to_look_for() -> None:
    assert chapter(None, [(str(date(2026, 1, 1)), StatementsProfile(5, {}))], (), ()) is None
    quiet = chapter(None, [("2026-01-01", profile(0))], (), ())
    assert quiet is not None
    assert quiet.findings[0].grade == "good"
