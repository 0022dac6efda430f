"""What a watch remembers between runs: one SQLite file, in which a file of applications is there whole or not at all.

A file is read inside one transaction: its rejects and flags as they are found, the profiles of its periods when it is
through. What follows from the profiles, signals and alerts, is found in a second transaction over all periods that are
marked as pending; a run that is killed before leaves the marks, and the next one goes on from them. Every alert has an
id that follows from what it says, and is kept once. Alerts wait in an outbox until they are delivered.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from data_schemas.errors import ContractError, RunError
from data_schemas.messages import Message
from features.tables.applications import Rejects
from fusion.watch.alerts import Alert
from fusion.watch.part import JsonObject
from fusion.watch.periods import last_day
from fusion.watch.signals import Flag, RowRef, Signal

FOLDER, FILE, LOCK = "state", "watch.sqlite", "lock"
FORMAT = "2"
"""Of the state; one of another format is refused."""

Role = Literal["data", "reference"]
_SIGNALS = TypeAdapter(tuple[Signal, ...])
_ALERT = TypeAdapter(Alert)
_MESSAGE = TypeAdapter(Message)

_QUOTED = re.compile(r"""(?:the id )?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
"""A cell in the message on a rejected row, as ``repr`` writes it."""

_TABLES = """
CREATE TABLE IF NOT EXISTS identity (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    number INTEGER PRIMARY KEY, role TEXT NOT NULL, digest TEXT NOT NULL, name TEXT NOT NULL, rows INTEGER NOT NULL,
    watched INTEGER NOT NULL, left_out INTEGER NOT NULL, rejected TEXT NOT NULL, refused TEXT NOT NULL,
    UNIQUE (role, digest));
CREATE TABLE IF NOT EXISTS periods (
    name TEXT PRIMARY KEY, number INTEGER NOT NULL, pending INTEGER NOT NULL, ended INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS profiles (
    role TEXT NOT NULL, period TEXT NOT NULL, part TEXT NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (role, period, part));
CREATE TABLE IF NOT EXISTS learned (part TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS rejects (
    file TEXT NOT NULL, row INTEGER NOT NULL, "column" TEXT NOT NULL, rule TEXT NOT NULL, message TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS flags (
    source TEXT NOT NULL, period TEXT NOT NULL, file TEXT NOT NULL, row INTEGER NOT NULL, id TEXT NOT NULL,
    "check" TEXT NOT NULL, size REAL NOT NULL, words TEXT NOT NULL, ring TEXT NOT NULL, quote TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS signals (
    period TEXT NOT NULL, source TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (period, source));
CREATE TABLE IF NOT EXISTS alerts (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, content TEXT NOT NULL, reported INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (alert TEXT NOT NULL, hook TEXT NOT NULL, PRIMARY KEY (alert, hook));
"""


@dataclass(frozen=True)
class WatchedFile:
    """What became of a file.

    Attributes:
        name: without folders.
        digest: sha256 of its bytes.
        rows: data rows in it.
        watched: rows taken in.
        left_out: sound rows of other days than those asked for.
        rejected: rows that broke the contract, by rule.
        refused: why nothing of it was taken in; "" where it was.
    """

    name: str
    digest: str
    rows: int = 0
    watched: int = 0
    left_out: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True)
class RejectedRow:
    """A row that broke the contract; what stood in it is not kept.

    Attributes:
        file: its name.
        row: number among the data rows.
        column: that broke it.
        rule: that was broken.
        message: what is wrong, and what to do.
    """

    file: str
    row: int
    column: str
    rule: str
    message: str


