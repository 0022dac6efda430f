"""Why letters of decline are for a person."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from data_schemas.contract import Schema
from data_schemas.reader import load_schema, parse_schema
from data_schemas.reasons import Reason
from experiments.explain.cases import Case
from experiments.explain.facts import Ground
from experiments.explain.letters.lender import NOBODY, Lender
from experiments.explain.letters.review import (
    KEY_FACTORS,
    NO_REASON,
    ONLY_UNNAMED,
    SCORE,
    SCORE_DAY,
    UNNAMED,
    Cause,
    review_causes,
)
from experiments.explain.request import Rules
from experiments.reporting.catalogues import language_of
from experiments.reporting.language import ENGLISH
from experiments.reporting.parts import Fact
from features.tables.applications import Applications
from tests.support.example_reports import LENDER

AMOUNT = (Reason("AMOUNT", "The amount you asked for."), 12.0)
STATEMENT = (Reason("STATEMENT", "What you wrote about the loan."), 9.0)
BY_AMOUNT = Ground(Fact(title="Amount", value=18500.0, unit="USD"), None, False, column_name="amount")
QUOTE = Ground(None, Fact(title="Statement", value="I have a boat."), False, named=False)
AGENCY = "Example Credit Bureau"
KNOWN = LENDER.model_copy(update={"bureaus": {AGENCY: LENDER.bureaus["Example Bureau"]}})


def demo(**bureau_score: object) -> Schema:
    """The demo's schema with such a bureau's score; without one where nothing is given."""
    document: dict[str, Any] = copy.deepcopy(json.loads(load_schema("demo").source))
    for field in document["fields"]:
        if field["creditfusion"].pop("bureau_score", None) and bureau_score:
            field["creditfusion"]["bureau_score"] = bureau_score
    return parse_schema(json.dumps(document), "demo")


MARKED: dict[str, object] = {"agency": AGENCY, "lowest": 300, "highest": 850}


def case(schema: Schema, *reasons: tuple[Reason, float], score: float = 614.0) -> Case:
    """What is looked at of an application with such reasons: they and its cells."""
    numbers = {field.name: [np.nan] for field in schema.features if field.is_numeric} | {"credit_score": [score]}
    days = {"applied_on": pd.Series(["2026-03-02"], dtype="datetime64[s]")}
    application = Applications(schema, pd.DataFrame(numbers | days), np.array([1]))
    return cast(Case, SimpleNamespace(application=application, reasons=reasons))


def test_a_named_reason_is_for_nobody() -> None:
    assert review_causes(case(demo(), AMOUNT), "decline", [BY_AMOUNT], Rules.PLAIN, NOBODY) == ()


def test_a_decline_without_reasons_is_for_a_person_and_other_decisions_are_not() -> None:
    assert review_causes(case(demo()), "decline", [], Rules.PLAIN, NOBODY) == (Cause(NO_REASON),)
    assert review_causes(case(demo()), "approve", [], Rules.US, NOBODY) == ()
    assert review_causes(case(demo()), "refer", [], Rules.US, NOBODY) == ()


def test_words_that_match_no_concept_are_no_only_ground() -> None:
    alone = review_causes(case(demo(), STATEMENT), "decline", [QUOTE], Rules.PLAIN, NOBODY)
    assert alone == (Cause(ONLY_UNNAMED),)
    both = case(demo(), AMOUNT, STATEMENT)
    assert review_causes(both, "decline", [BY_AMOUNT, QUOTE], Rules.PLAIN, NOBODY) == ()


def test_in_the_united_states_no_reason_is_a_bare_quote() -> None:
    both = case(demo(), AMOUNT, STATEMENT, score=np.nan)
    assert review_causes(both, "decline", [BY_AMOUNT, QUOTE], Rules.US, KNOWN) == (Cause(UNNAMED),)
    label = replace(QUOTE, named=True, label=True)
    assert review_causes(both, "decline", [BY_AMOUNT, label], Rules.US, KNOWN) == ()


def test_a_column_that_looks_like_a_bureaus_score_is_to_be_marked() -> None:
    unmarked = case(demo(), AMOUNT)
    assert review_causes(unmarked, "decline", [BY_AMOUNT], Rules.US, KNOWN) == (Cause(SCORE, "credit_score"),)
    assert review_causes(unmarked, "decline", [BY_AMOUNT], Rules.EU, KNOWN) == ()
    own = replace(unmarked.application.schema["credit_score"], no_bureau_score=True)
    fields = tuple(own if field.name == own.name else field for field in unmarked.application.schema.fields)
    denied = case(replace(unmarked.application.schema, fields=fields), AMOUNT)
    assert review_causes(denied, "decline", [BY_AMOUNT], Rules.US, KNOWN) == ()
    without_score = case(demo(), AMOUNT, score=np.nan)
    assert review_causes(without_score, "decline", [BY_AMOUNT], Rules.US, KNOWN) == ()


@pytest.mark.parametrize(
    ("dated", "lender", "causes"),
    [
        ({"dated": "applied_on"}, KNOWN, ()),
        ({}, KNOWN, (Cause(SCORE_DAY),)),
        ({"dated": "applied_on"}, NOBODY, (Cause(KEY_FACTORS),)),
    ],
)
def test_the_day_and_the_key_factors_of_a_score_must_be_known(
    dated: dict[str, object], lender: Lender, causes: tuple[Cause, ...]
) -> None:
    of_score = case(demo(**MARKED, **dated), AMOUNT)
    assert review_causes(of_score, "decline", [BY_AMOUNT], Rules.US, lender) == causes


def test_a_cause_is_worded_in_the_letters_language() -> None:
    cause = Cause(SCORE, "fico")
    assert cause.in_words(ENGLISH).startswith("fico looks like a credit bureau's score: mark it")
    assert cause.in_words(language_of("zh")).startswith("fico 像是征信机构的信用评分")
