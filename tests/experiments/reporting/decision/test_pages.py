from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import product
from pathlib import Path as FilePath

import jinja2
import pytest
from pydantic import ValidationError

from experiments.reporting import words
from experiments.reporting.catalogues import language_of
from experiments.reporting.decision import pages
from experiments.reporting.decision.answers import AnswerSheet
from experiments.reporting.decision.applicant import ApplicantNotice
from experiments.reporting.decision.index import IndexPage, Link
from experiments.reporting.decision.underwriter import UnderwriterReport
from experiments.reporting.decision.validator import ValidatorReport
from experiments.reporting.json_reports import Report
from experiments.reporting.parts import Fact, ReferReason
from tests.support import example_reports
from tests.support.hostile import HOSTILE, Path, filled, leaves, with_leaf
from tests.support.work import calls

EXAMPLES: dict[str, Callable[[], Report]] = {
    "underwriter": example_reports.underwriter,
    "applicant": example_reports.notice,
    "answers": example_reports.answers,
    "validator": example_reports.validator,
    "index": example_reports.index,
}
CSS = (FilePath(words.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
INVISIBLE = "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
BLOCKS = {"td", "th", "p", "li", "dt", "dd", "h1", "h2", "h3", "section", "summary"}
VOID = {"meta", "br", "wbr", "line", "rect", "circle"}


def page(report: Report) -> str:
    """The page of a report of any kind."""
    if isinstance(report, UnderwriterReport):
        return pages.underwriter_html(report)
    if isinstance(report, ApplicantNotice):
        return pages.applicant_html(report)
    if isinstance(report, AnswerSheet):
        return pages.answers_html(report)
    if isinstance(report, ValidatorReport):
        return pages.validator_html(report)
    assert isinstance(report, IndexPage), "the report of a sweep has tests of its own"
    return pages.index_html(report)


class Reader(HTMLParser):
    """What a browser would see: the tags with their attributes, and the text; fails where tags do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.words.append(" " if tag in BLOCKS else "")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "text"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"[ \n]+", " ", "".join(self.words))


def expected(path: Path, value: float, report: Report) -> str | None:
    """How a number of a report must read on its page; None for the version, which no reader needs."""
    keys = [part for part in path if isinstance(part, str)]
    key, parent = keys[-1], keys[-2] if len(keys) > 1 else ""
    validator = isinstance(report, ValidatorReport)
    if key == "version":
        return None
    if key in ("value", "before", "after"):
        unit = str(_at(report, (*path[:-1], "unit")))
        return re.sub("<[^>]*>", "", words.value(Fact(title="", value=value, unit=unit)))
    if key == "pd" and validator:
        return words.percent(value, 4)
    if key in ("pd", "bad_rate") or (parent == "similar" and key in ("low", "high")):
        return words.percent(value)
    if key in ("log_odds", "margin", "base", "total", "stacker", "head"):
        return words.log_odds(value)
    if key == "points" and not validator:
        return words.points(value) if parent == "reasons" else words.signed(value, 1)
    forms: dict[str, Callable[[float], str]] = {
        "share_below": lambda share: words.percent(share, 0),
        "distance": words.points,
        "narrative_points": words.points,
        "points": lambda points: words.signed(points, 2),
        "points_per_log_odds": lambda points: words.signed(points, 4),
        "reconciliation": words.scientific,
        "n_orders": lambda n: words.number(n) if n else "all",
        "similarity": lambda cosine: words.number(cosine, 3),
        "seed": lambda seed: f"Seed {seed}",
    }
    if key == "error":
        return (words.number(value, 6) if value else "0") if validator else words.error(value)
    if key == "starting_score" or (key == "score" and validator):
        return words.number(value, 2 if validator else 1)
    return forms.get(key, words.number)(value)


def _at(node: object, path: Path) -> object:
    for part in path:
        node = node[part] if isinstance(part, int) else getattr(node, part)  # type: ignore[index]
    return node


def numbers(report: Report) -> list[tuple[Path, float]]:
    """Every number of a report, with its path; yes and no are none."""
    return [(p, v) for p, v in leaves(report.model_dump()) if isinstance(v, int | float) and not isinstance(v, bool)]


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_number_stands_in_the_page(kind: str) -> None:
    report = EXAMPLES[kind]()
    text = Reader(page(report)).text
    for path, value in numbers(report):
        words_of_it = expected(path, value, report)
        if words_of_it is not None:
            assert re.search(rf"(?<![\d.,]){re.escape(words_of_it)}(?![\d.,]\d)(?!\d)", text), (path, words_of_it)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_number_moves_the_page(kind: str) -> None:
    report = EXAMPLES[kind]()
    before = page(report)
    for path, value in leaves(report.model_dump()):
        if path != ("version",) and isinstance(value, bool | int | float):
            assert page(with_leaf(report, path, _moved)) != before, path


def _moved(value: object) -> object:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else float(str(value)) + 3.37


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_text_stands_in_the_page(kind: str) -> None:
    report = EXAMPLES[kind]()
    text = Reader(page(report)).text
    no_text = {"report", "decision", "kind", "sentence_method", "unit", "key", "rules", "language"}
    for path, value in leaves(report.model_dump()):
        canonical_only = path[-1] in ("name", "source") and isinstance(report, UnderwriterReport | ApplicantNotice)
        if isinstance(value, str) and path[-1] not in no_text and not canonical_only and "links" not in path:
            assert value in text, path


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_page_is_one_file_under_a_strict_policy(kind: str) -> None:
    html = page(EXAMPLES[kind]())
    read = Reader(html)
    names = {tag for tag, _ in read.tags}
    assert not names & {"script", "link", "img", "iframe", "form", "object", "embed", "base", "foreignobject"}
    for tag, attributes in read.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on") or name == "src"], tag
        assert re.fullmatch(r"#\w+|[\w~-]+\.html", attributes.get("href") or "#x"), attributes
    (policy,) = [found["content"] for tag, found in read.tags if found.get("http-equiv") == "Content-Security-Policy"]
    style = re.search("<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert html.count("<style") == 1
    assert "url(" not in CSS
    assert "@import" not in CSS


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_page_can_be_read_without_eyes(kind: str) -> None:
    read = Reader(page(EXAMPLES[kind]()))
    names = [tag for tag, _ in read.tags]
    assert dict(read.tags)["html"]["lang"] == "en"
    assert [names.count(tag) for tag in ("main", "h1", "title")] == [1, 1, 1]
    ids = [found["id"] for _, found in read.tags if "id" in found]
    assert len(ids) == len(set(ids))
    for tag, found in read.tags:
        if tag == "th":
            assert found["scope"] in ("row", "col", "rowgroup")
        if tag == "svg":
            assert found.get("aria-hidden") == "true" or found.get("aria-label")
        if tag == "section":
            assert found.get("aria-label") or found.get("aria-labelledby") in ids
        if tag == "a" and str(found["href"]).startswith("#"):
            assert str(found["href"])[1:] in ids


def test_every_picture_stands_in_a_table_or_beside_one() -> None:
    html = pages.underwriter_html(example_reports.underwriter())
    outside = re.sub(r"<table.*?</table>", "", html, flags=re.DOTALL)
    assert outside.count("<svg") == 1  # the histogram
    assert re.search(r"</figure>\s*<details class=\"numbers\">.*?<div class=\"triple\">", outside, re.DOTALL)


@pytest.mark.parametrize("attack", HOSTILE)
@pytest.mark.parametrize("kind", EXAMPLES)
def test_hostile_text_stays_text(kind: str, attack: str) -> None:
    report, text = EXAMPLES[kind](), HOSTILE[attack]
    clean, attacked = Reader(page(report)), page(filled(report, text))
    read = Reader(attacked)
    added = {tag for tag, _ in read.tags} - {tag for tag, _ in clean.tags}
    assert added <= {"abbr", "span", "wbr"}
    attributes = {name for _, found in read.tags for name in found}
    assert attributes - {name for _, found in clean.tags for name in found} <= {"title"}
    assert not re.search(INVISIBLE, attacked)
    assert len(attacked) < 400_000
    if text.strip():
        start = re.split("[^\x20-\x7e\u0600-\u06ff]", text)[0][:60]
        assert start in read.text


def test_what_is_left_out_is_counted_on_the_page_and_kept_in_json() -> None:
    report = filled(example_reports.underwriter(), HOSTILE["megabyte"])
    assert "more characters" in Reader(page(report)).text
    assert UnderwriterReport.model_validate_json(report.model_dump_json()) == report


def empty_handed() -> UnderwriterReport:
    """An approved applicant of one column who wrote nothing and whom nothing speaks against."""
    report = example_reports.underwriter()
    column = report.columns[-1]
    result = example_reports.result(report.starting_score + column.points)
    return report.model_validate(
        report.model_dump()
        | {
            "result": result,
            "cut_off": report.cut_off.model_copy(update={"distance": result.score - report.cut_off.score}),
            "columns": (column,),
            "narratives": (report.narratives[0].model_copy(update={"points": 0.0, "sentences": ()}),),
            "narrative_points": 0.0,
            "reasons": (),
            "needs_review": False,
            "quality": (),
            "similar": None,
            "changes": (),
            "narrative_effect": None,
            "sources": (),
        }
    )


def test_an_applicant_with_nothing_against_and_nothing_written() -> None:
    text = Reader(page(empty_handed())).text
    for words_of_it in (
        "Nothing speaks against this applicant",
        "Nothing was written.",
        "Approved as it stands.",
        "Nothing is missing or unknown.",
        "There are no past outcomes",
        "No column takes points away.",
    ):
        assert words_of_it in text
    assert "must look" not in text
    assert "other" not in Reader(page(empty_handed())).text.split("Principal reasons")[0]


def test_a_declined_applicant_without_a_way_back() -> None:
    report = example_reports.underwriter().model_copy(update={"changes": ()})
    assert "None found: no change" in Reader(page(report)).text


def test_a_notice_shows_no_internals() -> None:
    report = example_reports.underwriter()
    plain = example_reports.notice().model_copy(update={"rules": "plain", "score": None, "disclosures": ()})
    text = Reader(page(plain)).text
    for secret in ("points", "score", "probability", "model", "PD", "operation", "medical", "DTI"):
        assert secret not in text
    for column in report.columns:
        assert words.signed(column.points, 1) not in text
    assert "Not to be sent yet." in text
    assert "will explain any further reason to you in person." in text


@pytest.mark.parametrize(
    ("decision", "reasons", "needs_review", "must", "must_not"),
    [
        ("approve", False, False, "glad to approve", "Why"),
        ("approve", True, False, "What counted against it, although we approve it", "cannot"),
        ("decline", False, True, "will give you its reasons in person", "the heaviest first"),
        ("decline", True, False, "the heaviest first", "Not to be sent"),
    ],
)
def test_a_notice_says_what_is_the_case(
    decision: str, reasons: bool, needs_review: bool, must: str, must_not: str
) -> None:
    notice = example_reports.notice()
    changes = {"decision": decision, "needs_review": needs_review, "suggestions": ()}
    changes |= {"lender": "", "contact": "", "disclosures": ()} | ({} if reasons else {"reasons": ()})
    text = Reader(page(ApplicantNotice.model_validate(notice.model_dump() | changes))).text
    assert must in text
    assert must_not not in text
    assert "What would help" not in text


def test_a_referral_is_no_adverse_decision_and_names_what_may_be_needed() -> None:
    notice = example_reports.notice().model_dump() | {"decision": "refer", "needs_review": False}
    with pytest.raises(ValidationError, match="its letter gives no reasons"):
        ApplicantNotice.model_validate(notice)
    bare = notice | {"reasons": (), "suggestions": ()}
    text = Reader(page(ApplicantNotice.model_validate(bare | {"needed": ("Not given: Annual income",)}))).text
    assert "A person is looking at your application" in text
    assert "has not been decided yet" in text
    assert "Not given: Annual income" in text
    for adverse in ("cannot approve", "Why", "counted against", "What would help", "Not to be sent"):
        assert adverse not in text
    assert "What we may ask you about" not in Reader(page(ApplicantNotice.model_validate(bare))).text
    with pytest.raises(ValidationError, match="only of who is referred"):
        ApplicantNotice.model_validate(bare | {"decision": "approve", "needed": ("Not given: Annual income",)})


def test_a_decline_without_a_reason_is_for_a_person() -> None:
    notice = example_reports.notice().model_dump() | {"reasons": (), "needs_review": False, "decision": "decline"}
    with pytest.raises(ValidationError, match="a decline without a reason is for a person"):
        ApplicantNotice.model_validate(notice)


def test_the_underwriter_reads_why_a_person_decides() -> None:
    report = example_reports.underwriter()
    policy = report.policy.model_copy(update={"kind": "bundle", "decline": 0.3, "segment": "Term: 60"})
    cut_off = report.cut_off.model_copy(update={"declined_below": 488.0})
    referred = report.model_copy(
        update={
            "result": report.result.model_copy(update={"decision": "refer"}),
            "policy": policy,
            "cut_off": cut_off,
            "refer_reasons": (ReferReason(reason="no_narrative", words="The applicant wrote nothing."),),
        }
    )
    text = Reader(page(referred)).text
    assert "A person decides this application." in text
    assert "The applicant wrote nothing." in text
    assert "declined below 488" in text
    assert "the policy in the bundle" in text
    assert "(Term: 60)" in text
    assert "A person decides this application." not in Reader(page(report)).text


def test_an_empty_index() -> None:
    report = example_reports.index()
    empty = {"entries": (), "n_approved": 0, "n_declined": 0, "n_review": 0, "n_referred": 0}
    empty |= {"chosen": "", "n_left_out": 0, "n_rejected": 0, "rejected": ()}
    text = Reader(page(IndexPage.model_validate(report.model_dump() | empty))).text
    assert "No application was asked for." in text
    assert "Rejected" not in text
    assert "Chosen" not in text


@pytest.mark.parametrize(("method", "exact", "fast"), [("exact", 1, 0), ("fast", 0, 1), ("mixed", 1, 1)])
def test_a_report_says_how_sentences_were_read(method: str, exact: int, fast: int) -> None:
    for report in (example_reports.underwriter(), example_reports.validator()):
        text = Reader(page(report.model_copy(update={"sentence_method": method}))).text
        assert [text.count("Read again: "), text.count("Estimated: ")] == [exact, fast]


@pytest.mark.parametrize(("n_orders", "rough"), [(0, False), (4, True), (14, True), (16, False), (128, False)])
def test_errors_from_few_orders_are_rough(n_orders: int, rough: bool) -> None:
    report = example_reports.validator()
    sentence = report.sentences[0].model_copy(update={"n_orders": n_orders, "error": 0.01})
    text = Reader(page(report.model_copy(update={"sentences": (sentence,)}))).text
    assert sentence.rough == rough
    assert ("0.010000 (rough)" in text) == rough
    assert ("marked as rough" in text) == rough
    assert ("number of sampled orders" in text) == (n_orders > 0)


@pytest.mark.parametrize("has_reasons", [True, False])
def test_a_page_says_why_a_person_must_look(has_reasons: bool) -> None:
    report = example_reports.underwriter()
    changes = {"review_causes": ("The value of purpose is a code.",)} | ({} if has_reasons else {"reasons": ()})
    text = Reader(page(report.model_copy(update=changes))).text
    assert "The value of purpose is a code." in text
    assert text.count("must look at this decision") == 1
    assert ("nothing lifts the score to the cut-off" in text) == (not has_reasons)


def test_a_letter_says_why_it_is_not_to_be_sent() -> None:
    notice = example_reports.notice().model_copy(update={"review_causes": ("The value of purpose is a code.",)})
    before = Reader(page(notice)).text.partition("We cannot approve your application")[0]
    assert "Not to be sent yet. A person must look at this decision first." in before
    assert "The value of purpose is a code." in before


def test_templates_are_read_once_for_all_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    report = example_reports.underwriter()
    first = page(report)
    monkeypatch.delattr(jinja2.Environment, "compile")
    monkeypatch.delattr(jinja2.PackageLoader, "get_source")
    assert page(report) == first
    assert calls(lambda: page(report)) < 50_000


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_stands_out_in_light_and_dark() -> None:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
    light, dark = (dict(re.findall(r"--(\w+): (#\w{6});", block)) for block in blocks)
    assert light.keys() == dark.keys()
    assert light["paper"] != dark["paper"]
    for scheme in (light, dark):
        for ink, ground in product(("ink", "muted", "accent"), ("paper", "card", "wash")):
            assert contrast(scheme[ink], scheme[ground]) >= 4.5, (ink, ground)
        assert contrast(scheme["hollow"], scheme["card"]) >= 3  # the outline of a bar
    assert contrast(light["accent"], "#ffffff") >= 4.5
    assert contrast(dark["accent"], "#16191b") >= 4.5


def test_an_underwriter_reads_the_reasons_before_the_picture() -> None:
    html = pages.underwriter_html(example_reports.underwriter())
    places = [html.index(f'<h2 id="{section}">') for section in ("reasons", "points", "place", "narrative", "changes")]
    assert places == sorted(places)


def test_chinese_sentences_follow_each_other_without_a_space() -> None:
    language = language_of("zh")
    html = pages.underwriter_html(example_reports.underwriter(), language)
    assert re.findall("。 [\u4e00-\u9fff]", html) == []
    assert re.findall("[\u4e00-\u9fff][,:;] ", html) == []


def test_the_index_names_its_figures_where_they_have_no_heads() -> None:
    language = language_of("zh")
    html = pages.index_html(example_reports.index(), language)
    assert [language.gettext(name) for name in ("Row", "Score", "PD")] == re.findall('data-name="(.*?)"', html)[:3]
    assert "content: attr(data-name)" in CSS


def test_files_of_one_report_stand_together() -> None:
    links = tuple(
        Link(words=words, file=file)
        for words, file in (("underwriter", "A-u.html"), ("underwriter (JSON)", "A-u.json"), ("applicant", "A-a.html"))
    )
    assert [[link.file for link in line] for line in pages.link_lines(links)] == [
        ["A-u.html", "A-u.json"],
        ["A-a.html"],
    ]
