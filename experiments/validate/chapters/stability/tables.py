"""Tables and plots of the chapter on stability."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap

from experiments.reporting.cells import BAD_RATE, MEAN_PD, NUMBER, figure, interval
from experiments.reporting.charts import BLUE, FONT, INK, MUTED, RED, legend, name_places, percent_axis, picture
from experiments.reporting.document import Column, Gap, Plot, Row, Table
from experiments.validate.chapters.stability.shift import Shift, Shifts, pd_range
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import Cut
from fusion.validation.psi import MODERATE, SHIFTED, Psi
from fusion.validation.text_drift import MIN_NARRATIVES
from fusion.validation.vintages import Vintage

MAX_MONTHS = 12  # columns of the table by month; the picture has all
NO_ROW = "no row"
NO_PSI = "no row to compare"
FEW = f"under {MIN_NARRATIVES} narratives"
ALIKE = "all alike in training"
MAX_BARS = 15
MAX_ROWS = 24  # of the picture by month
LEVELS = (0.0, MODERATE, SHIFTED, 0.5, 1.0)
"""Where the fields of the picture by month change their shade."""
SHADES = ListedColormap(["#edf2f7", "#f2d7a6", "#e39a52", "#b8560f", "#6b2a05"])
"""Ever darker, so that they differ for every eye and in print."""
BY_CHANCE = "#f7f7f5"


def tables(scored: ScoredOutcomes, moved: Shifts, grown: Sequence[Vintage], months: Cut | None) -> Iterator[Table]:
    """Those for which there are figures."""
    yield _score_table(moved.score_psi)
    yield _column_table(moved)
    if moved.narratives:
        yield _written_table(scored, moved)
        yield _content_table(scored, moved)
    if months:
        yield _month_table(moved, months)
        yield _vintage_table(grown)


def _score_table(found: Psi) -> Table:
    rows: list[Row] = [
        (pd_range(cell.low, cell.high), cell.expected, cell.actual, 100 * (cell.actual - cell.expected))
        for cell in found.cells
    ]
    return Table(
        key="stability_score",
        title="The score, in tenths of the training applicants",
        note=f"PSI {found.value:.4f}; by chance below {found.chance:.4f}." if found.cells else NO_PSI,
        columns=(
            Column(key="pd", title="PD"),
            Column(key="then", title="In training", form="percent", digits=1),
            Column(key="now", title="Here", form="percent", digits=1),
            Column(key="change", title="Change, percentage points", form="signed", digits=1),
        ),
        rows=tuple(rows),
    )


def _column_table(moved: Shifts) -> Table:
    return Table(
        key="stability_columns",
        title="Score and columns, the furthest moved first",
        note="The index of a column is also called its characteristic stability index (CSI). Weight: the column’s part "
        "in all movement of the training scores; a shift of a weighty column matters more. Of "
        "many columns some exceed chance by chance, where rows are few.",
        columns=(
            Column(key="column", title="Column"),
            Column(key="psi", title="PSI", form="number", digits=4),
            Column(key="chance", title="Chance", form="number", digits=4),
            Column(key="word", title="Word"),
            Column(key="weight", title="Weight", form="percent", digits=1),
            Column(key="what", title="Most changed: training → here"),
        ),
        rows=tuple(_shift_row(one) for one in (moved.score, *moved.columns)),
    )


def _shift_row(one: Shift) -> Row:
    return (
        one.title,
        figure(one.index.value, NO_PSI),
        figure(one.index.chance, NO_PSI),
        one.index.verdict,
        None if math.isnan(one.weight) else one.weight,
        one.what or None,
    )


def _written_table(scored: ScoredOutcomes, moved: Shifts) -> Table:
    rows: list[Row] = []
    for then, one in zip(scored.model.bundle.reference.texts, moved.narratives, strict=True):
        now, index, length = one.drift, one.written.index, one.length.index
        rows.append(
            (
                one.title,
                figure(then.n_written / then.n_rows if then.n_rows else math.nan, NO_ROW),
                figure(now.n_written / now.n_rows if now.n_rows else math.nan, NO_ROW),
                figure(index.value, NO_PSI),
                figure(index.chance, NO_PSI),
                index.verdict,
                figure(length.value, FEW),
                figure(length.chance, FEW),
                length.verdict,
            )
        )
    return Table(
        key="stability_written",
        title="Narratives: who writes, and how much",
        note="Length is the number of distinct words of those who write.",
        columns=(
            Column(key="narrative", title="Narrative"),
            Column(key="written_then", title="Written, in training", form="percent", digits=1),
            Column(key="written_now", title="Written, here", form="percent", digits=1),
            *_index_columns("written", "PSI"),
            *_index_columns("length", "PSI of length"),
        ),
        rows=tuple(rows),
    )


def _index_columns(key: str, title: str) -> tuple[Column, Column, Column]:
    return (
        Column(key=f"psi_{key}", title=title, form="number", digits=4),
        Column(key=f"chance_{key}", title="Chance", form="number", digits=4),
        Column(key=f"word_{key}", title="Word"),
    )


def _content_table(scored: ScoredOutcomes, moved: Shifts) -> Table:
    rows: list[Row] = []
    for then, one in zip(scored.model.bundle.reference.texts, moved.narratives, strict=True):
        now, index = one.drift, one.content.index
        why_not = FEW if not then.described or now.n_written < MIN_NARRATIVES else ALIKE
        numbers = (index.value, index.chance)
        means = (now.mean, now.distance, now.distance_chance, now.cosine)
        rows.append(
            (one.title, *(figure(x, why_not) for x in numbers), index.verdict, *(figure(x, why_not) for x in means))
        )
    return Table(
        key="stability_content",
        title="Narratives: what is written",
        note="“Mean vector moved” is in units of the spread of single narratives in training: 1 is as far as a single "
        f"narrative lies from their mean. Fewer than {MIN_NARRATIVES} narratives are not compared.",
        columns=(
            Column(key="narrative", title="Narrative"),
            *_index_columns("greatest", "Greatest PSI of a direction"),
            Column(key="psi_mean", title="Mean PSI", form="number", digits=4),
            Column(key="distance", title="Mean vector moved", form="number", digits=3),
            Column(key="chance_distance", title="Chance", form="number", digits=3),
            Column(key="cosine", title="Cosine distance", form="number", digits=4),
        ),
        rows=tuple(rows),
    )


def _month_table(moved: Shifts, months: Cut) -> Table:
    shown = range(max(0, len(months.slices) - MAX_MONTHS), len(months.slices))
    n_more = len(months.slices) - len(shown)
    rows: list[Row] = [
        (
            one.title,
            *(
                figure(one.months[at].value, NO_ROW if not len(months.slices[at]) else "too few")
                if math.isnan(one.months[at].value)
                else one.months[at].value
                for at in shown
            ),
        )
        for one in moved.all
    ]
    return Table(
        key="stability_months",
        title="PSI by month of decision",
        note="A small month differs by chance: see the picture, which marks what exceeds it."
        + (f" The last {MAX_MONTHS} months; {n_more} earlier ones are in the picture." if n_more else ""),
        columns=(
            Column(key="what", title="What moved"),
            *(
                Column(key=months.slices[at].name, title=months.slices[at].name, form="number", digits=3)
                for at in shown
            ),
        ),
        rows=tuple(rows),
    )


def _vintage_table(grown: Sequence[Vintage]) -> Table:
    gap = Gap(gap=NO_ROW)
    rows: list[Row] = [
        (
            one.name,
            one.n,
            interval(one.bad_rate, NO_ROW),
            interval(one.mean_pd, NO_ROW),
            interval(one.mean_score, NO_ROW),
            interval(one.approved, NO_ROW),
        )
        if one.n
        else (one.name, 0, gap, gap, gap, gap)
        for one in grown
    ]
    return Table(
        key="stability_vintages",
        title="Vintages: months of decision",
        note="Bad rates and approvals with Jeffreys’ 95 % interval, means with their normal one. Bad rate and PD by "
        "month are drawn in the chapter on calibration.",
        columns=(
            Column(key="month", title="Month"),
            NUMBER,
            BAD_RATE,
            MEAN_PD,
            Column(key="mean_score", title="Mean score", form="number", digits=1),
            Column(key="approved", title="Approved by the policy", form="percent", digits=1),
        ),
        rows=tuple(rows),
    )


def plots(moved: Shifts, grown: Sequence[Vintage], months: Cut | None) -> list[Plot]:
    """What is drawn; without months of decision only what is over all rows."""
    found = [_score_plot(moved.score_psi), _bars_plot(moved)]
    return [*found, _heat_plot(moved, grown)] if months else found


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
    axes.barh(at, [one.index.value for one in worst], color=[colours.get(one.index.verdict, MUTED) for one in worst])
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
        words="The darker, the further from training. Only what is beyond chance has a shade: a small month differs "
        "by chance, and what chance explains is left white. A cross: no row, or too few narratives."
        + (f" {n_hidden} columns that moved least are left out." if n_hidden else ""),
        alt="A field for every month and every column, the darker the higher its PSI.",
        wide=True,
        drawing=picture(lambda axes: _draw_heat(axes, shown, grown), (11.0, 2.0 + 0.27 * len(shown))),
    )


def _draw_heat(axes: Axes, shown: Sequence[Shift], grown: Sequence[Vintage]) -> None:
    values = np.array([[index.value for index in one.months] for one in shown])
    chance = np.array([[index.chance for index in one.months] for one in shown])
    fields = axes.imshow(
        np.ma.masked_where(~(values > chance), values),
        cmap=SHADES.with_extremes(bad=BY_CHANCE),
        norm=BoundaryNorm(LEVELS, SHADES.N, extend="max"),
        aspect="auto",
        interpolation="nearest",
        zorder=1.5,
    )
    empty = np.argwhere(np.isnan(values))
    axes.plot(empty[:, 1], empty[:, 0], "x", color=MUTED, markersize=5, linestyle="none")
    bar = axes.figure.colorbar(fields, ax=axes, orientation="horizontal", shrink=0.4, aspect=30, pad=0.7 / len(shown))
    bar.set_label("PSI, beyond chance", size=FONT - 1, color=INK)
    bar.ax.tick_params(labelsize=FONT - 1, colors=INK)
    axes.set_yticks(range(len(shown)), [_short(one.title) for one in shown])
    name_places(axes, [one.name for one in grown])


def _short(title: str, longest: int = 34) -> str:
    kept = title if len(title) <= longest else title[: longest - 1].rstrip() + "…"
    return kept.replace("$", r"\$")  # which would begin a formula
