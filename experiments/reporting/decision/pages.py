"""The pages of the reports on a decision, and of the index that lists them."""

from __future__ import annotations

from itertools import groupby

from experiments.reporting.decision import pictures
from experiments.reporting.decision.answers import AnswerSheet
from experiments.reporting.decision.applicant import ApplicantNotice
from experiments.reporting.decision.index import IndexPage, Link
from experiments.reporting.decision.underwriter import ColumnPoints, Narrative, UnderwriterReport
from experiments.reporting.decision.validator import ValidatorReport
from experiments.reporting.language import ENGLISH, Language
from experiments.reporting.page import render

FEW = 3  # columns named in the opening sentence, on either side


def underwriter_html(report: UnderwriterReport, language: Language = ENGLISH) -> str:
    """The page that answers in ten seconds why an applicant scored so."""
    ranked = sorted(report.columns, key=lambda column: column.points)
    fall = pictures.waterfall(report)
    extra = {
        "fall": fall,
        "beside_waterfall": pictures.place_stands_below(len(fall.steps), len(report.reasons)),
        "against": [column for column in ranked[:FEW] if column.points <= -0.5],
        "favour": [column for column in ranked[::-1][:FEW] if column.points >= 0.5],
        "largest": largest_sentence(report.narratives),
        "source_titles": {source.name: source.title for source in report.sources},
        "largest_source": max((abs(source.points) for source in report.sources), default=0.0),
        "groups": column_groups(report),
        "pictures": pictures,
        "zip": zip,
    }
    return render("underwriter.html.j2", report, extra, language=language)


def applicant_html(report: ApplicantNotice, language: Language = ENGLISH) -> str:
    """The letter to the applicant, whose texts are in that language."""
    return render("applicant.html.j2", report, {}, language=language)


def answers_html(report: AnswerSheet, language: Language = ENGLISH) -> str:
    """The answers to an applicant, in that language."""
    return render("answers.html.j2", report, {}, language=language)


def validator_html(report: ValidatorReport, language: Language = ENGLISH) -> str:
    """The page with every contribution and all that is needed to compute them again."""
    return render("validator.html.j2", report, {}, language=language)


def index_html(report: IndexPage, language: Language = ENGLISH) -> str:
    """The list of all reported applications, with links to their files beside it."""
    return render("index.html.j2", report, {"link_lines": link_lines}, language=language)


def link_lines(links: tuple[Link, ...]) -> list[list[Link]]:
    """The files of an application, those of one report together: its page, its JSON, its PDF."""
    return [list(line) for _, line in groupby(links, key=lambda link: link.file.rpartition(".")[0])]


def column_groups(report: UnderwriterReport) -> list[tuple[str, list[ColumnPoints]]]:
    """The columns of each source under its title, those that take most first; one group without title where there are
    no sources.
    """
    ranked = sorted(report.columns, key=lambda column: column.points)
    if not report.sources:
        return [("", ranked)]
    groups = [(one.title, [column for column in ranked if column.source == one.name]) for one in report.sources]
    return [(title, columns) for title, columns in groups if columns]


def largest_sentence(narratives: tuple[Narrative, ...]) -> float:
    """The largest sentence's points, without sign: the common scale of all sentence bars."""
    return max((abs(part.points) for narrative in narratives for part in narrative.sentences), default=0.0)
