"""Facts and contradictions of the demo's statements, as a contract declares them."""

from __future__ import annotations

import json
from typing import Any

from data_schemas.contract import Schema
from data_schemas.reader import load_schema, parse_schema

FACTS: list[dict[str, Any]] = [
    {
        "name": "stated_income",
        "title": "Stated income",
        "narrative": "statement",
        "kind": "income",
        "of": "max",
        "unit": "USD",
        "per": "year",
        "direction": "falling",
        "reason": {"code": "STATED_INCOME", "wording": "The income that you state."},
    },
    {"name": "stated_incomes", "narrative": "statement", "kind": "income", "of": "count"},
    {"name": "stated_rent", "narrative": "statement", "kind": "rent", "of": "last", "unit": "USD", "per": "month"},
    {"name": "stated_purpose", "narrative": "statement", "kind": "purpose", "of": "first"},
    {"name": "states_tenure", "narrative": "statement", "kind": "tenure", "of": "any"},
]
"""Columns of every type that narratives can state."""

CONTRADICTIONS: list[dict[str, Any]] = [
    {
        "name": "income",
        "narrative": "statement",
        "kind": "income",
        "against": "annual_income",
        "tolerance": 0.3,
        "unit": "USD",
        "per": "year",
        "wording": "The income in the statement is another than that of the form.",
    },
    {
        "name": "tenure",
        "narrative": "statement",
        "kind": "tenure",
        "against": "employment_years",
        "tolerance": 0.5,
        "unit": "years",
        "wording": "The years at work in the statement are others than those of the form.",
    },
]


def with_statements(**parts: list[dict[str, Any]]) -> dict[str, Any]:
    """The demo's contract with facts and contradictions, by default all of the above."""
    document: dict[str, Any] = json.loads(load_schema("demo").source)
    document["creditfusion"] |= parts or {"facts": FACTS, "contradictions": CONTRADICTIONS}
    return document


def stating_schema(**parts: list[dict[str, Any]]) -> Schema:
    """``with_statements`` read."""
    return parse_schema(json.dumps(with_statements(**parts)), "the schema")
