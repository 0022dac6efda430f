"""Reading a schema file: from JSON text to ``Schema``, or a ``ContractError`` with the fault, its place and the remedy.

Two passes. The file's form is checked against ``contract.schema.json``; then its meaning is checked by
``data_schemas.rules``, so that building the types below cannot fail.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema

from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.parts import schema_of
from data_schemas.places import Document, Problem
from data_schemas.rules import broken_rules
from data_schemas.value_rules import LEFT_OPEN

SUFFIX = ".schema.json"
FORM = "contract.schema.json"
CONCEPTS = ".concepts.json"


def load_schema(source: str | Path, as_draft: bool = False) -> Schema:
    """The schema in a file, or the shipped one of that name (``"demo"``, ``"lending_club"``).

    Args:
        as_draft: whether the schema is only looked at: of the notations that a draft leaves open, the first is taken.

    Raises:
        ContractError: naming the file, the place in it, the rule and the remedy.
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
    return parse_schema(text, str(path), as_draft)


def parse_schema(text: str, origin: str, as_draft: bool = False) -> Schema:
    """The schema in this JSON text; origin names it in errors. Raises ContractError, as ``load_schema`` does.

    A shipped set of concepts that it names is put in its place, so that ``source`` and ``digest`` cover the whole
    schema.
    """
    document = _parse_json(text, origin)
    if problems := list(_broken_form(document)):
        raise _contract_error(origin, problems)
    own = document["creditfusion"]
    if isinstance(own.get("concepts"), str):
        own["concepts"] = _shipped_concepts(own["concepts"], origin)
        text = json.dumps(document, ensure_ascii=False, indent=1)
    if problems := [one for one in broken_rules(document) if not (as_draft and one.rule in LEFT_OPEN)]:
        raise _contract_error(origin, problems)
    return schema_of(document, text)


def shipped_schemas() -> tuple[str, ...]:
    """Names of the schemas that come with the package."""
    return _shipped(SUFFIX)


@functools.cache
def _shipped(suffix: str) -> tuple[str, ...]:
    names = (entry.name for entry in resources.files("data_schemas").iterdir())
    return tuple(sorted(name.removesuffix(suffix) for name in names if name.endswith(suffix) and name != FORM))


def _shipped_concepts(name: str, origin: str) -> list[Document]:
    """The shipped set of concepts of that name; raises ContractError for a name of none."""
    if name not in _shipped(CONCEPTS):
        what = f"{name!r} is no shipped set of concepts"
        remedy = _nearest(name, list(_shipped(CONCEPTS))) + " Or write a list of concepts."
        raise _contract_error(origin, [Problem("$.creditfusion.concepts", "concept_set", what, remedy)])
    text = (resources.files("data_schemas") / f"{name}{CONCEPTS}").read_text(encoding="utf-8")
    concepts: list[Document] = json.loads(text)["concepts"]
    return concepts


@functools.cache
def _form() -> jsonschema.Draft202012Validator:
    text = (resources.files("data_schemas") / FORM).read_text(encoding="utf-8")
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
            "Mend the syntax there; the usual culprit is a comma or a quote just before.",
        ) from error
    except RecursionError as error:
        raise ContractError(f"{origin}: nested too deeply for a schema", "Check that this is a schema file.") from error


def _broken_form(document: Any) -> Iterator[Problem]:
    for error in _form().iter_errors(document):
        path, (what, remedy) = error.json_path, _explain(error)
        if error.validator == "additionalProperties":
            path += f".{_unknown_key(error)}"
        match list(error.absolute_path):
            case ["fields", int(index), *_] if isinstance(name := _name_of(document["fields"][index]), str):
                what = f"{what} (field {name!r})"
        yield Problem(path, str(error.validator), what, remedy)


def _name_of(field: Any) -> Any:
    return field.get("name") if isinstance(field, dict) else None


def _unknown_key(error: jsonschema.ValidationError) -> str:
    rules: Any = error.schema
    instance: Any = error.instance
    return str(next(key for key in instance if key not in rules["properties"]))


def _explain(error: jsonschema.ValidationError) -> tuple[str, str]:
    """What is wrong and the remedy, with the nearest valid key or value."""
    rules: Any = error.schema
    instance: Any = error.instance
    match error.validator:
        case "additionalProperties":
            key = _unknown_key(error)
            return f"unknown key {key!r}", _nearest(key, list(rules["properties"]))
        case "enum":
            return f"{instance!r} is not a valid value", _nearest(str(instance), rules["enum"])
        case "required":
            key = next(key for key in rules["required"] if key not in instance)
            return f"the key {key!r} is missing", f"Add it: {_purpose(rules['properties'][key])}"
    # The library's messages quote the value in full, which may be the whole document.
    what = error.message if len(error.message) < 200 else f"the value breaks {error.validator!r}: {rules.get('type')}"
    return what, f"Wanted here: {_purpose(rules)}"


def _nearest(word: str, valid: list[str]) -> str:
    close = difflib.get_close_matches(word, valid, n=1, cutoff=0.5)
    return (f"Did you mean {close[0]!r}? " if close else "") + f"Valid here: {', '.join(valid)}."


def _purpose(schema: Document) -> str:
    return str(schema.get("description") or f"a value of type {schema.get('type', 'that the message names')}.")


def _contract_error(origin: str, problems: list[Problem]) -> ContractError:
    first, *others = problems
    more = f" ({len(others)} more: {'; '.join(f'{p.path} {p.what}' for p in others[:5])})" if others else ""
    return ContractError(f"{origin} at {first.path}: {first.what} [rule {first.rule}]{more}", first.remedy)
