"""What a column that a narrative states contributes goes to the sentences that state it, and adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_schemas.concepts import Sensitive
from features.narratives.concepts import ConceptMatcher, ConceptMatches, kinds_by_words
from features.narratives.masking import Mask
from features.tables.dataframe import read_frame
from fusion.explain.stated import stated_parts
from fusion.scorer import Scorer, load_scorer
from tests.support.statements import stating_table

SENTENCES = (
    "I earn $4,000 a month.",
    "My rent is $900 a month.",
    "Before that I earned nothing; now I make $52,000 per year.",
    "I need it for school & books.",
    "Thanks.",
    "I have been a nurse for 6 years.",
)
CHURCH = "In church they know that I earn $90,000 a month."


@pytest.fixture(scope="module")
def scorer(stating_model: Path) -> Scorer:
    return load_scorer(stating_model)


@settings(max_examples=12, deadline=None)
@given(texts=st.lists(st.lists(st.sampled_from(SENTENCES), max_size=6).map(" ".join), min_size=1, max_size=5))
def test_parts_of_sentences_sum_to_the_contribution_of_their_column(scorer: Scorer, texts: list[str]) -> None:
    rows = stating_table(len(texts), 2).drop(columns="outcome")
    rows["statement"] = texts
    applications = read_frame(rows, scorer.schema).applications
    reading = scorer.read(applications, sentences=True)
    explanation = scorer.explainer.explain(reading.design, reading.sentences)
    parts = stated_parts(explanation, reading.masked.applications)
    assert np.abs(explanation.reconciliation).max() < 1e-6
    for at in {part.column for part in parts}:
        mine = [part for part in parts if part.column == at]
        for row in {part.row for part in mine}:
            total = sum(part.log_odds for part in mine if part.row == row)
            assert total == pytest.approx(float(explanation.columns[row, at]), abs=1e-12)
    stated = applications.frame["stated_income"].notna().to_numpy()
    column = explanation.column_names.index("stated_income")
    assert {part.row for part in parts if part.column == column} == set(np.flatnonzero(stated).tolist())
    for part in parts:
        sentence = explanation.block.text[part.sentence]
        assert 0 <= part.start < part.end <= len(sentence)
        assert explanation.block.row[part.sentence] == part.row
        if part.column == column:
            assert "$" in sentence[part.start : part.end]


class ByWords(ConceptMatcher):
    """Finds the kinds of a sentence by words alone: an encoder of random weights finds any kind anywhere."""

    def match_texts(self, texts: Sequence[str]) -> ConceptMatches:
        """The kinds of each text, and no concept."""
        n, kinds = len(texts), tuple(kinds_by_words(self.concepts, texts))
        return ConceptMatches(np.full(n, -1), np.zeros(n, np.float32), kinds)


def test_a_sentence_that_is_masked_changes_no_score_and_is_no_part(scorer: Scorer) -> None:
    matcher = scorer.matcher
    by_words = ByWords(**{field.name: getattr(matcher, field.name) for field in fields(matcher)})
    masking = replace(scorer)
    masking.__dict__["mask"] = Mask((Sensitive.RELIGION,), by_words)
    rows = stating_table(2, 3).drop(columns="outcome")
    rows.loc[1, list(rows.columns.difference(["application_id"]))] = rows.iloc[0]
    rows["statement"] = ["I earn $4,000 a month.", f"I earn $4,000 a month. {CHURCH}"]
    whole, scored = scorer.score(rows).scores, masking.score(rows).scores
    assert whole["pd"].iloc[0] != whole["pd"].iloc[1]
    assert scored["pd"].iloc[0] == scored["pd"].iloc[1] == whole["pd"].iloc[0]
    reading = masking.read(read_frame(rows, scorer.schema).applications, sentences=True)
    assert reading.applications.frame["stated_income"].tolist() == [48_000.0, 48_000.0]
    assert reading.quality[0].count("contradiction") == reading.quality[1].count("contradiction")
    explanation = scorer.explainer.explain(reading.design, reading.sentences)
    parts = stated_parts(explanation, reading.masked.applications)
    assert parts
    assert not any("church" in explanation.block.text[part.sentence] for part in parts)


def test_what_is_stated_moves_the_score_of_a_model_that_learned_from_it(scorer: Scorer) -> None:
    rows = stating_table(2, 4).drop(columns="outcome")
    rows.loc[1, list(rows.columns.difference(["application_id", "statement"]))] = rows.iloc[0]
    rows["statement"] = ["I earn $1,000 a month. Thank you.", "I earn $5,000 a month. Thank you."]
    explanation = scorer.explain(rows).explanation
    column = explanation.column_names.index("stated_income")
    assert explanation.columns[0, column] > explanation.columns[1, column]
