"""Pages as PDF, through WeasyPrint (the extra ``pdf``)."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from data_schemas.errors import ContractError, RunError
from experiments.reporting.right_to_left import directed

FONT_DATE = "SOURCE_DATE_EPOCH"
_setting_date = threading.Lock()


def require_pdf() -> None:
    """Check before work begins that PDF can be made; raises ContractError when WeasyPrint is not installed."""
    if find_spec("weasyprint") is None:
        raise ContractError("PDF needs WeasyPrint, which is not installed", "Run: pip install 'creditfusion[pdf]'")


def lacks_font(language: str) -> bool:
    """Whether this machine is known to have no font for a language, so that its letters would be empty boxes.

    Args:
        language: Its code, as a page's ``lang`` has it.
    """
    if shutil.which("fc-list") is None:
        return False
    found = subprocess.run(
        ["fc-list", f":lang={language.lower()}", "family"], capture_output=True, text=True, check=False
    )
    return found.returncode == 0 and not found.stdout.strip()


def to_pdf(html: str) -> bytes:
    """A page as PDF (A4); equal pages, equal bytes. Nothing is fetched, neither from a network nor from the disk.

    Raises ContractError when WeasyPrint is not installed, and RunError when a library that it needs is not.
    """
    require_pdf()
    try:
        from weasyprint import HTML
    except OSError as error:  # Pango, which pip does not bring
        remedy = "Install Pango: https://doc.courtbouillon.org/weasyprint/stable/first_steps.html#installation"
        raise RunError(f"WeasyPrint cannot load a system library: {error}", remedy) from error
    from weasyprint.urls import URLFetcher

    class Refuse(URLFetcher):  # type: ignore[misc]  # WeasyPrint is untyped, and takes no other kind of fetcher
        """Fetches nothing."""

        def fetch(self, url: str, headers: object = None) -> object:
            raise ValueError(f"a report refers to nothing outside itself, yet it asked for {url!r} ({headers!r})")

    with _constant_font_date():
        pdf: bytes = HTML(string=directed(html), url_fetcher=Refuse()).write_pdf()
    return pdf


@contextmanager
def _constant_font_date() -> Iterator[None]:
    """Let embedded fonts carry one date, 1970-01-01, whenever they are embedded.

    WeasyPrint changes fonts with fontTools where HarfBuzz cannot (it is not installed, or the font is a variable one);
    fontTools dates what it writes, by this variable of the environment or else by the clock.
    """
    with _setting_date:
        before = os.environ.get(FONT_DATE)
        os.environ[FONT_DATE] = "0"
        try:
            yield
        finally:
            if before is None:
                del os.environ[FONT_DATE]
            else:
                os.environ[FONT_DATE] = before
