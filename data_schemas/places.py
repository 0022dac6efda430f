"""Problems of a schema file, and its parts with their places in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Document = dict[str, Any]


class Problem(NamedTuple):
    """One broken rule: where (JSON path), which rule, what is wrong, and the remedy."""

    path: str
    rule: str
    what: str
    remedy: str


def own_part(document: Document) -> Document:
    """What creditfusion adds to the schema as a whole."""
    part: Document = document["creditfusion"]
    return part


def role_of(field: Document) -> str:
    """The role of a field."""
    return str(field["creditfusion"]["role"])


def each_field(document: Document) -> Iterator[tuple[str, Document]]:
    """Every field with its JSON path."""
    return ((f"$.fields[{i}]", field) for i, field in enumerate(document["fields"]))


def each_derived(document: Document) -> Iterator[tuple[str, Document]]:
    """Every derived feature with its JSON path."""
    return (
        (f"$.creditfusion.derived[{i}]", derived) for i, derived in enumerate(own_part(document).get("derived", []))
    )


def each_concept(document: Document) -> Iterator[tuple[str, Document]]:
    """Every concept with its JSON path."""
    return (
        (f"$.creditfusion.concepts[{i}]", concept) for i, concept in enumerate(own_part(document).get("concepts", []))
    )


def source_wording(source: Document) -> str:
    """What reasons from a source begin with."""
    own = own_part(source)
    return str(own.get("wording", f"From our records ({source.get('title', own['name'])})"))
