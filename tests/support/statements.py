"""Facts and contradictions of the demo's statements, as a contract declares them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data_schemas.contract import Schema
from data_schemas.reader import load_schema, parse_schema
from experiments.demo.data import generate
from features.facts.fact import Fact, FactKind
from features.tables import stated
from features.text.cleaning import sentences

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


_FACTS = re.compile(
    r"(?P<income>earn (?P<money>[\d,]+)(?:-(?P<to>[\d,]+))? a (?P<per>month|year))"
    r"|(?P<rent>rent of (?P<housing>\d+) a month)"
    r"|(?P<tenure>(?P<years>\d+) years at work)"
    r"|(?P<purpose>for (?P<what>a car|school))"
)


def find_simple_facts(text: str, today: date | None = None) -> tuple[Fact, ...]:  # noqa: ARG001
    """A few facts worded in one way only, for tests that hang on no rule of a language."""
    found = []
    for match in _FACTS.finditer(text):
        (start, end), groups = match.span(), match.groupdict()
        sentence = next((a, b) for a, b in sentences(text) if a <= start < b)
        if groups["income"]:
            low = float(groups["money"].replace(",", ""))
            high = float((groups["to"] or groups["money"]).replace(",", ""))
            spread = (high - low) / 2
            found.append(Fact(FactKind.INCOME, start, end, sentence, low + spread, spread, per=groups["per"]))
        elif groups["rent"]:
            value = float(groups["housing"])
            found.append(Fact(FactKind.RENT, start, end, sentence, value, unit="USD", per="month"))
        elif groups["tenure"]:
            found.append(Fact(FactKind.TENURE, start, end, sentence, 12 * float(groups["years"]), unit="month"))
        else:
            found.append(Fact(FactKind.PURPOSE, start, end, sentence, text=groups["what"], confidence=0.7))
    return tuple(found)


@contextmanager
def simple_facts() -> Iterator[None]:
    """While it is open, narratives state what ``find_simple_facts`` finds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stated, "find_facts", find_simple_facts)
        stated._facts.cache_clear()
        yield
    stated._facts.cache_clear()


def application(**cells: object) -> dict[str, object]:
    """One application of the demo's contract."""
    return {
        "application_id": "A-1",
        "applied_on": "2024-01-01",
        "amount": 9000,
        "term_months": 36,
        "annual_income": 30_000,
        "employment_years": 2,
        "home": "rent",
        "purpose": "car",
        "dti": 0.2,
        "credit_score": 700,
        "open_accounts": 3,
        "delinquencies_2y": 0,
        "utilisation": 0.2,
        "inquiries_6m": 0,
        "account_opened": "2010-01-01",
        "statement": "",
        "job_title": "nurse",
    } | cells


def stating_table(n: int, seed: int) -> pd.DataFrame:
    """Applications of the demo of which two thirds state an income, which is low where the outcome is bad."""
    found = generate(n, seed).table.astype(object)
    bad = (found["outcome"] == load_schema("demo").bad_values[0]).to_numpy()
    income = np.random.default_rng(seed).integers(20, 60, n) * 100 - 1500 * bad
    statements = [f"I earn ${one:,} a month. Thank you." if at % 3 else "" for at, one in enumerate(income.tolist())]
    found["statement"] = statements
    return found
