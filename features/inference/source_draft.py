"""A first declaration of a further source: what its columns are, whose its records are and when they were known, and a
moderate list of what may be made of them. Guesses to confirm, as ``features.inference.draft`` makes them of a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from data_schemas.dates import days_left_open, has_short_year
from data_schemas.fields import FieldType, Role
from features.arrays import Flags, Floats, Ints
from features.inference.column_names import hints
from features.inference.draft import field_of, title_of, type_of
from features.inference.leakage import LeakSign, after_decision, leak_by_outcome
from features.inference.profile import ColumnProfile
from features.inference.reason_wordings import unit_of
from features.inference.roles import LEAK, MAX_LEVELS, SUSPECT, Guess, find_id, guess_role
from features.inference.source_keys import Key

Document = dict[str, Any]

WINDOW_DAYS = 90
"""Of what is proposed for the time just before the decision."""

MAX_NUMBERS, MAX_TEXTS, MAX_SHARES = 4, 2, 2
"""Columns of numbers and of levels of which aggregates are proposed, narratives, and levels of a column."""

_MANY_LEVELS, _FEW_ROWS = 50, 30
_PROSE = 3.0  # words
_Z = 3.0  # standard errors; records of one applicant go together, which makes them a little too small
_OFTEN_FILLED = 0.9
_KINDS = {"sum": "Sum of", "mean": "Mean", "max": "Largest", "last": "Latest"}
_TYPED = (Role.FEATURE, Role.PROTECTED)
_INPUTS = (Role.FEATURE, Role.NARRATIVE)


@dataclass(frozen=True)
class Owners:
    """What is known of the applications to which sampled records belong.

    Attributes:
        place: int64 (n,), of each record among the sampled applications, -1 for none.
        decided: float64 (m,), days of the applications' decisions; None without a decision date.
        outcome: float64 (m,), 1 bad and 0 good, NaN unknown; None without an outcome.
    """

    place: Ints
    decided: Floats | None
    outcome: Floats | None

    def outcomes(self) -> Floats:
        """float64 (n,), the outcome of each record's application, NaN unknown."""
        if self.outcome is None:
            return np.full(len(self.place), np.nan)
        return np.where(self.place >= 0, self.outcome[self.place], np.nan)

    def known(self, date: ColumnProfile | None) -> Flags:
        """bool (n,): records with an application that are dated before its decision, as far as that is known."""
        if date is None or self.decided is None:
            return self.place >= 0
        with np.errstate(invalid="ignore"):
            return (self.place >= 0) & (_values(date) < self.decided[self.place])

    def later(self, date: ColumnProfile | None) -> Flags:
        """bool (n,): records with an application that are dated on or after its decision."""
        if date is None or self.decided is None:
            return np.zeros(len(self.place), dtype=np.bool_)
        with np.errstate(invalid="ignore"):
            return (self.place >= 0) & (_values(date) >= self.decided[self.place])


@dataclass(frozen=True)
class SourceDraft:
    """A drafted source.

    Attributes:
        name: of the source.
        document: as it stands among the schema's sources.
        key: of its records.
        date: the column of their dates, "" without one.
        per_owner: how many records an application has, in words.
        guesses: one per column.
        doubts: what is suspicious, as sentences.
        missing: what has to be found out before the draft is a valid schema, as sentences.
    """

    name: str
    document: Document
    key: Key
    date: str
    per_owner: str
    guesses: tuple[Guess, ...]
    doubts: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def proposals(self) -> tuple[str, ...]:
        """Names of the aggregates and texts that it proposes."""
        own = self.document["creditfusion"]
        return tuple(str(part["name"]) for kind in ("aggregates", "texts") for part in own.get(kind, ()))


