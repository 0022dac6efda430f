"""Pages as the verbs make them: usable by all, small enough for mail, and true to their form in print."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from experiments.reporting.document import Document, Interval
from experiments.reporting.json_reports import parse_report
from experiments.reporting.words import prose
from tests.support.axe import axe_script, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow  # every verb that makes pages runs once

OF_A_MODEL = (
    *("underwriter", "applicant", "validator", "index", "validation", "card"),
    *("protected", "comparison", "watch", "review"),
)
OF_LEARNING_AND_USE = ("sweep", "pretraining", "tuning", "variants", "experiment")
LARGEST = 300_000  # bytes
PRODUCT = "Synthetic consumer-loan applications"


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page in either colour scheme, without a network."""
    context = browser.new_context(color_scheme=request.param, offline=True)
    yield context.new_page()
    context.close()


def documents(made_pages: dict[str, Path]) -> dict[str, Document]:
    found = {}
    for kind, path in made_pages.items():
        twin = path.with_suffix(".json")
        if twin.exists():
            report = parse_report(twin.read_bytes())
            if isinstance(report, Document):
                found[kind] = report
    return found


def test_every_page_can_be_used_by_all(made_pages: dict[str, Path], page: Page) -> None:
    axe_script()  # or skip
    assert set(made_pages) == {*OF_A_MODEL, *OF_LEARNING_AND_USE}
    for kind, path in made_pages.items():
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path.as_uri())
            assert violations(page) == [], (kind, width)


def test_no_page_is_too_large_for_mail(made_pages: dict[str, Path]) -> None:
    assert {kind: path.stat().st_size for kind, path in made_pages.items() if path.stat().st_size > LARGEST} == {}


def test_the_first_part_of_a_validation_is_two_printed_pages(made_pages: dict[str, Path], browser: Browser) -> None:
    page = browser.new_page(offline=True)
    page.goto(made_pages["validation"].as_uri())
    whole = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    page.evaluate("document.querySelector('.appendix').remove()")
    first = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    page.close()
    assert first == 2
    assert whole > 2


def test_every_picture_of_a_page_is_drawn(made_pages: dict[str, Path], page: Page) -> None:
    for kind, path in made_pages.items():
        page.goto(path.as_uri())
        broken = page.evaluate("[...document.images].filter(one => one.naturalWidth === 0).map(one => one.alt)")
        assert broken == [], kind


def test_no_interval_of_a_share_leaves_its_bounds(made_pages: dict[str, Path]) -> None:
    found = documents(made_pages)
    assert {"validation", "comparison", "protected", "watch"} <= set(found)
    named = {"AUC", "KS", "Average precision", "Brier score", "Bad rate"}
    for kind, document in found.items():
        for table in [table for section in document.sections for table in section.tables]:
            for row in table.rows:
                for column, cell in zip(table.columns, row, strict=True):
                    bounded = column.form == "percent" and column.key != "gain"
                    bounded |= (row[0] in named and column.key == "value") or column.title in named
                    if isinstance(cell, Interval) and bounded:
                        assert cell.low >= 0, (kind, table.key, row[0], cell)
                        assert cell.high <= 1, (kind, table.key, row[0], cell)


def test_a_model_has_a_name_beside_its_digest(made_pages: dict[str, Path]) -> None:
    found = documents(made_pages)
    assert re.match(PRODUCT + r", learned from 500 applications \(digest \w{12}\)", found["tuning"].facts["Model"])
    for kind in found.keys() & set(OF_A_MODEL):
        name = found[kind].facts.get("Model") or found[kind].facts["Champion"]
        assert re.match(
            PRODUCT + r", learned from decisions of \d+ \w+ \d{4} to \d+ \w+ \d{4} \(digest \w{12}\)", name
        ), kind
    for kind in ("underwriter", "validator"):
        subject = json.loads(made_pages[kind].with_suffix(".json").read_text())["subject"]
        assert subject["model_name"].startswith(f"{PRODUCT}, learned from decisions of ")
        assert subject["model_name"] in made_pages[kind].read_text()


def test_findings_that_need_attention_say_what_to_do(made_pages: dict[str, Path]) -> None:
    validation = documents(made_pages)["validation"]
    grave = [finding for finding in validation.findings() if finding.grade in ("concern", "alarm")]
    assert grave
    assert [finding.key for finding in grave if not finding.action] == []
    page = made_pages["validation"].read_text()
    assert all(str(prose(finding.action)) in page for finding in grave[:5])


def test_plots_name_their_figures(made_pages: dict[str, Path]) -> None:
    page = made_pages["validation"].read_text()
    for words in ("the model (AUC 0.", "%3EKS 0.", "%3Eideal%3C"):
        assert words in page, words
    assert page.count("the first pages") == len(documents(made_pages)["validation"].front)


def test_protected_attributes_that_can_be_recovered_are_part_of_a_validation(made_pages: dict[str, Path]) -> None:
    validation = documents(made_pages)["validation"]
    (table,) = [table for section in validation.sections for table in section.tables if table.key == "fairness_proxies"]
    assert [column.key for column in table.columns] == ["attribute", "narratives", "columns", "score"]
    keys = {finding.key for finding in validation.findings()}
    assert {"fairness_proxy_sex", "fairness_proxy_age_band"} <= keys
