"""A first schema for an unknown table: guesses to confirm, drawn from a sample of its rows.

Every guess carries a ``guess`` note with what was found. Where a guess could let the outcome leak into the model,
the draft errs on the safe side and makes the column ``ignored``.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from data_schemas.contract import FieldType, Role
from features.arrays import Floats
from features.inference.column_names import hints, words_of
from features.inference.leakage import after_decision, leak_by_outcome
from features.inference.profile import ColumnProfile, profiles
from features.inference.reason_wordings import with_reasons
from features.text.scripts import language_of

Document = dict[str, Any]

LEAK = "LEAK?"
"""Begin of the note on a column that may leak the outcome, or copies the lender's own judgement."""

MAX_LEVELS = 100
"""Distinct texts that still make a category; with more, a column is free text or a key."""

CONCEPTS = {"Chinese": "consumer_lending.zh"}
CONCEPTS_ELSE = "consumer_lending"
"""The shipped set of concepts that a draft with narratives names, by the language of most of them."""

FEW_ROWS = 20  # so few rows may all differ by chance


@dataclass(frozen=True)
class Guess:
    """The role that one column is given in the draft.

    Attributes:
        column: its profile.
        role: the role.
        why: what in the sample led to it.
    """

    column: ColumnProfile
    role: Role
    why: str


@dataclass(frozen=True)
class Draft:
    """A drafted schema.

    Attributes:
        document: the schema file, as JSON.
        guesses: one per column, in column order.
        leaks: columns left out because they look like outcome leaks.
        missing: what a schema needs and the sample lacks, as sentences; empty when the draft is a valid schema.
    """

    document: Document
    guesses: tuple[Guess, ...]
    leaks: tuple[str, ...]
    missing: tuple[str, ...]


def draft_schema(sample: pd.DataFrame, name: str, origin: str, target: str | None = None) -> Draft:
    """Draft a schema from a sample of rows.

    Args:
        sample: texts of object dtype, one column per column of the table.
        name: of the schema.
        origin: what was read, for the note in the draft.
        target: the outcome column, where it is known.

    Raises:
        KeyError: where the sample has no column ``target``.
    """
    columns = profiles(sample)
    goal = columns[target] if target else _target(list(columns.values()))
    bad_values, good_values = _outcomes(goal) if goal else ([], [])
    bad = np.where(goal.present, goal.cells.isin(bad_values).to_numpy(dtype=np.float64), np.nan) if goal else None
    key = _id([column for column in columns.values() if column is not goal])
    decided = _decision_date([column for column in columns.values() if column is not goal])
    guesses: list[Guess] = []
    leaks: list[str] = []
    for column in columns.values():
        if column is goal:
            guess = Guess(column, Role.TARGET, f"{len(column.levels)} outcomes; bad: {', '.join(bad_values)}")
        elif column is key:
            guess = Guess(column, Role.ID, "the first column in which every sampled row has its own value")
        elif column is decided:
            guess = Guess(column, Role.DECISION_DATE, "the date that looks most like the day of the decision")
        elif why := _leak(column, decided, bad):
            guess = Guess(column, Role.IGNORED, f"{LEAK} {why}")
            leaks.append(column.name)
        else:
            guess = _guess(column, decided)
        guesses.append(guess)
    document = with_reasons(_document(guesses, name, origin, bad_values, good_values))
    return Draft(document, tuple(guesses), tuple(leaks), tuple(_missing(guesses)))


