"""Tables and plots of calibration: over all rows, by PD, by band of score and by slice."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes

from experiments.reporting.cells import BAD_RATE, BADS, MEAN_PD, NUMBER, P_VALUE, figure, interval
from experiments.reporting.charts import BLUE, INK, MUTED, RED, legend, name_places, percent_axis, picture, whiskers
from experiments.reporting.document import Column, Gap, Plot, Row, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import number
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.sides import Gains, Named, Sides, figure_columns, figure_rows
from experiments.validate.slices import MIN_BADS, Cut, Slice, enough, too_few
from features.arrays import Floats
from fusion.validation.calibration_tests import (
    brier_parts,
    expected_calibration_error,
    hosmer_lemeshow,
    reliability,
    spiegelhalter,
)
from fusion.validation.intervals import brier_interval, calibration_in_the_large, rate, slope_interval
from fusion.validation.score_bands import Band

ONE_CLASS = gettext_noop("one class only")
NO_ROW = gettext_noop("no row")
GAP = gettext_noop("Mean PD less bad rate")
MONTHS_SIZE = (11.0, 3.6)
OUTCOME_COLUMNS = (
    NUMBER,
    BADS,
    MEAN_PD,
    BAD_RATE,
)


def overall_table(sides: Sides, gains: Gains | None = None) -> Table:
    """How right the PDs are. gains: of two models, the differences by name of the figure."""
    return Table(
        key="calibration_overall",
        title=gettext("Over all rows"),
        note=gettext(
            "PDs, rates and their differences are fractions of 1. The parts of the Brier score and the expected "
            "calibration error (mean distance of PD and bad rate) use ten bins of PD. The latter is never 0 in a "
            "sample."
        ),
        columns=figure_columns(sides, "number", 4, gains),
        rows=figure_rows(sides, _overall, gains),
    )


def _overall(scored: ScoredOutcomes) -> Named:
    y, margin, pd = scored.y, scored.margin, scored.pd
    large, (slope, intercept) = calibration_in_the_large(y, margin), slope_interval(y, margin)
    parts, unfit = brier_parts(y, pd), gettext("one class, one PD, or perfect separation")
    return [
        (gettext("Mean PD"), figure(float(pd.mean()) if len(pd) else math.nan, gettext(NO_ROW))),
        (gettext("Bad rate"), interval(rate(float(y.sum()), len(y)), gettext(NO_ROW))),
        (gettext(GAP), interval(large.gap, gettext(NO_ROW))),
        (
            gettext("Calibration in the large: log-odds that the PDs lack"),
            interval(large.intercept, gettext(ONE_CLASS)),
        ),
        (gettext("Calibration slope, 1 at best"), interval(slope, unfit)),
        (gettext("Calibration intercept beside that slope, 0 at best"), interval(intercept, unfit)),
        (gettext("Brier score"), interval(brier_interval(y, margin), gettext(NO_ROW))),
        (gettext("of it reliability: PDs beside bad rates, 0 at best"), figure(parts.reliability, gettext(NO_ROW))),
        (gettext("less resolution: how far bad rates part"), figure(parts.resolution, gettext(NO_ROW))),
        (gettext("plus uncertainty: of the outcome, no model changes it"), figure(parts.uncertainty, gettext(NO_ROW))),
        (gettext("plus what happens within the bins"), figure(parts.within, gettext(NO_ROW))),
        (gettext("Expected calibration error"), figure(expected_calibration_error(y, pd), gettext(NO_ROW))),
    ]


def tests_table(scored: ScoredOutcomes) -> Table:
    """Tests of the PDs as a whole."""
    groups, whole = hosmer_lemeshow(scored.y, scored.pd), spiegelhalter(scored.y, scored.pd)
    none = gettext(NO_ROW) if not len(scored) else gettext("every PD is 0, 1/2 or 1")
    rows: list[Row] = [
        (
            gettext("Hosmer and Lemeshow, ten groups by PD"),
            figure(groups.statistic, gettext("a PD of 0 or 1 was wrong") if len(scored) else gettext(NO_ROW)),
            groups.df if len(scored) else Gap(gap=gettext(NO_ROW)),
            figure(groups.p, gettext(NO_ROW)),
        ),
        (gettext("Spiegelhalter, without groups"), figure(whole.z, none), None, figure(whole.p, none)),
    ]
    return Table(
        key="calibration_tests",
        title=gettext("Tests of calibration"),
        note=gettext(
            "p: the chance of such a statistic, or a larger one, if every PD were right. With many rows a test sees "
            "errors too small to matter, with few it misses large ones."
        ),
        columns=(
            Column(key="test", title=gettext("Test")),
            Column(key="statistic", title=gettext("Statistic"), form="number", digits=2),
            Column(key="df", title=gettext("Degrees of freedom"), form="count"),
            P_VALUE,
        ),
        rows=tuple(rows),
    )


def reliability_table(scored: ScoredOutcomes) -> Table:
    """PDs beside bad rates by tenths of the rows."""
    bins = reliability(scored.y, scored.pd)
    return Table(
        key="reliability",
        title=gettext("By PD, the lowest first"),
        note=gettext("Tenths of the rows; equal PDs are never parted."),
        columns=(
            Column(key="bin", title=gettext("Group"), form="count"),
            Column(key="low", title=gettext("Lowest PD"), form="percent", digits=1),
            Column(key="high", title=gettext("Highest PD"), form="percent", digits=1),
            NUMBER,
            *OUTCOME_COLUMNS[2:],
        ),
        rows=tuple((at, one.low, one.high, one.n, one.mean_pd, interval(one.rate)) for at, one in enumerate(bins, 1)),
    )


def band_table(bands: Sequence[Band]) -> Table:
    """PDs beside bad rates by band of score."""
    return Table(
        key="score_bands",
        title=gettext("By band of score, the riskiest first"),
        note=gettext(
            "In points; the bands part the training applicants into tenths, so that they mean the same at every "
            "validation. A band holds the score it begins with, not the one it ends with. Both p are one-sided: small "
            "where the PD is too low for the bads seen."
        ),
        columns=(
            Column(key="band", title=gettext("Score")),
            *OUTCOME_COLUMNS,
            Column(key="jeffreys_p", title=gettext("p, Jeffreys"), form="p"),
            Column(key="binomial_p", title=gettext("p, binomial"), form="p"),
        ),
        rows=tuple(
            (
                band_name(band),
                band.n,
                band.n_bad,
                figure(band.mean_pd, gettext(NO_ROW)),
                interval(band.rate, gettext(NO_ROW)),
                figure(band.jeffreys_p, gettext(NO_ROW)),
                figure(band.binomial_p, gettext(NO_ROW)),
            )
            for band in bands
        ),
    )


def band_name(band: Band) -> str:
    """The band's scores in words."""
    if math.isinf(band.low) and math.isinf(band.high):
        return gettext("all scores")
    if math.isinf(band.low):
        return gettext("up to {high}").format(high=number(band.high))
    return (
        gettext("{low} and more").format(low=number(band.low))
        if math.isinf(band.high)
        else gettext("{low} to {high}").format(low=number(band.low), high=number(band.high))
    )


