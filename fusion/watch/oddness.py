"""Applications that are odder than nearly all of those that the model learned from, by their columns or narratives.

A row's columns are as odd as their Mahalanobis distance (``fusion.watch.odd_columns``), a narrative as the distance of
its vector from the mean one (``fusion.validation.text_drift.distances``). Each becomes a rarity, -log10 of the share of
training rows that are as odd, and the greatest is the row's oddness. A row is odd above a bound that few enough
training rows exceed: among applications like them no larger share than the one chosen is flagged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
from pydantic import TypeAdapter

from data_schemas.messages import Message, Number, SchemaWord, Value, message, with_commas, with_semicolons
from features.arrays import Flags, Floats, Floats32
from features.design import Design, TabularBlock
from fusion.bundle import Bundle
from fusion.validation.text_drift import Reference, distances
from fusion.watch.departures import Figure, share_departure, usual_of
from fusion.watch.odd_columns import OddColumns
from fusion.watch.part import Batch, JsonObject, Observed, Watched, first_of
from fusion.watch.signals import Flag, RowRef, Signal, first_rows
from fusion.watch.tails import Sample

FALSE_ALARMS = 0.001
"""Share of applications like those of training that are flagged."""
MOST_COLUMNS = 3
ENOUGH = 0.5  # of all that columns add to the distance: what names as much has named what makes a row odd
OUTSIDE = 2.576  # normal score beyond which a value is strange by itself: the outermost hundredth
EVERY = "columns"
WHOLE = 10_000  # from which on numbers are shown without decimals


@dataclass(frozen=True)
class OddProfile:
    """How many of some rows are odd.

    Attributes:
        rows: all.
        odd: those that are odd.
        mainly: odd rows by what makes them odd most: a column or a narrative.
        first: the first odd ones.
    """

    rows: int = 0
    odd: int = 0
    mainly: Mapping[str, int] = field(default_factory=dict)
    first: tuple[RowRef, ...] = ()


_PROFILE = TypeAdapter(OddProfile)


@dataclass(frozen=True)
class Cause:
    """What makes a row odd.

    Attributes:
        mainly: the column or narrative that adds most.
        words: in words, with the values of columns and without those of narratives.
    """

    mainly: str
    words: Value


@dataclass(frozen=True)
class OddnessPart:
    """Watches for applications unlike those of training.

    Attributes:
        narratives: their names.
        levels: of each level column.
        columns: measures columns.
        reference: of the narratives.
        samples: distances of the training rows: of their columns, then of each narrative; None where they do not vary.
        oddness: float64 (n,), of the training rows, in rising order.
        limit: a row is odd above it.
    """

    narratives: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    columns: OddColumns
    reference: Reference
    samples: tuple[Sample | None, ...]
    oddness: Floats
    limit: float

    @staticmethod
    def of(bundle: Bundle, false_alarms: float = FALSE_ALARMS) -> OddnessPart:
        """The part that knows a model's training rows.

        false_alarms: Of rows like them at most this share is odd, but at least one in as many as the bundle describes.
        """
        population = bundle.population
        columns = OddColumns.of(population.columns)
        far = _far(columns.reference_distances(population.columns), population.distances)
        samples = tuple(Sample.of(own) for own in far.T)
        ordered = np.sort(_oddness(samples, far))
        return OddnessPart(
            bundle.reference.names,
            bundle.tabular.levels,
            columns,
            bundle.reference,
            samples,
            ordered,
            odd_limit(ordered, false_alarms),
        )

    @property
    def name(self) -> str:
        """Its key in the state."""
        return "oddness"

    @property
    def trained(self) -> OddProfile:
        """Of the training rows."""
        return OddProfile(len(self.oddness), int(np.count_nonzero(self.oddness > self.limit)))

    def observe(self, batch: Batch) -> Observed[OddProfile]:
        """The odd rows of a batch, each with what makes it odd; raises ValueError for one that no model has read."""
        if batch.scored is None:
            raise ValueError("oddness is that of what a model reads")
        design = batch.scored.design
        far = _far(self.columns.distances(design.tabular), distances(self.reference, design.text))
        oddness = _oddness(self.samples, far)
        odd = oddness > self.limit
        rows = np.flatnonzero(odd)
        causes = self.causes(design.take(rows), far[rows])
        flags = tuple(
            Flag(batch.row(row), batch.period, "odd", float(oddness[row]), self._words(cause, float(oddness[row])))
            for row, cause in zip(rows.tolist(), causes, strict=True)
        )
        mainly = [cause.mainly for cause in causes]
        counts = {one: mainly.count(one) for one in sorted(set(mainly))}
        return Observed(OddProfile(len(batch), len(rows), counts, first_of(batch, odd)), flags)

    def causes(self, design: Design, far: Floats) -> list[Cause]:
        """What makes each of these rows odd.

        far: float64 (n, 1 + n_narratives), distances of columns and narratives.
        """
        by_view = _rarities(self.samples, far)
        added = self.columns.by_column(design.tabular)
        extreme = self.columns.extreme(design.tabular, OUTSIDE)
        found = []
        for row, views in enumerate(by_view):
            chief = int(views.argmax())
            parts = [
                self._of_columns(design.tabular, row, added[row], extreme[row])
                if view == 0
                else _of_narrative(self.narratives[view - 1])
                for view in sorted(range(len(views)), key=lambda at: at != chief)
                if view == chief or views[view] > self.limit
            ]
            found.append(Cause(parts[0].mainly, with_semicolons([part.words for part in parts])))
        return found

    def _of_columns(self, columns: TabularBlock, row: int, added: Floats, extreme: Flags) -> Cause:
        names = (*columns.num_names, *columns.cat_names)
        order = np.argsort(-added, kind="stable")[:MOST_COLUMNS]
        so_far = np.cumsum(added[order])
        n_named = int(np.searchsorted(so_far, ENOUGH * added[added > 0].sum())) + 1
        named = [at for at in order[:n_named].tolist() if added[at] > 0]
        values = [self._value(columns, row, at, bool(extreme[at])) for at in named]
        if not named:
            return Cause(EVERY, message("its columns together"))
        return Cause(names[named[0]], reduce(_beside, values))

    def _value(self, columns: TabularBlock, row: int, at: int, extreme: bool) -> Value:
        """A column's name and value, with what is usual where the value is strange by itself."""
        if at >= len(columns.num_names):
            name = columns.cat_names[at - len(columns.num_names)]
            code = int(columns.x_cat[row, at - len(columns.num_names)])
            if not code:
                return message("{name} missing or unknown", name=name)
            return message("{name} {value}", name=name, value=SchemaWord(self.levels[name][code - 1]))
        name, value = columns.num_names[at], float(columns.x_num[row, at])
        if np.isnan(value):
            return message("{name} missing", name=name)
        sample = self.columns.scores.numbers[at]
        words = message("{name} {value}", name=name, value=_number(value))
        if sample is None or not extreme:
            return words
        low, high = np.quantile(sample.ordered, [0.005, 0.995]).tolist()
        return message("{value} (usually {low} to {high})", value=words, low=_number(low), high=_number(high))

    def _words(self, cause: Cause, oddness: float) -> Message:
        n = len(self.oddness)
        as_odd = n - int(np.searchsorted(self.oddness, oddness, side="left"))
        if not as_odd:
            return message("{words}; odder than all {n} training rows", words=cause.words, n=Number(n, ","))
        return message(
            "{words}; odder than all but {n_rows} of the {n} training rows",
            words=cause.words,
            n_rows=Number(as_odd, ","),
            n=Number(n, ","),
        )

    def add(self, left: OddProfile, right: OddProfile) -> OddProfile:
        """The counts of both."""
        names = sorted({*left.mainly, *right.mainly})
        mainly = {name: left.mainly.get(name, 0) + right.mainly.get(name, 0) for name in names}
        first = first_rows(left.first, right.first)
        return OddProfile(left.rows + right.rows, left.odd + right.odd, mainly, first)

    def to_json(self, profile: OddProfile) -> JsonObject:
        """As plain data."""
        found: JsonObject = _PROFILE.dump_python(profile, mode="json")
        return found

    def from_json(self, content: JsonObject) -> OddProfile:
        """What ``to_json`` gave."""
        return _PROFILE.validate_python(content)

    def signals(self, watched: Watched[OddProfile]) -> tuple[Signal, ...]:
        """The share of odd rows. Beside the training rows its chance is exact, however few they are: the bound is one
        of their order statistics, and Fisher's test then that of how many new rows lie above it.
        """
        now = watched.profile
        usual, history = usual_of(watched.reference, watched.history)
        departure = share_departure(now.odd, now.rows, [(one.odd, one.rows) for _, one in usual], history)
        if departure is None:
            return ()
        most = sorted(now.mainly.items(), key=lambda item: (-item[1], item[0]))[:MOST_COLUMNS]
        words = message(
            "{n_odd} of {n} rows are odd, {share}, usually {usual}",
            n_odd=Number(now.odd, ","),
            n=Number(now.rows, ","),
            share=Number(departure.now, ".2%"),
            usual=Number(departure.usual, ".2%"),
        )
        if most:
            by = [message("{name} ({n})", name=cause_name(name), n=Number(n, ",")) for name, n in most]
            words = message("{words}; mainly by {columns}", words=words, columns=with_commas(by))
        value = max(0.0, departure.now - departure.usual)
        return (Figure(watched.period, "odd", "", now.rows).signal(departure, value, words, now.first),)


