"""The page of the report on protected attributes."""

from __future__ import annotations

from experiments.protected_report import CLEARLY, SOMEWHAT, WELL, Added, ProtectedReport, Reading, Source, Verdict
from experiments.render.pages import render
from experiments.render.pictures import Axis
from experiments.render.words import number, signed

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
THRESHOLDS = (
    ("cannot be told better than by chance", f"the interval holds 0.5 and ends below {SOMEWHAT:.2f}"),
    ("too few rows to say", f"the interval holds 0.5 and ends at {SOMEWHAT:.2f} or above"),
    ("hardly better than by chance", f"the interval lies above 0.5, the AUC below {SOMEWHAT:.2f}"),
    ("somewhat better than by chance", f"from {SOMEWHAT:.2f} up"),
    ("clearly better than by chance", f"from {CLEARLY:.2f} up"),
    ("well", f"from {WELL:.2f} up"),
)
LEADING: tuple[Source, ...] = ("narratives", "columns", "score")  # what the opening sentences speak of


def protected_html(report: ProtectedReport) -> str:
    """The page that says how well each protected attribute can be told."""
    extra = {
        "scale": scale(report),
        "sources": SOURCES,
        "verdicts": VERDICTS,
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
    return Axis(max(low, 0.0), min(max([0.7, *(one.high + 0.02 for one in readings)]), 1.0))


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
    return f"That the narratives add anything to what the columns tell is not shown ({figures})."
