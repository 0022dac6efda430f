"""The chapter on calibration: whose PDs come true."""

from __future__ import annotations

from matplotlib.axes import Axes

from experiments.compare.pair import Pair, estimate, why_no_p
from experiments.reporting.cells import figure, interval
from experiments.reporting.charts import BLUE, MUTED, RED, legend, percent_axis, picture
from experiments.reporting.document import Column, Plot, Row, Section, Table
from fusion.validation.calibration_tests import reliability

ONE_CLASS = "one class only"
NO_LINE = "goods and bads do not overlap, or there is one class or one PD only"


def chapter(found: Pair) -> Section:
    """Calibration of both."""
    return Section(
        key="calibration",
        title="Calibration: whose PDs come true?",
        words=(
            "A slope of 1 and a mean PD equal to the bad rate are right. A slope below 1 means PDs too extreme, above "
            "1 too timid. The Brier score is the mean squared error of the PDs, so less is better; it falls when a "
            "model ranks better and when its PDs come closer to what happens.",
        ),
        tables=(calibration_table(found), error_table(found)),
        plots=(
            Plot(
                key="reliability",
                title="PDs and what became of them",
                words="Ten groups of like PD for each model. On the diagonal as many turned bad as the PD said; above "
                "it more. Bars are 95 % intervals of the bad rate.",
                alt="Observed bad rate against mean PD by tenths, champion and challenger, with the diagonal.",
                drawing=picture(lambda axes: _draw(axes, found)),
            ),
        ),
    )


def calibration_table(found: Pair) -> Table:
    """Calibration of both, side by side."""
    one, other = found.comparison.champion, found.comparison.challenger
    rows: list[Row] = [
        ("Slope, right is 1", interval(one.slope, NO_LINE), interval(other.slope, NO_LINE)),
        ("Intercept, right is 0", interval(one.intercept, NO_LINE), interval(other.intercept, NO_LINE)),
        (
            "Log-odds to add to every PD, right is 0",
            interval(one.in_the_large.intercept, ONE_CLASS),
            interval(other.in_the_large.intercept, ONE_CLASS),
        ),
        ("Mean PD less bad rate, right is 0", interval(one.in_the_large.gap), interval(other.in_the_large.gap)),
    ]
    return Table(
        key="calibration",
        title="Calibration of both",
        columns=(
            Column(key="figure", title="Figure"),
            Column(key="champion", title="Champion", form="number", digits=4),
            Column(key="challenger", title="Challenger", form="number", digits=4),
        ),
        rows=tuple(rows),
    )


def error_table(found: Pair) -> Table:
    """Errors of the PDs of both."""
    both = found.comparison
    rows: list[Row] = [
        (
            "Brier score",
            interval(both.champion.brier),
            interval(both.challenger.brier),
            interval(estimate(both.brier), "fewer than two rows"),
            figure(both.brier.p, why_no_p(both.brier, "fewer than two rows")),
        ),
        (
            "Log-loss, nats",
            figure(both.champion.log_loss),
            figure(both.challenger.log_loss),
            figure(both.champion.log_loss - both.challenger.log_loss),
            None,
        ),
    ]
    return Table(
        key="errors",
        title="Errors of the PDs, less is better",
        note="The difference is above 0 where the challenger errs less; a paired z-test over the rows.",
        columns=(
            Column(key="figure", title="Figure"),
            Column(key="champion", title="Champion", form="number", digits=5),
            Column(key="challenger", title="Challenger", form="number", digits=5),
            Column(key="difference", title="Challenger better by", form="signed", digits=5),
            Column(key="p", title="p", form="p"),
        ),
        rows=tuple(rows),
    )


def _draw(axes: Axes, found: Pair) -> None:
    top = 0.0
    for one, colour, name in ((found.champion, RED, "champion"), (found.challenger, BLUE, "challenger")):
        bins = reliability(found.y, one.pd)
        x, rate = [part.mean_pd for part in bins], [part.rate.value for part in bins]
        for part in bins:
            axes.plot([part.mean_pd] * 2, [part.rate.low, part.rate.high], color=colour, linewidth=1, alpha=0.5)
        axes.plot(x, rate, "o-", color=colour, markersize=4.5, linewidth=1.4, label=name)
        top = max(top, *x, *(part.rate.high for part in bins))
    axes.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle="--")
    axes.set(xlabel="mean PD", ylabel="bad rate", xlim=(0, None), ylim=(0, None))
    percent_axis(axes.xaxis, 0)
    percent_axis(axes.yaxis, 0)
    legend(axes)
