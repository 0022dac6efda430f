"""Where the records of each source lie: ``--source NAME=LOCATION``."""

from __future__ import annotations

import difflib
import re
import urllib.parse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_schemas.contract import Schema
from data_schemas.errors import ContractError

_QUERY = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_DATABASES = (".duckdb", ".ddb")
_POSTGRES = re.compile(r"postgres(ql)?(\+\w+)?://", re.IGNORECASE)
_START = re.compile(r"postgres(ql)?(\+\w+)?:/*|://", re.IGNORECASE)  # of a server, at least as it was meant
_HOST = r"(\[[0-9a-f:.]*\]|[\w.,%~-]*)(:\d*)?"
_PLACE = re.compile(rf"/*{_HOST}(/[\w.%~ -]*)?", re.IGNORECASE)
_SERVER = re.compile(rf"([^:/@]*(:[^@]*)?@)?{_HOST}(/[^@/?]*)?(\?.*)?", re.IGNORECASE)
_TABLE = re.compile(r'[\w.$" -]+')
_SECRET_VALUE = re.compile(r"\b(\w*pass\w*\s*=\s*)('[^']*'?|[^\s'&]+)", re.IGNORECASE)


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
        """For messages, without what ``masked`` leaves out."""
        part = self.table or ("SELECT ..." if self.query else "")
        place = self.url if self.path is None else str(self.path)
        return masked(f"{place}#{part}" if part else place)

    def without_password(self, text: str) -> str:
        """A message of the server's driver without the password that is in the URL."""
        address, _, asked = self.url.partition("?")
        _, _, given = address.partition("://")[2].rpartition("@")[0].partition(":")
        raw = [given, *(one.partition("=")[2] for one in asked.split("&") if "pass" in one.partition("=")[0].lower())]
        for secret in {*raw, *map(urllib.parse.unquote, raw), *map(urllib.parse.unquote_plus, raw)} - {""}:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "...", text)
        return masked(text)


def masked(text: str) -> str:
    """A text for messages and logs: of a server's URL in it scheme, host, database and table or query are left.

    User, password and the values behind a "?" are left out; where it is not clear what they are, all behind the scheme.
    """
    start = _START.search(text)
    if start is None:
        return _SECRET_VALUE.sub(r"\1...", text)
    before, url = _SECRET_VALUE.sub(r"\1...", text[: start.end()]), text[start.end() :]
    base, sign, part = url.partition("#")
    address, asked, values = base.partition("?")
    place = address[address.rfind("@") + 1 :]
    is_clear = _PLACE.fullmatch(place) and "@" not in values
    if not is_clear or (part and not (_TABLE.fullmatch(part) or _QUERY.match(part))):
        return f"{before}..."
    return f"{before}{place}{'?...' if asked else ''}{sign}" + _SECRET_VALUE.sub(r"\1...", part)


def is_database(place: str) -> bool:
    """Whether a place is a DuckDB database or a server, and no file of records."""
    base = place.partition("#")[0]
    return _START.search(base) is not None or base.lower().endswith(_DATABASES)


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
        example = names[0] if names else "bureau"
        if _START.search(name):
            what = f"--source {masked(text)!r} does not say of which source it is the location"
            raise ContractError(what, f"Write its name before it: --source {example}=postgresql://...")
        if not (sign and name and place):
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
    if not is_database(place):
        return Location(name, Path(place))
    is_url = _START.search(base) is not None
    if is_url:
        _check_server(name, place)
    if not part.strip():
        what = f"the source {name!r} is a database, and no table of it is named"
        raise ContractError(what, "Name it behind a '#': DATABASE#TABLE, or DATABASE#SELECT ... in quotes.")
    query = part.strip().rstrip(";") if _QUERY.match(part) else ""
    return Location(name, None if is_url else Path(base), base if is_url else "", "" if query else part.strip(), query)


def _check_server(name: str, place: str) -> None:
    """Raise ContractError for the URL of another server than PostgreSQL, and for one that reads in several ways."""
    start = _POSTGRES.match(place)
    if start is None:
        what = f"the source {name!r} lies at {masked(place)}, which is not read"
        raise ContractError(what, "Give a file, FILE.duckdb#TABLE, or postgresql://USER@HOST/DATABASE#TABLE.")
    base = place[start.end() :].partition("#")[0]
    if not _SERVER.fullmatch(base) or masked(place).endswith("://..."):
        what = f"the source {name!r}: the URL {masked(place)} can be read in several ways, or in none"
        remedy = "Write @ : / ? # in a name or password as %40 %3A %2F %3F %23; the rest is HOST:PORT/DATABASE#TABLE."
        raise ContractError(what, remedy)
