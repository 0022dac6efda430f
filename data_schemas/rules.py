"""What a schema file must mean, beyond its form: each rule is a generator of the problems it finds.

The rules read the parsed JSON, whose form ``contract.schema.json`` has already vouched for, so that each problem can
name its place in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, combinations
from string import Formatter
from typing import NamedTuple

from data_schemas.levels import level_key
from data_schemas.places import Document, Problem, each_concept, each_derived, each_field, own_part, role_of
from data_schemas.source_rules import made_numbers, made_parts, source_rules
from data_schemas.statement_rules import each_stated, stated_numbers, statement_rules
from data_schemas.value_rules import VALUE_RULES


def broken_rules(document: Document) -> Iterator[Problem]:
    """Every broken rule of a schema file of valid form, the gravest kinds first."""
    return chain.from_iterable(rule(document) for rule in _RULES)


def _names_are_unique(document: Document) -> Iterator[Problem]:
    names: set[str] = set()
    every = chain(each_field(document), each_derived(document), made_parts(document), each_stated(document))
    for path, column in every:
        if column["name"] in names:
            yield Problem(f"{path}.name", "unique_name", f"the name {column['name']!r} stands twice", "Rename one.")
        names.add(column["name"])


def _roles_are_counted(document: Document) -> Iterator[Problem]:
    names: dict[str, list[str]] = {}
    for _, field in each_field(document):
        names.setdefault(role_of(field), []).append(field["name"])
    if "id" not in names:
        yield Problem("$.fields", "one_id", "no field has the role 'id'", "Give it to the column that names one row.")
    for role in ("id", "target", "decision_date", "group"):
        if len(names.get(role, [])) > 1:
            what = f"{', '.join(names[role])} all have the role {role!r}"
            yield Problem("$.fields", f"one_{role}", what, "Keep the role for one and make the others 'ignored'.")
    if not names.keys() & {"feature", "narrative"} and not any(made_parts(document)):
        yield Problem("$.fields", "some_input", "no field is a feature or a narrative", "Give the model an input.")
    if document.get("primaryKey") not in (None, *names.get("id", [])):
        what = f"{document['primaryKey']!r} is not the field whose role is 'id'"
        yield Problem("$.primaryKey", "primary_key", what, "Name the id field, or leave the key out.")


# The role fixes the type where the code compares cells as text or as dates.
_TYPE_OF_ROLE = {"id": "string", "group": "string", "target": "string", "narrative": "string", "decision_date": "date"}


def _types_fit_roles(document: Document) -> Iterator[Problem]:
    for path, field in each_field(document):
        wanted = _TYPE_OF_ROLE.get(role_of(field))
        if role_of(field) == "target" and "bad_if" in own_part(document):
            if field["type"] not in ("integer", "number"):
                what = f"bad_if compares numbers, and the target {field['name']!r} has the type {field['type']!r}"
                yield Problem(f"{path}.type", "type_of_role", what, "Give it the type 'number', or list bad_values.")
            continue
        if wanted and field["type"] != wanted:
            what = f"{field['name']!r} has the role {role_of(field)!r} and the type {field['type']!r}"
            yield Problem(f"{path}.type", "type_of_role", what, f"Give it the type {wanted!r}; its cells may stay.")


def _target_has_bad_values(document: Document) -> Iterator[Problem]:
    own, place = own_part(document), "$.creditfusion.bad_values"
    bad, good, undecided = (own.get(f"{kind}_values", []) for kind in ("bad", "good", "undecided"))
    by_number = "bad_if" in own
    target = next((field for _, field in each_field(document) if role_of(field) == "target"), None)
    if target is None:
        if bad or good or undecided or by_number:
            remedy = "Give one field the role 'target', or leave the values out."
            what = "there are bad_values, bad_if, good_values or undecided_values but no target"
            yield Problem(place, "target_values", what, remedy)
        return
    if by_number and (bad or good):
        what = "bad_if says which numbers are bad, and bad_values or good_values list cells"
        yield Problem("$.creditfusion.bad_if", "target_values", what, "Keep one of the two ways.")
    elif not bad and not by_number:
        what = f"the target {target['name']!r} has no bad_values"
        remedy = "List the target's cells that count as bad, or of numbers say which do with bad_if, such as '>= 90'."
        yield Problem(place, "target_values", what, remedy)
    for (one, values), (other, others) in combinations((("bad", bad), ("good", good), ("undecided", undecided)), 2):
        spelled = {level_key(value): value for value in values}
        if both := sorted((spelled[key], value) for value in others if (key := level_key(value)) in spelled):
            again = "" if both[0][0] == both[0][1] else f", as {both[0][1]!r}"
            what = f"{both[0][0]!r} is both {one} and {other}{again}"
            yield Problem(place, "target_values", what, "Keep it in one of the two.")
    allowed = target.get("constraints", {}).get("enum")
    if allowed and (strange := [value for value in [*bad, *good, *filter(None, undecided)] if value not in allowed]):
        what = f"{strange[0]!r} is not in the enum of {target['name']!r}"
        yield Problem(place, "target_values", what, "Add it there, or drop it here.")


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
    for path, field in each_field(document):
        name, own, place = field["name"], field["creditfusion"], f"{path}.creditfusion.auxiliary"
        is_auxiliary = role_of(field) == "auxiliary"
        if "auxiliary" not in own:
            if is_auxiliary:
                what = f"{name!r} is auxiliary, but nothing says how its cells become an outcome"
                remedy = f"Add 'auxiliary' with one of the kinds {', '.join(_MAPPINGS)}."
                yield Problem(place, "auxiliary_outcome", what, remedy)
            continue
        if not is_auxiliary:
            what = f"{name!r} is mapped to an auxiliary outcome, but has the role {role_of(field)!r}"
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
    roles = {role_of(other) for _, other in each_field(document)}
    for role, why in (("decision_date", "it is counted from the decision"), ("target", "only bad outcomes have it")):
        if role not in roles:
            what = f"{name!r} is the time until an event, but no field has the role {role!r}: {why}"
            remedy = f"Give one field the role {role!r}, or make {name!r} 'ignored'."
            yield Problem(f"{place}.kind", "auxiliary_time", what, remedy)
    numbers = [
        f["name"] for _, f in each_field(document) if role_of(f) == "feature" and f["type"] in ("integer", "number")
    ]
    if isinstance(horizon, str) and horizon not in numbers:
        what = f"the horizon {horizon!r} of {name!r} is no numeric feature"
        remedy = f"Give a number of months, or one of: {', '.join(numbers) or 'none is declared yet'}."
        yield Problem(f"{place}.horizon", "auxiliary_time", what, remedy)


def _levels_can_occur(document: Document) -> Iterator[Problem]:
    shared = {"", *document.get("missingValues", [])}
    for path, field in each_field(document):
        missing = shared | set(field.get("missingValues", []))
        allowed = field.get("constraints", {}).get("enum", [])
        ordered = field["creditfusion"].get("auxiliary", {}).get("levels", [])
        lists = {
            f"{path}.categories": field.get("categories", []),
            f"{path}.constraints.enum": allowed,
            f"{path}.creditfusion.auxiliary.levels": ordered,
        }
        if role_of(field) == "target":
            lists |= {f"$.creditfusion.{key}": own_part(document).get(key, []) for key in ("bad_values", "good_values")}
            undecided = [level for level in own_part(document).get("undecided_values", []) if level not in missing]
            lists["$.creditfusion.undecided_values"] = undecided  # an empty cell may mean "no outcome yet"
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
    numbers = {
        f["name"] for _, f in each_field(document) if role_of(f) == "feature" and f["type"] in ("integer", "number")
    }
    numbers.update(made_numbers(document), stated_numbers(document))
    dates = {
        f["name"] for _, f in each_field(document) if role_of(f) in ("feature", "decision_date") and f["type"] == "date"
    }
    for path, derived in each_derived(document):
        usable = dates if derived["kind"] == "years_between" else numbers
        for i, name in enumerate(derived["of"]):
            if name not in usable:
                kind = "date feature or decision date" if usable is dates else "numeric feature or earlier derived one"
                what = f"{derived['name']!r} needs {name!r}, which is no {kind}"
                remedy = f"Name one of: {', '.join(sorted(usable)) or 'none is declared yet'}."
                yield Problem(f"{path}.of[{i}]", "derived_of", what, remedy)
        numbers.add(derived["name"])


def _date_features_are_used(document: Document) -> Iterator[Problem]:
    used = {name for _, derived in each_derived(document) for name in derived["of"]}
    for path, field in each_field(document):
        if field["type"] == "date" and role_of(field) == "feature" and field["name"] not in used:
            what = f"the date feature {field['name']!r} is used by no derived feature"
            remedy = "Derive years_between from it and another date, or make it 'ignored'; a bare date is no input."
            yield Problem(path, "date_feature", what, remedy)


def _concepts_are_sound(document: Document) -> Iterator[Problem]:
    place = "$.creditfusion.concepts"
    narratives = [field["creditfusion"] for _, field in each_field(document) if role_of(field) == "narrative"]
    narratives += [part for path, part in made_parts(document) if ".texts[" in path]
    if "concepts" in own_part(document) and not any(own.get("concepts", True) for own in narratives):
        remedy = "Give a column of statements the role 'narrative', or drop the concepts."
        yield Problem(place, "concepts_of_narratives", "there are concepts, but no narrative to find them in", remedy)
    names: set[str] = set()
    owner: dict[str, str] = {}
    for path, concept in each_concept(document):
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


def _sources_are_sound(document: Document) -> Iterator[Problem]:
    return source_rules(document, (_names_are_unique, _types_fit_roles, *VALUE_RULES, _levels_can_occur))


def _reasons(document: Document) -> Iterator[tuple[str, Document]]:
    """Every declared reason with its JSON path."""
    owners: Iterable[tuple[str, Document]] = chain(
        ((f"{path}.creditfusion", field["creditfusion"]) for path, field in each_field(document)),
        each_derived(document),
        each_concept(document),
        made_parts(document),
        each_stated(document),
    )
    return ((f"{path}.reason", owner["reason"]) for path, owner in owners if "reason" in owner)


def _reasons_agree(document: Document) -> Iterator[Problem]:
    first: dict[str, Document] = {}
    for path, reason in _reasons(document):
        code, known = reason["code"], first.setdefault(reason["code"], reason)
        if any(known.get(key) != reason.get(key) for key in ("wording", "low", "high", "missing", "recorded")):
            what = f"the reason code {code!r} has two wordings"
            yield Problem(path, "reason_code", what, "Word them alike, or give each its own code.")
        if known.get("disclosable", True) != reason.get("disclosable", True):
            what = f"the reason code {code!r} is disclosable in one place and not in another"
            yield Problem(f"{path}.disclosable", "reason_code", what, "Decide alike, or give each its own code.")


def _one_bureau_score(document: Document) -> Iterator[Problem]:
    dates = {field["name"] for _, field in each_field(document) if field["type"] == "date"}
    found = [(path, field) for path, field in each_field(document) if field["creditfusion"].get("bureau_score")]
    for number, (path, field) in enumerate(found):
        place, score = f"{path}.creditfusion.bureau_score", field["creditfusion"]["bureau_score"]
        if role_of(field) != "feature" or field["type"] not in ("integer", "number"):
            what = f"{field['name']!r} is a bureau's score, but no feature of numbers"
            yield Problem(place, "bureau_score", what, "Drop it, or make the column such a feature.")
        if number:
            what = f"{found[0][1]['name']!r} and {field['name']!r} are both a bureau's score"
            yield Problem(place, "bureau_score", what, "Keep the one that letters disclose.")
        if score["lowest"] >= score["highest"]:
            yield Problem(place, "bureau_score", "its range is empty", "Write the lowest score below the highest.")
        if "dated" in score and score["dated"] not in dates:
            what = f"{score['dated']!r} is no date column"
            yield Problem(f"{place}.dated", "bureau_score", what, "Name one, or leave the key out.")


def _sentences_hold_the_value(document: Document) -> Iterator[Problem]:
    for path, reason in _reasons(document):
        for key in ("low", "high", "missing", "recorded"):
            sentence = reason.get(key, "")
            held = [name for _, name, *_ in _parts(sentence) if name is not None]
            if key in ("low", "high") and sentence and held not in (["value"], ["number"]):
                what = f"{sentence!r} has to hold the applicant's value once"
                remedy = "Write {value}, or {number} for the value without its unit, and no other braces."
                yield Problem(f"{path}.{key}", "sentence_value", what, remedy)
            elif key in ("missing", "recorded") and held:
                yield Problem(f"{path}.{key}", "sentence_value", f"{sentence!r} has braces", "Leave them out.")


def _parts(sentence: str) -> list[tuple[str, str | None, str | None, str | None]]:
    """The parts of a sentence with names in braces; one bad name where the braces do not match."""
    try:
        return list(Formatter().parse(sentence))
    except ValueError:
        return [("", "", None, None)]


_RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _names_are_unique,
    _roles_are_counted,
    _types_fit_roles,
    _target_has_bad_values,
    *VALUE_RULES,
    _auxiliary_outcomes_are_mapped,
    _levels_can_occur,
    _derived_stand_on_features,
    _date_features_are_used,
    _concepts_are_sound,
    _sources_are_sound,
    statement_rules,
    _reasons_agree,
    _sentences_hold_the_value,
    _one_bureau_score,
)
