"""Which applications of a file are explained: those named, the declined, the referred, or those of the highest PD."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from experiments.reporting.decision.index import RejectedRow
from features.arrays import Floats, Index
from features.tables.applications import Applications, Chunk, Rejects
from features.tables.reader import ReadOptions, file_layout
from features.tables.text_rows import header_names
from fusion.policy.policy import Decision, Decisions, Seconds

MAX_LISTED = 100  # rejected rows listed one by one where they were not asked for by id
MAX_COMPARED = 100_000  # ids among which the nearest to an unknown one is looked for
MAX_NAMED = 20  # unknown ids in a message

Decide = Callable[[Applications, Seconds], tuple[Floats, Decisions]]
"""PDs of some applications, (n,), and what the policy decides of them, given their probabilities by second models."""
Beside = Callable[[Applications], Seconds]
"""Probabilities of some applications by second models; called with rows in the order of the file."""


@dataclass(frozen=True)
class Deciding:
    """How the applications of a file are decided.

    Attributes:
        decide: By the policy.
        beside: By second models.
    """

    decide: Decide
    beside: Beside


@dataclass(frozen=True)
class Picked:
    """Some applications.

    Attributes:
        seconds: Their probabilities by second models.
    """

    applications: Applications
    seconds: Seconds

    def __len__(self) -> int:
        return len(self.applications)

    def take(self, rows: Index) -> Picked:
        """Some of them, in this order."""
        return Picked(self.applications.take(rows), {name: own[rows] for name, own in self.seconds.items()})

    @staticmethod
    def concat(parts: Sequence[Picked]) -> Picked:
        """All of some parts, one or more, beside the same second models."""
        seconds = {name: np.concatenate([part.seconds[name] for part in parts]) for name in parts[0].seconds}
        return Picked(Applications.concat([part.applications for part in parts]), seconds)


@dataclass(frozen=True)
class Choice:
    """One of four: the applications of these ids; the first ``limit`` declined, or referred, ones; the ``top`` highest
    PDs.

    Raises ContractError unless it is exactly one.
    """

    ids: tuple[str, ...] = ()
    declined: bool = False
    referred: bool = False
    top: int = 0
    limit: int = 100

    def __post_init__(self) -> None:
        if (bool(self.ids), self.declined, self.referred, self.top > 0).count(True) != 1:
            remedy = "Give --id, --declined, --referred or --top N."
            raise ContractError("say in one way which applications are explained", remedy)

    @property
    def decision(self) -> Decision | None:
        """The decision of those that are chosen for it; None where another way was said."""
        return "decline" if self.declined else "refer" if self.referred else None


@dataclass(frozen=True)
class Chosen:
    """The applications to explain, in the order in which they are to be read.

    Attributes:
        rejected: Rows that broke the contract; those asked for by id, else the first of them.
        n_rows: Rows looked at.
        n_rejected: How many of these broke the contract; with ids only the ones asked for count.
        n_left_out: Declined, or referred, ones beyond the limit.
    """

    picked: Picked
    rejected: tuple[RejectedRow, ...]
    n_rows: int
    n_rejected: int
    n_left_out: int


@dataclass(frozen=True)
class RowNames:
    """Finds the id of a row as it stood in the file.

    Attributes:
        place: Of the id among its cells, None when it has none.
    """

    schema: Schema
    delimiter: str
    place: int | None

    @staticmethod
    def of(data: Path, schema: Schema, options: ReadOptions) -> RowNames:
        """For the rows of one file; Parquet rows are written with commas when they are rejected."""
        names, layout = header_names(data, schema, options.dialect), file_layout(data, schema, options)
        place = names.index(schema.id.name) if schema.id.name in names else None
        return RowNames(schema, layout.delimiter if layout else ",", place)

    def rejected(self, rejects: Rejects) -> list[RejectedRow]:
        """The rejected rows in words."""
        cells = zip(*(rejects.frame[name].tolist() for name in ("row", "column", "message", "original")), strict=True)
        return [
            RejectedRow(row=row, id=self.id_of(original), words=f"{column}: {message}" if column else message)
            for row, column, message, original in cells
        ]

    def id_of(self, original: str) -> str:
        """The id in the cells of a row; "" where the row cannot be split into cells or lacks it."""
        try:
            cells = next(csv.reader(original.splitlines(keepends=True), delimiter=self.delimiter), [])
        except csv.Error:
            return ""
        found = cells[self.place].strip() if self.place is not None and self.place < len(cells) else ""
        return "" if found in self.schema.id.missing_values else found


def choose(choice: Choice, chunks: Iterator[Chunk], names: RowNames, deciding: Deciding, data: Path) -> Chosen:
    """The chosen applications of a file that is read chunk by chunk; only they are kept in memory.

    The declined and the referred stand in the file's order, those of the highest PD from the highest on (of equal ones
    the earlier first), those of ids in the order of the ids, and reading ends where all are found.
    Raises ContractError for ids that no row has.
    """
    if choice.ids:
        return _by_id(choice.ids, chunks, names, deciding.beside, data)
    kept: list[Picked] = []
    kept_pd = np.zeros(0)
    rows = rejected = decided = 0
    listed: list[RejectedRow] = []
    for chunk in chunks:
        rows, rejected = rows + chunk.n_rows, rejected + len(chunk.rejects)
        listed += names.rejected(_first(chunk.rejects, MAX_LISTED - len(listed)))
        found = Picked(chunk.applications, deciding.beside(chunk.applications))
        pd, decisions = deciding.decide(found.applications, found.seconds)
        if choice.decision is not None:
            wanted = np.flatnonzero(decisions.rows_with(choice.decision))
            kept.append(found.take(wanted[: max(choice.limit - decided, 0)]))
            decided += len(wanted)
        else:
            both, both_pd = Picked.concat([*kept, found]), np.concatenate([kept_pd, pd])
            best = np.argsort(-both_pd, kind="stable")[: choice.top]
            kept, kept_pd = [both.take(best)], both_pd[best]
    left_out = max(decided - choice.limit, 0)
    return Chosen(Picked.concat(kept), tuple(listed), rows, rejected, left_out)


def _first(rejects: Rejects, most: int) -> Rejects:
    return Rejects(rejects.frame.head(max(most, 0)))


@dataclass
class _Search:
    """Where the ids that are looked for were found: among the applications, or only among rejected rows."""

    wanted: set[str]
    beside: Beside
    found: list[Picked] = field(default_factory=list)
    rejected: dict[str, RejectedRow] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)

    def look(self, chunk: Chunk, names: RowNames) -> None:
        """Look through one chunk."""
        ids = chunk.applications.ids
        mine = [at for at, key in enumerate(ids) if key in self.wanted]
        if mine:
            own = chunk.applications.take(np.array(mine, dtype=np.intp))
            self.found.append(Picked(own, self.beside(own)))
            self.wanted -= {ids[at] for at in mine}
        if len(chunk.rejects):
            for row in names.rejected(chunk.rejects):
                if row.id in self.wanted:
                    self.rejected.setdefault(row.id, row)
        self.others += ids[: MAX_COMPARED - len(self.others)]


def _by_id(ids: Sequence[str], chunks: Iterator[Chunk], names: RowNames, beside: Beside, data: Path) -> Chosen:
    search, rows, empty = _Search(set(ids), beside), 0, None
    for chunk in chunks:
        rows += chunk.n_rows
        if empty is None:
            none = chunk.applications.take(np.zeros(0, dtype=np.intp))
            empty = Picked(none, beside(none))
        search.look(chunk, names)
        if not search.wanted:
            break
    if unknown := [key for key in ids if key in search.wanted and key not in search.rejected]:
        raise ContractError(*_unknown(unknown, search.others, data))
    assert empty is not None, "reading gives one chunk or more"
    together = Picked.concat([empty, *search.found])
    place = {key: at for at, key in enumerate(together.applications.ids)}
    order = np.array([place[key] for key in ids if key in place], dtype=np.intp)
    rejected = tuple(search.rejected[key] for key in ids if key in search.wanted)
    return Chosen(together.take(order), rejected, rows, len(rejected), 0)


def _unknown(unknown: Sequence[str], known: Sequence[str], data: Path) -> tuple[str, str]:
    """The message on ids that no row has, and what to do."""
    named = ", ".join(repr(key[:60]) for key in unknown[:MAX_NAMED])
    more = f" and {len(unknown) - MAX_NAMED:,} more" if len(unknown) > MAX_NAMED else ""
    near = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.5)
    remedy = f"The nearest to {unknown[0][:60]!r} there is {near[0][:60]!r}." if near else "Check the id column."
    return f"{data} has no application {named}{more}", remedy
