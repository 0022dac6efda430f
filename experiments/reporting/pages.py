"""Reports as pages: one HTML file each, self-contained and without script, made from the model alone.

The only style is one sheet that the page's Content-Security-Policy names by its hash; nothing may be fetched, run or
sent. Whatever comes from an applicant goes through ``words``, and everything is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from experiments.reporting import (
    ApplicantNotice,
    IndexPage,
    Narrative,
    ReportModel,
    UnderwriterReport,
    ValidatorReport,
    words,
)
from experiments.reporting.decision import pictures

FEW = 3  # columns named in the opening sentence, on either side
WORDS = (
    words.percent,
    words.number,
    words.signed,
    words.points,
    words.error,
    words.log_odds,
    words.scientific,
    words.glyph,
    words.day,
    words.shown,
    words.bare,
    words.value,
    words.before,
    words.after,
)


def underwriter_html(report: UnderwriterReport) -> str:
    """The page that answers in ten seconds why an applicant scored so."""
    ranked = sorted(report.columns, key=lambda column: column.points)
    against = [column for column in ranked[:FEW] if column.points <= -0.5]
    favour = [column for column in ranked[::-1][:FEW] if column.points >= 0.5]
    return render("underwriter.html.j2", report, {"against": against, "favour": favour})


def applicant_html(report: ApplicantNotice) -> str:
    """The letter to the applicant."""
    return render("applicant.html.j2", report, {})


def validator_html(report: ValidatorReport) -> str:
    """Every contribution and all that is needed to make them again."""
    return render("validator.html.j2", report, {})


def index_html(report: IndexPage) -> str:
    """The list of all reported applications, with links to their files beside it."""
    return render("index.html.j2", report, {})


def render(template: str, report: ReportModel, extra: dict[str, object], images: bool = False) -> str:
    """A report as a page by one of the templates. extra: what the template needs beside the report. images: whether
    the page holds images, within itself.
    """
    environment, policy = _environment()
    policy += "; img-src data:" if images else ""
    return environment.get_template(template).render(report=report, policy=policy, **extra)


@cache
def _environment() -> tuple[Environment, str]:
    """The templates, compiled once, and the policy that allows their one style sheet."""
    environment = Environment(
        loader=PackageLoader("experiments.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (files("experiments.reporting") / "templates" / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    environment.globals |= {
        "style": Markup(style),  # ours, and the one thing that must not be escaped
        "pictures": pictures,
        "largest_sentence": largest_sentence,
        "zip": zip,
    }
    environment.filters |= {function.__name__: function for function in WORDS}
    return environment, policy


def largest_sentence(narratives: tuple[Narrative, ...]) -> float:
    """The largest sentence's points, without sign: the common scale of all sentence bars."""
    return max((abs(part.points) for narrative in narratives for part in narrative.sentences), default=0.0)
