"""The report of a sweep, worked out from its study.

Values are in the units of their objective: log-loss in nats, Brier score, AUC and KS as fractions of 1, cost in
milliseconds of one processor for 1,000 rows.
"""

from __future__ import annotations

import shlex
from collections import Counter
from datetime import date
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from experiments.reporting.document import Cell, Column, Document, Section, Table
from experiments.reporting.language import gettext, ngettext
from experiments.reporting.words import count, duration, listed, number, sentences
from experiments.sweep import held_out
from experiments.sweep.captions import plots
from experiments.sweep.held_out import OUTCOMES, FinalCheck, Outcome
from experiments.sweep.outcome import STATES, Line
from experiments.sweep.study import INTERRUPTED
from experiments.sweep.study_snapshot import HINT, StudySnapshot
from experiments.sweep.tables import best_trials, settings_table
from experiments.sweep.targets import Target, all_values, distance, joined, targets
from experiments.sweep.time_spent import TimeSpent, time_spent, time_table, time_words
from fusion.config import Config
from fusion.model.search_space import Space

MAX_FAILURES = 5


def sweep_report(snapshot: StudySnapshot, space: Space, base: Config, best_toml: Path, made_on: date) -> Document:
    """The report: what was searched, what was found, and whether it is better than the default beyond chance.

    base: the config that the sweep began with. best_toml: where the best one is written.
    """
    check = held_out.final_check(snapshot)
    outcome = held_out.outcome_of(snapshot, check)
    time = time_spent(snapshot)
    fingerprint = snapshot.study.user_attrs.get("fingerprint", {})
    failed = failures(snapshot)
    sections = (
        Section(
            key="held_out",
            title=gettext("The held-out rows"),
            findings=(held_out.finding(outcome, check),),
            tables=(held_out.figures_table(check),) if check else (),
        ),
        Section(
            key="use", title=gettext("How to go on"), words=use(snapshot, outcome), command=command(snapshot, best_toml)
        ),
        Section(key="limits", title=gettext("What the figures do not mean"), words=limits(snapshot, check)),
        Section(key="trials", title=gettext("The trials"), tables=(best_trials(snapshot),)),
        Section(key="settings", title=gettext("The settings"), tables=(settings_table(snapshot, space, base),)),
        Section(key="search", title=gettext("The search in pictures"), plots=plots(snapshot)),
        Section(
            key="time",
            title=gettext("Where the time went"),
            words=time_words(snapshot, time),
            tables=(time_table(time),),
        ),
    )
    return Document(
        report="sweep",
        title=snapshot.study.study_name,
        kicker=gettext("Report of a hyperparameter sweep"),
        made_on=made_on,
        facts=_facts(snapshot, space),
        headline=(*found(snapshot, space, time), held_out.verdict(snapshot, outcome, check)),
        key_figures=_key_figures(snapshot, outcome),
        sections=(
            *sections,
            *([Section(key="failures", title=gettext("What failed"), words=failed)] if failed else []),
        ),
        origin={str(name): str(what) for name, what in fingerprint.items()},
    )


def about_best(report: Document, best_trial: int) -> list[str]:
    """Where the best settings come from, for the top of their file; equal trials, equal lines."""
    return [f"The best settings of study {report.title}, trial {best_trial}.", *report.headline[1:]]


def _facts(snapshot: StudySnapshot, space: Space) -> dict[str, str]:
    states = [line.state for line in snapshot.lines]
    ends = gettext("{n}: {complete} complete, {pruned} pruned, {failed} failed").format(
        n=number(len(states)), **{state: number(states.count(state)) for state in ("complete", "pruned", "failed")}
    )
    best, default = snapshot.best, snapshot.default
    return {
        gettext("Study"): snapshot.study.study_name,
        gettext("Objectives"): gettext("; ").join(
            gettext("{title} ({goal})").format(title=aim.title, goal=_goal(aim)) for aim in targets(snapshot)
        ),
        gettext("Settings searched"): number(len(space.dimensions)),
        gettext("Trials that ended"): ends,
        gettext("Best trial"): number(best.number) if best else gettext("none"),
        gettext("Trial of the default settings"): number(default.number) if default else gettext("none"),
    }


