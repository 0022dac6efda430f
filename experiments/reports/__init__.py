"""The reports as data: on a credit decision for the underwriter, the applicant, the validator, and their index; on a
sweep; and documents, which are what a validation, a comparison and a model card are.

JSON is the canonical form of a report (``report.model_dump_json()``); pages are made from it alone
(``experiments.render.pages``). ``python -m experiments.reports`` prints the JSON Schema, which is published
as ``docs/reports.schema.json``.

Points are points of the score, where more is safer: what speaks against an applicant is negative. Log-odds are of bad:
what speaks against an applicant is positive. PDs and shares are fractions of 1.
"""

from __future__ import annotations

from experiments.reports.applicant import ApplicantNotice, PlainReason, Suggestion
from experiments.reports.document import Document
from experiments.reports.files import Report, json_schema, parse_report
from experiments.reports.index import FileName, IndexEntry, IndexPage, Link, RejectedRow
from experiments.reports.parts import (
    Count,
    Decision,
    Fact,
    Fraction,
    Move,
    Part,
    Result,
    SentenceMethod,
    StandardError,
    Subject,
    Text,
)
from experiments.reports.sweep import SweepReport
from experiments.reports.underwriter import (
    Band,
    Change,
    ColumnPoints,
    CutOff,
    Flag,
    Narrative,
    NarrativeEffect,
    Population,
    Reason,
    Sentence,
    Similar,
    UnderwriterReport,
)
from experiments.reports.validator import (
    Ablation,
    Background,
    BackgroundKind,
    Contribution,
    Digests,
    SentenceContribution,
    ValidatorReport,
)

__all__ = [
    "Ablation",
    "ApplicantNotice",
    "Background",
    "BackgroundKind",
    "Band",
    "Change",
    "ColumnPoints",
    "Contribution",
    "Count",
    "CutOff",
    "Decision",
    "Digests",
    "Document",
    "Fact",
    "FileName",
    "Flag",
    "Fraction",
    "IndexEntry",
    "IndexPage",
    "Link",
    "Move",
    "Narrative",
    "NarrativeEffect",
    "Part",
    "PlainReason",
    "Population",
    "Reason",
    "RejectedRow",
    "Report",
    "Result",
    "Sentence",
    "SentenceContribution",
    "SentenceMethod",
    "Similar",
    "StandardError",
    "Subject",
    "Suggestion",
    "SweepReport",
    "Text",
    "UnderwriterReport",
    "ValidatorReport",
    "json_schema",
    "parse_report",
]
