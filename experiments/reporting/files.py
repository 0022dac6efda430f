"""The files that documents are written to, with the rows of the input that broke the data contract beside them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from experiments.reporting.document import Document
from experiments.reporting.html import document_html
from experiments.reporting.language import ENGLISH, Language
from features.atomic_files import put_text
from features.tables.csv_writer import write_header, write_rows

REJECTS = "rejects.csv"


@dataclass(frozen=True)
class Edition:
    """What the pages of a run share.

    Attributes:
        made_on: The day on them.
        language: Of their words and numbers.
    """

    made_on: date
    language: Language = ENGLISH


def names_of(*documents: str, rejects: str = REJECTS) -> tuple[str, ...]:
    """The files that these documents and the rejected rows are written to."""
    return (*(f"{name}.{form}" for name in documents for form in ("html", "json")), rejects)


def write_pages(out: Path, documents: Mapping[str, Document], rejected: pd.DataFrame, rejects: str = REJECTS) -> None:
    """Write documents and rejected rows; a file gets its name when it is whole.

    Args:
        out: The folder, made where there is none.
        documents: By name; NAME.html and NAME.json are written.
        rejected: The rejected rows with all their columns; without any there is no such file.
        rejects: The name of their file.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        put_text(out / f"{name}.json", document.model_dump_json() + "\n")
        put_text(out / f"{name}.html", document_html(document))
    (out / rejects).unlink(missing_ok=True)
    if len(rejected):
        text = io.StringIO(newline="")
        write_header(text, [str(name) for name in rejected.columns])
        write_rows(text, rejected)
        put_text(out / rejects, text.getvalue())
