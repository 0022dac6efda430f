"""Sources beside the demo's applications, as a contract declares them."""

from __future__ import annotations

import copy
import json
from typing import Any

from data_schemas.reader import load_schema

BUREAU: dict[str, Any] = {
    "title": "Credit bureau accounts",
    "missingValues": ["", "NA"],
    "fields": [
        {"name": "account", "type": "string", "creditfusion": {"role": "id"}},
        {"name": "application_id", "type": "string", "creditfusion": {"role": "group"}},
        {"name": "opened_on", "type": "date", "creditfusion": {"role": "feature"}},
        {
            "name": "status",
            "type": "string",
            "categories": ["open", "closed", "late"],
            "creditfusion": {"role": "feature"},
        },
        {"name": "balance", "type": "number", "creditfusion": {"role": "feature", "unit": "USD"}},
    ],
    "creditfusion": {
        "name": "bureau",
        "key": {"application_id": "application_id"},
        "date": "opened_on",
        "wording": "From your credit bureau record",
        "aggregates": [
            {
                "name": "bureau_open",
                "kind": "count",
                "where": [{"column": "status", "in": ["open"]}],
                "direction": "rising",
                "reason": {"code": "BUREAU_OPEN", "wording": "You have many open accounts."},
            },
            {"name": "bureau_balance_trend", "kind": "trend", "of": "balance", "window_days": 365},
            {"name": "bureau_last_status", "kind": "last", "of": "status"},
            {"name": "bureau_since", "kind": "days_since_last"},
        ],
    },
}
"""Accounts of an applicant, by application."""

CALLS: dict[str, Any] = {
    "title": "Call notes",
    "fields": [
        {"name": "account", "type": "string", "creditfusion": {"role": "group"}},
        {"name": "day", "type": "date", "creditfusion": {"role": "feature"}},
        {"name": "note", "type": "string", "creditfusion": {"role": "narrative"}},
    ],
    "creditfusion": {
        "name": "calls",
        "through": "bureau",
        "key": {"account": "account"},
        "date": "day",
        "texts": [{"name": "call_notes", "of": "note"}],
    },
}
"""Notes on the accounts of ``BUREAU``."""


def with_sources(*sources: dict[str, Any]) -> dict[str, Any]:
    """The demo's contract with these sources, as a document of its own."""
    document: dict[str, Any] = json.loads(load_schema("demo").source)
    document["creditfusion"]["sources"] = [copy.deepcopy(source) for source in sources]
    return document
