"""The check on held-out rows: what the study keeps of it, and whether the gain is beyond chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from experiments.reporting.sweep_report import FinalCheck, HeldOutFigures, Outcome, SweepGain
from experiments.reporting.words import count, day, number, p_value, signed
from experiments.sweep.study_snapshot import Evidence

HEADS: Mapping[Outcome, str] = {
    "better": "the gain is beyond chance",
    "worse": "the best settings are worse than the default, beyond chance",
    "mixed": "one figure is better than the default's and the other is worse, both beyond chance",
    "unsure": "the gain is not significant: chance could explain it, and the default may be as good",
}


def final_check(evidence: Evidence) -> FinalCheck | None:
    """What the study keeps of the check on held-out rows; None where there was none."""
    kept: Any = evidence.study.user_attrs.get("final")
    if not kept:
        return None
    looks = max(int(kept.get("looks", 1)), 1)
    gains = _gains([kept.get("auc_gain"), kept.get("brier_gain")], looks)
    return FinalCheck(
        best_trial=kept["best_trial"],
        n=kept["rows"],
        n_bad=kept["bad"],
        since=date.fromisoformat(kept["from"][:10]) if kept.get("from") else None,
        default=_held_out(kept["default"]),
        best=_held_out(kept["best"]),
        auc_gain=gains[0],
        brier_gain=gains[1],
        looks=looks,
    )


def judge(evidence: Evidence, check: FinalCheck | None) -> Outcome:
    """One word for the held-out comparison: better, where one figure is and none is worse.

    Said beyond chance at 5 % for all comparisons together.
    """
    best, default = evidence.best, evidence.default
    if best and default and best.number == default.number:
        return "same"
    if best is None or check is None or check.best_trial != best.number:
        return "unchecked"
    said = {gain.outcome for gain in (check.auc_gain, check.brier_gain) if gain}
    if not said:
        return "unchecked"
    if said >= {"better", "worse"}:
        return "mixed"
    return next((word for word in ("worse", "better") if word in said), "unsure")


def verdict(evidence: Evidence, outcome: Outcome, check: FinalCheck | None) -> str:
    """Whether the gain is beyond chance, as a sentence."""
    best = evidence.best
    if best is None:
        return "Nothing was checked on held-out rows."
    if outcome == "same":
        return "The best settings are the default itself: there is no gain, and nothing to adopt."
    if check is None:
        return "It was not checked on held-out rows, so nobody knows yet whether the gain is more than chance."
    if check.best_trial != best.number:
        return (
            f"The held-out rows were used for trial {check.best_trial}, the best one then, and not for trial "
            f"{best.number}: whether that is better than the default is not known."
        )
    since = f" (decided from {day(check.since)} on)" if check.since else ""
    where = f"On {count(check.n, 'row')} that no trial saw{since}"
    parts = [
        _gain_words(name, gain, digits, outcome)
        for name, gain, digits in (("AUC", check.auc_gain, 4), ("Brier score", check.brier_gain, 5))
        if gain
    ]
    if not parts:
        return f"{where}, the gain could not be judged: they hold too few good or bad outcomes."
    return f"{where}, {HEADS[outcome]}: {'; '.join(parts)}.{_corrected(check)}"


def _corrected(check: FinalCheck) -> str:
    """What the word significant was corrected for; "" where there was one comparison."""
    said = ["two tests"] if check.auc_gain and check.brier_gain else []
    said += [f"{number(check.looks)} looks at these rows"] if check.looks > 1 else []
    told = f"corrected for {' and '.join(said)} (Holm)"
    return f" What is called significant is {told}; the intervals and p are not." if said else ""


def _gain_words(name: str, gain: SweepGain, digits: int, outcome: Outcome) -> str:
    p = p_value(gain.p)
    better = "better" if gain.difference >= 0 else "worse"
    aside = ", not significant" if gain.outcome == "unsure" and outcome != "unsure" else ""
    interval = f"{signed(gain.low, digits)} to {signed(gain.high, digits)}"
    return f"{name} {number(abs(gain.difference), digits)} {better} (95 % interval {interval}, {p}{aside})"


def _gains(kept: Sequence[Mapping[str, Any] | None], looks: int) -> list[SweepGain | None]:
    """The comparisons of a check, those without figures as None."""
    plain = [{name: _finite((one or {}).get(name)) for name in ("difference", "low", "high", "p")} for one in kept]
    known = [number for number, one in enumerate(plain) if None not in one.values()]
    corrected = holm([plain[number]["p"] or 0.0 for number in known], looks)
    made: list[SweepGain | None] = [None] * len(plain)
    for place, p in zip(known, corrected, strict=True):
        made[place] = SweepGain.model_validate(plain[place] | {"p_corrected": p})
    return made


def holm(p: Sequence[float], times: int = 1) -> list[float]:
    """p by Holm's correction for all of them, in their order. times: how often the whole set was tried."""
    corrected, reached = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda number: p[number])):
        reached = max(reached, min(p[place] * (len(p) - rank) * times, 1.0))
        corrected[place] = reached
    return corrected


def _held_out(kept: Mapping[str, Any]) -> HeldOutFigures:
    return HeldOutFigures(**{name: _finite(kept.get(name)) for name in ("auc", "brier", "log_loss", "slope")})


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and abs(float(value)) < float("inf") else None
