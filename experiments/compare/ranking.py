"""The chapter on discrimination: which of the two ranks better, and how alike they rank."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from sklearn.metrics import roc_curve

from experiments.compare.pair import Pair, estimate, why_no_p
from experiments.reporting.cells import figure, interval
from experiments.reporting.charts import BLUE, MUTED, RED, legend, percent_axis, picture
from experiments.reporting.document import Column, Plot, Row, Section, Table
from experiments.reporting.words import percent
from fusion.metrics import both_classes

ONE_CLASS = "one class only"
CONSTANT = "one of them gives all the same PD"
NOT_KNOWN = "too few goods or bads"
MAX_DOTS = 1500  # of the plot of ranks


def chapter(found: Pair) -> Section:
    """Discrimination of both."""
    drawn = both_classes(found.y)
    return Section(
        key="discrimination",
        title="Discrimination: which tells good from bad better?",
        words=(
            "AUC is the chance that of a bad and a good applicant, drawn at random, the bad one has the higher PD: 0.5 "
            "is a coin, 1 never errs. The difference is above 0 where the challenger ranks better; its interval and p "
            "are DeLong’s for two models on the same rows, much narrower than the two models’ own intervals suggest. p "
            "is the chance of such a difference or a larger one between models that rank equally well.",
        ),
        tables=(figures_table(found), agreement_table(found)),
        plots=(
            Plot(
                key="roc",
                title="Bads caught against goods lost",
                words="Each point of a line is a cut-off. The line that lies higher catches more bads for the same "
                "share of goods turned away. Lines that cross mean that each model is better somewhere.",
                alt="ROC curves of champion and challenger: share of bads against share of goods not approved.",
                gap="" if drawn else "It takes goods and bads.",
                drawing=picture(lambda axes: _draw_roc(axes, found)) if drawn else "",
            ),
            Plot(
                key="ranks",
                title="How the two rank the same applicants",
                words="Each dot is an applicant, by the share of applicants that each model takes for safer. On the "
                "diagonal they agree; of many applicants some are drawn at random.",
                alt="Scatter plot of the challenger's rank against the champion's, bads over goods.",
                drawing=picture(lambda axes: _draw_ranks(axes, found)),
            ),
        ),
    )


def figures_table(found: Pair) -> Table:
    """AUC, Gini and KS of both."""
    both, gain = found.comparison, estimate(found.comparison.auc)
    rows: list[Row] = [
        (
            "AUC",
            interval(both.champion.auc, ONE_CLASS),
            interval(both.challenger.auc, ONE_CLASS),
            interval(gain, NOT_KNOWN),
            figure(both.auc.p, why_no_p(both.auc, NOT_KNOWN)),
        ),
        ("Gini", interval(both.champion.gini, ONE_CLASS), interval(both.challenger.gini, ONE_CLASS), None, None),
        ("KS", interval(both.champion.ks, ONE_CLASS), interval(both.challenger.ks, ONE_CLASS), None, None),
    ]
    return Table(
        key="discrimination",
        title="Both models on the same rows",
        note="Gini is twice the AUC less one; its difference is twice that of the AUC. Intervals of KS by 1,000 "
        "bootstrap draws.",
        columns=(
            Column(key="figure", title="Figure"),
            Column(key="champion", title="Champion", form="number", digits=4),
            Column(key="challenger", title="Challenger", form="number", digits=4),
            Column(key="difference", title="Challenger better by", form="signed", digits=4),
            Column(key="p", title="p", form="p"),
        ),
        rows=tuple(rows),
    )


def agreement_table(found: Pair) -> Table:
    """How alike the two are."""
    swaps = found.swaps
    row: Row = (
        "Champion and challenger",
        figure(found.comparison.spearman, CONSTANT),
        figure(swaps.differing),
        figure(found.decided_differently),
    )
    return Table(
        key="agreement",
        title="How alike they are",
        note="A rank correlation of 1 means the same order, 0 no order in common.",
        columns=(
            Column(key="models", title="Models"),
            Column(key="spearman", title="Rank correlation of the PDs (Spearman)", form="number", digits=4),
            Column(
                key="at_equal_rate",
                title=f"Decided differently when each approves {percent(swaps.approval_rate, 1)}",
                form="percent",
                digits=1,
            ),
            Column(key="by_policy", title="Decided differently, by policy", form="percent", digits=1),
        ),
        rows=(row,),
    )


def _draw_roc(axes: Axes, found: Pair) -> None:
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--", label="a coin")
    for one, colour, name in ((found.champion, RED, "champion"), (found.challenger, BLUE, "challenger")):
        lost, caught, _ = roc_curve(found.y, one.margin)
        axes.plot(lost, caught, color=colour, linewidth=1.8, label=name)
    axes.set(xlabel="goods not approved", ylabel="bads not approved", xlim=(0, 1), ylim=(0, 1))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)


def _draw_ranks(axes: Axes, found: Pair) -> None:
    n = len(found)
    some = np.arange(n)
    if n > MAX_DOTS:
        some = np.sort(np.random.Generator(np.random.PCG64(0)).choice(n, MAX_DOTS, replace=False))
    x, y = (np.argsort(np.argsort(one.margin, kind="stable"))[some] / n for one in (found.champion, found.challenger))
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
    for value, colour, name in ((0, BLUE, "goods"), (1, RED, "bads")):
        own = found.y[some] == value
        axes.scatter(x[own], y[own], s=9, color=colour, alpha=0.55, linewidths=0, label=name)
    axes.set(xlabel="champion: safest to riskiest", ylabel="challenger: safest to riskiest", xlim=(0, 1), ylim=(0, 1))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    legend(axes)
