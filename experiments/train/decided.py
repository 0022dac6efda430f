"""The rows that a training is given: read from its files, with those that broke the contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_schemas.contract import Schema
from experiments.session.layouts import note_layouts
from experiments.session.run import Run
from experiments.session.sources import input_digest
from experiments.train.unused import note_unused
from features.tables.applications import REJECT_COLUMNS, Applications, Rejects
from features.tables.csv_writer import write_header, write_rows
from features.tables.reader import ReadOptions, read_all


@dataclass(frozen=True)
class Decided:
    """What the training files hold.

    Attributes:
        applications: those with an outcome.
        rejects: rows that broke the contract.
        data_digest: names the files' bytes, as they were before they were read.
        reading: how the bytes became cells, in words.
        n_undecided: sound rows that have no outcome yet.
    """

    applications: Applications
    rejects: Rejects
    data_digest: str
    reading: str
    n_undecided: int = 0

    @property
    def n_rows(self) -> int:
        """Rows of the files."""
        return len(self.applications) + len(self.rejects) + self.n_undecided


def read_decided(schema: Schema, data: Sequence[Path], options: ReadOptions, run: Run) -> Decided:
    """All rows to train and judge with. Raises ContractError when the files do not fit the schema; RunError for files
    that cannot be read.
    """
    note_layouts(run, data, schema, options)
    note_unused(run, data, schema, options)
    with run.stage("read") as advance:
        digest = input_digest(data, options)
        read = read_all(data, schema, options)
        advance(read.n_rows)
    if read.unreadable:
        cells = ", ".join(f"{n:,} of {name}" for name, n in read.unreadable.items())
        run.note(
            f"auxiliary cells that cannot be read count as missing: {cells}", {"unreadable": dict(read.unreadable)}
        )
    if read.n_undecided:
        run.note(f"{read.n_undecided:,} rows have no outcome yet and are left out", {"undecided": read.n_undecided})
    reading = f"delimiter {options.delimiter or 'found'}, encoding {options.encoding or 'found'}"
    return Decided(read.applications, read.rejects, digest, reading, read.n_undecided)


def write_rejects(rejects: Rejects, path: Path) -> None:
    """Write the rows that broke the contract; an older file of that name is replaced."""
    with path.open("w", newline="", encoding="utf-8") as file:
        write_header(file, REJECT_COLUMNS)
        write_rows(file, rejects.frame)
