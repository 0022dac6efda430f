"""One figure by period, drawn: a point with its interval for each, and what is usual as a line."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from experiments.reporting.charts import BLUE, INK, MUTED, name_places, percent_axis, picture, whiskers
from experiments.reporting.document import Plot
from experiments.reporting.language import gettext
from fusion.validation.intervals import Estimate


def shares_by_period(
    key: str, title: str, words: str, shown: Sequence[tuple[str, Estimate]], usual: float | None = None
) -> Plot:
    """Shares of periods, at least one, in the order of time; usual: a line at this share."""

    def draw(axes: Axes) -> None:
        places = range(len(shown))
        if usual is not None:
            axes.axhline(usual, color=MUTED, linewidth=1.2, linestyle="--")
        whiskers(axes, places, [one for _, one in shown], BLUE, 2)
        axes.plot(places, [one.value for _, one in shown], "o", color=INK, markersize=4)
        name_places(axes, [period for period, _ in shown], most=6)
        axes.set_ylim(bottom=0)
        percent_axis(axes.yaxis)

    return Plot(
        key=key,
        title=title,
        words=words,
        alt=gettext("A point with its interval for each period."),
        drawing=picture(draw),
    )
