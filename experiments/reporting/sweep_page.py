"""The page of a sweep's report."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import Markup

from experiments.reporting.html import data_uri
from experiments.reporting.page import render
from experiments.reporting.sweep_report import ChartKind, Outcome, SweepGain, SweepReport, Target
from experiments.reporting.words import count, number, p_value, setting, shown, signed

EARLY: tuple[ChartKind, ...] = ("front", "history", "importance")
WIDE: tuple[ChartKind, ...] = ("slices", "parallel")  # as wide as the page
OUTCOMES: dict[Outcome, str] = {
    "better": "better, beyond chance",
    "unsure": "not significant",
    "mixed": "better in one figure, worse in the other",
    "worse": "worse, beyond chance",
    "same": "no change",
    "unchecked": "not checked",
}


def sweep_html(report: SweepReport, drawings: Mapping[ChartKind, str]) -> str:
    """The page. drawings: the SVG of every chart that has no gap."""
    extra = {
        "images": {kind: data_uri(svg) for kind, svg in drawings.items()},
        "early": EARLY,
        "wide": WIDE,
        "outcomes": OUTCOMES,
        "setting": setting,
        "count": count,
        "goal": goal,
        "value": value,
        "gain": gain,
        "command": command(report.command),
    }
    return render("sweep.html.j2", report, extra, images=True)


def goal(target: Target) -> str:
    """Which way is better."""
    return "more is better" if target.goal == "maximize" else "less is better"


def value(figure: float | None, digits: int) -> str:
    """A figure, or a dash where there is none."""
    return "–" if figure is None else number(figure, digits)


def gain(found: SweepGain | None, digits: int) -> str:
    """``+0.0011 (−0.0018 to +0.0040), p = 0.457``."""
    if found is None:
        return "–"
    interval = f"{signed(found.low, digits)} to {signed(found.high, digits)}"
    return f"{signed(found.difference, digits)} ({interval}), {p_value(found.p)}"


def command(text: str) -> Markup:
    """A command line that is not broken within the name of an option."""
    return Markup(re.sub(r"(?<= )--\w+(?= )", r'<span class="nowrap">\g<0></span>', str(shown(text, 1000))))
