"""The check on held-out rows: what the study keeps of it, and whether the gain is beyond chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from experiments.reporting.document import Cell, Column, Finding, Gap, Grade, Interval, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import count, day, number, p_value, sentences, signed
from experiments.sweep.study_snapshot import StudySnapshot
from experiments.sweep.targets import joined

Outcome = Literal["better", "unsure", "mixed", "worse", "same", "unchecked"]
"""What the check on held-out rows shows of the best settings: better or worse than the default beyond chance, unsure,
mixed (one figure better, the other worse), the same settings, or not checked."""

SIGNIFICANT = 0.05  # two-sided
FIGURES = ("auc", "brier", "log_loss", "slope")
GRADES: Mapping[Outcome, Grade] = {
    "better": "good",
    "unsure": "note",
    "mixed": "concern",
    "worse": "alarm",
    "same": "note",
    "unchecked": "note",
}
OUTCOMES: Mapping[Outcome, str] = {
    "better": gettext_noop("better, beyond chance"),
    "unsure": gettext_noop("not significant"),
    "mixed": gettext_noop("better in one figure, worse in the other"),
    "worse": gettext_noop("worse, beyond chance"),
    "same": gettext_noop("no change"),
    "unchecked": gettext_noop("not checked"),
}
HEADS: Mapping[Outcome, str] = {
    "better": gettext_noop("{where}, the gain is beyond chance: {figures}."),
    "worse": gettext_noop("{where}, the best settings are worse than the default, beyond chance: {figures}."),
    "mixed": gettext_noop(
        "{where}, one figure is better than the default's and the other is worse, both beyond chance: {figures}."
    ),
    "unsure": gettext_noop(
        "{where}, the gain is not significant: chance could explain it, and the default may be as good: {figures}."
    ),
}


@dataclass(frozen=True)
class HeldOutGain:
    """How much better the best settings are in one figure.

    interval: the gain, above 0 where the best settings are better, with its 95 % interval.
    p: two-sided.
    p_corrected: p by Holm's correction for all comparisons of the check, of every look at its rows.
    """

    interval: Interval
    p: float
    p_corrected: float

    @property
    def outcome(self) -> Outcome:
        """The word for it."""
        if self.p_corrected >= SIGNIFICANT:
            return "unsure"
        return "better" if self.interval.value > 0 else "worse"


@dataclass(frozen=True)
class FinalCheck:
    """Default and best settings, both fitted anew and compared once on rows that no trial saw.

    best_trial: the trial whose settings were checked.
    n: rows.
    n_bad: bad ones among them.
    since: the first decision date held out, None without dates.
    default: figures of the default settings, those that exist.
    best: figures of the best settings, those that exist.
    auc_gain: by DeLong's test; None where it does not exist.
    brier_gain: by a paired test; None where it does not exist.
    looks: how often these rows were looked at, for whichever trial was the best then.
    """

    best_trial: int
    n: int
    n_bad: int
    since: date | None
    default: Mapping[str, float]
    best: Mapping[str, float]
    auc_gain: HeldOutGain | None
    brier_gain: HeldOutGain | None
    looks: int

    @property
    def gains(self) -> list[HeldOutGain]:
        """Those that exist."""
        return [gain for gain in (self.auc_gain, self.brier_gain) if gain]


def final_check(snapshot: StudySnapshot) -> FinalCheck | None:
    """What the study keeps of the check on held-out rows; None where there was none."""
    kept: Any = snapshot.study.user_attrs.get("final")
    if not kept:
        return None
    looks = max(int(kept.get("looks", 1)), 1)
    gains = _gains([kept.get("auc_gain"), kept.get("brier_gain")], looks)
    return FinalCheck(
        best_trial=kept["best_trial"],
        n=kept["rows"],
        n_bad=kept["bad"],
        since=date.fromisoformat(kept["from"][:10]) if kept.get("from") else None,
        default=_finite(kept["default"]),
        best=_finite(kept["best"]),
        auc_gain=gains[0],
        brier_gain=gains[1],
        looks=looks,
    )


def outcome_of(snapshot: StudySnapshot, check: FinalCheck | None) -> Outcome:
    """One word for the held-out comparison: better, where one figure is and none is worse.

    Beyond chance means at 5 % for all comparisons together.
    """
    best, default = snapshot.best, snapshot.default
    if best and default and best.number == default.number:
        return "same"
    if best is None or check is None or check.best_trial != best.number:
        return "unchecked"
    outcomes = {gain.outcome for gain in check.gains}
    if not outcomes:
        return "unchecked"
    if outcomes >= {"better", "worse"}:
        return "mixed"
    return next((word for word in ("worse", "better") if word in outcomes), "unsure")


def verdict(snapshot: StudySnapshot, outcome: Outcome, check: FinalCheck | None) -> str:
    """Whether the gain is beyond chance, as a sentence."""
    best = snapshot.best
    if best is None:
        return gettext("Nothing was checked on held-out rows.")
    if outcome == "same":
        return gettext("The best settings are the default itself: there is no gain, and nothing to adopt.")
    if check is None:
        return gettext("It was not checked on held-out rows, so nobody knows yet whether the gain is more than chance.")
    if check.best_trial != best.number:
        return gettext(
            "The held-out rows were used for trial {checked}, the best one then, and not for trial {best}: whether "
            "that is better than the default is not known."
        ).format(checked=check.best_trial, best=best.number)
    if check.since:
        where = gettext("On {rows} that no trial saw (decided from {day} on)").format(
            rows=count(check.n, "row"), day=day(check.since)
        )
    else:
        where = gettext("On {rows} that no trial saw").format(rows=count(check.n, "row"))
    parts = [
        _gain_words(name, gain, digits, outcome)
        for name, gain, digits in (("AUC", check.auc_gain, 4), (gettext("Brier score"), check.brier_gain, 5))
        if gain
    ]
    if not parts:
        return gettext("{where}, the gain could not be judged: they hold too few good or bad outcomes.").format(
            where=where
        )
    words = gettext(HEADS[outcome]).format(where=where, figures=gettext("; ").join(parts))
    return sentences([words, _corrected(check)])


def finding(outcome: Outcome, check: FinalCheck | None) -> Finding:
    """What the check comes to."""
    words = ""
    if check is not None:
        if check.since:
            words = gettext(
                "Both were fitted anew and compared on {rows} decided from {day} on, {bads} of them bad."
            ).format(rows=count(check.n, "row"), day=day(check.since), bads=number(check.n_bad))
        else:
            words = gettext("Both were fitted anew and compared on {rows}, {bads} of them bad.").format(
                rows=count(check.n, "row"), bads=number(check.n_bad)
            )
    title = gettext("The best settings against the default on held-out rows: {outcome}").format(
        outcome=gettext(OUTCOMES[outcome])
    )
    return Finding(key="held_out_gain", grade=GRADES[outcome], title=title, words=words)


def figures_table(check: FinalCheck) -> Table:
    """The figures of both settings side by side, and the gains."""
    gains = {"auc": check.auc_gain, "brier": check.brier_gain}

    def gain_row(title: str, cells: Mapping[str, Cell]) -> tuple[Cell, ...]:
        return (title, *(cells.get(name) for name in FIGURES))

    def figure_row(title: str, figures: Mapping[str, float]) -> tuple[Cell, ...]:
        return (title, *(figures.get(name, Gap(gap=gettext("not defined"))) for name in FIGURES))

    return Table(
        key="held_out_figures",
        title=gettext("Default and best on held-out rows"),
        note=gettext(
            "The gain is positive where trial {trial} is better; below it stands its 95 % interval. p is two-sided, of "
            "DeLong's test for the AUC and of a paired test for the Brier score; the intervals and p are not corrected "
            "for the number of tests, the last row is (Holm)."
        ).format(trial=check.best_trial),
        columns=(
            Column(key="settings", title=gettext("Settings")),
            Column(key="auc", title="AUC", form="number", digits=4),
            Column(key="brier", title=gettext("Brier score"), form="number", digits=5),
            Column(key="log_loss", title=gettext("Log-loss"), form="number", digits=5),
            Column(key="slope", title=gettext("Calibration slope"), form="number", digits=3),
        ),
        rows=(
            figure_row(gettext("Default"), check.default),
            figure_row(gettext("Trial {trial}").format(trial=check.best_trial), check.best),
            gain_row(gettext("Gain"), {name: gain.interval for name, gain in gains.items() if gain}),
            gain_row("p", {name: gain.p for name, gain in gains.items() if gain}),
            gain_row(gettext("p, corrected"), {name: gain.p_corrected for name, gain in gains.items() if gain}),
        ),
    )


def _corrected(check: FinalCheck) -> str:
    """What the word significant was corrected for; "" where there was one comparison."""
    causes = [gettext("two tests")] if len(check.gains) > 1 else []
    if check.looks > 1:
        causes.append(gettext("{n} looks at these rows").format(n=number(check.looks)))
    if not causes:
        return ""
    return gettext("What is called significant is corrected for {causes} (Holm); the intervals and p are not.").format(
        causes=joined(causes)
    )


def _gain_words(name: str, gain: HeldOutGain, digits: int, outcome: Outcome) -> str:
    p = p_value(gain.p)
    is_better, aside = gain.interval.value >= 0, gain.outcome == "unsure" and outcome != "unsure"
    if aside:
        words = (
            gettext("{name} {gain} better (95 % interval {low} to {high}, {p}, not significant)")
            if is_better
            else gettext("{name} {gain} worse (95 % interval {low} to {high}, {p}, not significant)")
        )
    elif is_better:
        words = gettext("{name} {gain} better (95 % interval {low} to {high}, {p})")
    else:
        words = gettext("{name} {gain} worse (95 % interval {low} to {high}, {p})")
    return words.format(
        name=name,
        gain=number(abs(gain.interval.value), digits),
        low=signed(gain.interval.low, digits),
        high=signed(gain.interval.high, digits),
        p=p,
    )


def _gains(kept: Sequence[Mapping[str, Any] | None], looks: int) -> list[HeldOutGain | None]:
    """The comparisons of a check, those without figures as None."""
    plain = [_finite(one or {}) for one in kept]
    known = [place for place, one in enumerate(plain) if one.keys() >= {"difference", "low", "high", "p"}]
    made: list[HeldOutGain | None] = [None] * len(plain)
    for place, corrected in zip(known, holm([plain[place]["p"] for place in known], looks), strict=True):
        one = plain[place]
        interval = Interval(value=one["difference"], low=one["low"], high=one["high"])
        made[place] = HeldOutGain(interval, one["p"], corrected)
    return made


def holm(p: Sequence[float], times: int = 1) -> list[float]:
    """p by Holm's correction for all of them, in their order. times: how often the whole set was tried."""
    corrected, reached = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda number: p[number])):
        reached = max(reached, min(p[place] * (len(p) - rank) * times, 1.0))
        corrected[place] = reached
    return corrected


def _finite(kept: Mapping[str, Any]) -> dict[str, float]:
    """Those entries that are finite numbers."""
    return {name: float(x) for name, x in kept.items() if x is not None and math.isfinite(float(x))}
