"""What the pictures of a sweep show, in words that are worked out from the study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import spearmanr

from experiments.reporting.sweep_report import Chart, ChartKind, Target
from experiments.reporting.words import count, duration, number, percent, setting
from experiments.sweep.outcome import Line
from experiments.sweep.study_snapshot import FEWEST_RANKED, HINT, Evidence

TITLES: dict[ChartKind, str] = {
    "history": "How the search went",
    "importance": "Which settings matter",
    "slices": "The settings one by one",
    "parallel": "The settings together",
    "folds": "What was stopped early",
    "time": "Quality against time",
    "front": "What one objective costs in the other",
}
ALTS: dict[ChartKind, str] = {
    "history": "Points: the value of each complete trial by its number. Line: the best so far.",
    "importance": "Bars: the importance of each setting.",
    "slices": "One small picture per setting: its value in each complete trial against the trial's value. The darker "
    "the point, the later the trial.",
    "parallel": "One line per complete trial through its value and its settings; None: not asked for. The darker the "
    "line, the better the trial.",
    "folds": "One line per trial: its value over the folds so far. Whole: gone to the end; dashed: stopped early.",
    "time": "Points: the value of each complete trial against its seconds of fitting.",
    "front": "Points: the values of each complete trial in the first two objectives. Red: those on the front.",
}
TARGETS: Mapping[str, tuple[str, str, int]] = {
    "log_loss": ("out-of-fold log-loss", "", 5),
    "brier": ("out-of-fold Brier score", "", 5),
    "auc": ("out-of-fold AUC", "", 4),
    "ks": ("out-of-fold KS", "", 4),
    "cost": ("scoring cost", "ms per 1,000 rows", 1),
}

FIRST_STOP = 2  # folds after which a trial may be stopped


def targets(evidence: Evidence) -> tuple[Target, ...]:
    """The objectives in words."""
    made = []
    for name, direction in zip(evidence.objectives, evidence.study.directions, strict=True):
        title, unit, digits = TARGETS.get(name, (name, "", 5))
        goal = "maximize" if direction.name == "MAXIMIZE" else "minimize"
        made.append(Target(name=name, title=title, unit=unit, goal=goal, digits=digits))
    return tuple(made)


def charts(evidence: Evidence) -> tuple[Chart, ...]:
    """Every picture of the report with its words, and those that cannot be drawn with the reason."""
    makers: dict[ChartKind, Callable[[Evidence], str]] = {
        "history": history,
        "importance": importance,
        "slices": slices,
        "parallel": parallel,
        "folds": folds,
        "time": time,
    }
    if len(evidence.objectives) > 1:
        makers = {"front": front, **makers}
    made = []
    for kind, words in makers.items():
        gap = missing(evidence, kind)
        left_out = "" if gap else beyond(evidence, kind)
        said = "" if gap else words(evidence)
        made.append(Chart(kind=kind, title=TITLES[kind], words=said + left_out, alt=ALTS[kind], gap=gap))
    return tuple(made)


def missing(evidence: Evidence, kind: ChartKind) -> str:
    """Why a picture cannot be drawn; "" where it can."""
    n = len(evidence.complete)
    if kind == "folds":
        if len(evidence.objectives) > 1:
            return "With several objectives no trial is stopped early."
        steps = [len(trial.intermediate_values) for trial in evidence.trials]
        return "" if max(steps, default=0) > 1 else "No trial noted its value after single folds."
    if n < 2:
        return f"{'No trial was' if n == 0 else 'Only one trial was'} completed."
    if kind == "importance" and not evidence.importance:
        if n < FEWEST_RANKED:
            return f"Only {n} trials were completed, too few to tell what matters."
        return "The trials are too much alike to tell what matters."
    if kind in ("slices", "parallel") and not evidence.shown:
        return "All complete trials have the same settings."
    if kind == "parallel" and len(evidence.shown) == 1:
        return f"Only {evidence.shown[0]} differs between the trials; the picture of it alone says all."
    if kind == "time" and sum(evidence.seconds(trial.number) is not None for trial in evidence.complete) < 2:
        return "The trials did not note how long they took."
    return ""


def beyond(evidence: Evidence, kind: ChartKind) -> str:
    """How many trials a picture leaves out, as a sentence."""
    if evidence.worst_shown is None or kind not in ("history", "slices", "time"):
        return ""
    n = sum(evidence.loss(trial) > evidence.worst_shown for trial in evidence.complete)
    limit = value(evidence, evidence.sign * evidence.worst_shown)
    return f" {count(n, 'trial')} worse than {limit} {'lies' if n == 1 else 'lie'} outside the picture."


def history(evidence: Evidence) -> str:
    """When the best value was found, and what the last third of the trials brought."""
    best = evidence.complete[0]
    ends = [trial.number for trial in evidence.trials if trial.state.is_finished()]
    last = len(ends) // 3
    before = [trial for trial in evidence.complete if trial.number < ends[-last]] if last else []
    said = f"The best value, {value(evidence, best.value)}, was found at trial {best.number} of 0 to {ends[-1]}."
    if not before or not last:
        return said
    step = evidence.loss(before[0]) - evidence.loss(best)
    if step <= 0:
        return said + f" The last {count(last, 'trial')} brought nothing better."
    gain = difference(evidence, step)
    return said + f" The last {count(last, 'trial')} improved it by {gain}, so more may find better still."


def importance(evidence: Evidence) -> str:
    """Which settings tell the best trials from the rest."""
    ranked = [(key, share) for key, share in evidence.importance.items() if share >= 0.005]
    (first, share), rest = ranked[0], ranked[1:3]
    said = f"{first} matters most ({percent(share, 0)})"
    if rest:
        said += ", then " + " and ".join(f"{key} ({percent(share, 0)})" for key, share in rest)
    n, n_leading = len(evidence.complete), len(evidence.leading)
    said += f": in it the best {n_leading} trials differ most from all {n} that were completed."
    return said + (" With so few trials this is a hint, no more." if n < HINT else "")


def slices(evidence: Evidence) -> str:
    """Where the best trials lie in the settings that matter most, and which of them end at the end of a range."""
    said = [words for key in evidence.shown[:3] if (words := _where(evidence, key))]
    best = evidence.complete[0]
    ends = [key for key in evidence.shown if key in best.params and evidence.at_edge(key, best.params[key])]
    said += [
        f"The best value of {key}, {setting(best.params[key])}, lies at the end of its range: a wider one may hold a "
        "better."
        for key in ends
    ]
    return " ".join(said) or "There are too few complete trials to say where the best lie."


def _where(evidence: Evidence, key: str) -> str:
    leading = [trial.params[key] for trial in evidence.leading if key in trial.params]
    asked = [trial.params[key] for trial in evidence.complete if key in trial.params]
    n = len(evidence.leading)
    if not leading:
        return ""
    range_ = evidence.distribution(key)
    if isinstance(range_, IntDistribution | FloatDistribution):
        reach = f"from {setting(min(leading))} to {setting(max(leading))}"
        return f"The best {n} trials have {key} {reach} (searched: {setting(range_.low)} to {setting(range_.high)})."
    choice, n_chosen = Counter(leading).most_common(1)[0]
    have, share = "has" if n_chosen == 1 else "have", percent(asked.count(choice) / len(evidence.complete), 0)
    return f"Of the best {n} trials, {n_chosen} {have} {key} = {setting(choice)}; of all trials {share}."


def parallel(evidence: Evidence) -> str:
    """What the best trials agree on, and what hardly matters."""
    spread: dict[str, float] = {}
    for key in evidence.shown:
        found = [evidence.place(key, trial.params[key]) for trial in evidence.leading if key in trial.params]
        places = [place for place in found if place is not None]
        if len(places) > 1:
            spread[key] = max(places) - min(places)
    if len(spread) < 2:
        return "There are too few complete trials to say what the best agree on."
    least, most = min(spread, key=lambda key: spread[key]), max(spread, key=lambda key: spread[key])
    return (
        f"The best {len(evidence.leading)} trials agree most on {least} (they lie within {percent(spread[least], 0)} "
        f"of its range) and least on {most} ({percent(spread[most], 0)}), which seems to matter little among the good."
    )


def folds(evidence: Evidence) -> str:
    """After how many folds trials were stopped, and whether the first folds tell how a trial will end."""
    pruned = [trial for trial in evidence.trials if trial.state == TrialState.PRUNED]
    after = Counter(max(trial.intermediate_values, default=0) for trial in pruned)
    said = "No trial was stopped early."
    if pruned:
        places = ", ".join(f"{n} after {count(folds, 'fold')}" for folds, n in sorted(after.items()))
        said = f"{count(len(pruned), 'trial')} of {len(pruned) + len(evidence.complete)} were stopped early: {places}."
    traced = [trial for trial in evidence.complete if _could_be_stopped(trial)]
    together = correlation(
        [trial.intermediate_values[FIRST_STOP] for trial in traced], [float(trial.value or 0.0) for trial in traced]
    )
    if together is None:
        return said
    said += f" Among the trials that went to the end, the value after {FIRST_STOP} folds (none is stopped before) "
    said += f"and the last one go together at {number(together, 2)} (rank correlation, 1 at most)"
    return said + (": stopping so early loses little." if together > 0.8 else ": an early stop may lose a good one.")


def _could_be_stopped(trial: FrozenTrial) -> bool:
    folds = trial.intermediate_values
    return FIRST_STOP in folds and max(folds) > FIRST_STOP


def time(evidence: Evidence) -> str:
    """Whether trials that took longer were better."""
    timed = {trial.number: seconds for trial in evidence.complete if (seconds := evidence.seconds(trial.number))}
    trials = [trial for trial in evidence.complete if trial.number in timed]
    if not trials:
        return "The trials took no time that could be measured."
    if len(trials) < FEWEST_RANKED:
        span = f"{duration(min(timed.values()))} to {duration(max(timed.values()))}"
        return f"There are too few trials to say whether time pays. They took {span} of fitting."
    middle = float(np.median(list(timed.values())))
    slow = [trial for trial in trials if timed[trial.number] > middle]
    fast = [trial for trial in trials if timed[trial.number] <= middle]
    at = duration(middle)
    if not slow:
        return f"All trials took about as long, {at} of fitting."
    pair = f"{value(evidence, slow[0].value)} at best, against {value(evidence, fast[0].value)}"
    gain = evidence.loss(fast[0]) - evidence.loss(slow[0])
    if gain <= 0:
        return f"Trials that took more than {at} of fitting were no better than the faster half ({pair})."
    return (
        f"The best trial is one of those that took more than {at} of fitting ({pair} for the faster half, which is "
        f"{apart(evidence, fast[0].value or 0.0, slow[0].value or 0.0)} worse)."
    )


def front(evidence: Evidence) -> str:
    """How many trials no other beats, from where to where they reach, and how many of them beat the default."""
    ahead = [line for line in evidence.lines if line.front]
    ends = [ahead[0], ahead[-1]]
    said = f"{count(len(ahead), 'trial')} of {len(evidence.complete)} {'is' if len(ahead) == 1 else 'are'} on the front"
    if len(ahead) > 1:
        said += f", from {both(evidence, ends[0])} to {both(evidence, ends[1])}"
    default = evidence.default
    if default is None:
        return f"{said}."
    if default.front:
        return f"{said}. The default is one of them: no trial beats it in one without losing in another."
    signs = [-1.0 if direction.name == "MAXIMIZE" else 1.0 for direction in evidence.study.directions]
    n = sum(
        all(
            sign * line.values[name] <= sign * default.values[name]
            for sign, name in zip(signs, evidence.objectives, strict=True)
        )
        for line in ahead
    )
    return f"{said}. {n} of them {'is' if n == 1 else 'are'} at least as good as the default in every objective."


def label(target: Target) -> str:
    """What stands at an axis."""
    return f"{target.title}, {target.unit}" if target.unit else target.title


def both(evidence: Evidence, line: Line) -> str:
    """All values of a trial: ``out-of-fold log-loss 0.33120 and scoring cost 4.2 ms per 1,000 rows``."""
    return " and ".join(
        f"{target.title} {number(line.values[target.name], target.digits)} {target.unit}".rstrip()
        for target in targets(evidence)
    )


def value(evidence: Evidence, found: float | None) -> str:
    """A value of the first objective."""
    return number(found or 0.0, targets(evidence)[0].digits)


def difference(evidence: Evidence, found: float) -> str:
    """A difference in the first objective, without sign; what is smaller than the last digit says so."""
    digits = targets(evidence)[0].digits
    return number(abs(found), digits) if abs(found) >= 10.0**-digits else f"less than {number(10.0**-digits, digits)}"


def apart(evidence: Evidence, a: float, b: float) -> str:
    """How far two values of the first objective lie apart, as a reader would subtract what is shown of them."""
    digits = targets(evidence)[0].digits
    return difference(evidence, round(round(a, digits) - round(b, digits), digits))


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's rank correlation; None for too few or constant numbers."""
    if len(a) < FEWEST_RANKED or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(spearmanr(a, b).statistic)
