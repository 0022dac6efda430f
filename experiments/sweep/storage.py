"""Where a study is kept: a journal file on one machine, or a database that many machines share."""

from __future__ import annotations

import fcntl
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import optuna
import sqlalchemy
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock  # the interface has no public address
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from data_schemas.errors import ContractError, RunError

CONNECT_SECONDS = 5
RUNNING = ".running"
PATIENCE_SECONDS = 60.0  # with the workers of a killed command, which end after their current fold
_EXAMPLE = "Write it as postgresql://USER:PASSWORD@HOST/DATABASE, or leave --storage out for a journal file in --out."
_DEFAULT_DRIVERS = {"postgresql": "postgresql+psycopg2", "postgres": "postgresql+psycopg2"}
_SCHEMA_LOCK = 7214058113  # any number that nothing else in the database locks

OnStale = Callable[[optuna.Study, optuna.trial.FrozenTrial], None]


@contextmanager
def quiet() -> Iterator[None]:
    """Optuna's notes that a part is experimental; the version is pinned, so nothing of it changes unseen."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


@contextmanager
def loss_told() -> Iterator[None]:
    """While a study is used: RunError for a database that went away or refuses, instead of the driver's own error."""
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        raise RunError(
            f"the study's database is lost: {_reason(error)}",
            "Run the same command again when it answers; the study goes on where it was.",
        ) from error


@contextmanager
def disk_told(folder: Path) -> Iterator[None]:
    """While the study in ``folder`` is used: RunError for a disk that is full or refuses."""
    try:
        yield
    except OSError as error:
        about = f", {error.filename}" if error.filename else ""
        raise RunError(
            f"the study in {folder} cannot be kept ({error.strerror or type(error).__name__}{about})",
            "Mend that and run the same command again; the study goes on where it was. Or choose another --out.",
        ) from error


@contextmanager
def sole_command(folder: Path, note: Callable[[str], object]) -> Iterator[int]:
    """The kernel's lock on a sweep's folder. Its workers must inherit the descriptor that this gives: so whoever holds
    the lock knows that no worker of an earlier command lives.

    Waits a minute for those of a killed command, and says so; raises RunError when they, or another command, go on.
    """
    with disk_told(folder):
        file = (folder / RUNNING).open("ab")
    with file:
        if not _locked(file, folder):
            note(f"waiting for what still runs in {folder}")
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not _locked(file, folder):
                if time.monotonic() >= deadline:
                    raise RunError(
                        f"another sweep runs in {folder}, or the workers of a killed one still end their current fold",
                        "Wait for it, or stop it with Ctrl-C, and run the same command again. Or choose another --out.",
                    )
                time.sleep(0.2)
        yield file.fileno()


def _locked(file: BinaryIO, folder: Path) -> bool:
    """Try to lock; whether that went well."""
    with disk_told(folder):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


class JournalLock(BaseJournalFileLock):
    """The kernel's lock on the journal itself: a killed worker's is free at once, and a waiting one can be interrupted.

    (Optuna's own lock files outlive their owner by half a minute, and Ctrl-C in the queue frees the lock of another.)
    What a power cut left half written is cut off before the next record goes behind it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: BinaryIO | None = None

    def acquire(self) -> bool:
        """Wait for the lock, then see to it that the journal ends with a whole line."""
        file = self._path.open("ab+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            _cut_unended_line(file)
        except BaseException:
            file.close()
            raise
        self._held = file
        return True

    def release(self) -> None:
        """Free the lock."""
        if self._held:
            self._held.close()
        self._held = None


def open_journal(path: Path) -> JournalStorage:
    """The journal at ``path``, begun where there is none.

    Raises RunError where it cannot be written, or where a line other than the last is broken; a broken last line, what
    a power cut leaves, is cut off.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = JournalLock(path.resolve())
        lock.acquire()
        try:
            _mend(path)
        finally:
            lock.release()
        return JournalStorage(JournalFileBackend(str(path.resolve()), lock_obj=lock))
    except OSError as error:
        raise RunError(
            f"the study's journal {path} cannot be written ({error.strerror})", "Choose another folder with --out."
        ) from error
    except (KeyError, ValueError, TypeError, AssertionError) as error:
        raise RunError(
            f"the study's journal {path} does not read as a study ({error!r})",
            "Put back a copy of it, or begin anew in another folder with --out.",
        ) from error


