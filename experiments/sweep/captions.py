"""What the pictures of a sweep show, in words that are worked out from the study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from scipy.stats import spearmanr

from experiments.reporting.document import Plot
from experiments.reporting.language import gettext, gettext_noop, ngettext
from experiments.reporting.words import count, duration, listed, number, percent, sentences, setting
from experiments.sweep.plots import draw
from experiments.sweep.study_snapshot import FEWEST_RANKED, HINT, StudySnapshot
from experiments.sweep.targets import all_values, difference, distance, value

TITLES: dict[str, str] = {
    "history": gettext_noop("How the search went"),
    "importance": gettext_noop("Which settings matter"),
    "slices": gettext_noop("The settings one by one"),
    "parallel": gettext_noop("The settings together"),
    "folds": gettext_noop("What was stopped early"),
    "time": gettext_noop("Quality against time"),
    "front": gettext_noop("What one objective costs in the other"),
}
ALTS: dict[str, str] = {
    "history": gettext_noop("Points: the value of each complete trial by its number. Line: the best so far."),
    "importance": gettext_noop("Bars: the importance of each setting."),
    "slices": gettext_noop(
        "One small picture per setting: its value in each complete trial against the trial's value. The darker the "
        "point, the later the trial."
    ),
    "parallel": gettext_noop(
        "One line per complete trial through its value and its settings; None: not asked for. The darker the line, the "
        "better the trial."
    ),
    "folds": gettext_noop(
        "One line per trial: its value over the folds so far. Whole: gone to the end; dashed: stopped early."
    ),
    "time": gettext_noop("Points: the value of each complete trial against its seconds of fitting."),
    "front": gettext_noop(
        "Points: the values of each complete trial in the first two objectives. Red: those on the front."
    ),
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
            title=gettext(TITLES[key]),
            words="" if gaps[key] else sentences([words(snapshot), beyond(snapshot, key)]),
            alt=gettext(ALTS[key]),
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
            return gettext("With several objectives no trial is stopped early.")
        steps = [len(trial.intermediate_values) for trial in snapshot.trials]
        return "" if max(steps, default=0) > 1 else gettext("No trial noted its value after single folds.")
    if n < 2:
        return gettext("No trial was completed.") if n == 0 else gettext("Only one trial was completed.")
    if key == "importance" and not snapshot.importance:
        if n < FEWEST_RANKED:
            return gettext("Only {n} trials were completed, too few to tell what matters.").format(n=n)
        return gettext("The trials are too much alike to tell what matters.")
    if key in ("slices", "parallel") and not snapshot.shown:
        return gettext("All complete trials have the same settings.")
    if key == "parallel" and len(snapshot.shown) == 1:
        only = gettext("Only {setting} differs between the trials; the picture of it alone says all.")
        return only.format(setting=snapshot.shown[0])
    if key == "time" and sum(snapshot.seconds(trial.number) is not None for trial in snapshot.complete) < 2:
        return gettext("The trials did not note how long they took.")
    return ""


def beyond(snapshot: StudySnapshot, key: str) -> str:
    """How many trials a picture leaves out, as a sentence."""
    if snapshot.worst_shown is None or key not in ("history", "slices", "time"):
        return ""
    n = sum(snapshot.loss(trial) > snapshot.worst_shown for trial in snapshot.complete)
    limit = value(snapshot, snapshot.sign * snapshot.worst_shown)
    return ngettext(
        "{n} trial worse than {limit} lies outside the picture.",
        "{n} trials worse than {limit} lie outside the picture.",
        n,
    ).format(n=number(n), limit=limit)


def history(snapshot: StudySnapshot) -> str:
    """When the best value was found, and what the last third of the trials brought."""
    best = snapshot.complete[0]
    ends = [trial.number for trial in snapshot.trials if trial.state.is_finished()]
    last = len(ends) // 3
    before = [trial for trial in snapshot.complete if trial.number < ends[-last]] if last else []
    words = gettext("The best value, {value}, was found at trial {best} of 0 to {last}.").format(
        value=value(snapshot, best.value), best=best.number, last=ends[-1]
    )
    if not before or not last:
        return words
    step, newest = snapshot.loss(before[0]) - snapshot.loss(best), count(last, "trial")
    if step <= 0:
        return sentences([words, gettext("The last {trials} brought nothing better.").format(trials=newest)])
    gain = gettext("The last {trials} improved it by {gain}, so more may find better still.")
    return sentences([words, gain.format(trials=newest, gain=difference(snapshot, step))])


def importance(snapshot: StudySnapshot) -> str:
    """Which settings tell the best trials from the rest."""
    ranked = [(key, share) for key, share in snapshot.importance.items() if share >= 0.005]
    (first, share), rest = ranked[0], ranked[1:3]
    others = [gettext("{setting} ({share})").format(setting=key, share=percent(share, 0)) for key, share in rest]
    words = (
        gettext("{first} matters most ({share}), then {others}: ")
        if rest
        else gettext("{first} matters most ({share}): ")
    ).format(first=first, share=percent(share, 0), others=listed(others))
    words += gettext("in it the best {best} trials differ most from all {n} that were completed.").format(
        best=len(snapshot.leading), n=len(snapshot.complete)
    )
    hint = gettext("With so few trials this is a hint, no more.") if len(snapshot.complete) < HINT else ""
    return sentences([words, hint])


def slices(snapshot: StudySnapshot) -> str:
    """Where the best trials lie in the settings that matter most, and which of them end at the end of a range."""
    words = [sentence for key in snapshot.shown[:3] if (sentence := _where(snapshot, key))]
    best = snapshot.complete[0]
    ends = [key for key in snapshot.shown if key in best.params and snapshot.at_edge(key, best.params[key])]
    at_end = gettext(
        "The best value of {setting}, {value}, lies at the end of its range: a wider one may hold a better."
    )
    words += [at_end.format(setting=key, value=setting(best.params[key])) for key in ends]
    return sentences(words) or gettext("There are too few complete trials to say where the best lie.")


def _where(snapshot: StudySnapshot, key: str) -> str:
    leading = [trial.params[key] for trial in snapshot.leading if key in trial.params]
    asked = [trial.params[key] for trial in snapshot.complete if key in trial.params]
    n = len(snapshot.leading)
    if not leading:
        return ""
    range_ = snapshot.distribution(key)
    if isinstance(range_, IntDistribution | FloatDistribution):
        reach = gettext("The best {n} trials have {setting} from {low} to {high} (searched: {least} to {most}).")
        ends = {"low": min(leading), "high": max(leading), "least": range_.low, "most": range_.high}
        return reach.format(n=n, setting=key, **{name: setting(end) for name, end in ends.items()})
    choice, n_chosen = Counter(leading).most_common(1)[0]
    return ngettext(
        "Of the best {n} trials, {chosen} has {setting} = {value}; of all trials {share}.",
        "Of the best {n} trials, {chosen} have {setting} = {value}; of all trials {share}.",
        n_chosen,
    ).format(
        n=n,
        chosen=n_chosen,
        setting=key,
        value=setting(choice),
        share=percent(asked.count(choice) / len(snapshot.complete), 0),
    )


def parallel(snapshot: StudySnapshot) -> str:
    """What the best trials agree on, and what hardly matters."""
    spread: dict[str, float] = {}
    for key in snapshot.shown:
        found = [snapshot.place(key, trial.params[key]) for trial in snapshot.leading if key in trial.params]
        places = [place for place in found if place is not None]
        if len(places) > 1:
            spread[key] = max(places) - min(places)
    if len(spread) < 2:
        return gettext("There are too few complete trials to say what the best agree on.")
    least, most = min(spread, key=lambda key: spread[key]), max(spread, key=lambda key: spread[key])
    return gettext(
        "The best {n} trials agree most on {least} (they lie within {least_share} of its range) and least on {most} "
        "({most_share}), which seems to matter little among the good."
    ).format(
        n=len(snapshot.leading),
        least=least,
        least_share=percent(spread[least], 0),
        most=most,
        most_share=percent(spread[most], 0),
    )


def folds(snapshot: StudySnapshot) -> str:
    """After how many folds trials were stopped, and whether the first folds tell how a trial will end."""
    pruned = [trial for trial in snapshot.trials if trial.state == TrialState.PRUNED]
    after = Counter(max(trial.intermediate_values, default=0) for trial in pruned)
    words = gettext("No trial was stopped early.")
    if pruned:
        after_folds = gettext("{n} after {folds}")
        places = [after_folds.format(n=n, folds=count(folds, "fold")) for folds, n in sorted(after.items())]
        words = gettext("{trials} of {n} were stopped early: {places}.").format(
            trials=count(len(pruned), "trial"),
            n=len(pruned) + len(snapshot.complete),
            places=gettext(", ").join(places),
        )
    traced = [trial for trial in snapshot.complete if _could_be_stopped(trial)]
    together = correlation(
        [trial.intermediate_values[FIRST_STOP] for trial in traced], [float(trial.value or 0.0) for trial in traced]
    )
    if together is None:
        return words
    agreement = (
        gettext(
            "Among the trials that went to the end, the value after {folds} folds (none is stopped before) and the "
            "last one go together at {correlation} (rank correlation, 1 at most): stopping so early loses little."
        )
        if together > 0.8
        else gettext(
            "Among the trials that went to the end, the value after {folds} folds (none is stopped before) and the "
            "last one go together at {correlation} (rank correlation, 1 at most): an early stop may lose a good one."
        )
    )
    return sentences([words, agreement.format(folds=FIRST_STOP, correlation=number(together, 2))])


def _could_be_stopped(trial: FrozenTrial) -> bool:
    folds = trial.intermediate_values
    return FIRST_STOP in folds and max(folds) > FIRST_STOP


def time(snapshot: StudySnapshot) -> str:
    """Whether trials that took longer were better."""
    timed = {trial.number: seconds for trial in snapshot.complete if (seconds := snapshot.seconds(trial.number))}
    trials = [trial for trial in snapshot.complete if trial.number in timed]
    if not trials:
        return gettext("The trials took no time that could be measured.")
    if len(trials) < FEWEST_RANKED:
        few = gettext("There are too few trials to say whether time pays. They took {low} to {high} of fitting.")
        return few.format(low=duration(min(timed.values())), high=duration(max(timed.values())))
    middle = float(np.median(list(timed.values())))
    slow = [trial for trial in trials if timed[trial.number] > middle]
    fast = [trial for trial in trials if timed[trial.number] <= middle]
    at = duration(middle)
    if not slow:
        return gettext("All trials took about as long, {time} of fitting.").format(time=at)
    if snapshot.loss(fast[0]) <= snapshot.loss(slow[0]):
        words = gettext(
            "Trials that took more than {time} of fitting were no better than the faster half ({slow} at best, against "
            "{fast})."
        )
    else:
        words = gettext(
            "The best trial is one of those that took more than {time} of fitting ({slow} at best, against {fast} for "
            "the faster half, which is {distance} worse)."
        )
    return words.format(
        time=at,
        slow=value(snapshot, slow[0].value),
        fast=value(snapshot, fast[0].value),
        distance=distance(snapshot, fast[0].value or 0.0, slow[0].value or 0.0),
    )


def front(snapshot: StudySnapshot) -> str:
    """How many trials no other beats, from where to where they reach, and how many of them beat the default."""
    ahead = [line for line in snapshot.lines if line.front]
    n, n_all = len(ahead), len(snapshot.complete)
    if n > 1:
        words = gettext("{trials} of {n} are on the front, from {first} to {last}.").format(
            trials=count(n, "trial"),
            n=n_all,
            first=all_values(snapshot, ahead[0]),
            last=all_values(snapshot, ahead[-1]),
        )
    else:
        words = gettext("{trials} of {n} is on the front.").format(trials=count(n, "trial"), n=n_all)
    default = snapshot.default
    if default is None:
        return words
    if default.front:
        one = gettext("The default is one of them: no trial beats it in one without losing in another.")
        return sentences([words, one])
    signs = [-1.0 if direction.name == "MAXIMIZE" else 1.0 for direction in snapshot.study.directions]
    n_good = sum(
        all(
            sign * line.values[name] <= sign * default.values[name]
            for sign, name in zip(signs, snapshot.objectives, strict=True)
        )
        for line in ahead
    )
    as_good = ngettext(
        "{n} of them is at least as good as the default in every objective.",
        "{n} of them are at least as good as the default in every objective.",
        n_good,
    )
    return sentences([words, as_good.format(n=n_good)])


def correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's rank correlation; None for too few or constant numbers."""
    if len(a) < FEWEST_RANKED or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(spearmanr(a, b).statistic)
