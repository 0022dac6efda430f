"""Pages in a real browser: nothing runs, nothing is fetched, everything is text. Skipped where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from experiments.reporting.decision import pages
from experiments.reporting.decision.underwriter import Narrative, Sentence
from experiments.reporting.document import Document
from experiments.reporting.html import LONG_TABLE, document_html
from experiments.schema.review.job import review_html
from tests.support import example_protected, example_reports, example_review, example_study
from tests.support.hostile import HOSTILE, P, filled

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

PAGES: dict[str, Callable[[str | None], str]] = {
    "underwriter": lambda text: pages.underwriter_html(_with(example_reports.underwriter(), text)),
    "applicant": lambda text: pages.applicant_html(_with(example_reports.notice(), text)),
    "validator": lambda text: pages.validator_html(_with(example_reports.validator(), text)),
    "index": lambda text: pages.index_html(_with(example_reports.index(), text)),
    "document": lambda text: document_html(_drawn(_with(example_protected.document(), text))),
    "review": lambda text: review_html(_with(example_review.review(), text)),
    "sweep": lambda text: document_html(_drawn(_with(example_study.report(), text))),
}


def _with(report: P, text: str | None) -> P:
    """The report as it is, or with this text everywhere."""
    return report if text is None else filled(report, text)


def _drawn(document: Document) -> Document:
    """The document with a picture in every plot; its JSON, which was filled, has none."""
    drawn = {"gap": "", "drawing": '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="300"/>'}
    sections = [
        section.model_copy(update={"plots": tuple(plot.model_copy(update=drawn) for plot in section.plots)})
        for section in document.sections
    ]
    return document.model_copy(update={"sections": tuple(sections)})


@dataclass
class OpenedPage:
    """What a page did."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)

    def dismiss(self, dialog: Dialog) -> None:
        """Note a dialog and close it, or the page would wait for ever."""
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def is_quiet(self) -> bool:
        """Whether the page did nothing but show itself."""
        owned = self.page.evaluate("window.owned === undefined && document.scripts.length === 0")
        return bool(owned) and (self.requests, self.dialogs, self.console) == ([self.address], [], [])


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Callable[[str], OpenedPage]]:
    """Opens pages from the disk and watches them; the network is cut."""
    context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)

    page = context.new_page()

    def open_page(html: str) -> OpenedPage:
        file = tmp_path / "page.html"
        file.write_text(html, encoding="utf-8")
        opened = OpenedPage(page, file.as_uri())
        opened.page.on("request", lambda request: opened.requests.append(request.url))
        opened.page.on("dialog", opened.dismiss)
        opened.page.on("console", lambda message: opened.console.append(message.text))
        opened.page.on("pageerror", lambda error: opened.console.append(str(error)))
        opened.page.goto(opened.address, wait_until="load")
        return opened

    yield open_page
    context.close()


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_is_quiet_and_styled(kind: str, visit: Callable[[str], OpenedPage]) -> None:
    opened = visit(PAGES[kind](None))
    assert opened.is_quiet(), opened
    accent = opened.page.evaluate("getComputedStyle(document.querySelector('header')).borderBottomColor")
    assert accent == "rgb(122, 35, 49)"  # so the policy lets its own style sheet through


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize("attack", [None, "wide", "megabyte", "marks", "override"])
def test_a_page_fits_the_window(kind: str, attack: str | None, visit: Callable[[str], OpenedPage]) -> None:
    page = visit(PAGES[kind](attack and HOSTILE[attack])).page
    for width in (320, 375, 800, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_policy_forbids_what_the_escaping_prevents(visit: Callable[[str], OpenedPage]) -> None:
    attack = (
        "<script>window.owned = 1; alert(1)</script><img src=https://attack.invalid/x onerror=alert(1)>"
        "<style>* { display: none }</style><p style='color: red'>x</p>"
    )
    opened = visit(PAGES["index"](None).replace("<main>", "<main>" + attack))
    assert opened.dialogs == []
    assert opened.page.evaluate("window.owned === undefined")
    assert opened.page.locator("main").is_visible()
    violations = [message for message in opened.console if "Content Security Policy" in message]
    assert len(violations) >= 4, opened.console


@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_text_everywhere_stays_text(attack: str, visit: Callable[[str], OpenedPage]) -> None:
    for kind, make in PAGES.items():
        opened = visit(make(HOSTILE[attack]))
        opened.page.mouse.move(400, 300)
        assert opened.is_quiet(), (kind, opened)
        assert opened.page.locator("main").is_visible()


def test_hostile_sentences_can_be_read(visit: Callable[[str], OpenedPage]) -> None:
    report = example_reports.underwriter()
    sentences = tuple(
        Sentence(text=text, points=0.0, error=0.0, concept=None, sensitive=()) for text in HOSTILE.values()
    )
    hostile = Narrative(name="statement", title="Statement", points=0.0, sentences=sentences)
    opened = visit(pages.underwriter_html(report.model_copy(update={"narratives": (hostile,)})))
    texts = opened.page.locator("[aria-labelledby=narrative] .text").all_inner_texts()
    read = dict(zip(HOSTILE, texts, strict=True))
    unchanged = ("script", "attribute", "style", "title", "refresh", "frame", "template", "entity", "address", "arabic")
    assert [read[name] for name in unchanged] == [HOSTILE[name] for name in unchanged]
    assert read["formula"] == f"“{HOSTILE['formula']}”"
    assert read["override"] == "approved U+202Egnp.exeU+202C U+2066innerU+2069 U+200FU+061CU+200BU+2028"
    assert read["control"] == "aU+0000bU+0007cU+001B[31mdU+007FeU+0085fU+FEFF"
    assert read["surrogate"] == "a\ufffdb\ufffdc"
    assert read["megabyte"].startswith("I owe money & <b>rent</b>. I owe")
    assert read["megabyte"].endswith(f"… {len(HOSTILE['megabyte']) - 701:,} more characters")
    assert read["blank"] == ""
    assert opened.is_quiet(), opened


def test_a_printed_page_opens_its_tables(visit: Callable[[str], OpenedPage]) -> None:
    document = _drawn(example_protected.document())
    at = next(at for at, section in enumerate(document.sections) if section.tables)
    table = document.sections[at].tables[0]
    long = table.model_copy(update={"rows": table.rows * (LONG_TABLE // len(table.rows) + 1)})
    section = document.sections[at].model_copy(update={"tables": (long,)})
    page = visit(document_html(document.model_copy(update={"sections": (section,)}))).page
    folded = page.locator("details table").first
    assert not folded.is_visible()
    page.emulate_media(media="print")
    assert folded.is_visible()


@pytest.mark.parametrize(("kind", "most"), [("applicant", 2), ("underwriter", 5)])
def test_a_report_is_few_printed_pages(visit: Callable[[str], OpenedPage], kind: str, most: int) -> None:
    printed = visit(PAGES[kind](None)).page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= most
