"""The chapter on odd applications: their share by period, the oddest ones, and what makes them odd."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from experiments.reporting.document import Column, Finding, Plot, Section, Table
from experiments.reporting.language import gettext
from experiments.reporting.lower_floors import translated
from experiments.reporting.words import percent
from experiments.watch.chapters.by_period import shares_by_period
from fusion.validation.intervals import rate
from fusion.watch.oddness import OddProfile, cause_name
from fusion.watch.signals import Flag, Signal

MAX_ROWS = 15
MAX_CAUSES = 8
MAX_PERIODS = 60
UNLIKELY = 0.01


def chapter(
    reference: OddProfile | None,
    periods: Sequence[tuple[str, OddProfile]],
    signals: Sequence[Signal],
    flags: Sequence[Flag],
) -> Section | None:
    """What is odd among the applications of these periods, the latest last; None where there are no rows.

    flags: of which those of odd rows are shown, the oddest first.
    """
    shown = [(name, profile) for name, profile in periods if profile.rows][-MAX_PERIODS:]
    if not shown:
        return None
    last, now = shown[-1]
    causes = Counter[str]()
    for _, profile in shown:
        causes.update(profile.mainly)
    tables = [_rows_table(flags)] if any(flag.check == "odd" for flag in flags) else []
    if causes:
        tables.append(_causes_table(causes, now))
    return Section(
        key="oddness",
        title=gettext("Odd applications"),
        words=(
            gettext(
                "An application is odd when its columns, or one of its narratives, are farther from those of training "
                "than nearly all training rows are: values that hardly occur, usual values that do not go together, "
                "and narratives about something else. Among applications like those of training few are odd, by "
                "design; each is worth a look, and more of them than usual mean that something changed."
            ),
        ),
        findings=(_finding(last, now, [one for one in signals if one.check == "odd" and one.period == last]),),
        tables=tuple(tables),
        plots=(_plot(reference, shown),),
    )


def _finding(period: str, now: OddProfile, signals: Sequence[Signal]) -> Finding:
    counted = gettext("{odd:,} of {rows:,} applications of {period} are odd").format(
        odd=now.odd, rows=now.rows, period=period
    )
    if not signals:
        return Finding(
            key="oddness", grade="note", title=counted, words=gettext("There is nothing to hold them against.")
        )
    signal = signals[0]
    more = signal.p < UNLIKELY and signal.now > signal.usual
    title = (gettext("{counted}, more than usual") if more else gettext("{counted}, no more than usual")).format(
        counted=counted
    )
    words = gettext("{now}, usually {usual}; by chance with p = {p:.2g}.").format(
        now=percent(signal.now, 2), usual=percent(signal.usual, 2), p=signal.p
    )
    return Finding(key="oddness", grade="concern" if more else "good", title=title, words=words)


def _rows_table(flags: Sequence[Flag]) -> Table:
    odd = sorted((flag for flag in flags if flag.check == "odd"), key=lambda flag: (-flag.size, flag.row))
    columns = (
        Column(key="row", title=gettext("Row")),
        Column(key="id", title=gettext("Id")),
        Column(key="period", title=gettext("Period")),
        Column(key="why", title=gettext("What makes it odd")),
    )
    rows = tuple(
        (f"{one.row.file}:{one.row.row}", one.row.id, one.period, translated(one.words)) for one in odd[:MAX_ROWS]
    )
    note = (
        gettext("The {max_rows} oddest of {odd:,}; flagged.csv has all.").format(max_rows=MAX_ROWS, odd=len(odd))
        if len(odd) > MAX_ROWS
        else ""
    )
    return Table(key="odd_rows", title=gettext("The oddest applications"), note=note, columns=columns, rows=rows)


def _causes_table(causes: Counter[str], now: OddProfile) -> Table:
    columns = (
        Column(key="cause", title=gettext("Mainly by")),
        Column(key="all", title=gettext("Odd applications"), form="count"),
        Column(key="now", title=gettext("In the latest period"), form="count"),
    )
    most = sorted(causes.items(), key=lambda item: (-item[1], item[0]))[:MAX_CAUSES]
    rows = tuple((translated(cause_name(name)), n, now.mainly.get(name, 0)) for name, n in most)
    note = gettext("Each by the column or narrative that adds most to its distance from the usual.")
    return Table(key="odd_causes", title=gettext("What makes applications odd"), note=note, columns=columns, rows=rows)


def _plot(reference: OddProfile | None, shown: Sequence[tuple[str, OddProfile]]) -> Plot:
    usual = reference.odd / reference.rows if reference is not None and reference.rows else None
    if usual is None:
        words = gettext("Share of odd applications, with 95 % intervals.")
    else:
        words = gettext(
            "Share of odd applications, with 95 % intervals; the line is that of the reference, {usual}."
        ).format(usual=percent(usual, 2))
    shares = [(period, rate(profile.odd, profile.rows)) for period, profile in shown]
    return shares_by_period("odd_share", gettext("Odd applications, by period"), words, shares, usual)
