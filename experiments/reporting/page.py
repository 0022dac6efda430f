"""Reports as pages: one HTML file each, self-contained and without script, made from the report alone.

The only style is one sheet that the page's Content-Security-Policy names by its hash; nothing may be fetched, run or
sent. Whatever comes from an applicant goes through ``words``, and everything is escaped.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from importlib.resources import files
from inspect import signature

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from experiments.reporting import words
from experiments.reporting.language import ENGLISH, Language
from experiments.reporting.parts import ReportModel
from experiments.reporting.right_to_left import with_marks

FILTERS: tuple[Callable[..., str], ...] = (
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
    words.prose,
    words.bare,
    words.value,
    words.before,
    words.after,
    words.marked_text,
    words.spoken,
    words.plain,
)


def render(
    template: str,
    report: ReportModel,
    extra: Mapping[str, object],
    images: bool = False,
    language: Language = ENGLISH,
) -> str:
    """A report as a page.

    Args:
        template: Name of a file in ``templates``.
        report: The report, as ``report`` in the template.
        extra: What the template needs beside it, by name.
        images: Whether the page holds images, within itself.
        language: Of its messages and numbers.
    """
    environment, policy = _environment(language)
    policy += "; img-src data:" if images else ""
    page = environment.get_template(template).render(report=report, policy=policy, **extra)
    return with_marks(page) if language.direction == "rtl" else page


@lru_cache(maxsize=8)
def _environment(language: Language) -> tuple[Environment, str]:
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
    environment.filters |= {function.__name__: _in_language(function, language) for function in FILTERS}
    environment.globals |= {"language": language, "_": partial(message, language), "_n": partial(messages, language)}
    environment.globals["gap"] = language.gap
    return environment, policy


def _in_language(function: Callable[..., str], language: Language) -> Callable[..., str]:
    takes_it = "language" in signature(function).parameters
    return partial(function, language=language) if takes_it else function


def message(language: Language, text: str, **parts: object) -> Markup:
    """A message of a page in its language, with what stands for the names in braces: escaped where it is no markup."""
    return _filled(language.gettext(text), parts)


def messages(language: Language, one: str, many: str, n: int, **parts: object) -> Markup:
    """A message about ``n`` things, which ``{n}`` in it stands for."""
    return _filled(language.ngettext(one, many, n), {"n": words.number(n, 0, language), **parts})


def _filled(text: str, parts: Mapping[str, object]) -> Markup:
    return Markup(escape(text)).format(**parts) if parts else Markup(escape(text))
