"""Names of report files, made from ids that may hold anything."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Literal

Kind = Literal["underwriter", "applicant", "answers", "validator"]
"""What is written of one application."""

INDEX = "index.html"
_AS_IT_IS = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,63}")
_NOT_SAFE = re.compile(r"[^A-Za-z0-9_-]+")


def stem(applicant: str) -> str:
    """A file name's first part for an id: ASCII letters, digits, ``-``, ``_`` and ``~``, at most 64 characters.

    Distinct ids give names that are distinct also where file systems fold case: an id of capitals and digits stands
    as it is; of any other, what can be kept stands before ``~`` and sixteen hex digits of its sha256.
    """
    if _AS_IT_IS.fullmatch(applicant):
        return applicant
    ascii_part = unicodedata.normalize("NFKD", applicant[:200]).encode("ascii", "ignore").decode()
    kept = _NOT_SAFE.sub("-", ascii_part).strip("-_")[:40].strip("-_") or "id"
    return f"{kept}~{hashlib.sha256(applicant.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def file_name(applicant: str, report: Kind, form: Literal["html", "json", "pdf"]) -> str:
    """The file of one report, for example ``4711-underwriter.html``; as ``decision.index.IndexPage`` links to it."""
    return f"{stem(applicant)}-{report}.{form}"
