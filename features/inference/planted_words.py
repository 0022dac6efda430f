"""Words in free texts that know the outcome, because they were written there after the decision.

Two signs: a word that nearly only the rarer outcome has; and a mark set apart in brackets or behind a dash, as systems
add one to a title ("(Canceled)"), that goes with one outcome far more often than chance allows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from features.arrays import Floats, Ints
from features.inference.leakage import MIN_ROWS, LeakSign, lower_bound, one_sided
from features.text.words import words_of

MOST_NAMED = 3
_ODDS_RATIO = 3.0  # at least, by its lower bound, of a mark's texts against all
_MARK_WORDS = 3
_BRACKETS = re.compile(r"[(\[{<（【［]([^()\[\]{}<>（）【】［］]{1,40})[)\]}>）】］]")
_BEHIND_DASH = re.compile(r"(?:\s[-–—|*/]+|[:;|])\s*([^-–—|*/:;]{1,40})$")
_BEFORE_COLON = re.compile(r"^\W*([^:|]{1,40})[:|]\s")

Texts = Sequence[str] | npt.NDArray[np.object_]


def leak_by_words(texts: Texts, outcome: Floats) -> LeakSign | None:
    """Why words of free texts may have been written after the outcome was known; None where nothing suggests it.

    Only a person can tell whether applicants wrote them, so no such sign is certain.

    Args:
        texts: str objects (n,), "" where nothing is written.
        outcome: float64 (n,), 1 and 0 for the two outcomes, NaN for rows without one.
    """
    written = np.array([bool(text) for text in texts], dtype=np.bool_)
    rows = np.flatnonzero(written & np.isfinite(outcome))
    y, own = outcome[rows], [texts[row] for row in rows.tolist()]
    if len(y) < MIN_ROWS or y.min() == y.max():
        return None
    found = [*_signs(own, y, marks_of, _far_apart), *_signs(own, y, words_of, _nearly_all)]
    most = sorted(found, key=lambda sign: -sign[0])[:MOST_NAMED]
    return LeakSign(certain=False, why="; ".join(why for _, why in most)) if most else None


def marks_of(text: str) -> list[str]:
    """What stands apart in a text: in brackets, behind its last dash or colon, before its first colon; lower-cased."""
    found = [*_BRACKETS.findall(text), *_BEHIND_DASH.findall(text), *_BEFORE_COLON.findall(text)]
    marks = (" ".join(words_of(one)) for one in found)
    return [mark for mark in marks if mark and len(mark.split()) <= _MARK_WORDS]


def _signs(
    texts: Iterable[str], y: Floats, parts_of: Callable[[str], Sequence[str]], judge: Callable[[str, Ints, Floats], str]
) -> list[tuple[int, str]]:
    """What is suspicious of the parts of texts that occur often enough: in how many rows, and why."""
    rows = defaultdict[str, list[int]](list)
    for row, text in enumerate(texts):
        for part in set(parts_of(text)):
            rows[part].append(row)
    often = ((part, np.array(at)) for part, at in rows.items() if MIN_ROWS <= len(at) < len(y))
    return [(len(at), why) for part, at in often if (why := judge(part, at, y))]


def _nearly_all(word: str, rows: Ints, y: Floats) -> str:
    chosen = np.zeros(len(y), dtype=np.bool_)
    chosen[rows] = True
    sign = one_sided(chosen, y, f"the word “{word}” is in")
    return sign.why if sign is not None and sign.certain else ""


def _far_apart(mark: str, rows: Ints, y: Floats) -> str:
    for share, usual in ((y[rows].mean(), y.mean()), (1 - y[rows].mean(), 1 - y.mean())):
        least = lower_bound(float(share), np.repeat((1.0, 0.0), len(rows)))
        if least * (1 - usual) >= _ODDS_RATIO * usual * (1 - least):
            alike = f"{share:.1%} of them with one and the same outcome, which {usual:.1%} of all have"
            return f"“{mark}” is set apart in {len(rows):,} rows, {alike}"
    return ""
