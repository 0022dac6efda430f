"""Which records belong to an application and were known at its decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from data_schemas.contract import Schema, Source
from data_schemas.fields import Role
from features.sources.aggregates import DAY
from features.sources.columns import column, of_records, read_fields
from features.sources.database import count, literal

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Tables:
    """The tables of one source in the database.

    Attributes:
        schema: of the applications.
        source: whose tables these are.
        parent: of the source that it goes through; None for the applications.
        number: of the source, from 0.
    """

    schema: Schema
    source: Source
    parent: Tables | None
    number: int

    @property
    def records(self) -> str:
        """All sound records."""
        return f"records_{self.number}"

    @property
    def known(self) -> str:
        """Those of each application that were known at its decision, by ``app``."""
        return f"known_{self.number}"

    @property
    def made(self) -> str:
        """What is made of them: ``app``, and ``m0``, ``m1``, ... in the order of the schema."""
        return f"made_{self.number}"

    @property
    def owners(self) -> str:
        """The table that the records' keys point to."""
        return self.parent.records if self.parent else "applications"

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Columns of the key: of the records, and of their owners."""
        contract = self.parent.source.contract if self.parent else self.schema
        link = self.source.link
        return [
            (column(self.source.contract, own), column(contract, to))
            for own, to in zip(link.columns, link.to, strict=True)
        ]

    @property
    def id(self) -> str:
        """Column of the record's id; "" where it has none."""
        field = next(iter(self.source.contract.fields_of(Role.ID)), None)
        return column(self.source.contract, field.name) if field else ""

    @property
    def date(self) -> str:
        """Column of the record's date; "" where it has none."""
        return column(self.source.contract, self.source.as_of.date) if self.source.as_of.date else ""

    @property
    def columns(self) -> list[str]:
        """All columns that were read."""
        contract = of_records(self.source)
        return [column(contract, field.name) for field in read_fields(contract)]

    def on(self, record: str, owner: str) -> str:
        """That a record's key is that of an owner."""
        return " AND ".join(f"{record}.{own} = {owner}.{to}" for own, to in self.keys)


@dataclass(frozen=True)
class Duplicates:
    """Records that have their id in common.

    Attributes:
        n_copies: exact copies beside the first of each, which are dropped.
        n_versions: records beside one of each id that differ from others of that id; the latest known one counts.
        example: an id with such versions; "" for none.
    """

    n_copies: int = 0
    n_versions: int = 0
    example: str = ""


def drop_copies(connection: duckdb.DuckDBPyConnection, tables: Tables) -> Duplicates:
    """Drop exact copies of records, and leave the ids of several versions in the table ``versions``."""
    table, name = tables.records, tables.id
    connection.execute("DROP TABLE IF EXISTS versions")
    if not name:
        return Duplicates()
    twice = f"SELECT hash({name}) FROM {table} GROUP BY 1 HAVING count(*) > 1"  # an integer: lighter than the id
    connection.execute(f"CREATE TABLE versions AS SELECT {name} AS id FROM {table} WHERE hash({name}) IN ({twice})")
    alike = ", ".join(tables.columns)
    numbered = (
        f"SELECT rowid AS place, row_number() OVER (PARTITION BY {alike} ORDER BY row) AS nth FROM {table} "
        f"WHERE {name} IN (SELECT id FROM versions)"
    )
    before = count(connection, f"SELECT count(*) FROM {table}")
    connection.execute(f"DELETE FROM {table} WHERE rowid IN (SELECT place FROM ({numbered}) WHERE nth > 1)")
    connection.execute(
        f"CREATE OR REPLACE TABLE versions AS SELECT {name} AS id, count(*) AS n FROM {table} "
        f"WHERE {name} IN (SELECT id FROM versions) GROUP BY 1 HAVING count(*) > 1"
    )
    example = connection.execute("SELECT min(id) FROM versions").fetchone()
    return Duplicates(
        before - count(connection, f"SELECT count(*) FROM {table}"),
        count(connection, "SELECT sum(n - 1) FROM versions"),
        str(example[0]) if example and example[0] is not None else "",
    )


def find_known(connection: duckdb.DuckDBPyConnection, tables: Tables, versions: bool) -> None:
    """Fill the table of known records, in the order of their applications; of several versions the latest that was
    known counts.
    """
    owners = tables.parent.known if tables.parent else "applications"
    day = decided(tables)
    age = [f"{age_of(tables)} AS age"] if tables.date else []
    when = f"WHERE {age_of(tables)} > {literal(tables.source.as_of.lag_days * DAY)}" if tables.date else ""
    parts = ["o.app", *([f"{day} AS decided"] if day else []), *age, *(f"r.{name}" for name in tables.columns)]
    connection.execute(
        f"CREATE TABLE {tables.known} AS SELECT {', '.join(parts)} FROM {tables.records} r "
        f"JOIN {owners} o ON {tables.on('r', 'o')} {when} ORDER BY o.app"
    )
    if not versions:
        return
    latest = [f"{name} DESC NULLS LAST" for name in filter(None, [tables.date, *tables.columns])]
    numbered = (
        f"SELECT rowid AS place, row_number() OVER (PARTITION BY app, {tables.id} ORDER BY {', '.join(latest)}) AS nth "
        f"FROM {tables.known} WHERE {tables.id} IN (SELECT id FROM versions)"
    )
    connection.execute(f"DELETE FROM {tables.known} WHERE rowid IN (SELECT place FROM ({numbered}) WHERE nth > 1)")


def decided(tables: Tables) -> str:
    """Where the decision date stands among the owners' columns; "" where no source needs it."""
    if not any(source.as_of.date for source in tables.schema.sources):
        return ""
    if tables.parent:
        return "o.decided"
    field = tables.schema.field_of(Role.DECISION_DATE)
    return f"o.{column(tables.schema, field.name)}" if field else ""


def age_of(tables: Tables) -> str:
    """Seconds from the record ``r`` to the decision. A record without a time of day is of the whole day, so that of a
    decision the day alone counts.
    """
    day, date = decided(tables), f"r.{tables.date}"
    of_day = f"{day} - ({day} % {DAY} + {DAY}) % {DAY}"
    return f"(CASE WHEN {date} % {DAY} = 0 THEN {of_day} ELSE {day} END - {date})"


def examples(connection: duckdb.DuckDBPyConnection, query: str, n: int = 3) -> Sequence[tuple[object, ...]]:
    """The first rows of a query's sorted answer."""
    return connection.execute(f"SELECT * FROM ({query}) ORDER BY ALL LIMIT {n}").fetchall()
