"""The report of a sweep, worked out from its study.

Values are in the units of their objective: log-loss in nats, Brier score, AUC and KS as fractions of 1, cost in
milliseconds of one processor for 1,000 rows.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from optuna.trial import FrozenTrial, TrialState

from experiments.reporting.document import Cell, Column, Document, Gap, Section, Table
from experiments.reporting.words import count, duration, number, setting
from experiments.sweep import held_out
from experiments.sweep.captions import plots
from experiments.sweep.held_out import OUTCOMES, FinalCheck, Outcome
from experiments.sweep.outcome import STATES, Line
from experiments.sweep.study import CHOSEN, INTERRUPTED
from experiments.sweep.study_snapshot import HINT, StudySnapshot
from experiments.sweep.targets import Target, all_values, distance, targets
from experiments.sweep.time_spent import TimeSpent, time_spent, time_table, time_words
from fusion.config import Config, Setting
from fusion.model.search_space import Space, active_settings

TOP = 10
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
            title="The held-out rows",
            findings=(held_out.finding(outcome, check),),
            tables=(held_out.figures_table(check),) if check else (),
        ),
        Section(key="use", title="How to go on", words=use(snapshot, outcome), command=command(snapshot, best_toml)),
        Section(key="limits", title="What the figures do not mean", words=limits(snapshot, check)),
        Section(key="trials", title="The trials", tables=(best_trials(snapshot),)),
        Section(key="settings", title="The settings", tables=(settings_table(snapshot, space, base),)),
        Section(key="search", title="The search in pictures", plots=plots(snapshot)),
        Section(key="time", title="Where the time went", words=time_words(snapshot, time), tables=(time_table(time),)),
    )
    return Document(
        report="sweep",
        title=snapshot.study.study_name,
        kicker="Report of a hyperparameter sweep",
        made_on=made_on,
        facts=_facts(snapshot, space),
        headline=(*found(snapshot, space, time), held_out.verdict(snapshot, outcome, check)),
        key_figures=_key_figures(snapshot, outcome),
        sections=(*sections, *([Section(key="failures", title="What failed", words=failed)] if failed else [])),
        origin={str(name): str(what) for name, what in fingerprint.items()},
    )


def about_best(report: Document, best_trial: int) -> list[str]:
    """Where the best settings come from, for the top of their file; equal trials, equal lines."""
    return [f"The best settings of study {report.title}, trial {best_trial}.", *report.headline[1:]]


def changed_settings(best: Line, space: Space, base: Config) -> dict[str, tuple[Setting | None, Setting]]:
    """Searched settings whose best value is not that of the config that the sweep began with: both, by key."""
    before = active_settings(base, space)
    return {
        one.key: (before.get(one.key), best.settings[one.key])
        for one in space.dimensions
        if one.key in best.settings and best.settings[one.key] != before.get(one.key)
    }


def _facts(snapshot: StudySnapshot, space: Space) -> dict[str, str]:
    states = [line.state for line in snapshot.lines]
    ends = ", ".join(f"{number(states.count(state))} {state}" for state in ("complete", "pruned", "failed"))
    best, default = snapshot.best, snapshot.default
    return {
        "Study": snapshot.study.study_name,
        "Objectives": "; ".join(f"{aim.title} ({_goal(aim)})" for aim in targets(snapshot)),
        "Settings searched": number(len(space.dimensions)),
        "Trials that ended": f"{number(len(states))}: {ends}",
        "Best trial": number(best.number) if best else "none",
        "Trial of the default settings": number(default.number) if default else "none",
    }


def _key_figures(snapshot: StudySnapshot, outcome: Outcome) -> Table:
    """The best value of every objective, how many trials there are, and the outcome of the check."""
    best, default, aims = snapshot.best, snapshot.default, targets(snapshot)

    def value(line: Line | None, aim: Target) -> str:
        return number(line.values[aim.name], aim.digits) if line else "–"

    rows: list[tuple[Cell, ...]] = [
        (
            f"Best {aim.title}" if len(aims) == 1 else f"{aim.title} of the best trial",
            value(best, aim),
            "; ".join([*([aim.unit] if aim.unit else []), f"the default: {value(default, aim)}", _goal(aim)]),
        )
        for aim in aims
    ]
    rows.append(("Trials", number(len(snapshot.lines)), "that went to the end, were stopped early or failed"))
    rows.append(("On held-out rows", OUTCOMES[outcome], "the best settings against the default"))
    columns = (Column(key="figure", title="Figure"), Column(key="value", title="Value"), Column(key="about", title=""))
    return Table(key="key_figures", title="Key figures", columns=columns, rows=tuple(rows))


def _goal(target: Target) -> str:
    return "more is better" if target.maximized else "less is better"


def best_trials(snapshot: StudySnapshot) -> Table:
    """The best trials with the settings that matter most."""
    aims, top = targets(snapshot), snapshot.lines[:TOP]
    columns = (
        Column(key="rank", title="Rank", form="count"),
        Column(key="trial", title="Trial", form="count"),
        Column(key="about", title="Remark"),
        *(Column(key=aim.name, title=aim.title, form="number", digits=aim.digits) for aim in aims),
        Column(key="figure_auc", title="AUC", form="number", digits=4),
        Column(key="figure_brier", title="Brier", form="number", digits=5),
        Column(key="figure_slope", title="Slope", form="number", digits=3),
        Column(key="fit_seconds", title="Fit, s", form="number", digits=1),
        *(Column(key=key, title=key.replace(".", ". ")) for key in snapshot.shown),
    )
    rows = [
        (
            line.rank,
            line.number,
            _about(snapshot, line),
            *(line.values.get(aim.name, Gap(gap=line.state)) for aim in aims),
            *(line.figures.get(name) for name in ("auc", "brier", "slope")),
            line.seconds.get("fit"),
            *(_shown(line.settings.get(key)) for key in snapshot.shown),
        )
        for line in top
    ]
    which = f"The best {len(top)} of {count(len(snapshot.lines), 'trial')}"
    matter = ", with the settings that matter most" if snapshot.shown else ""
    note = f"{which}{matter}; leaderboard.csv holds all of them with all settings." if top else ""
    return Table(key="best_trials", title="The best trials", note=note, columns=columns, rows=tuple(rows))


def _about(snapshot: StudySnapshot, line: Line) -> str:
    """What is special about a trial."""
    special = {
        "best": snapshot.best is not None and line.number == snapshot.best.number,
        "default": snapshot.default is not None and line.number == snapshot.default.number,
        "chosen as train does": dict(line.settings) == snapshot.study.user_attrs.get(CHOSEN),
        "on the Pareto front": line.front and len(snapshot.objectives) > 1,
    }
    return ", ".join(word for word, holds in special.items() if holds)


def settings_table(snapshot: StudySnapshot, space: Space, base: Config) -> Table:
    """Every searched setting: what it was, and what it is in the best trial."""
    before, best = active_settings(base, space), snapshot.best
    after: Mapping[str, Setting] = best.settings if best else {}
    changed = changed_settings(best, space, base) if best else {}

    def row(key: str) -> tuple[Cell, ...]:
        at_edge = key in after and snapshot.at_edge(key, after[key])
        marks = (["changed"] if key in changed else []) + (["end of its range"] if at_edge else [])
        share = snapshot.importance.get(key)
        return (
            key,
            _shown(before.get(key)),
            _shown(after.get(key)),
            None if share is None else min(share, 1.0),
            ", ".join(marks),
        )

    return Table(
        key="best_settings",
        title="The best settings beside the default",
        note="Importance: the share of a setting in what sets the best trials apart from the rest; empty where it "
        "could not be computed. “not asked”: it does not matter beside the other settings. Numbers are shown to three "
        "digits; best.toml holds all of them. At the end of its range a wider one may hold a better value.",
        columns=(
            Column(key="setting", title="Setting"),
            Column(key="default", title="Default"),
            Column(key="best", title="Best"),
            Column(key="importance", title="Importance", form="percent"),
            Column(key="about", title="Remark"),
        ),
        rows=tuple(row(one.key) for one in space.dimensions),
    )


def _shown(found: Setting | None) -> str:
    return "not asked" if found is None else setting(found)


def found(snapshot: StudySnapshot, space: Space, time: TimeSpent) -> list[str]:
    """What was searched, how much, and the best value beside the default's."""
    goals = " and ".join(f"the {'highest' if aim.maximized else 'lowest'} {aim.title}" for aim in targets(snapshot))
    n, states = len(space.dimensions), [line.state for line in snapshot.lines]
    pruned, failed = states.count("pruned"), states.count("failed")
    n_again = sum(line.retried is not None for line in snapshot.lines)
    n_open = sum(trial.state not in STATES for trial in snapshot.trials)
    ended = [f"{count(states.count('complete'), 'trial')} went to the end"]
    if pruned:
        ended.append(f"{number(pruned)} {_were(pruned)} stopped early")
    if failed:
        who = f"{number(n_again)} of them {_were(n_again)}" if failed > 1 else "it was"
        ended.append(f"{number(failed)} failed" + (f" ({who} run again)" if n_again else ""))
    listed = ended[0] if len(ended) == 1 else ", ".join(ended[:-1]) + " and " + ended[-1]
    words = [f"{count(n, 'setting')} {_were(n)} searched for {goals}. {listed}, in {duration(time.covered)}."]
    if n_open:
        words.append(f"{count(n_open, 'trial')} {_were(n_open)} still open when this was written.")
    return [*words, _best_words(snapshot)]


