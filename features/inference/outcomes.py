"""Which column of an unknown table is the outcome, and which of its levels are bad, good or undecided.

Only what a name or a level says counts. A rate of bad applications never decides what is bad, and a level that nobody
understands is never good: where the words do not tell, ``Outcomes.question`` says what has to be asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data_schemas.errors import ContractError
from data_schemas.fields import FieldType
from data_schemas.levels import by_spelling, level_key
from data_schemas.numbers import Threshold, threshold
from features.arrays import Floats
from features.inference.column_names import hints
from features.inference.outcome_words import Meaning, is_yes, is_yes_or_no, meaning
from features.inference.profile import MISSING_WORDS, ColumnProfile
from features.inference.words import folded

MAX_CLASSES = 40
"""Distinct texts that an outcome may have."""

MAX_NUMBERS = 12
"""Distinct numbers that may still be classes; with more they are amounts, counts or days."""

_SAME = 0.95  # share of the rows that two columns divide alike, where both tell one outcome; nearly all of the rows


@dataclass(frozen=True)
class StatedOutcomes:
    """What the user says about levels of the outcome.

    Attributes:
        bad: levels that are bad, or of numbers one comparison, such as ``>=90``.
        good: levels that are good.
        undecided: levels of applications that have no outcome yet.
    """

    bad: tuple[str, ...] = ()
    good: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.bad, *self.good, *self.undecided)

    def spelled_as(self, known: Sequence[str]) -> StatedOutcomes:
        """The same, each level as the column writes it: ``true`` for ``True``, ``1.0`` for ``1``."""
        spelled = by_spelling(known)
        kinds = [
            tuple(level if level in known else spelled.get(level_key(level), level) for level in levels)
            for levels in (self.bad, self.good, self.undecided)
        ]
        return StatedOutcomes(*kinds)


NOTHING_STATED = StatedOutcomes()


@dataclass(frozen=True)
class Outcomes:
    """The levels of an outcome, divided. Without an open question each level is in one of the three lists.

    Attributes:
        column: the outcome's name.
        counts: sampled rows of each level, the commonest first; "" for empty cells.
        bad: levels that are bad.
        good: levels that are good.
        undecided: levels of applications that have no outcome yet, or whose level nobody understands.
        strange: those of them that are not understood.
        why: what tells bad from good; "" with an open question.
        question: what has to be decided, as a sentence; "" for nothing.
        bad_if: the comparison that divides numbers; None where levels are listed.
    """

    column: str
    counts: Mapping[str, int]
    bad: tuple[str, ...]
    good: tuple[str, ...]
    undecided: tuple[str, ...]
    strange: tuple[str, ...]
    why: str
    question: str
    bad_if: Threshold | None = None

    @property
    def kinds(self) -> Mapping[str, Mapping[str, int]]:
        """Good, bad and undecided levels with their rows; good and bad numbers by their comparison."""
        kinds = {"good": self.good, "bad": self.bad, "undecided": self.undecided}
        rows = {kind: {level: self.counts.get(level, 0) for level in levels} for kind, levels in kinds.items()}
        if self.bad_if is not None and not self.question:
            for kind, numbers in (("good", self.bad_if.opposite), ("bad", self.bad_if)):
                rows[kind] = {str(numbers): sum(rows[kind].values())}
        return rows

    @property
    def lines(self) -> Mapping[str, str]:
        """For people: every level with its rows, by kind."""
        decided = {*self.good, *self.bad, *self.undecided}
        rest = {level: n for level, n in self.counts.items() if level not in decided}
        return {
            kind: f"{sum(levels.values()):,} rows: {_listed(levels)}"
            for kind, levels in (*self.kinds.items(), ("not decided by words", rest))
            if levels
        }

    def values(self, cells: pd.Series[str]) -> Floats:
        """float64 (n,): two kinds of outcome of these cells as 1 and 0, NaN for neither.

        1 is bad; with an open question the commoner of two levels: what tells the two apart leaks either way round.
        """
        if not self.question:
            high, low = self.bad, self.good
        else:
            known = [level for level in self.counts if not _is_missing(level)]
            high, low = ((known[0],), (known[1],)) if len(known) == 2 else ((), ())
        return np.where(cells.isin(high), 1.0, np.where(cells.isin(low), 0.0, np.nan))


def _listed(levels: Mapping[str, int]) -> str:
    shown = [f"{level or '(empty)'} ({n:,})" for level, n in [*levels.items()][:MAX_NUMBERS]]
    more = len(levels) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def find_target(columns: Sequence[ColumnProfile]) -> tuple[ColumnProfile | None, tuple[str, ...]]:
    """The column that looks most like an outcome, None where none does or several do equally; the others that do."""
    ranked = sorted(columns, key=_points, reverse=True)
    likely = [column for column in ranked if _points(column) >= 2.0]
    if not likely:
        return None, ()
    best, *others = likely
    rivals = [one for one in others if _points(one) == _points(best)]
    names = tuple(one.name for one in others if _points(one) >= 3.0)
    if any(not _divide_alike(best, one) for one in rivals):
        return None, tuple(dict.fromkeys((best.name, *(one.name for one in rivals), *names)))
    return best, names


def read_outcomes(column: ColumnProfile, stated: StatedOutcomes = NOTHING_STATED) -> Outcomes:
    """Divide the levels of an outcome by what the user says, and by the words of levels and name.

    Raises:
        ContractError: for a column of dates, of many numbers that no comparison divides or of many texts, which is no
            outcome, and for a stated level that it does not have.
    """
    counts = _counts(column)
    known = tuple(level for level in counts if not _is_missing(level))
    stated = stated.spelled_as(known)
    if any(level[:1] in ("<", ">") and level not in known for level in stated.levels):
        return _by_threshold(column, stated, counts)
    _check(column, known, stated, counts)
    missing = tuple(level for level in counts if _is_missing(level) and level not in stated.levels)
    if stated.levels:
        bad, good, why = _as_stated(known, stated)
    else:
        bad, good, why = _by_words(column.name, known)
    undecided = tuple(level for level in known if level not in (*bad, *good))
    strange = tuple(level for level in undecided if level not in stated.undecided and meaning(level) is Meaning.UNKNOWN)
    question = _question(column.name, known, bad, good)
    if question:
        return Outcomes(column.name, counts, (), (), (), strange, "", question)
    return Outcomes(column.name, counts, bad, good, (*undecided, *missing), strange, why, "")


def _by_threshold(column: ColumnProfile, stated: StatedOutcomes, counts: Mapping[str, int]) -> Outcomes:
    """The numbers of an outcome, divided by the comparison that the user names. Cells that are no numbers, codes for
    "missing" among them, are undecided.
    """
    name, bad_if = column.name, threshold(stated.bad[0]) if len(stated.bad) == 1 else None
    if bad_if is None or stated.good:
        what = f"a comparison stands among the levels {', '.join(map(repr, stated.levels))} of {name!r}"
        remedy = "Give --bad once, as >=90, >90, <=90 or <90 with a decimal point, and no --good: all others are good."
        raise ContractError(what, remedy)
    if column.type not in (FieldType.INTEGER, FieldType.NUMBER) or column.values is None:
        raise ContractError(f"{name!r} holds no numbers, and {bad_if} compares them", "Name the column with --target.")
    if column.notation.question:
        return Outcomes(name, counts, (), (), (), (), "", column.notation.question, bad_if)
    if strange := [level for level in stated.undecided if level not in counts]:
        raise ContractError(f"{name!r} has no level {strange[0]!r} in the rows looked at", "Leave it out.")
    numbers = dict(zip(column.cells, column.values.tolist(), strict=True))
    open_ones = {numbers[level] for level in stated.undecided}
    levels = [level for level in counts if np.isfinite(numbers[level]) and numbers[level] not in open_ones]
    is_bad = bad_if.met(np.array([numbers[level] for level in levels]))
    if not levels or is_bad.all() or not is_bad.any():
        span = f"go from {np.nanmin(column.values):g} to {np.nanmax(column.values):g}" if levels else "are no numbers"
        what = f"{bad_if} divides nothing: the cells of {name!r} in the rows looked at {span}"
        raise ContractError(what, "Name a number between them, or another column with --target.")
    bad, good = (
        tuple(level for level, one in zip(levels, is_bad, strict=True) if one == kind) for kind in (True, False)
    )
    undecided = tuple(level for level in counts if level not in levels)
    return Outcomes(name, counts, bad, good, undecided, (), "as named with --bad", "", bad_if)


def _counts(column: ColumnProfile) -> dict[str, int]:
    return {str(level): int(n) for level, n in column.cells.value_counts(sort=True).items()}


def _is_missing(level: str) -> bool:
    return not level or level.lower() in MISSING_WORDS


def _check(column: ColumnProfile, known: Sequence[str], stated: StatedOutcomes, counts: Mapping[str, int]) -> None:
    name = column.name
    if column.type is FieldType.DATE:
        raise ContractError(
            f"{name!r} holds dates, and an outcome is good or bad",
            "Name another column with --target, or write one of 0 and 1 first.",
        )
    if column.type in (FieldType.INTEGER, FieldType.NUMBER) and len(known) > MAX_NUMBERS:
        raise ContractError(
            f"{name!r} holds {len(known):,} different numbers, and an outcome is good or bad",
            f"Decide from which number on an application is bad, and say so, for example with --target {name} "
            "--bad '>=90'; or name another column with --target.",
        )
    if len(known) > MAX_CLASSES:
        raise ContractError(
            f"{name!r} holds {len(known):,} different texts, and an outcome is one of a few",
            "Name another column with --target.",
        )
    if strange := [level for level in stated.levels if level not in counts]:
        raise ContractError(
            f"{name!r} has no level {strange[0]!r} in the rows looked at", f"It has: {', '.join(map(repr, known))}."
        )
    twice = [level for level in stated.levels if stated.levels.count(level) > 1]
    if twice:
        raise ContractError(f"{twice[0]!r} is named twice among --bad, --good and --undecided", "Keep it in one.")


def _as_stated(known: Sequence[str], stated: StatedOutcomes) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Bad and good levels where the user names some, and why."""
    rest = [level for level in known if level not in stated.levels]
    bad, good = stated.bad, stated.good
    if bad and not good:
        by_words = tuple(level for level in rest if meaning(level) is Meaning.GOOD)
        good = by_words or tuple(level for level in rest if meaning(level) in (Meaning.UNKNOWN, Meaning.SOUND))
    elif good and not bad:
        by_words = tuple(level for level in rest if meaning(level) is Meaning.BAD)
        bad = by_words or (tuple(rest) if len(rest) == 1 else ())
    elif not good and not bad:
        bad = tuple(level for level in rest if meaning(level) is Meaning.BAD)
        good = tuple(level for level in rest if meaning(level) is Meaning.GOOD)
    return bad, good, "as named with --bad, --good or --undecided"


