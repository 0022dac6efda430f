"""Records from a DuckDB file and from PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from data_schemas.errors import ContractError, RunError, UserError
from features.sources.join import join_sources
from features.sources.locations import parse_locations
from features.tables.reader import ReadOptions
from tests.support.joins import ACCOUNTS, read, schema_with, source, write
from tests.support.postgres import running_server, server_binaries

SCHEMA = schema_with(source(ACCOUNTS, texts=[{"name": "notes", "of": "note"}]))
TABLE = (
    "CREATE TABLE accounts "
    "(extra INT, account BIGINT, id NUMERIC(9), day DATE, balance NUMERIC(9, 2), status TEXT, note TEXT)"
)
ROWS = (
    "(0, 1, 1, DATE '2024-04-01', 5.25, 'open', 'rang; 100% sure'), (0, 2, 1, DATE '2024-04-02', NULL, NULL, NULL), "
    "(0, 3, 2, NULL, 7, 'late', 'x'), (0, 3, 9, DATE '2024-04-02', 7, 'late', 'x')"
)


@pytest.fixture
def applications(tmp_path: Path) -> Path:
    return write(tmp_path / "app.csv", "id,decided,amount", ["1,2024-05-01,10", "2,2024-06-01,20"])


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "lender.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"{TABLE}; INSERT INTO accounts VALUES {ROWS}")
    return str(path)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    psycopg2 = pytest.importorskip("psycopg2", reason="the PostgreSQL driver is not installed")
    binaries = server_binaries()
    if binaries is None:
        pytest.skip("there is no PostgreSQL server (initdb, postgres) on this machine")
    with running_server(binaries) as server:
        url = server.create("lender")
        with psycopg2.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute(f"{TABLE}; INSERT INTO accounts VALUES {ROWS}")
        connection.close()
        yield url


def joined(applications: Path, place: str) -> pd.DataFrame:
    with join_sources([applications], SCHEMA, parse_locations([f"bureau={place}"], SCHEMA), ReadOptions()) as found:
        assert found.reports[0].n_undated == 1
        assert found.reports[0].orphan_keys == (("9", 4),)
        return read(applications, found, SCHEMA)


def assert_read(applications: Path, database: str) -> None:
    """A table, one with its schema's name, and a query give the same."""
    query = "SELECT * FROM accounts WHERE coalesce(note, chr(37)) LIKE '%'"
    frames = [joined(applications, f"{database}#{part}") for part in ("accounts", query)]
    for frame in frames:
        assert frame[["n", "total"]].to_numpy().tolist() == [[2, 5.25], [0, 0]]
        assert frame["notes"].tolist() == ["[2024-04-01] rang; 100% sure", ""]


REFUSED = (
    ("nothing", r"nothing.* cannot be read: .*nothing.*Check the names"),
    ("SELECT id FROM accounts", "the header lacks 'account', 'day', 'balance', 'note'"),
    ("SELECT * FROM accounts; DROP TABLE accounts", "cannot be read"),
    ("WITH gone AS (DELETE FROM accounts RETURNING *) SELECT * FROM gone", "cannot be read"),
)


def assert_refused(applications: Path, database: str) -> None:
    for part, message in REFUSED:
        with pytest.raises(UserError, match=rf"the source 'bureau': .*{message}"):
            joined(applications, f"{database}#{part}")


def test_a_duckdb_file_is_read_by_table_and_by_query(applications: Path, database: str) -> None:
    assert_read(applications, database)
    assert joined(applications, f"{database}#main.accounts")["n"].tolist() == [2, 0]


def test_a_duckdb_file_is_never_written_to_and_reads_no_other_file(applications: Path, database: str) -> None:
    before = Path(database).read_bytes()
    assert_refused(applications, database)
    for part in ("SELECT * FROM read_csv('/etc/hostname')", "COPY accounts TO '/tmp/x'"):
        with pytest.raises(ContractError, match="the source 'bureau'"):
            joined(applications, f"{database}#{part}")
    assert Path(database).read_bytes() == before


def test_a_database_that_is_not_there_is_named(tmp_path: Path, applications: Path) -> None:
    with pytest.raises(RunError, match=r"none.duckdb does not exist"):
        joined(applications, f"{tmp_path / 'none.duckdb'}#t")
    (tmp_path / "bad.duckdb").write_bytes(b"x" * 10_000)
    with pytest.raises(RunError, match=r"bad.duckdb#t cannot be read: .*not a valid DuckDB database"):
        joined(applications, f"{tmp_path / 'bad.duckdb'}#t")


@pytest.mark.slow
def test_postgresql_is_read_by_table_and_by_query_and_never_written_to(applications: Path, postgres: str) -> None:
    assert_read(applications, postgres)
    assert joined(applications, f"{postgres}#public.accounts")["n"].tolist() == [2, 0]
    assert_refused(applications, postgres)
    assert_read(applications, postgres)
    with pytest.raises(RunError, match=r"postgresql://127.0.0.1:\d+/none#t cannot be read: .*none") as caught:
        joined(applications, f"{postgres.rpartition('/')[0]}/none#t")
    assert "s3cret" not in str(caught.value)