def _best_words(snapshot: StudySnapshot) -> str:
    best, default = snapshot.best, snapshot.default
    if best is None:
        return "No trial was completed, so there is nothing to choose from."
    if len(snapshot.objectives) > 1:
        n = sum(line.front for line in snapshot.lines)
        words = (
            f"{count(n, 'trial')} {'is' if n == 1 else 'are'} on the Pareto front: no other trial beats "
            f"{'it' if n == 1 else 'one of them'} in one objective without losing in another. Of them, trial "
            f"{best.number} is the best in the first objective: {all_values(snapshot, best)}"
        )
        return f"{words}; the default has {all_values(snapshot, default)}." if default else f"{words}."
    name, digits = snapshot.objectives[0], targets(snapshot)[0].digits
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
        f"{distance(snapshot, default.values[name], best.values[name])} worse."
    )


def failures(snapshot: StudySnapshot) -> tuple[str, ...]:
    """What trials failed of or were cut off by, the most frequent first."""
    reasons = Counter(_reason(trial) for trial in snapshot.trials if trial.state == TrialState.FAIL)
    return tuple(f"{count(n, 'trial')}: {reason}" for reason, n in reasons.most_common(MAX_FAILURES))


def _reason(failed: FrozenTrial) -> str:
    """A trial without a note of its own had no time to leave one."""
    note = failed.user_attrs.get("error") or (INTERRUPTED if INTERRUPTED in failed.user_attrs else None)
    return str(note or "its worker was killed")


