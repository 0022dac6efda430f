"""Figures by period as small multiples, those that moved most in the latest period first; and their table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from experiments.reporting.charts import (
    BLUE,
    FONT,
    INK,
    MUTED,
    RED,
    house_style,
    percent_axis,
    restyle,
    to_svg,
    whiskers,
)
from experiments.reporting.document import Column, Plot, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.lower_floors import translated
from experiments.watch.chapters.cells import signal_interval
from fusion.watch.signals import Check, Signal

N_ACROSS = 4
MOST = 12
MAX_PERIODS = 60
MAX_TABLED = 20
LONGEST = 30  # characters of a title
SURE = 0.01
"""Chance, shared by all figures of a chapter and period, below which a figure is marked."""

TITLES: Mapping[Check, str] = {
    "missing": gettext_noop("missing"),
    "unknown": gettext_noop("unknown levels"),
    "outside": gettext_noop("out of range"),
    "psi": "PSI",
    "volume": gettext_noop("applications"),
    "written": gettext_noop("written"),
    "unread": gettext_noop("not readable"),
    "mean_shift": gettext_noop("mean vector"),
    "domain_auc": gettext_noop("AUC of a classifier"),
    "word": gettext_noop("word"),
    "pd": gettext_noop("mean PD"),
    "approval": gettext_noop("share"),
    "reason": gettext_noop("first reason"),
    "auc": "AUC",
    "calibration": gettext_noop("bad rate / PD"),
}
SUBJECTS: Mapping[tuple[Check, str], str] = {
    ("approval", "approve"): gettext_noop("approve"),
    ("approval", "refer"): gettext_noop("refer"),
    ("approval", "decline"): gettext_noop("decline"),
    ("auc", "estimated"): gettext_noop("estimated"),
}
"""Subjects that are words of ours; others are names."""
SHARES: Set[Check] = {"missing", "unknown", "outside", "written", "unread", "word", "pd", "approval", "reason"}


@dataclass(frozen=True)
class Course:
    """One figure over the periods.

    Attributes:
        check: Which.
        subject: Of what.
        signals: One per period that has it, in the order of time.
        sure: Whether its latest value departs further than chance would move any figure of the chapter.
    """

    check: Check
    subject: str
    signals: tuple[Signal, ...]
    sure: bool

    @property
    def title(self) -> str:
        """What it is, for people."""
        what = gettext(TITLES[self.check])
        if not self.subject:
            return what
        subject = gettext(SUBJECTS.get((self.check, self.subject), "")) or self.subject
        return gettext("{subject}: {what}").format(subject=subject, what=what)

    @property
    def latest(self) -> Signal:
        """Its signal of the latest period."""
        return self.signals[-1]


def courses(signals: Sequence[Signal], periods: Sequence[str]) -> list[Course]:
    """The figures that the latest period has, those least likely by chance first, and of these the furthest moved.

    periods: All of them, in the order of time, of which the last ``MAX_PERIODS`` are shown.
    """
    place = {name: at for at, name in enumerate(periods[-MAX_PERIODS:])}
    found: dict[tuple[Check, str], list[Signal]] = {}
    for signal in signals:
        if signal.period in place and signal.check in TITLES:
            found.setdefault((signal.check, signal.subject), []).append(signal)
    own = [sorted(some, key=lambda one: place[one.period]) for some in found.values()]
    own = [some for some in own if some[-1].period == periods[-1]]
    limit = SURE / max(len(own), 1)
    every = [Course(one[-1].check, one[-1].subject, tuple(one), one[-1].p <= limit) for one in own]
    return sorted(every, key=_moved)


def _moved(course: Course) -> tuple[bool, float, float, str, str]:
    latest = course.latest
    size = -latest.value if course.sure else 0.0
    return not course.sure, size, latest.p, course.check, course.subject


def small_multiples(key: str, title: str, shown: Sequence[Course], periods: Sequence[str]) -> Plot:
    """A small picture for each of the first ``MOST`` courses, at least one."""
    some, names = shown[:MOST], periods[-MAX_PERIODS:]
    return Plot(
        key=key,
        title=title,
        words=(
            gettext(
                "From {names} to {names2}; the figures that moved most in {names2} come first. Dots are the "
                "figures with their 95 % intervals, the line is what was usual then. Red: further from it "
                "than chance would move any figure here."
            ).format(names=names[0], names2=names[-1])
        ),
        alt=gettext("{some} small pictures, a figure by period each: {one_title}.").format(
            some=len(some), one_title=gettext("; ").join(one.title for one in some)
        ),
        wide=True,
        drawing=_drawn(some, names),
    )


def _drawn(some: Sequence[Course], names: Sequence[str]) -> str:
    n_down, n_across = math.ceil(len(some) / N_ACROSS), min(N_ACROSS, len(some))
    place = {name: at for at, name in enumerate(names)}
    with house_style():
        figure = Figure(figsize=(11.0 * max(n_across, 2) / N_ACROSS, 1.9 * n_down + 0.3), layout="constrained")
        grid = figure.subplots(n_down, n_across, squeeze=False).ravel()
        for axes, course in zip(grid, some, strict=False):
            _draw(axes, course, place)
        for axes in grid[len(some) :]:
            axes.set_axis_off()
        return to_svg(figure)


def _draw(axes: Axes, course: Course, place: Mapping[str, int]) -> None:
    own = course.signals
    at = np.array([place[one.period] for one in own])
    colour = RED if course.sure else BLUE
    whiskers(axes, at, own, colour, 1.0, 0.5)
    axes.plot(at, [one.usual for one in own], color=MUTED, linewidth=1.0)
    axes.plot(at, [one.now for one in own], ".", color=INK, markersize=3)
    axes.plot(at[-1:], [own[-1].now], "o", color=colour, markersize=5)
    axes.set_xlim(-0.7, len(place) - 0.3)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    if course.check in SHARES:
        percent_axis(axes.yaxis)
    restyle(axes)
    axes.set_xticks([])
    axes.tick_params(labelsize=FONT - 3)
    axes.set_title(_short(course.title), loc="left", fontsize=FONT - 2, color=INK)


def _short(title: str) -> str:
    kept = title if len(title) <= LONGEST else title[: LONGEST - 1] + "…"
    return kept.replace("$", r"\$")  # which would begin a formula


def moved_table(key: str, shown: Sequence[Course], period: str) -> Table:
    """The figures of the latest period, those that moved most first."""
    rows = tuple(
        (
            course.title,
            signal_interval(one),
            one.usual,
            one.value,
            one.p,
            translated(one.words),
        )
        for course in shown[:MAX_TABLED]
        for one in (course.latest,)
    )
    hidden = len(shown) - len(rows)
    return Table(
        key=key,
        title=gettext("What moved most in {period}").format(period=period),
        note=gettext(
            "Usual is what earlier periods were, or the reference where there are too few. Rules of alarms look at "
            "the departure and the chance."
        )
        + (gettext(" {hidden} figures that moved least are left out.").format(hidden=hidden) if hidden else ""),
        columns=(
            Column(key="figure", title=gettext("Figure")),
            Column(key="now", title=gettext("Now"), form="number", digits=3),
            Column(key="usual", title=gettext("Usual"), form="number", digits=3),
            Column(key="departure", title=gettext("Departure"), form="number", digits=3),
            Column(key="p", title=gettext("Chance"), form="p"),
            Column(key="words", title=gettext("What changed")),
        ),
        rows=rows,
    )