def slice_table(scored: ScoredOutcomes, cut: Cut) -> Table:
    """PDs beside bad rates in every slice, and how well they fit there."""
    return Table(
        key=f"calibration_by_{cut.key}",
        title=gettext("By {cut_title}").format(cut_title=cut.title),
        note=gettext(
            "{how} The difference is a fraction of 1: below 0 the PDs are too low. Slope and intercept "
            "are 1 and 0 at best. The expected calibration error and Hosmer and Lemeshow’s p use ten "
            "bins of the slice’s PDs; the fewer rows, the larger that error is by chance alone. A slice "
            "with fewer than {min_bads} goods or bads has none of these."
        )
        .format(how=cut.how, min_bads=MIN_BADS)
        .strip(),
        columns=(
            Column(key="slice", title=gettext("Rows")),
            *OUTCOME_COLUMNS,
            Column(key="gap", title=gettext(GAP), form="signed", digits=3),
            Column(key="slope", title=gettext("Slope"), form="number", digits=2),
            Column(key="intercept", title=gettext("Intercept"), form="signed", digits=2),
            Column(key="ece", title=gettext("Expected calibration error"), form="number", digits=3),
            Column(key="hosmer_lemeshow_p", title=gettext("p, Hosmer-Lemeshow"), form="p"),
        ),
        rows=tuple(_slice_row(scored, part) for part in cut.slices),
    )


