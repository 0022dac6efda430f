"""The chapter on net benefit: what deciding by either model is worth, whatever the losses are."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from experiments.compare.pair import Pair
from experiments.reporting.cells import figure, interval
from experiments.reporting.charts import INK, MUTED, WHOLE, legend, percent_axis, picture
from experiments.reporting.document import Column, Plot, Row, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import number, percent, signed
from features.arrays import Floats
from fusion.validation.intervals import Estimate
from fusion.validation.net_benefit import net_benefit, net_benefit_difference

PER = 1000  # applications that net benefit is given for
SHOWN = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
OWN = gettext_noop(", of rows without a cut-off of their own")
SEGMENTED = gettext_noop(
    "The cut-off is that of rows without a cut-off of their own, taken for all rows: the policy has segments."
)
FINE = np.arange(1, 100) / 200


def chapter(found: Pair) -> Section:
    """Decision curves of both."""
    return Section(
        key="net_benefit",
        title=gettext("Net benefit: would it pay?"),
        words=(
            gettext(
                "Who declines every PD above 20 % says by it that turning down one bad is worth turning down "
                "four goods. At each cut-off, net benefit counts the bads turned down, less the goods turned "
                "down at that cut-off’s own rate of exchange, per {per} applications. A model is worth "
                "having where its line lies above both declining nobody (0) and declining everybody; the "
                "challenger where its line lies above the champion’s."
            ).format(per=number(PER)),
            gettext(
                "It is no profit: it leaves out amounts, prices and costs of handling, which “creditfusion evaluate "
                "--policy” counts. And it takes PDs at their word, so that a model whose PDs are too high or too low "
                "pays for it here."
            ),
        ),
        tables=(benefit_table(found),),
        plots=(
            Plot(
                key="decision_curve",
                title=gettext("Decision curves"),
                words=gettext("Net benefit by cut-off, after Vickers and Elkin (2006)."),
                alt=gettext(
                    "Net benefit of champion, challenger, declining everybody and declining nobody, against the "
                    "cut-off of the PD."
                ),
                wide=True,
                drawing=picture(lambda axes: _draw(axes, found), WHOLE),
            ),
        ),
    )


def benefit_table(found: Pair) -> Table:
    """Net benefit at the policy's cut-off and at round ones."""
    at = sorted({*SHOWN, *([found.cutoff] if found.cutoff is not None else [])})
    one, other = (net_benefit(found.y, scored.pd, at) for scored in (found.champion, found.challenger))
    rows: list[Row] = [
        (
            threshold,
            (1 - threshold) / threshold,
            *map(figure, (PER * one.model[k], PER * other.model[k], PER * one.decline_all[k])),
            interval(thousand(net_benefit_difference(found.y, found.challenger.pd, found.champion.pd, threshold))),
        )
        for k, threshold in enumerate(at)
    ]
    policy = (
        ""
        if found.cutoff is None
        else gettext("The policy declines above {cutoff}{own}. ").format(
            cutoff=percent(found.cutoff, 1), own=gettext(OWN) if found.segmented else ""
        )
    )
    return Table(
        key="net_benefit",
        title=gettext("Net benefit, in bads turned down per {per} applications").format(per=number(PER)),
        note=gettext(
            "{policy}Declining nobody is worth 0. The interval is that of a mean of paired differences."
        ).format(policy=policy),
        columns=(
            Column(key="cutoff", title=gettext("Decline PDs above"), form="percent", digits=1),
            Column(key="goods", title=gettext("Goods that one bad is worth"), form="number", digits=1),
            Column(key="champion", title=gettext("Champion"), form="number", digits=2),
            Column(key="challenger", title=gettext("Challenger"), form="number", digits=2),
            Column(key="all", title=gettext("Declining all"), form="number", digits=1),
            Column(key="difference", title=gettext("Challenger better by"), form="signed", digits=2),
        ),
        rows=tuple(rows),
    )


def thousand(worth: Estimate) -> Estimate:
    """Per ``PER`` applications instead of one."""
    return Estimate(PER * worth.value, PER * worth.low, PER * worth.high)


def worth_words(found: Pair) -> str:
    """What deciding by the challenger is worth at the cut-off, in a sentence or two."""
    if found.cutoff is None or not found.worth.exists:
        return gettext("Net benefit was not judged, as there is no cut-off.")
    worth = thousand(found.worth)
    ends = (
        gettext(", 95 % interval {low} to {high}").format(low=signed(worth.low, 2), high=signed(worth.high, 2))
        if worth.bounded
        else ""
    )
    return gettext(
        "Declining PDs above {cutoff}, the challenger’s net benefit differs from the champion’s by {worth_value} "
        "per {per} applications{ends}, in bads turned down less what wrongly declined goods cost."
    ).format(cutoff=percent(found.cutoff, 0), worth_value=signed(worth.value, 2), per=number(PER), ends=ends) + (
        f" {gettext(SEGMENTED)}" if found.segmented else ""
    )


def _draw(axes: Axes, found: Pair) -> None:
    top = 0.0
    for side in found.sides:
        curve = net_benefit(found.y, side.scored.pd, FINE)
        axes.plot(
            curve.thresholds,
            PER * curve.model,
            color=side.colour,
            linestyle=side.dashes,
            linewidth=1.9,
            label=side.label,
        )
        top = max(top, float(np.max(PER * curve.model)))
    everybody: Floats = PER * net_benefit(found.y, found.champion.pd, FINE).decline_all
    axes.plot(FINE, everybody, color=MUTED, linewidth=1.2, linestyle="--", label=gettext("declining everybody"))
    axes.axhline(0, color=INK, linewidth=1, label=gettext("declining nobody"))
    if found.cutoff is not None:
        axes.axvline(found.cutoff, color=MUTED, linewidth=1, linestyle=":", label=gettext("the policy's cut-off"))
    room = top if math.isfinite(top) and top > 0 else 1.0
    axes.set(
        xlabel=gettext("decline PDs above"),
        ylabel=gettext("net benefit per {per:,} applications").format(per=PER),
        xlim=(0, float(FINE[-1])),
        ylim=(-0.25 * room, 1.1 * room),
    )
    percent_axis(axes.xaxis, 0)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    legend(axes)
