"""The report of a sweep, worked out from its study."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from experiments.reporting.sweep_report import (
    Counts,
    FinalCheck,
    Outcome,
    SweepReport,
    SweepSetting,
    SweepTime,
    SweepTrial,
)
from experiments.reporting.words import count, duration, number, percent
from experiments.sweep.captions import apart, both, charts, targets
from experiments.sweep.outcome import STATES, Line
from experiments.sweep.study import INTERRUPTED
from experiments.sweep.study_snapshot import HINT, Evidence
from experiments.sweep.verdict import final_check, judge, verdict
from fusion.config import Config
from fusion.model.search_space import Space, searched

TOP = 10
MOST_FAILURES = 5


def sweep_report(evidence: Evidence, space: Space, base: Config, best_toml: Path, made_on: date) -> SweepReport:
    """The report of the study. base: the config that the sweep began with. best_toml: where the best one is written."""
    best, default, check = evidence.best, evidence.default, final_check(evidence)
    outcome = judge(evidence, check)
    time = time_spent(evidence)
    return SweepReport(
        study=evidence.study.study_name,
        made_on=made_on,
        targets=targets(evidence),
        trials=counts(evidence),
        best_trial=best.number if best else None,
        default_trial=default.number if default else None,
        default_values=tuple(default.values.values()) if default else (),
        outcome=outcome,
        headline=(*found(evidence, space, time), verdict(evidence, outcome, check)),
        settings=settings(evidence, space, base),
        top=tuple(_trial(line) for line in evidence.lines[:TOP]),
        shown=tuple(evidence.shown),
        final=check,
        charts=charts(evidence),
        time=time,
        time_words=time_words(evidence, time),
        use=use(evidence, outcome),
        command=command(evidence, best_toml) if best else "",
        limits=limits(evidence, check),
        failures=failures(evidence),
        origin={str(name): str(what) for name, what in evidence.study.user_attrs.get("fingerprint", {}).items()},
    )


def counts(evidence: Evidence) -> Counts:
    """How the trials ended."""
    states = [line.state for line in evidence.lines]
    return Counts(
        complete=states.count("complete"),
        pruned=states.count("pruned"),
        failed=states.count("failed"),
        again=sum(line.retried is not None for line in evidence.lines),
        open=sum(trial.state not in STATES for trial in evidence.trials),
    )


def found(evidence: Evidence, space: Space, time: SweepTime) -> list[str]:
    """What was searched, how much, and the best value beside the default's."""
    made, aims = counts(evidence), targets(evidence)
    goals = " and ".join(f"the {'highest' if aim.goal == 'maximize' else 'lowest'} {aim.title}" for aim in aims)
    n = len(space.dimensions)
    ended = [f"{count(made.complete, 'trial')} went to the end"]
    if made.pruned:
        ended.append(f"{number(made.pruned)} {_were(made.pruned)} stopped early")
    if made.failed:
        who = f"{number(made.again)} of them {_were(made.again)}" if made.failed > 1 else "it was"
        again = f" ({who} run again)" if made.again else ""
        ended.append(f"{number(made.failed)} failed{again}")
    listed = ended[0] if len(ended) == 1 else ", ".join(ended[:-1]) + " and " + ended[-1]
    said = [f"{count(n, 'setting')} {_were(n)} searched for {goals}. {listed}, in {duration(time.hours * 3600)}."]
    if made.open:
        said.append(f"{count(made.open, 'trial')} {_were(made.open)} still open when this was written.")
    return [*said, _best_words(evidence)]


def _best_words(evidence: Evidence) -> str:
    best, default = evidence.best, evidence.default
    if best is None:
        return "No trial was completed, so there is nothing to choose from."
    if len(evidence.objectives) > 1:
        n = sum(line.front for line in evidence.lines)
        said = (
            f"{count(n, 'trial')} {'is' if n == 1 else 'are'} on the Pareto front: no other trial beats "
            f"{'it' if n == 1 else 'one of them'} in one objective without losing in another. Of them, trial "
            f"{best.number} is the best in the first objective: {both(evidence, best)}"
        )
        return f"{said}; the default has {both(evidence, default)}." if default else f"{said}."
    name, digits = evidence.objectives[0], targets(evidence)[0].digits
    value = number(best.values[name], digits)
    if default is None:
        return f"The best trial is number {best.number} with {value}. The default was not completed to compare with."
    if default.number == best.number:
        return f"No trial was better than the default, which has {value}."
    if default.values[name] == best.values[name]:
        return f"The best trial is number {best.number} with {value}, exactly what the default has."
    return (
        f"The best trial is number {best.number} with {value}; the default has "
        f"{number(default.values[name], digits)}, which is "
        f"{apart(evidence, default.values[name], best.values[name])} worse."
    )


