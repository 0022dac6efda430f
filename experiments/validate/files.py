"""The files that a validation writes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from experiments.reporting.document import Document
from experiments.reporting.html import document_html
from features.atomic_files import put_text
from features.tables.csv_writer import write_header, write_rows

REJECTS = "rejects.csv"


def names_of(*documents: str) -> tuple[str, ...]:
    """The files that these documents and their rejected rows are written to."""
    return (*(f"{name}.{form}" for name in documents for form in ("html", "json")), REJECTS)


def write_pages(out: Path, documents: Mapping[str, Document], rejects: pd.DataFrame) -> None:
    """Write each document as NAME.html and NAME.json, and the rejected rows with all their columns (none: no such
    file). A file gets its name when it is whole.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        put_text(out / f"{name}.json", document.model_dump_json() + "\n")
        put_text(out / f"{name}.html", document_html(document))
    (out / REJECTS).unlink(missing_ok=True)
    if len(rejects):
        text = io.StringIO(newline="")
        write_header(text, [str(name) for name in rejects.columns])
        write_rows(text, rejects)
        put_text(out / REJECTS, text.getvalue())
