"""How well the model ranks: over all rows, at the cut-off, by decile, by segment and by month."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from sklearn.metrics import roc_curve

from experiments.reporting.cells import figure, interval
from experiments.reporting.charts import BLUE, GRID, INK, MUTED, RED, legend, name_places, percent_axis, picture
from experiments.reporting.document import Column, Finding, Plot, Row, Section, Table
from experiments.reporting.words import listed, number, percent
from experiments.validate.chapters.discrimination_slices import NO_BAD, NO_FLAG, cutoff_slice_table, slice_table
from experiments.validate.scored_outcomes import ScoredOutcomes
from experiments.validate.slices import MIN_BADS, Cut, enough
from features.arrays import Flags
from fusion.metrics import both_classes, log_loss
from fusion.validation.confusion import at_cutoff
from fusion.validation.intervals import Estimate, auc_interval, bootstrap, brier_interval, gini_interval
from fusion.validation.score_bands import Decile, gains

WEAK_AUC = 0.6
TOO_GOOD_AUC = 0.9
"""Of application scores; above it a column that knows the outcome is likelier than skill."""
MANY_BADS = 50
"""A slice with so many bads shows an AUC of 0.6, if it has one."""
WORSE_BY = 0.02  # AUC below that of training that is worth a word
ONE_CLASS = "one class only"
BOTH_NEEDED = "It takes goods and bads."
OUT_OF_FOLD = "out of fold: auc"


def chapter(judged: ScoredOutcomes, segments: Sequence[Cut], months: Cut | None) -> Section:
    """Discrimination, with the figures of every slice."""
    parts = [*segments, *([months] if months else [])]
    deciles = gains(judged.y, judged.margin) if both_classes(judged.y) else ()
    plots = [_roc_plot(judged), _spread_plot(judged), _gains_plot(deciles)]
    if months:
        plots.append(_month_plot(judged, months))
    return Section(
        key="discrimination",
        title="Discrimination: does it tell good from bad?",
        findings=tuple(findings(judged, parts)),
        words=(
            "AUC is the chance that of a bad and a good applicant, drawn at random, the bad one has the higher PD: 0.5 "
            "is a coin, 1 never errs. Gini is twice the AUC less one. KS is the greatest distance between the shares "
            "of bads and of goods below a score. Below a figure stands its 95 % interval: by DeLong for AUC and Gini, "
            "by 1,000 bootstrap draws for KS and average precision, normal for means, Jeffreys' for rates.",
        ),
        tables=(
            _overall(judged),
            _cutoff_table(judged),
            _gains_table(deciles),
            *(table for cut in parts for table in (slice_table(judged, cut), cutoff_slice_table(judged, cut))),
        ),
        plots=tuple(plots),
    )


def _overall(judged: ScoredOutcomes) -> Table:
    y, margin = judged.y, judged.margin
    drawn = bootstrap(y, margin)
    rows: list[Row] = [
        ("AUC", interval(auc_interval(y, margin), ONE_CLASS)),
        ("Gini", interval(gini_interval(y, margin), ONE_CLASS)),
        ("KS", interval(drawn.ks, ONE_CLASS)),
        ("Average precision", interval(drawn.average_precision, ONE_CLASS)),
        ("Brier score", interval(brier_interval(y, margin))),
        ("Log-loss, nats", figure(log_loss(y, margin))),
    ]
    columns = (Column(key="figure", title="Figure"), Column(key="value", title="Value", form="number", digits=4))
    return Table(key="overall", title="Over all rows", columns=columns, rows=tuple(rows))


def _cutoff_table(judged: ScoredOutcomes) -> Table:
    found = at_cutoff(judged.y, ~judged.approved)
    rows: list[Row] = [
        ("Not approved, of all", interval(found.flagged)),
        ("Accuracy: decided as it turned out", interval(found.accuracy)),
        ("Precision: bad, of those not approved", interval(found.precision, NO_FLAG)),
        ("Recall: not approved, of the bads", interval(found.recall, NO_BAD)),
        ("Specificity: approved, of the goods", interval(found.specificity, "no good")),
        ("F1: precision and recall in one", interval(found.f1, NO_BAD)),
        ("Bad rate of those approved", interval(found.bad_rate_passed, "nobody is approved")),
    ]
    return Table(
        key="at_cutoff",
        title="At the cut-off",
        note="“Not approved” stands for a positive test, “bad” for the condition. All applicants here were granted a "
        "loan once; accuracy is a poor guide where few are bad.",
        columns=(
            Column(key="figure", title="Figure"),
            Column(key="value", title="Value", form="percent", digits=1),
        ),
        rows=tuple(rows),
    )


def _gains_table(deciles: Sequence[Decile]) -> Table:
    titles = (
        ("n", "Number", "count", 0),
        ("n_bad", "Bad", "count", 0),
        ("rate", "Bad rate", "percent", 1),
        ("lift", "Lift", "number", 2),
        ("share", "Share of applicants so far", "percent", 0),
        ("captured", "Share of bads so far", "percent", 1),
        ("cumulative_lift", "Lift so far", "number", 2),
        ("ks", "KS here", "number", 3),
    )
    return Table(
        key="gains",
        title="Gains and lift by decile, the riskiest first",
        note="Lift: the bad rate of the group over that of all. Equal PDs are never parted, so groups can differ in "
        "size.",
        columns=(
            Column(key="decile", title="Group", form="count"),
            *(Column(key=key, title=title, form=form, digits=digits) for key, title, form, digits in titles),
        ),
        rows=tuple(
            (
                at,
                one.n,
                one.n_bad,
                interval(one.rate),
                *map(figure, (one.lift, one.share, one.captured)),
                figure(one.cumulative_lift),
                figure(one.ks),
            )
            for at, one in enumerate(deciles, 1)
        ),
    )


def findings(judged: ScoredOutcomes, cuts: Sequence[Cut]) -> list[Finding]:
    """What the figures come to."""
    area = auc_interval(judged.y, judged.margin)
    if not area.exists:
        kind = "bad" if judged.y.all() else "good"
        said = (
            f"All {len(judged):,} rows went {kind}. Ranking can only be judged where some went well and some did not."
        )
        return [Finding(key="ranks", grade="alarm", title="Nothing can be said of the ranking.", words=said)]
    found = [_ranks(area, judged)]
    trained = judged.model.bundle.manifest.provenance.figures.get(OUT_OF_FOLD)
    if trained is not None and area.high < trained - WORSE_BY:
        found.append(
            Finding(
                key="ranks_worse",
                grade="concern",
                title="It ranks worse here than in training.",
                words=f"The AUC was {number(trained, 3)} on training rows that it had not seen, and is "
                f"{number(area.value, 3)} here. Applicants or times have changed, or training was flattered.",
            )
        )
    blind = [(f"{cut.title}: {part.name}", part) for cut in cuts for part in cut.slices if _blind(judged, part.rows)]
    large = [name for name, part in blind if judged.y[part.rows].sum() >= MANY_BADS]
    if blind:
        names = large or [name for name, _ in blind]
        few = "" if large else f" All have fewer than {MANY_BADS} bads: too few to say more."
        found.append(
            Finding(
                key="blind_slices",
                grade="concern" if large else "note",
                title="Of some parts it is not shown that the model ranks them better than a coin.",
                words=f"The interval of the AUC holds 0.5 for {listed(names)}.{few}",
            )
        )
    return found


def _ranks(area: Estimate, judged: ScoredOutcomes) -> Finding:
    said = f"AUC {number(area.value, 3)}, 95 % interval {number(area.low, 3)} to {number(area.high, 3)}"
    n_bad = int(judged.y.sum())
    wins = f"Of a bad and a good applicant it gives the bad one the higher PD in {percent(area.value, 0)} of cases"
    if area.high < 0.5:
        said += ". Goods have the higher PDs. Was the outcome turned?"
        return Finding(key="ranks", grade="alarm", title="It ranks the wrong way round.", words=said)
    if area.low <= 0.5:
        return Finding(
            key="ranks",
            grade="alarm",
            title="It cannot tell good applicants from bad ones.",
            words=f"{said}: a coin does as well. Decisions by this score are decisions by lot. Either the model "
            f"learned nothing (were the outcomes right that it learned from?), or {n_bad:,} bads are too few to show "
            "what it knows.",
        )
    if area.value > TOO_GOOD_AUC:
        return Finding(
            key="ranks",
            grade="alarm",
            title="It ranks better than an application score can.",
            words=f"{said}. Before the loan is granted nobody knows the outcome this well; a column that was filled in "
            "afterwards is the likeliest reason. See the chapter on the data.",
        )
    if area.value < WEAK_AUC:
        return Finding(key="ranks", grade="concern", title="It ranks only weakly.", words=f"{said}. {wins}.")
    return Finding(key="ranks", grade="good", title="It ranks applicants.", words=f"{said}. {wins}.")


def _blind(judged: ScoredOutcomes, rows: Flags) -> bool:
    y = judged.y[rows]
    return enough(y) and auc_interval(y, judged.margin[rows]).low <= 0.5


def _roc_plot(judged: ScoredOutcomes) -> Plot:
    ranked = both_classes(judged.y)
    return Plot(
        key="roc",
        title="Bads caught against goods lost",
        words="Each point is a cut-off. The higher the line above the diagonal, the more bads are caught for the same "
        "share of goods turned away. The dot is the policy's cut-off.",
        alt="ROC curve: share of bads not approved against share of goods not approved, with the diagonal of a coin.",
        gap="" if ranked else BOTH_NEEDED,
        drawing=picture(lambda axes: _draw_roc(axes, judged)) if ranked else "",
    )


def _draw_roc(axes: Axes, judged: ScoredOutcomes) -> None:
    lost, caught, _ = roc_curve(judged.y, judged.margin)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label="a coin")
    axes.plot(lost, caught, color=BLUE, linewidth=1.8, label="the model")
    flagged = ~judged.approved
    axes.plot(
        [flagged[judged.y == 0].mean()], [flagged[judged.y == 1].mean()], "o", color=RED, label="the policy's cut-off"
    )
    axes.set(xlabel="goods not approved", ylabel="bads not approved", xlim=(0, 1), ylim=(0, 1))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def _spread_plot(judged: ScoredOutcomes) -> Plot:
    ranked = both_classes(judged.y)
    return Plot(
        key="spread",
        title="Where goods and bads stand",
        words="The share of each that lies at or below a score. The greatest distance between the lines is the KS.",
        alt="Cumulative distribution of the score of goods and of bads.",
        gap="" if ranked else BOTH_NEEDED,
        drawing=picture(lambda axes: _draw_spread(axes, judged)) if ranked else "",
    )


def _draw_spread(axes: Axes, judged: ScoredOutcomes) -> None:
    score = judged.model.bundle.model.scores(judged.margin).score
    for value, colour, label in ((1, RED, "bads"), (0, BLUE, "goods")):
        own = np.sort(score[judged.y == value])
        axes.plot(own, np.arange(1, len(own) + 1) / len(own), color=colour, linewidth=1.8, label=label)
    axes.set(xlabel="score, points; more is safer", ylabel="at or below the score")
    percent_axis(axes.yaxis)
    legend(axes)


def _gains_plot(deciles: Sequence[Decile]) -> Plot:
    return Plot(
        key="gains",
        title="Bads among the riskiest",
        words="Of all bads, the share found among the riskiest applicants.",
        alt="Gains curve: cumulative share of bads against cumulative share of applicants, the riskiest first.",
        gap="" if deciles else BOTH_NEEDED,
        drawing=picture(lambda axes: _draw_gains(axes, deciles)) if deciles else "",
    )


def _draw_gains(axes: Axes, deciles: Sequence[Decile]) -> None:
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


def _month_plot(judged: ScoredOutcomes, months: Cut) -> Plot:
    few = not any(enough(judged.y[part.rows]) for part in months.slices)
    return Plot(
        key="auc_by_month",
        title="AUC by month of decision",
        words="Dots with their 95 % intervals; a month with too few goods or bads has none. The line is all months.",
        alt="AUC of every month with its interval.",
        gap=f"No month has {MIN_BADS} goods and {MIN_BADS} bads." if few else "",
        wide=True,
        drawing="" if few else picture(lambda axes: _draw_months(axes, judged, months), (11.0, 3.6)),
    )


def _draw_months(axes: Axes, judged: ScoredOutcomes, months: Cut) -> None:
    axes.axhline(auc_interval(judged.y, judged.margin).value, color=MUTED, linewidth=1, linestyle="--")
    for at, part in enumerate(months.slices):
        y = judged.y[part.rows]
        if enough(y):
            one = auc_interval(y, judged.margin[part.rows])
            axes.plot([at, at], [one.low, one.high], color=INK, linewidth=1.2)
            axes.plot([at], [one.value], "o", color=BLUE)
    name_places(axes, [part.name for part in months.slices])
    axes.axhline(0.5, color=GRID, linewidth=1)
    axes.set(ylabel="AUC")