def _key_figures(snapshot: StudySnapshot, outcome: Outcome) -> Table:
    """The best value of every objective, how many trials there are, and the outcome of the check."""
    best, default, aims = snapshot.best, snapshot.default, targets(snapshot)

    def value(line: Line | None, aim: Target) -> str:
        return number(line.values[aim.name], aim.digits) if line else "–"

    rows: list[tuple[Cell, ...]] = [
        (
            (gettext("Best {title}") if len(aims) == 1 else gettext("{title} of the best trial")).format(
                title=aim.title
            ),
            value(best, aim),
            gettext("; ").join(
                [
                    *([aim.unit] if aim.unit else []),
                    gettext("the default: {value}").format(value=value(default, aim)),
                    _goal(aim),
                ]
            ),
        )
        for aim in aims
    ]
    n, ended = number(len(snapshot.lines)), gettext("that went to the end, were stopped early or failed")
    rows.append((gettext("Trials"), n, ended))
    against = gettext("the best settings against the default")
    rows.append((gettext("On held-out rows"), gettext(OUTCOMES[outcome]), against))
    columns = (
        Column(key="figure", title=gettext("Figure")),
        Column(key="value", title=gettext("Value")),
        Column(key="about", title=""),
    )
    return Table(key="key_figures", title=gettext("Key figures"), columns=columns, rows=tuple(rows))


def _goal(target: Target) -> str:
    return gettext("more is better") if target.maximized else gettext("less is better")


def found(snapshot: StudySnapshot, space: Space, time: TimeSpent) -> list[str]:
    """What was searched, how much, and the best value beside the default's."""
    goals = joined(
        [
            (gettext("the highest {title}") if aim.maximized else gettext("the lowest {title}")).format(title=aim.title)
            for aim in targets(snapshot)
        ]
    )
    n, n_open = len(space.dimensions), sum(trial.state not in STATES for trial in snapshot.trials)
    searched = ngettext("{n} setting was searched for {goals}.", "{n} settings were searched for {goals}.", n)
    ended = gettext("{trials}, in {time}.").format(trials=_ended_words(snapshot), time=duration(time.covered))
    words = [sentences([searched.format(n=number(n), goals=goals), ended])]
    if n_open:
        still_open = ngettext(
            "{n} trial was still open when this was written.",
            "{n} trials were still open when this was written.",
            n_open,
        )
        words.append(still_open.format(n=number(n_open)))
    return [*words, _best_words(snapshot)]


def _ended_words(snapshot: StudySnapshot) -> str:
    """How many trials ended how."""
    states = [line.state for line in snapshot.lines]
    pruned, failed = states.count("pruned"), states.count("failed")
    n_again = sum(line.retried is not None for line in snapshot.lines)
    ended = [gettext("{trials} went to the end").format(trials=count(states.count("complete"), "trial"))]
    if pruned:
        ended.append(ngettext("{n} was stopped early", "{n} were stopped early", pruned).format(n=number(pruned)))
    if failed and not n_again:
        ended.append(gettext("{n} failed").format(n=number(failed)))
    elif failed == 1:
        ended.append(gettext("{n} failed (it was run again)").format(n=number(failed)))
    elif failed:
        words = ngettext(
            "{n} failed ({again} of them was run again)", "{n} failed ({again} of them were run again)", n_again
        )
        ended.append(words.format(n=number(failed), again=number(n_again)))
    return listed(ended)


def _best_words(snapshot: StudySnapshot) -> str:
    best, default = snapshot.best, snapshot.default
    if best is None:
        return gettext("No trial was completed, so there is nothing to choose from.")
    if len(snapshot.objectives) > 1:
        return _front_words(snapshot, best)
    name, digits = snapshot.objectives[0], targets(snapshot)[0].digits
    value = number(best.values[name], digits)
    if default is None:
        words = gettext(
            "The best trial is number {number} with {value}. The default was not completed to compare with."
        )
        return words.format(number=best.number, value=value)
    if default.number == best.number:
        return gettext("No trial was better than the default, which has {value}.").format(value=value)
    if default.values[name] == best.values[name]:
        words = gettext("The best trial is number {number} with {value}, exactly what the default has.")
        return words.format(number=best.number, value=value)
    return gettext(
        "The best trial is number {number} with {value}; the default has {default}, which is {distance} worse."
    ).format(
        number=best.number,
        value=value,
        default=number(default.values[name], digits),
        distance=distance(snapshot, default.values[name], best.values[name]),
    )


