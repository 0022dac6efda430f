"""A small bundle and the reports that `creditfusion explain` makes of new applications; shared by its tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data_schemas.contract import Schema
from data_schemas.reader import load_schema, parse_schema
from experiments.reporting.decision.applicant import ApplicantNotice
from experiments.reporting.decision.index import IndexPage
from experiments.reporting.decision.underwriter import UnderwriterReport
from experiments.reporting.decision.validator import ValidatorReport
from experiments.reporting.file_names import file_name
from experiments.reporting.json_reports import parse_report

N_ROWS = 40
DAY = "2026-03-09"
BROKEN, SLASHED, HOSTILE_AT, SILENT, LONG = 7, 3, 11, 12, 13  # positions of rows made special
SLASHED_ID = "../../etc/A 1"

Explain = Callable[..., int]


@dataclass(frozen=True)
class Trained:
    """A small bundle on demo data, and new applications for it."""

    model: Path
    data: Path
    table: pd.DataFrame
    folder: Path

    def id_at(self, place: int) -> str:
        return str(self.table["application_id"].iloc[place])


def any_id_schema() -> Schema:
    """The demo's schema, whose ids may have any form."""
    document = json.loads(load_schema("demo").source)
    del document["fields"][0]["constraints"]["pattern"]
    return parse_schema(json.dumps(document), "demo")


def index_of(out: Path) -> IndexPage:
    report = parse_report((out / "index.json").read_bytes())
    assert isinstance(report, IndexPage)
    return report


def underwriter(out: Path, key: str) -> UnderwriterReport:
    report = parse_report((out / file_name(key, "underwriter", "json")).read_bytes())
    assert isinstance(report, UnderwriterReport)
    return report


def notice(out: Path, key: str) -> ApplicantNotice:
    report = parse_report((out / file_name(key, "applicant", "json")).read_bytes())
    assert isinstance(report, ApplicantNotice)
    return report


def validator(out: Path, key: str) -> ValidatorReport:
    report = parse_report((out / file_name(key, "validator", "json")).read_bytes())
    assert isinstance(report, ValidatorReport)
    return report


def contents(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(out.iterdir())}
