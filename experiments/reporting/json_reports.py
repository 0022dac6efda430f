"""Reports as files: JSON of any kind read back, and the published JSON Schema of all."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import Field, TypeAdapter

from experiments.reporting.decision.answers import AnswerSheet
from experiments.reporting.decision.applicant import ApplicantNotice
from experiments.reporting.decision.index import IndexPage
from experiments.reporting.decision.underwriter import UnderwriterReport
from experiments.reporting.decision.validator import ValidatorReport
from experiments.reporting.document import Document

Report = Annotated[
    UnderwriterReport | ApplicantNotice | AnswerSheet | ValidatorReport | IndexPage | Document,
    Field(discriminator="report"),
]


def parse_report(text: str | bytes) -> Report:
    """A report of any kind from its JSON; raises pydantic.ValidationError."""
    report: Report = TypeAdapter[Report](Report).validate_json(text)
    return report


def json_schema() -> str:
    """The JSON Schema of all reports, as published."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "creditfusion reports, version 1",
        "description": "One file holds one report; its key 'report' says which.",
    }
    body = TypeAdapter[Report](Report).json_schema(mode="serialization")
    return json.dumps(head | body, indent=1, ensure_ascii=False) + "\n"