def settings(evidence: Evidence, space: Space, base: Config) -> tuple[SweepSetting, ...]:
    """Every searched setting: what it was, and what it is in the best trial."""
    before = searched(base, space)
    after: Mapping[str, Any] = evidence.best.settings if evidence.best else {}
    return tuple(
        SweepSetting(
            key=one.key,
            default=before.get(one.key),
            best=after.get(one.key),
            changed=one.key in after and after[one.key] != before.get(one.key),
            at_edge=one.key in after and evidence.at_edge(one.key, after[one.key]),
            importance=min(evidence.importance[one.key], 1.0) if one.key in evidence.importance else None,
        )
        for one in space.dimensions
    )


def time_spent(evidence: Evidence) -> SweepTime:
    """Where the time of the workers went.

    A failed trial counts where its time was noted; that of a killed worker has none, and its end is not its own.
    """
    done = [
        trial
        for trial in evidence.trials
        if (trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or evidence.seconds(trial.number) is not None)
        and trial.datetime_start
        and trial.datetime_complete
    ]
    spans = [(trial.datetime_start, trial.datetime_complete) for trial in done]
    fits = {trial.number: seconds for trial in done if (seconds := evidence.seconds(trial.number)) is not None}
    whole = sum(_covered(each) for each in _by_worker(done).values())
    full = [fits[trial.number] for trial in done if trial.state == TrialState.COMPLETE and trial.number in fits]
    part = [fits[trial.number] for trial in done if trial.state == TrialState.PRUNED and trial.number in fits]
    known = bool(done) and len(fits) == len(done)
    return SweepTime(
        hours=_union(spans) / 3600,  # type: ignore[arg-type]
        n_workers=len(_by_worker(done)),
        fit=sum(fits.values()) if known else None,
        outside=max(whole - sum(fits.values()), 0.0) if known else None,
        saved=sum(max(fmean(full) - seconds, 0.0) for seconds in part) if full and part else None,
    )


def _by_worker(trials: Sequence[FrozenTrial]) -> dict[str, list[FrozenTrial]]:
    groups: dict[str, list[FrozenTrial]] = {}
    for trial in trials:
        groups.setdefault(str(trial.user_attrs.get("worker")), []).append(trial)
    return groups


def _covered(trials: Sequence[FrozenTrial]) -> float:
    """Seconds from a worker's first trial to the end of its last: what lies between trials counts too."""
    starts = [trial.datetime_start for trial in trials if trial.datetime_start]
    ends = [trial.datetime_complete for trial in trials if trial.datetime_complete]
    return (max(ends) - min(starts)).total_seconds()


def _union(spans: Sequence[tuple[datetime, datetime]]) -> float:
    """Seconds that lie in at least one span: what a sweep rested between two runs does not count."""
    total, reached = 0.0, None
    for start, end in sorted(spans):
        begin = start if reached is None else max(start, reached)
        total += max((end - begin).total_seconds(), 0.0)
        reached = end if reached is None else max(end, reached)
    return total


def time_words(evidence: Evidence, time: SweepTime) -> tuple[str, ...]:
    """Where the time went, and what pruning spared."""
    said = []
    if time.fit is None or time.outside is None or time.fit + time.outside == 0:
        said.append("How long the trials took was not noted for all of them.")
    else:
        share = percent(time.outside / (time.fit + time.outside))
        said.append(
            f"{count(time.n_workers, 'worker')} spent {duration(time.fit)} on fitting models and "
            f"{duration(time.outside)} ({share}) on all else: choosing settings, reading arrays, figures, storage."
        )
    n = sum(line.state == "pruned" for line in evidence.lines)
    if not n:
        said.append("No trial was stopped early.")
    elif time.saved is None:
        said.append(f"{count(n, 'trial')} {_were(n)} stopped early; how much time that saved cannot be told.")
    else:
        said.append(
            f"{count(n, 'trial')} {_were(n)} stopped early, which saved about {duration(time.saved)} of fitting, "
            "counted against the mean trial that went to the end."
        )
    return tuple(said)


