"""The questions of ``schema infer --interactive``: only what is in doubt, with the draft's own guess on Enter.

Every question takes a draft and what has been stated so far, and gives back what is stated after it. Whenever an answer
adds something, the draft is made again before the next question, so that later questions rest on earlier answers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import typer

from data_schemas.errors import ContractError
from data_schemas.fields import FieldType, Role
from features.inference.draft import Answers, Draft
from features.inference.outcomes import MAX_CLASSES, Outcomes, StatedOutcomes


@dataclass(frozen=True)
class Stated:
    """What has been stated so far.

    Attributes:
        target: the outcome column, None where nobody has said.
        outcomes: levels of the outcome.
        answers: what else.
    """

    target: str | None = None
    outcomes: StatedOutcomes = field(default_factory=StatedOutcomes)
    answers: Answers = field(default_factory=Answers)


Redraft = Callable[[Stated], Draft]
Question = Callable[[Draft, Stated], Stated]

MAX_OPTIONS = 40
NONE = "none of these"


def check_terminal() -> None:
    """Raise ContractError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise ContractError(
            "--interactive asks questions, and there is no terminal to answer them",
            "Run it in a terminal, or leave it out and name --target, --bad and --good.",
        )


def interview(redraft: Redraft, stated: Stated) -> Draft:
    """Ask what is in doubt; the draft after all answers.

    Args:
        redraft: makes the draft again from what is stated.
        stated: what the options say already.
    """
    draft = redraft(stated)
    for ask in QUESTIONS:
        answered = ask(draft, stated)
        if answered != stated:
            stated, draft = answered, redraft(answered)
    return draft


def _notations(draft: Draft, stated: Stated) -> Stated:
    """Day or month, thousands or decimals: where several readings fit every cell."""
    chosen = {}
    for column in (guess.column for guess in draft.guesses):
        readings = list(column.notation.readings)
        if readings:
            _say(f"{column.notation.question}.")
            at = _choose(f"How is {column.name!r} to be read?", [*readings, "leave it open"], len(readings))
            if at < len(readings):
                chosen[column.name] = readings[at]
    return replace(stated, answers=replace(stated.answers, notations=chosen))


def _outcome_column(draft: Draft, stated: Stated) -> Stated:
    """Which column is the outcome: asked where none or several look like it."""
    if stated.target or (draft.outcomes is not None and not draft.rivals):
        return stated
    found = draft.outcomes.column if draft.outcomes else None
    likely = [name for name in (found, *draft.rivals) if name]
    if not likely:
        columns = [guess.column for guess in draft.guesses]
        likely = [column.name for column in columns if 2 <= len(column.levels) <= MAX_CLASSES][:MAX_OPTIONS]
    if not likely:
        return stated
    at = _choose("Which column is the outcome?", [*likely, NONE], 0 if found else len(likely))
    return replace(stated, target=likely[at]) if at < len(likely) else stated


def _levels(draft: Draft, stated: Stated) -> Stated:
    """Which levels of the outcome are bad, which good: confirmed, or asked where words do not tell."""
    found = draft.outcomes
    if found is None or stated.outcomes.levels:
        return stated
    if not found.question:
        for kind, words in found.lines.items():
            _say(f"  {kind}: {words}")
        if typer.confirm(f"Is {found.column!r} divided rightly?", default=True, err=True):
            return replace(stated, target=found.column)
    else:
        _say(found.question + ".")
    return replace(stated, target=found.column, outcomes=_divided(found))


def _divided(found: Outcomes) -> StatedOutcomes:
    """The levels of an outcome as somebody divides them."""
    levels = [level for level in found.counts if level][:MAX_OPTIONS]
    shown = [f"{level} ({found.counts[level]:,} rows)" for level in levels]
    bad = _several("Which are bad?", shown)
    others = [at for at in range(len(levels)) if at not in bad]
    if not bad or not others:
        return StatedOutcomes()
    good = _several("Which are good?", shown, [at for at in others if levels[at] not in found.strange] or others)
    undecided = [at for at in others if at not in good]
    return StatedOutcomes(*(tuple(levels[at] for at in part) for part in (bad, [*good], undecided)))


