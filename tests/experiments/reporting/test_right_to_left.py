"""Pages in languages that are written from right to left."""

from __future__ import annotations

from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.pofile import write_po

from experiments.reporting.catalogues import language_of
from experiments.reporting.decision import pages
from experiments.reporting.language import Language
from experiments.reporting.right_to_left import MARK, directed, with_marks
from tests.support import example_reports

LTR = f"{MARK}%s{MARK}".__mod__


def arabic(folder: Path, catalogue: Catalog) -> Language:
    """The language of a catalogue, as --language reads it."""
    with (folder / "ar.po").open("wb") as file:
        write_po(file, catalogue)
    return language_of(str(folder / "ar.po"))


@pytest.mark.parametrize(
    ("page", "marked"),
    [
        ("<p>بمقدار −103.5.</p>", f"<p>بمقدار {LTR('−103.5')}.</p>"),
        ("<p>منها 51.0%</p>", f"<p>منها {LTR('51.0%')}</p>"),
        ("<dd>&lt;\u202f1%</dd>", "<dd>" + LTR("&lt;\u202f1%") + "</dd>"),
        ("<td>2021-01-31</td>", f"<td>{LTR('2021-01-31')}</td>"),
        ('<td class="w3" width="12">the applicant&#39;s</td>', '<td class="w3" width="12">the applicant&#39;s</td>'),
        ("<p>رقم <bdi>A-104</bdi> (+4)</p>", f"<p>رقم <bdi>A-104</bdi> ({LTR('+4')})</p>"),
        (
            "<style>p { margin: 0 4% }</style><code>37df 12</code>",
            "<style>p { margin: 0 4% }</style><code>37df 12</code>",
        ),
    ],
)
def test_numbers_of_ours_keep_their_signs_beside_them(page: str, marked: str) -> None:
    assert with_marks(page) == marked


def test_isolated_texts_say_the_direction_of_their_first_letter() -> None:
    page = '<bdi>12 Harbour Street</bdi><bdi class="long">«قرض» loan</bdi><bdi>+1 555 <wbr>0100</bdi>'
    assert [part.split('"')[0] for part in directed(page).split('dir="')[1:]] == ["ltr", "rtl", "ltr"]


def test_pages_of_such_a_language_say_so_and_mark_their_numbers(tmp_path: Path) -> None:
    language = arabic(tmp_path, Catalog(locale="ar"))
    page = pages.underwriter_html(example_reports.underwriter(), language)
    assert '<html lang="ar" dir="rtl">' in page
    assert all(part.startswith(MARK) for part in page.split('aria-hidden="true">▼</span> ')[1:])
    assert MARK not in pages.underwriter_html(example_reports.underwriter())


def test_a_plural_without_translation_stays_as_it_is_in_english(tmp_path: Path) -> None:
    catalogue = Catalog(locale="ar")
    catalogue.add(("{n} sentence", "{n} sentences"), ("", "", "", "", "", ""))
    words = arabic(tmp_path, catalogue)
    assert [words.ngettext("{n} sentence", "{n} sentences", n) for n in (1, 2, 11)] == [
        *("{n} sentence", "{n} sentences", "{n} sentences")
    ]
