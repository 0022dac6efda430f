"""The reports as data: on a credit decision for the underwriter, the applicant, the validator, and their index; on a
sweep; and documents, which are what a validation, a comparison and a model card are.

JSON is the canonical form of a report (``report.model_dump_json()``); pages are made from it alone
(``experiments.reporting.pages``). ``python -m experiments.reporting`` prints the JSON Schema, which is published
as ``docs/reports.schema.json``.

Points are points of the score, where more is safer: what speaks against an applicant is negative. Log-odds are of bad:
what speaks against an applicant is positive. PDs and shares are fractions of 1.
"""

from __future__ import annotations

from experiments.reporting.decision.applicant import ApplicantNotice, PlainReason, Suggestion
from experiments.reporting.decision.index import FileName, IndexEntry, IndexPage, Link, RejectedRow
from experiments.reporting.decision.underwriter import (
    ColumnPoints,
    CutOff,
    Flag,
    Narrative,
    NarrativeEffect,
    PopulationBand,
    PopulationPlace,
    ReportedReason,
    Sentence,
    Similar,
    SuggestedChange,
    UnderwriterReport,
)
from experiments.reporting.decision.validator import (
    Ablation,
    Background,
    BackgroundKind,
    Contribution,
    Digests,
    SentenceContribution,
    ValidatorReport,
)
from experiments.reporting.document import Document
from experiments.reporting.json_reports import Report, json_schema, parse_report
from experiments.reporting.parts import (
    Count,
    Decision,
    Fact,
    Fraction,
    Move,
    ReportModel,
    Result,
    SentenceMethod,
    StandardError,
    Subject,
    Text,
)
from experiments.reporting.sweep_report import SweepReport

__all__ = [
    "Ablation",
    "ApplicantNotice",
    "Background",
    "BackgroundKind",
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
    "PlainReason",
    "PopulationBand",
    "PopulationPlace",
    "RejectedRow",
    "Report",
    "ReportModel",
    "ReportedReason",
    "Result",
    "Sentence",
    "SentenceContribution",
    "SentenceMethod",
    "Similar",
    "StandardError",
    "Subject",
    "SuggestedChange",
    "Suggestion",
    "SweepReport",
    "Text",
    "UnderwriterReport",
    "ValidatorReport",
    "json_schema",
    "parse_report",
]
