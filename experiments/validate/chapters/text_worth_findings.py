"""How much better the model is than one that reads columns only, and what that comes to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from experiments.reporting.document import Finding
from experiments.reporting.words import count, listed, number, p_value, signed
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import MIN_BADS, Slice, enough
from fusion.metrics import Gain, auc, brier_gain, delong

LEVEL = 0.05
SILENT = "without"
"""How the name of the rows begins whose applicants did not write the main narrative."""


@dataclass(frozen=True)
class Compared:
    """The model against its ablations on some rows.

    areas: AUC of the model, of columns only, of narratives only; None where goods or bads are too few. auc, brier: what
    the model gains over columns only; None where that cannot be said.
    """

    name: str
    n: int
    n_bad: int
    areas: tuple[float, float, float] | None
    auc: Gain | None
    brier: Gain | None


def compare(judged: ScoredOutcomes, part: Slice) -> Compared:
    """The model against its ablations on the rows of a slice."""
    y, margins = judged.y[part.rows], judged.margins.at(part.rows)
    gain = _sound(brier_gain(y, margins.fused, margins.columns_only))
    if not enough(y):
        return Compared(part.name, len(y), int(y.sum()), None, None, gain)
    return Compared(
        part.name,
        len(y),
        int(y.sum()),
        (auc(y, margins.fused), auc(y, margins.columns_only), auc(y, margins.text_only)),
        _sound(delong(y, margins.fused, margins.columns_only)),
        gain,
    )


def _sound(gain: Gain) -> Gain | None:
    return gain if math.isfinite(gain.difference) else None


def findings(overall: Sequence[Compared], single: Sequence[Compared]) -> tuple[Finding, ...]:
    """What the gains come to. overall: all rows, then those with and without narratives. single: by length and by
    segment.
    """
    every, silent = overall[0], [one for one in overall[1:] if one.name.startswith(SILENT)]
    if every.auc is None or every.areas is None:
        return (
            Finding(
                key="text_worth",
                grade="note",
                title="What the narratives add to the ranking cannot be said.",
                words=f"{count(every.n, 'row')} with {every.n_bad:,} bads: it takes {MIN_BADS} goods and as many bads.",
            ),
        )
    return (_ranking(every.auc, every.areas), *_brier(every), *_silent(silent), *_single(single))


def _ranking(gain: Gain, areas: tuple[float, float, float]) -> Finding:
    said = (
        f"The AUC is {number(areas[0], 4)} with the narratives and {number(areas[1], 4)} without, a difference of "
        f"{_told(gain)}"
    )
    if gain.p >= LEVEL:
        return Finding(
            key="text_worth",
            grade="note",
            title="That the narratives earn their keep is not shown here.",
            words=f"{said}. That may be chance. Until more rows show a gain, columns alone may do as well, and they "
            "ask less of the applicants.",
        )
    if gain.difference < 0:
        return Finding(
            key="text_worth",
            grade="concern",
            title="Reading the narratives makes it worse.",
            words=f"{said}, more than chance. Score by columns alone until it is known why: people may write otherwise "
            "than when the model was trained.",
        )
    more = 1000 * gain.difference
    return Finding(
        key="text_worth",
        grade="good",
        title="The narratives earn their keep.",
        words=f"{said}, more than chance. Of 1,000 pairs of a bad and a good applicant it puts "
        f"{number(more, 1 if more < 10 else 0)} more in the right order.",
    )


def _told(gain: Gain) -> str:
    p = p_value(gain.p)
    return f"{signed(gain.difference, 4)} (95 % interval {signed(gain.low, 4)} to {signed(gain.high, 4)}, {p})"


def _brier(every: Compared) -> list[Finding]:
    if every.brier is None or every.brier.p >= LEVEL:
        return []
    key, gain = "text_worth_brier", every.brier
    said = f"The mean squared error of the PDs (Brier score) is {number(abs(gain.difference), 5)}"
    p = p_value(gain.p)
    if gain.difference > 0:
        words = f"{said} less with the narratives, more than chance ({p})."
        return [Finding(key=key, grade="good", title="With the narratives the PDs err less.", words=words)]
    words = f"{said} more with the narratives, more than chance ({p}). See the chapter on calibration."
    return [Finding(key=key, grade="concern", title="With the narratives the PDs err more.", words=words)]


def _silent(silent: Sequence[Compared]) -> list[Finding]:
    """Whether those who did not write are judged worse for it."""
    return [
        Finding(
            key="text_worth_silent",
            grade="concern",
            title="Those who did not write are ranked worse than by columns alone.",
            words=f"Among applicants {one.name} the narratives change the AUC by {_told(one.auc)}.",
        )
        for one in silent
        if one.auc and one.auc.p < LEVEL and one.auc.difference < 0
    ]


def _single(single: Sequence[Compared]) -> list[Finding]:
    """Lengths and segments in which the narratives do harm, or are alone of use, though they are many."""
    judged = [(one.name, one.auc) for one in single if one.auc]
    if len(judged) < 2:
        return []
    key, few = "text_worth_parts", LEVEL / len(judged)
    harmed = [name for name, gain in judged if gain.p < few and gain.difference < 0]
    n_better = sum(gain.p < LEVEL and gain.difference > 0 for _, gain in judged)
    n_worse = sum(gain.p < LEVEL and gain.difference < 0 for _, gain in judged)
    said = (
        f"Of {len(judged)} lengths and segments, {n_better} gain and {n_worse} lose by themselves at the level of 5 %; "
        f"chance alone would bring about {number(LEVEL / 2 * len(judged), 1)} of each"
    )
    if harmed:
        words = f"{said}. In {listed(harmed)} the loss stays beyond chance when that is allowed for (Bonferroni)."
        return [Finding(key=key, grade="concern", title="In some parts the narratives do harm.", words=words)]
    words = f"{said}. No loss is beyond chance when that is allowed for (Bonferroni)."
    return [Finding(key=key, grade="good", title="In no part are the narratives shown to do harm.", words=words)]