def _id(draft: Draft, stated: Stated) -> Stated:
    """Which of several keys names the application."""
    keys = [
        guess.column.name
        for guess in draft.guesses
        if guess.column.is_key
        and guess.column.type in (FieldType.STRING, FieldType.INTEGER)
        and guess.column.words <= 1.5
    ]
    return _one_of("Which column names the application?", keys, Role.ID, draft, stated)


def _decision_date(draft: Draft, stated: Stated) -> Stated:
    """Which of several dates is that of the decision."""
    dates = [guess.column.name for guess in draft.guesses if guess.column.type is FieldType.DATE]
    return _one_of("Which is the day of the lender's decision?", dates, Role.DECISION_DATE, draft, stated)


def _one_of(words: str, names: Sequence[str], role: Role, draft: Draft, stated: Stated) -> Stated:
    """Which of several columns has a role that one alone may have."""
    names = [name for name in names if draft.outcomes is None or name != draft.outcomes.column]
    if len(names) < 2:
        return stated
    guessed = next((guess.column.name for guess in draft.guesses if guess.role is role), None)
    names = names[:MAX_OPTIONS]
    default = names.index(guessed) if guessed in names else len(names)
    at = _choose(words, [*names, NONE], default)
    if at == default:
        return stated
    if at < len(names):
        return _with_roles(stated, {names[at]: role})
    return _with_roles(stated, {guessed: Role.IGNORED}) if guessed else stated


def _with_roles(stated: Stated, roles: dict[str, Role]) -> Stated:
    """With further roles."""
    return replace(stated, answers=replace(stated.answers, roles={**stated.answers.roles, **roles}))


def _suspects(draft: Draft, stated: Stated) -> Stated:
    """Whether inputs that predict the outcome very well are known at the decision."""
    late = {}
    for guess in draft.guesses:
        if guess.column.name in draft.suspects:
            _say(f"  {guess.column.name}: {guess.why}")
            if not typer.confirm(f"Is {guess.column.name!r} known at the decision?", default=True, err=True):
                late[guess.column.name] = Role.IGNORED
    return _with_roles(stated, late)


def _left_out(draft: Draft, stated: Stated) -> Stated:
    """Whether any column that is left out as known later is known at the decision after all."""
    return _trusted("Left out as known only later, or set by the lender. Which are known before?", draft.leaks, stated)


def _protected(draft: Draft, stated: Stated) -> Stated:
    """Whether any column that is kept from the model as a protected trait is none."""
    names = [guess.column.name for guess in draft.guesses if guess.role is Role.PROTECTED]
    return _trusted("Kept from the model as protected traits. Which are none?", names, stated)


def _trusted(words: str, names: Sequence[str], stated: Stated) -> Stated:
    if not names:
        return stated
    chosen = _several(words, names)
    trusted = stated.answers.trusted | {names[at] for at in chosen}
    return replace(stated, answers=replace(stated.answers, trusted=trusted))


QUESTIONS: tuple[Question, ...] = (
    _notations,
    _outcome_column,
    _levels,
    _id,
    _decision_date,
    _suspects,
    _left_out,
    _protected,
)


def _choose(words: str, options: Sequence[str], default: int) -> int:
    """The place of one of the options; they are numbered from 1."""
    _numbered(words, options)
    while True:
        answer = typer.prompt("Number", default=str(default + 1), err=True).strip()
        if answer.isdecimal() and 1 <= int(answer) <= len(options):
            return int(answer) - 1
        _say(f"A number from 1 to {len(options)}, please.")


def _several(words: str, options: Sequence[str], default: Sequence[int] = ()) -> list[int]:
    """The places of some of the options, in their order; typed as numbers with commas between."""
    _numbered(words, options)
    usual = ",".join(str(at + 1) for at in default) or "none"
    while True:
        answer = typer.prompt("Numbers, with commas between", default=usual, err=True).strip()
        if answer == "none":
            return []
        parts = [part.strip() for part in answer.split(",")]
        if all(part.isdecimal() and 1 <= int(part) <= len(options) for part in parts):
            return sorted({int(part) - 1 for part in parts})
        _say(f"Numbers from 1 to {len(options)} such as 1,3, or none, please.")


def _numbered(words: str, options: Sequence[str]) -> None:
    _say(words)
    for number, option in enumerate(options, 1):
        _say(f"  {number:>2}  {option}")


def _say(text: str) -> None:
    typer.echo(text, err=True)
