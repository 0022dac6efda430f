"""The chapter on contradictions: how many narratives state something else than the form, by period."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.reporting.document import Column, Finding, Interval, Plot, Section, Table
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
        title="Narratives that contradict the form",
        words=(
            "A narrative contradicts the form where the number that it states, such as an income, lies farther from "
            "the column than the contract tolerates. Where one of several statements agrees, nothing is contradicted.",
        ),
        findings=(_finding(period, now),),
        tables=tables,
        plots=tuple(_plot(name, periods[-MAX_PERIODS:]) for name in now.contradictions),
    )


def _finding(period: str, now: StatementsProfile) -> Finding:
    n = sum(own.contradicting for own in now.contradictions.values())
    if not n:
        words = "All numbers that narratives state agree with their columns, as far as the contract asks."
        return Finding(key="statements", grade="good", title=f"Nothing is contradicted in {period}", words=words)
    name, most = max(now.contradictions.items(), key=lambda item: item[1].contradicting)
    title = f"{n:,} contradiction{'s' if n > 1 else ''} between narrative and form in {period}"
    words = f"Most are of {name}: {most.contradicting:,} of {most.stated:,} that can be compared. "
    return Finding(
        key="statements", grade="note", title=title, words=words + "flagged.csv has every row, with --quote its words."
    )


def _table(
    period: str, now: StatementsProfile, reference: StatementsProfile | None, signals: dict[str, Signal]
) -> Table:
    columns = (
        Column(key="name", title="Contradiction"),
        Column(key="stated", title="Rows that state it", form="count"),
        Column(key="contradicting", title="Contradicting", form="count"),
        Column(key="share", title="Share of rows", form="percent", digits=2),
        Column(key="usual", title="Usual", form="percent", digits=2),
        Column(key="p", title="Chance", form="p"),
        Column(key="rows", title="First rows"),
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
                Interval(value=share.value, low=share.low, high=share.high) if now.rows else None,
                usual,
                None if signal is None else signal.p,
                ", ".join(one.place for one in own.first),
            )
        )
    return Table(key="contradictions", title=f"Contradictions in {period}", columns=columns, rows=tuple(rows))


def _rows(flags: Sequence[Flag]) -> Table:
    columns = (
        Column(key="row", title="Row"),
        Column(key="period", title="Period"),
        Column(key="apart", title="Apart", form="percent"),
        Column(key="words", title="What disagrees"),
    )
    worst = sorted(flags, key=lambda flag: (-flag.size, flag.row))[:MAX_FLAGS]
    rows = tuple((one.row.place, one.period, one.size, one.words) for one in worst)
    note = f"The {MAX_FLAGS} farthest of {len(flags):,}." if len(flags) > MAX_FLAGS else ""
    return Table(
        key="contradicting_rows", title="Rows that contradict themselves", note=note, columns=columns, rows=rows
    )


def _plot(name: str, periods: Periods) -> Plot:
    shares = [(period, rate(own.contradictions[name].contradicting, own.rows)) for period, own in periods if own.rows]
    key, title = f"contradicting_{name}", f"{name}: share of rows that contradict themselves"
    if not shares:
        return Plot(key=key, title=title, words="", alt="", gap="No period has rows.")

    period, last = shares[-1]
    return shares_by_period(key, title, f"With 95 % intervals. In {period}: {percent(last.value, 2)}.", shares)