class State:
    """The SQLite file of a watch; one process at a time holds it open."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._sql = connection
        self.folder = folder

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is there when the block ends well, else nothing of it."""
        self._sql.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._sql.execute("ROLLBACK")
            raise
        self._sql.execute("COMMIT")

    # Files.

    def knows(self, role: Role, digest: str) -> bool:
        """Whether a file with these bytes was taken in."""
        return bool(self._all("SELECT 1 FROM files WHERE role = ? AND digest = ? AND refused = ''", role, digest))

    def add_file(self, role: Role, file: WatchedFile) -> None:
        """Note what became of a file."""
        values = (role, file.digest, file.name, file.rows, file.watched, file.left_out)
        self._sql.execute(
            "INSERT OR REPLACE INTO files (role, digest, name, rows, watched, left_out, rejected, refused) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, json.dumps(dict(file.rejected)), file.refused),
        )

    def files(self, role: Role) -> tuple[WatchedFile, ...]:
        """All files, in the order in which they came."""
        found = self._all(
            "SELECT name, digest, rows, watched, left_out, rejected, refused FROM files WHERE role = ? ORDER BY number",
            role,
        )
        return tuple(
            WatchedFile(name, digest, rows, watched, left_out, json.loads(rejected), refused)
            for name, digest, rows, watched, left_out, rejected, refused in found
        )

    def add_rejects(self, file: str, rejects: Rejects, narratives: Sequence[str]) -> None:
        """Keep where rejected rows stand and why.

        Messages are kept without the cells that they quote, since a row that was cut wrongly has words of a narrative
        in other columns. narratives: columns on which no message is kept.
        """
        columns = (rejects.frame[name] for name in ("row", "column", "rule", "message"))
        rows = [
            (file, int(row), column, rule, "" if column in narratives else _without_cells(message, rule))
            for row, column, rule, message in zip(*columns, strict=True)
        ]
        self._sql.executemany("INSERT INTO rejects VALUES (?, ?, ?, ?, ?)", rows)

    def rejects(self) -> Iterator[RejectedRow]:
        """All rejected rows, in the order in which they came."""
        return (RejectedRow(*row) for row in self._each("SELECT * FROM rejects ORDER BY rowid"))

    # Profiles.

    def add_period(self, period: str) -> None:
        """Mark a period as pending: its rows have changed."""
        self._sql.execute(
            "INSERT INTO periods VALUES (?, (SELECT count(*) FROM periods), 1, 0) "
            "ON CONFLICT (name) DO UPDATE SET pending = 1",
            (period,),
        )

    def periods(self) -> list[str]:
        """All periods with rows: days, weeks and months in the order of time, others behind them as they came."""
        rows: list[tuple[str, int]] = self._all("SELECT name, number FROM periods")
        return [name for _, _, _, name in sorted(_in_time(name, number) for name, number in rows)]

    def unsettled(self) -> tuple[frozenset[str], frozenset[str]]:
        """The periods that are pending, and those that had not ended when they were looked at last."""
        rows = self._all("SELECT name, pending, ended FROM periods")
        pending = frozenset(name for name, is_pending, _ in rows if is_pending)
        return pending, frozenset(name for name, _, has_ended in rows if not has_ended)

    def settle_period(self, period: str, ended: bool) -> None:
        """Mark a period as looked at; ended: whether it was over."""
        self._sql.execute("UPDATE periods SET pending = 0, ended = ? WHERE name = ?", (int(ended), period))

    def put_profile(self, role: Role, period: str, part: str, profile: JsonObject) -> None:
        """Keep the profile of a period in the place of the one before."""
        self._sql.execute("INSERT OR REPLACE INTO profiles VALUES (?, ?, ?, ?)", (role, period, part, _packed(profile)))

    def profile(self, role: Role, period: str, part: str) -> JsonObject | None:
        """The profile of a period; None where the part has none."""
        query = "SELECT content FROM profiles WHERE role = ? AND period = ? AND part = ?"
        rows = self._all(query, role, period, part)
        found: JsonObject | None = _unpacked(rows[0][0]) if rows else None
        return found

    def put_learned(self, part: str, content: JsonObject) -> None:
        """Keep what a part learned before its first period."""
        self._sql.execute("INSERT OR REPLACE INTO learned VALUES (?, ?)", (part, _packed(content)))

    def learned(self, part: str) -> JsonObject | None:
        """What a part learned; None where it has learned nothing yet."""
        rows = self._all("SELECT content FROM learned WHERE part = ?", part)
        found: JsonObject | None = _unpacked(rows[0][0]) if rows else None
        return found

    # Flags.

    def add_flags(self, source: str, flags: Sequence[Flag]) -> None:
        """Keep flags of a part."""
        rows = [
            (source, one.period, *asdict(one.row).values(), one.check, one.size, _json(one.words), one.ring, one.quote)
            for one in flags
        ]
        self._sql.executemany("INSERT INTO flags VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def replace_flags(self, source: str, flags: Sequence[Flag]) -> None:
        """Keep these flags of a part, and none of those before."""
        self._sql.execute("DELETE FROM flags WHERE source = ?", (source,))
        self.add_flags(source, flags)

    def flags(self, source: str | None = None) -> Iterator[Flag]:
        """Flags of one part, or of all, in the order of periods, files and rows."""
        rows = self._each(
            'SELECT file, row, id, period, "check", size, words, quote, ring FROM flags '
            'WHERE ? IS NULL OR source = ? ORDER BY period, file, row, "check", ring',
            source,
            source,
        )
        return (
            Flag(RowRef(file, row, id_), period, check, size, _MESSAGE.validate_json(words), quote, ring)
            for file, row, id_, period, check, size, words, quote, ring in rows
        )

    # Signals and alerts.

    def put_signals(self, period: str, source: str, signals: Sequence[Signal]) -> None:
        """Keep the signals of a part in a period, in the place of those before."""
        content = _packed([asdict(one) for one in signals])
        self._sql.execute("INSERT OR REPLACE INTO signals VALUES (?, ?, ?)", (period, source, content))

    def signals(self, period: str, source: str | None = None) -> tuple[Signal, ...]:
        """The signals of a period, of one part or of all."""
        query = "SELECT content FROM signals WHERE period = ? AND (? IS NULL OR source = ?) ORDER BY source"
        rows = self._all(query, period, source, source)
        return tuple(signal for (content,) in rows for signal in _SIGNALS.validate_python(_unpacked(content)))

    def add_alerts(self, alerts: Sequence[Alert], hooks: Mapping[str, Sequence[str]]) -> None:
        """Keep alerts that are not kept yet, and put them into the outbox; hooks: those of each alert by its id."""
        for alert in alerts:
            content = json.dumps(asdict(alert))
            added = self._sql.execute(
                "INSERT OR IGNORE INTO alerts (id, content, reported) VALUES (?, ?, 0)", (alert.id, content)
            )
            if added.rowcount:
                waiting = [(alert.id, hook) for hook in hooks.get(alert.id, ())]
                self._sql.executemany("INSERT OR IGNORE INTO outbox VALUES (?, ?)", waiting)

    def alerts(self) -> tuple[Alert, ...]:
        """All alerts, in the order in which they were given."""
        return self._alerts("SELECT content FROM alerts ORDER BY number")

    def unreported(self) -> tuple[Alert, ...]:
        """Alerts that no run has ended with yet."""
        return self._alerts("SELECT content FROM alerts WHERE NOT reported ORDER BY number")

    def report(self, alerts: Sequence[Alert]) -> None:
        """Mark alerts as those of a run that has ended."""
        with self.transaction():
            self._sql.executemany("UPDATE alerts SET reported = 1 WHERE id = ?", [(alert.id,) for alert in alerts])

    def waiting(self, hook: str) -> tuple[Alert, ...]:
        """Alerts that a hook has not delivered yet."""
        query = "SELECT content FROM alerts JOIN outbox ON alert = id WHERE hook = ? ORDER BY number"
        return self._alerts(query, hook)

    def deliver(self, hook: str, alerts: Sequence[Alert]) -> None:
        """Take alerts out of the outbox of a hook, which has delivered them."""
        with self.transaction():
            delivered = [(alert.id, hook) for alert in alerts]
            self._sql.executemany("DELETE FROM outbox WHERE alert = ? AND hook = ?", delivered)

    # Identity.

    def check_identity(self, identity: Mapping[str, str]) -> None:
        """Note what the watch depends on; raises ContractError where the state is that of another watch."""
        then: dict[str, str] = dict(self._all("SELECT key, value FROM identity"))
        if not then:
            with self.transaction():
                self._sql.executemany("INSERT INTO identity VALUES (?, ?)", list(identity.items()))
            return
        differing = [name for name in {**then, **identity} if then.get(name) != identity.get(name)]
        if differing:
            changes = "; ".join(
                f"{name}: {then.get(name, 'none')} then, {identity.get(name, 'none')} now" for name in differing
            )
            raise ContractError(
                f"{self.folder.parent} belongs to another watch ({changes})",
                "Choose another --out, or begin this one anew with --force.",
            )

    def _alerts(self, query: str, *values: object) -> tuple[Alert, ...]:
        return tuple(_ALERT.validate_json(content) for (content,) in self._all(query, *values))

    def _all(self, query: str, *values: object) -> list[Any]:
        return self._sql.execute(query, values).fetchall()

    def _each(self, query: str, *values: object) -> Iterator[Any]:
        return iter(self._sql.execute(query, values))


def _json(words: Message) -> str:
    return _MESSAGE.dump_json(words).decode()


def _in_time(name: str, number: int) -> tuple[bool, str, int, str]:
    dated = last_day(name) is not None
    return (not dated, name if dated else "", number, name)


def _without_cells(message: str, rule: str) -> str:
    """A message on a rejected row in which the value stands for what it quotes of the row.

    Every message begins with the cell; those on types name parts of it too, others words of the schema.
    """
    return _QUOTED.sub("the value", message, count=0 if rule == "type" else 1)


def _packed(content: object) -> bytes:
    return zlib.compress(json.dumps(content).encode(), 1)


def _unpacked(content: bytes) -> Any:
    return json.loads(zlib.decompress(content))


@contextmanager
def open_state(out: Path, force: bool = False) -> Iterator[State]:
    """The state of the watch in a folder, made where there is none; force: begun anew.

    Raises RunError where another process has it open, ContractError where it cannot be read.
    """
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f"another process watches into {out}", "Wait until it has ended.") from error
        if force:
            _clear(folder)
        connection = sqlite3.connect(folder / FILE, isolation_level=None)
        try:
            try:
                connection.execute("PRAGMA synchronous = FULL")
                connection.executescript(_TABLES)
            except sqlite3.DatabaseError as error:
                what = f"{folder / FILE} is no state of a watch, or is damaged"
                raise ContractError(what, "Choose another --out, or begin anew with --force.") from error
            yield State(connection, folder)
        finally:
            connection.close()


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()
