"""Drafted sources, tried out: joined with the applications as they are declared, and looked at for what their records
know of the outcome.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from data_schemas.contract import Dialect, Schema
from data_schemas.reader import parse_schema
from features.arrays import Floats, Ints
from features.inference.leakage import leak_by_outcome
from features.inference.profile import profiles
from features.inference.roles import SUSPECT
from features.inference.source_draft import SourceDraft
from features.sources.join import join_sources
from features.sources.locations import Location
from features.sources.report import SourceReport
from features.tables.reader import ReadOptions

Document = dict[str, Any]


@dataclass(frozen=True)
class TrialApplications:
    """The applications that sources are tried out on.

    Attributes:
        path: of their file.
        dialect: how it is written.
        row_number: int64 (n,), of the sampled rows, rising.
        outcome: float64 (n,), of these, 1 bad and 0 good, NaN unknown; None without an outcome.
        document: their drafted contract.
    """

    path: Path
    dialect: Dialect
    row_number: Ints
    outcome: Floats | None
    document: Document


@dataclass(frozen=True)
class Tried:
    """What trying out showed.

    Attributes:
        reports: of the join, by source.
        suspects: of aggregates that know the outcome too well, why.
    """

    reports: Mapping[str, SourceReport]
    suspects: Mapping[str, str]


def try_sources(
    applications: TrialApplications, drafts: Sequence[SourceDraft], locations: Mapping[str, Location]
) -> Tried:
    """Join the applications with the drafted sources, and look at what the aggregates know of the outcome.

    Raises ContractError and RunError as ``join_sources`` does.
    """
    schema = _for_joining(applications.document, [draft.document for draft in drafts])
    written = applications.dialect
    options = ReadOptions(delimiter=written.delimiter, encoding=written.encoding, sheet=written.sheet)
    with join_sources((applications.path,), schema, locations, options) as joined:
        reports = {report.source: report for report in joined.reports}
        if applications.outcome is None:
            return Tried(reports, {})
        made = joined.columns(applications.path, applications.row_number)
    names = [name for name in made if schema[name].is_numeric or schema[name].categories]
    cells = pd.DataFrame({name: _texts(made[name]) for name in names}, dtype=object)
    found = {name: leak_by_outcome(one, applications.outcome) for name, one in profiles(cells).items()}
    return Tried(reports, {name: sign.why for name, sign in found.items() if sign is not None})


def _texts(values: npt.NDArray[np.generic]) -> list[str]:
    return ["" if value == "" or value != value else str(value) for value in values.tolist()]


def _for_joining(document: Document, sources: Sequence[Document]) -> Schema:
    """The drafted contract without an outcome, about which a join asks nothing."""
    whole = copy.deepcopy(document)
    for field in whole["fields"]:
        if field["creditfusion"]["role"] == "target":
            field["creditfusion"] = {"role": "ignored"}
    own = whole["creditfusion"]
    for key in ("bad_values", "good_values", "undecided_values", "bad_if"):
        own.pop(key, None)
    own["sources"] = list(sources)
    return parse_schema(json.dumps(whole), "the draft", as_draft=True)


def with_suspects(document: Document, suspects: Mapping[str, str]) -> Document:
    """A drafted source whose notes say which aggregates are suspect."""
    own = document["creditfusion"]
    ask = "keep it only if its records were known at the decision, in this form"
    parts = [
        part | {"guess": f"{SUSPECT} {suspects[part['name']]}: {ask}; {part['guess']}"}
        if part["name"] in suspects
        else part
        for part in own["aggregates"]
    ]
    return document | {"creditfusion": own | {"aggregates": parts}}
