"""Sentences for people that lower floors make: English as a text, and put into the reader's language by reports.

A message keeps its template apart from what fills it, so that a catalogue can translate the one and a language write
the other. Logs, errors and files have ``str`` of it. The catalogue finds a template where it is the literal first
argument of ``message``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce


@dataclass(frozen=True)
class Number:
    """A number, as it is written in English.

    Attributes:
        value: The number.
        form: How it is written, as after the colon of an f-string: ``,`` or ``.1%``.
        unit: What it counts, as a schema has it; "" for none.
    """

    value: int | float
    form: str = ""
    unit: str = ""

    @property
    def figure(self) -> str:
        """The number without its unit."""
        return format(self.value, self.form)

    def __str__(self) -> str:
        return f"{self.figure} {self.unit}" if self.unit else self.figure


@dataclass(frozen=True)
class SchemaWord:
    """A word of a schema, such as a level or a wording; a catalogue has it with spaces for underscores.

    Attributes:
        word: As the schema has it.
    """

    word: str

    def __str__(self) -> str:
        return self.word


@dataclass(frozen=True)
class Message:
    """A sentence or a part of one.

    Attributes:
        template: In English, with names in braces for what fills it.
        values: What fills it, by name; a plain text is a name and stays as it is in every language.
    """

    template: str
    values: tuple[tuple[str, str | Number | SchemaWord | Message], ...] = ()

    def __str__(self) -> str:
        return self.template.format(**{name: str(value) for name, value in self.values})


Value = str | Number | SchemaWord | Message


def message(template: str, /, **values: Value) -> Message:
    """A message with what fills it; the template is a literal, which the catalogue of messages holds."""
    return Message(template, tuple(values.items()))


def with_commas(parts: Sequence[Value]) -> Value:
    """At least one part: ``a, b, c``."""
    return reduce(lambda first, second: message("{first}, {second}", first=first, second=second), parts)


def with_semicolons(parts: Sequence[Value]) -> Value:
    """At least one part: ``a; b; c``."""
    return reduce(lambda first, second: message("{first}; {second}", first=first, second=second), parts)
