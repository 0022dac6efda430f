"""Every setting of fusion/config.py with its type, default, ranges and description, in the order of declaration."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from data_schemas.errors import ContractError
from fusion.config import Between, Config, Json, SettingsGroup
from fusion.model.search_space import Dimension, full_space

KINDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "array": "list"}
BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


@dataclass(frozen=True)
class SettingEntry:
    """One setting, in words.

    Attributes:
        key: dotted key, such as ``stacker.num_leaves``.
        kind: the type.
        default: the default in TOML form.
        allowed: the accepted values; empty where all values of the type are.
        searched: the values that a sweep tries, and when; empty where no sweep varies the setting.
        description: what the setting does.
        schema: all of this as JSON Schema, with ``key`` and ``searched`` added.
    """

    key: str
    kind: str
    default: str
    allowed: str
    searched: str
    description: str
    schema: Json


@dataclass(frozen=True)
class SettingSection:
    """The settings of one section of the tree.

    Attributes:
        name: the section's key.
        description: what the section is about.
        entries: its settings.
    """

    name: str
    description: str
    entries: tuple[SettingEntry, ...]


def catalogue(start: str = "") -> tuple[SettingSection, ...]:
    """The settings whose keys begin with ``start``, by section.

    Raises:
        ContractError: where there is none; names the nearest section or key.
    """
    dimensions = {dimension.key: dimension for dimension in full_space().dimensions}
    chosen, known = [], []
    for name, group in Config():
        entries = tuple(_entries(name, group, dimensions))
        known += [name, *(entry.key for entry in entries)]
        if kept := tuple(entry for entry in entries if entry.key.startswith(start)):
            chosen.append(SettingSection(name, (type(group).__doc__ or "").splitlines()[0], kept))
    if not chosen:
        near = difflib.get_close_matches(start, known, n=1, cutoff=0.0)[0]
        raise ContractError(f"no setting begins with {start!r}", f"The nearest one is {near!r}.")
    return tuple(chosen)


def _entries(section: str, group: SettingsGroup, dimensions: Mapping[str, Dimension]) -> Iterator[SettingEntry]:
    form = type(group).model_json_schema()
    for name, field in form["properties"].items():
        key = f"{section}.{name}"
        searched = dimensions.get(key)
        del field["title"]
        if "$ref" in field.get("items", {}):  # a list of the members of an enumeration, which pydantic defines apart
            field["items"] = {"enum": form["$defs"][field["items"]["$ref"].rpartition("/")[2]]["enum"]}
        yield SettingEntry(
            key=key,
            kind=KINDS[field["type"]],
            default=json.dumps(field["default"]),
            allowed=_allowed(field),
            searched=_searched(searched) if searched else "",
            description=field["description"],
            schema={"key": key, **field, "searched": searched.to_json() if searched else None},
        )


def _allowed(field: Mapping[str, Any]) -> str:
    """The bounds or choices of a JSON Schema in words."""
    if choices := field.get("enum") or field.get("items", {}).get("enum"):
        return ", ".join(choices)
    if "minimum" in field and "maximum" in field:
        return f"{field['minimum']:,g} to {field['maximum']:,g}"
    return ", ".join(f"{words} {field[bound]:,g}" for bound, words in BOUNDS.items() if bound in field)


def _searched(dimension: Dimension) -> str:
    """The range of a dimension and its conditions in words."""
    span = dimension.range
    if isinstance(span, Between):
        words = f"{span.low:,g} to {span.high:,g}" + (", by its logarithm" if span.log else "")
    else:
        words = ", ".join(json.dumps(choice).strip('"') for choice in span.choices)
    conditions = " and ".join(f"{one.key} = {json.dumps(one.value)}" for one in dimension.when)
    return f"{words}; where {conditions}" if conditions else words
