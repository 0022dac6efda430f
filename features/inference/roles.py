"""What each column of an unknown table is for: its role, guessed from its name and what the sample shows of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data_schemas.fields import FieldType, Role
from features.arrays import Floats
from features.inference.column_names import hints
from features.inference.dates import look_like_dates
from features.inference.leakage import after_decision, leak_by_outcome
from features.inference.numbers import look_like_numbers
from features.inference.planted_words import leak_by_words
from features.inference.profile import ColumnProfile
from features.inference.protected import protected_levels, protected_name

LEAK = "LEAK?"
"""Begin of the note on a column that is left out: it may leak the outcome, or copies the lender's own judgement."""

SUSPECT = "SUSPECT"
"""Begin of the note on an input that is kept though it predicts the outcome very well alone."""

MAX_LEVELS = 100
"""Distinct texts that still make a category; with more, a column is free text or a key."""

UNREAD = "UNREAD DATES"
"""Begin of the note on a column left out because it holds dates in a notation that cannot be read."""

_COMING_BACK = 0.35  # distinct texts per row of names of firms and towns; job titles and short remarks come back less
FEW_ROWS = 20  # so few rows may all differ by chance
_FEW_ANSWERS = 12  # a column of a telephone has more texts than one that says whether there is a telephone


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


def _best(
    columns: Sequence[ColumnProfile], points: Callable[[ColumnProfile], float], least: float
) -> ColumnProfile | None:
    """The first column with the most points; None when none has ``least``."""
    best = max(columns, key=points, default=None)
    return best if best is not None and points(best) >= least else None


