"""Alerts: the signals of a period that a rule does not let pass."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from data_schemas.messages import Message
from fusion.watch.rules import GRADES, AlertGrade, Rule, Rules
from fusion.watch.signals import Check, RowRef, Signal

_Subject = tuple[Check, str]


@dataclass(frozen=True)
class Alert:
    """A warning or an alarm, with its evidence.

    Attributes:
        id: 12 hex digits that follow from rule, check, subject, period and grade.
        grade: warning or alarm.
        rule: its name.
        check: which figure.
        subject: of what; "" for the whole.
        period: in which.
        words: what changed, in one sentence.
        value: size of the departure.
        level: from which on the rule gives this grade.
        now: the figure in this period.
        low: lower end of its 95 % interval.
        high: upper end.
        usual: the figure in the reference.
        p: chance of such a departure where nothing changed.
        limit: largest p that the rule takes for this figure, its share of the rule's chance.
        n_rows: rows that the figure rests on.
        rows: the first rows concerned.
    """

    id: str
    grade: AlertGrade
    rule: str
    check: Check
    subject: str
    period: str
    words: Message
    value: float
    level: float
    now: float
    low: float
    high: float
    usual: float
    p: float
    limit: float
    n_rows: int
    rows: tuple[RowRef, ...] = ()


def alert_id(rule: str, check: str, subject: str, period: str, grade: str) -> str:
    """12 hex digits; equal for equal alerts."""
    return hashlib.sha256("\0".join((rule, check, subject, period, grade)).encode()).hexdigest()[:12]


def find_alerts(
    rules: Rules, periods: Sequence[str], signals: Sequence[Sequence[Signal]], earlier: Sequence[Alert]
) -> tuple[Alert, ...]:
    """The alerts of the last of some periods, in the order of the rules, the gravest first within one.

    Args:
        rules: what is let pass.
        periods: in the order of time.
        signals: of the last of these periods, at least ``longest_window`` of them where there are as many.
        earlier: alerts of any periods.
    """
    found: list[Alert] = []
    for name, rule in rules.rules.items():
        found += _alerts_of(name, rule, periods, signals, earlier)
    return tuple(found)


def longest_window(rules: Rules) -> int:
    """So many periods in a row the most patient rule wants to depart."""
    return max((rule.periods for rule in rules.rules.values()), default=1)


def _alerts_of(
    name: str, rule: Rule, periods: Sequence[str], signals: Sequence[Sequence[Signal]], earlier: Sequence[Alert]
) -> list[Alert]:
    if not rule.enabled or len(signals) < rule.periods:
        return []
    window = [_departing(rule, own) for own in signals[-rule.periods :]]
    found = []
    for subject, departure in window[-1].items():
        if all(subject in one for one in window):
            grade = min((one[subject].grade for one in window), key=GRADES.index)
            if not _held_back(name, rule, subject, grade, periods, earlier):
                found.append(_alert(name, rule, departure, grade))
    return sorted(found, key=lambda alert: (-GRADES.index(alert.grade), -alert.value, alert.check, alert.subject))


@dataclass(frozen=True)
class _Departure:
    """A signal that departs further than chance would, its grade, and the p that it had to reach."""

    signal: Signal
    grade: AlertGrade
    limit: float


def _departing(rule: Rule, signals: Sequence[Signal]) -> dict[_Subject, _Departure]:
    """What departs in one period; the largest where a check has several figures of a subject."""
    looked_at = list(_looked_at(rule, signals))
    limit = rule.chance / max(len(looked_at), 1)  # Bonferroni: all of them together exceed the chance no more often
    found: dict[_Subject, _Departure] = {}
    for signal in sorted(looked_at, key=lambda one: one.value):
        grade = rule.grade(signal.value)
        if grade is not None and signal.p <= limit:
            found[signal.check, signal.subject] = _Departure(signal, grade, limit)
    return found


def _looked_at(rule: Rule, signals: Sequence[Signal]) -> Iterator[Signal]:
    for signal in signals:
        if signal.check in rule.what and signal.n_rows >= rule.least_rows and fnmatchcase(signal.subject, rule.subject):
            yield signal


def _held_back(
    name: str, rule: Rule, subject: _Subject, grade: AlertGrade, periods: Sequence[str], earlier: Sequence[Alert]
) -> bool:
    """Whether an alert of this grade or a higher one was given in the cool-down before, or in this very period."""
    recent = periods[-1 - rule.cool_down :]
    return any(
        alert.rule == name
        and (alert.check, alert.subject) == subject
        and alert.period in recent
        and GRADES.index(alert.grade) >= GRADES.index(grade)
        for alert in earlier
    )


def _alert(name: str, rule: Rule, departure: _Departure, grade: AlertGrade) -> Alert:
    signal = departure.signal
    return Alert(
        id=alert_id(name, signal.check, signal.subject, signal.period, grade),
        grade=grade,
        rule=name,
        check=signal.check,
        subject=signal.subject,
        period=signal.period,
        words=signal.words,
        value=signal.value,
        level=rule.level(grade),
        now=signal.now,
        low=signal.low,
        high=signal.high,
        usual=signal.usual,
        p=signal.p,
        limit=departure.limit,
        n_rows=signal.n_rows,
        rows=signal.rows,
    )


def at_least(grade: AlertGrade, least: AlertGrade) -> bool:
    """Whether a grade is as grave as another."""
    return GRADES.index(grade) >= GRADES.index(least)


def counts(alerts: Sequence[Alert]) -> Mapping[AlertGrade, int]:
    """How many alerts there are of each grade."""
    return {grade: sum(alert.grade == grade for alert in alerts) for grade in GRADES}
