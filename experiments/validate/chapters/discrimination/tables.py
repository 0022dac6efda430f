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
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.sides import Gains, Named, Sides, figure_columns, figure_rows
from experiments.validate.slices import MIN_BADS, TOO_FEW, Cut, Slice, enough
from features.arrays import Floats
from fusion.metrics import auc, both_classes, log_loss
from fusion.validation.confusion import at_cutoff
from fusion.validation.intervals import auc_interval, bootstrap, brier_interval, gini_interval, mean_share, rate
from fusion.validation.score_bands import Decile

ONE_CLASS = "one class only"
BOTH_NEEDED = "It takes goods and bads."
NO_FLAG, NO_BAD, NO_ROW = "nobody is declined", "no bad", "no row"
N_DRAWS = 400  # of the bootstrap in a slice; there are many slices
COUNTS = (
    Column(key="slice", title="Rows"),
    NUMBER,
    BADS,
)
RANKING_COLUMNS = (
    *COUNTS,
    BAD_RATE,
    Column(key="auc", title="AUC", form="number", digits=3),
    Column(key="ks", title="KS", form="number", digits=3),
    Column(key="average_precision", title="Average precision", form="number", digits=3),
    Column(key="brier", title="Brier score", form="number", digits=4),
    MEAN_PD,
)
CUTOFF_COLUMNS = (
    *COUNTS,
    Column(key="n_flagged", title="Not approved", form="count"),
    Column(key="accuracy", title="Accuracy", form="percent", digits=1),
    Column(key="precision", title="Precision", form="percent", digits=1),
    Column(key="recall", title="Recall", form="percent", digits=1),
    Column(key="f1", title="F1", form="percent", digits=1),
)


def overall_table(sides: Sides, gains: Gains | None = None) -> Table:
    """How well the models rank. gains: of two models, the differences by name of the figure."""
    return Table(
        key="overall",
        title="Over all rows",
        columns=figure_columns(sides, "number", 4, gains),
        rows=figure_rows(sides, _overall, gains),
    )


def _overall(scored: ScoredOutcomes) -> Named:
    y, margin = scored.y, scored.margin
    drawn = bootstrap(y, margin)
    return [
        ("AUC", interval(auc_interval(y, margin), ONE_CLASS)),
        ("Gini", interval(gini_interval(y, margin), ONE_CLASS)),
        ("KS", interval(drawn.ks, ONE_CLASS)),
        ("Average precision", interval(drawn.average_precision, ONE_CLASS)),
        ("Brier score", interval(brier_interval(y, margin))),
        ("Log-loss, nats", figure(log_loss(y, margin))),
    ]


def cutoff_table(sides: Sides) -> Table:
    """How often the policy's decisions turned out right."""
    return Table(
        key="at_cutoff",
        title="At the cut-off",
        note="“Not approved” stands for a positive test, “bad” for the condition. All applicants here were granted a "
        "loan once; accuracy is a poor guide where few are bad.",
        columns=figure_columns(sides, "percent", 1),
        rows=figure_rows(sides, _at_cutoff),
    )


def _at_cutoff(scored: ScoredOutcomes) -> Named:
    found = at_cutoff(scored.y, ~scored.approved)
    return [
        ("Not approved, of all", interval(found.flagged)),
        ("Accuracy: decided as it turned out", interval(found.accuracy)),
        ("Precision: bad, of those not approved", interval(found.precision, NO_FLAG)),
        ("Recall: not approved, of the bads", interval(found.recall, NO_BAD)),
        ("Specificity: approved, of the goods", interval(found.specificity, "no good")),
        ("F1: precision and recall in one", interval(found.f1, NO_BAD)),
        ("Bad rate of those approved", interval(found.bad_rate_passed, "nobody is approved")),
    ]


def gains_table(deciles: Sequence[Decile]) -> Table:
    """Bads found among the riskiest tenths of the rows."""
    return Table(
        key="gains",
        title="Gains and lift by decile, the riskiest first",
        note="Lift: the bad rate of the group over that of all. Equal PDs are never parted, so groups can differ in "
        "size.",
        columns=(
            Column(key="decile", title="Group", form="count"),
            *COUNTS[1:],
            Column(key="rate", title="Bad rate", form="percent", digits=1),
            Column(key="lift", title="Lift", form="number", digits=2),
            Column(key="share", title="Share of applicants so far", form="percent"),
            Column(key="captured", title="Share of bads so far", form="percent", digits=1),
            Column(key="cumulative_lift", title="Lift so far", form="number", digits=2),
            Column(key="ks", title="KS here", form="number", digits=3),
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
        title=f"By {cut.title}",
        note=f"{cut.how} A slice with fewer than {MIN_BADS} goods or bads is not ranked. Average precision rises "
        f"with the bad rate: of a random order it is the bad rate. Bootstrap intervals are by {N_DRAWS} draws.".strip(),
        columns=RANKING_COLUMNS,
        rows=tuple(_ranking_row(scored, part) for part in cut.slices),
    )


def _ranking_row(scored: ScoredOutcomes, part: Slice) -> Row:
    y, margin = scored.y[part.rows], scored.margin[part.rows]
    if not len(y):
        return (part.name, 0, 0, *[Gap(gap=NO_ROW)] * 6)
    ranking: Row = (Gap(gap=TOO_FEW),) * 3
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
        title=f"At the cut-off, by {cut.title}",
        note=f"{cut.how} Precision: bad, of those not approved. Recall: not approved, of the bads. F1: both in "
        "one.".strip(),
        columns=CUTOFF_COLUMNS,
        rows=tuple(_cutoff_row(scored, part) for part in cut.slices),
    )