def _by_words(name: str, known: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Bad and good levels by their words, or by the column's name where they are yes and no; and why."""
    if is_yes_or_no(frozenset(known)):
        yes, no = sorted(known, key=is_yes, reverse=True)
        match meaning(name):
            case Meaning.BAD | Meaning.LATE:
                return (yes,), (no,), f"its name says that {yes} is bad"
            case Meaning.GOOD | Meaning.SOUND:
                return (no,), (yes,), f"its name says that {yes} is good"
        return (), (), ""
    if {folded(level) for level in known} == {"b", "g"}:
        bad, good = sorted(known, key=str.lower)
        return (bad,), (good,), "B and G stand for bad and good"
    means = {level: meaning(level) for level in known}
    if len(known) == 2 and set(means.values()) in (
        {Meaning.BAD, Meaning.SOUND},
        {Meaning.LATE, Meaning.SOUND},
        {Meaning.LATE, Meaning.GOOD},
    ):
        trouble = (Meaning.BAD, Meaning.LATE)
        bad = next(level for level in known if means[level] in trouble)
        good = next(level for level in known if means[level] not in trouble)
        if means[good] is Meaning.SOUND or _speaks_of_time(good):
            return (bad,), (good,), "its two levels are opposites"
    return (
        tuple(level for level in known if means[level] is Meaning.BAD),
        tuple(level for level in known if means[level] is Meaning.GOOD),
        "by the words of its levels",
    )


def _speaks_of_time(level: str) -> bool:
    """Whether a level is the opposite of being late, and not of a loss: on time, not overdue."""
    return hints(level, "on_time")


def _question(name: str, known: Sequence[str], bad: Sequence[str], good: Sequence[str]) -> str:
    """What is left to decide before the column can be an outcome."""
    if not known:
        return f"{name!r} is empty in the rows looked at: name another column with --target"
    if len(known) == 1:
        return (
            f"{name!r} has one level only, {known[0]!r}: name another column with --target, or add rows of other kinds"
        )
    if bad and good:
        return ""
    listed = ", ".join(repr(level) for level in known[:MAX_NUMBERS])
    if is_yes_or_no(frozenset(known)) or not (bad or good):
        several = f"its {len(known)} levels" if len(known) > 2 else "its levels"
        return f"neither the name of {name!r} nor {several} ({listed}) tell which are bad: name each with --bad"
    lacking, found = ("good", bad) if bad else ("bad", good)
    ask = " and the good ones with --good" if lacking == "good" else ""
    return (
        f"of the levels of {name!r} ({listed}) only {', '.join(map(repr, found))} says how it ended, and none is "
        f"{lacking}: name each bad level with --bad{ask}"
    )


_STRONG_NAMES = frozenset({
    "outcome", "target", "label", "y", "class", "default", "bad", "good bad", "bad flag", "gb flag", "loan status",
    "loan default", "default payment next month", "repaid", "违约", "是否违约", "标签", "目标", "贷款状态",
})  # fmt: skip
_WEAK_NAMES = frozenset({
    "status", "class", "label", "y", "result", "flag", "state", "zustand", "statut", "estado", "situacao", "状态",
})  # fmt: skip


def _points(column: ColumnProfile) -> float:
    """How much a column looks like an outcome; 2 and more is likely."""
    known = [level for level in _counts(column) if not _is_missing(level)] if len(column.levels) <= MAX_CLASSES else []
    numeric = column.type in (FieldType.INTEGER, FieldType.NUMBER)
    if len(known) < 2 or column.type is FieldType.DATE or (numeric and len(known) > MAX_NUMBERS):
        return 0.0
    bad, good, _ = _by_words(column.name, known)
    name = folded(column.name)
    named = hints(column.name, "target") or name in _WEAK_NAMES
    clear = bool(bad and good) and (named or (not is_yes_or_no(frozenset(known)) and _understood(column, known)))
    points = 3.0 * clear + (name in _STRONG_NAMES) + named
    points += len(known) == 2 or (name in _WEAK_NAMES and not numeric) or name in _STRONG_NAMES
    return points - 3.0 * (hints(column.name, "history") or hints(column.name, "measure"))


def _understood(column: ColumnProfile, known: Sequence[str]) -> bool:
    """Whether nearly all rows have a level that is a word for an outcome."""
    words = [level for level in known if meaning(level) is not Meaning.UNKNOWN]
    return bool(column.cells.isin(words).sum() >= _SAME * column.cells.isin(known).sum())


def _divide_alike(one: ColumnProfile, other: ColumnProfile) -> bool:
    """Whether two columns divide nearly all rows alike, as two spellings of one outcome do."""
    pairs = pd.crosstab(one.cells.to_numpy(), other.cells.to_numpy())
    return bool(pairs.max(axis=1).sum() >= _SAME * len(one.cells) and pairs.max(axis=0).sum() >= _SAME * len(one.cells))
