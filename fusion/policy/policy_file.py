"""Reading a credit policy from its TOML file and checking it against the schema of the applications."""

from __future__ import annotations

import difflib
import math
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from data_schemas.concepts import Sensitive
from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Field, FieldType, Role
from fusion.policy.policy import (
    NO_NARRATIVE,
    Constraints,
    Cutoffs,
    Economics,
    Policy,
    PolicySegment,
    Refer,
    Segments,
    value_text,
)

FLAGS = ("narrative_only", "text_not_read", "missing", "unknown_category", "masked", "no_records", "contradiction")
SECTIONS: Mapping[str, type[PolicySegment]] = {
    "cutoffs": Cutoffs,
    "segments": Segments,
    "refer": Refer,
    "economics": Economics,
    "constraints": Constraints,
}


def load_policy(path: Path, schema: Schema, seconds: Collection[str] | None = ()) -> Policy:
    """The policy of a TOML file, for applications of ``schema``.

    seconds: names of the second models whose probabilities will be known; None: whichever the policy names.

    Raises ContractError for an unreadable file, an unknown key (naming the nearest), a value out of its range, a
    name that the schema does not have, or a second model that is not given.
    """
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(f"policy file {path} cannot be read ({error.strerror})", "Check the path.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"policy file {path} is not valid TOML: {error}", "Correct the file.") from error
    return parse_policy(tree, schema, f"policy {path}", seconds)


def parse_policy(
    tree: Mapping[str, object], schema: Schema, origin: str, seconds: Collection[str] | None = ()
) -> Policy:
    """A policy from plain data; raises ContractError as ``load_policy`` does."""
    valid = list(_valid_keys(tree))
    for key in _keys(tree):
        if key not in valid:
            raise ContractError(f"{origin}: unknown key {key!r}", nearest(key, valid))
    try:
        policy = Policy.model_validate(tree)
    except ValidationError as error:
        raise ContractError(*_in_words(error, origin)) from error
    check_seconds(policy.refer, seconds, origin)
    return fit_to_schema(policy, schema, origin)


def _keys(tree: Mapping[str, object]) -> Iterator[str]:
    """The dotted keys of a tree down to its values; a section stands for itself where it is none."""
    for name, node in tree.items():
        below = list(_keys(node)) if isinstance(node, Mapping) else []
        yield from (f"{name}.{key}" for key in below) if below else [name]


def _valid_keys(tree: Mapping[str, object]) -> Iterator[str]:
    """Every key that a policy knows; cut-offs of segments and second models under the names that ``tree`` has."""
    for section, part in SECTIONS.items():
        yield section
        yield from (f"{section}.{key}" for key in part.model_fields)
    segments = tree.get("segments")
    cutoffs = segments.get("cutoffs") if isinstance(segments, Mapping) else None
    for value in cutoffs if isinstance(cutoffs, Mapping) else ():
        yield f"segments.cutoffs.{value}"
        yield from (f"segments.cutoffs.{value}.{key}" for key in Cutoffs.model_fields)
    refer = tree.get("refer")
    seconds = refer.get("second") if isinstance(refer, Mapping) else None
    yield from (f"refer.second.{name}" for name in (seconds if isinstance(seconds, Mapping) else ()))


def check_seconds(refer: Refer, given: Collection[str] | None, origin: str) -> None:
    """Raise ContractError unless every second model that the policy names is given; None: not known yet."""
    if given is not None and (absent := [name for name in refer.second if name not in given]):
        raise ContractError(
            f"{origin}: refer.second names {absent[0]!r}, and no second model of that name is given",
            f"Name its bundle with --second {absent[0]}=BUNDLE, or give a policy without refer.second (--policy).",
        )


def _in_words(error: ValidationError, origin: str) -> tuple[str, str]:
    """What is wrong with the first wrong value, and what to do."""
    first = error.errors()[0]
    place = first["loc"][:2] if first["loc"][:2] == ("economics", "amount") else first["loc"]
    key = ".".join(str(part) for part in place)
    if first["type"] == "missing":
        return f"{origin}: {key} is missing", "Add it; docs/policy.md shows a whole policy."
    if first["type"] in ("model_type", "dict_type"):
        return f"{origin}: {key} is a section, not a value", f"Write it as [{key}]."
    message = first["msg"].removeprefix("Value error, ")
    got = "" if isinstance(first["input"], dict) else f", got {first['input']!r}"
    return f"{origin}: {key}: {message}{got}", "Correct the value."


def fit_to_schema(policy: Policy, schema: Schema, origin: str) -> Policy:
    """The policy with the values of its segments as ``segments_of`` writes them.

    Raises ContractError for a name that ``schema`` does not have, or a column that cannot serve so.
    """
    if policy.economics and isinstance(policy.economics.amount, str):
        numbers = [one.name for one in schema.features if one.type in (FieldType.NUMBER, FieldType.INTEGER)]
        _check_name(policy.economics.amount, numbers, "numeric feature", f"{origin}: economics.amount", schema)
    if policy.refer.no_narrative and not schema.narratives:
        raise ContractError(
            f"{origin}: refer.no_narrative: schema {schema.name!r} has no narrative", "Leave the key out."
        )
    for entry in policy.refer.quality:
        _check_flag(entry, schema, f"{origin}: refer.quality")
    if policy.segments is None:
        return policy
    names = [one.name for one in schema.features if one.type is not FieldType.DATE]
    _check_name(
        policy.segments.column, names, "feature with values to tell apart", f"{origin}: segments.column", schema
    )
    return policy.model_copy(update={"segments": _with_known_values(policy.segments, schema, origin)})


def _check_name(name: str, known: Sequence[str], what: str, origin: str, schema: Schema) -> None:
    if name in known:
        return
    roles = {field.name: field.role for field in schema.fields}
    if roles.get(name) is Role.PROTECTED:
        raise ContractError(
            f"{origin}: {name!r} is a protected column of schema {schema.name!r}", "No decision may depend on it."
        )
    raise ContractError(f"{origin}: schema {schema.name!r} has no {what} {name!r}", nearest(name, known))


def _check_flag(entry: str, schema: Schema, origin: str) -> None:
    """Raise ContractError unless a data-quality flag can meet ``entry``."""
    flag, colon, name = entry.partition(":")
    if flag not in FLAGS:
        aside = "Set refer.no_narrative = true." if flag == NO_NARRATIVE else nearest(flag, FLAGS)
        raise ContractError(f"{origin}: {flag!r} is no data-quality flag that can be listed here", aside)
    if colon:
        texts = [field.name for field in schema.features if field.type is FieldType.STRING]
        known = {
            "missing": [field.name for field in schema.features if not field.narrative],
            "unknown_category": texts,
            "text_not_read": [field.name for field in schema.narratives],
            "masked": [str(kind) for kind in Sensitive],
            "no_records": [source.name for source in schema.sources],
            "contradiction": [one.name for one in schema.contradictions],
        }.get(flag, [])
        if name not in known:
            raise ContractError(f"{origin}: {flag!r} cannot be said of {name!r}", nearest(name, known))


def _with_known_values(segments: Segments, schema: Schema, origin: str) -> Segments:
    field, cutoffs = schema[segments.column], dict[str, Cutoffs]()
    for value, limits in segments.cutoffs.items():
        text = _canonical(field, value, f"{origin}: segments.cutoffs.{value}")
        if text in cutoffs:
            raise ContractError(f"{origin}: segments.cutoffs has {field.name} {text} twice", "Leave one out.")
        cutoffs[text] = limits
    return segments.model_copy(update={"cutoffs": cutoffs})


def _canonical(field: Field, value: str, origin: str) -> str:
    """A value of a column as ``segments_of`` writes it; raises ContractError for one that it cannot have."""
    known = ("true", "false") if field.type is FieldType.BOOLEAN else field.allowed or field.categories
    if known and value not in known:
        raise ContractError(f"{origin}: {field.name} has no value {value!r} in the schema", nearest(value, known))
    if not field.is_numeric or known:
        return value
    try:
        number = float(value)
    except ValueError as error:
        raise ContractError(f"{origin}: {field.name} is numeric, {value!r} is no number", "Write a number.") from error
    low, high = field.minimum, field.maximum
    if not math.isfinite(number) or (low is not None and number < low) or (high is not None and number > high):
        raise ContractError(f"{origin}: {field.name} cannot be {value} by the schema", "Correct the value.")
    return value_text(field, number)


def nearest(name: str, known: Sequence[str]) -> str:
    """The remedy for a name that is not known."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
    return f"The nearest valid one is {near[0]!r}." if near else "Leave it out."
