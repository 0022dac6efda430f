"""Words of free texts are suspect where they were surely written after the outcome was known."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from data_schemas.fields import Role
from features.arrays import Flags
from features.inference.draft import draft_schema
from features.inference.planted_words import leak_by_words, marks_of

N = 1_000
RANDOM = np.random.default_rng(5)
BAD = RANDOM.random(N) < 0.2
WORDS = np.array(["roof", "car", "school", "garden", "kitchen", "late", "rent", "debts", "hope", "thanks"])
PLAIN = [" ".join(RANDOM.choice(WORDS, 6)) for _ in range(N)]


def planted(words: str, rows: Flags) -> list[str]:
    return [f"{text}{words}" if chosen else text for text, chosen in zip(PLAIN, rows, strict=True)]


def why(texts: Sequence[str]) -> str:
    sign = leak_by_words(texts, BAD.astype(np.float64))
    assert sign is None or not sign.certain
    return "" if sign is None else sign.why


def test_words_that_follow_chance_or_a_weak_rule_are_no_sign() -> None:
    assert why(PLAIN) == ""
    assert why(planted(" payday loans", BAD & (RANDOM.random(N) < 0.6) | (RANDOM.random(N) < 0.1))) == ""


def test_a_word_that_only_the_rarer_outcome_has_is_a_sign() -> None:
    found = why(planted(" writeoff", BAD & (RANDOM.random(N) < 0.5)))
    assert found.startswith("the word “writeoff” is in ")
    assert "100.0% of them with one and the same outcome, which 2" in found


@pytest.mark.parametrize("mark", [" (Canceled)", " [canceled]", " - Canceled", ": canceled", "（canceled）"])
def test_a_mark_that_goes_with_one_outcome_is_a_sign(mark: str) -> None:
    mostly = np.where(BAD, RANDOM.random(N) < 0.4, RANDOM.random(N) < 0.02)
    assert why(planted(mark, mostly)).startswith("“canceled” is set apart in ")
    evenly = RANDOM.random(N) < 0.2
    assert why(planted(mark, evenly)) == ""


def test_a_mark_in_few_rows_is_no_sign() -> None:
    few = np.arange(N) < 20
    assert leak_by_words(planted(" (Canceled)", few), few.astype(np.float64)) is None


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("A boat (Canceled)", ["canceled"]),
        ("Update: paid off | closed", ["closed", "update"]),
        ("A boat, which I need - really and by all means for my family", []),
        ("no mark", []),
    ],
)
def test_what_stands_apart(text: str, marks: list[str]) -> None:
    assert marks_of(text) == marks


def test_a_draft_asks_about_such_a_narrative_and_keeps_it() -> None:
    table = pd.DataFrame(
        {
            "loan_no": [f"L{at:05}" for at in range(N)],
            "default": np.where(BAD, "1", "0"),
            "statement": planted(" (Canceled)", BAD & (RANDOM.random(N) < 0.5)),
        },
        dtype=object,
    )
    drafted = draft_schema(table, "loans", "a table")
    (guess,) = [one for one in drafted.guesses if one.column.name == "statement"]
    assert guess.role is Role.NARRATIVE
    assert drafted.suspects == ("statement",)
    assert "cut it with a `strip` rule" in guess.why
    assert "SUSPECT" in json.dumps(drafted.document)
