"""Rules on what the cells of a column may be: keys of its type, bounds, patterns, and how it writes its values."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator

from data_schemas.dates import NAMED, alternatives, works, write_date
from data_schemas.places import Document, Problem, each_field, own_part, role_of

# Which types a key has a meaning for; a key that would be ignored is an error.
_KEY_TYPES = {
    "minimum": ("integer", "number", "date"),
    "maximum": ("integer", "number", "date"),
    "enum": ("string",),
    "pattern": ("string",),
    "maxLength": ("string",),
}


def _keys_fit_types(document: Document) -> Iterator[Problem]:
    for path, field in each_field(document):
        kind, own = field["type"], field["creditfusion"]
        for key in field.get("constraints", {}):
            if kind not in _KEY_TYPES.get(key, (kind,)):
                what = f"{key!r} means nothing for {field['name']!r} of type {kind!r}"
                remedy = f"Drop it; it applies to the types {', '.join(_KEY_TYPES[key])}."
                yield Problem(f"{path}.constraints.{key}", "key_of_type", what, remedy)
        if field.get("constraints", {}).get("unique") and role_of(field) != "id":
            what = f"{field['name']!r} is unique but not the id"
            yield Problem(f"{path}.constraints.unique", "unique_is_id", what, "Only the id is checked for it; drop it.")
        if "categories" in field and (kind != "string" or role_of(field) not in ("feature", "protected", "ignored")):
            what = f"{field['name']!r} has categories, but is no text column with levels"
            yield Problem(
                f"{path}.categories", "key_of_type", what, "Drop them, or make it a feature of type 'string'."
            )
        for key, nothing, having in (
            ("direction", "none", "has a direction"),
            ("actionable", "no", "is actionable"),
        ):
            if own.get(key, nothing) != nothing and (kind in ("string", "date") or role_of(field) != "feature"):
                what = f"{field['name']!r} {having}, but is no numeric feature"
                yield Problem(f"{path}.creditfusion.{key}", "key_of_type", what, "Drop it.")
        if own.get("match", "exact") != "exact" and (kind != "string" or role_of(field) != "feature"):
            what = f"{field['name']!r} is to be matched loosely, but is no text feature"
            yield Problem(f"{path}.creditfusion.match", "key_of_type", what, "Drop it.")
        if not own.get("concepts", True) and role_of(field) != "narrative":
            what = f"{field['name']!r} is to be matched to no concepts, but is no narrative"
            yield Problem(f"{path}.creditfusion.concepts", "key_of_type", what, "Drop it.")


def _bounds_are_ordered(document: Document) -> Iterator[Problem]:
    for path, field in each_field(document):
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
        for path, field in each_field(document)
        if "pattern" in field.get("constraints", {})
    ]
    patterns += [
        (f"$.creditfusion.strip[{i}].pattern", rule["pattern"])
        for i, rule in enumerate(own_part(document).get("strip", []))
    ]
    for path, pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            what = f"{pattern!r} is no regular expression ({error})"
            yield Problem(path, "pattern", what, "Mend it; backslashes are doubled in JSON.")


# Keys that say how a column writes its values: which part of the field they stand in, and the types they are for.
_NUMBERS = ("integer", "number")
_NOTATION_KEYS = {
    "format": ((), ("date",), "it gives the pattern of a date"),
    "language": (("creditfusion",), ("date",), "it is for the names of months in dates"),
    "bareNumber": ((), _NUMBERS, "it is for numbers"),
    "groupChar": ((), _NUMBERS, "it is for numbers"),
    "decimalChar": ((), _NUMBERS, "it is for numbers"),
    "affixes": (("creditfusion",), _NUMBERS, "they are for numbers"),
    "negative": (("creditfusion",), _NUMBERS, "it is for numbers"),
}


def _notations_fit_types(document: Document) -> Iterator[Problem]:
    for path, field in each_field(document):
        for key, (parents, types, why) in _NOTATION_KEYS.items():
            part = field["creditfusion"] if parents else field
            if key in part and field["type"] not in types:
                what = f"{key!r} means nothing for {field['name']!r} of type {field['type']!r}"
                yield Problem(".".join((path, *parents, key)), "key_of_type", what, f"Drop it; {why}.")


def _date_formats_work(document: Document) -> Iterator[Problem]:
    for path, field in each_field(document):
        form = field.get("format", "default")
        if field["type"] != "date" or form == "default":
            continue
        if forms := alternatives(form):
            what = f"the dates of {field['name']!r} can be read in {len(forms)} ways, and the schema leaves it open"
            day = dt.datetime(2024, 12, 3)
            shown = " or ".join(
                f"{one!r} (3 December 2024 is {write_date(day, one, field['creditfusion'].get('language', 'en'))})"
                for one in forms
                if works(one)
            )
            yield Problem(f"{path}.format", "date_format_decided", what, f"Find out, and write one of them: {shown}.")
        elif not works(form, field["creditfusion"].get("language", "en")):
            what = f"{form!r} does not give the year and month of a date"
            remedy = f"Write a strptime pattern such as '%d/%m/%Y', or one of the names {', '.join(NAMED)}."
            yield Problem(f"{path}.format", "date_format", what, remedy)


def _numbers_can_be_read(document: Document) -> Iterator[Problem]:
    for path, field in each_field(document):
        own, name = field["creditfusion"], field["name"]
        group, decimal = field.get("groupChar"), field.get("decimalChar")
        if group is not None and group == decimal:
            what = f"the schema leaves open whether {group!r} in {name!r} stands before decimals or between thousands"
            remedy = (
                f"Find out whether 1{group}500 is one and a half or fifteen hundred: drop 'groupChar' if it is one and "
                "a half, 'decimalChar' if it is fifteen hundred."
            )
            yield Problem(f"{path}.groupChar", "number_marks_decided", what, remedy)
        bare = field.get("bareNumber", True)
        if not bare and "affixes" not in own:
            what = f"'bareNumber' of {name!r} is false, but nothing says what may stand beside a number"
            remedy = 'Add \'affixes\' beside the role: a list such as ["%"] or ["months"].'
            yield Problem(f"{path}.bareNumber", "number_affixes", what, remedy)
        if bare and "affixes" in own:
            what = f"{name!r} has affixes, but its numbers are bare"
            remedy = "Write 'bareNumber': false beside the type, or drop the affixes."
            yield Problem(f"{path}.creditfusion.affixes", "number_affixes", what, remedy)


def _labels_fit_values(document: Document) -> Iterator[Problem]:
    for path, field in each_field(document):
        labels, kind, name = field["creditfusion"].get("labels", {}), field["type"], field["name"]
        place = f"{path}.creditfusion.labels"
        if labels and (role_of(field) not in ("feature", "protected") or kind not in ("string", *_NUMBERS)):
            yield Problem(place, "labels", f"{name!r} has labels, but is no feature of levels or numbers", "Drop them.")
        elif kind in _NUMBERS and (wrong := [value for value in labels if not _is_number(value)]):
            what = f"the label of {wrong[0]!r} is for no number, and {name!r} holds numbers"
            yield Problem(place, "labels", what, "Write the number that the label stands for, such as '-9'.")
        elif silent := [value for value in labels if value in field.get("missingValues", [])]:
            what = f"{silent[0]!r} of {name!r} has a label and means missing"
            yield Problem(place, "labels", what, "Drop it from one of the two: a missing cell shows no value.")
        listed = field.get("categories", []) or field.get("constraints", {}).get("enum", [])
        if kind == "string" and listed and (strange := [level for level in labels if level not in listed]):
            what = f"{strange[0]!r} has a label, but is no level of {name!r}"
            yield Problem(place, "labels", what, f"Write one of its levels: {', '.join(map(repr, listed[:8]))}.")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


LEFT_OPEN = ("date_format_decided", "number_marks_decided")
"""Rules that only a draft breaks, where it leaves a notation open."""

VALUE_RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _keys_fit_types,
    _notations_fit_types,
    _bounds_are_ordered,
    _patterns_compile,
    _date_formats_work,
    _numbers_can_be_read,
    _labels_fit_values,
)
