"""Tables and plots of discrimination: over all rows, at the cut-off, by decile and by slice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from sklearn.metrics import roc_curve

from experiments.reporting.cells import BAD_RATE, BADS, MEAN_PD, NUMBER, figure, interval
from experiments.reporting.charts import (
    BLUE,
    DASHED,
    GRID,
    INK,
    MUTED,
    RED,
    legend,
    name_places,
    percent_axis,
    picture,
    whiskers,
)
from experiments.reporting.document import Column, Gap, Plot, Row, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.sides import Gains, Named, Sides, figure_columns, figure_rows
from experiments.validate.slices import MIN_BADS, Cut, Slice, enough, too_few
from features.arrays import Floats
from fusion.metrics import auc, both_classes, log_loss
from fusion.validation.confusion import at_cutoff
from fusion.validation.intervals import auc_interval, bootstrap, brier_interval, gini_interval, mean_share, rate
from fusion.validation.score_bands import Decile

ONE_CLASS = gettext_noop("one class only")
BOTH_NEEDED = gettext_noop("It takes goods and bads.")
NO_FLAG, NO_BAD, NO_ROW = gettext_noop("nobody is declined"), gettext_noop("no bad"), gettext_noop("no row")
N_DRAWS = 400  # of the bootstrap in a slice; there are many slices
COUNTS = (
    Column(key="slice", title=gettext_noop("Rows")),
    NUMBER,
    BADS,
)
RANKING_COLUMNS = (
    *COUNTS,
    BAD_RATE,
    Column(key="auc", title=gettext_noop("AUC"), form="number", digits=3),
    Column(key="ks", title=gettext_noop("KS"), form="number", digits=3),
    Column(key="average_precision", title=gettext_noop("Average precision"), form="number", digits=3),
    Column(key="brier", title=gettext_noop("Brier score"), form="number", digits=4),
    MEAN_PD,
)
CUTOFF_COLUMNS = (
    *COUNTS,
    Column(key="n_flagged", title=gettext_noop("Not approved"), form="count"),
    Column(key="accuracy", title=gettext_noop("Accuracy"), form="percent", digits=1),
    Column(key="precision", title=gettext_noop("Precision"), form="percent", digits=1),
    Column(key="recall", title=gettext_noop("Recall"), form="percent", digits=1),
    Column(key="f1", title=gettext_noop("F1"), form="percent", digits=1),
)


def overall_table(sides: Sides, gains: Gains | None = None) -> Table:
    """How well the models rank. gains: of two models, the differences by name of the figure."""
    return Table(
        key="overall",
        title=gettext("Over all rows"),
        columns=figure_columns(sides, "number", 4, gains),
        rows=figure_rows(sides, _overall, gains),
    )


def _overall(scored: ScoredOutcomes) -> Named:
    y, margin = scored.y, scored.margin
    drawn = bootstrap(y, margin)
    return [
        (gettext("AUC"), interval(auc_interval(y, margin), gettext(ONE_CLASS))),
        (gettext("Gini"), interval(gini_interval(y, margin), gettext(ONE_CLASS))),
        ("KS", interval(drawn.ks, gettext(ONE_CLASS))),
        (gettext("Average precision"), interval(drawn.average_precision, gettext(ONE_CLASS))),
        (gettext("Brier score"), interval(brier_interval(y, margin))),
        (gettext("Log-loss, nats"), figure(log_loss(y, margin))),
    ]


def cutoff_table(sides: Sides) -> Table:
    """How often the policy's decisions turned out right."""
    return Table(
        key="at_cutoff",
        title=gettext("At the cut-off"),
        note=gettext(
            "“Not approved” stands for a positive test, “bad” for the condition. All applicants here were granted a "
            "loan once; accuracy is a poor guide where few are bad."
        ),
        columns=figure_columns(sides, "percent", 1),
        rows=figure_rows(sides, _at_cutoff),
    )


def _at_cutoff(scored: ScoredOutcomes) -> Named:
    found = at_cutoff(scored.y, ~scored.approved)
    return [
        (gettext("Not approved, of all"), interval(found.flagged)),
        (gettext("Accuracy: decided as it turned out"), interval(found.accuracy)),
        (gettext("Precision: bad, of those not approved"), interval(found.precision, gettext(NO_FLAG))),
        (gettext("Recall: not approved, of the bads"), interval(found.recall, gettext(NO_BAD))),
        (gettext("Specificity: approved, of the goods"), interval(found.specificity, gettext("no good"))),
        (gettext("F1: precision and recall in one"), interval(found.f1, gettext(NO_BAD))),
        (gettext("Bad rate of those approved"), interval(found.bad_rate_passed, gettext("nobody is approved"))),
    ]


