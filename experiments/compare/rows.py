"""The rows that two models are compared on: read by each model's schema, and paired by file and row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Role
from experiments.reporting.language import gettext_noop
from experiments.reporting.words import count, number
from experiments.session.decision_dates import rows_since
from experiments.session.layouts import note_layouts
from experiments.session.run import Run
from experiments.session.sources import remove_rejects, with_sources
from experiments.session.standard_streams import as_named
from features.arrays import Ints
from features.tables.applications import REJECT_COLUMNS, Applications, Chunk
from features.tables.reader import ReadOptions, read_files

CHAMPION, CHALLENGER, BOTH = gettext_noop("champion"), gettext_noop("challenger"), "both"
REJECTED_COLUMNS = ("model", "file", *REJECT_COLUMNS)
FILE_SHIFT = 40  # a row's place: its file's number, and its own within that file, in one integer that sorts alike


@dataclass(frozen=True)
class ComparedFiles:
    """What to read.

    Attributes:
        paths: the files.
        since: only decisions from this day on, by the champion's decision date.
        options: how they are read.
        sources: as ``--source`` names them, of either schema.
        threads: of the join with them; 0: as many as there are cores.
    """

    paths: tuple[Path, ...]
    since: date | None
    options: ReadOptions
    sources: tuple[str, ...] = ()
    threads: int = 0

    def sources_of(self, schema: Schema, other: Schema) -> list[str]:
        """Those of one schema: what the other alone has is left out."""
        elsewhere = {source.name for source in other.sources} - {source.name for source in schema.sources}
        return [given for given in self.sources if given.partition("=")[0].strip() not in elsewhere]


@dataclass(frozen=True)
class PairedRows:
    """The same applications as two schemas read them, row by row.

    Attributes:
        champion: as the champion's schema reads them.
        challenger: as the challenger's does.
        file: int64 (n,), number of each row's file, from 0.
        n_rows: rows in the files.
        n_rejected: rows that broke either contract.
        n_undecided: sound rows left out because they have no outcome yet by either contract.
        rejects: a line for each contract broken, in the columns ``REJECTED_COLUMNS``, with the model whose contract
            it was (``both`` where they are one).
        n_before: sound rows left out because they were decided before ``since``.
        n_undated: sound rows left out because they have no decision date.
    """

    champion: Applications
    challenger: Applications
    file: Ints
    n_rows: int
    n_rejected: int
    n_undecided: int
    rejects: pd.DataFrame
    n_before: int
    n_undated: int

    def __len__(self) -> int:
        return len(self.champion)


def read_pair(champion: Schema, challenger: Schema, files: ComparedFiles, run: Run) -> PairedRows:
    """The rows that keep both contracts.

    Raises ContractError when the files do not fit a schema, no row keeps both, none was decided since, or a row went
    well by one schema and bad by the other; RunError for files that cannot be read.
    """
    first, second = _read(champion, challenger, files, run)
    one_contract = second is first
    names = [path.name for path in files.paths]
    contracts = [(BOTH, first)] if one_contract else [(CHAMPION, first), (CHALLENGER, second)]
    pair = _paired(first, second, _rejects(contracts, names))
    if not len(pair):
        raise ContractError(
            f"{_named(files)} has no row that keeps {'the contract' if one_contract else 'both contracts'} "
            f"({count(pair.n_rows, 'row')} read, {number(pair.n_rejected)} rejected)",
            "`creditfusion schema check` says what is wrong with them.",
        )
    pair = _since(pair, files.since)
    check_outcomes(pair, [names[at] for at in pair.file.tolist()])
    return pair


def _read(
    champion: Schema, challenger: Schema, files: ComparedFiles, run: Run
) -> tuple[Sequence[Chunk], Sequence[Chunk]]:
    """The files by the champion's contract and by the challenger's: once where they are one."""
    one_contract = champion.digest == challenger.digest
    note_layouts(run, files.paths, champion, files.options)
    for label in (CHAMPION, CHALLENGER, BOTH):
        remove_rejects(run, label)
    own = _with_sources(champion, challenger, files, BOTH if one_contract else CHAMPION, run)
    others = own if one_contract else _with_sources(challenger, champion, files, CHALLENGER, run)
    with run.stage("read") as advance:
        first = read_files(files.paths, champion, own)
        second = first if one_contract else read_files(files.paths, challenger, others)
        advance(sum(chunk.n_rows for chunk in first))
    return first, second


def _rejects(contracts: Sequence[tuple[str, Sequence[Chunk]]], names: Sequence[str]) -> pd.DataFrame:
    """The rows that broke the contracts, each of a model, in files of these names."""
    frames = [
        chunk.rejects.frame.assign(model=model, file=name)
        for model, own in contracts
        for name, chunk in zip(names, own, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)[list(REJECTED_COLUMNS)]


def _paired(first: Sequence[Chunk], second: Sequence[Chunk], rejects: pd.DataFrame) -> PairedRows:
    """The rows that keep both contracts, whenever they were decided."""
    place, other = _places(first), _places(second)
    common = np.intersect1d(place, other, assume_unique=True)
    broken = {
        (at, int(row)) for own in (first, second) for at, chunk in enumerate(own) for row in chunk.rejects.frame["row"]
    }
    n_rows = sum(chunk.n_rows for chunk in first)
    return PairedRows(
        champion=_joined(first).take(np.searchsorted(place, common)),
        challenger=_joined(second).take(np.searchsorted(other, common)),
        file=common >> FILE_SHIFT,
        n_rows=n_rows,
        n_rejected=len(broken),
        n_undecided=n_rows - len(common) - len(broken),
        rejects=rejects,
        n_before=0,
        n_undated=0,
    )


def _since(pair: PairedRows, first_day: date | None) -> PairedRows:
    """Those decided from a day on; raises ContractError where there are none."""
    since = rows_since(pair.champion, first_day)
    return replace(
        pair,
        champion=pair.champion.take(since.kept),
        challenger=pair.challenger.take(since.kept),
        file=pair.file[since.kept],
        n_before=since.n_before,
        n_undated=since.n_undated,
    )


def _with_sources(schema: Schema, other: Schema, files: ComparedFiles, label: str, run: Run) -> ReadOptions:
    given = files.sources_of(schema, other)
    return with_sources(run, files.paths, schema, given, files.options, threads=files.threads, label=label)


def _places(chunks: Sequence[Chunk]) -> Ints:
    """int64 (n,): file and row number of every sound row, ascending."""
    return np.concatenate(
        [(np.int64(at) << FILE_SHIFT) + chunk.applications.row_number for at, chunk in enumerate(chunks)]
    )


def _joined(chunks: Sequence[Chunk]) -> Applications:
    return Applications.concat([chunk.applications for chunk in chunks])


def check_outcomes(pair: PairedRows, files: Sequence[str]) -> None:
    """Raise ContractError when the schemas disagree on how a row went. files: the file of each row."""
    differ = np.flatnonzero(pair.champion.outcome() != pair.challenger.outcome())
    if not len(differ):
        return
    at = int(differ[0])
    went = [
        f"{'bad' if one.outcome()[at] else 'well'} by column {_target(one.schema)!r} ({name})"
        for one, name in ((pair.champion, CHAMPION), (pair.challenger, CHALLENGER))
    ]
    more = f"; so do {count(len(differ) - 1, 'further row')}" if len(differ) > 1 else ""
    raise ContractError(
        f"row {pair.champion.row_number[at]} of {files[at]} went {went[0]}, but {went[1]}{more}",
        "Compare models whose schemas mean the same by bad, or correct the outcomes in the file.",
    )


def _target(schema: Schema) -> str:
    field = schema.field_of(Role.TARGET)
    return field.name if field else ""


def _named(files: ComparedFiles) -> str:
    return ", ".join(as_named(str(path)) for path in files.paths)