def draft_source(
    name: str, columns: Mapping[str, ColumnProfile], key: Key, owners: Owners, taken: set[str], origin: str
) -> SourceDraft:
    """Draft one source.

    Args:
        name: of the source.
        columns: of its sampled records, by name.
        key: how they are tied.
        owners: the applications of these records.
        taken: names that columns of the schema have; those of the proposals are added.
        origin: what was read, for the note in the draft.
    """
    date = find_record_date(list(columns.values()))
    identity = find_id([column for column in columns.values() if column.name not in key.columns])
    guesses = tuple(
        _with_outcome(_guess(column, key, date, identity), owners.known(date), owners.outcomes())
        for column in columns.values()
    )
    many = _per_owner(columns, key)
    document: Document = {
        "title": title_of(name),
        "missingValues": [""],
        "fields": [_field(guess) for guess in guesses],
        "creditfusion": {
            "name": name,
            **({"through": key.through} if key.through else {}),
            "key": dict(zip(key.columns, key.to, strict=True)),
            **_date_keys(date),
            "wording": f"From your record ({title_of(name).lower()})",
            "aggregates": list(_aggregates(name, guesses, date, many != "1", owners, taken)),
            "guess": f"Drafted from {origin}: {_key_words(key)}; {_date_words(date, columns)}. Confirm key, date, lag "
            "and wording, then delete this note.",
        },
    }
    if texts := list(_texts(name, guesses, date, taken)):
        document["creditfusion"]["texts"] = texts
    doubts = [key.doubt] if key.doubt else []
    doubts += _know_later(guesses, date, owners)
    doubts += [f"{one.column.name}: {one.why}" for one in guesses if one.why.startswith((LEAK, SUSPECT))]
    missing = [one.column.notation.question for one in guesses if one.role in _TYPED and one.column.notation.question]
    if date is None:
        missing.append(
            f"the source {name!r} has no date: name the column as 'date', or write as 'undated' why every record was "
            "known at the decision"
        )
    elif owners.decided is None:
        missing.append(f"the source {name!r} is dated, and no column of the applications is the day of the decision")
    return SourceDraft(name, document, key, date.name if date else "", many, guesses, tuple(doubts), tuple(missing))


def _date_keys(date: ColumnProfile | None) -> Document:
    """The date, with a lag where it names no day."""
    if date is None:
        return {}
    days = days_left_open(_form(date))
    return {"date": date.name} | ({"lag_days": days} if days else {})


def _form(date: ColumnProfile) -> str:
    return str(date.notation.field_keys.get("format", "default"))


