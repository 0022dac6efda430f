"""Columns of a batch that are unlike those of the training rows: at most one warning for each.

A warning is for what no drift of applicants does: nearly all rows lack the column, or hold levels that the model does
not know, one value, numbers outside the range of training, or the same numbers in another unit. Each must also be
nearly impossible by chance where training rows are drawn anew, so that small batches do not cry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import bdtrc

from data_schemas.contract import Schema
from data_schemas.messages import Message, Number, Value, message, with_commas
from features.arrays import Floats
from features.batches.column_counts import PER_DECADE, ColumnCounts, ColumnProfile, Counts, Profiles

LEAST_ROWS = 10
NEARLY_ALL = 0.9
USUAL = 0.8  # what training had more often than that is no news
SOME = 0.02  # of the rows have to spell a level otherwise
FEWER = 0.1  # rows of the usual kind are left, of those that training had
CHANCE = 1e-6

_QUARTILES = (0.25, 0.5, 0.75)
_DECADES = range(1, 7)
_NEAR = 0.2  # of a power of ten, in decades
_LISTED = 5

Kind = Literal["missing", "unknown", "spelling", "unread", "power_of_ten", "outside", "constant"]


@dataclass(frozen=True)
class ColumnWarning:
    """A column of a batch that is unlike that of the training rows.

    Attributes:
        column: its name.
        kind: in which way.
        message: what is unlike, and what may be the cause.
    """

    column: str
    kind: Kind
    message: Message


Test = Callable[[ColumnProfile, ColumnCounts], tuple[Kind, Message] | None]


def unlike_training(profiles: Profiles, counts: Counts, schema: Schema) -> tuple[ColumnWarning, ...]:
    """The columns of a batch that are unlike those of training, in the order of the contract; a derived feature is
    named where none of those that it is computed from is, or one for holding one value alone.
    """
    parts = {derived.name: derived.of for derived in schema.derived}
    columns = [field.name for field in (*schema.features, *schema.narratives)]
    found: dict[str, ColumnWarning] = {}
    for name in (*columns, *parts):
        explained = any(part in found and found[part].kind != "constant" for part in parts.get(name, ()))
        if name in profiles and name in counts and not explained:
            for test in _TESTS:
                if (fault := test(profiles[name], counts[name])) is not None:
                    found[name] = ColumnWarning(name, *fault)
                    break
    return tuple(found.values())


def _missing(profile: ColumnProfile, counts: ColumnCounts) -> tuple[Kind, Message] | None:
    then = profile.counts
    if not _nearly_all(then.missing, then.rows, counts.missing, counts.rows):
        return None
    rows, share = _of(counts.missing, counts.rows), _share(then.missing, then.rows)
    return "missing", message("{rows} lack it; in training {share} did", rows=rows, share=share)


def _strange(profile: ColumnProfile, counts: ColumnCounts) -> tuple[Kind, Message] | None:
    then = profile.counts
    spellings = _spellings(profile, counts)
    if _nearly_all(then.strange, then.given, counts.strange, counts.given):
        rows = _of(counts.strange, counts.given)
        if not profile.levels:
            return "unread", message("{rows} hold a text that the encoder cannot read", rows=rows)
        return "unknown", _spelled(message("{rows} hold a level that the model does not know", rows=rows), spellings)
    if spellings is not None:
        rows = _of(sum(counts.spellings.values()), counts.given)
        return "spelling", _spelled(message("{rows} hold a known level in another spelling", rows=rows), spellings)
    return None


def _spelled(words: Message, spellings: Value | None) -> Message:
    """The words, with the spellings where there are any."""
    if spellings is None:
        return words
    return message(
        '{words} ({spellings}). Write the known level, or give the field "match": "loose" in the contract and train '
        "again",
        words=words,
        spellings=spellings,
    )


def _spellings(profile: ColumnProfile, counts: ColumnCounts) -> Value | None:
    """The other spellings of known levels; None where they are few or training had its share of them."""
    n_then, n_now = sum(profile.counts.spellings.values()), sum(counts.spellings.values())
    if not n_now or n_now < SOME * counts.given:
        return None
    if n_then and not _unlikely(n_then, profile.counts.given, n_now, counts.given):
        return None
    new = sorted(counts.spellings, key=lambda level: (-counts.spellings[level], level))
    named = with_commas(
        [
            message("{spelling}: perhaps {level}", spelling=repr(counts.examples[level]), level=repr(level))
            for level in new[:_LISTED]
        ]
    )
    if len(new) <= _LISTED:
        return named
    return message("{names} and {n} more", names=named, n=Number(len(new) - _LISTED))


def _other_unit(profile: ColumnProfile, counts: ColumnCounts) -> tuple[Kind, Message] | None:
    """Whether the quartiles of the magnitudes moved by one power of ten alike."""
    n_then, n_now = sum(profile.counts.magnitudes.values()), sum(counts.magnitudes.values())
    if min(n_then, n_now) < LEAST_ROWS or _constant(profile, counts) is not None:
        return None
    then, now = _quartiles(profile.counts.magnitudes), _quartiles(counts.magnitudes)
    moved = now - then
    power = round(float(moved[1]))
    spread = max(then[2] - then[0], now[2] - now[0]) / 1.35
    error = 1.25 * spread * np.sqrt(1 / n_then + 1 / n_now)  # of a median of a normal distribution
    near = _NEAR + 3 * error
    if abs(power) not in _DECADES or near > 0.5 or max(np.abs(moved - power).max(), np.ptp(moved)) > near:
        return None
    factor = Number(10 ** abs(power), ",")
    return "power_of_ten", message(
        "its numbers are about {times} those of training (median size {now}, in training {then}). Is it in another "
        "unit?",
        times=message("{factor} times", factor=factor) if power > 0 else message("a {factor}th of", factor=factor),
        now=_number(now[1]),
        then=_number(then[1]),
    )


def _outside(profile: ColumnProfile, counts: ColumnCounts) -> tuple[Kind, Message] | None:
    then = profile.counts
    if profile.low is None or profile.high is None:
        return None
    if not _nearly_all(then.outside, then.given, counts.outside, counts.given):
        return None
    return "outside", message(
        "{rows} lie outside the range of training, {low} to {high}",
        rows=_of(counts.outside, counts.given),
        low=Number(profile.low, ".6g"),
        high=Number(profile.high, ".6g"),
    )


def _constant(profile: ColumnProfile, counts: ColumnCounts) -> tuple[Kind, Message] | None:
    then = profile.counts
    if not _nearly_all(then.commonest, then.given, counts.commonest, counts.given):
        return None
    rows, usual = _of(counts.commonest, counts.given), _share(then.commonest, then.given)
    return "constant", message("{rows} hold one value; in training at most {usual} did", rows=rows, usual=usual)


_TESTS: tuple[Test, ...] = (_missing, _strange, _other_unit, _outside, _constant)


def _nearly_all(k_then: int, n_then: int, k_now: int, n_now: int) -> bool:
    """Whether nearly all rows are of a kind of which far fewer were in training."""
    if n_now < LEAST_ROWS or k_now < NEARLY_ALL * n_now or k_then > USUAL * n_then:
        return False
    if (n_now - k_now) * max(n_then, 1) > FEWER * (n_then - k_then) * n_now:
        return False
    return _unlikely(k_then, n_then, k_now, n_now)


def _unlikely(k_then: int, n_then: int, k_now: int, n_now: int) -> bool:
    """Whether a batch of ``n_now`` rows, each like one of training, would hardly have ``k_now`` of a kind of which
    training had ``k_then`` among ``n_then``.
    """
    share = (k_then + 1) / (n_then + 2)
    return bool(bdtrc(k_now - 1, n_now, share) < CHANCE)


def _quartiles(magnitudes: Mapping[int, int]) -> Floats:
    """float64 (3,): quartiles of log10 |x|, from counts by magnitude."""
    steps = np.array(sorted(magnitudes))
    below = np.cumsum([magnitudes[step] for step in steps.tolist()])
    at = np.searchsorted(below, np.array(_QUARTILES) * below[-1])
    quartiles: Floats = (steps[at] + 0.5) / PER_DECADE
    return quartiles


def _number(magnitude: float) -> Number:
    """A number of this magnitude, for reading."""
    value = 10 ** float(magnitude)
    return Number(value, ",.0f" if value >= 1000 else ".2g")


def _of(n: int, total: int) -> Message:
    every = Number(total, ",")
    if n == total:
        return message("all {n} rows", n=every)
    return message("{n} of {total} rows", n=Number(n, ","), total=every)


def _share(n: int, total: int) -> Value:
    return Number(n / total, ".1%") if total else message("none")


def in_lines(warnings: Iterable[ColumnWarning]) -> dict[str, str]:
    """The warnings by column, for a summary."""
    return {warning.column: str(warning.message) for warning in warnings}
