"""What stands behind a reason, and how much of it the applicant's letter quotes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.explain.cases import Case, Study
from experiments.explain.facts import Ground, facts, ground
from experiments.reporting.parts import Fact
from experiments.session.progress import Clock
from features.tables.applications import Applications
from features.tables.reader import ReadOptions, read_all
from fusion.scorer import load_scorer
from tests.support.explained import Trained

SENTENCE = Fact(title="Statement", value="I owe on three cards.")


@pytest.fixture(scope="module")
def study(trained: Trained) -> Study:
    return Study.of(load_scorer(trained.model), exact=False, timed=Clock().timed)


def studied(study: Study, trained: Trained, statement: str) -> Case:
    """The first applicant, with another statement and no job."""
    rows = read_all(trained.data, study.bundle.schema, ReadOptions()).applications.take(np.array([0]))
    frame = rows.frame.assign(statement=pd.Series([statement], dtype=object), job_title=pd.Series([""], dtype=object))
    return study.study(Applications(rows.schema, frame, rows.row_number))


def grounds(study: Study, case: Case) -> list[Ground]:
    """What stands behind every reason for which a sentence does."""
    book = study.scorer.book
    found = [ground(case, reason, book, facts(case)) for reason in book.reasons]
    return [one for one in found if one.sentence is not None]


@pytest.mark.parametrize(("n_sentences", "joined"), [(1, False), (30, False), (130, True)])
def test_the_letter_quotes_sentences_and_no_passages_of_several(
    study: Study, trained: Trained, n_sentences: int, joined: bool
) -> None:
    found = []
    for word in ("owe", "save", "earn"):  # by its signs alone, a random encoder may take no points for one of them
        statement = " ".join(f"I {word} {n} on my card." for n in range(n_sentences))
        found += grounds(study, studied(study, trained, statement))
    assert found
    assert {one.joined for one in found} == {joined}
    for one in found:
        assert replace(one, sensitive=False).quotable != joined
        assert one.sentence in one.facts


def test_what_is_private_is_not_quoted() -> None:
    assert Ground(None, SENTENCE, sensitive=False).quotable
    private = Ground(None, SENTENCE, sensitive=True)
    assert not private.quotable
    assert private.facts == (SENTENCE,)