def find_record_date(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The date at which a record was known: the latest of its dates that nearly every record has, since a record
    cannot have been known before it. Dates such as an opening or a due date come last; years of two digits are none.
    """
    able = [
        column
        for column in columns
        if column.type is FieldType.DATE
        and column.values is not None
        and column.present.mean() >= _OFTEN_FILLED
        and not has_short_year(_form(column))
    ]
    named = [column for column in able if not hints(column.name, "other_date")] or able
    return max(named, key=lambda column: float(np.nanmean(_values(column))), default=None)


def _values(column: ColumnProfile) -> Floats:
    return column.values if column.values is not None else np.full(len(column.places), np.nan)


def _guess(column: ColumnProfile, key: Key, date: ColumnProfile | None, identity: ColumnProfile | None) -> Guess:
    if column.name in key.columns:
        return Guess(column, Role.GROUP, f"the key: {_key_words(key)}")
    if column is date:
        return Guess(column, Role.FEATURE, "the date of a record: the latest that nearly every record has")
    if column is identity:
        return Guess(column, Role.ID, "the first column in which every sampled record has its own value")
    guess = guess_role(column, None, None, trusted=False)
    if date is not None and (why := after_decision(column, date)):
        return Guess(column, Role.IGNORED, f"{LEAK} {why}: it was filled in after the record was known")
    if column.type is FieldType.DATE:
        return Guess(column, Role.IGNORED, "a date beside that of the record")
    if guess.why.startswith(LEAK) and date is not None:
        plain = guess_role(column, None, None, trusted=True)
        ask = "its name speaks of what follows a loan: keep it only if it is of other loans, as of the record's date"
        return Guess(column, plain.role, f"{SUSPECT} {ask}; {plain.why}")
    if guess.role is Role.FEATURE and column.words >= _PROSE and len(column.levels) > MAX_LEVELS:
        return Guess(column, Role.NARRATIVE, f"free text, {column.words:.1f} words in the mean")
    return replace(guess, role=Role.IGNORED) if guess.role is Role.GROUP else guess


def _with_outcome(guess: Guess, rows: Flags, outcome: Floats) -> Guess:
    """The guess, suspect where the column's cells in these rows know the outcome of their applications."""
    if guess.role not in _INPUTS or (sign := _sign(guess.column, rows, outcome)) is None:
        return guess
    ask = "keep it only if it was known at the decision, in this form"
    return replace(guess, why=f"{SUSPECT} record by record, {sign.why}: {ask}; {guess.why}")


def _know_later(guesses: Sequence[Guess], date: ColumnProfile | None, owners: Owners) -> list[str]:
    """A sentence where the records after the decision know the outcome, which their date alone keeps out."""
    rows, outcome = owners.later(date), owners.outcomes()
    found = [(one.column.name, _sign(one.column, rows, outcome)) for one in guesses if one.role in _INPUTS]
    signs = [f"{name} ({sign.why})" for name, sign in found if sign is not None]
    if not signs or date is None:
        return []
    return [
        f"{SUSPECT} records after the decision know the outcome: {'; '.join(signs)}. Only {date.name} keeps them out: "
        "make sure that it is the day on which a record was known, and give lag_days where it became known later"
    ]


def _sign(column: ColumnProfile, rows: Flags, outcome: Floats) -> LeakSign | None:
    """Signs of a leak in some of the rows."""
    if column.type is FieldType.DATE or not rows.any():
        return None
    values = column.values[rows] if column.values is not None else None
    return leak_by_outcome(
        replace(column, places=column.places[rows], present=column.present[rows], values=values), outcome[rows]
    )


def _field(guess: Guess) -> Document:
    """The column as a field, with the unit that its name states."""
    field = field_of(guess, type_of(guess))
    number = guess.role is Role.FEATURE and guess.column.type in (FieldType.INTEGER, FieldType.NUMBER)
    if number and (unit := unit_of(guess.column.name)):
        field["creditfusion"] = {"role": field["creditfusion"]["role"], "unit": unit, **field["creditfusion"]}
    return field


def _key_words(key: Key) -> str:
    whose = f"the source {key.through}" if key.through else "the applications"
    pairs = f"{', '.join(key.columns)} is {', '.join(key.to)} of {whose}"
    return f"{pairs}, which has {key.share:.1%} of its values; {key.covered:.1%} of those have a record"


def _date_words(date: ColumnProfile | None, columns: Mapping[str, ColumnProfile]) -> str:
    dates = [column.name for column in columns.values() if column.type is FieldType.DATE]
    if date is None:
        return "no date is filled in nearly every record"
    return f"{date.name} is taken as the day on which a record was known" + (
        f", of the dates {', '.join(dates)}" if len(dates) > 1 else ""
    )


def _per_owner(columns: Mapping[str, ColumnProfile], key: Key) -> str:
    """How many records an application has, of the sampled ones: "1" or "up to 13"."""
    keys = zip(*(columns[name].places.tolist() for name in key.columns), strict=True)
    counts = Counter(one for one in keys if min(one) >= 0)
    if not counts or max(counts.values()) == 1:
        return "1"
    return f"up to {max(counts.values()):,}"


def _aggregates(
    name: str, guesses: Sequence[Guess], date: ColumnProfile | None, many: bool, owners: Owners, taken: set[str]
) -> Iterator[Document]:
    """What is proposed to be made of the records."""
    tag = "".join(letter if letter.isalnum() else "_" for letter in name.upper())
    title = title_of(name).lower()

    def made(kind: str, ending: str, words: str, why: str, keys: Document) -> Document:
        part = {"name": _free(f"{name}_{'_'.join(ending.split())}", taken), "kind": kind}
        return part | keys | {"title": f"{words} ({title})", "guess": f"drafted: {why}"}

    count = {"code": f"{tag}_COUNT", "wording": f"How many entries there are ({title})."}
    yield made("count", "count", "Records", "how many records there are", {"unit": "records", "reason": count})
    if date is not None:
        since = {"code": f"{tag}_SINCE", "wording": f"How recent the latest entry is ({title})."}
        age, why = "Days since the latest record", "how recent the latest record is"
        yield made("days_since_last", "days_since_last", age, why, {"unit": "days", "reason": since})
    if date is not None and many:
        window: Document = {"window_days": WINDOW_DAYS, "unit": "records", "reason": count}
        why = "how many of them are recent"
        yield made("count", f"count_{WINDOW_DAYS}d", f"Records of {WINDOW_DAYS} days", why, window)
    features = [guess.column for guess in guesses if guess.role is Role.FEATURE and guess.column is not date]
    for column in [one for one in features if one.type in (FieldType.INTEGER, FieldType.NUMBER)][:MAX_NUMBERS]:
        unit = {"unit": unit_of(column.name)} if unit_of(column.name) else {}
        last = ["last"] if date is not None else []
        for kind in ["sum", "mean", "max", *last] if many else last or ["max"]:
            words = f"{_KINDS[kind]} {title_of(column.name).lower()}"
            yield made(kind, f"{column.name}_{kind}", words, f"{column.name} is a number", {"of": column.name} | unit)
    for column in [one for one in features if one.type is FieldType.STRING and len(one.levels) <= _MANY_LEVELS]:
        for level, why in _telling(column, date, owners):
            where = [{"column": column.name, "in": [level]}]
            words = f"Share of {title_of(column.name).lower()} {level}"
            yield made("share", f"{column.name}_{level}_share", words, why, {"where": where, "unit": "fraction"})


def _texts(name: str, guesses: Sequence[Guess], date: ColumnProfile | None, taken: set[str]) -> Iterator[Document]:
    narratives = [guess.column for guess in guesses if guess.role is Role.NARRATIVE]
    for column in narratives[:MAX_TEXTS] if date is not None else ():
        own = {"name": _free(f"{name}_{column.name}", taken), "of": column.name}
        title = f"{title_of(column.name)} ({title_of(name).lower()})"
        yield {
            **own,
            "title": title,
            "guess": f"drafted: {column.name} is free text, in order of {date.name if date else ''}",
        }


def _free(name: str, taken: set[str]) -> str:
    """The name, or the next that no column has."""
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def _telling(column: ColumnProfile, date: ColumnProfile | None, owners: Owners) -> Iterator[tuple[str, str]]:
    """The levels whose share is proposed, and why: those whose records, known at the decision, have outcomes that
    differ most from the others'; the commonest ones where no outcome is known.
    """
    y = owners.outcomes()
    known = owners.known(date) & np.isfinite(y) & (column.places >= 0)
    n = np.bincount(column.places[known], minlength=len(column.texts))
    if n.sum() < _FEW_ROWS or not 0 < y[known].mean() < 1:
        for level in column.levels[:MAX_SHARES]:
            yield level, "one of the commonest levels"
        return
    rate = np.bincount(column.places[known], y[known], len(column.texts)) / np.maximum(n, 1)
    usual = float(y[known].mean())
    away = np.where(n >= _FEW_ROWS, np.abs(rate - usual) * np.sqrt(n / (usual * (1 - usual))), 0.0)
    for at in np.argsort(-away, kind="stable")[:MAX_SHARES]:
        level = str(column.texts.texts[at])
        if away[at] >= _Z and level in column.levels:
            yield level, f"{rate[at]:.1%} of its records belong to bad outcomes, {usual:.1%} of all"
