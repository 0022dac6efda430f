"""Whether PDs come true: over all rows, by PD, by band of score, by segment and by month."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes

from experiments.reporting.cells import figure, interval
from experiments.reporting.charts import BLUE, INK, MUTED, RED, legend, name_places, percent_axis, picture
from experiments.reporting.document import Column, Gap, Plot, Row, Section, Table
from experiments.validate.chapters.calibration_findings import band_name, findings
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import MIN_BADS, TOO_FEW, Cut, Slice, enough
from features.arrays import Floats
from fusion.validation.calibration_tests import (
    ReliabilityBin,
    brier_parts,
    expected_calibration_error,
    hosmer_lemeshow,
    reliability,
    spiegelhalter,
)
from fusion.validation.intervals import brier_interval, calibration_in_the_large, rate, slope_interval
from fusion.validation.score_bands import Band, band_edges, score_bands

ONE_CLASS = "one class only"
NO_ROW = "no row"
GAP = "Mean PD less bad rate"
MONTHS_SIZE = (11.0, 3.6)
FIGURE, VALUE = Column(key="figure", title="Figure"), Column(key="value", title="Value", form="number", digits=4)
OUTCOME_COLUMNS = (
    Column(key="n", title="Number", form="count"),
    Column(key="n_bad", title="Bad", form="count"),
    Column(key="mean_pd", title="Mean PD", form="percent", digits=1),
    Column(key="bad_rate", title="Bad rate", form="percent", digits=1),
)


def chapter(judged: ScoredOutcomes, segments: Sequence[Cut], months: Cut | None) -> Section:
    """Calibration, with the figures of every slice."""
    parts = [*segments, *([months] if months else [])]
    bins, bands = reliability(judged.y, judged.pd), bands_of(judged)
    return Section(
        key="calibration",
        title="Calibration: do the PDs come true?",
        findings=findings(judged, bands, parts),
        words=(
            "A PD of 10 % is right when of a hundred such applicants ten default. Whoever sets prices, limits and "
            "reserves by the PD needs that, however well the model ranks. Below a bad rate stands its 95 % interval by "
            "Jeffreys; a mean PD outside it differs by more than chance. PDs are taken as given.",
        ),
        tables=(
            _overall(judged),
            _tests_table(judged),
            _reliability_table(bins),
            _band_table(bands),
            *(slice_table(judged, cut) for cut in parts),
        ),
        plots=(_reliability_plot(bins), *([_month_plot(judged, months)] if months else [])),
    )


def bands_of(judged: ScoredOutcomes) -> tuple[Band, ...]:
    """The rows by band of score; the bands part the training applicants into tenths."""
    bundle = judged.model.bundle
    edges = band_edges(bundle.model.scores(bundle.population.margin).score)
    return score_bands(judged.y, judged.pd, bundle.model.scores(judged.margin).score, edges)


def _overall(judged: ScoredOutcomes) -> Table:
    y, margin, pd = judged.y, judged.margin, judged.pd
    large, (slope, intercept) = calibration_in_the_large(y, margin), slope_interval(y, margin)
    parts, unfit = brier_parts(y, pd), "one class, one PD, or goods and bads apart"
    rows: list[Row] = [
        ("Mean PD", figure(float(pd.mean()) if len(pd) else math.nan, NO_ROW)),
        ("Bad rate", interval(rate(float(y.sum()), len(y)), NO_ROW)),
        (GAP, interval(large.gap, NO_ROW)),
        ("Calibration in the large: log-odds that the PDs lack", interval(large.intercept, ONE_CLASS)),
        ("Calibration slope, 1 at best", interval(slope, unfit)),
        ("Calibration intercept beside that slope, 0 at best", interval(intercept, unfit)),
        ("Brier score", interval(brier_interval(y, margin), NO_ROW)),
        ("of it reliability: PDs beside bad rates, 0 at best", figure(parts.reliability, NO_ROW)),
        ("less resolution: how far bad rates part", figure(parts.resolution, NO_ROW)),
        ("plus uncertainty: of the outcome, no model changes it", figure(parts.uncertainty, NO_ROW)),
        ("plus what happens within the bins", figure(parts.within, NO_ROW)),
        ("Expected calibration error", figure(expected_calibration_error(y, pd), NO_ROW)),
    ]
    return Table(
        key="calibration_overall",
        title="Over all rows",
        note="PDs, rates and their differences are fractions of 1. The parts of the Brier score and the expected "
        "calibration error (mean distance of PD and bad rate) use ten bins of PD. The latter is never 0 in a sample.",
        columns=(FIGURE, VALUE),
        rows=tuple(rows),
    )


def _tests_table(judged: ScoredOutcomes) -> Table:
    groups, whole = hosmer_lemeshow(judged.y, judged.pd), spiegelhalter(judged.y, judged.pd)
    none = NO_ROW if not len(judged) else "every PD is 0, 1/2 or 1"
    rows: list[Row] = [
        (
            "Hosmer and Lemeshow, ten groups by PD",
            figure(groups.statistic, "a PD of 0 or 1 was wrong" if len(judged) else NO_ROW),
            groups.df if len(judged) else Gap(gap=NO_ROW),
            figure(groups.p, NO_ROW),
        ),
        ("Spiegelhalter, without groups", figure(whole.z, none), None, figure(whole.p, none)),
    ]
    return Table(
        key="calibration_tests",
        title="Tests of calibration",
        note="p: the chance of such a statistic, or a larger one, if every PD were right. With many rows a test sees "
        "errors too small to matter, with few it misses large ones.",
        columns=(
            Column(key="test", title="Test"),
            Column(key="statistic", title="Statistic", form="number", digits=2),
            Column(key="df", title="Degrees of freedom", form="count"),
            Column(key="p", title="p", form="p"),
        ),
        rows=tuple(rows),
    )


def _reliability_table(bins: Sequence[ReliabilityBin]) -> Table:
    return Table(
        key="reliability",
        title="By PD, the lowest first",
        note="Tenths of the rows; equal PDs are never parted.",
        columns=(
            Column(key="bin", title="Group", form="count"),
            Column(key="low", title="Lowest PD", form="percent", digits=1),
            Column(key="high", title="Highest PD", form="percent", digits=1),
            Column(key="n", title="Number", form="count"),
            *OUTCOME_COLUMNS[2:],
        ),
        rows=tuple((at, one.low, one.high, one.n, one.mean_pd, interval(one.rate)) for at, one in enumerate(bins, 1)),
    )


def _band_table(bands: Sequence[Band]) -> Table:
    return Table(
        key="score_bands",
        title="By band of score, the riskiest first",
        note="In points; the bands part the training applicants into tenths, so that they mean the same at every "
        "validation. A band holds the score it begins with, not the one it ends with. Both p are one-sided: small "
        "where the PD is too low for the bads seen.",
        columns=(
            Column(key="band", title="Score"),
            *OUTCOME_COLUMNS,
            Column(key="jeffreys_p", title="p, Jeffreys", form="p"),
            Column(key="binomial_p", title="p, binomial", form="p"),
        ),
        rows=tuple(
            (
                band_name(band),
                band.n,
                band.n_bad,
                figure(band.mean_pd, NO_ROW),
                interval(band.rate, NO_ROW),
                figure(band.jeffreys_p, NO_ROW),
                figure(band.binomial_p, NO_ROW),
            )
            for band in bands
        ),
    )


def slice_table(judged: ScoredOutcomes, cut: Cut) -> Table:
    """PDs beside bad rates in every slice, and how well they fit there."""
    return Table(
        key=f"calibration_by_{cut.key}",
        title=f"By {cut.title}",
        note=f"{cut.how} The difference is a fraction of 1: below 0 the PDs are too low. Slope and intercept are 1 and "
        "0 at best. The expected calibration error and Hosmer and Lemeshow’s p use ten bins of the slice’s PDs; the "
        "fewer rows, the larger that error is by chance alone. A slice with fewer than "
        f"{MIN_BADS} goods or bads has none of these.".strip(),
        columns=(
            Column(key="slice", title="Rows"),
            *OUTCOME_COLUMNS,
            Column(key="gap", title=GAP, form="signed", digits=3),
            Column(key="slope", title="Slope", form="number", digits=2),
            Column(key="intercept", title="Intercept", form="signed", digits=2),
            Column(key="ece", title="Expected calibration error", form="number", digits=3),
            Column(key="hosmer_lemeshow_p", title="p, Hosmer-Lemeshow", form="p"),
        ),
        rows=tuple(_slice_row(judged, part) for part in cut.slices),
    )


def _slice_row(judged: ScoredOutcomes, part: Slice) -> Row:
    y, margin = judged.y[part.rows], judged.margin[part.rows]
    if not len(y):
        gap = Gap(gap=NO_ROW)
        return (part.name, 0, 0, *[gap] * 7)
    large = calibration_in_the_large(y, margin)
    mean_pd, bad_rate = float(judged.pd[part.rows].mean()), rate(float(y.sum()), len(y))
    fit = _fit(y, margin, judged.pd[part.rows])
    return (part.name, len(y), int(y.sum()), mean_pd, interval(bad_rate), interval(large.gap), *fit)


def _fit(y: Floats, margin: Floats, pd: Floats) -> Row:
    """Slope, intercept, expected calibration error and Hosmer and Lemeshow's p of a slice."""
    if not enough(y):
        return (Gap(gap=TOO_FEW),) * 4
    slope, intercept = slope_interval(y, margin)
    unfit = "one PD, or goods and bads apart"
    return (
        interval(slope, unfit),
        interval(intercept, unfit),
        figure(expected_calibration_error(y, pd)),
        figure(hosmer_lemeshow(y, pd).p),
    )


