"""The tables of a sweep's report: the best trials, and every searched setting beside its default."""

from __future__ import annotations

from collections.abc import Mapping

from experiments.reporting.document import Cell, Column, Gap, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import count, setting
from experiments.sweep.outcome import Line
from experiments.sweep.study import CHOSEN
from experiments.sweep.study_snapshot import StudySnapshot
from experiments.sweep.targets import targets
from fusion.config import Config, Setting
from fusion.model.search_space import Space, active_settings

STATE_WORDS = {
    "complete": gettext_noop("complete"),
    "pruned": gettext_noop("pruned"),
    "failed": gettext_noop("failed"),
}
TOP = 10


def best_trials(snapshot: StudySnapshot) -> Table:
    """The best trials with the settings that matter most."""
    aims, top = targets(snapshot), snapshot.lines[:TOP]
    columns = (
        Column(key="rank", title=gettext("Rank"), form="count"),
        Column(key="trial", title=gettext("Trial"), form="count"),
        Column(key="about", title=gettext("Remark")),
        *(Column(key=aim.name, title=aim.title, form="number", digits=aim.digits) for aim in aims),
        Column(key="figure_auc", title="AUC", form="number", digits=4),
        Column(key="figure_brier", title="Brier", form="number", digits=5),
        Column(key="figure_slope", title=gettext("Slope"), form="number", digits=3),
        Column(key="fit_seconds", title=gettext("Fit, s"), form="number", digits=1),
        *(Column(key=key, title=key.replace(".", ". ")) for key in snapshot.shown),
    )
    rows = [
        (
            line.rank,
            line.number,
            _about(snapshot, line),
            *(line.values.get(aim.name, Gap(gap=gettext(STATE_WORDS[line.state]))) for aim in aims),
            *(line.figures.get(name) for name in ("auc", "brier", "slope")),
            line.seconds.get("fit"),
            *(_shown(line.settings.get(key)) for key in snapshot.shown),
        )
        for line in top
    ]
    which = (
        gettext("The best {top} of {n}, with the settings that matter most;")
        if snapshot.shown
        else gettext("The best {top} of {n};")
    ).format(top=len(top), n=count(len(snapshot.lines), "trial"))
    note = gettext("{which} leaderboard.csv holds all of them with all settings.").format(which=which) if top else ""
    return Table(key="best_trials", title=gettext("The best trials"), note=note, columns=columns, rows=tuple(rows))


def _about(snapshot: StudySnapshot, line: Line) -> str:
    """What is special about a trial."""
    special = {
        gettext("best"): snapshot.best is not None and line.number == snapshot.best.number,
        gettext("default"): snapshot.default is not None and line.number == snapshot.default.number,
        gettext("chosen as train does"): dict(line.settings) == snapshot.study.user_attrs.get(CHOSEN),
        gettext("on the Pareto front"): line.front and len(snapshot.objectives) > 1,
    }
    return gettext(", ").join(word for word, holds in special.items() if holds)


def settings_table(snapshot: StudySnapshot, space: Space, base: Config) -> Table:
    """Every searched setting: what it was, and what it is in the best trial."""
    before, best = active_settings(base, space), snapshot.best
    after: Mapping[str, Setting] = best.settings if best else {}
    changed = changed_settings(best, space, base) if best else {}

    def row(key: str) -> tuple[Cell, ...]:
        at_edge = key in after and snapshot.at_edge(key, after[key])
        marks = ([gettext("changed")] if key in changed else []) + ([gettext("end of its range")] if at_edge else [])
        share = snapshot.importance.get(key)
        return (
            key,
            _shown(before.get(key)),
            _shown(after.get(key)),
            None if share is None else min(share, 1.0),
            gettext(", ").join(marks),
        )

    return Table(
        key="best_settings",
        title=gettext("The best settings beside the default"),
        note=gettext(
            "Importance: the share of a setting in what sets the best trials apart from the rest; empty where it could "
            "not be computed. “not asked”: it does not matter beside the other settings. Numbers are shown to three "
            "digits; best.toml holds all of them. At the end of its range a wider one may hold a better value."
        ),
        columns=(
            Column(key="setting", title=gettext("Setting")),
            Column(key="default", title=gettext("Default")),
            Column(key="best", title=gettext("Best")),
            Column(key="importance", title=gettext("Importance"), form="percent"),
            Column(key="about", title=gettext("Remark")),
        ),
        rows=tuple(row(one.key) for one in space.dimensions),
    )


def _shown(found: Setting | None) -> str:
    return gettext("not asked") if found is None else setting(found)


def changed_settings(best: Line, space: Space, base: Config) -> dict[str, tuple[Setting | None, Setting]]:
    """Searched settings whose best value is not that of the config that the sweep began with: both, by key."""
    before = active_settings(base, space)
    return {
        one.key: (before.get(one.key), best.settings[one.key])
        for one in space.dimensions
        if one.key in best.settings and best.settings[one.key] != before.get(one.key)
    }