def _front_words(snapshot: StudySnapshot, best: Line) -> str:
    """How many trials no other beats, and the best of them in the first objective."""
    n = sum(line.front for line in snapshot.lines)
    words = ngettext(
        "{n} trial is on the Pareto front: no other trial beats it in one objective without losing in another. Of "
        "them, trial {best} is the best in the first objective: {values}.",
        "{n} trials are on the Pareto front: no other trial beats one of them in one objective without losing in "
        "another. Of them, trial {best} is the best in the first objective: {values}.",
        n,
    )
    values = all_values(snapshot, best)
    if snapshot.default:
        values = gettext("{values}; the default has {default}").format(
            values=values, default=all_values(snapshot, snapshot.default)
        )
    return words.format(n=number(n), best=best.number, values=values)


def failures(snapshot: StudySnapshot) -> tuple[str, ...]:
    """What trials failed of or were cut off by, the most frequent first."""
    reasons = Counter(_reason(trial) for trial in snapshot.trials if trial.state == TrialState.FAIL)
    return tuple(
        gettext("{trials}: {reason}").format(trials=count(n, "trial"), reason=reason)
        for reason, n in reasons.most_common(MAX_FAILURES)
    )


def _reason(failed: FrozenTrial) -> str:
    """A trial without a note of its own had no time to leave one; the words of an error are English."""
    if note := failed.user_attrs.get("error"):
        return str(note)
    return gettext("interrupted") if INTERRUPTED in failed.user_attrs else gettext("its worker was killed")


def use(snapshot: StudySnapshot, outcome: Outcome) -> tuple[str, ...]:
    """How to go on with the best settings, or why not to."""
    if snapshot.best is None:
        return (gettext("There is no best.toml, as no trial was completed. Run the same command again to go on."),)
    words = [
        gettext(
            "best.toml holds every setting of trial {trial} that differs from the shipped defaults or that training "
            "would otherwise choose; all trials with all their settings are in leaderboard.csv. Train a model with it:"
        ).format(trial=snapshot.best.number)
    ]
    if outcome == "worse":
        words.insert(0, gettext("Keep the default: on held-out rows it was better."))
    if outcome in ("unsure", "mixed", "same"):
        words.insert(0, gettext("There is no need to change the default: that anything is better has not been shown."))
    return tuple(words)


def command(snapshot: StudySnapshot, best_toml: Path) -> str:
    """How to train with the best settings, on the decisions that the sweep saw; "" where there are none."""
    if snapshot.best is None:
        return ""
    last = snapshot.study.user_attrs.get("fingerprint", {}).get("last day", "none")
    until = [] if last == "none" else ["--until", str(last)]
    return " ".join(
        ["creditfusion train --schema SCHEMA --data FILE --out MODEL"]
        + [shlex.quote(word) for word in (*until, "--config", str(best_toml))]
    )


def limits(snapshot: StudySnapshot, check: FinalCheck | None) -> tuple[str, ...]:
    """What the figures do not mean."""
    n = len(snapshot.complete)
    words = [
        gettext(
            "The best out-of-fold value was chosen as the best of {trials} on the same folds: it flatters itself."
        ).format(trials=count(n, "trial"))
    ]
    best = snapshot.best
    if check is None:
        words.append(gettext("No held-out rows were looked at, so there is no honest figure yet."))
    else:
        if best is None or check.best_trial != best.number:
            sentence = gettext("The figures on the held-out rows are those of trial {trial}, not of the best one.")
            words.append(sentence.format(trial=check.best_trial))
        else:
            words.append(gettext("The figure on the held-out rows is the honest one."))
        if check.looks == 1:
            words.append(gettext("The held-out rows were looked at once."))
        else:
            sentence = gettext(
                "The held-out rows were looked at {n} times, each time for the best trial of the moment."
            )
            words.append(sentence.format(n=number(check.looks)))
        words.append(gettext("Whoever sweeps again until they look better has used them up: hold out other rows then."))
        words.append(
            gettext("That a gain is not significant does not prove that there is none; more rows could show it.")
        )
    words.append(gettext("Importance and pictures speak of this study, its ranges and its data, and of nothing else."))
    if 0 < n < HINT:
        sentence = gettext("With {trials}, what is written about single settings is a hint.")
        words.append(sentence.format(trials=count(n, "complete trial")))
    if len(snapshot.objectives) > 1:
        words.append(gettext("History, importance and single settings are about the first objective alone."))
    return tuple(words)
