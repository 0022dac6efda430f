"""Reports of a model that reads what narratives state: the value, the sentence that states it, what it contradicts."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from experiments.explain.cases import Case, Study
from experiments.explain.report_content import Heading, Reporter
from experiments.explain.sentences import reason_sentence
from experiments.explain.standing import Crowd
from experiments.explain.validator_content import validator_report
from experiments.reporting.decision.pages import underwriter_html, validator_html
from experiments.reporting.language import ENGLISH
from experiments.session.progress import Clock
from features.tables.dataframe import read_frame
from fusion.scorer import load_scorer
from tests.support.statements import stating_table

TEXT = "Hello <b there. I earn $500 a month, since 2020. Thank you."


@pytest.fixture(scope="module")
def reporter(stating_model: Path) -> Reporter:
    scorer = load_scorer(stating_model)
    study = Study.of(scorer, exact=False, timed=Clock().timed)
    heading = Heading(Path("new.csv"), date(2026, 3, 9), ())
    return Reporter(study, Crowd.of(scorer.bundle.population, scorer.bundle.config.scale), heading)


@pytest.fixture(scope="module")
def case(reporter: Reporter) -> Case:
    rows = stating_table(1, 5).drop(columns="outcome").assign(statement=TEXT, annual_income=60_000)
    return reporter.study.study(read_frame(rows, reporter.bundle.schema).applications)


def test_the_value_stands_with_the_sentence_that_states_it(reporter: Reporter, case: Case) -> None:
    report = reporter.underwriter(case)
    column = next(one for one in report.columns if one.name == "stated_income")
    assert (column.fact.title, column.fact.value, column.fact.unit) == ("Stated income", 6000.0, "USD per year")
    (statement,) = column.statements
    assert "".join(one.text for one in statement.text.passages) == "I earn $500 a month, since 2020."
    assert "$500" in next(one.text for one in statement.text.passages if one.marked)
    assert statement.place == 2
    assert statement.points == pytest.approx(column.points)
    part = next(one for one in validator_report(reporter, case).contributions if one.name == "stated_income")
    assert part.statements == column.statements


def test_pages_mark_what_is_stated_and_run_nothing(reporter: Reporter, case: Case) -> None:
    for page in (underwriter_html(reporter.underwriter(case)), validator_html(validator_report(reporter, case))):
        assert re.search(r"<mark>[^<]*\$500[^<]*</mark>", page)
        assert "<b there" not in page


def test_a_contradiction_stands_with_both_its_places(reporter: Reporter, case: Case) -> None:
    report = reporter.underwriter(case)
    (one,) = report.contradictions
    assert (one.name, one.given.value, one.stated.value) == ("income", 60_000.0, 6000.0)
    assert "".join(part.text for part in one.text.passages) == "I earn $500 a month, since 2020."
    assert "contradiction:income" in case.quality
    (flag,) = [flag for flag in report.quality if flag.flag == "contradiction:income"]
    assert flag.words.startswith("What is written contradicts the form: The income in the statement is another")
    page = underwriter_html(report)
    assert 'id="contradictions"' in page
    assert "60,000" in page


def test_the_applicant_reads_the_value_and_the_own_sentence(reporter: Reporter, case: Case) -> None:
    place = [reason.code for reason, _ in case.reasons].index("STATED_INCOME")
    behind = reporter.grounds(case)[place]
    assert [fact.title for fact in behind.facts] == ["Stated income", case.application.schema["statement"].title]
    reason = case.reasons[place][0]

    def sentence(private: bool) -> str:  # an encoder of random weights finds anything
        found = reason_sentence(reason, replace(behind, sensitive=private), ENGLISH)
        assert found is not None
        return "".join(part.text for part in found.passages)

    assert "$6,000 per year" in sentence(private=False)
    assert sentence(private=False).endswith(" You wrote: “I earn $500 a month, since 2020.”")
    assert "You wrote" not in sentence(private=True)


def test_with_nothing_written_nothing_is_stated(reporter: Reporter, case: Case) -> None:
    unwritten = stating_table(1, 5).drop(columns="outcome").assign(statement="", job_title="", annual_income=60_000)
    silent = reporter.study.study(read_frame(unwritten, reporter.bundle.schema).applications)
    assert silent.stated == ()
    assert case.outcomes.silent == pytest.approx(silent.outcomes.fused, abs=1e-9)