def _reliability_plot(bins: Sequence[ReliabilityBin]) -> Plot:
    return Plot(
        key="reliability",
        title="PD beside what came",
        words="Each dot is a tenth of the rows; its line is the 95 % interval of the bad rate. Above the diagonal more "
        "defaulted than the PD said, below it fewer.",
        alt="Reliability curve: observed bad rate with its interval against mean PD, with the diagonal of right PDs.",
        gap="" if bins else "There is no row.",
        drawing=picture(lambda axes: _draw_reliability(axes, bins)) if bins else "",
    )


def _draw_reliability(axes: Axes, bins: Sequence[ReliabilityBin]) -> None:
    top = min(1.0, 1.05 * max(max(one.mean_pd, one.rate.high) for one in bins))
    axes.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle="--", label="PDs that come true")
    for one in bins:
        axes.plot([one.mean_pd] * 2, [one.rate.low, one.rate.high], color=INK, linewidth=1.2)
    axes.plot([one.mean_pd for one in bins], [one.rate.value for one in bins], "o", color=BLUE, label="the model")
    axes.set(xlabel="mean PD", ylabel="bad rate", xlim=(0, top), ylim=(0, top))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def _month_plot(judged: ScoredOutcomes, months: Cut) -> Plot:
    some = any(len(part) for part in months.slices)
    return Plot(
        key="calibration_by_month",
        title="PD beside what came, by month of decision",
        words="Dots are bad rates with their 95 % intervals, the line is the mean PD. A month in which nothing was "
        "decided has neither.",
        alt="Bad rate of every month with its interval, and the mean PD of every month.",
        gap="" if some else "There is no row.",
        wide=True,
        drawing=picture(lambda axes: _draw_months(axes, judged, months), MONTHS_SIZE) if some else "",
    )


def _draw_months(axes: Axes, judged: ScoredOutcomes, months: Cut) -> None:
    found = [rate(float(judged.y[part.rows].sum()), len(part)) for part in months.slices]
    for at, one in enumerate(found):
        axes.plot([at, at], [one.low, one.high], color=INK, linewidth=1.2)
    places, pd = range(len(found)), [_mean_pd(judged, part) for part in months.slices]
    axes.plot(places, [one.value for one in found], "o", color=BLUE, label="bad rate")
    axes.plot(places, pd, "_-", color=RED, linewidth=1.4, label="mean PD")
    name_places(axes, [part.name for part in months.slices])
    axes.set(ylim=(0, None))
    percent_axis(axes.yaxis)
    legend(axes)


def _mean_pd(judged: ScoredOutcomes, part: Slice) -> float:
    """NaN, which is not drawn, where there is no row."""
    return float(judged.pd[part.rows].mean()) if len(part) else math.nan
