"""A first schema for an unknown table: guesses to confirm, drawn from a sample of its rows.

Every guess carries a ``guess`` note with what was found. Where a guess could let the outcome leak into the model,
the draft errs on the safe side and makes the column ``ignored``.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from data_schemas.errors import ContractError
from data_schemas.fields import FieldType, Role
from features.inference.outcomes import NOTHING_STATED, Outcomes, StatedOutcomes, find_target, read_outcomes
from features.inference.profile import ColumnProfile, before_decision, profiles
from features.inference.reason_wordings import with_reasons
from features.inference.roles import LEAK, MAX_LEVELS, SUSPECT, Guess, find_decision_date, find_id, guess_role
from features.inference.words import words_of
from features.text.scripts import language_of

Document = dict[str, Any]

CONCEPTS = {"Chinese": "consumer_lending.zh"}
CONCEPTS_ELSE = "consumer_lending"
"""The shipped set of concepts that a draft with narratives names, by the language of most of them."""


@dataclass(frozen=True)
class Draft:
    """A drafted schema.

    Attributes:
        document: the schema file, as JSON.
        guesses: one per column, in column order.
        leaks: columns left out because they look like outcome leaks.
        suspects: inputs kept though they predict the outcome very well alone.
        outcomes: the levels of the outcome, divided; None without an outcome.
        rivals: further columns that look like the outcome.
        missing: what a schema needs and the sample lacks, as sentences; empty when the draft is a valid schema.
    """

    document: Document
    guesses: tuple[Guess, ...]
    leaks: tuple[str, ...]
    suspects: tuple[str, ...]
    outcomes: Outcomes | None
    rivals: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Answers:
    """What somebody who knows the table says beside its outcome.

    Attributes:
        roles: of columns.
        notations: of columns that several readings fit, the one that is meant (``Notation.readings``).
        trusted: columns that are known at the decision and no protected trait, whatever names and figures suggest.
    """

    roles: Mapping[str, Role] = field(default_factory=dict)
    notations: Mapping[str, str] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()


NO_ANSWERS = Answers()


def draft_schema(
    sample: pd.DataFrame | pa.Table,
    name: str,
    origin: str,
    target: str | None = None,
    stated: StatedOutcomes = NOTHING_STATED,
    answers: Answers = NO_ANSWERS,
) -> Draft:
    """Draft a schema from a sample of rows.

    Args:
        sample: texts, one column per column of the table, as objects, categorical or Arrow strings.
        name: of the schema.
        origin: what was read, for the note in the draft.
        target: the outcome column, where it is known.
        stated: levels of the outcome that are known to be bad, good or undecided.
        answers: what else is known.

    Raises:
        ContractError: for a target that cannot be an outcome, levels that it does not have, or levels of no column.
        KeyError: where the sample has no column ``target``.
    """
    columns = profiles(sample, answers.notations)
    goal, rivals = (columns[target], ()) if target else find_target(list(columns.values()))
    if goal is None and stated.levels:
        which = f"; it may be {' or '.join(map(repr, rivals))}" if rivals else ""
        what = f"levels of the outcome are named, and not the column that holds it{which}"
        raise ContractError(what, "Name the column with --target.")
    outcomes = read_outcomes(goal, stated) if goal is not None else None
    guesses = tuple(_guesses(columns, goal, outcomes, answers))
    return Draft(
        document=with_reasons(_document(guesses, name, origin, outcomes)),
        guesses=guesses,
        leaks=_marked(guesses, LEAK),
        suspects=_marked(guesses, SUSPECT),
        outcomes=outcomes,
        rivals=rivals,
        missing=tuple(_missing(guesses, outcomes)),
    )


def _guesses(
    columns: Mapping[str, ColumnProfile], goal: ColumnProfile | None, outcomes: Outcomes | None, answers: Answers
) -> Iterator[Guess]:
    """The role of each column: stated, one that a single column has, or guessed from what it holds."""
    others = [column for column in columns.values() if column is not goal and column.name not in answers.roles]
    roles = {role: columns[header] for header, role in answers.roles.items()}
    key = roles.get(Role.ID) or find_id(others)
    decided = roles.get(Role.DECISION_DATE) or find_decision_date(others)
    values = outcomes.values(goal.cells) if outcomes is not None and goal is not None else None
    for column in (before_decision(one, decided) for one in columns.values()):
        if outcomes is not None and column is goal:
            yield Guess(column, Role.TARGET, _outcome_words(outcomes))
        elif column.name in answers.roles:
            yield Guess(column, answers.roles[column.name], "stated when the draft was made")
        elif column is key:
            yield Guess(column, Role.ID, "the first column in which every sampled row has its own value")
        elif column is decided:
            yield Guess(column, Role.DECISION_DATE, "the date that looks most like the day of the decision")
        else:
            yield guess_role(column, decided, values, column.name in answers.trusted)


def _marked(guesses: Sequence[Guess], mark: str) -> tuple[str, ...]:
    return tuple(guess.column.name for guess in guesses if guess.why.startswith(mark))


def _outcome_words(outcomes: Outcomes) -> str:
    """How the levels of the outcome were divided, for its note."""
    parts = [outcomes.question or outcomes.why, *(f"{kind} {text}" for kind, text in outcomes.lines.items())]
    if outcomes.strange and not outcomes.question:
        parts.append(f"not understood, so undecided: {', '.join(outcomes.strange)}")
    return "; ".join(parts)


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


def _missing(guesses: Sequence[Guess], outcomes: Outcomes | None) -> list[str]:
    """What the draft needs before it is a valid schema."""
    roles = {guess.role for guess in guesses}
    missing = []
    read = [guess.column.notation for guess in guesses if guess.role not in (Role.IGNORED, *_TEXT_ROLES)]
    missing += [notation.question for notation in read if notation.question]
    if Role.ID not in roles:
        missing.append("no column has its own value in every row: add one, and give it the role 'id'")
    if outcomes is not None and outcomes.question:
        missing.append(outcomes.question)
    if not roles & {Role.FEATURE, Role.NARRATIVE}:
        missing.append("no column looks like an input of the model: give one the role 'feature' or 'narrative'")
    return missing


def _document(guesses: Sequence[Guess], name: str, origin: str, outcomes: Outcomes | None) -> Document:
    decided = next((guess.column for guess in guesses if guess.role is Role.DECISION_DATE), None)
    note = f"Drafted from {origin}. Confirm each guess, then delete its note."
    if _marked(guesses, LEAK):
        note += (
            f" What is marked {LEAK} is left out: make it a feature only if it is known at the decision. What is known "
            "only later may be made auxiliary, which training alone reads."
        )
    own: Document = {"version": 1, "name": name, "guess": note}
    if outcomes is not None:
        if outcomes.bad_if is not None:
            own["bad_if"] = str(outcomes.bad_if)
        else:
            own |= {"bad_values": list(outcomes.bad), "good_values": list(outcomes.good)}
        own |= {"undecided_values": list(outcomes.undecided)} if outcomes.undecided else {}
    derived = [
        {
            "name": f"{guess.column.name}_years",
            "kind": "years_between",
            "of": [guess.column.name, decided.name],
            "title": f"Years since {title_of(guess.column.name).lower()}",
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
        "title": title_of(name),
        "missingValues": [""],
        "fields": [field_of(guess, type_of(guess, outcomes)) for guess in guesses],
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


def type_of(guess: Guess, outcomes: Outcomes | None = None) -> FieldType:
    """The type of the column in a contract: what names or tells something is text, whatever it looks like."""
    by_number = guess.role is Role.TARGET and outcomes is not None and outcomes.bad_if is not None
    return FieldType.STRING if guess.role in _TEXT_ROLES and not by_number else guess.column.type


def field_of(guess: Guess, kind: FieldType) -> Document:
    """The column as a field of a contract, with its note."""
    column = guess.column
    field: Document = {"name": column.name, "type": str(kind), "title": title_of(column.name)}
    own = {"role": str(guess.role)}
    if kind is column.type and (guess.role is not Role.IGNORED or not column.notation.question):
        field |= column.notation.field_keys
        own |= column.notation.own_keys
    if column.missing_codes and guess.role is not Role.TARGET:  # of an outcome they are undecided values
        field["missingValues"] = list(column.missing_codes)
    if guess.role in (Role.FEATURE, Role.PROTECTED) and kind is FieldType.STRING and len(column.levels) <= MAX_LEVELS:
        field["categories"] = sorted(column.levels)
    constraints: Document = {"required": True, "unique": True} if guess.role is Role.ID else {}
    if guess.role is Role.FEATURE and kind in (FieldType.INTEGER, FieldType.NUMBER) and not column.notation.question:
        constraints = _bounds(column)
    if constraints:
        field["constraints"] = constraints
    field["creditfusion"] = {**own, "guess": f"{guess.role}: {guess.why}. {_sample_note(column, kind)}"}
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


def _sample_note(column: ColumnProfile, kind: FieldType) -> str:
    """What the sample shows of the column, for its note; quotes no text."""
    share = 1 - column.n_present / max(len(column.places), 1)
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


def title_of(name: str) -> str:
    """A name as a title: of ``loan_status`` Loan status."""
    text = " ".join(words_of(name)) or name
    return text[:1].upper() + text[1:]