def gains_table(deciles: Sequence[Decile]) -> Table:
    """Bads found among the riskiest tenths of the rows."""
    return Table(
        key="gains",
        title=gettext("Gains and lift by decile, the riskiest first"),
        note=gettext(
            "Lift: the bad rate of the group over that of all. Equal PDs are never parted, so groups can differ in "
            "size."
        ),
        columns=(
            Column(key="decile", title=gettext("Group"), form="count"),
            *COUNTS[1:],
            Column(key="rate", title=gettext("Bad rate"), form="percent", digits=1),
            Column(key="lift", title=gettext("Lift"), form="number", digits=2),
            Column(key="share", title=gettext("Share of applicants so far"), form="percent"),
            Column(key="captured", title=gettext("Share of bads so far"), form="percent", digits=1),
            Column(key="cumulative_lift", title=gettext("Lift so far"), form="number", digits=2),
            Column(key="ks", title=gettext("KS here"), form="number", digits=3),
        ),
        rows=tuple(
            (
                at,
                one.n,
                one.n_bad,
                interval(one.rate),
                *map(figure, (one.lift, one.share, one.captured, one.cumulative_lift, one.ks)),
            )
            for at, one in enumerate(deciles, 1)
        ),
    )


def slice_table(scored: ScoredOutcomes, cut: Cut) -> Table:
    """How the model ranks the rows of every slice."""
    return Table(
        key=f"by_{cut.key}",
        title=gettext("By {cut_title}").format(cut_title=cut.title),
        note=gettext(
            "{how} A slice with fewer than {min_bads} goods or bads is not ranked. Average precision "
            "rises with the bad rate: of a random order it is the bad rate. Bootstrap intervals are by "
            "{n_draws} draws."
        )
        .format(how=cut.how, min_bads=MIN_BADS, n_draws=N_DRAWS)
        .strip(),
        columns=RANKING_COLUMNS,
        rows=tuple(_ranking_row(scored, part) for part in cut.slices),
    )


def _ranking_row(scored: ScoredOutcomes, part: Slice) -> Row:
    y, margin = scored.y[part.rows], scored.margin[part.rows]
    if not len(y):
        return (part.name, 0, 0, *[Gap(gap=gettext(NO_ROW))] * 6)
    ranking: Row = (Gap(gap=too_few()),) * 3
    if enough(y):
        drawn = bootstrap(y, margin, N_DRAWS)
        ranking = (interval(auc_interval(y, margin)), interval(drawn.ks), interval(drawn.average_precision))
    return (
        part.name,
        len(y),
        int(y.sum()),
        interval(rate(float(y.sum()), len(y))),
        *ranking,
        interval(brier_interval(y, margin)),
        interval(mean_share(scored.pd[part.rows])),
    )


def cutoff_slice_table(scored: ScoredOutcomes, cut: Cut) -> Table:
    """How often the policy's decisions turned out right in every slice; "not approved" is the positive test."""
    return Table(
        key=f"at_cutoff_{cut.key}",
        title=gettext("At the cut-off, by {cut_title}").format(cut_title=cut.title),
        note=gettext("{how} Precision: bad, of those not approved. Recall: not approved, of the bads. F1: both in one.")
        .format(how=cut.how)
        .strip(),
        columns=CUTOFF_COLUMNS,
        rows=tuple(_cutoff_row(scored, part) for part in cut.slices),
    )


def _cutoff_row(scored: ScoredOutcomes, part: Slice) -> Row:
    found = at_cutoff(scored.y[part.rows], ~scored.approved[part.rows])
    if not found.n:
        return (part.name, 0, 0, 0, *[Gap(gap=gettext(NO_ROW))] * 4)
    return (
        part.name,
        found.n,
        found.n_bad,
        found.n_flagged,
        interval(found.accuracy),
        interval(found.precision, gettext(NO_FLAG)),
        interval(found.recall, gettext(NO_BAD)),
        interval(found.f1, gettext(NO_BAD)),
    )


def roc_plot(sides: Sides) -> Plot:
    """ROC curves with the policies' cut-offs."""
    ranked = both_classes(sides[0].scored.y)
    crossing = gettext(" Lines that cross mean that each model is better somewhere.") if len(sides) > 1 else ""
    return Plot(
        key="roc",
        title=gettext("Bads caught against goods lost"),
        words=gettext(
            "Each point is a cut-off. The higher the line above the diagonal, the more bads are caught "
            "for the same share of goods turned away. The dot is the policy's cut-off.{crossing}"
        ).format(crossing=crossing),
        alt=gettext(
            "ROC curve: share of bads not approved against share of goods not approved, with the diagonal of a random "
            "order."
        ),
        gap="" if ranked else gettext(BOTH_NEEDED),
        drawing=picture(lambda axes: _draw_roc(axes, sides)) if ranked else "",
    )


