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
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.lower_floors import translated
from experiments.validate.chapters.stability.shift import Shift, Shifts, pd_range
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import Cut
from fusion.validation.psi import MODERATE, SHIFTED, VERDICT_WORDS, Psi
from fusion.validation.text_drift import MIN_NARRATIVES
from fusion.validation.vintages import Vintage

MAX_MONTHS = 12  # columns of the table by month; the picture has all
NO_ROW = gettext_noop("no row")
NO_PSI = gettext_noop("no row to compare")
ALIKE = gettext_noop("all alike in training")
MAX_BARS = 15
MAX_ROWS = 24  # of the picture by month
LEVELS = (0.0, MODERATE, SHIFTED, 0.5, 1.0)
"""Where the fields of the picture by month change their shade."""
SHADES = ListedColormap(["#edf2f7", "#f2d7a6", "#e39a52", "#b8560f", "#6b2a05"])
"""Ever darker, so that they differ for every eye and in print."""
BY_CHANCE = "#f7f7f5"


def few_narratives() -> str:
    """Why narratives are not compared."""
    return gettext("under {n} narratives").format(n=MIN_NARRATIVES)


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
        title=gettext("The score, in tenths of the training applicants"),
        note=gettext("PSI {found_value:.4f}; by chance below {chance:.4f}.").format(
            found_value=found.value, chance=found.chance
        )
        if found.cells
        else gettext(NO_PSI),
        columns=(
            Column(key="pd", title=gettext("PD")),
            Column(key="then", title=gettext("In training"), form="percent", digits=1),
            Column(key="now", title=gettext("Here"), form="percent", digits=1),
            Column(key="change", title=gettext("Change, percentage points"), form="signed", digits=1),
        ),
        rows=tuple(rows),
    )


def _column_table(moved: Shifts) -> Table:
    return Table(
        key="stability_columns",
        title=gettext("Score and columns, the furthest moved first"),
        note=gettext(
            "The index of a column is also called its characteristic stability index (CSI). Weight: the column’s part "
            "in all movement of the training scores; a shift of a weighty column matters more. Of "
            "many columns some exceed chance by chance, where rows are few."
        ),
        columns=(
            Column(key="column", title=gettext("Column")),
            Column(key="psi", title=gettext("PSI"), form="number", digits=4),
            Column(key="chance", title=gettext("Chance"), form="number", digits=4),
            Column(key="word", title=gettext("Verdict")),
            Column(key="weight", title=gettext("Weight"), form="percent", digits=1),
            Column(key="what", title=gettext("Most changed: training → here")),
        ),
        rows=tuple(_shift_row(one) for one in (moved.score, *moved.columns)),
    )


def _shift_row(one: Shift) -> Row:
    return (
        one.title,
        figure(one.index.value, gettext(NO_PSI)),
        figure(one.index.chance, gettext(NO_PSI)),
        translated(VERDICT_WORDS[one.index.verdict]),
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
                figure(then.n_written / then.n_rows if then.n_rows else math.nan, gettext(NO_ROW)),
                figure(now.n_written / now.n_rows if now.n_rows else math.nan, gettext(NO_ROW)),
                figure(index.value, gettext(NO_PSI)),
                figure(index.chance, gettext(NO_PSI)),
                translated(VERDICT_WORDS[index.verdict]),
                figure(length.value, few_narratives()),
                figure(length.chance, few_narratives()),
                translated(VERDICT_WORDS[length.verdict]),
            )
        )
    return Table(
        key="stability_written",
        title=gettext("Narratives: who writes, and how much"),
        note=gettext("Length is the number of distinct words of those who write."),
        columns=(
            Column(key="narrative", title=gettext("Narrative")),
            Column(key="written_then", title=gettext("Written, in training"), form="percent", digits=1),
            Column(key="written_now", title=gettext("Written, here"), form="percent", digits=1),
            *_index_columns("written", "PSI"),
            *_index_columns("length", gettext("PSI of length")),
        ),
        rows=tuple(rows),
    )


def _index_columns(key: str, title: str) -> tuple[Column, Column, Column]:
    return (
        Column(key=f"psi_{key}", title=title, form="number", digits=4),
        Column(key=f"chance_{key}", title=gettext("Chance"), form="number", digits=4),
        Column(key=f"word_{key}", title=gettext("Verdict")),
    )


def _content_table(scored: ScoredOutcomes, moved: Shifts) -> Table:
    rows: list[Row] = []
    for then, one in zip(scored.model.bundle.reference.texts, moved.narratives, strict=True):
        now, index = one.drift, one.content.index
        why_not = few_narratives() if not then.described or now.n_written < MIN_NARRATIVES else gettext(ALIKE)
        numbers = (index.value, index.chance)
        means = (now.mean, now.distance, now.distance_chance, now.cosine)
        rows.append(
            (
                one.title,
                *(figure(x, why_not) for x in numbers),
                translated(VERDICT_WORDS[index.verdict]),
                *(figure(x, why_not) for x in means),
            )
        )
    return Table(
        key="stability_content",
        title=gettext("Narratives: what is written"),
        note=gettext(
            "“Mean vector moved” is in units of the spread of single narratives in training: 1 is as far "
            "as a single narrative lies from their mean. Fewer than {min_narratives} narratives are not "
            "compared."
        ).format(min_narratives=MIN_NARRATIVES),
        columns=(
            Column(key="narrative", title=gettext("Narrative")),
            *_index_columns("greatest", gettext("Greatest PSI of a direction")),
            Column(key="psi_mean", title=gettext("Mean PSI"), form="number", digits=4),
            Column(key="distance", title=gettext("Mean vector moved"), form="number", digits=3),
            Column(key="chance_distance", title=gettext("Chance"), form="number", digits=3),
            Column(key="cosine", title=gettext("Cosine distance"), form="number", digits=4),
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
                figure(one.months[at].value, gettext(NO_ROW) if not len(months.slices[at]) else gettext("too few"))
                if math.isnan(one.months[at].value)
                else one.months[at].value
                for at in shown
            ),
        )
        for one in moved.all
    ]
    return Table(
        key="stability_months",
        title=gettext("PSI by month of decision"),
        note=gettext("A small month differs by chance: see the picture, which marks what exceeds it.")
        + (
            gettext(" The last {max_months} months; {n_more} earlier ones are in the picture.").format(
                max_months=MAX_MONTHS, n_more=n_more
            )
            if n_more
            else ""
        ),
        columns=(
            Column(key="what", title=gettext("What moved")),
            *(
                Column(key=months.slices[at].name, title=months.slices[at].name, form="number", digits=3)
                for at in shown
            ),
        ),
        rows=tuple(rows),
    )


