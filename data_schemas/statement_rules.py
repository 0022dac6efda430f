"""Rules on statements of narratives: the columns that are made of them, and what they must agree with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from data_schemas.places import Document, Problem, each_derived, each_field, own_part, role_of
from data_schemas.source_rules import NUMBERS, made_numbers, made_parts
from data_schemas.statements import ANY_KIND, KINDS, OF_TEXTS, Of, Value


def statement_rules(document: Document) -> Iterator[Problem]:
    """Every broken rule of facts and contradictions."""
    narratives = [field["name"] for _, field in each_field(document) if role_of(field) == "narrative"]
    narratives += [part["name"] for path, part in made_parts(document) if ".texts[" in path]
    for path, part in (*each_stated(document), *_each_contradiction(document)):
        if part["narrative"] not in narratives:
            what = f"{part['name']!r} is made of {part['narrative']!r}, which is no narrative"
            yield Problem(f"{path}.narrative", "stated_in", what, f"Name one of: {_listed(narratives)}.")
        if "basis" in part and part["kind"] != "income":
            what = (
                f"{part['name']!r} is made of statements of the kind {part['kind']!r}, which are neither gross nor net"
            )
            yield Problem(f"{path}.basis", "key_of_kind", what, "Drop it.")
    for path, part in each_stated(document):
        yield from _of_kind(path, part)
    yield from _contradictions(document)


def each_stated(document: Document) -> Iterator[tuple[str, Document]]:
    """Every column that narratives state, with its JSON path."""
    return ((f"$.creditfusion.facts[{i}]", part) for i, part in enumerate(own_part(document).get("facts", [])))


def stated_numbers(document: Document) -> Iterator[str]:
    """Names of the columns that narratives state and that are numbers."""
    for _, part in each_stated(document):
        if Of(part["of"]) is Of.COUNT or (Of(part["of"]) is not Of.ANY and KINDS[part["kind"]].value is Value.NUMBER):
            yield str(part["name"])


def _each_contradiction(document: Document) -> Iterator[tuple[str, Document]]:
    parts = enumerate(own_part(document).get("contradictions", []))
    return ((f"$.creditfusion.contradictions[{i}]", part) for i, part in parts)


def _of_kind(path: str, part: Document) -> Iterator[Problem]:
    """What is wrong with how one column is made of its kind of statements."""
    name, kind, of = part["name"], KINDS[part["kind"]], Of(part["of"])
    if of in ANY_KIND:
        for key in ("unit", "per"):
            if key in part:
                what = f"{name!r} is a {of.value} of statements, which has no unit of theirs"
                yield Problem(f"{path}.{key}", "key_of_kind", what, "Drop it.")
    else:
        yield from _unit(path, part)
    fitting = {Value.NUMBER: tuple(Of), Value.WORDS: OF_TEXTS, Value.DATE: ANY_KIND}[kind.value]
    if of not in fitting:
        what = f"{name!r} is the {of.value} of statements of the kind {part['kind']!r}, which are no numbers"
        yield Problem(f"{path}.of", "stated_of", what, f"Take one of: {_listed(fitting)}.")
    elif part.get("direction", "none") != "none" and kind.value is Value.WORDS and of not in ANY_KIND:
        yield Problem(f"{path}.direction", "key_of_type", f"{name!r} is a level and has a direction", "Drop it.")


def _unit(path: str, part: Document) -> Iterator[Problem]:
    """What is wrong with the unit that values are converted to."""
    name, kind = part["name"], KINDS[part["kind"]]
    unit = part.get("unit")
    if kind.units and unit not in kind.units:
        what = f"{name!r} needs the unit of its values" if unit is None else f"{unit!r} is no unit of {name!r}"
        yield Problem(f"{path}.unit", "stated_unit", what, f"Give one of: {_listed(kind.units)}.")
    if not kind.has_unit and unit is not None:
        what = f"statements of the kind {part['kind']!r} have no unit"
        yield Problem(f"{path}.unit", "key_of_kind", what, "Drop it.")
    if kind.per and "per" not in part:
        what = f"{name!r} needs the period that its sums are converted to"
        yield Problem(f"{path}.per", "stated_unit", what, "Give per: day, week, month or year.")
    if not kind.per and "per" in part:
        what = f"statements of the kind {part['kind']!r} have no period"
        yield Problem(f"{path}.per", "key_of_kind", what, "Drop it.")


def _contradictions(document: Document) -> Iterator[Problem]:
    fields = each_field(document)
    numbers = [field["name"] for _, field in fields if role_of(field) == "feature" and field["type"] in NUMBERS]
    numbers += [*made_numbers(document), *(derived["name"] for _, derived in each_derived(document))]
    names: set[str] = set()
    for path, part in _each_contradiction(document):
        if part["name"] in names:
            what = f"two contradictions have the name {part['name']!r}"
            yield Problem(f"{path}.name", "unique_name", what, "Rename one.")
        names.add(part["name"])
        if part["against"] not in numbers:
            what = f"{part['name']!r} compares with {part['against']!r}, which is no numeric feature"
            yield Problem(f"{path}.against", "contradiction_of", what, f"Name one of: {_listed(numbers)}.")
        if KINDS[part["kind"]].value is not Value.NUMBER:
            what = f"{part['name']!r} compares statements of the kind {part['kind']!r}, which are no numbers"
            fitting = [kind for kind, one in KINDS.items() if one.value is Value.NUMBER]
            yield Problem(f"{path}.kind", "contradiction_of", what, f"Take one of: {_listed(fitting)}.")
        else:
            yield from _unit(path, part)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none is declared"
