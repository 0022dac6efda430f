from __future__ import annotations

import pytest

from experiments.reporting.background import ADVICE, BackgroundRows, in_words
from fusion.config import ExplainConfig


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (BackgroundRows(900, 900, 900), "drawn from 900 training applicants;"),
        (
            BackgroundRows(100_000, 100_000, 250_000),
            "drawn from a random 100,000 of 250,000 training applicants;",
        ),
        (
            BackgroundRows(180, 900, 900),
            "the 180 training applicants who would just have been approved, their log-odds the nearest below",
        ),
        (BackgroundRows(20_000, 100_000, 250_000), "is approved, among a random 100,000 of 250,000;"),
    ],
)
def test_words_say_who_and_whether_they_were_drawn(rows: BackgroundRows, words: str) -> None:
    text = in_words(rows, -3.0, ExplainConfig(), 0.2)
    assert words in text
    assert ("sampling error of that draw" in text) == (rows.n_training > rows.n_kept)


@pytest.mark.parametrize(
    ("base", "kind", "advised"), [(-1.0, "all", True), (-1.5, "all", False), (-1.0, "near", False)]
)
def test_near_cutoff_is_advised_where_everyone_begins_below_it(base: float, kind: str, advised: bool) -> None:
    explain = ExplainConfig(background="all" if kind == "all" else "near_cutoff")
    words = in_words(BackgroundRows(900, 900, 900), base, explain, 0.2)  # the cut-off lies at -1.386
    assert (ADVICE in words) == advised
