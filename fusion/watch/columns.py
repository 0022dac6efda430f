"""The columns of the applications by period: what is missing, unknown or out of range, how values moved, how many came.

A profile holds counts by cell: tenths of the training rows for a number, the model's levels for a level. So it is as
small for a million rows as for ten, and adds up exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from pydantic import TypeAdapter

from data_schemas.contract import Schema
from data_schemas.fields import FieldType
from data_schemas.messages import Message, Number, SchemaWord, Value, message
from features.arrays import Flags, Floats
from features.batches.column_counts import Profiles
from features.tabular import TabularEncoder, numeric_values
from fusion.bundle import Bundle
from fusion.explain.population import Population
from fusion.validation.bins import bin_of, quantile_edges
from fusion.watch.departures import (
    Baseline,
    Departure,
    Figure,
    bound,
    psi_departure,
    psi_words,
    range_words,
    share_departure,
    usual_of,
)
from fusion.watch.part import Batch, JsonObject, Observed, Watched, first_of
from fusion.watch.signals import Check, RowRef, Signal, first_rows
from fusion.watch.volume import volume_signal

N_BINS = 10

Fault = Literal["missing", "unknown", "outside"]
FAULTS: tuple[Fault, ...] = ("missing", "unknown", "outside")


def _fault_words(fault: Fault, name: str, n_rows: int, departure: Departure) -> Message:
    share, n, usual = Number(departure.now, ".1%"), Number(n_rows, ","), Number(departure.usual, ".1%")
    if fault == "missing":
        return message(
            "{name}: {share} of {n} rows without a value, usually {usual}", name=name, share=share, n=n, usual=usual
        )
    if fault == "unknown":
        return message(
            "{name}: {share} of {n} rows with a level that the model does not know, usually {usual}",
            name=name,
            share=share,
            n=n,
            usual=usual,
        )
    return message(
        "{name}: {share} of {n} rows outside the range of training, usually {usual}",
        name=name,
        share=share,
        n=n,
        usual=usual,
    )


@dataclass(frozen=True)
class ColumnFigures:
    """Counts of one column over some rows.

    Attributes:
        rows: All of them.
        faults: Rows with each of ``FAULTS``, in that order.
        cells: Rows by bin or by level known to the model.
        first: The first rows with each of ``FAULTS``.
    """

    rows: int = 0
    faults: tuple[int, int, int] = (0, 0, 0)
    cells: tuple[int, ...] = ()
    first: tuple[tuple[RowRef, ...], ...] = ((), (), ())

    def __add__(self, other: ColumnFigures) -> ColumnFigures:
        missing, unknown, outside = (one + more for one, more in zip(self.faults, other.faults, strict=True))
        return ColumnFigures(
            self.rows + other.rows,
            (missing, unknown, outside),
            tuple(one + more for one, more in zip(self.cells, other.cells, strict=True)),
            tuple(first_rows(one, more) for one, more in zip(self.first, other.first, strict=True)),
        )

    def of_fault(self, fault: Fault) -> tuple[int, int]:
        """Rows with the fault, and the rows that could have it: all, or those with a value."""
        n_missing, n_fault = self.faults[0], self.faults[FAULTS.index(fault)]
        return n_fault, self.rows if fault == "missing" else self.rows - n_missing


@dataclass(frozen=True)
class ColumnsProfile:
    """The columns of some rows.

    Attributes:
        rows: Their number.
        columns: Counts of every column that the model reads, derived features included.
    """

    rows: int
    columns: Mapping[str, ColumnFigures]


_PROFILE = TypeAdapter(ColumnsProfile)


@dataclass(frozen=True)
class ColumnsPart:
    """Watches the columns that a model reads.

    Attributes:
        schema: Of the applications.
        levels: Known levels of each level column.
        edges: Upper bounds of the bins of each number.
        ranges: Lowest and highest usual number of each.
        trained: The profile of the rows that the model learned from.
    """

    schema: Schema
    levels: Mapping[str, tuple[str, ...]]
    edges: Mapping[str, Floats]
    ranges: Mapping[str, tuple[float, float]]
    trained: ColumnsProfile

    @staticmethod
    def of(bundle: Bundle) -> ColumnsPart:
        """The part that watches the columns of this model."""
        edges = bin_edges(bundle.population, bundle.tabular)
        ranges = {
            name: (one.low, one.high)
            for name, one in bundle.profiles.items()
            if one.low is not None and one.high is not None
        }
        trained = _trained(bundle.population, bundle.tabular, bundle.profiles, edges)
        return ColumnsPart(bundle.schema, bundle.tabular.levels, edges, ranges, trained)

    @property
    def name(self) -> str:
        """Its key in the state."""
        return "columns"

    def observe(self, batch: Batch) -> Observed[ColumnsProfile]:
        """The counts of a batch; it flags no rows, the signals name the first ones."""
        found: dict[str, ColumnFigures] = {}
        applications = batch.applications
        for name, values in numeric_values(applications).items():
            found[name] = self._number(batch, name, values)
        for field in self.schema.features:
            if field.type is FieldType.STRING:
                found[field.name] = self._level(batch, field.name)
            elif field.type is FieldType.DATE:
                missing = np.isnat(applications.frame[field.name].to_numpy("datetime64[s]"))
                none = np.zeros_like(missing)
                found[field.name] = _figures(batch, (missing, none, none), ())
        return Observed(ColumnsProfile(len(batch), found))

    def _number(self, batch: Batch, name: str, values: Floats) -> ColumnFigures:
        missing = ~np.isfinite(values)
        low, high = self.ranges.get(name, (-np.inf, np.inf))
        outside = ~missing & ((values < low) | (values > high))
        edges = self.edges[name]
        with np.errstate(over="ignore"):
            single = values[~missing].astype(np.float32).astype(np.float64)  # as the population holds them
        cells = np.bincount(bin_of(single, edges), minlength=len(edges) + 1)
        return _figures(batch, (missing, np.zeros_like(missing), outside), tuple(cells.tolist()))

    def _level(self, batch: Batch, name: str) -> ColumnFigures:
        codes = batch.codes(name)
        missing = (batch.applications.frame[name] == "").to_numpy(dtype=np.bool_) & (codes == 0)
        counts = np.bincount(codes, minlength=len(self.levels[name]) + 1)[1:]
        return _figures(batch, (missing, (codes == 0) & ~missing, np.zeros_like(missing)), tuple(counts.tolist()))

    def add(self, left: ColumnsProfile, right: ColumnsProfile) -> ColumnsProfile:
        """The counts of both."""
        summed = {name: own + right.columns[name] for name, own in left.columns.items()}
        return ColumnsProfile(left.rows + right.rows, summed)

    def to_json(self, profile: ColumnsProfile) -> JsonObject:
        """As plain data."""
        found: JsonObject = _PROFILE.dump_python(profile, mode="json")
        return found

    def from_json(self, content: JsonObject) -> ColumnsProfile:
        """What ``to_json`` gave."""
        return _PROFILE.validate_python(content)

    def signals(self, watched: Watched[ColumnsProfile]) -> tuple[Signal, ...]:
        """Volume, and of every column the shares of faulty rows and the PSI."""
        usual, history = usual_of(watched.reference, watched.history)
        volumes = [(name, profile.rows) for name, profile in watched.history]
        found = list(volume_signal(watched.period, watched.profile.rows, volumes, watched.ended))
        derived = {one.name for one in self.schema.derived}
        for name, now in watched.profile.columns.items():
            then = [profile.columns[name] for _, profile in usual]
            if name not in derived:
                for fault in FAULTS:
                    found.extend(self._fault(watched.period, name, fault, now, then, history))
            found.extend(self._psi(watched.period, name, now, then, history))
        return tuple(found)

    def _fault(
        self, period: str, name: str, fault: Fault, now: ColumnFigures, then: Sequence[ColumnFigures], history: bool
    ) -> list[Signal]:
        if (fault == "unknown" and name not in self.levels) or (fault == "outside" and name not in self.ranges):
            return []
        k, n = now.of_fault(fault)
        departure = share_departure(k, n, [one.of_fault(fault) for one in then], history)
        if departure is None:
            return []
        words = _fault_words(fault, name, n, departure)
        figure = Figure(period, _CHECKS[fault], name, n)
        value = abs(departure.now - departure.usual)
        return [figure.signal(departure, value, words, now.first[FAULTS.index(fault)])]

    def _psi(
        self, period: str, name: str, now: ColumnFigures, then: Sequence[ColumnFigures], history: bool
    ) -> list[Signal]:
        if not now.cells or not then:
            return []
        usual = Baseline(np.array([one.cells for one in then], dtype=np.int64), history)
        here = np.array(now.cells, dtype=np.int64)
        departure = psi_departure(here, usual)
        if departure is None:
            return []
        words = psi_words(name, departure, here, usual.total, partial(self.cell, name))
        return [Figure(period, "psi", name, int(here.sum())).signal(departure, departure.now, words)]

    def cell(self, name: str, at: int) -> Value:
        """Name of a cell: its level, or its range of numbers."""
        if name in self.levels:
            return SchemaWord(self.levels[name][at])
        return range_words([bound(edge) for edge in self.edges[name].tolist()], at)


_CHECKS: Mapping[Fault, Check] = {"missing": "missing", "unknown": "unknown", "outside": "outside"}


def bin_edges(population: Population, tabular: TabularEncoder) -> Mapping[str, Floats]:
    """Upper bounds of the bins of every number, quantiles of the training rows, but for the last bin."""
    x_num = population.columns.x_num.astype(np.float64)
    return {
        name: quantile_edges(x_num[~np.isnan(x_num[:, at]), at], N_BINS) for at, name in enumerate(tabular.num_names)
    }


def _trained(
    population: Population, tabular: TabularEncoder, profiles: Profiles, edges: Mapping[str, Floats]
) -> ColumnsProfile:
    """The profile of the rows learned from; bins are counted over those of them that the bundle describes."""
    found = {}
    for name, one in profiles.items():
        counts = one.counts
        if name in edges:
            values = population.columns.x_num[:, tabular.num_names.index(name)].astype(np.float64)
            cells = np.bincount(bin_of(values[~np.isnan(values)], edges[name]), minlength=len(edges[name]) + 1).tolist()
        elif name in tabular.levels:
            cells = [one.levels.get(level, 0) for level in tabular.levels[name]]
        elif tabular.schema[name] in tabular.schema.narratives:
            continue
        else:
            cells = []
        faults = (counts.missing, counts.strange, counts.outside)
        found[name] = ColumnFigures(counts.rows, faults, tuple(cells))
    rows = max((one.rows for one in found.values()), default=len(population))
    return ColumnsProfile(rows, found)


def _figures(batch: Batch, faults: tuple[Flags, Flags, Flags], cells: tuple[int, ...]) -> ColumnFigures:
    missing, unknown, outside = (int(mask.sum()) for mask in faults)
    first = tuple(first_of(batch, mask) for mask in faults)
    return ColumnFigures(len(batch), (missing, unknown, outside), cells, first)
