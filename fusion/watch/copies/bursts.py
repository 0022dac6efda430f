"""Bursts: more copied narratives than usual in a period, and one value of a shared column in many applications."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data_schemas.messages import Message, Number, message
from features.sources.database import literal, temporary_database
from fusion.validation.intervals import rate
from fusion.watch.copies.rings import LEAST_APPLICANTS, MEMORY_MB, Ring
from fusion.watch.copies.store import SHARED, Store
from fusion.watch.departures import LONGEST, Departure, Figure
from fusion.watch.excess import excess_chances, times_usual
from fusion.watch.signals import MAX_ROWS, Flag, RowRef, Signal, first_rows

if TYPE_CHECKING:
    import duckdb

LEAST_ALIKE = 5
"""Applications of a period that have a value in common, from which on that value is looked at."""


@dataclass(frozen=True)
class Period:
    """Numbers of applications of a period.

    Attributes:
        rows: All.
        written: Those with a narrative.
    """

    rows: int
    written: int


@dataclass(frozen=True)
class Value:
    """A value of a shared column that stands in many applications of one period, at least.

    Attributes:
        rows: Its applications by period.
        first: The first ones of each period with ``LEAST_ALIKE`` or more.
    """

    rows: Mapping[str, int]
    first: Mapping[str, tuple[RowRef, ...]]


@dataclass(frozen=True)
class Counts:
    """What the rows of a store are, by period.

    Attributes:
        periods: By name.
        values: Of each column those with ``LEAST_ALIKE`` applications in a period.
        different: How many values a column has in a period, by both.
    """

    periods: Mapping[str, Period]
    values: Mapping[str, tuple[Value, ...]]
    different: Mapping[tuple[str, str], int]


def count_rows(store: Store, digests: Sequence[str]) -> Counts:
    """Count the rows of these files; raises RunError where memory or disk do not suffice."""
    if not digests:
        return Counts({}, {}, {})
    listed = ", ".join(literal(str(store.rows_of(digest))) for digest in digests)
    with temporary_database(MEMORY_MB, 0, "rows of copies cannot be counted") as connection:
        connection.execute(f"""
            CREATE VIEW kept AS
            SELECT * REPLACE (period::VARCHAR AS period, file::VARCHAR AS file, narrative::VARCHAR AS narrative)
            FROM read_parquet([{listed}], union_by_name = true) WHERE is_first""")
        query = "SELECT period, count(*), count(*) FILTER (narrative <> '') FROM kept GROUP BY period"
        periods = {name: Period(rows, written) for name, rows, written in connection.execute(query).fetchall()}
        values: dict[str, tuple[Value, ...]] = {}
        different: dict[tuple[str, str], int] = {}
        for column in store.columns:
            values[column], found = _values(connection, column)
            different |= {(column, period): n for period, n in found.items()}
    return Counts(periods, values, different)


def _values(connection: duckdb.DuckDBPyConnection, column: str) -> tuple[tuple[Value, ...], Mapping[str, int]]:
    """The values of a column that many applications of a period have, and how many values each period has."""
    name = '"' + f"{SHARED}{column}".replace('"', '""') + '"'
    connection.execute(f"""
        CREATE OR REPLACE TABLE alike AS
        SELECT {name} AS value, period, count(*) AS n FROM kept WHERE value IS NOT NULL GROUP BY ALL""")
    many = f"SELECT DISTINCT value FROM alike WHERE n >= {LEAST_ALIKE}"
    rows: dict[int, dict[str, int]] = defaultdict(dict)
    for value, period, n in connection.execute(f"SELECT * FROM alike SEMI JOIN ({many}) USING (value)").fetchall():
        rows[value][period] = n
    first: dict[int, dict[str, tuple[RowRef, ...]]] = defaultdict(dict)
    own = f"""
        SELECT value, alike.period, list([file, row::VARCHAR, id] ORDER BY file, row)[:{MAX_ROWS}]
        FROM kept JOIN alike ON alike.value = {name} AND alike.period = kept.period
        WHERE n >= {LEAST_ALIKE} GROUP BY value, alike.period"""
    for value, period, found in connection.execute(own).fetchall():
        first[value][period] = tuple(RowRef(file, int(row), id_) for file, row, id_ in found)
    different = dict(connection.execute("SELECT period, count(*) FROM alike GROUP BY period").fetchall())
    return tuple(Value(rows[value], first[value]) for value in sorted(rows)), different


def ring_signals(rings: Sequence[Ring], counts: Counts, periods: Sequence[str]) -> tuple[Signal, ...]:
    """The share of narratives that are in rings, for each of these periods beside those before it; and that of those
    whose ring has ``LEAST_APPLICANTS`` rows in the period (subject ``at once``), which stands out where some copies are
    common.

    Who copies does not do so once: rows come by the ring, so that ``LEAST_APPLICANTS`` of them count as one event of
    chance.
    """
    every: dict[str, list[tuple[RowRef, ...]]] = defaultdict(list)
    for ring in rings:
        own: dict[str, list[RowRef]] = defaultdict(list)
        for member in ring.members:
            own[member.period].append(member.row)
        for period, rows in own.items():
            every[period].append(tuple(rows))
    at_once = {name: [rows for rows in own if len(rows) >= LEAST_APPLICANTS] for name, own in every.items()}
    return (*_share_signals("", every, counts, periods), *_share_signals("at once", at_once, counts, periods))


def _share_signals(
    subject: str, rows: Mapping[str, Sequence[tuple[RowRef, ...]]], counts: Counts, periods: Sequence[str]
) -> Iterator[Signal]:
    """The share of narratives among these rows, which are given by period and ring."""
    known = [name for name in periods if name in counts.periods and counts.periods[name].written]
    k = np.array([sum(map(len, rows.get(name, ()))) for name in known], dtype=np.int64)
    n = np.array([counts.periods[name].written for name in known], dtype=np.int64)
    events, every = k // LEAST_APPLICANTS, n // LEAST_APPLICANTS
    for at, period in enumerate(known[1:], start=1):
        before = slice(max(0, at - LONGEST), at)
        usual = float(k[before].sum() / n[before].sum())
        chance = excess_chances(events[at : at + 1], int(every[at]), events[before, None], every[before])
        share = rate(int(k[at]), int(n[at]))
        own = rows.get(period, ())
        words = _copies_words(int(k[at]), int(n[at]), len(own), usual, at_once=bool(subject))
        departure = Departure(share.value, share.low, share.high, usual, float(chance[0]))
        figure = Figure(period, "copies", subject, int(n[at]))
        yield figure.signal(departure, max(0.0, share.value - usual), words, first_rows(*own))


def _copies_words(k: int, n: int, n_rings: int, usual: float, at_once: bool) -> Message:
    copies, every, share = Number(k, ","), Number(n, ","), Number(usual, ".2%")
    number = Number(n_rings, ",")
    rings = message("{n} ring", n=number) if n_rings == 1 else message("{n} rings", n=number)
    if at_once:
        return message(
            "{k} of {n} narratives are copies, in {rings} at once; usually {usual}",
            k=copies,
            n=every,
            rings=rings,
            usual=share,
        )
    return message(
        "{k} of {n} narratives are copies, in {rings}; usually {usual}", k=copies, n=every, rings=rings, usual=share
    )


def ring_flags(rings: Sequence[Ring]) -> tuple[Flag, ...]:
    """A flag for every member of a ring; its size is the number of applicants."""
    found = []
    for ring in rings:
        shared = {at: column for column, groups in ring.shares().items() for group in groups for at in group}
        days = sorted({member.period for member in ring.members})
        for at, member in enumerate(ring.members):
            words = _ring_words(ring.narrative, ring.n_applicants - 1, days)
            if at in shared:
                words = message("{words}; shares {column} with one of them", words=words, column=shared[at])
            flag = Flag(member.row, member.period, "copies", float(ring.n_applicants), words, ring=ring.number)
            found.append(flag)
    return tuple(found)


def _ring_words(narrative: str, others: int, days: Sequence[str]) -> Message:
    n = Number(others, ",")
    if len(days) == 1:
        return message("{name}: copied by {n} other applicants in {period}", name=narrative, n=n, period=days[0])
    return message(
        "{name}: copied by {n} other applicants from {first} to {last}",
        name=narrative,
        n=n,
        first=days[0],
        last=days[-1],
    )


def value_signals(counts: Counts, periods: Sequence[str]) -> tuple[Signal, ...]:
    """For each shared column and period the value whose applications exceed the usual the most, beside those before.

    The value itself is never named. Its chance is that of the likeliest of all values of the column in the period.
    """
    dated = [name for name in periods if name in counts.periods]
    found = []
    for column, values in counts.values.items():
        for at, period in enumerate(dated):
            before = dated[max(0, at - LONGEST) : at]
            own = [value for value in values if value.rows.get(period, 0) >= LEAST_ALIKE]
            if own and before:
                found.append(_most_in_excess(column, period, own, before, counts))
    return tuple(found)


def _most_in_excess(column: str, period: str, values: Sequence[Value], before: Sequence[str], counts: Counts) -> Signal:
    n = counts.periods[period].rows
    now = np.array([value.rows[period] for value in values])
    then = np.array([[value.rows.get(name, 0) for value in values] for name in before])
    n_then = np.array([counts.periods[name].rows for name in before])
    expected = n * then.sum(axis=0) / n_then.sum()
    p = excess_chances(now, n, then, n_then)
    at = int(np.lexsort((-(now - expected), p))[0])
    k, usual = int(now[at]), float(expected[at])
    share = rate(k, n)
    chance = min(1.0, float(p[at]) * counts.different[column, period])
    departure = Departure(float(k), share.low * n, share.high * n, usual, chance)
    words = message(
        "one value of {column} stands in {k} of {n} applications, usually in {usual}",
        column=column,
        k=Number(k, ","),
        n=Number(n, ","),
        usual=Number(usual, ".1f"),
    )
    figure = Figure(period, "velocity", column, k)
    return figure.signal(departure, times_usual(k, usual), words, values[at].first[period])
