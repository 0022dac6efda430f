from __future__ import annotations

import logging
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest

from data_schemas.errors import ContractError, RunError
from experiments.reporting.decision import pages
from experiments.reporting.pdf import to_pdf
from tests.support import example_reports
from tests.support.hostile import HOSTILE, filled

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc33"
    "0000000049454e44ae426082"
)


def test_without_weasyprint_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    with pytest.raises(ContractError, match=r"not installed\. Run: pip install 'creditfusion\[pdf\]'"):
        to_pdf("<p>x</p>")


def test_without_its_libraries_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    with pytest.raises(RunError, match=r"cannot load library libpango\. Install Pango"):
        to_pdf("<p>x</p>")


def needs_weasyprint() -> None:
    """Skip where WeasyPrint, or a library that it needs, is not installed."""
    try:
        import_module("weasyprint")
    except (ImportError, OSError) as error:
        pytest.skip(f"needs WeasyPrint (the extra pdf): {error}")


def test_reports_become_pdf() -> None:
    needs_weasyprint()
    html = pages.underwriter_html(example_reports.underwriter())
    pdf = to_pdf(html)
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert len(pdf) > 20_000
    assert to_pdf(html) == pdf


@pytest.fixture
def without_harfbuzz(monkeypatch: pytest.MonkeyPatch) -> None:
    """WeasyPrint has fontTools change the fonts that it embeds, as it does all variable ones."""
    needs_weasyprint()
    monkeypatch.setattr("weasyprint.pdf.fonts.harfbuzz_subset", None)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.mark.usefixtures("without_harfbuzz")
def test_equal_pages_are_equal_bytes_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    html = "<p>a <b>page</b> in <code>several</code> <i>fonts</i></p>"
    pdf = to_pdf(html)
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    assert to_pdf(html) == pdf
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert to_pdf(html) == pdf
    assert os.environ["SOURCE_DATE_EPOCH"] == "1700000000"


@pytest.mark.usefixtures("without_harfbuzz")
def test_pages_may_become_pdf_side_by_side() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(to_pdf, ["<p>a page</p>"] * 4))) == 1
    assert "SOURCE_DATE_EPOCH" not in os.environ


@pytest.mark.parametrize("attack", ["script", "style", "frame", "control", "surrogate", "megabyte", "marks"])
def test_hostile_text_becomes_pdf(attack: str, caplog: pytest.LogCaptureFixture) -> None:
    needs_weasyprint()
    with caplog.at_level(logging.ERROR, logger="weasyprint"):
        pdf = to_pdf(pages.applicant_html(filled(example_reports.notice(), HOSTILE[attack])))
    assert pdf.startswith(b"%PDF-")
    assert not [record for record in caplog.records if "Failed to load" in record.getMessage()]


def test_nothing_is_fetched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    needs_weasyprint()
    (tmp_path / "pixel.png").write_bytes(PIXEL)
    sources = [(tmp_path / "pixel.png").as_uri(), "https://attack.invalid/pixel.png"]
    with caplog.at_level(logging.ERROR, logger="weasyprint"):
        to_pdf("".join(f"<img src='{source}'>" for source in sources))
    messages = [record.getMessage() for record in caplog.records]
    for source in sources:
        assert [line for line in messages if source in line and "refers to nothing outside itself" in line], messages
