"""What a request holds: JSON to applications whose every cell is text, as a file of the contract would have it.

Each row is made by itself, so that no cell's type depends on the rows beside it. What is no application (a number, a
row without a needed column, a cell that is a list) is a ``Fault``, as a reject of a file is.
"""

from __future__ import annotations

import hashlib
import json
import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Field, FieldType, Role
from data_schemas.numbers import PLAIN
from features.tables.header import required_columns
from features.tables.number_cells import as_written

MAX_DIGITS = 300  # of a whole number; longer ones have no finite float
_UNREAD = (Role.IGNORED, Role.TARGET, Role.AUXILIARY)


@dataclass(frozen=True)
class Fault:
    """A row that is not scored.

    Attributes:
        position: Of the row in its request, from 1.
        column: Name of the column at fault; "" for the row as a whole.
        rule: That it breaks.
        message: What is wrong and what to do.
    """

    position: int
    column: str
    rule: str
    message: str


@dataclass(frozen=True)
class Row:
    """One application.

    Attributes:
        position: In its request, from 1.
        cells: By column; "" is a missing value.
        id: As it was sent; None where there is none.
    """

    position: int
    cells: Mapping[str, str]
    id: str | None

    @property
    def digest(self) -> str:
        """sha256 of all cells: names the inputs, and gives none of them away."""
        canonical = json.dumps(dict(sorted(self.cells.items())), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def routed_by(self) -> str:
        """What its route hangs on: the id, or without one all that it holds."""
        return self.digest if self.id is None else self.id


@dataclass(frozen=True)
class RowReader:
    """Makes rows of JSON; made by ``open``.

    Attributes:
        fields: Every column that may be read, by name.
        needed: Those that a row must have, be it with null.
        id: Name of the id column.
        max_text: Most characters of a cell.
    """

    fields: Mapping[str, Field]
    needed: tuple[str, ...]
    id: str
    max_text: int

    @staticmethod
    def open(schemas: Sequence[Schema], max_text: int) -> RowReader:
        """The reader of applications that several models read, the first of which names the id.

        Raises ContractError where two of them mean other cells by one column.
        """
        fields: dict[str, Field] = {}
        needed: dict[str, None] = {}
        for schema in schemas:
            for field in read_fields(schema):
                known = fields.setdefault(field.name, field)
                if _notation(known) != _notation(field) or (field.role is Role.ID) != (known.role is Role.ID):
                    what = f"the column {field.name!r} is not the same in the contracts of all models"
                    raise ContractError(what, "Serve models whose contracts write and use their columns alike.")
            needed |= dict.fromkeys(required_columns(schema, need_target=False))
        own = schemas[0].id.name
        needed.pop(own)
        return RowReader(fields, tuple(needed), own, max_text)

    def read(self, sent: Sequence[object]) -> list[Row | Fault]:
        """A row or a fault for every element, in order; of rows with one id the first counts, as in a file."""
        found: list[Row | Fault] = []
        known: set[str] = set()
        for position, one in enumerate(sent, 1):
            made = self._row(position, one)
            name = made.id if isinstance(made, Row) else None
            if name is not None and name in known:
                message = "the id stands in an earlier application. Send one application per id"
                made = Fault(position, self.id, "unique", message)
            elif name is not None:
                known.add(name)
            found.append(made)
        return found

    def _row(self, position: int, sent: object) -> Row | Fault:
        if isinstance(sent, Twice):
            return Fault(position, sent.name[:100], "unique", "the application names it twice. Send each column once")
        if not isinstance(sent, dict):
            return Fault(position, "", "object", "this is no JSON object. Send an application as an object of columns")
        given = {unicodedata.normalize("NFC", name): cell for name, cell in sent.items()}
        for name in self.needed:
            if unicodedata.normalize("NFC", name) not in given:
                message = "the application has no such column. Send it, with null where its value is not known"
                return Fault(position, name, "column", message)
        cells: dict[str, str] = {}
        for name, field in self.fields.items():
            composed = unicodedata.normalize("NFC", name)
            if composed not in given:
                continue
            text = _text(given[composed], field)
            wrong = text if isinstance(text, _Wrong) else self._unfit(text)
            if wrong is not None:
                return Fault(position, name, wrong.rule, wrong.message)
            cells[name] = str(text)
        own = cells.get(self.id, "").strip()
        if given.get(unicodedata.normalize("NFC", self.id)) is None:
            cells.pop(self.id, None)
        return Row(position, cells, own or None)

    def _unfit(self, text: str) -> _Wrong | None:
        if len(text) > self.max_text:
            return _Wrong("maxLength", f"the cell has {len(text):,} characters, of which {self.max_text:,} may be sent")
        if not _whole_characters(text):
            return _Wrong("text", "the cell holds half of a surrogate pair. Send whole Unicode characters")
        return None


@dataclass(frozen=True)
class _Wrong:
    rule: str
    message: str


def read_fields(schema: Schema) -> list[Field]:
    """The columns of a contract that scoring may read from an application."""
    return [field for field in schema.fields if field.role not in _UNREAD and not field.narrative]


def _notation(field: Field) -> object:
    """How the cells of a column are written."""
    return field.type, field.number, field.date_format, field.date_language


def _text(cell: object, field: Field) -> str | _Wrong:
    """A cell of JSON as a file would have it."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "True" if cell else "False"
    if isinstance(cell, int):
        text = str(cell)
    elif isinstance(cell, float):
        if not math.isfinite(cell):
            return _Wrong("type", "the number is too large. Correct it, or send it as text where it names something")
        text = str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    else:
        return _Wrong("type", "the cell is a list or an object. Send a text, a number, true, false or null")
    if field.type in (FieldType.NUMBER, FieldType.INTEGER) and field.number != PLAIN:
        return str(as_written(pa.array([text]), field)[0])
    return text


def sendable(cell: object) -> bool:
    """Whether a cell of JSON is one value that can be written as text."""
    if isinstance(cell, str):
        return _whole_characters(cell)
    return cell is None or isinstance(cell, bool | int) or (isinstance(cell, float) and math.isfinite(cell))


def _whole_characters(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)


@dataclass(frozen=True)
class Twice:
    """A JSON object that has a name twice, of which the last would hide the first.

    Attributes:
        name: The first such name.
    """

    name: str


def parse_json(body: bytes) -> object:
    """What a body holds; raises ContractError, which quotes none of it, for what is no JSON text in UTF-8."""
    try:
        return json.loads(
            body.decode("utf-8"), object_pairs_hook=_object, parse_int=_whole, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        raise ContractError("the body is not UTF-8", "Send JSON, encoded in UTF-8.") from error
    except RecursionError as error:
        raise ContractError(
            "the body is nested too deeply", "Send objects whose values are texts or numbers."
        ) from error
    except json.JSONDecodeError as error:
        where = f"at line {error.lineno}, column {error.colno}"
        raise ContractError(f"the body is no JSON ({where})", "Send one JSON object, or a list of them.") from error
    except _NoConstantError as error:
        raise ContractError("NaN and Infinity are no JSON", "Send null where a value is not known.") from error


class _NoConstantError(ValueError):
    """NaN, Infinity or -Infinity stands in a body."""


def _no_constant(_text: str) -> object:
    raise _NoConstantError


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | Twice:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        return Twice(next(name for name, count in counts.items() if count > 1))
    return found


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else math.inf
