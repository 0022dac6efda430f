"""Every message that letters and pages may hold: those of code and templates, and the words of schemas.

``python -m experiments.reporting.messages`` brings the shipped catalogues up to date: new messages are added without
translation, those that are gone are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as CatalogueMessage
from babel.messages.extract import extract
from babel.messages.pofile import write_po

from data_schemas.concepts import Concept
from data_schemas.contract import Schema
from data_schemas.errors import ContractError
from data_schemas.fields import Field, Role
from data_schemas.reader import load_schema, shipped_schemas
from data_schemas.reasons import Reason
from experiments.reporting.catalogues import read_catalogue, shipped, shipped_catalogue
from experiments.reporting.language import currencies
from experiments.reporting.words import COUNTED, of_one
from features.inference.reason_wordings import COMMON_COLUMNS, SCORE_NOTE

KEYWORDS = {
    "gettext": None,
    "gettext_noop": None,
    "_": None,
    "_n": (1, 2),
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
LOWER_KEYWORDS = {"message": None}
LOWER_FLOORS = ("data_schemas", "features", "fusion")
PLACES = (
    "experiments.explain",
    "experiments.reporting",
    "experiments.validate",
    "experiments.compare",
    "experiments.watch",
    "experiments.probe",
    "experiments.pretrain",
    "experiments.augment",
    "experiments.train",
    "experiments.sweep",
    "experiments.schema.review",
)

Message = str | tuple[str, ...]


def template_of(schemas: Iterable[Schema]) -> Catalog:
    """All messages of the code, and the words of these schemas, untranslated."""
    catalogue = Catalog(project="creditfusion", fuzzy=False)
    for place, text, context in _of_code():
        catalogue.add(text, auto_comments=[place], context=context)
    for schema in schemas:
        for one in messages_of(schema):
            catalogue.add(one, auto_comments=[f"schema {schema.name}"])
    return catalogue


def shipped_template() -> Catalog:
    """All messages of the code, of the shipped schemas and of drafted wordings."""
    catalogue = template_of(map(load_schema, shipped_schemas()))
    catalogue.add(SCORE_NOTE, auto_comments=["notes of drafted schemas"])
    text = (resources.files("data_schemas") / COMMON_COLUMNS).read_text(encoding="utf-8")
    for subject in json.loads(text)["subjects"]:
        catalogue.add(subject["wording"], auto_comments=["drafted wordings"])
        for unit in _units(subject.get("unit", "")):
            catalogue.add(unit, auto_comments=["drafted wordings"])
    return catalogue


def _of_code() -> Iterator[tuple[str, Message, str | None]]:
    """Messages of code and templates with the file that holds them, and their context."""
    for file in sorted(_files(), key=str):
        method = "python" if file.name.endswith(".py") else "jinja2.ext:babel_extract"
        for _, text, _, context in extract(method, BytesIO(file.read_bytes()), KEYWORDS, (), {"trim_blocks": "true"}):
            yield file.name, text, context
        if method == "python":
            for _, noun, _, _ in extract(method, BytesIO(file.read_bytes()), {"count": (2,)}):
                yield file.name, (str(noun), f"{noun}s"), COUNTED
    for file in sorted((file for floor in LOWER_FLOORS for file in _below(resources.files(floor))), key=str):
        content = file.read_bytes()
        if b"data_schemas.messages" in content or file.name == "messages.py":
            for _, text, _, _ in extract("python", BytesIO(content), LOWER_KEYWORDS):
                yield file.name, text, None


def _files() -> Iterator[Traversable]:
    for place in PLACES:
        yield from _below(resources.files(place))


def _below(folder: Traversable) -> Iterator[Traversable]:
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _below(entry)
        elif entry.name.endswith((".py", ".html.j2")):
            yield entry


def messages_of(schema: Schema) -> Iterator[Message]:
    """The words of a schema that letters and pages hold, each once; a unit with its form for one thing."""
    begins = tuple(f"{source.wording}: " for source in schema.sources)  # both parts are messages of their own
    found = dict.fromkeys(_messages_of(schema))
    yield from (one for one in found if not (isinstance(one, str) and begins and one.startswith(begins)))


def _messages_of(schema: Schema) -> Iterator[Message]:
    yield schema.title
    yield from (field.title for field in schema.fields_of(Role.TARGET, Role.IGNORED, Role.GROUP, Role.AUXILIARY))
    yield from filter(_is_word, (level.replace("_", " ") for level in schema.bad_values))
    for field in schema.fields_of(Role.PROTECTED):
        yield field.title
        yield from filter(_is_word, (level.replace("_", " ") for level in (*field.categories, *field.allowed)))
    yield from (concept.sensitive for concept in schema.concepts if concept.sensitive)
    for field in schema.fields_of(Role.FEATURE, Role.NARRATIVE):
        yield from _of_column(field.title, field.unit, _own_reason(schema, field))
        levels = [level for level in (*field.categories, *field.allowed) if not field.label(level)]
        yield from (
            *(label for _, label in field.labels),
            *(level.replace("_", " ") for level in levels if _is_word(level)),
        )
    for derived in schema.derived:
        yield from _of_column(derived.title, derived.unit, derived.reason)
    for concept in schema.concepts:
        yield from _of_concept(concept)
    for source in schema.sources:
        yield from (source.title, source.wording)
    yield from (one.wording for one in schema.contradictions)


def _is_word(level: str) -> bool:
    """Whether a level is to be translated; a code such as ``CA`` is not."""
    return any(map(str.isalpha, level)) and (len(level) > 3 or any(map(str.islower, level)))


def _own_reason(schema: Schema, field: Field) -> Reason | None:
    """The reason of a field without the wording of its source, which is a message of its own."""
    begin = next((f"{source.wording}: " for source in schema.sources if source.name == field.source), "")
    if field.reason is None or not begin:
        return field.reason
    reason = field.reason
    wording, low, high, missing = (
        text.removeprefix(begin) for text in (reason.wording, reason.low, reason.high, reason.missing)
    )
    return Reason(reason.code, wording, low=low, high=high, missing=missing)


def _of_column(title: str, unit: str, reason: Reason | None) -> Iterator[Message]:
    yield title
    yield from _units(unit)
    if reason is not None:
        yield from _of_reason(reason)


def _of_reason(reason: Reason) -> Iterator[Message]:
    yield from filter(None, (reason.wording, reason.low, reason.high, reason.missing, reason.recorded))


def _of_concept(concept: Concept) -> Iterator[Message]:
    yield concept.name
    yield from _of_reason(concept.reason)


def _units(unit: str) -> Iterator[Message]:
    """A unit of things as a message; money and shares have none, but for the time that they are counted per."""
    base, _, period = unit.partition(" per ")
    if base in ("fraction", "percent", "%") or base in currencies():
        yield from filter(None, [period])
    elif unit:
        yield (of_one(unit), unit)


def begun(language: str, schemas: Sequence[Schema], earlier: Path | None) -> tuple[bytes, int]:
    """A catalogue for translators as a file, and how many of its messages are not translated.

    Args:
        language: Its code.
        schemas: Whose words it holds; none: those of the shipped ones.
        earlier: A catalogue whose translations are kept.

    Raises:
        ContractError: for a code of no language, or an earlier file that is no catalogue.
    """
    try:
        locale = Locale.parse(language, sep="-" if "-" in language else "_")
    except (UnknownLocaleError, ValueError) as error:
        raise ContractError(f"{language!r} is the code of no language", "Write one such as fr or pt-BR.") from error
    template = template_of(schemas) if schemas else shipped_template()
    catalogue = Catalog(locale, project="creditfusion", fuzzy=False)
    catalogue.update(template)
    known = [shipped_catalogue(code) for code in (str(locale), locale.language) if code in shipped()]
    for other in [*([read_catalogue(earlier)] if earlier else []), *known]:
        for message in catalogue:
            translated = other.get(message.id, message.context) if message.id else None
            if translated is not None and _is_empty(message):
                message.string = translated.string
    out = BytesIO()
    write_po(out, catalogue, width=120, sort_output=False)
    return out.getvalue(), sum(1 for message in catalogue if message.id and _is_empty(message))


def _is_empty(message: CatalogueMessage) -> bool:
    return not message.string or not all(message.string)


def updated(catalogue: Catalog, template: Catalog) -> bytes:
    """A catalogue as a file, with the messages of the template and no others."""
    catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    out = BytesIO()
    write_po(out, catalogue, width=120, sort_output=False, ignore_obsolete=True, omit_header=False)
    return out.getvalue()


if __name__ == "__main__":
    for code in shipped():
        Path(__file__).with_name("locale").joinpath(f"{code}.po").write_bytes(
            updated(shipped_catalogue(code), shipped_template())
        )