def _draw_roc(axes: Axes, sides: Sides) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label=gettext("random (AUC 0.5)"))
    for side in sides:
        scored, goods = side.scored, side.scored.y == 0
        lost, caught, _ = roc_curve(scored.y, scored.margin)
        area = gettext("{label} (AUC {auc:.3f})").format(label=side.label, auc=auc(scored.y, scored.margin))
        axes.plot(lost, caught, color=side.colour, linestyle=side.dashes, linewidth=1.8, label=area)
        flagged = ~scored.approved
        dot = side.colour if len(sides) > 1 else RED
        name = gettext("the policy's cut-off") if side is sides[-1] else None
        axes.plot([flagged[goods].mean()], [flagged[~goods].mean()], "o", color=dot, label=name)
    axes.set(xlabel=gettext("goods not approved"), ylabel=gettext("bads not approved"), xlim=(0, 1), ylim=(0, 1))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def spread_plot(scored: ScoredOutcomes) -> Plot:
    """Scores of goods and of bads."""
    ranked = both_classes(scored.y)
    return Plot(
        key="spread",
        title=gettext("Where goods and bads stand"),
        words=gettext(
            "The share of each that lies at or below a score. The greatest distance between the lines, marked, is "
            "the KS."
        ),
        alt=gettext(
            "Cumulative distribution of the score of goods and of bads, with the greatest distance between them."
        ),
        gap="" if ranked else gettext(BOTH_NEEDED),
        drawing=picture(lambda axes: _draw_spread(axes, scored)) if ranked else "",
    )


def _draw_spread(axes: Axes, scored: ScoredOutcomes) -> None:
    score = scored.model.bundle.model.scores(scored.margin).score
    below: list[Floats] = []
    for value, colour, dashes, label in ((1, RED, DASHED, gettext("bads")), (0, BLUE, "-", gettext("goods"))):
        own = np.sort(score[scored.y == value])
        share = np.arange(1, len(own) + 1) / len(own)
        axes.plot(own, share, color=colour, linestyle=dashes, linewidth=1.8, label=label)
        below.append(np.searchsorted(own, np.unique(score), side="right") / len(own))
    widest = int(np.argmax(below[0] - below[1]))
    at, ends = np.unique(score)[widest], (below[1][widest], below[0][widest])
    axes.plot(
        [at, at],
        ends,
        color=INK,
        linewidth=1.4,
        marker="_",
        label=gettext("KS {ends:.3f}").format(ends=max(ends[1] - ends[0], 0.0)),
    )
    axes.set(xlabel=gettext("score, points; more is safer"), ylabel=gettext("at or below the score"))
    percent_axis(axes.yaxis)
    legend(axes)


def gains_plot(deciles: Sequence[Decile]) -> Plot:
    """The gains table as a curve."""
    return Plot(
        key="gains",
        title=gettext("Bads among the riskiest"),
        words=gettext(
            "Of all bads, the share found among the riskiest applicants. No order can rise above the upper line, "
            "which finds every bad before the first good."
        ),
        alt=gettext(
            "Gains curve: cumulative share of bads against cumulative share of applicants, the riskiest first, between "
            "a random order and the ideal one."
        ),
        gap="" if deciles else gettext(BOTH_NEEDED),
        drawing=picture(lambda axes: _draw_gains(axes, deciles)) if deciles else "",
    )


def _draw_gains(axes: Axes, deciles: Sequence[Decile]) -> None:
    bad_rate = sum(one.n_bad for one in deciles) / sum(one.n for one in deciles)
    axes.plot([0, bad_rate, 1], [0, 1, 1], color=INK, linewidth=1, linestyle=":", label=gettext("ideal"))
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label=gettext("by lot"))
    axes.plot(
        [0, *(one.share for one in deciles)],
        [0, *(one.captured for one in deciles)],
        "o-",
        color=BLUE,
        label=gettext("the model"),
    )
    axes.set(
        xlabel=gettext("applicants, the riskiest first"), ylabel=gettext("of all bads"), xlim=(0, 1), ylim=(0, 1.02)
    )
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def month_plot(scored: ScoredOutcomes, months: Cut) -> Plot:
    """The AUC from month to month."""
    few = not any(enough(scored.y[part.rows]) for part in months.slices)
    return Plot(
        key="auc_by_month",
        title=gettext("AUC by month of decision"),
        words=gettext(
            "Dots with their 95 % intervals; a month with too few goods or bads has none. The line is all months."
        ),
        alt=gettext("AUC of every month with its interval."),
        gap=gettext("No month has {min_bads} goods and {min_bads} bads.").format(min_bads=MIN_BADS) if few else "",
        wide=True,
        drawing="" if few else picture(lambda axes: _draw_months(axes, scored, months), (11.0, 3.6)),
    )


def _draw_months(axes: Axes, scored: ScoredOutcomes, months: Cut) -> None:
    axes.axhline(auc_interval(scored.y, scored.margin).value, color=MUTED, linewidth=1, linestyle="--")
    for at, part in enumerate(months.slices):
        y = scored.y[part.rows]
        if enough(y):
            one = auc_interval(y, scored.margin[part.rows])
            whiskers(axes, [at], [one])
            axes.plot([at], [one.value], "o", color=BLUE)
    name_places(axes, [part.name for part in months.slices])
    axes.axhline(0.5, color=GRID, linewidth=1)
    axes.set(ylabel=gettext("AUC"))