def _slice_row(scored: ScoredOutcomes, part: Slice) -> Row:
    y, margin = scored.y[part.rows], scored.margin[part.rows]
    if not len(y):
        gap = Gap(gap=gettext(NO_ROW))
        return (part.name, 0, 0, *[gap] * 7)
    large = calibration_in_the_large(y, margin)
    mean_pd, bad_rate = float(scored.pd[part.rows].mean()), rate(float(y.sum()), len(y))
    fit = _fit(y, margin, scored.pd[part.rows])
    return (part.name, len(y), int(y.sum()), mean_pd, interval(bad_rate), interval(large.gap), *fit)


def _fit(y: Floats, margin: Floats, pd: Floats) -> Row:
    """Slope, intercept, expected calibration error and Hosmer and Lemeshow's p of a slice."""
    if not enough(y):
        return (Gap(gap=too_few()),) * 4
    slope, intercept = slope_interval(y, margin)
    unfit = gettext("one PD, or perfect separation")
    return (
        interval(slope, unfit),
        interval(intercept, unfit),
        figure(expected_calibration_error(y, pd)),
        figure(hosmer_lemeshow(y, pd).p),
    )


def reliability_plot(sides: Sides) -> Plot:
    """Bad rates against PDs."""
    some = len(sides[0].scored) > 0
    return Plot(
        key="reliability",
        title=gettext("PD beside what came"),
        words=gettext(
            "Each dot is a tenth of the rows; its line is the 95 % interval of the bad rate. Above the diagonal more "
            "defaulted than the PD said, below it fewer."
        ),
        alt=gettext(
            "Reliability curve: observed bad rate with its interval against mean PD, with the diagonal of right PDs."
        ),
        gap="" if some else gettext("There is no row."),
        drawing=picture(lambda axes: _draw_reliability(axes, sides)) if some else "",
    )


def _draw_reliability(axes: Axes, sides: Sides) -> None:
    several, top = len(sides) > 1, 0.0
    for side in sides:
        bins = reliability(side.scored.y, side.scored.pd)
        pd, rates = [one.mean_pd for one in bins], [one.rate for one in bins]
        whiskers(axes, pd, rates, side.colour if several else INK)
        line, mark = (side.dashes, "o" if side is sides[0] else "D") if several else ("none", "o")
        axes.plot(pd, [one.value for one in rates], mark, linestyle=line, color=side.colour, label=side.label)
        top = max(top, *pd, *(one.high for one in rates))
    top = min(1.0, 1.05 * top)
    axes.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle="--", label=gettext("PDs that come true"))
    axes.set(xlabel=gettext("mean PD"), ylabel=gettext("bad rate"), xlim=(0, top), ylim=(0, top))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def month_plot(scored: ScoredOutcomes, months: Cut) -> Plot:
    """PDs and bad rates from month to month."""
    some = any(len(part) for part in months.slices)
    return Plot(
        key="calibration_by_month",
        title=gettext("PD beside what came, by month of decision"),
        words=gettext(
            "Dots are bad rates with their 95 % intervals, the line is the mean PD. A month in which nothing was "
            "decided has neither."
        ),
        alt=gettext("Bad rate of every month with its interval, and the mean PD of every month."),
        gap="" if some else gettext("There is no row."),
        wide=True,
        drawing=picture(lambda axes: _draw_months(axes, scored, months), MONTHS_SIZE) if some else "",
    )


def _draw_months(axes: Axes, scored: ScoredOutcomes, months: Cut) -> None:
    found = [rate(float(scored.y[part.rows].sum()), len(part)) for part in months.slices]
    whiskers(axes, range(len(found)), found)
    places, pd = range(len(found)), [_mean_pd(scored, part) for part in months.slices]
    axes.plot(places, [one.value for one in found], "o", color=BLUE, label=gettext("bad rate"))
    axes.plot(places, pd, "_-", color=RED, linewidth=1.4, label=gettext("mean PD"))
    name_places(axes, [part.name for part in months.slices])
    axes.set(ylim=(0, None))
    percent_axis(axes.yaxis)
    legend(axes)


def _mean_pd(scored: ScoredOutcomes, part: Slice) -> float:
    """NaN, which is not drawn, where there is no row."""
    return float(scored.pd[part.rows].mean()) if len(part) else math.nan
