"""Matching a file's header with the contract: which column stands where, what is missing and what is extra."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import DerivedKind, Role
from features.tables.csv_records import printable, split

_OPTIONAL = (Role.GROUP, Role.PROTECTED, Role.IGNORED, Role.AUXILIARY, Role.TARGET, Role.DECISION_DATE)
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
"""Delimiters that are looked for, in this order, and their names."""


@dataclass(frozen=True)
class HeaderReport:
    """A file's header compared with the contract.

    Attributes:
        missing: columns that scoring needs and the file lacks.
        absent: optional columns of the contract that the file lacks.
        extra: columns that are not in the contract; they are ignored.
    """

    missing: tuple[str, ...]
    absent: tuple[str, ...]
    extra: tuple[str, ...]


def required_columns(schema: Schema, need_target: bool) -> tuple[str, ...]:
    """Columns that a file must have: id, features, narratives, dates that a derived feature reads; the target if asked.

    Raises ContractError when the target is needed and the schema has none.
    """
    if need_target and schema.field_of(Role.TARGET) is None:
        raise ContractError(f"the schema {schema.name!r} has no target", "Give one field the role 'target'.")
    dates = {name for derived in schema.derived if derived.kind is DerivedKind.YEARS_BETWEEN for name in derived.of}
    return tuple(
        field.name
        for field in schema.own_fields
        if field.role not in _OPTIONAL or field.name in dates or (need_target and field.role is Role.TARGET)
    )


def compare_header(names: Sequence[str], schema: Schema) -> HeaderReport:
    """Compare column names with the contract."""
    wanted, present = required_columns(schema, need_target=False), set(names)
    known = {field.name for field in schema.fields if not field.narrative}
    return HeaderReport(
        missing=tuple(name for name in wanted if name not in present),
        absent=tuple(
            field.name for field in schema.own_fields if field.name not in present and field.name not in wanted
        ),
        extra=tuple(name for name in names if name not in known),
    )


def column_positions(names: Sequence[str], schema: Schema, need_target: bool, origin: Path | str) -> dict[str, int]:
    """Position of every column that is read, in the order of the schema.

    Ignored columns are not read, nor are the target and the auxiliary ones unless outcomes are needed: a score must
    depend on none of them. What is made of the records of a source is read where the table has it already; what
    narratives state is always read from them.
    Raises ContractError naming every missing or repeated column, and for a table that has a part of a source.
    """
    if twice := sorted({name for name in names if names.count(name) > 1 and name}):
        raise ContractError(f"{origin}: the header names {_listed(twice)} twice", "Rename or drop one of the two.")
    if missing := [name for name in required_columns(schema, need_target) if name not in names]:
        raise ContractError(f"{origin}: the header lacks {_listed(missing)}", _nearest(missing, names))
    for source in schema.sources:
        made = [field.name for field in schema.fields_from(source.name)]
        if 0 < len(absent := [name for name in made if name not in names]) < len(made):
            what = f"{origin}: of what is made of the source {source.name!r} the header lacks {_listed(absent)}"
            raise ContractError(what, "Add the columns; or drop the others, and give the source.")
    unread = (Role.IGNORED,) if need_target else (Role.IGNORED, Role.TARGET, Role.AUXILIARY)
    read = (field.name for field in schema.fields if field.role not in unread and not field.narrative)
    return {name: names.index(name) for name in read if name in names}


def passed_positions(names: Sequence[str], wanted: Sequence[str], origin: Path | str) -> dict[str, int]:
    """Position of every column that is passed through, in the contract or not, in the order of ``wanted``.

    Names are equal where they differ in Unicode form alone. Raises ContractError for a name that no column has, or
    more than one.
    """
    composed = [unicodedata.normalize("NFC", name) for name in names]
    positions: dict[str, int] = {}
    for name in wanted:
        found = [at for at, other in enumerate(composed) if other and other == unicodedata.normalize("NFC", name)]
        if not found:
            raise ContractError(f"{origin} has no column {name!r} to pass through", _choice(name, names))
        if len(found) > 1:
            what = f"{origin}: the header names {name!r} twice"
            raise ContractError(what, "Rename or drop one of the two.")
        positions[name] = found[0]
    return positions


def own_names(names: Sequence[str], schema: Schema) -> list[str]:
    """Column names of a file, each as the contract writes it where the two differ in Unicode form alone."""
    own = {unicodedata.normalize("NFC", field.name): field.name for field in schema.fields}
    return [own.get(unicodedata.normalize("NFC", name), name) for name in names]


def column_names(line: str, delimiter: str) -> list[str]:
    """Column names in a header line; "" for a column without one."""
    return [printable(name.strip()) for name in split(line, delimiter)]


def check_delimiter(line: str, delimiter: str, known: Collection[str], path: Path) -> None:
    """Raise ContractError when a header line is none with this delimiter and would be with another.

    known: names that the header should have; without any it should have several.
    """
    names = column_names(line, delimiter)
    found = {other: column_names(line, other) for other in DELIMITERS}
    fits = {other: len(set(known).intersection(cells)) if known else len(cells) for other, cells in found.items()}
    best = max(DELIMITERS, key=lambda other: fits[other])
    if fits[best] > (len(set(known).intersection(names)) if known else 1) and (known or len(names) == 1):
        raise ContractError(
            f"{path}: the header is not separated by {DELIMITERS.get(delimiter, repr(delimiter))}s",
            f"Leave the delimiter option out, or set it to {best!r} ({DELIMITERS[best]}), which fits it.",
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _choice(name: str, names: Sequence[str]) -> str:
    """The remedy for a name that no column has: the nearest names, or else all."""
    lowered = {other.lower(): other for other in names if other}
    near = [lowered[found] for found in difflib.get_close_matches(name.lower(), lowered, n=3, cutoff=0.6)]
    if near:
        return f"The nearest names are {_listed(near)}."
    more = f" and {len(lowered) - 20} more" if len(lowered) > 20 else ""
    return f"Its columns: {_listed(list(lowered.values())[:20])}{more}."


def _nearest(missing: Sequence[str], names: Sequence[str]) -> str:
    """The remedy, with the nearest name that the file has for each missing column."""
    lowered = {name.lower(): name for name in names}
    close = {name: difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.75) for name in missing}
    guesses = [f"{lowered[found[0]]!r} to {name!r}" for name, found in close.items() if found]
    rename = f"Perhaps rename {', '.join(guesses)}. " if guesses else ""
    return f"{rename}Add the columns (empty cells count as missing values), or take them out of the schema."
