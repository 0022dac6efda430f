"""What follows from the profiles of periods: their signals, and the alerts that the rules make of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from experiments.reporting.document import Section
from experiments.session.run import Run
from experiments.watch.delivery import hooks_of
from experiments.watch.gathering import Gatherer
from experiments.watch.parts import PartWithChapter, reference_of
from experiments.watch.reading import quoted
from experiments.watch.state import State
from fusion.watch.alerts import Alert, find_alerts, longest_window
from fusion.watch.part import MAX_HISTORY, JsonObject, Part, Watched
from fusion.watch.periods import UNDATED, last_day
from fusion.watch.rules import Rules
from fusion.watch.signals import Signal

_AT_HAND = 20 * MAX_HISTORY  # profiles that are held decoded


@dataclass
class Settler:
    """Finds signals and alerts of the periods that changed.

    Attributes:
        parts: whose profiles are held against what is usual.
        gatherers: what looks across files.
        rules: of alarms.
        quote: whether flags may quote narratives.
        chapters: those that the gatherers gave last, by name.
    """

    parts: Sequence[PartWithChapter[Any]]
    gatherers: Sequence[Gatherer]
    rules: Rules
    quote: bool
    chapters: dict[str, Section | None] = field(default_factory=dict)
    _is_settled: bool = False

    def settle(self, state: State, today: date, run: Run) -> bool:
        """Find the signals and alerts of all periods that are pending, or have ended since they were looked at last.

        Returns whether there is anything new to write; always true the first time.
        """
        periods = state.periods()
        pending, open_before = state.unsettled()
        ended = _ended(periods, today)
        due = [name for name in periods if name in pending or (name in open_before and name in ended)]
        if not due and self._is_settled:
            return False
        with run.timed("settle"), state.transaction():
            gathered = self._gather(state, periods, run)
            known, alerts = _Profiles(state), list(state.alerts())
            for period in due:
                before = [name for name in periods[: periods.index(period)] if name != UNDATED]
                self._find_signals(known, before, period, period in ended, run)
                for gatherer in self.gatherers:
                    state.put_signals(period, gatherer.name, gathered.get((period, gatherer.name), []))
                alerts += self._find_alerts(state, [*before, period], alerts)
                state.settle_period(period, period in ended)
        self._is_settled = True
        return True

    def _gather(self, state: State, periods: Sequence[str], run: Run) -> dict[tuple[str, str], list[Signal]]:
        """The signals that gatherers find, by period and gatherer; their flags are kept."""
        signals: dict[tuple[str, str], list[Signal]] = {}
        digests = [file.digest for file in state.files("data") if not file.refused]
        for gatherer in self.gatherers:
            with run.timed(gatherer.name):
                found = gatherer.gather(digests, periods)
            state.replace_flags(gatherer.name, quoted(found.flags, self.quote))
            self.chapters[gatherer.name] = found.chapter
            for signal in found.signals:
                signals.setdefault((signal.period, gatherer.name), []).append(signal)
        return signals

    def _find_signals(self, known: _Profiles, before: Sequence[str], period: str, ended: bool, run: Run) -> None:
        """Hold the profiles of a period against what is usual, and keep the signals."""
        for part in (one.part for one in self.parts):
            profile = known.of(part, period)
            if profile is not None:
                past = [(name, known.of(part, name)) for name in before[-MAX_HISTORY:]]
                history = tuple((name, kept) for name, kept in past if kept is not None)
                with run.timed(part.name):
                    signals = part.signals(Watched(period, profile, known.reference(part), history, ended))
                known.state.put_signals(period, part.name, signals)

    def _find_alerts(self, state: State, periods: Sequence[str], earlier: Sequence[Alert]) -> tuple[Alert, ...]:
        """The alerts of the last of these periods, which are kept and put into the outbox."""
        window = [state.signals(name) for name in periods[-longest_window(self.rules) :]]
        alerts = find_alerts(self.rules, periods, window, earlier)
        state.add_alerts(alerts, {alert.id: hooks_of(alert, self.rules) for alert in alerts})
        return alerts


@dataclass
class _Profiles:
    """Profiles of the state, those used last at hand: a period's history is much that of the one before."""

    state: State
    kept: OrderedDict[tuple[str, str], Any] = field(default_factory=OrderedDict)
    references: dict[str, Any] = field(default_factory=dict)

    def of(self, part: Part[Any], period: str) -> Any:
        """The profile of a period; None where the part has none."""
        key = (part.name, period)
        if key not in self.kept:
            self.kept[key] = _decoded(part, self.state.profile("data", period, part.name))
            if len(self.kept) > _AT_HAND:
                self.kept.popitem(last=False)
        self.kept.move_to_end(key)
        return self.kept[key]

    def reference(self, part: Part[Any]) -> Any:
        """The profile of what is usual: of the files that were named as such, else of the model's training rows."""
        if part.name not in self.references:
            self.references[part.name] = reference_of(part, self.state)
        return self.references[part.name]


def _decoded(part: Part[Any], content: JsonObject | None) -> Any:
    return None if content is None else part.from_json(content)


def _ended(periods: Sequence[str], today: date) -> frozenset[str]:
    """The periods of which no more rows are awaited."""
    days = {name: last_day(name) for name in periods}
    dated = [name for name in periods if days[name] is not None]
    return frozenset(name for name, day in days.items() if day is None or day < today or name != dated[-1])
