"""Which column of a source says whose its records are: found by the values that it shares with another table's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from data_schemas.fields import FieldType
from features.inference.column_names import hints
from features.inference.profile import ColumnProfile
from features.inference.words import folded

Value = tuple[str, ...]

MIN_SHARE = 0.3
"""Of the different keys of either table, which the other has at least."""

_LEAST = 0.02  # of the keys of the other of them
_MAX_COMPOSITE, _MAX_TRIED = 3, 6  # columns of a key of several; columns of which such keys are tried
_WHOLE = re.compile(r"([0-9]+)[.,]0+")


@dataclass(frozen=True)
class KeyTable:
    """A table as far as its keys go.

    Attributes:
        name: of the source; "" for the applications.
        values: of each column that may be a key, its cells by row, stripped, "" where empty.
        unique: names of the columns in which no value comes twice.
    """

    name: str
    values: Mapping[str, Sequence[str]]
    unique: frozenset[str]


@dataclass(frozen=True)
class Key:
    """How the records of a source are tied to another table.

    Attributes:
        columns: of the source.
        to: of the table that they point to.
        through: the source that this is; "" for the applications.
        share: of the source's different keys, those that the other table has.
        covered: of the other table's keys, those that the source has.
        doubt: what is strange about it, "" for nothing.
    """

    columns: tuple[str, ...]
    to: tuple[str, ...]
    through: str
    share: float
    covered: float
    doubt: str = ""


def key_table(name: str, columns: Mapping[str, ColumnProfile]) -> KeyTable:
    """The columns of a table that may be keys: texts of one word and whole numbers, of more than one value."""
    able = [
        column
        for column in columns.values()
        if column.type in (FieldType.STRING, FieldType.INTEGER) and column.words <= 1.5 and len(column.levels) > 1
    ]
    values = {column.name: np.where(column.present, column.cells.astype(object), "").tolist() for column in able}
    return KeyTable(name, values, frozenset(column.name for column in able if column.is_key))


def find_key(source: KeyTable, owners: Sequence[KeyTable]) -> Key | None:
    """The best key to the first of these tables that it has one to: a column that names one row there, or else several
    of equal names that do, or else a column that names several rows (of one applicant), or else one whose values are
    written otherwise. None without any.
    """
    for search in (_unique, _composite, _single, _otherwise_written):
        for owner in owners:
            best = max(search(source, owner), key=_points, default=None)
            if best is not None:
                return best
    return None


def _points(key: Key) -> float:
    """How likely a key is: by what it matches and what it is called."""
    named = sum(folded(own) == folded(other) for own, other in zip(key.columns, key.to, strict=True))
    called = sum(hints(name, "id") for name in (*key.columns, *key.to))
    return key.share + key.covered / 2 + named / len(key.columns) + called / 4 / len(key.columns)


def _unique(source: KeyTable, owner: KeyTable) -> Iterator[Key]:
    return (key for key in _single(source, owner) if key.to[0] in owner.unique)


def _single(source: KeyTable, owner: KeyTable) -> Iterator[Key]:
    for column, to in _pairs(source, owner):
        if key := _matched(source, owner, (column,), (to,)):
            yield key


def _pairs(source: KeyTable, owner: KeyTable) -> Iterator[tuple[str, str]]:
    """Columns that may be a key alone: numbers only where their names say so, since all small numbers are alike."""
    for to in owner.values:
        if owner.name and to not in owner.unique:
            continue
        for column in source.values:
            alike = folded(column) == folded(to)
            texts = not (_all_digits(source.values[column]) and _all_digits(owner.values[to]))
            if alike or hints(column, "id") or hints(column, "group") or (texts and to in owner.unique):
                yield column, to


def _all_digits(cells: Sequence[str]) -> bool:
    return all(cell.isdigit() for cell in cells[:200] if cell)


def _composite(source: KeyTable, owner: KeyTable) -> Iterator[Key]:
    """Columns of equal names that together name one row of the applications."""
    if owner.name:
        return
    theirs = {folded(to): to for to in owner.values}
    common = [(column, theirs[folded(column)]) for column in source.values if folded(column) in theirs][:_MAX_TRIED]
    for n in range(2, _MAX_COMPOSITE + 1):
        found = []
        for pairs in combinations(common, n):
            columns, to = (tuple(names) for names in zip(*pairs, strict=True))
            rows = _rows(owner, to)
            if len(set(rows)) == len(rows) and (key := _matched(source, owner, columns, to)):
                found.append(key)
        if found:
            yield from found
            return


def _otherwise_written(source: KeyTable, owner: KeyTable) -> Iterator[Key]:
    for column, to in _pairs(source, owner):
        if folded(column) == folded(to) and (key := _matched(source, owner, (column,), (to,), _bare)):
            doubt = "keys match only without leading zeros, a trailing .0, spaces and capitals: write them alike"
            yield replace(key, doubt=doubt)


def _matched(
    source: KeyTable,
    owner: KeyTable,
    columns: tuple[str, ...],
    to: tuple[str, ...],
    as_read: Callable[[Value], Value] = lambda value: value,
) -> Key | None:
    """The key of these columns; None where too few values match."""
    own, theirs = ({as_read(row) for row in _rows(*one) if all(row)} for one in ((source, columns), (owner, to)))
    if not own or not theirs:
        return None
    n_common = len(own & theirs)
    share, covered = n_common / len(own), n_common / len(theirs)
    if min(share, covered) < _LEAST or max(share, covered) < MIN_SHARE:
        return None
    return Key(columns, to, owner.name, share, covered)


def _rows(table: KeyTable, columns: tuple[str, ...]) -> list[Value]:
    return list(zip(*(table.values[name] for name in columns), strict=True))


def _bare(row: Value) -> Value:
    """A key without what programs add and drop."""
    bare = ("".join(cell.lower().split()) for cell in row)
    return tuple(_WHOLE.sub(r"\1", cell).lstrip("0") or "0" for cell in bare)
