"""What the pictures of a sweep show, in words that are worked out from the study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import spearmanr

from experiments.reporting.document import Plot
from experiments.reporting.words import count, duration, number, percent, setting
from experiments.sweep.plots import draw
from experiments.sweep.study_snapshot import FEWEST_RANKED, HINT, StudySnapshot
from experiments.sweep.targets import all_values, difference, distance, value

TITLES: dict[str, str] = {
    "history": "How the search went",
    "importance": "Which settings matter",
    "slices": "The settings one by one",
    "parallel": "The settings together",
    "folds": "What was stopped early",
    "time": "Quality against time",
    "front": "What one objective costs in the other",
}
ALTS: dict[str, str] = {
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
WIDE = ("slices", "parallel")  # as wide as the page
FIRST_STOP = 2  # folds after which a trial may be stopped


def plots(snapshot: StudySnapshot) -> tuple[Plot, ...]:
    """Every picture of the report with its words, and those that cannot be drawn with the reason."""
    makers: dict[str, Callable[[StudySnapshot], str]] = {
        "history": history,
        "importance": importance,
        "slices": slices,
        "parallel": parallel,
        "folds": folds,
        "time": time,
    }
    if len(snapshot.objectives) > 1:
        makers = {"front": front, **makers}
    gaps = {key: missing(snapshot, key) for key in makers}
    drawings = draw(snapshot, [key for key in makers if not gaps[key]])
    return tuple(
        Plot(
            key=key,
            title=TITLES[key],
            words="" if gaps[key] else words(snapshot) + beyond(snapshot, key),
            alt=ALTS[key],
            gap=gaps[key],
            wide=key in WIDE and not gaps[key],
            drawing=drawings.get(key, ""),
        )
        for key, words in makers.items()
    )


def missing(snapshot: StudySnapshot, key: str) -> str:
    """Why a picture cannot be drawn; "" where it can."""
    n = len(snapshot.complete)
    if key == "folds":
        if len(snapshot.objectives) > 1:
            return "With several objectives no trial is stopped early."
        steps = [len(trial.intermediate_values) for trial in snapshot.trials]
        return "" if max(steps, default=0) > 1 else "No trial noted its value after single folds."
    if n < 2:
        return f"{'No trial was' if n == 0 else 'Only one trial was'} completed."
    if key == "importance" and not snapshot.importance:
        if n < FEWEST_RANKED:
            return f"Only {n} trials were completed, too few to tell what matters."
        return "The trials are too much alike to tell what matters."
    if key in ("slices", "parallel") and not snapshot.shown:
        return "All complete trials have the same settings."
    if key == "parallel" and len(snapshot.shown) == 1:
        return f"Only {snapshot.shown[0]} differs between the trials; the picture of it alone says all."
    if key == "time" and sum(snapshot.seconds(trial.number) is not None for trial in snapshot.complete) < 2:
        return "The trials did not note how long they took."
    return ""


def beyond(snapshot: StudySnapshot, key: str) -> str:
    """How many trials a picture leaves out, as a sentence."""
    if snapshot.worst_shown is None or key not in ("history", "slices", "time"):
        return ""
    n = sum(snapshot.loss(trial) > snapshot.worst_shown for trial in snapshot.complete)
    limit = value(snapshot, snapshot.sign * snapshot.worst_shown)
    return f" {count(n, 'trial')} worse than {limit} {'lies' if n == 1 else 'lie'} outside the picture."


def history(snapshot: StudySnapshot) -> str:
    """When the best value was found, and what the last third of the trials brought."""
    best = snapshot.complete[0]
    ends = [trial.number for trial in snapshot.trials if trial.state.is_finished()]
    last = len(ends) // 3
    before = [trial for trial in snapshot.complete if trial.number < ends[-last]] if last else []
    words = f"The best value, {value(snapshot, best.value)}, was found at trial {best.number} of 0 to {ends[-1]}."
    if not before or not last:
        return words
    step = snapshot.loss(before[0]) - snapshot.loss(best)
    if step <= 0:
        return words + f" The last {count(last, 'trial')} brought nothing better."
    gain = difference(snapshot, step)
    return words + f" The last {count(last, 'trial')} improved it by {gain}, so more may find better still."


def importance(snapshot: StudySnapshot) -> str:
    """Which settings tell the best trials from the rest."""
    ranked = [(key, share) for key, share in snapshot.importance.items() if share >= 0.005]
    (first, share), rest = ranked[0], ranked[1:3]
    words = f"{first} matters most ({percent(share, 0)})"
    if rest:
        words += ", then " + " and ".join(f"{key} ({percent(share, 0)})" for key, share in rest)
    n, n_leading = len(snapshot.complete), len(snapshot.leading)
    words += f": in it the best {n_leading} trials differ most from all {n} that were completed."
    return words + (" With so few trials this is a hint, no more." if n < HINT else "")


def slices(snapshot: StudySnapshot) -> str:
    """Where the best trials lie in the settings that matter most, and which of them end at the end of a range."""
    words = [sentence for key in snapshot.shown[:3] if (sentence := _where(snapshot, key))]
    best = snapshot.complete[0]
    ends = [key for key in snapshot.shown if key in best.params and snapshot.at_edge(key, best.params[key])]
    words += [
        f"The best value of {key}, {setting(best.params[key])}, lies at the end of its range: a wider one may hold a "
        "better."
        for key in ends
    ]
    return " ".join(words) or "There are too few complete trials to say where the best lie."


def _where(snapshot: StudySnapshot, key: str) -> str:
    leading = [trial.params[key] for trial in snapshot.leading if key in trial.params]
    asked = [trial.params[key] for trial in snapshot.complete if key in trial.params]
    n = len(snapshot.leading)
    if not leading:
        return ""
    range_ = snapshot.distribution(key)
    if isinstance(range_, IntDistribution | FloatDistribution):
        reach = f"from {setting(min(leading))} to {setting(max(leading))}"
        return f"The best {n} trials have {key} {reach} (searched: {setting(range_.low)} to {setting(range_.high)})."
    choice, n_chosen = Counter(leading).most_common(1)[0]
    have, share = "has" if n_chosen == 1 else "have", percent(asked.count(choice) / len(snapshot.complete), 0)
    return f"Of the best {n} trials, {n_chosen} {have} {key} = {setting(choice)}; of all trials {share}."


def parallel(snapshot: StudySnapshot) -> str:
    """What the best trials agree on, and what hardly matters."""
    spread: dict[str, float] = {}
    for key in snapshot.shown:
        found = [snapshot.place(key, trial.params[key]) for trial in snapshot.leading if key in trial.params]
        places = [place for place in found if place is not None]
        if len(places) > 1:
            spread[key] = max(places) - min(places)
    if len(spread) < 2:
        return "There are too few complete trials to say what the best agree on."
    least, most = min(spread, key=lambda key: spread[key]), max(spread, key=lambda key: spread[key])
    return (
        f"The best {len(snapshot.leading)} trials agree most on {least} (they lie within {percent(spread[least], 0)} "
        f"of its range) and least on {most} ({percent(spread[most], 0)}), which seems to matter little among the good."
    )


def folds(snapshot: StudySnapshot) -> str:
    """After how many folds trials were stopped, and whether the first folds tell how a trial will end."""
    pruned = [trial for trial in snapshot.trials if trial.state == TrialState.PRUNED]
    after = Counter(max(trial.intermediate_values, default=0) for trial in pruned)
    words = "No trial was stopped early."
    if pruned:
        places = ", ".join(f"{n} after {count(folds, 'fold')}" for folds, n in sorted(after.items()))
        words = f"{count(len(pruned), 'trial')} of {len(pruned) + len(snapshot.complete)} were stopped early: {places}."
    traced = [trial for trial in snapshot.complete if _could_be_stopped(trial)]
    together = correlation(
        [trial.intermediate_values[FIRST_STOP] for trial in traced], [float(trial.value or 0.0) for trial in traced]
    )
    if together is None:
        return words
    words += f" Among the trials that went to the end, the value after {FIRST_STOP} folds (none is stopped before) "
    words += f"and the last one go together at {number(together, 2)} (rank correlation, 1 at most)"
    return words + (": stopping so early loses little." if together > 0.8 else ": an early stop may lose a good one.")


def _could_be_stopped(trial: FrozenTrial) -> bool:
    folds = trial.intermediate_values
    return FIRST_STOP in folds and max(folds) > FIRST_STOP


def time(snapshot: StudySnapshot) -> str:
    """Whether trials that took longer were better."""
    timed = {trial.number: seconds for trial in snapshot.complete if (seconds := snapshot.seconds(trial.number))}
    trials = [trial for trial in snapshot.complete if trial.number in timed]
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
    pair = f"{value(snapshot, slow[0].value)} at best, against {value(snapshot, fast[0].value)}"
    gain = snapshot.loss(fast[0]) - snapshot.loss(slow[0])
    if gain <= 0:
        return f"Trials that took more than {at} of fitting were no better than the faster half ({pair})."
    return (
        f"The best trial is one of those that took more than {at} of fitting ({pair} for the faster half, which is "
        f"{distance(snapshot, fast[0].value or 0.0, slow[0].value or 0.0)} worse)."
    )


def front(snapshot: StudySnapshot) -> str:
    """How many trials no other beats, from where to where they reach, and how many of them beat the default."""
    ahead = [line for line in snapshot.lines if line.front]
    ends = [ahead[0], ahead[-1]]
    words = (
        f"{count(len(ahead), 'trial')} of {len(snapshot.complete)} {'is' if len(ahead) == 1 else 'are'} on the front"
    )
    if len(ahead) > 1:
        words += f", from {all_values(snapshot, ends[0])} to {all_values(snapshot, ends[1])}"
    default = snapshot.default
    if default is None:
        return f"{words}."
    if default.front:
        return f"{words}. The default is one of them: no trial beats it in one without losing in another."
    signs = [-1.0 if direction.name == "MAXIMIZE" else 1.0 for direction in snapshot.study.directions]
    n = sum(
        all(
            sign * line.values[name] <= sign * default.values[name]
            for sign, name in zip(signs, snapshot.objectives, strict=True)
        )
        for line in ahead
    )
    return f"{words}. {n} of them {'is' if n == 1 else 'are'} at least as good as the default in every objective."


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's rank correlation; None for too few or constant numbers."""
    if len(a) < FEWEST_RANKED or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(spearmanr(a, b).statistic)
