"""The folder of reports: written beside its final name, with an index, and put in place when it is complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from data_schemas.errors import ContractError
from experiments.render.files import INDEX
from experiments.reports import IndexPage, parse_report

INDEX_JSON = "index.json"


@dataclass(frozen=True)
class ReportFolder:
    """A folder that is being filled."""

    path: Path

    def write(self, name: str, content: bytes) -> None:
        """Write one file."""
        (self.path / name).write_bytes(content)


def check_place(out: Path, force: bool) -> None:
    """Raise ContractError unless reports may be written to ``out``: a new or empty folder, or with ``force`` one that
    holds the reports of an earlier run and nothing else.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    index = _index(out)
    if index is None:
        raise ContractError(f"{out} exists and holds no earlier reports", "Choose another --out.")
    own = {INDEX, INDEX_JSON, *(link.file for entry in index.entries for link in entry.links)}
    if strangers := sorted(file.name for file in out.iterdir() if file.name not in own):
        raise ContractError(
            f"{out} holds {strangers[0]!r}, which is no report", "Move it elsewhere, or choose another --out."
        )
    if not force:
        raise ContractError(f"{out} holds the reports of an earlier run", "Replace them with --force.")


def _index(out: Path) -> IndexPage | None:
    """The index of an earlier run; None where there is none."""
    try:
        report = parse_report((out / INDEX_JSON).read_bytes())
    except (OSError, ValidationError):
        return None
    return report if isinstance(report, IndexPage) else None


@contextmanager
def new_folder(out: Path) -> Iterator[ReportFolder]:
    """A folder to fill; it becomes ``out``, in place of what is there, when the block ends well, else it vanishes."""
    out = out.resolve()
    beside = out.with_name(f"{out.name}.writing-{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)  # of a killed run with this number
    beside.mkdir(parents=True)
    try:
        yield ReportFolder(beside)
        _put_in_place(beside, out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _put_in_place(beside: Path, out: Path) -> None:
    """Give the finished folder its final name; what was there comes back when that fails."""
    if not out.exists():
        beside.rename(out)
        return
    older = out.with_name(f"{out.name}.older-{os.getpid()}")
    shutil.rmtree(older, ignore_errors=True)
    out.rename(older)
    try:
        beside.rename(out)
    except BaseException:
        older.rename(out)
        raise
    shutil.rmtree(older)
