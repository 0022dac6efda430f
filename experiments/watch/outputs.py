"""The files of a watch, written from its state: each appears whole, and says what the state says."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from experiments.reporting.language import gettext
from experiments.reporting.words import number
from experiments.session.run_log import to_json
from experiments.watch.state import State
from features.tables.csv_writer import neutralise
from fusion.watch.alerts import Alert
from fusion.watch.signals import RowRef

ALERTS, FLAGGED, REJECTS = "alerts.jsonl", "flagged.csv", "rejects.csv"
FLAG_COLUMNS = ("id", "row", "file", "period", "check", "size", "words", "ring")
MAX_ID = 40  # characters of an id that people are shown
REJECT_COLUMNS = ("file", "row", "column", "rule", "message")


def alert_json(alert: Alert) -> dict[str, object]:
    """An alert as JSON has it; figures that do not exist are null."""
    found = to_json(asdict(alert) | {"words": str(alert.words)})
    assert isinstance(found, dict)
    return found


def row_words(row: RowRef) -> str:
    """Where a row stands, for people."""
    name = row.id if len(row.id) <= MAX_ID else f"{row.id[:MAX_ID]}…"
    return gettext("{file} row {row} ({name})").format(file=row.file, row=number(row.row), name=name)


def write_outputs(state: State, out: Path, quote: bool) -> None:
    """Write alerts, flagged rows and rejected rows; quote: whether flagged rows have their passages beside them."""
    with _whole(out / ALERTS) as file:
        for alert in state.alerts():
            file.write(json.dumps(alert_json(alert), ensure_ascii=False) + "\n")
    flags = (
        (one.row.id, one.row.row, one.row.file, one.period, one.check, one.size, str(one.words), one.ring, one.quote)
        for one in state.flags()
    )
    header = (*FLAG_COLUMNS, "quote") if quote else FLAG_COLUMNS
    _write_csv(out / FLAGGED, header, (row[: len(header)] for row in flags))
    _write_csv(out / REJECTS, REJECT_COLUMNS, ((r.file, r.row, r.column, r.rule, r.message) for r in state.rejects()))


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table that is safe to open in a spreadsheet."""
    with _whole(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([neutralise(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)


@contextmanager
def _whole(path: Path) -> Iterator[TextIO]:
    """A file that gets its name when it is written to its end."""
    beside = path.with_name(f".{path.name}")
    with beside.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        yield file
    beside.replace(path)
