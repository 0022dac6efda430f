"""The chapter on copied narratives: how many there are by period, the largest rings drawn, and what members share."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial

from matplotlib.axes import Axes

from experiments.reporting.charts import BLUE, FONT, MUTED, RED, name_places, picture
from experiments.reporting.document import Column, Finding, Plot, Row, Section, Table
from experiments.reporting.language import gettext
from experiments.reporting.words import count, percent
from experiments.watch.chapters.by_period import shares_by_period
from experiments.watch.chapters.cells import signal_interval
from fusion.validation.intervals import Estimate
from fusion.watch.copies.rings import Ring
from fusion.watch.signals import MAX_ROWS, Signal

MAX_RINGS = 20  # in the table
MAX_DRAWN = 8
MAX_DOTS = 12  # of one ring and period
MAX_PERIODS = 30


def chapter(rings: Sequence[Ring], signals: Sequence[Signal], periods: Sequence[str]) -> Section | None:
    """What is found of copies, without a word of a narrative; None where there is neither a ring nor a figure.

    Args:
        rings: The largest first.
        signals: Of copies and of values of shared columns, in any order.
        periods: Those with rows, in the order of time.
    """
    copied = {signal.period: signal for signal in signals if (signal.check, signal.subject) == ("copies", "")}
    values = [signal for signal in signals if signal.check == "velocity" and signal.period in periods[-1:]]
    if not rings and not copied:
        return None
    shown = list(periods[-MAX_PERIODS:])
    drawn = [ring for ring in rings if {member.period for member in ring.members} & set(shown)][:MAX_DRAWN]
    plots = [_share_plot([copied[name] for name in shown if name in copied])]
    if drawn:
        plots.append(_rings_plot(drawn, shown))
    tables = [table for table in (_rings_table(rings), _values_table(values)) if table.rows]
    words = (
        gettext(
            "Narratives of different applicants count as copies where they have so many pairs of neighbouring words in "
            "common as people who write by themselves hardly ever have; numbers are not compared. A ring is three or "
            "more applicants whose narratives are linked so. An applicant who repeats himself is none."
        ),
    )
    return Section(
        key="copies",
        title=gettext("Copied narratives"),
        words=words,
        findings=(_finding(rings, periods),),
        tables=tuple(tables),
        plots=tuple(plots),
    )


def _finding(rings: Sequence[Ring], periods: Sequence[str]) -> Finding:
    last = periods[-1]
    now = [ring for ring in rings if any(member.period == last for member in ring.members)]
    if not rings:
        return Finding(
            key="copies", grade="good", title=gettext("No narrative is copied"), words=gettext("There is no ring.")
        )
    n_rows = sum(len(ring.members) for ring in rings)
    title = gettext("{rings} of copied narratives, {now} of them active in {last}").format(
        rings=count(len(rings), "ring"), now=count(len(now), "ring"), last=last
    )
    largest = rings[0]
    words = gettext(
        "{n_rows:,} applications are in rings; the largest, {number}, has {n_applicants:,} applicants."
    ).format(n_rows=n_rows, number=largest.number, n_applicants=largest.n_applicants)
    sharing = [ring for ring in rings if ring.shares()]
    if sharing:
        words += gettext(" In {sharing} different applicants have a value of a shared column in common.").format(
            sharing=count(len(sharing), "ring")
        )
    words += gettext(" flagged.csv has every member with the number of its ring.")
    return Finding(key="copies", grade="concern" if now else "note", title=title, words=words)


def _rings_table(rings: Sequence[Ring]) -> Table:
    columns = (
        Column(key="ring", title=gettext("Ring")),
        Column(key="applicants", title=gettext("Applicants"), form="count"),
        Column(key="applications", title=gettext("Applications"), form="count"),
        Column(key="first", title=gettext("First")),
        Column(key="last", title=gettext("Last")),
        Column(key="narratives", title=gettext("Copied")),
        Column(key="shared", title=gettext("In common")),
        Column(key="rows", title=gettext("First rows")),
    )
    rows = tuple(_ring_row(ring) for ring in rings[:MAX_RINGS])
    note = (
        gettext("The {max_rings} largest of {rings:,}.").format(max_rings=MAX_RINGS, rings=len(rings))
        if len(rings) > MAX_RINGS
        else ""
    )
    return Table(key="rings", title=gettext("Rings"), note=note, columns=columns, rows=rows)


def _ring_row(ring: Ring) -> Row:
    periods = sorted(member.period for member in ring.members)
    shared = [
        gettext("{column}: {map:,} alike").format(column=column, map=max(map(len, groups)))
        for column, groups in ring.shares().items()
    ]
    first = [one.row.place for one in ring.members[:MAX_ROWS]]
    ends = (periods[0], periods[-1], ring.narrative, ", ".join(shared), ", ".join(first))
    return (ring.number, ring.n_applicants, len(ring.members), *ends)


def _values_table(values: Sequence[Signal]) -> Table:
    columns = (
        Column(key="column", title=gettext("Column")),
        Column(key="now", title=gettext("Applications with one value"), form="number"),
        Column(key="usual", title=gettext("Usual"), form="number", digits=1),
        Column(key="p", title=gettext("Chance"), form="p"),
        Column(key="rows", title=gettext("First rows")),
    )
    rows = tuple(
        (
            signal.subject,
            signal_interval(signal),
            signal.usual,
            signal.p,
            ", ".join(one.place for one in signal.rows),
        )
        for signal in sorted(values, key=lambda signal: (signal.p, signal.subject))
    )
    note = gettext("Of each column the value that exceeds its own past the most; values are compared as keyed hashes.")
    return Table(
        key="shared_values", title=gettext("One value in many applications"), note=note, columns=columns, rows=rows
    )


def _share_plot(signals: Sequence[Signal]) -> Plot:
    key, title = "copied_share", gettext("Narratives in rings, by period")
    if not signals:
        gap = gettext("There is no earlier period to hold one against.")
        return Plot(key=key, title=title, words="", alt="", gap=gap)

    last = signals[-1]
    words = gettext("Share of narratives in rings, with 95 % intervals. In {period}: {now}.").format(
        period=last.period, now=percent(last.now, 2)
    )
    shares = [(one.period, Estimate(one.now, one.low, one.high)) for one in signals]
    return shares_by_period(key, title, words, shares)


def _rings_plot(rings: Sequence[Ring], periods: Sequence[str]) -> Plot:
    size = (11.0, 1.0 + 0.85 * len(rings))
    words = gettext(
        "Each row is a ring and each dot an application in its period, at most {max_dots} for a ring "
        "and period; red lines join applications of different applicants with a value of a shared "
        "column in common."
    ).format(max_dots=MAX_DOTS)
    alt = "; ".join(
        gettext("ring {number}: {members}").format(number=ring.number, members=count(len(ring.members), "application"))
        for ring in rings
    )
    drawing = picture(partial(_draw_rings, rings, periods), size)
    title = gettext("Rings over time")
    return Plot(key="rings_drawn", title=title, words=words, alt=alt, wide=True, drawing=drawing)


def _draw_rings(rings: Sequence[Ring], periods: Sequence[str], axes: Axes) -> None:
    for at, ring in enumerate(rings):
        places = _places(ring, periods, at)
        for groups in ring.shares().values():
            for group in groups:
                ends = sorted(places[member] for member in group if member in places)
                axes.plot([x for x, _ in ends], [y for _, y in ends], color=RED, linewidth=1.1, alpha=0.7, zorder=1)
        axes.plot(*zip(*places.values(), strict=True), "o", color=BLUE, markersize=5, zorder=2)
        counts = Counter(member.period for member in ring.members)
        for x, period in enumerate(periods):
            if counts[period] > MAX_DOTS:
                axes.text(x + 0.42, at, f"{counts[period]:,}", color=MUTED, fontsize=FONT - 2, va="center")
    axes.set_yticks(range(len(rings)), [ring.number for ring in rings])
    axes.set_ylim(len(rings) - 0.5, -0.5)
    name_places(axes, periods, most=9)


def _places(ring: Ring, periods: Sequence[str], lane: int) -> dict[int, tuple[float, float]]:
    """Where the members that are drawn stand, by position: those of a period around the middle of the lane, where there
    are many in two columns.
    """
    own: dict[str, list[int]] = defaultdict(list)
    for position, member in enumerate(ring.members):
        own[member.period].append(position)
    places: dict[int, tuple[float, float]] = {}
    for x, period in enumerate(periods):
        dots = own[period][:MAX_DOTS]
        height = math.ceil(len(dots) / 2) if len(dots) > MAX_DOTS // 2 else len(dots)
        for at, position in enumerate(dots):
            column, step = divmod(at, height)
            places[position] = (x + 0.3 * column, lane + 0.7 * ((step + 0.5) / height - 0.5))
    return places
