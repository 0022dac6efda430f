"""The report on protected attributes: what its document and its page hold."""

from __future__ import annotations

import re

import pytest

from experiments.probe.report import gain_words
from experiments.probe.texts import SHORT, SOURCES, VERDICTS, thresholds
from experiments.reporting.document import Document, Gap, Interval, Table
from experiments.reporting.html import document_html
from experiments.reporting.json_reports import parse_report
from fusion.validation.intervals import Estimate
from fusion.validation.proxy_probe import verdict
from tests.support import example_protected


def text(html: str) -> str:
    """What can be read, without tags and the style sheet."""
    body = re.sub(r"<(style|svg).*?</\1>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", body)).replace("&#39;", "'")


def tables(document: Document) -> dict[str, Table]:
    return {table.key: table for section in document.sections for table in section.tables}


def test_every_figure_stands_in_the_page() -> None:
    probed = example_protected.probed()
    shown = text(document_html(example_protected.document()))
    for attribute in probed.attributes:
        for source, found in attribute.found.items():
            overall = found.accuracy.overall
            for value in (overall.value, overall.low, overall.high):
                assert f"{value:.3f}" in shown, (attribute.field.name, source)
            assert f"{len(found.rows):,}" in shown
            for level in found.accuracy.by_level:
                assert f"{level.value:.3f}" in shown
        for size in attribute.groups.sizes:
            assert f"{size:,}" in shown
    for n in (probed.n_rows, probed.n_rejected, probed.n_read, probed.n_rows - probed.n_rejected):
        assert f"{n:,}" in shown


def test_every_text_stands_in_the_page() -> None:
    probed = example_protected.probed()
    shown = text(document_html(example_protected.document()))
    for attribute in probed.attributes:
        texts = [attribute.field.name, attribute.field.title, *map(str, attribute.groups.labels)]
        texts += [] if attribute.groups.how is None else [str(attribute.groups.how)]
        texts += [SOURCES[source] for source in attribute.found]
        assert [one for one in texts if one not in shown] == []
    assert all(one in shown for one in (probed.file, probed.product, probed.model, *probed.masked, "3 February 2026"))


def test_the_page_says_it_in_words() -> None:
    shown = text(document_html(example_protected.document()))
    for words in (
        "From the narratives alone, Sex can be told hardly better than by chance. AUC 0.522, 0.503 to 0.541.",
        "From the model's score alone, Sex cannot be told better than by chance. AUC 0.507",
        "From the structured columns alone, Age can be told well. AUC 0.921",
        "not judged",
        "nobody wrote anything",
        "Day of birth could not be judged. no group has 50 rows.",
        "too small to judge, left out",
        "The narratives add to what the columns tell (AUC +0.027, +0.011 to +0.043",
        "cut before anything was read, as the model's settings say: health and religion.",
        "drawn at random from 12,308",
        "37 of the file's 12,345 rows broke the data contract and were left out.",
        "no value",
        "Each group against the rest",
        "Groups, split at the median, 1980-05-01",
        "5 folds in all",
        "Groups of fewer than 50 rows were left out. Seed 0.",
    ):
        assert words in shown, words


def test_the_tables_hold_the_figures_as_computed() -> None:
    found = tables(example_protected.document())
    assert found["sources_sex"].rows[1][-2:] == (6606, Interval(value=0.531, low=0.494, high=0.568))
    assert found["sources_age_band"].rows[0][-1] == Gap(gap="nobody wrote anything")
    assert found["gain_sex"].rows[0][-1] == Interval(value=0.027, low=0.011, high=0.043)
    assert found["groups_sex"].rows[-1] == ("no value", 21, 21 / 9952, "left out")
    assert [row[1] for row in found["groups_sex"].rows] == [5103, 4811, 17, 21]
    assert sum(row[1] for row in found["groups_born"].rows if isinstance(row[1], int)) == 9952
    assert found["rest_age_band"].rows[2][1] == Interval(value=0.93, low=0.9, high=0.95)
    assert "rest_sex" not in found  # of two groups one is the rest


def test_keys_are_for_machines_and_not_on_the_page() -> None:
    (source, *_) = tables(example_protected.document())["sources_sex"].columns
    assert (source.key, source.form) == ("source", "key")
    assert "<td>narratives</td>" not in (page := document_html(example_protected.document()))
    assert '<th scope="col" class="word">Source</th>' not in page
    assert '<th scope="row"><bdi>the narratives alone</bdi></th>' in page


def test_grave_findings_come_first() -> None:
    findings = example_protected.document().findings()
    assert [(one.key, one.grade) for one in findings] == [
        ("columns_age_band", "concern"),
        ("narratives_sex", "note"),
        ("columns_sex", "note"),
        ("score_age_band", "note"),
        ("not_judged_born", "note"),
        ("score_sex", "good"),
    ]


@pytest.mark.parametrize(
    ("gain", "says"),
    [
        ((0.02, 0.01, 0.03), "^The narratives add"),
        ((0.01, -0.01, 0.03), "is not shown .*columns alone\\)\\.$"),
        ((-0.02, -0.03, -0.01), "is not shown .* blur the guess"),
    ],
)
def test_what_narratives_add(gain: tuple[float, float, float], says: str) -> None:
    assert re.search(says, gain_words(Estimate(*gain)))


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
    assert verdict(Estimate(*figures)) == word
    assert set(SHORT) == set(VERDICTS) == set(thresholds())
    assert word in SHORT


def test_json_is_canonical() -> None:
    written = example_protected.document().model_dump_json()
    again = parse_report(written)
    assert isinstance(again, Document)
    assert again.report == "protected"
    assert again.model_dump_json() == written
