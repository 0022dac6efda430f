"""Joining applications with the records of their sources: what is made of them, by row of a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from data_schemas.contract import Schema, Source
from data_schemas.errors import ContractError
from data_schemas.sources import IfAbsent
from features.sources.aggregates import made_columns
from features.sources.checks import look_at
from features.sources.columns import of_applications
from features.sources.database import count, temporary_database
from features.sources.joined import JoinedSources
from features.sources.known import Tables, drop_copies, find_known
from features.sources.loading import (
    Progress,
    create_rejects,
    load_applications,
    load_records,
)
from features.sources.locations import Location
from features.sources.report import SourceReport
from features.tables.reader import ReadOptions
from features.tables.text_rows import header_names

if TYPE_CHECKING:
    import duckdb

RECORDS_AT_A_TIME = 500_000


def _no_progress(table: str, n_rows: int) -> None:
    pass


@contextmanager
def join_sources(
    files: Sequence[Path],
    schema: Schema,
    locations: Mapping[str, Location],
    options: ReadOptions,
    *,
    memory_mb: int = 1024,
    threads: int = 0,
    on_progress: Progress = _no_progress,
) -> Iterator[JoinedSources]:
    """Join the applications of some files with the records of the schema's sources; temporary files live as long as
    the context.

    Args:
        files: of applications.
        locations: of each source that is given, by its name.
        options: how the files are read.
        memory_mb: beyond which the join writes to the disk of the temporary folder.
        threads: 0: as many as there are cores. No value depends on it.
        on_progress: gets the name of each table and how many rows of it are read.

    Raises:
        ContractError: for a source that is not given and may not be absent, a key or decision date that the
            applications lack, a table that does not fit its contract, or keys that match in another notation alone.
        RunError: for a table that cannot be read or breaks off, and where memory or disk do not suffice.
    """
    sources = _to_join(files, schema, locations, options)
    with temporary_database(memory_mb, threads) as connection:
        create_rejects(connection)
        before = load_applications(connection, files, of_applications(schema, sources), options.dialect)
        n_applications = count(connection, "SELECT count(*) FROM applications")
        on_progress("applications", n_applications)
        by_name: dict[str, Tables] = {}
        reports = []
        for number, source in enumerate(sources):
            tables = Tables(schema, source, by_name.get(source.link.through), number)
            by_name[source.name] = tables
            report = _join(connection, tables, locations.get(source.name), on_progress)
            _check_matches(report, options.need_target)
            reports.append(report)
        yield JoinedSources(tuple(reports), schema, tuple(by_name.values()), before, connection)


def _to_join(
    files: Sequence[Path], schema: Schema, locations: Mapping[str, Location], options: ReadOptions
) -> tuple[Source, ...]:
    """The sources to join: those that are given, and those that a file lacks, whose columns then are as of no record.

    Raises ContractError for a source that is not given and may not be absent, one that is given though the files have
    what is made of it, and one of which they have a part.
    """
    headers = [set(header_names(path, schema, options.dialect)) for path in files]
    wanted: list[Source] = []
    for source in reversed(schema.sources):
        made = {field.name for field in schema.fields_from(source.name)}
        is_owner = any(other.link.through == source.name for other in wanted)
        is_there = bool(made) and all(made <= header for header in headers)
        _check_columns(source.name, made, headers, is_there and source.name in locations)
        if source.name in locations or is_owner or not is_there:
            wanted.insert(0, source)
    for source in wanted:
        if source.name not in locations and source.if_absent is IfAbsent.REFUSE:
            what = f"the schema reads the source {source.name!r}, which is not given"
            remedy = f"Give it as --source {source.name}=FILE, or let the schema say if_absent: flag."
            raise ContractError(what, remedy)
    return tuple(wanted)


def _check_columns(name: str, made: set[str], headers: Sequence[set[str]], is_twice: bool) -> None:
    """Raise ContractError where what is made of a source stands in the files in part, or beside its records."""
    if is_twice:
        what = f"the applications have what is made of the source {name!r} already, and its records are given too"
        raise ContractError(what, f"Leave --source {name} out, or drop these columns.")
    partly = next((made - header for header in headers if made & header and made - header), None)
    if partly:
        what = f"of what is made of the source {name!r} the applications lack {', '.join(sorted(partly))}"
        raise ContractError(what, "Add these columns; or drop the others, and give the source.")


def _check_matches(report: SourceReport, is_training: bool) -> None:
    """Raise ContractError for a source of which no record has an application's key, where that can only be a mistake:
    every record breaks the contract, keys match in another notation, or a model is to learn from it or to be measured
    with it. A few applications to be scored may have no record, which is reported.
    """
    if not report.n_read or report.has_match or not report.n_applications:
        return
    if report.n_rejected == report.n_read:
        row, name, rule, message = report.first_rejects[0]
        wrong, _, remedy = message.rpartition(". ")
        place = f"row {row:,}" + (f", column {name!r}" if name else "")
        none = f"none of the {report.n_read:,} records of {report.location} keeps the contract"
        raise ContractError(f"the source {report.source!r}: {none}; {place}, rule {rule}: {wrong}", f"{remedy}.")
    what = f"the source {report.source!r}: no record of {report.location} has the key of {report.owner}"
    if near := report.near_keys:
        example = f"{near.record_key!r} and {near.owner_key!r} differ in {near.how} alone"
        raise ContractError(f"{what}; {example}", "Write keys alike in both tables.")
    if is_training and report.n_orphans:
        key, row = report.orphan_keys[0]
        remedy = "Check that the declared key names the right columns and the file belongs to these applications."
        raise ContractError(f"{what}, as {key!r} in row {row:,}", remedy)


def _join(
    connection: duckdb.DuckDBPyConnection, tables: Tables, location: Location | None, on_progress: Progress
) -> SourceReport:
    """Load the records of a source, find those that count, and make of them what is declared."""
    source = tables.source
    loaded = load_records(connection, tables.records, source, location, on_progress)
    duplicates = drop_copies(connection, tables)
    find_known(connection, tables, duplicates.n_versions > 0)
    _make(connection, tables)
    return look_at(connection, tables, location, loaded, duplicates)


def _make(connection: duckdb.DuckDBPyConnection, tables: Tables) -> None:
    """Fill the table of what is made of the records, for some applications at a time so that memory stays bounded."""
    columns = [f"{made} AS m{i}" for i, made in enumerate(made_columns(tables.source))]
    query = f"SELECT {', '.join(['app', *columns])} FROM {tables.known}"
    connection.execute(f"CREATE TABLE {tables.made} AS {query} WHERE false GROUP BY app")
    if not columns:
        return
    for low, high in _ranges(connection, tables.known):
        connection.execute(
            f"INSERT INTO {tables.made} {query} WHERE app BETWEEN {low} AND {high} GROUP BY app ORDER BY app"
        )
    for i, aggregate in enumerate(tables.source.aggregates):
        too_large = f"SELECT count(*) FROM {tables.made} WHERE NOT isfinite(CAST(m{i} AS DOUBLE))"
        if aggregate.of and tables.schema[aggregate.name].is_numeric and count(connection, too_large):
            what = (
                f"the source {tables.source.name!r}: numbers of {aggregate.of!r} are too large for {aggregate.name!r}"
            )
            raise ContractError(what, "Give the column a maximum in the schema, so that such records are rejected.")


def _ranges(connection: duckdb.DuckDBPyConnection, known: str) -> Iterator[tuple[int, int]]:
    """Ranges of applications with about ``RECORDS_AT_A_TIME`` records each, or one application with more."""
    part = f"(sum(n) OVER (ORDER BY app) - 1) // {RECORDS_AT_A_TIME}"
    counts = f"SELECT app, count(*) AS n FROM {known} GROUP BY app"
    query = f"SELECT min(app), max(app) FROM (SELECT app, {part} AS part FROM ({counts})) GROUP BY part ORDER BY 1"
    yield from connection.execute(query).fetchall()