def cause_name(mainly: str) -> Value:
    """The name of what makes rows odd most, for people."""
    return message("columns") if mainly == EVERY else mainly


def _of_narrative(name: str) -> Cause:
    return Cause(name, message("{name} is unlike the texts of training", name=name))


def _beside(first: Value, second: Value) -> Value:
    return message("{first} beside {second}", first=first, second=second)


def _number(value: float) -> Number:
    return Number(value, ",.0f" if abs(value) >= WHOLE else ",.6g")


def odd_limit(ordered: Floats, false_alarms: float) -> float:
    """The bound that the next row of a kind exceeds with a chance of at most ``false_alarms``, as far as so few allow:
    of n rows (in rising order) the k + 1-th greatest, which the next exceeds with a chance of (k + 1) / (n + 1).
    """
    n = len(ordered)
    n_above = max(int(false_alarms * (n + 1)), 1) - 1
    return float(ordered[max(n - 1 - n_above, 0)])


def _far(columns: Floats, narratives: Floats32) -> Floats:
    """float64 (n, 1 + n_narratives): distances of columns and narratives, side by side."""
    return np.column_stack([columns, narratives.astype(np.float64)])


def _rarities(samples: Sequence[Sample | None], far: Floats) -> Floats:
    """float64 (n, n_views): -log10 of the share of training rows as far off in each view; 0 where nothing varies."""
    found = np.zeros_like(far)
    for at, sample in enumerate(samples):
        if sample is not None:
            found[:, at] = sample.rarity(far[:, at])
    return found


def _oddness(samples: Sequence[Sample | None], far: Floats) -> Floats:
    found: Floats = _rarities(samples, far).max(axis=1)
    return found
