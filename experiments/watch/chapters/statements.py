"""The chapter on contradictions: how many narratives state something else than the form, by period."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reporting.cells import interval
from experiments.reporting.document import Column, Finding, Plot, Section, Table
from experiments.reporting.language import gettext
from experiments.reporting.lower_floors import translated
from experiments.reporting.words import percent
from experiments.watch.chapters.by_period import shares_by_period
from fusion.validation.intervals import rate
from fusion.watch.signals import Flag, Signal
from fusion.watch.statements import StatementsProfile

MAX_PERIODS = 30
MAX_FLAGS = 20

Periods = Sequence[tuple[str, StatementsProfile]]


def chapter(
    reference: StatementsProfile | None, periods: Periods, signals: Sequence[Signal], flags: Sequence[Flag]
) -> Section | None:
    """What contradicts the form, without a word of a narrative; None where the schema declares no contradiction.

    Args:
        reference: of rows that count as usual.
        periods: the latest, by name.
        signals: theirs.
        flags: theirs.
    """
    if not periods or not periods[-1][1].contradictions:
        return None
    period, now = periods[-1]
    usual = {signal.subject: signal for signal in signals if signal.period == period}
    tables = (_table(period, now, reference, usual), *([_rows(flags)] if flags else []))
    return Section(
        key="statements",
        title=gettext("Narratives that contradict the form"),
        words=(
            gettext(
                "A narrative contradicts the form where the number that it states, such as an income, lies farther "
                "from the column than the contract tolerates. Where one of several statements agrees, nothing is "
                "contradicted."
            ),
        ),
        findings=(_finding(period, now),),
        tables=tables,
        plots=tuple(_plot(name, periods[-MAX_PERIODS:]) for name in now.contradictions),
    )


def _finding(period: str, now: StatementsProfile) -> Finding:
    n = sum(own.contradicting for own in now.contradictions.values())
    if not n:
        words = gettext("All numbers that narratives state agree with their columns, as far as the contract asks.")
        return Finding(
            key="statements",
            grade="good",
            title=gettext("Nothing is contradicted in {period}").format(period=period),
            words=words,
        )
    name, most = max(now.contradictions.items(), key=lambda item: item[1].contradicting)
    title = (
        gettext("{n:,} contradictions between narrative and form in {period}")
        if n > 1
        else gettext("{n:,} contradiction between narrative and form in {period}")
    ).format(n=n, period=period)
    words = gettext("Most are of {name}: {contradicting:,} of {stated:,} that can be compared. ").format(
        name=name, contradicting=most.contradicting, stated=most.stated
    )
    return Finding(
        key="statements",
        grade="note",
        title=title,
        words=words + gettext("flagged.csv has every row, with --quote its words."),
    )


def _table(
    period: str, now: StatementsProfile, reference: StatementsProfile | None, signals: dict[str, Signal]
) -> Table:
    columns = (
        Column(key="name", title=gettext("Contradiction")),
        Column(key="stated", title=gettext("Rows that state it"), form="count"),
        Column(key="contradicting", title=gettext("Contradicting"), form="count"),
        Column(key="share", title=gettext("Share of rows"), form="percent", digits=2),
        Column(key="usual", title=gettext("Usual"), form="percent", digits=2),
        Column(key="p", title=gettext("Chance"), form="p"),
        Column(key="rows", title=gettext("First rows")),
    )
    rows = []
    for name, own in now.contradictions.items():
        share, signal = rate(own.contradicting, now.rows), signals.get(name)
        usual = None if signal is None else signal.usual
        if usual is None and reference is not None and reference.rows:
            usual = reference.contradictions[name].contradicting / reference.rows
        rows.append(
            (
                name,
                own.stated,
                own.contradicting,
                interval(share) if now.rows else None,
                usual,
                None if signal is None else signal.p,
                ", ".join(one.place for one in own.first),
            )
        )
    return Table(
        key="contradictions",
        title=gettext("Contradictions in {period}").format(period=period),
        columns=columns,
        rows=tuple(rows),
    )


def _rows(flags: Sequence[Flag]) -> Table:
    columns = (
        Column(key="row", title=gettext("Row")),
        Column(key="period", title=gettext("Period")),
        Column(key="apart", title=gettext("Apart"), form="percent"),
        Column(key="words", title=gettext("What disagrees")),
    )
    worst = sorted(flags, key=lambda flag: (-flag.size, flag.row))[:MAX_FLAGS]
    rows = tuple((one.row.place, one.period, one.size, translated(one.words)) for one in worst)
    note = (
        gettext("The {max_flags} farthest of {flags:,}.").format(max_flags=MAX_FLAGS, flags=len(flags))
        if len(flags) > MAX_FLAGS
        else ""
    )
    return Table(
        key="contradicting_rows",
        title=gettext("Rows that contradict themselves"),
        note=note,
        columns=columns,
        rows=rows,
    )


def _plot(name: str, periods: Periods) -> Plot:
    shares = [(period, rate(own.contradictions[name].contradicting, own.rows)) for period, own in periods if own.rows]
    key, title = f"contradicting_{name}", gettext("{name}: share of rows that contradict themselves").format(name=name)
    if not shares:
        return Plot(key=key, title=title, words="", alt="", gap=gettext("No period has rows."))

    period, last = shares[-1]
    return shares_by_period(
        key,
        title,
        gettext("With 95 % intervals. In {period}: {last_value}.").format(
            period=period, last_value=percent(last.value, 2)
        ),
        shares,
    )
