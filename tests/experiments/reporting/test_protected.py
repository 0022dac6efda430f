from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from experiments.probe.report import Added, ProtectedReport, Reading, verdict
from experiments.reporting.protected import SHORT, THRESHOLDS, VERDICTS, added, protected_html
from tests.support import example_protected
from tests.support.hostile import HOSTILE, filled, leaves


def text(html: str) -> str:
    """What can be read, without tags and the style sheet."""
    body = re.sub(r"<(style|svg).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", body))


def test_every_figure_stands_in_the_page() -> None:
    report = example_protected.report()
    shown = text(protected_html(report))
    for attribute in report.attributes:
        for reading in attribute.readings:
            for value in (reading.auc, reading.low, reading.high):
                assert f"{value:.3f}" in shown, (attribute.name, reading.source)
            assert f"{reading.n:,}" in shown
            for group in reading.groups:
                assert f"{group.auc:.3f}" in shown
        for one in attribute.groups:
            assert f"{one.n:,}" in shown
    for n in (report.n_rows, report.n_rejected, report.n_read, report.n_rows - report.n_rejected):
        assert f"{n:,}" in shown


def test_every_text_stands_in_the_page() -> None:
    report = example_protected.report()
    shown = protected_html(report)
    for path, value in leaves(report.model_dump()):
        if isinstance(value, str) and path[-1] not in ("report", "source", "verdict"):
            assert value in shown, path


def test_it_is_said_in_words() -> None:
    shown = text(protected_html(example_protected.report()))
    assert (
        "From the narratives alone, Sex can be told hardly better than by chance (AUC 0.522, 0.503 to 0.541)." in shown
    )
    assert "From the model's score alone, Sex cannot be told better than by chance (AUC 0.507" in shown.replace(
        "&#39;", "'"
    )
    assert "From the structured columns alone, Age can be told well (AUC 0.921" in shown
    assert "From the narratives alone it could not be judged: nobody wrote anything." in shown
    assert "Day of birth could not be judged: no group has 50 rows." in shown
    assert "not stated too small to judge, left out" in shown
    assert "Not judged from the narratives alone: nobody wrote anything." in shown
    assert "The narratives add to what the columns tell (AUC +0.027, +0.011 to +0.043" in shown
    assert "cut before anything was read" in shown


@pytest.mark.parametrize(
    ("gain", "says"),
    [
        ((0.02, 0.01, 0.03), "^The narratives add"),
        ((0.01, -0.01, 0.03), "is not shown .*columns alone\\)\\.$"),
        ((-0.02, -0.03, -0.01), "is not shown .* blur the guess"),
    ],
)
def test_what_narratives_add(gain: tuple[float, float, float], says: str) -> None:
    assert re.search(says, added(Added(difference=gain[0], low=gain[1], high=gain[2])))


@pytest.mark.parametrize(
    ("figures", "word"),
    [
        ((0.5, 0.48, 0.52), "chance"),
        ((0.45, 0.42, 0.48), "chance"),
        ((0.52, 0.49, 0.55), "unsure"),
        ((0.70, 0.45, 0.95), "unsure"),
        ((0.52, 0.51, 0.53), "hardly"),
        ((0.5499, 0.51, 0.58), "hardly"),
        ((0.55, 0.51, 0.59), "somewhat"),
        ((0.65, 0.60, 0.70), "clearly"),
        ((0.80, 0.75, 0.85), "well"),
        ((1.0, 1.0, 1.0), "well"),
    ],
)
def test_words_follow_the_figures(figures: tuple[float, float, float], word: str) -> None:
    assert verdict(*figures) == word
    assert set(SHORT) == set(VERDICTS) == set(THRESHOLDS)
    assert word in SHORT


def test_pictures_have_a_table_and_the_page_needs_nothing_else() -> None:
    html = protected_html(example_protected.report())
    assert html.count("<svg") == html.count('aria-hidden="true" focusable="false"')
    assert not re.search(r"<(script|link|img|iframe|form|object)|\son\w+=|\sstyle=|src=|href=", html)
    assert re.search('Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-', html)
    assert not re.search("<th(?![^>]*scope=)(?!ead)", html)
    ids = re.findall(' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall('aria-labelledby="([^"]+)"', html)) <= set(ids)


@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_text_is_escaped(attack: str) -> None:
    html = protected_html(filled(example_protected.report(), HOSTILE[attack]))
    plain = protected_html(filled(example_protected.report(), "x"))
    marks = [re.findall(r"<(?!/?bdi|/?abbr|wbr|span class=\"more\"|/span)[^>]+>", page) for page in (html, plain)]
    tags = [[re.match(r"</?\w+|<!\w+", mark)[0] for mark in page] for page in marks]  # type: ignore[index]
    assert tags[0] == tags[1]


def changed(**changes: Any) -> dict[str, Any]:
    return example_protected.report().model_dump() | changes


@pytest.mark.parametrize(
    ("document", "match"),
    [
        (changed(n_read=9951), "must sum to n_read"),
        (changed(n_rows=9960), "more rows were read"),
        (changed(attributes=()), "at least 1 item"),
        (changed(version=2), "Input should be 1"),
        (changed(extra=1), "Extra inputs"),
    ],
)
def test_a_report_adds_up(document: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        ProtectedReport.model_validate(document)


@pytest.mark.parametrize(
    "changes", [{"verdict": "well"}, {"low": 0.53, "verdict": "hardly"}, {"high": 0.51, "verdict": "hardly"}]
)
def test_a_word_that_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    reading = example_protected.sex().readings[0].model_dump()
    with pytest.raises(ValidationError, match="does not fit"):
        Reading.model_validate(reading | changes)


def test_json_is_canonical() -> None:
    report = example_protected.report()
    written = report.model_dump_json()
    assert ProtectedReport.model_validate_json(written) == report
    assert ProtectedReport.model_validate_json(written).model_dump_json() == written
