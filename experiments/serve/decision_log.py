"""The decision log: who was decided by which model and how, without a cell or a word of any application.

A decision is on the disk (JSON lines, one fsync for all decisions of a batch) or committed (PostgreSQL) before its
answer is sent. A process that is killed leaves at most a torn last line, which belongs to no answer: readers take lines
that are whole, and whoever opens the log for writing cuts it off.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from data_schemas.errors import ContractError, RunError
from experiments.serve.routing import Route

POSTGRES = ("postgresql://", "postgres://", "postgresql+psycopg2://")
_BLOCK = 2**16


@dataclass(frozen=True)
class Decision:
    """One model's decision on one application.

    Attributes:
        time: UTC, in ISO 8601 with milliseconds.
        id: Of the application; None where it has none.
        model: Id of the model.
        route: Whether it decided, or only scored beside (``shadow``).
        experiment: Name of the experiment that drew the route.
        share: Of the applications that go to the challenger.
        inputs: sha256 of all that the application holds.
        pd: Probability of default; None where the model rejected the application.
        score: In points; None as ``pd``.
        decision: approve, refer or decline; "" as ``pd``.
        refer_reason: Why it is referred; "" for what is not.
        reasons: Codes of the adverse reasons, the strongest first.
        rejected: ``COLUMN:RULE`` that the application breaks in the shadow's contract; "" for none.
        ms: Milliseconds from the request to the decision.
    """

    time: str
    id: str | None
    model: str
    route: Route
    experiment: str
    share: float
    inputs: str
    pd: float | None
    score: float | None
    decision: str
    refer_reason: str
    reasons: tuple[str, ...]
    rejected: str
    ms: float


_DECISION = TypeAdapter(Decision)


class DecisionLog(Protocol):
    """Where decisions are kept."""

    def append(self, decisions: Sequence[Decision]) -> None:
        """Keep decisions for good; raises RunError where they cannot be kept, and then keeps none of them."""
        ...

    def close(self) -> None:
        """Nothing more is appended."""
        ...


class NoLog:
    """Keeps nothing."""

    def append(self, decisions: Sequence[Decision]) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Nothing to do."""


class JsonLines:
    """A file of one decision per line, with one writer; made by ``open``."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle
        self._size = os.fstat(handle).st_size

    @staticmethod
    def open(path: Path) -> JsonLines:
        """Open a log to go on with, cut behind its last whole line; raises RunError where another process writes it."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            what = f"the decision log {path} cannot be opened: {error.strerror}"
            raise RunError(what, "Choose another --log.") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            what = f"another process writes the decision log {path}"
            raise RunError(what, "Stop it, or give each service a log of its own.") from error
        os.ftruncate(handle, _whole_lines(handle))
        os.fsync(handle)
        return JsonLines(path, handle)

    def append(self, decisions: Sequence[Decision]) -> None:
        """As of a ``DecisionLog``."""
        if not decisions:
            return
        lines = "".join(json.dumps(asdict(one), allow_nan=False) + "\n" for one in decisions).encode()
        try:
            if os.fstat(self._handle).st_size != self._size:  # half of a batch that could not be cut off then
                os.ftruncate(self._handle, self._size)
            written = 0
            while written < len(lines):
                written += os.write(self._handle, lines[written:])
            os.fsync(self._handle)
        except OSError as error:
            with suppress(OSError):  # else cut off before the next batch
                os.ftruncate(self._handle, self._size)
            what = f"the decision log {self.path} cannot be written: {error.strerror}"
            raise RunError(what, "Make room for it; requests are refused until then.") from error
        self._size += len(lines)

    def close(self) -> None:
        """As of a ``DecisionLog``."""
        os.close(self._handle)


def _whole_lines(handle: int) -> int:
    """Length of the file up to the end of its last whole line."""
    end = os.fstat(handle).st_size
    while end:
        start = max(0, end - _BLOCK)
        found = os.pread(handle, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


@dataclass(frozen=True)
class DecisionsRead:
    """A log as it is read.

    Attributes:
        decisions: In their order.
        n_broken: Lines that are no decision: torn, or damaged.
    """

    decisions: list[Decision]
    n_broken: int = 0


def open_log(where: str | None) -> DecisionLog:
    """The log at a path or a PostgreSQL URL; None: none is kept. Raises RunError where it cannot be written."""
    if where is None:
        return NoLog()
    if where.startswith(POSTGRES):
        from experiments.serve.decision_table import DecisionTable  # takes a while

        return DecisionTable.open(where)
    return JsonLines.open(Path(where))


def read_log(where: str) -> DecisionsRead:
    """All decisions at a path or a PostgreSQL URL.

    Raises RunError where it cannot be read, ContractError for a file without any decision.
    """
    if where.startswith(POSTGRES):
        from experiments.serve.decision_table import DecisionTable  # takes a while

        return DecisionsRead(DecisionTable.open(where).read())
    decisions, n_broken = [], 0
    try:
        for line in _lines(Path(where)):
            try:
                decisions.append(_DECISION.validate_json(line))
            except ValidationError:
                n_broken += 1
    except OSError as error:
        raise RunError(f"{where} cannot be read: {error.strerror}", "Check the path.") from error
    if not decisions:
        raise ContractError(f"{where} holds no decision", "Name the file that `creditfusion serve --log` wrote.")
    return DecisionsRead(decisions, n_broken)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        for line in file:
            # A last line without its end was never answered.
            yield line if line.endswith(b"\n") else b""
