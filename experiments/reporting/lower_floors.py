"""Messages of the lower floors, which know no languages, in the language in which documents are being made."""

from __future__ import annotations

from data_schemas.messages import Number, SchemaWord, Value
from experiments.reporting.language import current_language, gettext, pgettext
from experiments.reporting.words import of_one


def translated(value: Value) -> str:
    """A message of a lower floor, with what fills it, in the language in which documents are being made."""
    language = current_language()
    if language.is_english or isinstance(value, str):
        return str(value)
    if isinstance(value, SchemaWord):
        return level_words(value.word)
    if isinstance(value, Number):
        return _measure(value)
    return gettext(value.template).format(**{name: translated(part) for name, part in value.values})


def _measure(number: Number) -> str:
    language = current_language()
    figure = language.as_written(number)
    if not number.unit:
        return figure
    noun = language.ngettext(of_one(number.unit), number.unit, 1 if number.value == 1 else 2)
    return pgettext("number and unit", "{number} {unit}").format(number=figure, unit=noun)


def level_words(level: str) -> str:
    """A level of a schema in the current language, where a catalogue has it; else as it is."""
    words = level.replace("_", " ")
    found = gettext(words)
    return level if found == words else found