def use(snapshot: StudySnapshot, outcome: Outcome) -> tuple[str, ...]:
    """How to go on with the best settings, or why not to."""
    if snapshot.best is None:
        return ("There is no best.toml, as no trial was completed. Run the same command again to go on.",)
    words = [
        f"best.toml holds every setting of trial {snapshot.best.number} that differs from the shipped defaults or that "
        "training would otherwise choose; all trials with all their settings are in leaderboard.csv. Train a model "
        "with it:"
    ]
    if outcome == "worse":
        words.insert(0, "Keep the default: on held-out rows it was better.")
    if outcome in ("unsure", "mixed", "same"):
        words.insert(0, "There is no need to change the default: that anything is better has not been shown.")
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
        f"The best out-of-fold value was chosen as the best of {count(n, 'trial')} on the same folds: it flatters "
        "itself."
    ]
    best = snapshot.best
    if check is None:
        words.append("No held-out rows were looked at, so there is no honest figure yet.")
    else:
        if best is None or check.best_trial != best.number:
            words.append(
                f"The figures on the held-out rows are those of trial {check.best_trial}, not of the best one."
            )
        else:
            words.append("The figure on the held-out rows is the honest one.")
        looks = (
            "once" if check.looks == 1 else f"{number(check.looks)} times, each time for the best trial of the moment"
        )
        words.append(
            f"The held-out rows were looked at {looks}. Whoever sweeps again until they look better has used them up: "
            "hold out other rows then."
        )
        words.append("That a gain is not significant does not prove that there is none; more rows could show it.")
    words.append("Importance and pictures speak of this study, its ranges and its data, and of nothing else.")
    if 0 < n < HINT:
        words.append(f"With {count(n, 'complete trial')}, what is words about single settings is a hint.")
    if len(snapshot.objectives) > 1:
        words.append("History, importance and single settings are about the first objective alone.")
    return tuple(words)


def _were(n: int) -> str:
    return "was" if n == 1 else "were"