def find_id(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The column that names the rows; None where no column has its own value in every row."""

    def points(column: ColumnProfile) -> float:
        if not column.is_key or column.type not in (FieldType.STRING, FieldType.INTEGER) or column.words > 1.5:
            return 0.0
        return 1.0 + hints(column.name, "id") - 0.5 * hints(column.name, "person")

    return _best(columns, points, least=1.0)


def find_decision_date(columns: Sequence[ColumnProfile]) -> ColumnProfile | None:
    """The date that looks most like the day of the decision; None without any that does."""

    def points(column: ColumnProfile) -> float:
        if column.type is not FieldType.DATE or protected_name(column.name):
            return -9.0
        named = 2.0 * hints(column.name, "decision") - 2.0 * hints(column.name, "other_date")
        return named + float(column.present.all()) + 0.5 * (not column.notation.question)

    return _best(columns, points, least=1.0)


def guess_role(
    column: ColumnProfile, decided: ColumnProfile | None, outcome: Floats | None, trusted: bool = False
) -> Guess:
    """The role of a column that is no target, id or decision date.

    Args:
        decided: the decision date.
        outcome: float64 (n,), 1 and 0 for the two outcomes, NaN unknown; None where no column holds it.
        trusted: whether somebody says that it is known at the decision and no protected trait.
    """
    guess = _plain_guess(column, decided, trusted)
    if trusted or guess.role is Role.PROTECTED or not column.levels:
        return guess
    certain, suspicion = _leak(column, decided, outcome)
    if certain:
        return Guess(column, Role.IGNORED, f"{LEAK} {certain}")
    if suspicion and guess.role in (Role.FEATURE, Role.NARRATIVE):
        ask = "keep it only if it is known at the decision, in this form"
        return Guess(column, guess.role, f"{SUSPECT} {suspicion}: {ask}; {guess.why}")
    if guess.role is Role.NARRATIVE and outcome is not None and (sign := leak_by_words(_cells(column), outcome)):
        ask = "if it is written after the decision, cut it with a `strip` rule"
        return Guess(column, guess.role, f"{SUSPECT} {sign.why}: {ask}; {guess.why}")
    return guess


def _cells(column: ColumnProfile) -> list[str]:
    """The cells of a column, "" where one is empty."""
    texts: list[str] = [*column.texts.texts, ""]
    return [texts[place] for place in column.places.tolist()]


def _leak(column: ColumnProfile, decided: ColumnProfile | None, outcome: Floats | None) -> tuple[str, str]:
    """Why the column surely leaks the outcome or copies the lender's own judgement, and why it may; "" for nothing."""
    reasons = []
    if hints(column.name, "later") and not hints(column.name, "history"):
        reasons.append("its name speaks of what happens after the decision")
    a_day = column.type is FieldType.DATE  # the day on which a loan was approved or funded is no judgement
    if hints(column.name, "lender") and not hints(column.name, "not_lender") and not a_day:
        reasons.append("its name speaks of what the lender sets")
    by_name = decided is not None and hints(decided.name, "decision")  # one chosen for want of another proves nothing
    if decided is not None and by_name and (why := after_decision(column, decided)):
        reasons.append(why)
    sign = leak_by_outcome(column, outcome) if outcome is not None else None
    if sign is not None and (sign.certain or reasons):
        reasons.append(sign.why)
    return "; ".join(reasons), sign.why if sign is not None else ""


def _plain_guess(column: ColumnProfile, decided: ColumnProfile | None, trusted: bool) -> Guess:
    """The role as if nothing were known about outcomes; that of a trusted column is never to be protected."""
    role, why = Role.IGNORED, ""
    n_levels, n_rows = len(column.levels), len(column.places)
    if n_levels == 0 or (n_levels == 1 and column.present.all()):
        why = "it is empty in the sample" if n_levels == 0 else "it has one value in the sample"
    elif not trusted and (trait := protected_name(column.name)):
        role, why = Role.PROTECTED, f"its name speaks of a protected trait: {trait}"
    elif not trusted and column.type is FieldType.STRING and (trait := protected_levels(column.levels)):
        role, why = Role.PROTECTED, f"its levels are words for a protected trait: {trait}"
    elif hints(column.name, "group") and column.type in (FieldType.STRING, FieldType.INTEGER) and not column.is_key:
        role, why = Role.GROUP, "its name speaks of a person, and its values come back"
    elif hints(column.name, "person") and n_levels > _FEW_ANSWERS:
        why = "it names a person, or how to reach one"
    elif hints(column.name, "place"):
        why = "a place may stand in for protected traits"
    elif column.type is FieldType.DATE:
        role = Role.FEATURE if decided else Role.IGNORED
        why = "an earlier date, for the years until the decision" if decided else "no decision date to count from"
    elif column.type is not FieldType.BOOLEAN and look_like_dates(
        column.name, column.levels, column.type is not FieldType.STRING
    ):
        why = f"{UNREAD} of a notation that is not read: write them as YYYY-MM-DD, or give another role"
    elif column.type is not FieldType.STRING:
        another_key = column.is_key and n_rows > FEW_ROWS and hints(column.name, "id")
        role, why = (Role.IGNORED, "another key") if another_key else (Role.FEATURE, "a number")
    elif _is_prose(column):
        role, why = Role.NARRATIVE, f"free text, {column.words:.1f} words in the mean"
    elif column.is_key and n_rows > FEW_ROWS:
        why = "another key"
    elif n_levels <= MAX_LEVELS:
        role, why = Role.FEATURE, f"{n_levels} levels"
    elif _share(column) <= _COMING_BACK:
        role, why = (
            Role.FEATURE,
            f"{n_levels} levels, most of which come back; those too rare to learn from count as one",
        )
    else:
        why = f"a code with {n_levels} levels or more; group them to use it"
    if role in (Role.FEATURE, Role.IGNORED) and column.type is FieldType.STRING and look_like_numbers(column.levels):
        why += "; they look like numbers that no single notation reads: clean them to use them as numbers"
    return Guess(column, role, why)


def _share(column: ColumnProfile) -> float:
    """Distinct texts of a column per filled cell."""
    return len(column.levels) / max(column.n_present, 1)


def _is_prose(column: ColumnProfile) -> bool:
    share = _share(column)
    return (column.words >= 4 and share >= 0.3) or (
        column.words >= 1.5 and share > _COMING_BACK and len(column.levels) > MAX_LEVELS
    )
