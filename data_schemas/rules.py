"""What a schema file must mean, beyond its form: each rule is a generator of the problems it finds.

The rules read the parsed JSON, whose form ``contract.schema.json`` has already vouched for, so that each problem can
name its place in the file.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

Document = dict[str, Any]


class Problem(NamedTuple):
    """One broken rule: where (JSON path), which rule, what is wrong, and the remedy."""

    path: str
    rule: str
    what: str
    remedy: str


def broken_rules(document: Document) -> Iterator[Problem]:
    """Every broken rule of a schema file of valid form, the gravest kinds first."""
    return chain.from_iterable(rule(document) for rule in _RULES)


def _own(document: Document) -> Document:
    own: Document = document["creditfusion"]
    return own


def _role(field: Document) -> str:
    return str(field["creditfusion"]["role"])


def _fields(document: Document) -> Iterator[tuple[str, Document]]:
    """Every field with its JSON path."""
    return ((f"$.fields[{i}]", field) for i, field in enumerate(document["fields"]))


def _derived(document: Document) -> Iterator[tuple[str, Document]]:
    return ((f"$.creditfusion.derived[{i}]", derived) for i, derived in enumerate(_own(document).get("derived", [])))


def _concepts(document: Document) -> Iterator[tuple[str, Document]]:
    return ((f"$.creditfusion.concepts[{i}]", concept) for i, concept in enumerate(_own(document).get("concepts", [])))


def _names_are_unique(document: Document) -> Iterator[Problem]:
    seen: set[str] = set()
    for path, column in chain(_fields(document), _derived(document)):
        if column["name"] in seen:
            yield Problem(f"{path}.name", "unique_name", f"the name {column['name']!r} stands twice", "Rename one.")
        seen.add(column["name"])


def _roles_are_counted(document: Document) -> Iterator[Problem]:
    names: dict[str, list[str]] = {}
    for _, field in _fields(document):
        names.setdefault(_role(field), []).append(field["name"])
    if "id" not in names:
        yield Problem("$.fields", "one_id", "no field has the role 'id'", "Give it to the column that names one row.")
    for role in ("id", "target", "decision_date", "group"):
        if len(names.get(role, [])) > 1:
            what = f"{', '.join(names[role])} all have the role {role!r}"
            yield Problem("$.fields", f"one_{role}", what, "Keep the role for one and make the others 'ignored'.")
    if not names.keys() & {"feature", "narrative"}:
        yield Problem("$.fields", "some_input", "no field is a feature or a narrative", "Give the model an input.")
    if document.get("primaryKey") not in (None, *names.get("id", [])):
        what = f"{document['primaryKey']!r} is not the field whose role is 'id'"
        yield Problem("$.primaryKey", "primary_key", what, "Name the id field, or leave the key out.")


# The role fixes the type where the code compares cells as text or as dates.
_TYPE_OF_ROLE = {"id": "string", "group": "string", "target": "string", "narrative": "string", "decision_date": "date"}


def _types_fit_roles(document: Document) -> Iterator[Problem]:
    for path, field in _fields(document):
        wanted = _TYPE_OF_ROLE.get(_role(field))
        if wanted and field["type"] != wanted:
            what = f"{field['name']!r} has the role {_role(field)!r} and the type {field['type']!r}"
            yield Problem(f"{path}.type", "type_of_role", what, f"Give it the type {wanted!r}; its cells may stay.")


def _target_has_bad_values(document: Document) -> Iterator[Problem]:
    own, place = _own(document), "$.creditfusion.bad_values"
    bad, good = own.get("bad_values", []), own.get("good_values", [])
    target = next((field for _, field in _fields(document) if _role(field) == "target"), None)
    if target is None:
        if bad or good:
            remedy = "Give one field the role 'target', or leave the values out."
            yield Problem(place, "target_values", "there are bad_values or good_values but no target", remedy)
        return
    if not bad:
        what = f"the target {target['name']!r} has no bad_values"
        yield Problem(place, "target_values", what, "List the target's cells that count as bad.")
    if both := sorted(set(bad) & set(good)):
        yield Problem(place, "target_values", f"{both[0]!r} is both bad and good", "Keep it in one of the two.")
    allowed = target.get("constraints", {}).get("enum")
    if allowed and (strange := [value for value in [*bad, *good] if value not in allowed]):
        what = f"{strange[0]!r} is not in the enum of {target['name']!r}"
        yield Problem(place, "target_values", what, "Add it there, or drop it here.")


# Which types a key has a meaning for; a key that would be ignored is an error.
_KEY_TYPES = {
    "minimum": ("integer", "number", "date"),
    "maximum": ("integer", "number", "date"),
    "enum": ("string",),
    "pattern": ("string",),
    "maxLength": ("string",),
}


def _keys_fit_types(document: Document) -> Iterator[Problem]:
    for path, field in _fields(document):
        kind, own = field["type"], field["creditfusion"]
        for key in field.get("constraints", {}):
            if kind not in _KEY_TYPES.get(key, (kind,)):
                what = f"{key!r} means nothing for {field['name']!r} of type {kind!r}"
                remedy = f"Drop it; it applies to the types {', '.join(_KEY_TYPES[key])}."
                yield Problem(f"{path}.constraints.{key}", "key_of_type", what, remedy)
        if field.get("constraints", {}).get("unique") and _role(field) != "id":
            what = f"{field['name']!r} is unique but not the id"
            yield Problem(f"{path}.constraints.unique", "unique_is_id", what, "Only the id is checked for it; drop it.")
        if "categories" in field and (kind != "string" or _role(field) not in ("feature", "protected", "ignored")):
            what = f"{field['name']!r} has categories, but is no text column with levels"
            yield Problem(
                f"{path}.categories", "key_of_type", what, "Drop them, or make it a feature of type 'string'."
            )
        if "format" in field and kind != "date":
            what = f"'format' means nothing for {field['name']!r} of type {kind!r}"
            yield Problem(f"{path}.format", "key_of_type", what, "Drop it; it gives the pattern of a date.")
        for key, nothing, having in (
            ("direction", "none", "has a direction"),
            ("actionable", "no", "is actionable"),
        ):
            if own.get(key, nothing) != nothing and (kind in ("string", "date") or _role(field) != "feature"):
                what = f"{field['name']!r} {having}, but is no numeric feature"
                yield Problem(f"{path}.creditfusion.{key}", "key_of_type", what, "Drop it.")
        if own.get("match", "exact") != "exact" and (kind != "string" or _role(field) != "feature"):
            what = f"{field['name']!r} is to be matched loosely, but is no text feature"
            yield Problem(f"{path}.creditfusion.match", "key_of_type", what, "Drop it.")
        if not own.get("concepts", True) and _role(field) != "narrative":
            what = f"{field['name']!r} is to be matched to no concepts, but is no narrative"
            yield Problem(f"{path}.creditfusion.concepts", "key_of_type", what, "Drop it.")


def _bounds_are_ordered(document: Document) -> Iterator[Problem]:
    for path, field in _fields(document):
        bounds: dict[str, float] = {}
        for key in ("minimum", "maximum"):
            value = field.get("constraints", {}).get(key)
            if value is None:
                continue
            try:
                bounds[key] = _bound(value, field["type"])
            except (ValueError, OverflowError):
                wanted = "an ISO date such as '1990-12-31'" if field["type"] == "date" else "a number"
                what = f"{value!r} is no bound of {field['name']!r}"
                yield Problem(f"{path}.constraints.{key}", "bounds", what, f"Write {wanted}.")
        if len(bounds) == 2 and bounds["minimum"] > bounds["maximum"]:
            what = f"the minimum of {field['name']!r} is above its maximum"
            yield Problem(f"{path}.constraints", "bounds", what, "Exchange them.")


def _bound(value: float | str, kind: str) -> float:
    """The bound as a number; raises ValueError or OverflowError when it is not one of that type."""
    if (kind == "date") != isinstance(value, str) or not (isinstance(value, str) or math.isfinite(value)):
        raise ValueError(value)
    return float(dt.date.fromisoformat(value).toordinal()) if isinstance(value, str) else float(value)


def _patterns_compile(document: Document) -> Iterator[Problem]:
    patterns = [
        (f"{path}.constraints.pattern", field["constraints"]["pattern"])
        for path, field in _fields(document)
        if "pattern" in field.get("constraints", {})
    ]
    patterns += [
        (f"$.creditfusion.strip[{i}].pattern", rule["pattern"])
        for i, rule in enumerate(_own(document).get("strip", []))
    ]
    for path, pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            what = f"{pattern!r} is no regular expression ({error})"
            yield Problem(path, "pattern", what, "Mend it; backslashes are doubled in JSON.")


def _date_formats_work(document: Document) -> Iterator[Problem]:
    day = dt.datetime(2001, 12, 1)
    for path, field in _fields(document):
        form = field.get("format", "default")
        if field["type"] != "date" or form == "default":
            continue
        try:
            works = dt.datetime.strptime(day.strftime(form), form).date() == day.date()
        except ValueError:
            works = False
        if not works:
            what = f"{form!r} does not give the year and month of a date"
            yield Problem(f"{path}.format", "date_format", what, "Write a strptime pattern such as '%d/%m/%Y'.")


class _Mapping(NamedTuple):
    """What one kind of auxiliary outcome needs: the types of the column, the key beside ``kind`` and its remedy."""

    types: tuple[str, ...]
    key: str
    remedy: str


_MAPPINGS = {
    "numeric": _Mapping(
        ("integer", "number", "boolean"), "direction", "Write 'rising' or 'falling': how risk moves when it grows."
    ),
    "ordered": _Mapping(("string",), "levels", "List every level, from the safest to the riskiest."),
    "time_until": _Mapping(
        ("date",), "horizon", "Give the term in months: a number, or the name of the numeric feature that holds it."
    ),
}


def _auxiliary_outcomes_are_mapped(document: Document) -> Iterator[Problem]:
    for path, field in _fields(document):
        name, own, place = field["name"], field["creditfusion"], f"{path}.creditfusion.auxiliary"
        is_auxiliary = _role(field) == "auxiliary"
        if "auxiliary" not in own:
            if is_auxiliary:
                what = f"{name!r} is auxiliary, but nothing says how its cells become an outcome"
                remedy = f"Add 'auxiliary' with one of the kinds {', '.join(_MAPPINGS)}."
                yield Problem(place, "auxiliary_outcome", what, remedy)
            continue
        if not is_auxiliary:
            what = f"{name!r} is mapped to an auxiliary outcome, but has the role {_role(field)!r}"
            yield Problem(place, "key_of_role", what, "Drop it, or give the column the role 'auxiliary'.")
            continue
        yield from _mapping_problems(place, field)
        if field.get("constraints", {}).get("required"):
            what = f"{name!r} is required, but an auxiliary column rejects no row"
            yield Problem(f"{path}.constraints.required", "key_of_role", what, "Drop it; an empty cell is unknown.")
        if own["auxiliary"]["kind"] == "time_until":
            yield from _time_until_problems(place, field, document)


def _mapping_problems(place: str, field: Document) -> Iterator[Problem]:
    """What is wrong with one mapping by itself: its keys, and the type of the column."""
    name, outcome = field["name"], field["creditfusion"]["auxiliary"]
    kind, mapping = outcome["kind"], _MAPPINGS[outcome["kind"]]
    if field["type"] not in mapping.types:
        what = f"{name!r} of type {field['type']!r} cannot be an auxiliary outcome of the kind {kind!r}"
        fitting = [other for other, one in _MAPPINGS.items() if field["type"] in one.types]
        yield Problem(f"{place}.kind", "auxiliary_type", what, f"Its type fits the kind {fitting[0]!r}.")
    if mapping.key not in outcome:
        what = f"the auxiliary outcome of {name!r} lacks {mapping.key!r}"
        yield Problem(place, "auxiliary_outcome", what, mapping.remedy)
    for key in sorted(outcome.keys() - {"kind", mapping.key}):
        what = f"{key!r} means nothing for the auxiliary outcome of {name!r} of the kind {kind!r}"
        yield Problem(f"{place}.{key}", "key_of_kind", what, f"Drop it; beside the kind stands {mapping.key!r} alone.")
    if kind == "ordered" and "enum" in field.get("constraints", {}):
        what = f"{name!r} has an enum beside the levels of its auxiliary outcome"
        yield Problem(place, "key_of_kind", what, "Drop the enum; the levels are all that may occur.")


def _time_until_problems(place: str, field: Document, document: Document) -> Iterator[Problem]:
    """What the time until an event needs of the rest of the schema: a decision date, a target, and the horizon."""
    name, horizon = field["name"], field["creditfusion"]["auxiliary"].get("horizon")
    roles = {_role(other) for _, other in _fields(document)}
    for role, why in (("decision_date", "it is counted from the decision"), ("target", "only bad outcomes have it")):
        if role not in roles:
            what = f"{name!r} is the time until an event, but no field has the role {role!r}: {why}"
            remedy = f"Give one field the role {role!r}, or make {name!r} 'ignored'."
            yield Problem(f"{place}.kind", "auxiliary_time", what, remedy)
    numbers = [f["name"] for _, f in _fields(document) if _role(f) == "feature" and f["type"] in ("integer", "number")]
    if isinstance(horizon, str) and horizon not in numbers:
        what = f"the horizon {horizon!r} of {name!r} is no numeric feature"
        remedy = f"Give a number of months, or one of: {', '.join(numbers) or 'none is declared yet'}."
        yield Problem(f"{place}.horizon", "auxiliary_time", what, remedy)


def _levels_can_occur(document: Document) -> Iterator[Problem]:
    shared = {"", *document.get("missingValues", [])}
    for path, field in _fields(document):
        missing = shared | set(field.get("missingValues", []))
        allowed = field.get("constraints", {}).get("enum", [])
        ordered = field["creditfusion"].get("auxiliary", {}).get("levels", [])
        lists = {
            f"{path}.categories": field.get("categories", []),
            f"{path}.constraints.enum": allowed,
            f"{path}.creditfusion.auxiliary.levels": ordered,
        }
        if _role(field) == "target":
            lists |= {f"$.creditfusion.{key}": _own(document).get(key, []) for key in ("bad_values", "good_values")}
        for place, levels in lists.items():
            if clash := [level for level in levels if level in missing]:
                what = f"{clash[0]!r} is a level of {field['name']!r} and means missing"
                yield Problem(place, "level_or_missing", what, "Drop it from one of the two lists.")
            if padded := [level for level in levels if level != level.strip()]:
                what = (
                    f"the level {padded[0]!r} of {field['name']!r} has white space around it, which cells are freed of"
                )
                yield Problem(place, "bare_level", what, "Drop the white space.")
        if allowed and (strange := [level for level in field.get("categories", []) if level not in allowed]):
            what = f"the category {strange[0]!r} of {field['name']!r} is not in its enum"
            yield Problem(f"{path}.categories", "categories_in_enum", what, "Add it to the enum, or drop it here.")


def _derived_stand_on_features(document: Document) -> Iterator[Problem]:
    numbers = {f["name"] for _, f in _fields(document) if _role(f) == "feature" and f["type"] in ("integer", "number")}
    dates = {
        f["name"] for _, f in _fields(document) if _role(f) in ("feature", "decision_date") and f["type"] == "date"
    }
    for path, derived in _derived(document):
        usable = dates if derived["kind"] == "years_between" else numbers
        for i, name in enumerate(derived["of"]):
            if name not in usable:
                kind = "date feature or decision date" if usable is dates else "numeric feature or earlier derived one"
                what = f"{derived['name']!r} needs {name!r}, which is no {kind}"
                remedy = f"Name one of: {', '.join(sorted(usable)) or 'none is declared yet'}."
                yield Problem(f"{path}.of[{i}]", "derived_of", what, remedy)
        numbers.add(derived["name"])


def _date_features_are_used(document: Document) -> Iterator[Problem]:
    used = {name for _, derived in _derived(document) for name in derived["of"]}
    for path, field in _fields(document):
        if field["type"] == "date" and _role(field) == "feature" and field["name"] not in used:
            what = f"the date feature {field['name']!r} is used by no derived feature"
            remedy = "Derive years_between from it and another date, or make it 'ignored'; a bare date is no input."
            yield Problem(path, "date_feature", what, remedy)


def _concepts_are_sound(document: Document) -> Iterator[Problem]:
    place = "$.creditfusion.concepts"
    narratives = [field["creditfusion"] for _, field in _fields(document) if _role(field) == "narrative"]
    if "concepts" in _own(document) and not any(own.get("concepts", True) for own in narratives):
        remedy = "Give a column of statements the role 'narrative', or drop the concepts."
        yield Problem(place, "concepts_of_narratives", "there are concepts, but no narrative to find them in", remedy)
    names: set[str] = set()
    owner: dict[str, str] = {}
    for path, concept in _concepts(document):
        name = concept["name"]
        if name in names:
            yield Problem(f"{path}.name", "unique_concept", f"the concept {name!r} stands twice", "Join the two.")
        names.add(name)
        for i, statement in enumerate(concept["says"]):
            if owner.setdefault(statement, name) != name:
                what = f"{statement!r} is said to mean {owner[statement]!r} and {name!r}"
                yield Problem(f"{path}.says[{i}]", "one_meaning", what, "Keep it in one of the two.")
        if "words" in concept and "sensitive" not in concept:
            what = f"the concept {name!r} has words, but is of no sensitive kind"
            yield Problem(f"{path}.words", "words_of_kind", what, "Name the kind, or drop the words.")
        for i, word in enumerate(concept.get("words", [])):
            if word != word.lower():
                what = f"the word {word!r} of the concept {name!r} is not in lower case"
                yield Problem(f"{path}.words[{i}]", "lower_case", what, "Write it so; texts in capitals match too.")


def _reasons(document: Document) -> Iterator[tuple[str, Document]]:
    """Every declared reason with its JSON path."""
    owners: Iterable[tuple[str, Document]] = chain(
        ((f"{path}.creditfusion", field["creditfusion"]) for path, field in _fields(document)),
        _derived(document),
        _concepts(document),
    )
    return ((f"{path}.reason", owner["reason"]) for path, owner in owners if "reason" in owner)


def _reasons_agree(document: Document) -> Iterator[Problem]:
    first: dict[str, Document] = {}
    for path, reason in _reasons(document):
        code, known = reason["code"], first.setdefault(reason["code"], reason)
        if known["wording"] != reason["wording"]:
            what = f"the reason code {code!r} has two wordings"
            yield Problem(path, "reason_code", what, "Word them alike, or give each its own code.")
        if known.get("disclosable", True) != reason.get("disclosable", True):
            what = f"the reason code {code!r} is disclosable in one place and not in another"
            yield Problem(f"{path}.disclosable", "reason_code", what, "Decide alike, or give each its own code.")


_RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _names_are_unique,
    _roles_are_counted,
    _types_fit_roles,
    _target_has_bad_values,
    _keys_fit_types,
    _bounds_are_ordered,
    _patterns_compile,
    _date_formats_work,
    _auxiliary_outcomes_are_mapped,
    _levels_can_occur,
    _derived_stand_on_features,
    _date_features_are_used,
    _concepts_are_sound,
    _reasons_agree,
)