def pretty_json(value: object, indent: int = 0) -> str:
    """The value as JSON text for people: what fits goes on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if indent + len(line) <= 116 or not isinstance(value, dict | list) or not value:
        return line
    pad, end = "\n" + " " * (indent + 2), "\n" + " " * indent
    if isinstance(value, dict):
        items = [
            f"{json.dumps(key, ensure_ascii=False)}: {pretty_json(item, indent + 2)}" for key, item in value.items()
        ]
        return "{" + ",".join(pad + item for item in items) + end + "}"
    return "[" + ",".join(pad + pretty_json(item, indent + 2) for item in value) + end + "]"


def _best(
    columns: Sequence[ColumnProfile], points: Callable[[ColumnProfile], float], least: float
) -> ColumnProfile | None:
    """The first column with the most points; None when none has ``least``."""
    best = max(columns, key=points, default=None)
    return best if best is not None and points(best) >= least else None


def _target(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    def points(column: ColumnProfile) -> float:
        if not 2 <= len(column.levels) <= 12 or column.type is FieldType.DATE:
            return 0.0
        hinted = any(hints(level, "bad") for level in column.levels) + any(
            hints(level, "good") for level in column.levels
        )
        binary = set(column.levels) <= {"0", "1", "0.0", "1.0"} or column.type is FieldType.BOOLEAN
        return 2.0 * hints(column.name, "target") + hinted + 0.5 * (binary and len(column.levels) == 2)

    return _best(columns, points, least=2.0)


def _outcomes(goal: ColumnProfile) -> tuple[list[str], list[str]]:
    """Bad and good values of the target, in the order of frequency."""
    bad = [level for level in goal.levels if hints(level, "bad")]
    if not bad:
        bad = [level for level in goal.levels if level.lower() in ("1", "1.0", "true", "yes", "y")]
    if not bad:
        bad = [goal.levels[-1]] if goal.levels else []
    return bad, [level for level in goal.levels if level not in bad]


def _id(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    def points(column: ColumnProfile) -> float:
        if not column.is_key or column.type not in (FieldType.STRING, FieldType.INTEGER) or column.words > 1.5:
            return 0.0
        return 1.0 + hints(column.name, "id")

    return _best(columns, points, least=1.0)


def _decision_date(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    def points(column: ColumnProfile) -> float:
        if column.type is not FieldType.DATE:
            return -9.0
        named = 2.0 * hints(column.name, "decision") - 2.0 * hints(column.name, "other_date")
        return named + float(column.present.all())

    return _best(columns, points, least=1.0)


def _leak(column: ColumnProfile, decided: ColumnProfile | None, bad: Floats | None) -> str:
    """Why the column may leak the outcome or copy the lender's own judgement; "" when nothing suggests it."""
    reasons = []
    if hints(column.name, "later"):
        reasons.append("its name speaks of what happens after the decision")
    if hints(column.name, "lender"):
        reasons.append("its name speaks of what the lender sets")
    if decided is not None and (why := after_decision(column, decided)):
        reasons.append(why)
    if bad is not None and (why := leak_by_outcome(column, bad)):
        reasons.append(why)
    return "; ".join(reasons)


def _guess(column: ColumnProfile, decided: ColumnProfile | None) -> Guess:
    """The role of a column that is no target, id, decision date or leak."""
    role, why = Role.IGNORED, ""
    n_levels, n_rows = len(column.levels), len(column.cells)
    if n_levels < 2:
        why = "it is empty in the sample" if n_levels == 0 else "it has one value in the sample"
    elif hints(column.name, "protected"):
        role, why = Role.PROTECTED, "its name speaks of a protected trait"
    elif hints(column.name, "group") and column.type in (FieldType.STRING, FieldType.INTEGER) and not column.is_key:
        role, why = Role.GROUP, "its name speaks of a person, and its values come back"
    elif hints(column.name, "place"):
        why = "a place may stand in for protected traits"
    elif column.type is FieldType.DATE:
        role = Role.FEATURE if decided else Role.IGNORED
        why = "an earlier date, for the years until the decision" if decided else "no decision date to count from"
    elif column.type is not FieldType.STRING:
        another_key = column.is_key and n_rows > FEW_ROWS and hints(column.name, "id")
        role, why = (Role.IGNORED, "another key") if another_key else (Role.FEATURE, "a number")
    elif _is_prose(column):
        role, why = Role.NARRATIVE, f"free text, {column.words:.1f} words in the mean"
    elif column.is_key and n_rows > FEW_ROWS:
        why = "another key"
    elif n_levels <= MAX_LEVELS:
        role, why = Role.FEATURE, f"{n_levels} levels"
    else:
        why = f"a code with {n_levels} levels or more; group them to use it"
    return Guess(column, role, why)


def _is_prose(column: ColumnProfile) -> bool:
    share = len(column.levels) / max(column.n_present, 1)
    return (column.words >= 4 and share >= 0.3) or (
        column.words >= 1.5 and share >= 0.2 and len(column.levels) > MAX_LEVELS
    )


def _missing(guesses: Sequence[Guess]) -> list[str]:
    """What the draft needs before it is a valid schema."""
    roles = {guess.role for guess in guesses}
    missing = []
    read = [guess.column.notation for guess in guesses if guess.role not in (Role.IGNORED, *_TEXT_ROLES)]
    missing += [notation.question for notation in read if notation.question]
    if Role.ID not in roles:
        missing.append("no column has its own value in every row: add one, and give it the role 'id'")
    if any(guess.role is Role.TARGET and not guess.column.levels for guess in guesses):
        missing.append("the target is empty: list its bad_values")
    if not roles & {Role.FEATURE, Role.NARRATIVE}:
        missing.append("no column looks like an input of the model: give one the role 'feature' or 'narrative'")
    return missing


