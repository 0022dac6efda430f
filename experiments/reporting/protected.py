"""The page of the report on protected attributes."""

from __future__ import annotations

from experiments.probe.report import CLEARLY, SOMEWHAT, WELL, Added, ProtectedReport, Reading, Source, Verdict
from experiments.reporting.decision.pictures import Axis
from experiments.reporting.page import render
from experiments.reporting.words import number, signed

DIGITS = 3
SOURCES: dict[Source, str] = {
    "narratives": "the narratives alone",
    "written": "the narratives, among those who wrote",
    "words": "single words of the narratives",
    "columns": "the structured columns alone",
    "both": "columns and narratives together",
    "score": "the model's score alone",
}
VERDICTS: dict[Verdict, str] = {
    "chance": "cannot be told better than by chance",
    "unsure": "may or may not be told: there are too few rows to say",
    "hardly": "can be told hardly better than by chance",
    "somewhat": "can be told somewhat better than by chance",
    "clearly": "can be told clearly better than by chance",
    "well": "can be told well",
}
SHORT: dict[Verdict, str] = {
    "chance": "no better than chance",
    "unsure": "too few rows to say",
    "hardly": "hardly above chance",
    "somewhat": "somewhat above chance",
    "clearly": "clearly above chance",
    "well": "well",
}
THRESHOLDS: dict[Verdict, str] = {
    "chance": f"the interval begins at 0.5 or below and ends below {SOMEWHAT:.2f}",
    "unsure": f"it begins at 0.5 or below and ends at {SOMEWHAT:.2f} or above",
    "hardly": f"it lies above 0.5, and the AUC is below {SOMEWHAT:.2f}",
    "somewhat": f"it lies above 0.5, and the AUC is {SOMEWHAT:.2f} or more",
    "clearly": f"the same, {CLEARLY:.2f} or more",
    "well": f"the same, {WELL:.2f} or more",
}
LEADING: tuple[Source, ...] = ("narratives", "columns", "score")  # what the opening sentences speak of


def protected_html(report: ProtectedReport) -> str:
    """The page that says how well each protected attribute can be told."""
    axis = scale(report)
    extra = {
        "scale": axis,
        "ticks": ticks(axis),
        "sources": SOURCES,
        "verdicts": VERDICTS,
        "short": SHORT,
        "thresholds": THRESHOLDS,
        "leading": LEADING,
        "interval": interval,
        "added": added,
        "digits": DIGITS,
    }
    return render("protected.html.j2", report, extra)


def scale(report: ProtectedReport) -> Axis:
    """One scale for all pictures of a page; it holds chance and every interval."""
    readings = [one for attribute in report.attributes for one in attribute.readings]
    low = min([0.45, *(one.low - 0.02 for one in readings)])
    high = max([0.7, *(one.high for one in readings)])
    return Axis(max(low, 0.0), 1.03 if high > 0.75 else 0.78)


def ticks(axis: Axis) -> list[float]:
    """The numbers under the pictures: chance, and some above it."""
    return [0.5, 0.75, 1.0] if axis.high > 0.8 else [0.5, 0.6, 0.7]


def interval(reading: Reading) -> str:
    """``AUC 0.522, 0.498 to 0.546``."""
    return f"AUC {number(reading.auc, DIGITS)}, {number(reading.low, DIGITS)} to {number(reading.high, DIGITS)}"


def added(gain: Added) -> str:
    """What the narratives add to what the columns tell, as a sentence."""
    figures = (
        f"AUC {signed(gain.difference, DIGITS)}, {signed(gain.low, DIGITS)} to {signed(gain.high, DIGITS)}, "
        "both against columns alone"
    )
    if gain.low > 0:
        return f"The narratives add to what the columns tell ({figures})."
    said = f"That the narratives add anything to what the columns tell is not shown ({figures})."
    if gain.high < 0:
        said += " Beside the columns they only blur the guess, as many numbers without bearing on it do."
    return said
