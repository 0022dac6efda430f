"""The page of a watch: what needs attention first, then a chapter for every part."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Any

from experiments.reporting.document import Document, Finding, Section, Table, key_figure_table
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
    span = f"{periods[0]} to {periods[-1]}" if len(periods) > 1 else "".join(periods)
    model = {"Model": name_and_digest(opened.scorer.bundle)} if opened.scorer is not None else {}
    return Document(
        report="watch",
        title=opened.schema.title,
        kicker="Watch of a credit-risk model" if opened.scorer is not None else "Watch of texts",
        made_on=made_on,
        facts={
            **model,
            "Periods": f"{number(len(periods))}, {span}" if periods else "none yet",
            "Rows": f"{number(sum(file.watched for file in files))} of {count(len(files), 'file')}",
            "Held against": _held_against(opened, state),
        },
        headline=_headline(ranked),
        key_figures=_key_figures(ranked, periods, state),
        sections=(_attention(ranked, state), *(one for one in chapters if one is not None)),
        origin=(origin(opened.scorer.bundle) if opened.scorer is not None else {}) | {"rules": rules.digest[:12]},
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
        return f"{rows} rows of {', '.join(file.name for file in references)}"
    if opened.scorer is None:
        return "the periods before"
    return f"the {number(opened.scorer.bundle.manifest.provenance.n_rows)} rows that the model learned from"


def _ranked(alerts: Sequence[Alert], periods: Sequence[str]) -> list[Alert]:
    """The gravest first, of equal ones the latest, of one period those furthest beyond their level."""
    place = {name: at for at, name in enumerate(periods)}
    return sorted(
        alerts, key=lambda one: (-GRADES.index(one.grade), -place[one.period], -one.value / (one.level or 1), one.id)
    )


def _headline(alerts: Sequence[Alert]) -> tuple[str, ...]:
    if not alerts:
        return ("Nothing departs from what is usual by more than its rule lets pass.",)
    n = {grade: sum(alert.grade == grade for alert in alerts) for grade in GRADES}
    parts = [count(n["alarm"], "alarm"), count(n["warn"], "warning")]
    return (f"{' and '.join(parts)}. Gravest, in {alerts[0].period}: {alerts[0].words}",)


def _key_figures(alerts: Sequence[Alert], periods: Sequence[str], state: State) -> Table:
    latest = periods[-1] if periods else ""
    own = [alert for alert in alerts if alert.period == latest]
    flagged = sum(1 for _ in state.flags())
    rejected = sum(sum(file.rejected.values()) for file in state.files("data"))
    rows = (
        ("Alarms", number(sum(one.grade == "alarm" for one in alerts)), f"of {count(len(periods), 'period')}"),
        ("Warnings", number(sum(one.grade == "warn" for one in alerts)), f"of {count(len(periods), 'period')}"),
        ("In the latest period", number(len(own)), latest or "none yet"),
        ("Rows flagged", number(flagged), f"flagged.csv; {number(rejected)} rejected, rejects.csv"),
    )
    return key_figure_table(rows)


def _attention(alerts: Sequence[Alert], state: State) -> Section:
    """The first chapter: alerts with their evidence, and files of which nothing was taken in."""
    findings = [_finding(alert) for alert in alerts[:MAX_ALERTS]]
    refused = [file for file in state.files("data") if file.refused]
    if refused:
        words = " ".join(f"{file.name}: {file.refused}." for file in refused[-MAX_ALERTS:])
        title = f"{count(len(refused), 'file')} could not be read."
        findings.append(Finding(key="refused_files", grade="concern", title=title, words=words))
    broken = [one for one in state.files("data") if not one.refused and 2 * sum(one.rejected.values()) >= one.rows > 0]
    if broken:
        words = " ".join(
            f"{one.name}: {number(sum(one.rejected.values()))} of {count(one.rows, 'row')}, "
            f"mostly by the rule {max(one.rejected, key=one.rejected.__getitem__)}."
            for one in broken[-MAX_ALERTS:]
        )
        title = f"Of {count(len(broken), 'file')} half of the rows or more were rejected."
        findings.append(Finding(key="rejected_files", grade="concern", title=title, words=words))
    if not findings:
        title = "No alarm and no warning."
        words = "Every figure lies within what its rule lets pass, or within what chance explains."
        findings.append(Finding(key="nothing", grade="good", title=title, words=words))
    more = len(alerts) - MAX_ALERTS
    return Section(
        key="attention",
        title="Alarms and warnings",
        words=(f"{count(more, 'further alert')} of the periods shown: alerts.jsonl.",) if more > 0 else (),
        findings=tuple(findings),
    )


def _finding(alert: Alert) -> Finding:
    grade = "an alarm" if alert.grade == "alarm" else "a warning"
    figure = f"{_figure(alert.now)} ({_figure(alert.low)} to {_figure(alert.high)})"
    evidence = [
        f"Rule {alert.rule}: {figure}, usually {_figure(alert.usual)}.",
        f"It departs by {_figure(alert.value)}; from {_figure(alert.level)} on that is {grade}.",
        f"Chance gives as much with {_probability(alert.p)}; the rule allows {alert.limit:.1g}.",
        f"{number(alert.n_rows)} rows.",
    ]
    if alert.rows:
        evidence.append(f"First rows: {'; '.join(map(row_words, alert.rows))}.")
    return Finding(
        key=f"alert_{alert.id}",
        grade="alarm" if alert.grade == "alarm" else "concern",
        title=f"{alert.period}: {alert.words}",
        words=" ".join(evidence),
    )


def _probability(p: float) -> str:
    return f"p = {p:.1g}" if p >= LEAST_P else f"p below {LEAST_P:.0g}"


def _figure(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else "–"