def _vintage_table(grown: Sequence[Vintage]) -> Table:
    gap = Gap(gap=gettext(NO_ROW))
    rows: list[Row] = [
        (
            one.name,
            one.n,
            interval(one.bad_rate, gettext(NO_ROW)),
            interval(one.mean_pd, gettext(NO_ROW)),
            interval(one.mean_score, gettext(NO_ROW)),
            interval(one.approved, gettext(NO_ROW)),
        )
        if one.n
        else (one.name, 0, gap, gap, gap, gap)
        for one in grown
    ]
    return Table(
        key="stability_vintages",
        title=gettext("Vintages: months of decision"),
        note=gettext(
            "Bad rates and approvals with Jeffreys’ 95 % interval, means with their normal one. Bad rate and PD by "
            "month are drawn in the chapter on calibration."
        ),
        columns=(
            Column(key="month", title=gettext("Month")),
            NUMBER,
            BAD_RATE,
            MEAN_PD,
            Column(key="mean_score", title=gettext("Mean score"), form="number", digits=1),
            Column(key="approved", title=gettext("Approved by the policy"), form="percent", digits=1),
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
        title=gettext("Scores in training and here"),
        words=gettext(
            "Training applicants fall into each group of PDs in like numbers. Where bars here are much longer or "
            "shorter, more or fewer applicants have such PDs than the model met."
        ),
        alt=gettext("Share of applicants by PD, in training and here."),
        gap="" if found.cells else gettext("There are no scores to compare."),
        drawing=picture(lambda axes: _draw_score(axes, found)) if found.cells else "",
    )


def _draw_score(axes: Axes, found: Psi) -> None:
    at = np.arange(len(found.cells))
    axes.barh(at - 0.2, [cell.expected for cell in found.cells], 0.38, color=MUTED, label=gettext("in training"))
    axes.barh(at + 0.2, [cell.actual for cell in found.cells], 0.38, color=BLUE, label=gettext("here"))
    axes.set_yticks(at, [pd_range(cell.low, cell.high) for cell in found.cells])
    axes.invert_yaxis()
    longest = max(max(cell.expected, cell.actual) for cell in found.cells)
    axes.set(
        xlabel=gettext("share of applicants"), ylabel=gettext("PD"), xlim=(0, 1.35 * longest)
    )  # the legend needs room
    percent_axis(axes.xaxis)
    legend(axes)


def _bars_plot(moved: Shifts) -> Plot:
    n = len([one for one in (*moved.columns, *moved.texts) if not math.isnan(one.index.value)])
    return Plot(
        key="stability_columns",
        title=gettext("What moved most"),
        words=gettext("PSI of columns and narratives")
        + (gettext(", the {max_bars} furthest moved of {n}").format(max_bars=MAX_BARS, n=n) if n > MAX_BARS else "")
        + gettext(". The lines stand at 0.1 and 0.25; the mark on a bar is what chance stays below 19 times in 20."),
        alt=gettext("Bars of the PSI of columns and narratives with lines at 0.1 and 0.25."),
        gap="" if n else gettext("There is nothing to compare."),
        drawing=picture(lambda axes: _draw_bars(axes, moved), NAMED) if n else "",
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
    axes.set(xlabel=gettext("PSI"), xlim=(0, None))


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
        title=gettext("PSI by month of decision"),
        words=gettext(
            "The darker, the further from training. Only what is beyond chance has a shade: a small month differs "
            "by chance, and what chance explains is left white. A cross: no row, or too few narratives."
        )
        + (gettext(" {n_hidden} columns that moved least are left out.").format(n_hidden=n_hidden) if n_hidden else ""),
        alt=gettext("A field for every month and every column, the darker the higher its PSI."),
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
    bar = axes.figure.colorbar(
        fields, ax=axes, orientation="horizontal", shrink=0.4, aspect=30, pad=BELOW_NAMES / (2.0 + 0.27 * len(shown))
    )
    bar.set_label(gettext("PSI, beyond chance"), size=FONT - 1, color=INK)
    bar.ax.tick_params(labelsize=FONT - 1, colors=INK)
    axes.set_yticks(range(len(shown)), [_short(one.title) for one in shown])
    name_places(axes, [one.name for one in grown])


BELOW_NAMES = 0.6  # inches, from the axes to what explains the shades, with the months between
NAMED = (3.5, 3.6)  # inches, beside the names


def _short(title: str, longest: int = 34) -> str:
    kept = title if len(title) <= longest else title[: longest - 1].rstrip() + "…"
    return kept.replace("$", r"\$")  # which would begin a formula
