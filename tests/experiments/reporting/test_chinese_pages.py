"""Pages in Chinese, as the verbs make them: nothing of ours stays English, and they can be used by all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from data_schemas.fields import Derived, Field
from data_schemas.reader import load_schema
from experiments.demo.data import generate
from experiments.reporting.catalogues import language_of
from experiments.reporting.decision.pages import validator_html
from experiments.reporting.html import document_html
from experiments.reporting.language import speaking
from fusion.model.search_space import full_space
from fusion.versions import package_versions
from fusion.watch.rules import load_rules
from tests.support import example_protected, example_reports, example_study
from tests.support.axe import axe_script, violations
from tests.support.command_line import creditfusion
from tests.support.english import english_on
from tests.support.explained import DAY, Trained

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

LIBRARIES = frozenset(word for name in package_versions() for word in (*name.split("-"), "cpu"))
OWN = frozenset({"statement", "job", "title", "job_title", "model", "later", "csv", "sex"}) | LIBRARIES
"""Names of columns, files, bundles and libraries."""


def test_english_words_are_found_wherever_they_stand() -> None:
    picture = "data:image/svg+xml,%3Csvg%3E%3Ctext%3Emean PD%3C/text%3E%3C/svg%3E"
    page = f"""<body class="x"><h1>校准</h1><p>坏账率为 3.2%，见 <code>rate of bads</code>和 `creditfusion probe`。</p>
    <p>Brier 分数 <em>is lower</em></p><td class="text">I lost my job.</td>
    <img alt="bad rates" src="{picture}"></body>"""
    assert english_on(page) == ["is lower", "bad rates", "mean PD"]
    assert english_on(page, frozenset({"lower", "bad", "rates"})) == ["mean PD"]


def watched_words(page: Path) -> set[str]:
    """What a watch names that is none of our words: columns, codes, rules, and words of narratives and of topics."""
    schema = load_schema("demo")
    columns: list[Field | Derived] = [*schema.fields, *schema.derived]
    reasons = [*(column.reason for column in columns), *(concept.reason for concept in schema.concepts)]
    names = [column.name for column in columns] + [reason.code for reason in reasons if reason]
    names += load_rules(None).rules
    for section in json.loads(page.read_text(encoding="utf-8"))["sections"]:
        for table in section["tables"]:
            if table["key"] in ("words_moved", "opinion_topics"):
                names += [cell for row in table["rows"] for cell in row[:2] if isinstance(cell, str)]
    return {word for name in names for word in re.findall("[A-Za-z]+", name)}


def _in_chinese(make: Callable[[], str]) -> str:
    with speaking(language_of("zh")):
        return make()


def test_a_chinese_report_on_protected_attributes_holds_no_english_of_ours() -> None:
    page = _in_chinese(lambda: document_html(example_protected.document()))
    own = {"Instalment", "loans", "sex", "age_band", "not", "stated", "Day", "birth", "born"}
    assert '<html lang="zh">' in page
    assert not english_on(page, frozenset(own))


def test_a_chinese_validator_page_puts_no_english_marks_between_its_sentences() -> None:
    report = example_reports.validator()
    page = validator_html(report, language_of("zh"))
    text = re.sub("<[^>]*>", "", re.sub(r"<(style|code|pre).*?</\1>", "", page, flags=re.DOTALL))
    assert not re.findall(r"[\u4e00-\u9fff][.:;] ?[\u4e00-\u9fff]", text)
    assert not re.findall(r"。 +[\u4e00-\u9fff]", text)
    assert [one.name for one in report.ablations][:2] == ["columns only", "narratives only"]
    assert "仅陈述" in text


def setting_words() -> frozenset[str]:
    """Keys and choices of settings, which are written alike in every language, and the same in lines on a picture."""
    space = full_space()
    names = [word for one in space.dimensions for word in (one.key, *map(str, getattr(one, "choices", ())))]
    return frozenset(re.findall("[A-Za-z]+(?:_[a-z]+)*_?", " ".join(names).replace("_", "_ "))) | {"None", "true"}


def test_a_chinese_report_of_a_sweep_holds_no_english_of_ours() -> None:
    page = _in_chinese(lambda: document_html(example_study.report()))
    of_study = {
        "lending",
        "club",
        "objective",
        "RuntimeError",
        "the",
        "head",
        "did",
        "not",
        "converge",
        "narrative",
        "auto",
    }
    assert not english_on(page, setting_words() | of_study)


pages_of_verbs = pytest.mark.slow  # every verb that makes pages runs once


@pytest.fixture(scope="module")
def chinese_pages(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages by kind, of decided applications over six months."""
    out = tmp_path_factory.mktemp("chinese")
    table = generate(400, 8).table.astype(object)
    table["applied_on"] = [f"2023-{1 + at % 6:02d}-{1 + at % 28:02d}" for at in range(len(table))]
    table["application_id"] = [f"L{at:06d}" for at in range(len(table))]
    pd.DataFrame(table).to_csv(out / "later.csv", index=False)
    shared = ["--data", out / "later.csv", "--date", DAY, "--cache", trained.folder / "cache", "--language", "zh"]
    model = ["--model", trained.model, *shared]
    assert creditfusion("evaluate", *model, "--out", out / "evaluate") == 0
    assert creditfusion("probe", *model, "--out", out / "probe") == 0
    assert creditfusion("watch", *model, "--period", "month", "--out", out / "watch") in (0, 4, 5)
    two = ["--champion", trained.model, "--challenger", trained.model]
    assert creditfusion("compare", *two, *shared, "--out", out / "compare") == 0
    reports = ["--top", 1, "--for", "validator", "--for", "underwriter", "--for", "applicant", "--out", out / "explain"]
    assert creditfusion("explain", *model, *reports) == 0
    explained = {name: next((out / "explain").glob(f"*-{name}.html")) for name in ("underwriter", "validator")}
    return explained | {
        "index": out / "explain" / "index.html",
        "validation": out / "evaluate" / "validation.html",
        "card": out / "evaluate" / "card.html",
        "protected": out / "probe" / "protected.html",
        "comparison": out / "compare" / "comparison.html",
        "watch": out / "watch" / "watch.html",
    }


@pages_of_verbs
def test_chinese_pages_hold_no_english_of_ours(chinese_pages: dict[str, Path]) -> None:
    for kind, path in chinese_pages.items():
        page = path.read_text(encoding="utf-8")
        assert '<html lang="zh">' in page
        found = english_on(page, OWN | (watched_words(path.with_suffix(".json")) if kind == "watch" else set()))
        assert not found, (kind, found)


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page in either colour scheme, without a network."""
    context = browser.new_context(color_scheme=request.param, offline=True)
    yield context.new_page()
    context.close()


@pages_of_verbs
def test_the_first_part_of_a_chinese_validation_is_two_printed_pages(
    chinese_pages: dict[str, Path], browser: Browser
) -> None:
    page = browser.new_page(offline=True)
    page.goto(chinese_pages["validation"].as_uri())
    page.evaluate("document.querySelector('.appendix').remove()")
    first = len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))
    page.close()
    assert first == 2


@pages_of_verbs
def test_chinese_pages_can_be_used_by_all(chinese_pages: dict[str, Path], page: Page) -> None:
    axe_script()  # or skip
    for kind, path in chinese_pages.items():
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path.as_uri())
            assert violations(page) == [], (kind, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (kind, width)
