"""Where the time of a sweep's workers went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from optuna.trial import FrozenTrial, TrialState

from experiments.reporting.document import Column, Gap, Table
from experiments.reporting.language import gettext, ngettext
from experiments.reporting.words import count, duration, number, percent
from experiments.sweep.study_snapshot import StudySnapshot


@dataclass(frozen=True)
class TimeSpent:
    """Where the time of the workers went, in seconds.

    covered: of the clock, while at least one trial ran.
    n_workers: processes.
    fit: of all workers within model fitting; None where it was not noted.
    outside: of all workers beside it; None where it was not noted.
    saved: of fitting that early stops spared, about; None where nothing tells it.
    """

    covered: float
    n_workers: int
    fit: float | None
    outside: float | None
    saved: float | None


def time_spent(snapshot: StudySnapshot) -> TimeSpent:
    """Where the time of the workers went.

    A failed trial counts where its time was noted; that of a killed worker has none, and its end is not its own.
    """
    done = [
        trial
        for trial in snapshot.trials
        if (trial.state in (TrialState.COMPLETE, TrialState.PRUNED) or snapshot.seconds(trial.number) is not None)
        and trial.datetime_start
        and trial.datetime_complete
    ]
    spans = [(trial.datetime_start, trial.datetime_complete) for trial in done]
    fits = {trial.number: seconds for trial in done if (seconds := snapshot.seconds(trial.number)) is not None}
    whole = sum(_covered(each) for each in _by_worker(done).values())
    full = [fits[trial.number] for trial in done if trial.state == TrialState.COMPLETE and trial.number in fits]
    part = [fits[trial.number] for trial in done if trial.state == TrialState.PRUNED and trial.number in fits]
    known = bool(done) and len(fits) == len(done)
    return TimeSpent(
        covered=_union(spans),  # type: ignore[arg-type]
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


def time_words(snapshot: StudySnapshot, time: TimeSpent) -> tuple[str, ...]:
    """Where the time went, and what pruning spared."""
    words = []
    if time.fit is None or time.outside is None or time.fit + time.outside == 0:
        words.append(gettext("How long the trials took was not noted for all of them."))
    else:
        share = percent(time.outside / (time.fit + time.outside))
        words.append(
            gettext(
                "{workers} spent {fit} on fitting models and {outside} ({share}) on all else: choosing settings, "
                "reading arrays, figures, storage."
            ).format(
                workers=count(time.n_workers, "worker"),
                fit=duration(time.fit),
                outside=duration(time.outside),
                share=share,
            )
        )
    n = sum(line.state == "pruned" for line in snapshot.lines)
    if not n:
        words.append(gettext("No trial was stopped early."))
    elif time.saved is None:
        stopped = ngettext(
            "{n} trial was stopped early; how much time that saved is not known.",
            "{n} trials were stopped early; how much time that saved is not known.",
            n,
        )
        words.append(stopped.format(n=number(n)))
    else:
        stopped = ngettext(
            "{n} trial was stopped early, which saved about {time} of fitting, counted against the mean trial that "
            "went to the end.",
            "{n} trials were stopped early, which saved about {time} of fitting, counted against the mean trial that "
            "went to the end.",
            n,
        )
        words.append(stopped.format(n=number(n), time=duration(time.saved)))
    return tuple(words)


def time_table(time: TimeSpent) -> Table:
    """The seconds behind the words."""
    workers = count(time.n_workers, "worker")
    rows = {
        gettext("of the clock, while at least one trial ran"): time.covered,
        gettext("of {workers}, on fitting models").format(workers=workers): time.fit,
        gettext("of {workers}, on all else").format(workers=workers): time.outside,
        gettext("of fitting that early stops saved, about"): time.saved,
    }
    return Table(
        key="seconds",
        title=gettext("Seconds"),
        columns=(
            Column(key="which", title=gettext("Which")),
            Column(key="seconds", title=gettext("Seconds"), form="number", digits=1),
        ),
        rows=tuple(
            (which, Gap(gap=gettext("not known")) if seconds is None else seconds) for which, seconds in rows.items()
        ),
    )
