"""Where the records of each source lie: ``--source NAME=LOCATION``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_schemas.contract import Schema
from data_schemas.errors import ContractError

_QUERY = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_DATABASES = (".duckdb", ".ddb")
_URL = re.compile(r"[a-z][a-z0-9+]*://", re.IGNORECASE)
_POSTGRES = re.compile(r"(postgresql|postgres)(\+\w+)?://", re.IGNORECASE)


@dataclass(frozen=True)
class Location:
    """Where the records of one source lie.

    Attributes:
        source: name of the source.
        path: of a file of records, or of a DuckDB database; None for a server.
        url: of a PostgreSQL database; "" for a file.
        table: in the database; "" for a file of records or a query.
        query: a SELECT to the database; "" for a file of records or a table.
    """

    source: str
    path: Path | None
    url: str = ""
    table: str = ""
    query: str = ""

    def __str__(self) -> str:
        """For messages, without the password of a server."""
        shown = str(self.path) if self.path is not None else re.sub(r"//[^/]*@", "//", self.url)
        part = self.table or ("SELECT ..." if self.query else "")
        return f"{shown}#{part}" if part else shown


def parse_locations(given: Sequence[str], schema: Schema) -> dict[str, Location]:
    """The location of each named source, by its name.

    Args:
        given: as ``NAME=LOCATION`` each.

    Raises:
        ContractError: for a text of another form, a name that the schema does not have, or one that is named twice.
    """
    names = [source.name for source in schema.sources]
    found: dict[str, Location] = {}
    for text in given:
        name, sign, place = (part.strip() for part in text.partition("="))
        if not (sign and name and place):
            example = names[0] if names else "bureau"
            raise ContractError(f"--source {text!r} names no location", f"Write --source {example}=FILE.")
        if name not in names:
            raise _unknown(name, names, schema)
        if name in found:
            raise ContractError(f"the source {name!r} is given twice", "Name it once; put its records into one file.")
        found[name] = _location(name, place)
    return found


def check_names(given: Iterable[str], schema: Schema) -> None:
    """Raise ContractError for a name that is no source of the schema."""
    names = [source.name for source in schema.sources]
    for name in given:
        if name not in names:
            raise _unknown(name, names, schema)


def _unknown(name: str, names: Sequence[str], schema: Schema) -> ContractError:
    if not names:
        what = f"the schema {schema.name!r} declares no sources, and {name!r} is given"
        return ContractError(what, "Leave --source out, or declare it under creditfusion.sources.")
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Perhaps {near[0]!r} is meant. " if near else ""
    what = f"the schema {schema.name!r} has no source {name!r}"
    return ContractError(what, f"{hint}Its sources: {', '.join(names)}.")


def _location(name: str, place: str) -> Location:
    base, _, part = place.partition("#")
    is_url = _URL.match(base) is not None
    if is_url and not _POSTGRES.match(base):
        what = f"the source {name!r} lies at {base.split('://')[0]}://, which is not read"
        raise ContractError(what, "Give a file, FILE.duckdb#TABLE, or postgresql://USER@HOST/DATABASE#TABLE.")
    if not (is_url or base.lower().endswith(_DATABASES)):
        return Location(name, Path(place))
    if not part.strip():
        what = f"the source {name!r} is a database, and no table of it is named"
        raise ContractError(what, "Name it behind a '#': DATABASE#TABLE, or DATABASE#SELECT ... in quotes.")
    query = part.strip().rstrip(";") if _QUERY.match(part) else ""
    return Location(name, None if is_url else Path(base), base if is_url else "", "" if query else part.strip(), query)