def _document(guesses: Sequence[Guess], name: str, origin: str, bad: list[str], good: list[str]) -> Document:
    decided = next((guess.column for guess in guesses if guess.role is Role.DECISION_DATE), None)
    note = f"Drafted from {origin}. Confirm each guess, then delete its note."
    if any(guess.why.startswith(LEAK) for guess in guesses):
        note += (
            f" What is marked {LEAK} is left out: make it a feature only if it is known at the decision. What is known "
            "only later may be made auxiliary, which training alone reads."
        )
    own: Document = {"version": 1, "name": name, "guess": note}
    if bad:
        own |= {"bad_values": bad, "good_values": good}
    derived = [
        {
            "name": f"{guess.column.name}_years",
            "kind": "years_between",
            "of": [guess.column.name, decided.name],
            "title": f"Years since {_title(guess.column.name).lower()}",
            "unit": "years",
            "guess": "drafted, because a bare date is no input of the model",
        }
        for guess in guesses
        if decided and guess.role is Role.FEATURE and guess.column.type is FieldType.DATE
    ]
    if derived:
        own["derived"] = _free_of(derived, {guess.column.name for guess in guesses})
    narratives = [text for guess in guesses if guess.role is Role.NARRATIVE for text in guess.column.levels]
    if narratives:
        ((language, _),) = Counter(map(language_of, narratives)).most_common(1)
        own["concepts"] = CONCEPTS.get(language, CONCEPTS_ELSE)
    return {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "title": _title(name),
        "missingValues": [""],
        "fields": [_field(guess) for guess in guesses],
        "creditfusion": own,
    }


def _free_of(derived: list[Document], taken: set[str]) -> list[Document]:
    """The derived features under names that no column has."""
    for feature in derived:
        while feature["name"] in taken:
            feature["name"] += "_"
        taken.add(feature["name"])
    return derived


_TEXT_ROLES = (Role.ID, Role.TARGET, Role.GROUP, Role.NARRATIVE)


def _field(guess: Guess) -> Document:
    column = guess.column
    kind = FieldType.STRING if guess.role in _TEXT_ROLES else column.type
    field: Document = {"name": column.name, "type": str(kind), "title": _title(column.name)}
    own = {"role": str(guess.role)}
    if kind is column.type and (guess.role is not Role.IGNORED or not column.notation.question):
        field |= column.notation.field_keys
        own |= column.notation.own_keys
    if column.missing_codes:
        field["missingValues"] = list(column.missing_codes)
    if guess.role in (Role.FEATURE, Role.PROTECTED) and kind is FieldType.STRING and len(column.levels) <= MAX_LEVELS:
        field["categories"] = sorted(column.levels)
    constraints: Document = {"required": True, "unique": True} if guess.role is Role.ID else {}
    if guess.role is Role.FEATURE and kind in (FieldType.INTEGER, FieldType.NUMBER) and not column.notation.question:
        constraints = _bounds(column)
    if constraints:
        field["constraints"] = constraints
    field["creditfusion"] = {**own, "guess": f"{guess.role}: {guess.why}. {_seen(column, kind)}"}
    return field


def _bounds(column: ColumnProfile) -> Document:
    """Bounds ten times wider than what was seen, to stop slips of units without rejecting the unusual."""
    values = column.values if column.values is not None else np.empty(0)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    return {
        "minimum": 0 if low >= 0 else -_power_of_ten(-10 * low),
        "maximum": _power_of_ten(10 * high) if high > 0 else 0,
    }


def _power_of_ten(value: float) -> float:
    """The least power of ten that is not below the value."""
    power = math.ceil(math.log10(value))
    return 10**power if power >= 0 else float(f"1e{power}")


def _seen(column: ColumnProfile, kind: FieldType) -> str:
    """What the sample shows of the column, for its note; quotes no text."""
    share = 1 - column.n_present / max(len(column.cells), 1)
    parts = [f"Seen: {len(column.levels)} values"]
    if column.values is not None and column.n_present and kind in (FieldType.INTEGER, FieldType.NUMBER):
        parts[0] += f" from {np.nanmin(column.values):g} to {np.nanmax(column.values):g}"
    if kind is FieldType.DATE and column.values is not None:
        days = [np.datetime64(int(day), "D") for day in (np.nanmin(column.values), np.nanmax(column.values))]
        parts[0] += f" from {days[0]} to {days[1]}"
    parts.append(f"{share:.1%} missing")
    if words := [code for code in column.missing_codes if not code.lstrip("-").removesuffix(".0").isdigit()]:
        parts.append(f"codes for missing? {', '.join(words)}")
    if kind is column.type:
        parts += column.notation.notes
    if kind is column.type and column.notation.question:
        parts.append(f"IN DOUBT: {column.notation.question}")
    return "; ".join(parts) + "."


def _title(name: str) -> str:
    text = " ".join(words_of(name)) or name
    return text[:1].upper() + text[1:]
