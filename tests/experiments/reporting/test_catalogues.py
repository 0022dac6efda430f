"""The languages of letters and pages: their catalogues are complete, and a lender can bring another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from data_schemas.errors import ContractError
from experiments.reporting.catalogues import check_placeholders, language_of, shipped, shipped_catalogue
from experiments.reporting.decision.pages import applicant_html, underwriter_html
from experiments.reporting.language import ENGLISH
from experiments.reporting.messages import shipped_template
from experiments.reporting.words import in_words, number, percent
from tests.support import example_reports

ARABIC = """
msgid ""
msgstr ""
"Language: ar\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

msgid "We cannot approve your application"
msgstr "لا يمكننا الموافقة على طلبك"

msgid "{title}: {after} instead of {before}"
msgstr "{title}: {after} بدلا من {before}"
"""


def messages(catalogue: Catalog) -> Iterator[Message]:
    return (message for message in catalogue if message.id)


def key(message: Message) -> tuple[str | None, object]:
    return message.context, message.id


@pytest.mark.parametrize("code", shipped())
def test_every_message_is_translated(code: str) -> None:
    """Brought up to date by ``python -m experiments.reporting.messages``; then translate what is empty."""
    catalogue = shipped_catalogue(code)
    translated = {key(one): one for one in messages(catalogue) if one.string and all(one.string) and not one.fuzzy}
    wanted = {key(one) for one in messages(shipped_template())}
    assert len(wanted) > 600
    assert sorted(map(str, wanted - translated.keys())) == []
    assert sorted(map(str, translated.keys() - wanted)) == []
    check_placeholders(catalogue, code)


def test_chinese_pages_hold_no_english_of_ours() -> None:
    chinese = language_of("zh")
    for page in (
        applicant_html(example_reports.notice(), chinese),
        underwriter_html(example_reports.underwriter(), chinese),
    ):
        assert '<html lang="zh">' in page
        text = page.split("<body", 1)[1]
        for english in ("Application", "Why", "instead of", "Probability", "Principal reasons", " sentences<"):
            assert f">{english}" not in text


def test_numbers_money_and_days_follow_the_language(tmp_path: Path) -> None:
    (tmp_path / "de.po").write_text('msgid ""\nmsgstr "Language: de\\n"\n', encoding="utf-8")
    german, chinese = language_of(str(tmp_path / "de.po")), language_of("zh")
    assert number(-1234.5, 1, german) == "−1.234,5"
    assert percent(0.1234, 1, chinese) == "12.3%"
    assert in_words(52_000.0, "USD per year", chinese) == "每年US$52,000"
    assert in_words(18_500.0, "EUR", german) == "18.500\xa0€"
    assert in_words(3.0, "inquiries", chinese) == "3次查询"
    assert chinese.day(example_reports.DAY) == "2026年3月9日"
    assert in_words(1.0, "years", ENGLISH) == "1 year"


def test_a_lenders_file_brings_another_language_from_right_to_left(tmp_path: Path) -> None:
    (tmp_path / "ar.po").write_text(ARABIC, encoding="utf-8")
    arabic = language_of(str(tmp_path / "ar.po"))
    page = applicant_html(example_reports.notice(), arabic)
    assert '<html lang="ar" dir="rtl">' in page
    assert "لا يمكننا الموافقة على طلبك" in page
    assert "بدلا من" in page
    assert "What weighed most in our decision" in page  # the file lacks it
    assert '<bdi dir="auto">Monthly debt payments over monthly income</bdi>' not in page.split("<body")[0]


def test_what_a_lenders_file_lacks_comes_from_the_shipped_catalogue(tmp_path: Path) -> None:
    text = 'msgid ""\nmsgstr "Language: zh\\n"\n\nmsgid "Why"\nmsgstr "为何"\n'
    (tmp_path / "own.po").write_text(text, encoding="utf-8")
    own = language_of(str(tmp_path / "own.po"))
    assert own.gettext("Why") == "为何"
    assert own.gettext("What would help") == "怎样会有帮助"
    assert own.gettext("A wording of the lender's own.") == "A wording of the lender's own."


def test_a_reason_from_a_source_is_translated_part_by_part() -> None:
    chinese = language_of("zh")
    assert chinese.composed("From your credit bureau record: The number of your accounts.") == (
        "来自您的征信记录：您的账户数。"
    )
    assert chinese.composed("Nobody: knows") == "Nobody: knows"
    assert ENGLISH.composed("From your record: The number.") == "From your record: The number."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (None, "cannot be read: No such file"),
        ('msgid ""\nmsgstr "X: y\\n"\n', "does not say its language"),
        ('msgid "broken', "is no catalogue"),
        ("not a catalogue at all", "is no catalogue"),
        (
            'msgid ""\nmsgstr "Language: fr\\n"\n\nmsgid "of {n}"\nmsgstr "de {m}"\n',
            "'de {m}' does not hold the values of 'of {n}'",
        ),
        (
            'msgid ""\nmsgstr "Language: fr\\n"\n\nmsgid "of {n}"\nmsgstr "de {n"\n',
            "'de {n' does not hold the values of 'of {n}'",
        ),
    ],
)
def test_a_file_that_is_no_catalogue_is_refused(text: str | None, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "x.po"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError) as raised:
        language_of(str(path))
    assert fault in str(raised.value)


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(ContractError, match="no catalogue for the language 'xx'"):
        language_of("xx")
