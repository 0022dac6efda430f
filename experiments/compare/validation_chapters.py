"""The validation's chapters over two models: discrimination, calibration, segments and months."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from experiments.compare.pair import Pair, narrative_cuts
from experiments.reporting.cells import figure
from experiments.reporting.charts import BLUE, INK, MUTED, RED, legend, name_places, percent_axis, picture, whiskers
from experiments.reporting.document import Column, Plot, Row, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import percent
from experiments.validate.chapters.calibration import tables as calibration
from experiments.validate.chapters.discrimination import tables as discrimination
from experiments.validate.chapters.discrimination.chapter import AUC_WORDS
from experiments.validate.gains import SliceGain, gain_cells
from experiments.validate.slices import MIN_BADS, Cut

CONSTANT = gettext_noop("one of them gives all the same PD")
FEW_OF_A_KIND = gettext_noop("too few goods or bads")
FEW_ROWS = gettext_noop("fewer than two rows")
MAX_DOTS = 1500  # of the plot of ranks


def discrimination_chapter(found: Pair) -> Section:
    """Which of the two ranks better, and how alike they rank."""
    both = found.comparison
    gains = {
        gettext("AUC"): gain_cells(both.auc, gettext(FEW_OF_A_KIND)),
        gettext("Brier score"): gain_cells(both.brier, gettext(FEW_ROWS)),
        gettext("Log-loss, nats"): (figure(both.champion.log_loss - both.challenger.log_loss), None),
    }
    return Section(
        key="discrimination",
        title=gettext("Discrimination: which separates good from bad better?"),
        words=(
            gettext(
                "{auc_words} Gini is twice the AUC less one, and so is its difference. A difference is above "
                "0 where the challenger is better; interval and p are DeLong’s for the AUC and those of a "
                "paired z-test over the rows for the Brier score, much narrower than the two models’ own "
                "intervals suggest. p is the chance of such a difference or a larger one between models that "
                "are equally good. Intervals of KS and average precision are by 1,000 bootstrap draws."
            ).format(auc_words=gettext(AUC_WORDS)),
        ),
        tables=(
            discrimination.overall_table(found.sides, gains),
            discrimination.cutoff_table(found.sides),
            agreement_table(found),
        ),
        plots=(discrimination.roc_plot(found.sides), _ranks_plot(found)),
    )


def calibration_chapter(found: Pair) -> Section:
    """Whose PDs come true."""
    return Section(
        key="calibration",
        title=gettext("Calibration: whose PDs come true?"),
        words=(
            gettext(
                "A slope of 1 and a mean PD equal to the bad rate are right. A slope below 1 means PDs too extreme, "
                "above 1 too timid. The Brier score is the mean squared error of the PDs, so less is better; it falls "
                "when a model ranks better and when its PDs come closer to what happens. Its difference is above 0 "
                "where the challenger errs less."
            ),
        ),
        tables=(
            calibration.overall_table(
                found.sides, {gettext("Brier score"): gain_cells(found.comparison.brier, gettext(FEW_ROWS))}
            ),
        ),
        plots=(calibration.reliability_plot(found.sides),),
    )


def segments_chapter(found: Pair, segments: Sequence[Cut]) -> Section:
    """By narrative and by segment."""
    narrative = narrative_cuts(found)
    parts = [(f"by_{cut.key}", cut) for cut in narrative] + [(f"segment_{cut.key}", cut) for cut in segments]
    gains = [(key, cut, [found.contest.on(part) for part in cut.slices]) for key, cut in parts]
    n_ranked = sum(one.auc is not None for _, _, slices in gains for one in slices)
    words = [
        gettext(
            "A challenger that is better over all can be worse for some. Gains are above 0 where it is "
            "better; of {n_ranked} parts that are ranked here, one in twenty can be expected to show a p "
            "below 0.05 by chance alone."
        ).format(n_ranked=n_ranked)
    ]
    if not narrative:
        words.append(gettext("Neither model read a narrative of anybody, so there is nothing to part by narrative."))
    if not segments:
        words.append(gettext("No column parts the applicants into a few groups of some size; name one with --segment."))
    return Section(
        key="segments",
        title=gettext("By segment, with and without narrative"),
        words=tuple(words),
        tables=tuple(_slice_table(found, key, cut, slices) for key, cut, slices in gains),
    )


def months_chapter(found: Pair, months: Cut | None) -> Section:
    """By month of decision."""
    title = gettext("By month of decision")
    if months is None:
        words = gettext("The champion's schema has no decision date, or the file lacks it.")
        return Section(key="months", title=title, words=(words,))
    gains = [found.contest.on(part) for part in months.slices]
    ranked = any(one.auc for one in gains)
    plot = Plot(
        key="auc_by_month",
        title=gettext("AUC of the challenger less that of the champion"),
        words=gettext(
            "Dots with their 95 % intervals, above 0 where the challenger ranks better; a month with too few goods "
            "or bads has none. The broken line is all months."
        ),
        alt=gettext("Difference of the AUCs by month, with intervals."),
        gap="" if ranked else gettext("No month has {min_bads} goods and {min_bads} bads.").format(min_bads=MIN_BADS),
        wide=True,
        drawing=picture(lambda axes: _draw_months(axes, found, gains), (11.0, 3.6)) if ranked else "",
    )
    return Section(
        key="months",
        title=title,
        words=(gettext("An advantage that fades from month to month is one that the challenger may not keep."),),
        tables=(_slice_table(found, "by_month", months, gains),),
        plots=(plot,),
    )


def agreement_table(found: Pair) -> Table:
    """How alike the two are."""
    swaps = found.swaps
    row: Row = (
        gettext("Champion and challenger"),
        figure(found.comparison.spearman, gettext(CONSTANT)),
        figure(swaps.differing),
        figure(found.decided_differently),
    )
    return Table(
        key="agreement",
        title=gettext("How alike they are"),
        note=gettext("A rank correlation of 1 means the same order, 0 no order in common."),
        columns=(
            Column(key="models", title=gettext("Models")),
            Column(key="spearman", title=gettext("Rank correlation of the PDs (Spearman)"), form="number", digits=4),
            Column(
                key="at_equal_rate",
                title=gettext("Decided differently when each approves {approval_rate}").format(
                    approval_rate=percent(swaps.approval_rate, 1)
                ),
                form="percent",
                digits=1,
            ),
            Column(key="by_policy", title=gettext("Decided differently, by policy"), form="percent", digits=1),
        ),
        rows=(row,),
    )


def _slice_table(found: Pair, key: str, cut: Cut, gains: Sequence[SliceGain]) -> Table:
    note = gettext("{how} A slice with fewer than {min_bads} goods or bads is not ranked.").format(
        how=cut.how, min_bads=MIN_BADS
    )
    return found.contest.table(
        (key, gettext("By {cut_title}").format(cut_title=cut.title), note), gains, bad_rates=True
    )


def _ranks_plot(found: Pair) -> Plot:
    return Plot(
        key="ranks",
        title=gettext("How the two rank the same applicants"),
        words=gettext(
            "Each dot is an applicant, by the share of applicants that each model takes for safer. On the diagonal "
            "they agree; of many applicants some are drawn at random."
        ),
        alt=gettext("Scatter plot of the challenger's rank against the champion's, bads over goods."),
        drawing=picture(lambda axes: _draw_ranks(axes, found)),
    )


def _draw_ranks(axes: Axes, found: Pair) -> None:
    n = len(found)
    some = np.arange(n)
    if n > MAX_DOTS:
        some = np.sort(np.random.Generator(np.random.PCG64(0)).choice(n, MAX_DOTS, replace=False))
    x, y = (np.argsort(np.argsort(one.margin, kind="stable"))[some] / n for one in (found.champion, found.challenger))
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    for value, colour, mark, size, name in ((0, BLUE, "o", 9, gettext("goods")), (1, RED, "x", 16, gettext("bads"))):
        own = found.y[some] == value
        axes.scatter(x[own], y[own], s=size, color=colour, marker=mark, alpha=0.55, linewidths=value, label=name)
    axes.set(
        xlabel=gettext("champion: safest to riskiest"),
        ylabel=gettext("challenger: safest to riskiest"),
        xlim=(0, 1),
        ylim=(0, 1),
    )
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def _draw_months(axes: Axes, found: Pair, gains: Sequence[SliceGain]) -> None:
    axes.axhline(0, color=INK, linewidth=1)
    axes.axhline(found.comparison.auc.difference, color=MUTED, linewidth=1, linestyle="--")
    for at, one in enumerate(gains):
        if one.auc:
            whiskers(axes, [at], [one.auc])
            axes.plot([at], [one.auc.difference], "o", color=BLUE if one.auc.difference >= 0 else RED)
    name_places(axes, [one.name for one in gains])
    axes.set(ylabel=gettext("difference of AUC"))
