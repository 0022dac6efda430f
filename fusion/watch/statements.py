"""Narratives that contradict the form: how many state what a column holds too, and how many state something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from pydantic import TypeAdapter

from data_schemas.contract import Schema
from data_schemas.messages import Number, SchemaWord, message
from features.contradictions import Comparison, comparisons
from features.narratives.reader import clean_narrative
from fusion.watch.departures import Figure, share_departure, usual_of
from fusion.watch.part import Batch, JsonObject, Observed, Watched, first_of
from fusion.watch.signals import Flag, RowRef, Signal, first_rows


@dataclass(frozen=True)
class StatedCounts:
    """Counts of one contradiction over some rows.

    Attributes:
        stated: rows whose narrative states what their column holds too.
        contradicting: those of them that state something else.
        first: the first of these.
    """

    stated: int = 0
    contradicting: int = 0
    first: tuple[RowRef, ...] = ()

    def __add__(self, other: StatedCounts) -> StatedCounts:
        return StatedCounts(
            self.stated + other.stated,
            self.contradicting + other.contradicting,
            first_rows(self.first, other.first),
        )


@dataclass(frozen=True)
class StatementsProfile:
    """What some rows state.

    Attributes:
        rows: their number.
        contradictions: counts of each contradiction of the schema, by its name.
    """

    rows: int
    contradictions: Mapping[str, StatedCounts]


_PROFILE = TypeAdapter(StatementsProfile)


@dataclass(frozen=True)
class StatementsPart:
    """Watches for narratives that contradict the columns beside them.

    Attributes:
        schema: of the applications; it declares what must agree.
    """

    schema: Schema

    @property
    def name(self) -> str:
        """Its key in the state."""
        return "statements"

    @property
    def trained(self) -> None:
        """Nothing: a bundle does not know what its training rows stated."""

    def observe(self, batch: Batch) -> Observed[StatementsProfile]:
        """The counts of a batch, and its rows that contradict themselves, each with what disagrees."""
        compared = comparisons(batch.applications)
        found = {}
        for one in self.schema.contradictions:
            mine = [next((c for c in row if c.contradiction.name == one.name), None) for row in compared]
            against = np.array([c is not None and c.contradicts for c in mine], dtype=np.bool_)
            stated = sum(c is not None for c in mine)
            found[one.name] = StatedCounts(stated, int(against.sum()), first_of(batch, against))
        flags = tuple(self._flag(batch, at, one) for at, row in enumerate(compared) for one in row if one.contradicts)
        return Observed(StatementsProfile(len(batch), found), flags)

    def _flag(self, batch: Batch, at: int, one: Comparison) -> Flag:
        wanted = one.contradiction.wanted
        (text,) = clean_narrative(batch.applications.take(np.array([at])), wanted.narrative)
        start, end = one.statement.fact.sentence
        words = message(
            "{name}: {wording} {column} is {given}, and the {kind} in {narrative} is {apart} away",
            name=one.contradiction.name,
            wording=SchemaWord(one.contradiction.wording),
            column=one.contradiction.against,
            given=Number(one.given, ",.6g"),
            kind=SchemaWord(wanted.kind.replace("_", " ")),
            narrative=wanted.narrative,
            apart=Number(one.apart, ".0%"),
        )
        return Flag(batch.row(at), batch.period, "contradiction", one.apart, words, text[start:end])

    def add(self, left: StatementsProfile, right: StatementsProfile) -> StatementsProfile:
        """The counts of both."""
        summed = {name: own + right.contradictions[name] for name, own in left.contradictions.items()}
        return StatementsProfile(left.rows + right.rows, summed)

    def to_json(self, profile: StatementsProfile) -> JsonObject:
        """As plain data."""
        found: JsonObject = _PROFILE.dump_python(profile, mode="json")
        return found

    def from_json(self, content: JsonObject) -> StatementsProfile:
        """What ``to_json`` gave."""
        return _PROFILE.validate_python(content)

    def signals(self, watched: Watched[StatementsProfile]) -> tuple[Signal, ...]:
        """Of each contradiction the share of rows that have it, beside what is usual."""
        now = watched.profile
        usual, history = usual_of(watched.reference, watched.history)
        found = []
        for name, own in now.contradictions.items():
            then = [(one.contradictions[name].contradicting, one.rows) for _, one in usual]
            departure = share_departure(own.contradicting, now.rows, then, history)
            if departure is None:
                continue
            words = message(
                "{name}: {k} of {n} rows contradict themselves, {share}, usually {usual}; {stated} state what their "
                "column holds too",
                name=name,
                k=Number(own.contradicting, ","),
                n=Number(now.rows, ","),
                share=Number(departure.now, ".2%"),
                usual=Number(departure.usual, ".2%"),
                stated=Number(own.stated, ","),
            )
            figure = Figure(watched.period, "contradiction", name, now.rows)
            found.append(figure.signal(departure, max(0.0, departure.now - departure.usual), words, own.first))
        return tuple(found)
