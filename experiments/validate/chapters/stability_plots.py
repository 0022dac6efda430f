"""The pictures of the chapter on stability."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from experiments.reporting.charts import BLUE, GRID, INK, MUTED, RED, legend, name_places, percent_axis, picture
from experiments.reporting.document import Plot
from experiments.validate.chapters.shift import Shift, Shifts, pd_range
from experiments.validate.chapters.vintages import Vintage
from experiments.validate.slices import Cut
from fusion.validation.psi import MODERATE, SHIFTED, Psi

MAX_BARS = 15
MAX_ROWS = 24  # of the picture by month
PALE = LinearSegmentedColormap.from_list("shift", ["#f4f7fa", "#f1d9b8", RED])


def plots(moved: Shifts, grown: Sequence[Vintage], months: Cut | None) -> list[Plot]:
    """What is drawn; without months of decision only what is over all rows."""
    found = [_score_plot(moved.score_psi), _bars_plot(moved)]
    return [*found, _heat_plot(moved, grown), _vintage_plot(grown)] if months else found


def _score_plot(found: Psi) -> Plot:
    return Plot(
        key="stability_score",
        title="Scores in training and here",
        words="Training applicants fall into each group of PDs in like numbers. Where bars here are much longer or "
        "shorter, more or fewer applicants have such PDs than the model met.",
        alt="Share of applicants by PD, in training and here.",
        gap="" if found.cells else "There are no scores to compare.",
        drawing=picture(lambda axes: _draw_score(axes, found)) if found.cells else "",
    )


def _draw_score(axes: Axes, found: Psi) -> None:
    at = np.arange(len(found.cells))
    axes.barh(at - 0.2, [cell.expected for cell in found.cells], 0.38, color=MUTED, label="in training")
    axes.barh(at + 0.2, [cell.actual for cell in found.cells], 0.38, color=BLUE, label="here")
    axes.set_yticks(at, [pd_range(cell.low, cell.high) for cell in found.cells])
    axes.invert_yaxis()
    longest = max(max(cell.expected, cell.actual) for cell in found.cells)
    axes.set(xlabel="share of applicants", ylabel="PD", xlim=(0, 1.35 * longest))  # the legend needs room
    percent_axis(axes.xaxis)
    legend(axes)


def _bars_plot(moved: Shifts) -> Plot:
    n = len([one for one in (*moved.columns, *moved.texts) if not math.isnan(one.index.value)])
    return Plot(
        key="stability_columns",
        title="What moved most",
        words="PSI of columns and narratives"
        + (f", the {MAX_BARS} furthest moved of {n}" if n > MAX_BARS else "")
        + ". The lines stand at 0.1 and 0.25; the mark on a bar is what chance stays below 19 times in 20.",
        alt="Bars of the PSI of columns and narratives with lines at 0.1 and 0.25.",
        gap="" if n else "There is nothing to compare.",
        drawing=picture(lambda axes: _draw_bars(axes, moved)) if n else "",
    )


def _draw_bars(axes: Axes, moved: Shifts) -> None:
    known = [one for one in (*moved.columns, *moved.texts) if not math.isnan(one.index.value)]
    worst = sorted(known, key=lambda one: -one.index.value)[:MAX_BARS]
    at = np.arange(len(worst))
    colours = {"shifted": RED, "moderate": BLUE}
    axes.barh(at, [one.index.value for one in worst], color=[colours.get(one.index.word, MUTED) for one in worst])
    axes.plot([one.index.chance for one in worst], at, "|", color=INK, markersize=9, markeredgewidth=1.5)
    for line in (MODERATE, SHIFTED):
        axes.axvline(line, color=INK, linewidth=1, linestyle="--")
    axes.set_yticks(at, [_short(one.title) for one in worst])
    axes.invert_yaxis()
    axes.set(xlabel="PSI", xlim=(0, None))


def _shown(moved: Shifts) -> list[Shift]:
    """The score, the narratives, and of the columns those that ever moved most."""
    narratives = list(moved.texts)
    columns = sorted(
        moved.columns, key=lambda one: -max((index.value for index in one.months if index.value > 0), default=0.0)
    )
    return [moved.score, *columns[: max(0, MAX_ROWS - 1 - len(narratives))], *narratives]


def _heat_plot(moved: Shifts, grown: Sequence[Vintage]) -> Plot:
    shown = _shown(moved)
    n_hidden = len(moved.all) - len(shown)
    return Plot(
        key="stability_months",
        title="PSI by month of decision",
        words="The redder, the further from training; full red is 0.5 and more. A dot marks a PSI above 0.1 that is "
        "beyond chance. White, with a cross: no row, or too few narratives."
        + (f" {n_hidden} columns that moved least are left out." if n_hidden else ""),
        alt="A field for every month and every column, coloured by PSI.",
        wide=True,
        drawing=picture(lambda axes: _draw_heat(axes, shown, grown), (11.0, 1.6 + 0.27 * len(shown))),
    )


def _draw_heat(axes: Axes, shown: Sequence[Shift], grown: Sequence[Vintage]) -> None:
    values = np.array([[index.value for index in one.months] for one in shown])
    axes.imshow(
        np.ma.masked_invalid(values), cmap=PALE, vmin=0.0, vmax=0.5, aspect="auto", interpolation="nearest", zorder=1.5
    )
    for row, one in enumerate(shown):
        for column, index in enumerate(one.months):
            if math.isnan(index.value):
                axes.plot([column], [row], "x", color=GRID, markersize=5)
            elif index.word in ("moderate", "shifted"):
                axes.plot([column], [row], "o", color=INK, markersize=3)
    axes.set_yticks(range(len(shown)), [_short(one.title) for one in shown])
    name_places(axes, [one.name for one in grown])


def _vintage_plot(grown: Sequence[Vintage]) -> Plot:
    return Plot(
        key="stability_vintages",
        title="Bad rate and PD by month of decision",
        words="Dots are bad rates with their 95 % interval, the line is the mean PD that was given. A month "
        "without decisions is left empty.",
        alt="Bad rate with its interval and mean PD of every month of decision.",
        wide=True,
        drawing=picture(lambda axes: _draw_vintages(axes, grown), (11.0, 3.8)),
    )


def _draw_vintages(axes: Axes, grown: Sequence[Vintage]) -> None:
    at = np.arange(len(grown))
    bad = [one.bad_rate.value for one in grown]
    axes.vlines(at, [one.bad_rate.low for one in grown], [one.bad_rate.high for one in grown], color=INK, linewidth=1.2)
    axes.plot(at, bad, "o", color=RED, label="bad rate")
    axes.plot(at, [one.mean_pd.value for one in grown], "-", marker=".", color=BLUE, label="mean PD")
    name_places(axes, [one.name for one in grown])
    axes.set(ylim=(0, None))
    percent_axis(axes.yaxis)
    legend(axes)


def _short(title: str, longest: int = 34) -> str:
    kept = title if len(title) <= longest else title[: longest - 1].rstrip() + "…"
    return kept.replace("$", r"\$")  # which would begin a formula
