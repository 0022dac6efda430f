"""Reports as pages: one HTML file each, self-contained and without script, made from the report alone.

The only style is one sheet that the page's Content-Security-Policy names by its hash; nothing may be fetched, run or
sent. Whatever comes from an applicant goes through ``words``, and everything is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from experiments.reporting import words
from experiments.reporting.parts import ReportModel

FILTERS = (
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
    words.marked_text,
    words.spoken,
)


def render(template: str, report: ReportModel, extra: Mapping[str, object], images: bool = False) -> str:
    """A report as a page.

    Args:
        template: Name of a file in ``templates``.
        report: The report, as ``report`` in the template.
        extra: What the template needs beside it, by name.
        images: Whether the page holds images, within itself.
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
    environment.globals["style"] = Markup(style)  # ours, and the one thing that must not be escaped
    environment.filters |= {function.__name__: function for function in FILTERS}
    return environment, policy
