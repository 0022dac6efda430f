"""Counting what does not fit between the records of a source and their owners."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from features.sources.aggregates import DAY
from features.sources.database import count, literal
from features.sources.known import Duplicates, Tables, age_of, decided, examples
from features.sources.loading import REJECTS, Loaded, first_rejects
from features.sources.locations import Location
from features.sources.report import NearKeys, SourceReport

if TYPE_CHECKING:
    import duckdb

_N_EXAMPLES, _N_REJECTS = 3, 5


class Orphans(NamedTuple):
    """Records whose key no owner has: how many, examples with their row, and those that differ in notation alone."""

    n: int
    examples: tuple[tuple[str, int], ...]
    near: NearKeys | None


class Dates(NamedTuple):
    """Pairs of application and record by the record's date: before the decision, on it or later, within the lag."""

    n_before: int = 0
    n_late: int = 0
    late_row: int = 0
    n_in_lag: int = 0


def look_at(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    location: Location | None,
    loaded: Loaded,
    duplicates: Duplicates,
) -> SourceReport:
    """What was found of the records of a source, once it is joined."""
    orphans, dates = _find_orphans(connection, tables), _compare_dates(connection, tables)
    undated = f"FROM {tables.records} WHERE {tables.date} IS NULL" if tables.date else f"FROM {REJECTS} WHERE false"
    keyless = " OR ".join(f"{key} IS NULL" for _, key in tables.keys) if not tables.parent else "false"
    day = decided(tables).removeprefix("o.") if tables.date and not tables.parent else ""
    without_date = f"{day} IS NULL" if day else "false"

    def applications(condition: str) -> int:
        return count(connection, f"SELECT count(*) FROM applications WHERE {condition}")

    return SourceReport(
        source=tables.source.name,
        location=str(location) if location else "",
        through=tables.source.link.through,
        n_read=loaded.n_read,
        n_rejected=loaded.n_rejected,
        first_rejects=tuple(first_rejects(connection, tables.source.name, _N_REJECTS)),
        n_copies=duplicates.n_copies,
        n_versions=duplicates.n_versions,
        version_id=duplicates.example,
        n_orphans=orphans.n,
        orphan_keys=orphans.examples,
        near_keys=orphans.near,
        n_undated=count(connection, f"SELECT count(*) {undated}"),
        undated_row=count(connection, f'SELECT min("row") {undated}'),
        n_before=dates.n_before,
        n_late=dates.n_late,
        late_row=dates.late_row,
        n_in_lag=dates.n_in_lag,
        n_applications=applications("true"),
        n_keyless=applications(keyless),
        n_without_date=applications(without_date),
        n_without_record=applications(f"app NOT IN (SELECT app FROM {tables.known})"),
    )


def _find_orphans(connection: duckdb.DuckDBPyConnection, tables: Tables) -> Orphans:
    """The records whose key no owner has."""
    own = ", ".join(f"r.{name}" for name, _ in tables.keys)
    lost = f"FROM {tables.records} r ANTI JOIN {tables.owners} o ON {tables.on('r', 'o')}"
    n = count(connection, f"SELECT count(*) {lost}")
    if not n:
        return Orphans(0, (), None)
    first = examples(connection, f"SELECT min(r.row) AS row, {own} {lost} GROUP BY ALL", _N_EXAMPLES)
    named = tuple((_key(key), int(str(row))) for row, *key in first)
    return Orphans(n, named, _near(connection, tables, lost))


def _near(connection: duckdb.DuckDBPyConnection, tables: Tables, lost: str) -> NearKeys | None:
    """Orphans whose key is an owner's but for its notation."""
    names = range(len(tables.keys))
    bare = ", ".join(f"{_bare(f'r.{own}')} AS b{i}, r.{own} AS k{i}" for i, (own, _) in enumerate(tables.keys))
    theirs = ", ".join(f"{_bare(to)} AS b{i}, min({to}) AS k{i}" for i, (_, to) in enumerate(tables.keys))
    groups = ", ".join(f"b{i}" for i in names)
    keys = ", ".join(f"{side}.k{i}" for side in "ro" for i in names)
    pairs = (
        f"SELECT {keys}, count(*) AS n FROM (SELECT {bare} {lost}) r "
        f"JOIN (SELECT {theirs} FROM {tables.owners} GROUP BY {groups}) o USING ({groups}) GROUP BY ALL"
    )
    n = count(connection, f"SELECT sum(n) FROM ({pairs})")
    if not n:
        return None
    found = examples(connection, pairs, 1000)
    width = len(tables.keys)

    ways = {
        way for row in found for a, b in zip(row[:width], row[width:-1], strict=True) for way in _ways(str(a), str(b))
    }
    record, owner = found[0][:width], found[0][width:-1]
    return NearKeys(n, _key(record), _key(owner), " and ".join(sorted(ways)))


def _bare(cell: str) -> str:
    """SQL of a key without what programs add and drop: spaces, capitals, a trailing .0, leading zeros."""
    whole = f"regexp_replace(regexp_replace(lower({cell}), '\\s+', '', 'g'), '^([0-9]+)[.,]0+$', '\\1')"
    return f"coalesce(nullif(ltrim({whole}, '0'), ''), '0')"


def _ways(first: str, second: str) -> list[str]:
    """How two notations of one key differ."""

    def ending(key: str) -> bool:
        return re.fullmatch(r"\s*\d+[.,]0+\s*", key) is not None

    def zeros(key: str) -> int:
        return len(key) - len(key.lstrip("0"))

    ways = {
        "leading zeros": zeros(first) != zeros(second),
        "a trailing .0": ending(first) != ending(second),
        "spaces": len(re.findall(r"\s", first)) != len(re.findall(r"\s", second)),
        "capital letters": list(filter(str.isalpha, first)) != list(filter(str.isalpha, second)),
    }
    return [way for way, differs in ways.items() if differs]


def _key(parts: tuple[object, ...] | list[object]) -> str:
    return ", ".join(map(str, parts))


def _compare_dates(connection: duckdb.DuckDBPyConnection, tables: Tables) -> Dates:
    """The records with owners by their dates, as of each application's decision."""
    if not tables.date:
        return Dates()
    owners = tables.parent.known if tables.parent else "applications"
    age, lag = age_of(tables), literal(tables.source.as_of.lag_days * DAY)
    row = connection.execute(
        f"SELECT count(*) FILTER (WHERE {age} > {lag}), count(*) FILTER (WHERE {age} <= 0), "
        f"min(r.row) FILTER (WHERE {age} <= 0), count(*) FILTER (WHERE {age} > 0 AND {age} <= {lag}) "
        f"FROM {tables.records} r JOIN {owners} o ON {tables.on('r', 'o')}"
    ).fetchone()
    return Dates(*(int(value or 0) for value in row or ()))
