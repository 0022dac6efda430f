"""The pictures of a sweep's report, as SVG: Optuna's own plots made legible, and quality against time.

Equal studies give equal bytes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence

import matplotlib
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.category import StrCategoryFormatter
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import (
    AutoLocator,
    FixedLocator,
    MaxNLocator,
)
from optuna.distributions import IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.trial import FrozenTrial, TrialState
from optuna.visualization import matplotlib as optuna_plots

from experiments.reporting.charts import (
    BLUE,
    FONT,
    HALF,
    INK,
    RED,
    WHOLE,
    house_style,
    legend,
    plain_ticks,
    restyle,
    to_svg,
)
from experiments.reporting.language import gettext
from experiments.reporting.words import plain
from experiments.sweep.study_snapshot import StudySnapshot, silence
from experiments.sweep.targets import targets

DEFAULT_RING, BEST_RING = (INK, "D"), (RED, "o")


def draw(snapshot: StudySnapshot, keys: Iterable[str]) -> dict[str, str]:
    """The SVG of these plots, by key."""
    makers: dict[str, Callable[[StudySnapshot], Figure]] = {
        "history": history,
        "importance": importance,
        "slices": slices,
        "parallel": parallel,
        "folds": folds,
        "time": time,
        "front": front,
    }
    before = matplotlib.get_backend(auto_select=False)
    plt.switch_backend("agg")
    try:
        return {key: _svg(makers[key], snapshot) for key in keys}
    finally:
        if before:
            plt.switch_backend(before)


def history(snapshot: StudySnapshot) -> Figure:
    """Values by trial, and the best so far."""
    name = targets(snapshot)[0].label
    axes = optuna_plots.plot_optimization_history(snapshot.first, target_name=name)
    restyle(axes)
    points = axes.collections[0]
    points.set(facecolor=BLUE, edgecolor="white", alpha=0.85, sizes=[40], label=gettext("complete trials"))
    axes.lines[0].set(color=RED, alpha=1.0, linewidth=1.8, drawstyle="steps-post", label=gettext("the best so far"))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _mark(axes, snapshot, lambda trial: float(trial.number))
    _view(axes, snapshot)
    axes.set_xlabel(gettext("Trial"))
    legend(axes)
    return _figure(axes, HALF)


def importance(snapshot: StudySnapshot) -> Figure:
    """A bar for every setting."""
    with silence("Some regimes for parameter"):
        axes = optuna_plots.plot_param_importances(snapshot.first, evaluator=snapshot.evaluator)
    restyle(axes)
    for bar in axes.patches:
        bar.set(facecolor=BLUE)
    for text in axes.texts:
        text.set(fontsize=FONT - 1, color=INK)
    axes.set(xlabel=gettext("importance, a share of 1"), ylabel="")
    axes.xaxis.label.set_fontsize(FONT)
    axes.grid(axis="y", visible=False)
    legend = axes.get_legend()
    if legend:
        legend.remove()
    return _figure(axes, (HALF[0], max(2.4, 1.0 + 0.24 * len(axes.patches))))


def slices(snapshot: StudySnapshot) -> Figure:
    """The settings that matter most, each against the value."""
    name = targets(snapshot)[0].label
    made = optuna_plots.plot_slice(snapshot.first, params=list(snapshot.shown), target_name=name)
    every = [made] if isinstance(made, Axes) else list(made)
    figure = _figure(every[0], WHOLE)
    for extra in [axes for axes in figure.axes if axes not in every]:  # its colour bar, which is in the way
        extra.remove()
    across = min(len(every), 3)
    down = -(-len(every) // across)
    grid = figure.add_gridspec(down, across)
    for place, axes in enumerate(every):
        axes.set_subplotspec(grid[place // across, place % across])
        restyle(axes)
        axes.tick_params(axis="both", which="both", labelbottom=True, labelleft=place % across == 0)
        axes.set_ylabel(name if place % across == 0 else "", fontsize=FONT)
        axes.set_xlabel(sorted(snapshot.shown)[place], fontsize=FONT, visible=True)
        _whole_ticks(axes.xaxis, snapshot, sorted(snapshot.shown)[place])
        if isinstance(axes.xaxis.get_major_formatter(), StrCategoryFormatter):  # repr of what was chosen
            ticks = [float(tick) for tick in axes.get_xticks()]
            axes.set_xticks(ticks, [name.strip("'") for name in axes.xaxis.get_major_formatter().format_ticks(ticks)])
        axes.collections[0].set(cmap=_blues(), alpha=0.9, edgecolor="white", linewidth=0.5)
    _view(every[0], snapshot)
    figure.suptitle("")
    figure.set_size_inches(WHOLE[0] * across / 3, WHOLE[1] * down / 2)
    figure.set_layout_engine("constrained", h_pad=0.15, w_pad=0.08)
    return figure


def parallel(snapshot: StudySnapshot) -> Figure:
    """A line per trial through the settings that matter most."""
    name = targets(snapshot)[0].label
    axes = optuna_plots.plot_parallel_coordinate(snapshot.first, params=list(snapshot.shown), target_name=name)
    figure = _figure(axes, (WHOLE[0], 5.2))
    lines = axes.collections[0]
    lines.set(cmap=_blues(reverse=snapshot.sign > 0), linewidth=1.4, alpha=0.8)
    axes.set_title("")
    names = [name.replace("-fold ", "-fold\n"), *(_folded(key) for key in sorted(snapshot.shown))]
    axes.set_xticks(range(len(names)), names, rotation=0, ha="center", fontsize=FONT)
    for each, key in zip(figure.axes[2:], sorted(snapshot.shown), strict=True):  # after the frame and the colour bar
        _whole_ticks(each.yaxis, snapshot, key)
    for each in figure.axes:
        plain_ticks(each.yaxis)
        each.tick_params(axis="y", which="both", labelsize=FONT - 1.5, colors=INK)
        _plain_labels(each)
        for text in each.get_yticklabels():
            text.set(bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.6}, zorder=5)
    figure.axes[1].set_ylabel(name, fontsize=FONT)
    return figure


def folds(snapshot: StudySnapshot) -> Figure:
    """A line per trial over its folds."""
    axes = optuna_plots.plot_intermediate_values(snapshot.first)
    restyle(axes)
    state = {trial.number: trial.state for trial in snapshot.trials}
    best = snapshot.complete[0].number if snapshot.complete else None
    for line in axes.lines:
        number = int(str(line.get_label()).removeprefix("Trial"))
        ended = state[number] == TrialState.COMPLETE
        line.set(color=BLUE if ended else RED, alpha=0.5, linewidth=1.1, label="_", linestyle="-" if ended else "--")
        if number == best:
            line.set(color=INK, alpha=1.0, linewidth=2.4, zorder=9)
    kinds = (
        (BLUE, "-", gettext("gone to the end")),
        (RED, "--", gettext("stopped early")),
        (INK, "-", gettext("the best")),
    )
    for colour, style, words in kinds:
        if any(line.get_color() == colour for line in axes.lines):
            axes.plot([], [], color=colour, linestyle=style, label=words)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel(gettext("folds done"), fontsize=FONT)
    axes.set_ylabel(targets(snapshot)[0].label, fontsize=FONT)
    legend(axes)
    return _figure(axes, HALF)


def time(snapshot: StudySnapshot) -> Figure:
    """Values by seconds of fitting."""
    _, axes = plt.subplots()
    timed = [trial for trial in snapshot.complete if snapshot.seconds(trial.number) is not None]
    seconds = [snapshot.seconds(trial.number) or 0.0 for trial in timed]
    axes.scatter(seconds, [trial.value or 0.0 for trial in timed], color=BLUE, edgecolor="white", alpha=0.85, s=40)
    if min(seconds) > 0 and max(seconds) > 20 * min(seconds):
        axes.set_xscale("log")
    axes.set(xlabel=gettext("seconds of fitting"), ylabel=targets(snapshot)[0].label)
    restyle(axes)
    _mark(axes, snapshot, lambda trial: snapshot.seconds(trial.number))
    _view(axes, snapshot)
    legend(axes)
    return _figure(axes, HALF)


def front(snapshot: StudySnapshot) -> Figure:
    """The first two objectives against each other."""
    names = [target.label for target in targets(snapshot)[:2]]
    axes = optuna_plots.plot_pareto_front(snapshot.study, target_names=names, targets=_two)
    restyle(axes)
    for points in axes.collections:
        ahead = points.get_label() == "Best Trial"
        points.set(color=RED if ahead else BLUE, edgecolor="white", alpha=0.9, sizes=[46 if ahead else 30])
        points.set_label(gettext("on the front") if ahead else gettext("other trials"))
    if snapshot.default:
        x, y = list(snapshot.default.values.values())[:2]
        _ring(axes, x, y, gettext("the default"), DEFAULT_RING)
    legend(axes)
    return _figure(axes, HALF)


def _two(trial: FrozenTrial) -> Sequence[float]:
    return trial.values[0], trial.values[1]


def _mark(axes: Axes, snapshot: StudySnapshot, across: Callable[[FrozenTrial], float | None]) -> None:
    """A ring about the best trial and about the default."""
    rings = (
        (snapshot.default, gettext("the default"), DEFAULT_RING),
        (snapshot.best, gettext("the best"), BEST_RING),
    )
    numbers = {line.number: (words, look) for line, words, look in rings if line}
    for trial in snapshot.complete:
        x = across(trial)
        if trial.number in numbers and x is not None:
            _ring(axes, x, trial.value or 0.0, *numbers[trial.number])


def _ring(axes: Axes, x: float, y: float, words: str, look: tuple[str, str]) -> None:
    """look: colour and marker."""
    colour, marker = look
    axes.scatter(
        [x], [y], s=90, facecolor="none", edgecolor=colour, marker=marker, linewidth=1.8, label=words, zorder=9
    )


def _view(axes: Axes, snapshot: StudySnapshot) -> None:
    """Leaves out of view what lies so far off that it would press all others together."""
    if snapshot.worst_shown is None:
        return
    shown = [snapshot.loss(trial) for trial in snapshot.complete if snapshot.loss(trial) <= snapshot.worst_shown]
    room = 0.06 * (max(shown) - min(shown))
    ends = sorted((snapshot.sign * (min(shown) - room), snapshot.sign * (max(shown) + room)))
    axes.set_ylim(ends[0], ends[1])


def _folded(key: str) -> str:
    """A key in lines so short that they do not touch their neighbours."""
    section, _, name = key.partition(".")
    return f"{section}.\n" + (name if len(name) < 12 else name.replace("_", "_\n", 1))


def _plain_labels(axes: Axes) -> None:
    """20,000 instead of 2e+04, where the labels are given as texts."""
    labels = [text.get_text() for text in axes.get_yticklabels()]
    if isinstance(axes.yaxis.get_major_locator(), FixedLocator) and any("e+" in label for label in labels):
        axes.set_yticks(axes.get_yticks(), [plain(float(label)) if "e+" in label else label for label in labels])


def _whole_ticks(axis: Axis, snapshot: StudySnapshot, key: str) -> None:
    """No 22.5 bins."""
    range_ = snapshot.distribution(key)
    if isinstance(range_, IntDistribution) and not range_.log and isinstance(axis.get_major_locator(), AutoLocator):
        axis.set_major_locator(MaxNLocator(integer=True))


def _blues(reverse: bool = False) -> ListedColormap:
    """Optuna's blues without those that are lost on white."""
    shades = matplotlib.colormaps["Blues"](np.linspace(0.3, 1.0, 256))
    return ListedColormap(shades[::-1] if reverse else shades)


def _figure(axes: Axes, size: tuple[float, float]) -> Figure:
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.set_size_inches(*size)
    return figure


def _svg(make: Callable[[StudySnapshot], Figure], snapshot: StudySnapshot) -> str:
    """The picture as SVG text; the settings of matplotlib are as before when this ends."""
    with house_style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ExperimentalWarning, message=r"optuna\.visualization\.matplotlib\.")
        figure = make(snapshot)
        try:
            return to_svg(figure)
        finally:
            plt.close(figure)