def failures(evidence: Evidence) -> tuple[str, ...]:
    """What trials failed of or were cut off by, the most frequent first."""
    reasons = Counter(_reason(trial) for trial in evidence.trials if trial.state == TrialState.FAIL)
    return tuple(f"{count(n, 'trial')}: {reason}" for reason, n in reasons.most_common(MOST_FAILURES))


def _reason(failed: FrozenTrial) -> str:
    """A trial without a note of its own had no time to leave one."""
    note = failed.user_attrs.get("error") or (INTERRUPTED if INTERRUPTED in failed.user_attrs else None)
    return str(note or "its worker was killed")


def use(evidence: Evidence, outcome: Outcome) -> tuple[str, ...]:
    """How to go on with the best settings, or why not to."""
    if evidence.best is None:
        return ("There is no best.toml, as no trial was completed. Run the same command again to go on.",)
    said = [
        f"best.toml holds every setting of trial {evidence.best.number} that differs from the shipped defaults; all "
        "trials with all their settings are in leaderboard.csv. Train a model with it:"
    ]
    if outcome == "worse":
        said.insert(0, "Keep the default: on held-out rows it was better.")
    if outcome in ("unsure", "mixed", "same"):
        said.insert(0, "There is no need to change the default: that anything is better has not been shown.")
    return tuple(said)


def command(evidence: Evidence, best_toml: Path) -> str:
    """How to train with the best settings, on the decisions that the sweep saw."""
    last = evidence.study.user_attrs.get("fingerprint", {}).get("last day", "none")
    until = [] if last == "none" else ["--until", str(last)]
    return " ".join(
        ["creditfusion train --schema SCHEMA --data FILE --out MODEL"]
        + [shlex.quote(word) for word in (*until, "--config", str(best_toml))]
    )


def limits(evidence: Evidence, check: FinalCheck | None) -> tuple[str, ...]:
    """What the figures do not mean."""
    n = len(evidence.complete)
    said = [
        f"The best out-of-fold value was chosen as the best of {count(n, 'trial')} on the same folds: it flatters "
        "itself."
    ]
    best = evidence.best
    if check is None:
        said.append("No held-out rows were looked at, so there is no honest figure yet.")
    else:
        if best is None or check.best_trial != best.number:
            said.append(f"The figures on the held-out rows are those of trial {check.best_trial}, not of the best one.")
        else:
            said.append("The figure on the held-out rows is the honest one.")
        looks = (
            "once" if check.looks == 1 else f"{number(check.looks)} times, each time for the best trial of the moment"
        )
        said.append(
            f"The held-out rows were looked at {looks}. Whoever sweeps again until they look better has used them up: "
            "hold out other rows then."
        )
        said.append("That a gain is not significant does not prove that there is none; more rows could show it.")
    said.append("Importance and pictures speak of this study, its ranges and its data, and of nothing else.")
    if 0 < n < HINT:
        said.append(f"With {count(n, 'complete trial')}, what is said about single settings is a hint.")
    if len(evidence.objectives) > 1:
        said.append("History, importance and single settings are about the first objective alone.")
    return tuple(said)


def _trial(line: Line) -> SweepTrial:
    return SweepTrial.model_validate(
        {
            "rank": line.rank,
            "number": line.number,
            "state": line.state,
            "front": line.front,
            "values": tuple(line.values.values()),
            "auc": line.figures.get("auc"),
            "brier": line.figures.get("brier"),
            "slope": line.figures.get("slope"),
            "fit_seconds": line.seconds.get("fit"),
            "settings": dict(line.settings),
        }
    )


def _were(n: int) -> str:
    return "was" if n == 1 else "were"
