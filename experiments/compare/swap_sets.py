"""The chapter on swap sets: whom the challenger would approve instead, and how these applicants fared."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from experiments.compare.pair import Pair
from experiments.reporting.cells import BADS, NUMBER, figure, interval
from experiments.reporting.charts import BLUE, INK, MUTED, legend, percent_axis, picture
from experiments.reporting.document import Column, Plot, Row, Section, Table
from experiments.reporting.language import gettext, gettext_noop
from experiments.reporting.words import percent
from fusion.validation.swap_sets import Share, SwapSet, swap_set

RATES = np.arange(1, 20) / 20
NOBODY = gettext_noop("nobody")


def chapter(found: Pair) -> Section:
    """Swap sets at the approval rate of interest, and over a range of rates."""
    sets = [swap_set(found.champion.margin, found.challenger.margin, found.y, rate) for rate in RATES.tolist()]
    drawn = any(one.gain.exists for one in sets)
    return Section(
        key="swap_sets",
        title=gettext("Swap sets: who would be approved instead?"),
        words=(
            gettext(
                "Let each model approve its safest {approval_rate} of the applicants: who is approved by one "
                "alone is swapped. The challenger earns its place when those whom it takes in default less "
                "than those whom it leaves out. Equal PDs are put in an order drawn once by lot, the same "
                "for both."
            ).format(approval_rate=percent(found.swaps.approval_rate, 1)),
            gettext(
                "The outcomes are those of loans that were granted. Of applicants whom the lender refused at the time "
                "nobody knows how they would have fared, so the true swap sets are larger than these."
            ),
        ),
        tables=(sets_table(found.swaps), rates_table(sets)),
        plots=(
            Plot(
                key="swaps",
                title=gettext("What the swap saves, by approval rate"),
                words=gettext(
                    "Bad rate of the swapped-out less that of the swapped-in. Above 0 the challenger approves better "
                    "applicants; where the band holds 0, chance alone can make the difference."
                ),
                alt=gettext(
                    "Difference of bad rates of swapped-out and swapped-in applicants against the approval rate, with "
                    "its 95 % band."
                ),
                gap="" if drawn else gettext("The two approve the same applicants at every rate."),
                drawing=picture(lambda axes: _draw(axes, found, sets)) if drawn else "",
            ),
        ),
    )


def sets_table(swaps: SwapSet) -> Table:
    """The two-by-two table, and what it comes to."""
    parts = (
        (gettext("Both approve"), swaps.both_approve),
        (gettext("Swapped in: the challenger alone approves"), swaps.swapped_in),
        (gettext("Swapped out: the champion alone approves"), swaps.swapped_out),
        (gettext("Both decline"), swaps.both_decline),
        (gettext("All that the champion approves"), swaps.champion),
        (gettext("All that the challenger approves"), swaps.challenger),
    )
    rows: list[Row] = [(name, *_cells(part, swaps.n)) for name, part in parts]
    rows += [
        (gettext("Swapped out less swapped in"), None, None, None, interval(swaps.gain, gettext("nobody is swapped"))),
        (
            gettext("Champion's approved less challenger's"),
            None,
            None,
            None,
            interval(swaps.book_gain, gettext("nobody is approved")),
        ),
    ]
    return Table(
        key="swap_sets",
        title=gettext("Each model approves {approval_rate}").format(approval_rate=percent(swaps.approval_rate, 1)),
        note=gettext(
            "Intervals are Jeffreys’ for rates and Newcombe’s for their difference. The last line spreads the "
            "difference over all loans that are approved, which is what the book would show."
        ),
        columns=(
            Column(key="set", title=gettext("Applicants")),
            NUMBER,
            Column(key="share", title=gettext("Of all"), form="percent", digits=1),
            BADS,
            Column(key="bad_rate", title=gettext("Bad rate"), form="percent", digits=2),
        ),
        rows=tuple(rows),
    )


def _cells(part: Share, n: int) -> Row:
    return (part.n, figure(part.n / n), part.n_bad, interval(part.rate, gettext(NOBODY)))


def rates_table(sets: list[SwapSet]) -> Table:
    """The same at other approval rates."""
    rows = tuple(
        (
            one.approval_rate,
            one.swapped_in.n,
            interval(one.swapped_out.rate, gettext(NOBODY)),
            interval(one.swapped_in.rate, gettext(NOBODY)),
            interval(one.gain, gettext(NOBODY)),
            interval(one.champion.rate, gettext(NOBODY)),
            interval(one.challenger.rate, gettext(NOBODY)),
        )
        for one in sets
    )
    return Table(
        key="swaps_by_rate",
        title=gettext("At other approval rates"),
        note=gettext("The lines share applicants and are no independent tests; choose the rate before looking."),
        columns=(
            Column(key="approval_rate", title=gettext("Approved"), form="percent", digits=0),
            Column(key="n", title=gettext("Swapped, each way"), form="count"),
            Column(key="out", title=gettext("Bad, swapped out"), form="percent", digits=1),
            Column(key="in", title=gettext("Bad, swapped in"), form="percent", digits=1),
            Column(key="gain", title=gettext("Out less in, points"), form="percent", digits=1),
            Column(key="champion", title=gettext("Bad, champion approves"), form="percent", digits=1),
            Column(key="challenger", title=gettext("Bad, challenger approves"), form="percent", digits=1),
        ),
        rows=rows,
    )


def _draw(axes: Axes, found: Pair, sets: list[SwapSet]) -> None:
    known = [one for one in sets if one.gain.exists]
    x = [one.approval_rate for one in known]
    axes.fill_between(x, [s.gain.low for s in known], [s.gain.high for s in known], color=BLUE, alpha=0.18, linewidth=0)
    axes.plot(
        x,
        [one.gain.value for one in known],
        "o-",
        color=BLUE,
        markersize=4,
        label=gettext("swapped out less swapped in"),
    )
    axes.axhline(0, color=INK, linewidth=1)
    axes.axvline(
        found.swaps.approval_rate, color=MUTED, linewidth=1, linestyle="--", label=gettext("approval rate compared at")
    )
    axes.set(xlabel=gettext("approved by each model"), ylabel=gettext("bad rate, points"), xlim=(0, 1))
    percent_axis(axes.xaxis, 0)
    percent_axis(axes.yaxis, 0)
    legend(axes)
