"""A policy in words."""

from __future__ import annotations

import pytest

from data_schemas.reader import load_schema
from experiments.reporting.catalogues import language_of
from experiments.reporting.policies import ENTRIES, entry_words, policy_words
from fusion.policy.policy import Policy

POLICY = Policy.model_validate(
    {
        "cutoffs": {"approve": 0.15, "decline": 0.25},
        "segments": {"column": "term_months", "cutoffs": {"60": {"approve": 0.12, "decline": 0.2}}},
        "refer": {"no_narrative": True, "quality": ["missing:annual_income"], "second": {"fraud": 0.2}},
    }
)


def test_without_a_schema_a_policy_reads_as_its_file() -> None:
    assert policy_words(POLICY) == (
        "approve up to a PD of 15.0\u202f%, decline above 25.0\u202f%; other cut-offs by term_months; "
        "refer by no_narrative, missing:annual_income, second:fraud above 20.0\u202f%"
    )


def test_with_one_columns_have_their_titles_and_what_refers_is_in_words() -> None:
    schema = load_schema("demo")
    assert policy_words(POLICY, schema=schema).split("; ", 1)[1] == (
        "other cut-offs by Term; referred where nothing is written, a value is missing (Annual income before tax), "
        "second model fraud above 20.0\u202f%"
    )
    chinese = policy_words(POLICY, language_of("zh"), schema)
    assert not {"; ", ", ", ":"} & set(chinese)
    assert "税前年收入" in chinese


@pytest.mark.parametrize("kind", ["no_narrative", "between_cutoffs", "negative_span", "masked", "no_records"])
def test_every_kind_of_referral_has_words(kind: str) -> None:
    assert entry_words(kind, load_schema("demo")) == ENTRIES[kind]
    assert "_" not in ENTRIES[kind]
