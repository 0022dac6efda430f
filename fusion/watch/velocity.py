"""Velocity: many applications of one kind in a short time, such as one purpose or one occupation.

The kinds are the levels that the model knows of each column: a level of one row could be what a person wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter

from data_schemas.contract import Schema
from data_schemas.messages import Number, message
from features.arrays import Ints
from features.tables.spelling import level_codes
from fusion.bundle import Bundle
from fusion.validation.intervals import rate
from fusion.watch.departures import LONGEST, Departure, Figure
from fusion.watch.excess import excess_chances, times_usual
from fusion.watch.part import Batch, JsonObject, Observed, Watched
from fusion.watch.signals import MAX_ROWS, RowRef, Signal, first_rows


@dataclass(frozen=True)
class Kinds:
    """Rows by the level of one column.

    Attributes:
        rows: Number with each known level.
        first: First rows with each.
    """

    rows: tuple[int, ...]
    first: tuple[tuple[RowRef, ...], ...]

    def __add__(self, other: Kinds) -> Kinds:
        return Kinds(
            tuple(one + more for one, more in zip(self.rows, other.rows, strict=True)),
            tuple(first_rows(one, more) for one, more in zip(self.first, other.first, strict=True)),
        )


@dataclass(frozen=True)
class VelocityProfile:
    """Rows by their kinds.

    Attributes:
        rows: Their number.
        columns: By level column.
    """

    rows: int
    columns: Mapping[str, Kinds]


_PROFILE = TypeAdapter(VelocityProfile)


@dataclass(frozen=True)
class VelocityPart:
    """Watches how many applications of each kind come, beside the periods before.

    Attributes:
        schema: Of the applications.
        levels: Known levels of each level column.
    """

    schema: Schema
    levels: Mapping[str, tuple[str, ...]]

    @staticmethod
    def of(bundle: Bundle) -> VelocityPart:
        """The part that watches the levels of this model."""
        return VelocityPart(bundle.schema, bundle.tabular.levels)

    @property
    def name(self) -> str:
        """Its key in the state."""
        return "velocity"

    def observe(self, batch: Batch) -> Observed[VelocityProfile]:
        """The counts of a batch; it flags no rows, the signals name the first ones."""
        return Observed(VelocityProfile(len(batch), {name: self._kinds(batch, name) for name in self.levels}))

    def _kinds(self, batch: Batch, name: str) -> Kinds:
        levels = self.levels[name]
        codes = level_codes(self.schema[name], batch.applications.frame[name].tolist(), levels)
        places = [np.flatnonzero(codes == code) for code in range(1, len(levels) + 1)]
        first = tuple(tuple(map(batch.row, own[:MAX_ROWS].tolist())) for own in places)
        return Kinds(tuple(map(len, places)), first)

    def add(self, left: VelocityProfile, right: VelocityProfile) -> VelocityProfile:
        """The counts of both."""
        summed = {name: own + right.columns[name] for name, own in left.columns.items()}
        return VelocityProfile(left.rows + right.rows, summed)

    def to_json(self, profile: VelocityProfile) -> JsonObject:
        """As plain data."""
        found: JsonObject = _PROFILE.dump_python(profile, mode="json")
        return found

    def from_json(self, content: JsonObject) -> VelocityProfile:
        """What ``to_json`` gave."""
        return _PROFILE.validate_python(content)

    @property
    def trained(self) -> None:
        """Nothing: training rows stand in no time."""

    def signals(self, watched: Watched[VelocityProfile]) -> tuple[Signal, ...]:
        """Of every level that ever came, the number of its rows beside the periods before."""
        history = [profile for _, profile in watched.history[-LONGEST:] if profile.rows]
        if not history or not watched.profile.rows:
            return ()
        n_then = np.array([profile.rows for profile in history])
        found: list[Signal] = []
        for name, kinds in watched.profile.columns.items():
            then = np.array([profile.columns[name].rows for profile in history]).reshape(len(history), -1)
            found.extend(self._of_column(watched, name, kinds, then, n_then))
        return tuple(found)

    def _of_column(
        self, watched: Watched[VelocityProfile], name: str, kinds: Kinds, then: Ints, n_then: Ints
    ) -> Iterator[Signal]:
        n = watched.profile.rows
        chances = excess_chances(np.array(kinds.rows), n, then, n_then)
        expected = n * then.sum(axis=0) / n_then.sum()
        for at, (level, k) in enumerate(zip(self.levels[name], kinds.rows, strict=True)):
            usual = float(expected[at])
            if k or usual:
                share = rate(k, n)
                departure = Departure(float(k), share.low * n, share.high * n, usual, float(chances[at]))
                words = message(
                    "{name}: {k} of {n} applications are {level}, usually {usual}",
                    name=name,
                    k=Number(k, ","),
                    n=Number(n, ","),
                    level=repr(level),
                    usual=Number(usual, ",.1f"),
                )
                figure = Figure(watched.period, "velocity", f"{name}:{level}", k)
                yield figure.signal(departure, times_usual(k, usual), words, kinds.first[at])
