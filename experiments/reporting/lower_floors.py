"""Words of the lower floors, which know no languages: labels of groups, verdicts, warnings, levels of a schema.

They are put together there in English; here they are recognised by the messages that they follow, part by part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

from data_schemas.messages import Number, SchemaWord, Value
from experiments.reporting.language import current_language, gettext, gettext_noop, pgettext
from experiments.reporting.words import of_one

MESSAGES = (
    gettext_noop("met"),
    gettext_noop("perhaps met"),
    gettext_noop("below"),
    gettext_noop("perhaps below"),
    gettext_noop("stable"),
    gettext_noop("within chance"),
    gettext_noop("moderate"),
    gettext_noop("shifted"),
    gettext_noop("unknown"),
    gettext_noop("missing"),
    gettext_noop("written"),
    gettext_noop("not written"),
    gettext_noop("split at the median, {value}"),
    gettext_noop("{value} and above"),
    gettext_noop("up to {value}"),
    gettext_noop("above {value}"),
    gettext_noop("below {value}"),
    gettext_noop("fewer than {n} rows"),
    gettext_noop("fewer than {n} goods"),
    gettext_noop("fewer than {n} bads"),
    gettext_noop("no group has {n} rows"),
    gettext_noop("only one group has {n} rows or more"),
    gettext_noop("{n} groups are large enough, more than {most}; put some together"),
    gettext_noop("of {label} fewer than {n} wrote anything"),
    gettext_noop("rows that share a narrative or an applicant must not part, and so do not fill {n} folds"),
    gettext_noop("{rows} lack it; in training {share} did"),
    gettext_noop("{rows} hold a text that the encoder cannot read"),
    gettext_noop("{rows} hold a level that the model does not know"),
    gettext_noop("{rows} hold a known level in another spelling"),
    gettext_noop("{rows} lie outside the range of training, {low} to {high}"),
    gettext_noop("{rows} hold one value; in training at most {usual} did"),
    gettext_noop(
        "its numbers are about {times} those of training (median size {now}, in training {then}). Is it in another "
        "unit?"
    ),
    gettext_noop("{rows}, with {name}"),
    gettext_noop("{rows}, from {day}"),
    gettext_noop("out of fold"),
    gettext_noop("held out"),
    gettext_noop("all {n} rows"),
    gettext_noop("{n} of {total} rows"),
    gettext_noop("{factor} times"),
    gettext_noop("a {factor}th of"),
)
_MEASURE = re.compile(r"(-?[\d.,e+-]+) (\w[\w ]*)")
_NAME = re.compile(r"\\\{(\w+)\\\}")


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


def lower_words(text: str) -> str:
    """A text of a lower floor in the current language; what is none of theirs, or is English, as it is."""
    if not text or current_language().is_english:
        return text
    if (recognised := recognised_words(text, MESSAGES, lambda _, part: lower_words(part))) is not None:
        return recognised
    if measure := _MEASURE.fullmatch(text):
        number, unit = measure.groups()
        noun = unit_words(unit, 1 if number == "1" else 2)
        if noun != unit:
            return pgettext("number and unit", "{number} {unit}").format(number=number, unit=noun)
    level = text.replace("_", " ")
    translated = gettext(level)
    return text if translated == level else translated


def unit_words(unit: str, n: int = 2) -> str:
    """A unit of a schema in the current language, of ``n`` things."""
    return current_language().ngettext(of_one(unit), unit, n) if unit else ""


def recognised_words(text: str, messages: Iterable[str], in_words: Callable[[str, str], str]) -> str | None:
    """A text in the current language by the first of these messages that it follows; None if it follows none.

    ``in_words`` puts what fills a place into the language, given the place's name and the text there.
    """
    for message in messages:
        if found := _pattern(message).fullmatch(text):
            return gettext(message).format(**{name: in_words(name, part) for name, part in found.groupdict().items()})
    return None


@cache
def _pattern(message: str) -> re.Pattern[str]:
    """What a message fits whose places are filled, each place a group."""
    return re.compile(_NAME.sub(r"(?P<\1>.+?)", re.escape(message)), re.DOTALL)
