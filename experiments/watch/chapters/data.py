"""The chapters on columns and narratives: what moved, by period, and how far the latest period is from training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.reporting.cells import figure
from experiments.reporting.document import Column, Finding, Row, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.lower_floors import translated
from experiments.reporting.words import count, listed
from experiments.watch.chapters.cells import signal_interval
from experiments.watch.chapters.multiples import Course, courses, moved_table, small_multiples
from fusion.validation.psi import VERDICT_WORDS, Psi, psi_of_counts
from fusion.watch.columns import ColumnsProfile
from fusion.watch.signals import Flag, Signal
from fusion.watch.texts import TextsProfile

NO_PSI = gettext_noop("no rows")
MAX_APART = 15
MAX_NAMED = 3


def columns_chapter(
    reference: ColumnsProfile | None,
    periods: Sequence[tuple[str, ColumnsProfile]],
    signals: Sequence[Signal],
    _flags: Sequence[Flag],
) -> Section | None:
    """Missing, unknown and unusual values, and the number of applications; None where there are no figures."""
    names = [name for name, _ in periods]
    shown = courses(signals, names) if names else []
    if not shown:
        return None
    apart = [] if reference is None else _apart(reference, periods[-1][1])
    findings = [departures_finding("columns", gettext("column"), shown, names[-1])]
    tables = [moved_table("columns_moved", shown, names[-1])]
    if apart:
        findings.append(_apart_finding(apart))
        tables.append(_apart_table(apart, names[-1]))
    return Section(
        key="columns",
        title=gettext("Columns: what is filled in"),
        words=(
            gettext(
                "Of every column that the model reads: how often it is missing, holds a level that the model does not "
                "know or a number outside the range of training; and by its population stability index (PSI) how its "
                "values moved. Each is held against earlier periods and how much these differed among themselves."
            ),
        ),
        findings=tuple(findings),
        tables=tuple(tables),
        plots=(small_multiples("columns_by_period", gettext("Columns by period"), shown, names),),
    )


def texts_chapter(
    _reference: TextsProfile | None,
    periods: Sequence[tuple[str, TextsProfile]],
    signals: Sequence[Signal],
    _flags: Sequence[Flag],
) -> Section | None:
    """Who writes, how vectors and words moved, and whether rows can be told apart; None where there are no figures."""
    names = [name for name, _ in periods]
    every = courses(signals, names) if names else []
    if not every:
        return None
    words = [course for course in every if course.check == "word"]
    shown = [course for course in every if course.check != "word"] or every
    tables = [moved_table("texts_moved", shown, names[-1])]
    if words:
        tables.append(_words_table(words, names[-1]))
    return Section(
        key="texts",
        title=gettext("Narratives: what is written"),
        words=(
            gettext(
                "How many write, and what the encoder cannot read; how far the mean of the narratives’ vectors lies "
                "from the usual one, in units of the spread that they had in training, and how they moved along the "
                "directions in which they varied most; and whether a classifier of columns and vectors tells a sample "
                "of this period’s rows from usual ones: an AUC of 0.5 is not at all, of 1 always."
            ),
            gettext("Words are shown only where at least 20 narratives use them, so that none names a person."),
        ),
        findings=(departures_finding("texts", gettext("figure of the narratives"), every, names[-1]),),
        tables=tuple(tables),
        plots=(small_multiples("texts_by_period", gettext("Narratives by period"), shown, names),),
    )


def departures_finding(key: str, what: str, shown: Sequence[Course], period: str) -> Finding:
    """How many figures of the latest period depart further than chance would move any."""
    sure = [course for course in shown if course.sure]
    looked_at = gettext("{shown} looked at").format(shown=count(len(shown), "figure"))
    if not sure:
        title = gettext("In {period} no {what} moved further than chance does").format(period=period, what=what)
        return Finding(
            key=key, grade="good", title=title, words=gettext("{looked_at}.").format(looked_at=looked_at.capitalize())
        )
    worst = gettext(". ").join(translated(course.latest.words) for course in sure[:MAX_NAMED])
    title = gettext("In {period} {sure} moved further than chance does").format(
        period=period, sure=count(len(sure), "figure")
    )
    return Finding(
        key=key,
        grade="note",
        title=title,
        words=gettext("Of {looked_at}. {worst}.").format(looked_at=looked_at, worst=worst),
    )


def _apart(reference: ColumnsProfile, now: ColumnsProfile) -> list[tuple[str, Psi]]:
    """The PSI of every column beside training, the largest first."""
    found = []
    for name, own in now.columns.items():
        then = reference.columns[name]
        if own.cells and sum(own.cells) and sum(then.cells):
            unnamed = [("", float("nan"), float("nan"))] * len(own.cells)
            counts = (np.array(one.cells, dtype=np.float64) for one in (then, own))
            found.append((name, psi_of_counts(unnamed, *counts)))
    return sorted(found, key=lambda one: (-one[1].value, one[0]))


def _apart_finding(apart: Sequence[tuple[str, Psi]]) -> Finding:
    shifted = [name for name, psi in apart if psi.index.verdict_of_many == "shifted"]
    if not shifted:
        title = gettext("No column is far from the reference")
        return Finding(
            key="columns_apart", grade="good", title=title, words=gettext("None has a PSI above 0.25 beyond chance.")
        )
    words = gettext(
        "{shifted}: a PSI above 0.25 beyond chance. A difference that stands is no alarm; it is a "
        "reason to see whether the PDs still come true, and to train again."
    ).format(shifted=listed(shifted))
    title = gettext("{shifted} far from the reference").format(shifted=count(len(shifted), "column"))
    return Finding(key="columns_apart", grade="note", title=title, words=words)


def _apart_table(apart: Sequence[tuple[str, Psi]], period: str) -> Table:
    rows: list[Row] = [
        (
            name,
            figure(psi.value, gettext(NO_PSI)),
            figure(psi.chance, gettext(NO_PSI)),
            translated(VERDICT_WORDS[psi.index.verdict_of_many]),
        )
        for name, psi in apart[:MAX_APART]
    ]
    return Table(
        key="columns_apart",
        title=gettext("How far {period} is from the reference").format(period=period),
        note=gettext(
            "The reference is the model’s training, or the file that was named for it. By chance a PSI stays below "
            "the figure beside it 19 times in 20."
        ),
        columns=(
            Column(key="column", title=gettext("Column")),
            Column(key="psi", title=gettext("PSI"), form="number", digits=3),
            Column(key="chance", title=gettext("Chance"), form="number", digits=3),
            Column(key="word", title=gettext("Verdict")),
        ),
        rows=tuple(rows),
    )


def _words_table(words: Sequence[Course], period: str) -> Table:
    rows: list[Row] = []
    for one in (course.latest for course in words):
        narrative, _, word = one.subject.rpartition(":")
        rows.append((word, narrative, signal_interval(one), one.usual, one.p))
    return Table(
        key="words_moved",
        title=gettext("Words that moved in {period}").format(period=period),
        note=gettext(
            "Share of the narratives that use the word. The chance is shared among all words that were compared."
        ),
        columns=(
            Column(key="word", title=gettext("Verdict")),
            Column(key="narrative", title=gettext("Narrative")),
            Column(key="now", title=gettext("Now"), form="percent", digits=1),
            Column(key="usual", title=gettext("Usual"), form="percent", digits=1),
            Column(key="p", title=gettext("Chance"), form="p"),
        ),
        rows=tuple(rows),
    )