def _cutoff_row(scored: ScoredOutcomes, part: Slice) -> Row:
    found = at_cutoff(scored.y[part.rows], ~scored.approved[part.rows])
    if not found.n:
        return (part.name, 0, 0, 0, *[Gap(gap=NO_ROW)] * 4)
    return (
        part.name,
        found.n,
        found.n_bad,
        found.n_flagged,
        interval(found.accuracy),
        interval(found.precision, NO_FLAG),
        interval(found.recall, NO_BAD),
        interval(found.f1, NO_BAD),
    )


def roc_plot(sides: Sides) -> Plot:
    """ROC curves with the policies' cut-offs."""
    ranked = both_classes(sides[0].scored.y)
    crossing = " Lines that cross mean that each model is better somewhere." if len(sides) > 1 else ""
    return Plot(
        key="roc",
        title="Bads caught against goods lost",
        words="Each point is a cut-off. The higher the line above the diagonal, the more bads are caught for the same "
        f"share of goods turned away. The dot is the policy's cut-off.{crossing}",
        alt="ROC curve: share of bads not approved against share of goods not approved, with the diagonal of a random "
        "order.",
        gap="" if ranked else BOTH_NEEDED,
        drawing=picture(lambda axes: _draw_roc(axes, sides)) if ranked else "",
    )


def _draw_roc(axes: Axes, sides: Sides) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label="random (AUC 0.5)")
    for side in sides:
        scored, goods = side.scored, side.scored.y == 0
        lost, caught, _ = roc_curve(scored.y, scored.margin)
        area = f"{side.label} (AUC {auc(scored.y, scored.margin):.3f})"
        axes.plot(lost, caught, color=side.colour, linestyle=side.dashes, linewidth=1.8, label=area)
        flagged = ~scored.approved
        dot = side.colour if len(sides) > 1 else RED
        name = "the policy's cut-off" if side is sides[-1] else None
        axes.plot([flagged[goods].mean()], [flagged[~goods].mean()], "o", color=dot, label=name)
    axes.set(xlabel="goods not approved", ylabel="bads not approved", xlim=(0, 1), ylim=(0, 1))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def spread_plot(scored: ScoredOutcomes) -> Plot:
    """Scores of goods and of bads."""
    ranked = both_classes(scored.y)
    return Plot(
        key="spread",
        title="Where goods and bads stand",
        words="The share of each that lies at or below a score. The greatest distance between the lines, marked, is "
        "the KS.",
        alt="Cumulative distribution of the score of goods and of bads, with the greatest distance between them.",
        gap="" if ranked else BOTH_NEEDED,
        drawing=picture(lambda axes: _draw_spread(axes, scored)) if ranked else "",
    )


def _draw_spread(axes: Axes, scored: ScoredOutcomes) -> None:
    score = scored.model.bundle.model.scores(scored.margin).score
    below: list[Floats] = []
    for value, colour, dashes, label in ((1, RED, DASHED, "bads"), (0, BLUE, "-", "goods")):
        own = np.sort(score[scored.y == value])
        share = np.arange(1, len(own) + 1) / len(own)
        axes.plot(own, share, color=colour, linestyle=dashes, linewidth=1.8, label=label)
        below.append(np.searchsorted(own, np.unique(score), side="right") / len(own))
    widest = int(np.argmax(below[0] - below[1]))
    at, ends = np.unique(score)[widest], (below[1][widest], below[0][widest])
    axes.plot([at, at], ends, color=INK, linewidth=1.4, marker="_", label=f"KS {max(ends[1] - ends[0], 0.0):.3f}")
    axes.set(xlabel="score, points; more is safer", ylabel="at or below the score")
    percent_axis(axes.yaxis)
    legend(axes)


def gains_plot(deciles: Sequence[Decile]) -> Plot:
    """The gains table as a curve."""
    return Plot(
        key="gains",
        title="Bads among the riskiest",
        words="Of all bads, the share found among the riskiest applicants. No order can rise above the upper line, "
        "which finds every bad before the first good.",
        alt="Gains curve: cumulative share of bads against cumulative share of applicants, the riskiest first, between "
        "a random order and the ideal one.",
        gap="" if deciles else BOTH_NEEDED,
        drawing=picture(lambda axes: _draw_gains(axes, deciles)) if deciles else "",
    )


def _draw_gains(axes: Axes, deciles: Sequence[Decile]) -> None:
    bad_rate = sum(one.n_bad for one in deciles) / sum(one.n for one in deciles)
    axes.plot([0, bad_rate, 1], [0, 1, 1], color=INK, linewidth=1, linestyle=":", label="ideal")
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label="by lot")
    axes.plot(
        [0, *(one.share for one in deciles)],
        [0, *(one.captured for one in deciles)],
        "o-",
        color=BLUE,
        label="the model",
    )
    axes.set(xlabel="applicants, the riskiest first", ylabel="of all bads", xlim=(0, 1), ylim=(0, 1.02))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def month_plot(scored: ScoredOutcomes, months: Cut) -> Plot:
    """The AUC from month to month."""
    few = not any(enough(scored.y[part.rows]) for part in months.slices)
    return Plot(
        key="auc_by_month",
        title="AUC by month of decision",
        words="Dots with their 95 % intervals; a month with too few goods or bads has none. The line is all months.",
        alt="AUC of every month with its interval.",
        gap=f"No month has {MIN_BADS} goods and {MIN_BADS} bads." if few else "",
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
    axes.set(ylabel="AUC")
