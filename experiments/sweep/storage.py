"""Where a study is kept: a SQLite file on one machine, or a database that many machines share.

Both are Optuna's ``RDBStorage``: a transaction is there as a whole or not at all, whatever is killed or full.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

import sqlalchemy
from optuna import Study
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from data_schemas.errors import ContractError, RunError

CONNECT_SECONDS = 5
LOCKED_SECONDS = 60  # patience with other workers that write to the same file
HEARTBEAT_SECONDS = 10  # between the signs of life that a running trial leaves; after three missed ones it is stale
_EXAMPLE = "Write it as postgresql://USER:PASSWORD@HOST/DATABASE, or leave --storage out for a file in --out."
_DEFAULT_DRIVERS = {"postgresql": "postgresql+psycopg2", "postgres": "postgresql+psycopg2"}
_TABLES_LOCK = 7214058113  # any number that nothing else in the database locks

OnStale = Callable[[Study, FrozenTrial], None]
"""What is done with a trial that was failed because its worker gave no sign of life."""


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna's notes that a part is experimental; the version is pinned, so nothing of it changes unnoticed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


@contextmanager
def database_errors() -> Iterator[None]:
    """While a study is used: RunError for a database that went away or refuses, instead of the driver's own error."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise RunError(
            f"the study's database is lost: {_reason(error)}",
            "Run the same command again when it answers; the study goes on where it was.",
        ) from error


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """While the study in ``folder`` is used: RunError for a disk that is full or refuses."""
    try:
        yield
    except OSError as error:
        about = f", {error.filename}" if error.filename else ""
        raise RunError(
            f"the study in {folder} cannot be kept ({error.strerror or type(error).__name__}{about})",
            "Mend that and run the same command again; the study goes on where it was. Or choose another --out.",
        ) from error


def open_storage(where: Path | str, on_stale: OnStale, heartbeat: int = HEARTBEAT_SECONDS) -> RDBStorage:
    """The studies in a SQLite file, or behind an SQLAlchemy URL; its tables are made where there are none.

    A running trial signs every ``heartbeat`` seconds; one that has not signed for three of them is failed by whichever
    worker begins a trial next, and handed to ``on_stale``.

    Raises ContractError for what is no database URL; RunError for a file that cannot be written or is no database, for
    a missing driver, and within seconds for a database that cannot be reached. No message holds a password.
    """
    url = None if isinstance(where, Path) else _url(where)
    shown = str(where) if isinstance(where, Path) else without_password(where)
    make = partial(
        RDBStorage, heartbeat_interval=heartbeat, grace_period=3 * heartbeat, heartbeat_stale_trial_callback=on_stale
    )
    try:
        with quiet():
            if url is None or (url.get_backend_name() == "sqlite" and url.database):
                return _open_file(Path(where if url is None else str(url.database)), make)
            return _open_server(url, make)
    except NoSuchModuleError as error:
        raise ContractError(f"--storage: no database is known as {shown.partition(':')[0]!r}", _EXAMPLE) from error
    except ImportError as error:
        driver = shown.partition(":")[0]
        remedy = "pip install 'creditfusion[postgres]'" if driver.startswith("postgresql") else "Install it"
        raise RunError(f"the driver for {driver!r} is not installed", f"{remedy}.") from error
    except (SQLAlchemyError, StorageInternalError) as error:
        raise RunError(
            f"the database {shown} cannot be used: {_reason(error)}", "Check address, name and rights."
        ) from error
    except RuntimeError as error:
        raise RunError(
            f"the database {shown} holds studies of another Optuna: {error}", "Use another database."
        ) from error


def with_sign_of_life(study: Study) -> set[int]:
    """Numbers of the trials that left a sign of life; Optuna itself tells only which have left none for long."""
    storage = study._storage
    backend = getattr(storage, "_backend", storage)
    assert isinstance(backend, RDBStorage)
    with backend.engine.connect() as connection:
        signed = set(connection.scalars(sqlalchemy.text("SELECT trial_id FROM trial_heartbeats")))
    return {trial.number for trial in study.get_trials(deepcopy=False) if trial._trial_id in signed}


def without_password(text: str) -> str:
    """The URL of a database as it may be shown. Raises ContractError for what is no URL."""
    return _url(text).set(query={}).render_as_string(hide_password=True)


def _open_file(path: Path, make: Callable[..., RDBStorage]) -> RDBStorage:
    """The SQLite file at ``path``, to which several workers of one machine may write.

    Optuna reads before it writes, so every transaction takes SQLite's write lock when it begins: two workers then never
    act on the same state, and none is refused for a stale read. Raises RunError where the folder refuses.
    """
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(path.parent):
            pool = QueuePool(lambda: cast(DBAPIConnection, _connect(path)))  # its types know no sqlite3
            storage = make("sqlite://", engine_kwargs={"pool": pool})
    event.listen(pool, "checkout", lambda connection, *_: connection.execute("BEGIN IMMEDIATE"))
    return storage


def _open_server(url: URL, make: Callable[..., RDBStorage]) -> RDBStorage:
    with _making_tables(url):
        engine = {"connect_args": _connect_args(url), "pool_pre_ping": True}
        return make(url.render_as_string(hide_password=False), engine_kwargs=engine)


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that begins no transaction by itself. In write-ahead mode readers and a writer get along."""
    connection = sqlite3.connect(path, timeout=LOCKED_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """One process at a time makes the tables in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _making_tables(url: URL) -> Iterator[None]:
    """Machines that start together make the tables one after the other; PostgreSQL's own check of them is no lock."""
    if url.get_backend_name() != "postgresql":
        yield
        return
    engine = sqlalchemy.create_engine(url, connect_args=_connect_args(url), poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({_TABLES_LOCK})"))
        yield


def _url(text: str) -> URL:
    try:
        url = sqlalchemy.make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ContractError("--storage is no database URL", _EXAMPLE) from error
    return url.set(drivername=_DEFAULT_DRIVERS.get(url.drivername, url.drivername))


def _connect_args(url: URL) -> dict[str, int]:
    """Patience in seconds, so that an absent database is reported at once and a lost one soon."""
    if not url.drivername.startswith("postgresql+psycopg"):
        return {}
    wanted = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 20,
        "keepalives_interval": 5,
        "keepalives_count": 4,
    }
    return {name: value for name, value in wanted.items() if name not in url.query}


def _reason(error: BaseException) -> str:
    """Return the driver's own first words about it."""
    while not isinstance(error, sqlalchemy.exc.DBAPIError) and error.__cause__:
        error = error.__cause__
    own = getattr(error, "orig", None) or error
    return " ".join(str(own).split()) or type(own).__name__
