"""How pictures are drawn: one style for all of them, as SVG text. Equal data give equal bytes."""

from __future__ import annotations

import functools
import io
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter, ScalarFormatter

from experiments.reporting.language import NARROW_SPACE, current_language
from experiments.reporting.svg import compact

INK, MUTED, GRID, BLUE, RED = "#1e2327", "#6b7278", "#e3e1da", "#2f6ea5", "#b8400f"
"""Of all pictures. Any two differ also for eyes that lack one kind of cones; where two lines share a picture they
differ in their dashes or marks too, for print without colours."""
Dashes = str | tuple[int, tuple[int, ...]]
"""Of a line, as matplotlib takes them."""
DASHED: Dashes = (0, (6, 2))
HALF, WHOLE = (5.4, 3.6), (11.0, 6.2)  # inches
FONT = 10.5
STYLE = {
    "svg.hashsalt": "creditfusion",  # ids within the SVG are drawn from it
    "svg.fonttype": "none",  # letters as text: outlines of every letter would be most of a picture's bytes
    "path.simplify_threshold": 0.3,  # points of long lines that nobody can see are left out
}
_EAST_ASIAN = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei"),
    *("Droid Sans Fallback", "PingFang SC", "Microsoft YaHei", "SimHei", "Arial Unicode MS", "Noto Serif CJK JP"),
)
"""Fonts with the letters that DejaVu Sans, which comes with matplotlib, lacks; the first that is installed is taken."""


@functools.cache
def _fonts() -> tuple[str, ...]:
    installed = set(font_manager.get_font_names())
    return ("DejaVu Sans", *[name for name in _EAST_ASIAN if name in installed][:1])


class Ends(Protocol):
    """An interval."""

    @property
    def low(self) -> float:
        """Its lower end."""

    @property
    def high(self) -> float:
        """Its upper end."""


@dataclass(frozen=True)
class IntervalPoint:
    """A figure to be drawn with its interval.

    Attributes:
        name: What stands beside it.
        value: The figure.
        low: Lower end of its interval.
        high: Upper end.
        hollow: Whether its point is drawn hollow.
    """

    name: str
    value: float
    low: float
    high: float
    hollow: bool = False


@contextmanager
def house_style() -> Iterator[None]:
    """Within it matplotlib draws as our pages want it; its settings are as before when this ends."""
    with plt.style.context(["default", {**STYLE, "font.family": list(_fonts())}]):
        yield


def picture(draw: Callable[[Axes], None], size: tuple[float, float] = HALF) -> str:
    """The SVG of what ``draw`` puts on the axes it is given. size: width and height in inches."""
    with house_style():
        figure = Figure(figsize=size)
        axes = figure.add_subplot()
        draw(axes)
        restyle(axes)
        return to_svg(figure)


def legend(axes: Axes) -> None:
    """A legend that leaves the data alone."""
    axes.legend(loc="best", fontsize=FONT - 1, facecolor="white", edgecolor=GRID, framealpha=0.9)


def whiskers(
    axes: Axes, at: Iterable[float], ends: Iterable[Ends], colour: str = INK, width: float = 1.2, alpha: float = 1.0
) -> None:
    """An upright line for each interval, all of them one path: single ones would be most of a picture's bytes."""
    x = [place for one in at for place in (one, one, math.nan)]
    y = [end for one in ends for end in (one.low, one.high, math.nan)]
    axes.plot(x, y, color=colour, linewidth=width, alpha=alpha, solid_capstyle="butt")


def interval_points(axes: Axes, figures: Sequence[IntervalPoint]) -> None:
    """A point with its interval on a line of its own for each figure, the first on top."""
    for at, one in enumerate(figures):
        axes.plot([one.low, one.high], [at, at], color=BLUE, linewidth=2.0)
        axes.plot([one.value], [at], "o", color=INK, markerfacecolor="white" if one.hollow else INK, markersize=6)
    axes.set_yticks(range(len(figures)), [one.name for one in figures])
    axes.set_ylim(len(figures) - 0.5, -0.5)


def interval_points_size(n: int) -> tuple[float, float]:
    """The size in inches for ``interval_points`` of n figures."""
    return HALF[0], max(HALF[1] * 0.5, min(0.9 + 0.42 * n, 9.0))


def name_places(axes: Axes, names: Sequence[str], most: int = 12) -> None:
    """Names below the places 0, 1, 2, ... of the axis; of many only some, so that they can be read."""
    step = math.ceil(len(names) / most)
    axes.set_xticks(range(0, len(names), step), list(names)[::step])
    axes.set_xlim(-0.5, len(names) - 0.5)


def percent_axis(axis: Axis, digits: int | None = None) -> None:
    """Fractions of 1 on the axis are shown as percentages."""
    axis.set_major_formatter(
        PercentFormatter(1.0, decimals=digits, symbol=current_language().percent("").replace(NARROW_SPACE, " "))
    )


def restyle(axes: Axes) -> None:
    """On white, with letters that can be read."""
    axes.set_title("", loc="center")
    axes.set_title("", loc="left")
    axes.set_facecolor("white")
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="both", which="both", labelsize=FONT - 1, colors=INK)
    for side, spine in axes.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=MUTED)
    axes.xaxis.label.set(size=FONT, color=INK)
    axes.yaxis.label.set(size=FONT, color=INK)
    for axis in (axes.xaxis, axes.yaxis):
        plain_ticks(axis)


def to_svg(figure: Figure) -> str:
    """The figure as SVG text, without a date; to be called within ``house_style``."""
    file, undated = io.StringIO(), {"Date": None, "Creator": None}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # no font has the letter: a box stands for it
        figure.savefig(file, format="svg", facecolor="white", bbox_inches="tight", metadata=undated)
    return compact(file.getvalue(), current_language().code)


def plain_ticks(axis: Axis) -> None:
    """Ticks as people write numbers: 0.02 and 20,000 rather than powers and offsets."""
    formatter = axis.get_major_formatter()
    if axis.get_scale() == "log":
        low, high = sorted(axis.get_view_interval())
        wide = high > 50 * low
        axis.set_major_locator(
            LogLocator(subs=(1.0,) if high > 2000 * low else (1.0, 3.0) if wide else (1.0, 2.0, 5.0))
        )
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axis.set_minor_formatter(NullFormatter())
    elif isinstance(formatter, ScalarFormatter):
        formatter.set_useOffset(False)
        formatter.set_scientific(False)
