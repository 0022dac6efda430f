"""The chapters on parts of the rows: by segment, with and without narrative, and by month of decision."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from experiments.compare.pair import NO_VARIANCE, Pair, estimate, narrative_cuts
from experiments.reporting.cells import figure, interval
from experiments.reporting.charts import BLUE, INK, MUTED, RED, name_places, picture
from experiments.reporting.document import Column, Gap, Plot, Row, Section, Table
from experiments.validate.slices import MIN_BADS, TOO_FEW, Cut, Slice, enough
from fusion.metrics import auc, brier_gain, delong
from fusion.validation.intervals import rate

COLUMNS = (
    Column(key="slice", title="Rows"),
    Column(key="n", title="Number", form="count"),
    Column(key="n_bad", title="Bad", form="count"),
    Column(key="bad_rate", title="Bad rate", form="percent", digits=1),
    Column(key="champion", title="AUC, champion", form="number", digits=3),
    Column(key="challenger", title="AUC, challenger", form="number", digits=3),
    Column(key="difference", title="Challenger better by", form="signed", digits=3),
    Column(key="p", title="p", form="p"),
    Column(key="brier", title="Brier score lower by", form="signed", digits=4),
)


def segments_chapter(found: Pair, segments: Sequence[Cut]) -> Section:
    """By narrative and by segment."""
    narrative = narrative_cuts(found)
    cuts = [*narrative, *segments]
    n_ranked = sum(enough(found.y[part.rows]) for cut in cuts for part in cut.slices)
    words = [
        "A challenger that is better over all can be worse for some. Differences are above 0 where it is better; of "
        f"{n_ranked} parts that are ranked here, one in twenty can be expected to show a p below 0.05 by chance alone."
    ]
    if not narrative:
        words.append("Neither model read a narrative of anybody, so there is nothing to part by narrative.")
    if not segments:
        words.append("No column parts the applicants into a few groups of some size; name one with --segment.")
    tables = [slice_table(found, cut, f"by_{cut.key}") for cut in narrative]
    tables += [slice_table(found, cut, f"segment_{cut.key}") for cut in segments]
    return Section(
        key="segments", title="By segment, with and without narrative", words=tuple(words), tables=tuple(tables)
    )


def months_chapter(found: Pair, months: Cut | None) -> Section:
    """By month of decision."""
    title = "By month of decision"
    if months is None:
        said = "The champion's schema has no decision date, or the file lacks it."
        return Section(key="months", title=title, words=(said,))
    drawn = any(enough(found.y[part.rows]) for part in months.slices)
    plot = Plot(
        key="auc_by_month",
        title="AUC of the challenger less that of the champion",
        words="Dots with their 95 % intervals, above 0 where the challenger ranks better; a month with too few goods "
        "or bads has none. The broken line is all months.",
        alt="Difference of the AUCs by month, with intervals.",
        gap="" if drawn else f"No month has {MIN_BADS} goods and {MIN_BADS} bads.",
        wide=True,
        drawing=picture(lambda axes: _draw(axes, found, months), (11.0, 3.6)) if drawn else "",
    )
    return Section(
        key="months",
        title=title,
        words=("An advantage that fades from month to month is one that the challenger may not keep.",),
        tables=(slice_table(found, months, "by_month"),),
        plots=(plot,),
    )


def slice_table(found: Pair, cut: Cut, key: str) -> Table:
    """Both models in every slice."""
    return Table(
        key=key,
        title=f"By {cut.title}",
        note=f"{cut.how} A slice with fewer than {MIN_BADS} goods or bads is not ranked.".strip(),
        columns=COLUMNS,
        rows=tuple(_row(found, part) for part in cut.slices),
    )


def _row(found: Pair, part: Slice) -> Row:
    y, one, other = found.y[part.rows], found.champion.margin[part.rows], found.challenger.margin[part.rows]
    gap = Gap(gap="no row")
    if not len(y):
        return (part.name, 0, 0, gap, gap, gap, gap, gap, gap)
    brier = interval(estimate(brier_gain(y, other, one)), "one row")
    head: Row = (part.name, len(y), int(y.sum()), interval(rate(float(y.sum()), len(y))))
    if not enough(y):
        few = Gap(gap=TOO_FEW)
        return (*head, few, few, few, few, brier)
    gain = delong(y, other, one)
    return (
        *head,
        figure(auc(y, one)),
        figure(auc(y, other)),
        interval(estimate(gain)),
        figure(gain.p, NO_VARIANCE),
        brier,
    )


def _draw(axes: Axes, found: Pair, months: Cut) -> None:
    axes.axhline(0, color=INK, linewidth=1)
    axes.axhline(found.comparison.auc.difference, color=MUTED, linewidth=1, linestyle="--")
    for at, part in enumerate(months.slices):
        y = found.y[part.rows]
        if enough(y):
            gain = delong(y, found.challenger.margin[part.rows], found.champion.margin[part.rows])
            axes.plot([at, at], [gain.low, gain.high], color=INK, linewidth=1.2)
            axes.plot([at], [gain.difference], "o", color=BLUE if gain.difference >= 0 else RED)
    name_places(axes, [part.name for part in months.slices])
    axes.set(ylabel="difference of AUC")
