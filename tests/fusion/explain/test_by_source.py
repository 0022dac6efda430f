"""What each source gives to a score: a split of the contributions, of which nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

from data_schemas.reader import load_schema
from data_schemas.sources import APPLICATION
from fusion.explain.by_source import owner, source_log_odds
from fusion.scorer import Scorer
from tests.support.joined_sources import joined_schema, joined_table

NEW = joined_table(60, 2).drop(columns="outcome")


def test_a_derived_feature_counts_with_the_source_that_it_is_made_of() -> None:
    schema = joined_schema()
    assert [owner(schema, name) for name in ("amount", "open_per_amount", "call_notes", "statement")] == [
        APPLICATION,
        "bureau",
        "calls",
        APPLICATION,
    ]


def test_the_sources_and_the_base_add_up_to_the_margin(joined_scorer: Scorer) -> None:
    explained = joined_scorer.explain(NEW)
    found = source_log_odds(explained.explanation, joined_scorer.schema)
    assert list(found) == [APPLICATION, "bureau", "calls", "court"]
    total = explained.explanation.base + np.sum(list(found.values()), axis=0)
    np.testing.assert_allclose(total, explained.explanation.margin, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(found["court"], 0.0)
    assert np.abs(found["bureau"]).max() > 0.1
    assert np.abs(found["calls"]).max() > 1e-3


def test_points_of_sources_are_in_every_answer(joined_scorer: Scorer) -> None:
    explained = joined_scorer.explain(NEW)
    points = explained.source_points()
    start = joined_scorer.bundle.model.scores(np.array([explained.explanation.base])).score[0]
    np.testing.assert_allclose(start + points.sum(axis=1), explained.answer.scores.score, rtol=0, atol=1e-7)
    assert (points.index == explained.rows.index).all()
    scorer = Scorer(joined_scorer.bundle, joined_scorer.encoder, n_reasons=2)
    scores = scorer.score(NEW.iloc[20:23]).scores
    for name in (APPLICATION, "bureau", "calls", "court"):
        np.testing.assert_array_equal(scores[f"source_points_{name}"], points[name].iloc[20:23])
    assert "source_points_court" in scorer.score(NEW.iloc[:0]).scores


def test_a_schema_without_sources_has_no_points_of_them(joined_scorer: Scorer) -> None:
    explanation = joined_scorer.explain(NEW.iloc[:2]).explanation
    assert source_log_odds(explanation, load_schema("demo")) == {}
    with pytest.raises(KeyError, match="nothing"):
        owner(joined_schema(), "nothing")
