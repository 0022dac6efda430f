"""The files that a comparison writes."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from experiments.comparing.rows import REJECTED_COLUMNS
from experiments.evaluating.files import REJECTS, Page
from experiments.render.document import document_html
from features.folders import put_text
from features.writing import write_header, write_rows


def write_comparison(out: Path, page: Page, rejects: pd.DataFrame) -> None:
    """Write the document and the rejected rows (none: no such file); each gets its name when it is whole."""
    out.mkdir(parents=True, exist_ok=True)
    put_text(out / f"{page.name}.json", page.document.model_dump_json() + "\n")
    put_text(out / f"{page.name}.html", document_html(page.document, page.drawings))
    (out / REJECTS).unlink(missing_ok=True)
    if len(rejects):
        text = io.StringIO(newline="")
        write_header(text, REJECTED_COLUMNS)
        write_rows(text, rejects)
        put_text(out / REJECTS, text.getvalue())
