"""The chapter on the score: what the model answers by period, and how its answers come true."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reporting.cells import interval
from experiments.reporting.document import Cell, Column, Gap, Row, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.watch.chapters.data import departures_finding
from experiments.watch.chapters.multiples import courses, moved_table, small_multiples
from fusion.validation.intervals import rate
from fusion.watch.performance import LEAST_DECIDED
from fusion.watch.score_profile import NANO, ScoreProfile
from fusion.watch.signals import Flag, Signal

MAX_PERIODS = 24
ONE_CLASS = gettext_noop("one class alone")


def chapter(
    reference: ScoreProfile | None,
    periods: Sequence[tuple[str, ScoreProfile]],
    signals: Sequence[Signal],
    _flags: Sequence[Flag],
) -> Section | None:
    """PDs, decisions, first reasons, and how PDs rank and come true; None where there are no rows."""
    shown = [(name, profile) for name, profile in periods if profile.rows]
    if not shown:
        return None
    names = [name for name, _ in periods]
    moved = courses(signals, names)
    tables = [_performance_table(reference, shown[-MAX_PERIODS:])]
    if moved:
        tables.insert(0, moved_table("score_moved", moved, names[-1]))
    return Section(
        key="score",
        title=gettext("Score: what the model answers, and how it comes true"),
        words=(
            gettext(
                "The estimated AUC is the one that outcomes would show if the PDs are right for these applicants. It "
                "falls when applicants become more alike; that what drives default has changed it cannot see; "
                "outcomes alone can. Its interval is what chance does to the outcomes of so many rows."
            ),
            gettext(
                "First reasons are those of 200 rows of a period at most, drawn by a hash of their id, because "
                "explanations are dear; a narrative counts as a whole."
            ),
            gettext(
                "Outcomes that are known early are not like those that come later. Read bad rates of young periods "
                "with that in mind."
            ),
        ),
        findings=(departures_finding("score", gettext("figure of the score"), moved, names[-1]),) if moved else (),
        tables=tuple(tables),
        plots=(small_multiples("score_by_period", gettext("The score by period"), moved, names),) if moved else (),
    )


def _performance_table(reference: ScoreProfile | None, shown: Sequence[tuple[str, ScoreProfile]]) -> Table:
    rows = [_performance(name, profile) for name, profile in reversed(shown)]
    if reference is not None:
        rows.append(_performance(gettext("reference"), reference))
    return Table(
        key="score_performance",
        title=gettext("How PDs rank and come true"),
        note=gettext(
            "The latest period first. Bad rate, its mean PD, AUC and Brier score are those of rows whose outcome is "
            "known."
        ),
        columns=(
            Column(key="period", title=gettext("Period")),
            Column(key="n", title=gettext("Applications"), form="count"),
            Column(key="pd", title=gettext("Mean PD"), form="percent", digits=1),
            Column(key="estimated", title=gettext("Estimated AUC"), form="number", digits=3),
            Column(key="known", title=gettext("With outcome"), form="count"),
            Column(key="bad_rate", title=gettext("Bad rate"), form="percent", digits=1),
            Column(key="bad_pd", title=gettext("Their mean PD"), form="percent", digits=1),
            Column(key="auc", title=gettext("AUC"), form="number", digits=3),
            Column(key="brier", title=gettext("Brier score"), form="number", digits=4),
        ),
        rows=tuple(rows),
    )


def _performance(name: str, profile: ScoreProfile) -> Row:
    outcomes, expected = profile.outcomes, profile.expected_area
    estimated: Cell = Gap(gap=gettext(ONE_CLASS)) if expected is None else interval(expected.estimate)
    begin: Row = (name, profile.rows, profile.pd / NANO / profile.rows, estimated, outcomes.n)
    if outcomes.n < LEAST_DECIDED:
        return (*begin, *(Gap(gap=gettext("under {n} outcomes").format(n=LEAST_DECIDED)),) * 4)
    auc: Cell = Gap(gap=gettext(ONE_CLASS)) if outcomes.area is None else interval(outcomes.area.estimate)
    mean_pd, brier = (total / NANO / outcomes.n for total in (outcomes.pd, outcomes.brier))
    return (*begin, interval(rate(outcomes.n_bad, outcomes.n)), mean_pd, auc, brier)
