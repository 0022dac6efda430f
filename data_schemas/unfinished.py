"""What a person still has to do on a contract: notes to confirm, reasons to word, units to state."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_schemas.contract import Schema
from data_schemas.fields import Derived, Field, FieldType, Role
from data_schemas.levels import is_code
from data_schemas.places import Document

MADE = ("aggregates", "texts")


@dataclass(frozen=True)
class Unfinished:
    """What is unfinished in a contract, by the names of columns and derived features, in the contract's order.

    Attributes:
        guesses: those with a note of ``schema infer`` that nobody has confirmed, which is deleted by who does. A source
            is named by itself, and its columns as ``source.column``.
        without_wording: inputs of the model for which no reason is worded, so that no applicant can be given it.
        without_unit: inputs that are numbers of no stated unit.
        without_labels: inputs with levels that are codes, and have no label that says what they mean.
    """

    guesses: tuple[str, ...]
    without_wording: tuple[str, ...]
    without_unit: tuple[str, ...]
    without_labels: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything is unfinished."""
        return bool(self.guesses or self.without_wording or self.without_unit or self.without_labels)


def unfinished(schema: Schema) -> Unfinished:
    """What is unfinished in a contract."""
    document = json.loads(schema.source)
    inputs = _inputs(schema)
    return Unfinished(
        guesses=tuple(_guesses(document)),
        without_wording=tuple(unworded(schema, [one.name for one in inputs])),
        without_unit=tuple(one.name for one in inputs if _is_number(one) and not one.unit),
        without_labels=tuple(one.name for one in inputs if isinstance(one, Field) and unlabelled(one)),
    )


def _guesses(document: Document) -> Iterator[str]:
    """What has a note: columns and derived features, then each source, its columns and what is made of its records."""
    own = document["creditfusion"]
    for part in (*document["fields"], *own.get("derived", ())):
        if _noted(part):
            yield str(part["name"])
    for source in own.get("sources", ()):
        made = source["creditfusion"]
        if "guess" in made:
            yield str(made["name"])
        yield from (f"{made['name']}.{field['name']}" for field in source["fields"] if _noted(field))
        yield from (str(part["name"]) for kind in MADE for part in made.get(kind, ()) if _noted(part))


def _noted(part: Document) -> bool:
    return "guess" in part or "guess" in part.get("creditfusion", {})


def unworded(schema: Schema, names: Sequence[str]) -> list[str]:
    """Those of the named columns and derived features for which the contract words no reason."""
    columns: list[Field | Derived] = [*schema.fields, *schema.derived]
    worded = {one.name for one in columns if one.reason is not None}
    return [name for name in names if name not in worded]


def unlabelled(field: Field) -> list[str]:
    """Those of the levels that a contract lists for a column which are codes without a label."""
    return [level for level in field.categories or field.allowed if is_code(level) and not field.label(level)]


def _inputs(schema: Schema) -> list[Field | Derived]:
    """What a model is given: features but bare dates, narratives, derived features."""
    fields = schema.fields_of(Role.FEATURE, Role.NARRATIVE)
    return [*(field for field in fields if field.type is not FieldType.DATE), *schema.derived]


def _is_number(column: Field | Derived) -> bool:
    return isinstance(column, Derived) or column.type in (FieldType.INTEGER, FieldType.NUMBER)
