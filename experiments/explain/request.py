"""What `creditfusion explain` is asked to write; imports nothing heavy, so that the help stays quick."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Audience(StrEnum):
    """Whom a report is for."""

    UNDERWRITER = "underwriter"
    APPLICANT = "applicant"
    VALIDATOR = "validator"


class Rules(StrEnum):
    """By which rules letters are written: what they must hold, beside reasons."""

    PLAIN = "plain"
    US = "us"
    EU = "eu"
    CN = "cn"


class Form(StrEnum):
    """How a report is written."""

    HTML = "html"
    JSON = "json"
    PDF = "pdf"


@dataclass(frozen=True)
class ReportRequest:
    """What is to be written, and where.

    Attributes:
        answers: Whether answers to what applicants ask are written beside each letter.
        force: Whether earlier reports there may be replaced.
        exact: Whether narratives are read again without some of their sentences.
    """

    out: Path
    audiences: tuple[Audience, ...]
    forms: tuple[Form, ...]
    force: bool = False
    answers: bool = False
    exact: bool = True