def open_database(text: str, heartbeat: int, on_stale: OnStale) -> RDBStorage:
    """The database behind an SQLAlchemy URL; its tables are made where there are none.

    A running trial signs every ``heartbeat`` seconds; one that has not signed for three of them is failed by whichever
    worker begins a trial next, and handed to ``on_stale``.

    Raises ContractError for what is no database URL; RunError for a missing driver, and within seconds for a database
    that cannot be reached. No message holds a password.
    """
    url, shown = _url(text), without_password(text)
    engine = {"connect_args": _connect_args(url), "pool_pre_ping": True}
    try:
        with _making_tables(url), quiet():
            return RDBStorage(
                url.render_as_string(hide_password=False),
                engine_kwargs=engine,
                heartbeat_interval=heartbeat,
                grace_period=3 * heartbeat,
                heartbeat_stale_trial_callback=on_stale,
            )
    except NoSuchModuleError as error:
        raise ContractError(f"--storage: no database is known as {url.drivername!r}", _EXAMPLE) from error
    except ImportError as error:
        remedy = "pip install 'creditfusion[postgres]'" if url.get_backend_name() == "postgresql" else "Install it"
        raise RunError(f"the driver for {url.drivername!r} is not installed", f"{remedy}.") from error
    except (SQLAlchemyError, StorageInternalError) as error:
        raise RunError(
            f"the database {shown} cannot be used: {_reason(error)}", "Check address, name and rights."
        ) from error
    except RuntimeError as error:
        raise RunError(
            f"the database {shown} holds studies of another Optuna: {error}", "Use another database."
        ) from error


def without_password(text: str) -> str:
    """The URL of a database as it may be shown. Raises ContractError for what is no URL."""
    return _url(text).set(query={}).render_as_string(hide_password=True)


def _url(text: str) -> URL:
    try:
        url = sqlalchemy.make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ContractError("--storage is no database URL", _EXAMPLE) from error
    return url.set(drivername=_DEFAULT_DRIVERS.get(url.drivername, url.drivername))


def _connect_args(url: URL) -> dict[str, int]:
    """Patience in seconds, so that an absent database is told at once and a lost one soon."""
    if not url.drivername.startswith("postgresql+psycopg"):
        return {}
    wanted = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 20,
        "keepalives_interval": 5,
        "keepalives_count": 4,
    }
    return {name: value for name, value in wanted.items() if name not in url.query}


@contextmanager
def _making_tables(url: URL) -> Iterator[None]:
    """Machines that start together make the tables one after the other; PostgreSQL's own check of them is no lock."""
    if url.get_backend_name() != "postgresql":
        yield
        return
    engine = sqlalchemy.create_engine(url, connect_args=_connect_args(url), poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text(f"SELECT pg_advisory_lock({_SCHEMA_LOCK})"))
        yield


def _reason(error: BaseException) -> str:
    """Return the driver's own first words about it."""
    while not isinstance(error, sqlalchemy.exc.DBAPIError) and error.__cause__:
        error = error.__cause__
    own = getattr(error, "orig", None) or error
    return " ".join(str(own).split()) or type(own).__name__


def _cut_unended_line(file: BinaryIO) -> None:
    """Cut what stands behind the last line end. The file's lock is held."""
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) == b"\n":
        return
    file.seek(0)
    whole = 0
    for line in file:
        whole += len(line) if line.endswith(b"\n") else 0
    file.truncate(whole)


def _mend(path: Path) -> None:
    """Cut a broken last line; a broken line that others follow is an error. The file's lock is held."""
    start, broken = 0, None
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if broken is not None:
                raise RunError(
                    f"{path}, line {broken} is no record of a study, though others follow it",
                    "Put back a copy of the file, or begin anew in another folder with --out.",
                )
            if _is_record(line):
                start += len(line)
            else:
                broken = number
    if broken is not None:
        os.truncate(path, start)


def _is_record(line: bytes) -> bool:
    try:
        record = json.loads(line)
    except ValueError:
        return False
    return isinstance(record, dict) and "op_code" in record
