"""The page of a watch: what needs attention first, then a chapter for every part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

from experiments.reporting.document import Document, Finding, Section, Table, key_figure_table
from experiments.reporting.language import gettext
from experiments.reporting.lower_floors import translated
from experiments.reporting.model_name import name_and_digest
from experiments.reporting.words import count, number
from experiments.validate.card import origin
from experiments.watch.opened import Opened
from experiments.watch.outputs import row_words
from experiments.watch.parts import PartWithChapter, reference_of
from experiments.watch.state import State
from fusion.watch.alerts import Alert
from fusion.watch.part import MAX_HISTORY
from fusion.watch.rules import GRADES, Rules

LEAST_P = 1e-12
"""A smaller chance is not written out."""

MAX_ALERTS = 30
"""Alerts that the first chapter names; alerts.jsonl has all."""


def watch_page(
    opened: Opened,
    parts: Sequence[PartWithChapter[Any]],
    gathered: Sequence[Section | None],
    rules: Rules,
    state: State,
    made_on: date,
) -> Document:
    """The page of all that a state holds; gathered: chapters of what looks across files."""
    periods = state.periods()[-MAX_HISTORY:]
    shown = set(periods)
    alerts = [alert for alert in state.alerts() if alert.period in shown]
    ranked = _ranked(alerts, periods)
    chapters = [*(_chapter(one, periods, state) for one in parts), *gathered]
    files = [file for file in state.files("data") if not file.refused]
    span = (
        gettext("{periods} to {periods2}").format(periods=periods[0], periods2=periods[-1])
        if len(periods) > 1
        else "".join(periods)
    )
    model = {gettext("Model"): name_and_digest(opened.scorer.bundle)} if opened.scorer is not None else {}
    return Document(
        report="watch",
        title=opened.schema.title,
        kicker=gettext("Watch of a credit-risk model") if opened.scorer is not None else gettext("Watch of texts"),
        made_on=made_on,
        facts={
            **model,
            gettext("Periods"): f"{number(len(periods))}, {span}" if periods else gettext("none yet"),
            gettext("Rows"): gettext("{watched} of {files}").format(
                watched=number(sum(file.watched for file in files)), files=count(len(files), "file")
            ),
            gettext("Held against"): _held_against(opened, state),
        },
        headline=_headline(ranked),
        key_figures=_key_figures(ranked, periods, state),
        sections=(_attention(ranked, state), *(one for one in chapters if one is not None)),
        origin=(origin(opened.scorer.bundle) if opened.scorer is not None else {})
        | {gettext("rules"): rules.digest[:12]},
    )


def _chapter(part: PartWithChapter[Any], periods: Sequence[str], state: State) -> Section | None:
    if part.chapter is None:
        return None
    name, decode = part.part.name, part.part.from_json
    kept = [(period, state.profile("data", period, name)) for period in periods]
    profiles = [(period, decode(content)) for period, content in kept if content is not None]
    signals = [signal for period in periods for signal in state.signals(period, name)]
    shown = set(periods)
    flags = [flag for flag in state.flags(name) if flag.period in shown]
    return part.chapter(reference_of(part.part, state), profiles, signals, flags)


def _held_against(opened: Opened, state: State) -> str:
    references = state.files("reference")
    if references:
        rows = number(sum(file.watched for file in references))
        return gettext("{rows} rows of {file_name}").format(
            rows=rows, file_name=", ".join(file.name for file in references)
        )
    if opened.scorer is None:
        return gettext("the periods before")
    return gettext("the {n_rows} rows that the model learned from").format(
        n_rows=number(opened.scorer.bundle.manifest.provenance.n_rows)
    )


def _ranked(alerts: Sequence[Alert], periods: Sequence[str]) -> list[Alert]:
    """The gravest first, of equal ones the latest, of one period those furthest beyond their level."""
    place = {name: at for at, name in enumerate(periods)}
    return sorted(
        alerts, key=lambda one: (-GRADES.index(one.grade), -place[one.period], -one.value / (one.level or 1), one.id)
    )


def _headline(alerts: Sequence[Alert]) -> tuple[str, ...]:
    if not alerts:
        return (gettext("Nothing departs from what is usual by more than its rule lets pass."),)
    n = {grade: sum(alert.grade == grade for alert in alerts) for grade in GRADES}
    parts = [count(n["alarm"], "alarm"), count(n["warn"], "warning")]
    return (
        gettext("{parts}. Gravest, in {period}: {words}").format(
            parts=gettext("{alarms} and {warnings}").format(alarms=parts[0], warnings=parts[1]),
            period=alerts[0].period,
            words=translated(alerts[0].words),
        ),
    )


def _key_figures(alerts: Sequence[Alert], periods: Sequence[str], state: State) -> Table:
    latest = periods[-1] if periods else ""
    own = [alert for alert in alerts if alert.period == latest]
    flagged = sum(1 for _ in state.flags())
    rejected = sum(sum(file.rejected.values()) for file in state.files("data"))
    rows = (
        (
            gettext("Alarms"),
            number(sum(one.grade == "alarm" for one in alerts)),
            gettext("of {periods}").format(periods=count(len(periods), "period")),
        ),
        (
            gettext("Warnings"),
            number(sum(one.grade == "warn" for one in alerts)),
            gettext("of {periods}").format(periods=count(len(periods), "period")),
        ),
        (gettext("In the latest period"), number(len(own)), latest or gettext("none yet")),
        (
            gettext("Rows flagged"),
            number(flagged),
            gettext("flagged.csv; {rejected} rejected, rejects.csv").format(rejected=number(rejected)),
        ),
    )
    return key_figure_table(rows)


def _attention(alerts: Sequence[Alert], state: State) -> Section:
    """The first chapter: alerts with their evidence, and files of which nothing was taken in."""
    findings = [_finding(alert) for alert in alerts[:MAX_ALERTS]]
    refused = [file for file in state.files("data") if file.refused]
    if refused:
        words = " ".join(f"{file.name}: {file.refused}." for file in refused[-MAX_ALERTS:])
        title = gettext("{refused} could not be read.").format(refused=count(len(refused), "file"))
        findings.append(Finding(key="refused_files", grade="concern", title=title, words=words))
    broken = [one for one in state.files("data") if not one.refused and 2 * sum(one.rejected.values()) >= one.rows > 0]
    if broken:
        words = " ".join(
            gettext("{one_name}: {values} of {rows}, mostly by the rule {rejected}.").format(
                one_name=one.name,
                values=number(sum(one.rejected.values())),
                rows=count(one.rows, "row"),
                rejected=max(one.rejected, key=one.rejected.__getitem__),
            )
            for one in broken[-MAX_ALERTS:]
        )
        title = gettext("Of {broken} half of the rows or more were rejected.").format(broken=count(len(broken), "file"))
        findings.append(Finding(key="rejected_files", grade="concern", title=title, words=words))
    if not findings:
        title = gettext("No alarm and no warning.")
        words = gettext("Every figure lies within what its rule lets pass, or within what chance explains.")
        findings.append(Finding(key="nothing", grade="good", title=title, words=words))
    more = len(alerts) - MAX_ALERTS
    return Section(
        key="attention",
        title=gettext("Alarms and warnings"),
        words=(gettext("{more} of the periods shown: alerts.jsonl.").format(more=count(more, "further alert")),)
        if more > 0
        else (),
        findings=tuple(findings),
    )


def _finding(alert: Alert) -> Finding:
    grade = gettext("an alarm") if alert.grade == "alarm" else gettext("a warning")
    figure = gettext("{figure} ({figure2} to {figure3})").format(
        figure=_figure(alert.now), figure2=_figure(alert.low), figure3=_figure(alert.high)
    )
    evidence = [
        gettext("Rule {rule}: {figure}, usually {figure2}.").format(
            rule=alert.rule, figure=figure, figure2=_figure(alert.usual)
        ),
        gettext("It departs by {figure}; from {figure2} on that is {grade}.").format(
            figure=_figure(alert.value), figure2=_figure(alert.level), grade=grade
        ),
        gettext("Chance gives as much with {probability}; the rule allows {limit:.1g}.").format(
            probability=_probability(alert.p), limit=alert.limit
        ),
        gettext("{n_rows} rows.").format(n_rows=number(alert.n_rows)),
    ]
    if alert.rows:
        evidence.append(gettext("First rows: {map}.").format(map="; ".join(map(row_words, alert.rows))))
    return Finding(
        key=f"alert_{alert.id}",
        grade="alarm" if alert.grade == "alarm" else "concern",
        title=f"{alert.period}: {translated(alert.words)}",
        words=" ".join(evidence),
    )


def _probability(p: float) -> str:
    return f"p = {p:.1g}" if p >= LEAST_P else gettext("p below {least_p:.0g}").format(least_p=LEAST_P)


def _figure(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "–"
