"""Reading a schema file: from JSON text to ``Schema``, or a ``ContractError`` that says what to mend and where.

Two passes. The file's form is checked against ``contract.schema.json``; then its meaning is checked by
``data_schemas.rules``, so that building the types below cannot fail.
"""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import hashlib
import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema

from data_schemas.contract import Derived, DerivedKind, Direction, Field, FieldType, Reason, Role, Schema, StripRule
from data_schemas.errors import ContractError
from data_schemas.rules import Problem, broken_rules

Document = dict[str, Any]

EPOCH = dt.date(1970, 1, 1)
SUFFIX = ".schema.json"


def load_schema(source: str | Path) -> Schema:
    """The schema in a file, or the shipped one of that name (``"demo"``, ``"lending_club"``).

    Raises ContractError naming the file, the place in it, the rule and the remedy.
    """
    if str(source) in shipped_schemas():
        text = (resources.files("data_schemas") / f"{source}{SUFFIX}").read_text(encoding="utf-8")
        return parse_schema(text, f"{source}{SUFFIX}")
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ContractError(f"{path} is not UTF-8 text (byte {error.start})", "Save the schema as UTF-8.") from error
    except OSError as error:
        raise ContractError(
            f"schema {str(source)!r} cannot be read: {error.strerror}",
            f"Give the path of a schema file or the name of a shipped schema: {', '.join(shipped_schemas())}.",
        ) from error
    return parse_schema(text, str(path))


def parse_schema(text: str, origin: str) -> Schema:
    """The schema in this JSON text; origin names it in errors. Raises ContractError."""
    document = _parse_json(text, origin)
    problems = list(_broken_form(document)) or list(broken_rules(document))
    if problems:
        raise _contract_error(origin, problems)
    own = document["creditfusion"]
    return Schema(
        name=own["name"],
        title=document.get("title", own["name"]),
        fields=tuple(_field(field, document.get("missingValues", [])) for field in document["fields"]),
        derived=tuple(_derived(derived) for derived in own.get("derived", [])),
        bad_values=tuple(own.get("bad_values", [])),
        good_values=tuple(own.get("good_values", [])),
        strip=tuple(StripRule(rule["pattern"], rule["why"]) for rule in own.get("strip", [])),
        digest=_digest(document),
        source=text,
    )


@functools.cache
def shipped_schemas() -> tuple[str, ...]:
    """Names of the schemas that come with the package."""
    names = (entry.name for entry in resources.files("data_schemas").iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX) and name != _FORM_FILE))


_FORM_FILE = "contract.schema.json"


@functools.cache
def _form() -> jsonschema.Draft202012Validator:
    text = (resources.files("data_schemas") / _FORM_FILE).read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def _parse_json(text: str, origin: str) -> Any:
    def unique_keys(pairs: list[tuple[str, Any]]) -> Document:
        keys = [key for key, _ in pairs]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ContractError(f"{origin}: the key {twice!r} stands twice in one object", "Keep one of the two.")
        return dict(pairs)

    def no_constant(name: str) -> Any:
        raise ContractError(f"{origin}: {name} is not a JSON number", "Write a number, or leave the key out.")

    try:
        return json.loads(text, object_pairs_hook=unique_keys, parse_constant=no_constant)
    except json.JSONDecodeError as error:
        raise ContractError(
            f"{origin}, line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})",
            "Mend the syntax there; a comma or a quote is the usual culprit.",
        ) from error


def _broken_form(document: Any) -> Iterator[Problem]:
    errors = sorted(_form().iter_errors(document), key=lambda error: [str(part) for part in error.absolute_path])
    for error in errors:
        yield Problem(error.json_path, str(error.validator), *_explain(error))


def _explain(error: jsonschema.ValidationError) -> tuple[str, str]:
    """What is wrong and the remedy, with the nearest valid key or value."""
    if error.validator == "additionalProperties":
        valid = list(error.schema["properties"])
        unknown = [key for key in error.instance if key not in valid]
        return f"unknown key {unknown[0]!r}", _nearest(unknown[0], valid)
    if error.validator == "enum":
        return f"{error.instance!r} is not a valid value", _nearest(str(error.instance), error.validator_value)
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"the key {missing[0]!r} is missing", f"Add it: {_purpose(error.schema['properties'][missing[0]])}"
    return error.message, f"Wanted here: {_purpose(error.schema)}"


def _nearest(word: str, valid: list[str]) -> str:
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    return (f"Did you mean {close[0]!r}? " if close else "") + f"Valid here: {', '.join(valid)}."


def _purpose(schema: Document) -> str:
    return str(schema.get("description") or f"a value of type {schema.get('type', 'named in the message')}.")


def _contract_error(origin: str, problems: list[Problem]) -> ContractError:
    first, *others = problems
    more = f" ({len(others)} more: {'; '.join(f'{p.path} {p.what}' for p in others[:5])})" if others else ""
    return ContractError(f"{origin} at {first.path}: {first.what} [rule {first.rule}]{more}", first.remedy)


def _digest(document: Document) -> str:
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _field(field: Document, missing_values: list[str]) -> Field:
    constraints, own = field.get("constraints", {}), field["creditfusion"]
    role = Role(own["role"])
    return Field(
        name=field["name"],
        type=FieldType(field["type"]),
        role=role,
        title=field.get("title", field["name"]),
        unit=own.get("unit", ""),
        required=role is Role.ID or constraints.get("required", False),
        minimum=_bound(constraints.get("minimum")),
        maximum=_bound(constraints.get("maximum")),
        pattern=constraints.get("pattern"),
        max_length=constraints.get("maxLength"),
        categories=tuple(field.get("categories", [])),
        allowed=tuple(constraints.get("enum", [])),
        missing_values=tuple(dict.fromkeys(["", *missing_values, *field.get("missingValues", [])])),
        date_format="%Y-%m-%d" if field.get("format", "default") == "default" else field["format"],
        direction=Direction(own.get("direction", "none")),
        reason=_reason(own.get("reason")),
    )


def _derived(derived: Document) -> Derived:
    first, second = derived["of"]
    return Derived(
        name=derived["name"],
        kind=DerivedKind(derived["kind"]),
        of=(first, second),
        title=derived.get("title", derived["name"]),
        unit=derived.get("unit", ""),
        direction=Direction(derived.get("direction", "none")),
        reason=_reason(derived.get("reason")),
    )


def _bound(value: float | str | None) -> float | None:
    if isinstance(value, str):
        return float((dt.date.fromisoformat(value) - EPOCH).days)
    return None if value is None else float(value)


def _reason(reason: Document | None) -> Reason | None:
    return None if reason is None else Reason(reason["code"], reason["wording"], reason.get("disclosable", True))
